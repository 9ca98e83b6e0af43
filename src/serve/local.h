/* SPDX-License-Identifier: Apache-2.0 */
/* What of an index is really there: each model's files by size, in the models directory or in the
 * fallback directory. Content is bake-verify's to compare. */
#ifndef SERVE_LOCAL_H
#define SERVE_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/index.h"

enum bake_local_state {
	BAKE_LOCAL_BAKED,    /* all files are in the models directory */
	BAKE_LOCAL_FALLBACK, /* all are in the fallback directory */
	BAKE_LOCAL_MISSING,  /* it was never baked */
	BAKE_LOCAL_ABSENT,   /* the index says baked, but a file is absent */
	BAKE_LOCAL_WRONG,    /* the same, and a file has another size or is no file */
	BAKE_LOCAL_STATES
};

/* "baked", "fallback", "missing" (also for absent), "wrong". */
const char *bake_local_state_name(enum bake_local_state state);

/* Why what the index promises is not there; NULL: it is, or was not promised. */
const char *bake_local_problem(enum bake_local_state state);
bool bake_local_usable(enum bake_local_state state);

struct bake_local {
	enum bake_local_state *states; /* of index->models[i] */
	bool *promised;		       /* the index says that it is baked */
	size_t count;
	size_t of_state[BAKE_LOCAL_STATES];
	uint64_t bytes;		  /* of the models that are usable */
	size_t required_unusable; /* models that are required and cannot be used */
	bool hidden; /* the index says baked, and no file of any model is there: is a volume over it? */
};

/* models and fallback are directories, -1: there is none. former: what was seen before, NULL when
 * index->models[i].baked is still what the index says. False when memory is short. */
bool bake_local_look(const struct bake_index *index, const struct bake_local *former, int models,
	int fallback, struct bake_local *out);
void bake_local_release(struct bake_local *local);
bool bake_local_equal(const struct bake_local *a, const struct bake_local *b);

#endif
