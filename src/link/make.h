/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of links on the disk. Only links are ever made, replaced or removed; what is no link, or
 * a link that leads elsewhere than to the models, is somebody else's: a conflict.
 */
#ifndef LINK_MAKE_H
#define LINK_MAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "link/plan.h"

enum bake_link_state {
	BAKE_LINK_MADE,
	BAKE_LINK_KEPT,	    /* it led there already */
	BAKE_LINK_REPLACED, /* it led elsewhere into the models, or --force */
	BAKE_LINK_REMOVED,
	BAKE_LINK_STALE,     /* it led into the models, to nothing: removed */
	BAKE_LINK_IN_PLACE,  /* the file itself is there */
	BAKE_LINK_NO_TARGET, /* what the index has is not on the disk: not linked */
	BAKE_LINK_CONFLICT,
	BAKE_LINK_STATES
};

const char *bake_link_state_name(enum bake_link_state state);

struct bake_link_result {
	const char *path;   /* below the directory of links */
	const char *target; /* the link's text; "" when it has none */
	const char *model;  /* NULL: of no model that is known */
	enum bake_link_state state;
	const char *why; /* of a conflict, printable; else "" */
};

enum bake_link_action {
	BAKE_LINK_MAKE,	 /* and removes links into the models that lead to nothing */
	BAKE_LINK_REMOVE /* the links that lead into the models */
};

struct bake_link_options {
	const char *models_dir;
	const char *to; /* the directory of links */
	bool relative;	/* links that survive moving both together; else absolute ones */
	bool pretend;	/* changes nothing, reports what it would do */
	bool force;	/* also replaces links that lead elsewhere */
	bool some;	/* the plan is of some models: other links are left alone */
	enum bake_link_action action;
};

struct bake_link_report {
	struct bake_arena arena;
	struct bake_link_result *results; /* sorted by path */
	size_t count;
	size_t room;
	size_t counts[BAKE_LINK_STATES];
};

/*
 * Does all that can be done. Conflicts do not end it: they are in the report. Links are made by
 * symlink(2) and replaced by an exchange of names, so that each path is at every moment what it
 * was or what it will be.
 */
enum bake_status bake_link_apply(const struct bake_link_plan *plan,
	const struct bake_layout_tree *tree, const struct bake_link_options *options,
	struct bake_link_report *out, struct bake_error *err) BAKE_CHECKED;
void bake_link_report_release(struct bake_link_report *report);

#endif
