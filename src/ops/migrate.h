/* SPDX-License-Identifier: Apache-2.0 */
/* Filling the architecture of models that are there into the registry, or the index, that has them. */
#ifndef OPS_MIGRATE_H
#define OPS_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct bake_migrate_options {
	const char *path; /* a registry, an index, or a directory with model-info.json */
	bool dry_run;
	size_t limit; /* entries to look at; 0: all */
};

enum bake_migrate_outcome {
	BAKE_MIGRATE_UPDATED,
	BAKE_MIGRATE_UNCHANGED,
	BAKE_MIGRATE_EMPTY,    /* its files say nothing of an architecture */
	BAKE_MIGRATE_MISSING,  /* there is nothing where it should be */
	BAKE_MIGRATE_UNPLACED, /* the entry does not say where its files are */
	BAKE_MIGRATE_FAILED,
};

/* Stable words: "updated", "unchanged", "empty", "missing", "unplaced", "failed". */
const char *bake_migrate_outcome_name(enum bake_migrate_outcome outcome);

struct bake_migrate_line {
	const char *name;
	enum bake_migrate_outcome outcome;
	size_t changed;		 /* values that are new or other */
	struct bake_error error; /* of a FAILED one */
};

struct bake_migrate_report {
	struct bake_arena arena;
	struct bake_migrate_line *lines;
	size_t line_count;
	size_t left;  /* entries that limit left out */
	bool changed; /* the document is another than before; written, but in a dry run */
};

/* *out is to be released whatever happens. What fails for one entry leaves it as it is and is in its
 * line; BAKE_ERR_PARTIAL then says so at the end, with the others written. */
enum bake_status bake_migrate(const struct bake_migrate_options *options,
	struct bake_migrate_report *out, struct bake_error *err) BAKE_CHECKED;
void bake_migrate_report_release(struct bake_migrate_report *report);

#endif
