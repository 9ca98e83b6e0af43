/* SPDX-License-Identifier: Apache-2.0 */
/* Getting room back: what broken runs left, and what is there twice. */
#ifndef CATALOG_PRUNE_H
#define CATALOG_PRUNE_H

#include "base/event.h"
#include "catalog/share.h"
#include "catalog/storage.h"

enum bake_prune_kind {
	BAKE_PRUNE_WORKDIR,   /* .bake of a fetch that did not end well: parts that it could go on
				 with, too */
	BAKE_PRUNE_TEMPORARY, /* a document that a killed process was writing */
	BAKE_PRUNE_TWIN	      /* replaced by a clone or a link */
};

enum bake_prune_state {
	BAKE_PRUNE_PLANNED,
	BAKE_PRUNE_DONE,
	BAKE_PRUNE_SKIPPED /* error says why; it is as it was */
};

struct bake_prune_item {
	enum bake_prune_kind kind;
	enum bake_prune_state state;
	const char *path;
	const struct bake_storage_file *keep; /* of a twin: what it becomes a copy of */
	const struct bake_storage_file *twin;
	uint64_t bytes; /* that this frees */
	enum bake_share_method done;
	struct bake_error error;
};

/* What broken runs left beneath a models directory. */
struct bake_prune {
	struct bake_prune_item *items; /* leftovers first, then twins by path */
	size_t count;
	size_t room;
	uint64_t bytes; /* of all that is planned */
	bool live;	/* a fetch is at work there: nothing may be pruned */
	long owner;	/* its process, 0: not known */
	bool has_workdir;
};

#define BAKE_PRUNE_INIT                                                                            \
	{                                                                                          \
		.items = NULL                                                                      \
	}

/* Looks, and changes nothing. storage knows its twins (bake_storage_find_twins). */
enum bake_status bake_prune_plan(int root, const struct bake_storage *storage,
	struct bake_prune *out, struct bake_error *err) BAKE_CHECKED;

struct bake_prune_options {
	bool leftovers;
	bool twins;
	enum bake_share_method method;
	const struct bake_events *events;
};

/*
 * Does what was planned, under the lock that a fetch takes: BAKE_ERR_TEMPORARY lock.held while one is
 * at work. What cannot be done is skipped; only what makes going on useless fails.
 */
enum bake_status bake_prune_run(int root, struct bake_prune *prune,
	const struct bake_prune_options *options, struct bake_error *err) BAKE_CHECKED;

void bake_prune_release(struct bake_prune *prune);

/* "leftover", "temporary", "duplicate"; "planned", "done", "skipped". */
const char *bake_prune_kind_name(enum bake_prune_kind kind);
const char *bake_prune_state_name(enum bake_prune_state state);

#endif
