/* SPDX-License-Identifier: Apache-2.0 */
/* Is what an index speaks of really there? */
#ifndef OPS_INDEX_LOCAL_H
#define OPS_INDEX_LOCAL_H

#include "base/error.h"
#include "index/index.h"

/*
 * Whether every file that a choice needs is in the models directory root, a regular file of its
 * size: a directory alone is no model. Of a model with variants, a choice of one needs that one and
 * what is no variant. What is not there is BAKE_ERR_UNAVAILABLE index.not-local; other failures
 * are the system's. Reads no content: bake_verify does.
 */
enum bake_status bake_index_check_local(
	int root, const struct bake_index_choice *choice, struct bake_error *err) BAKE_CHECKED;

#endif
