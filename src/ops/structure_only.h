/* SPDX-License-Identifier: Apache-2.0 */
/* The structure of files and directories of which no lock or index says anything. */
#ifndef OPS_STRUCTURE_ONLY_H
#define OPS_STRUCTURE_ONLY_H

#include "ops/structure.h"

struct bake_structure_only_options {
	const char *const *paths;
	size_t path_count;
	unsigned jobs;
	bool allow_missing; /* components without weights are a note */
	const struct bake_pickle_policy *pickles;
	bool scan_values;
	const char *probe;
	uint64_t probe_timeout_ms;
};

/* One of the paths. */
struct bake_structure_path {
	const char *path; /* the caller's */
	struct bake_structure structure;
	struct bake_arena arena;	/* owns its files */
	const struct bake_error *worst; /* NULL: none */
	struct bake_error probe;	/* BAKE_OK: it did not fail */
};

struct bake_structure_only_report {
	struct bake_structure_path *paths;
	size_t path_count; /* of those that were looked at */
	size_t checked;	   /* files */
	size_t broken;	   /* errors */
};

/*
 * Looks at each path: a directory with all that is beneath it, links not followed, or a file; an index
 * or a part with the files that belong to it. *out is the caller's to release whatever happened. The
 * status is the worst finding's; BAKE_ERR_NOINPUT verify.nothing when nothing was there to check.
 */
enum bake_status bake_structure_only(const struct bake_structure_only_options *options,
	struct bake_structure_only_report *out, struct bake_error *err) BAKE_CHECKED;
void bake_structure_only_release(struct bake_structure_only_report *report);

#endif
