/* SPDX-License-Identifier: Apache-2.0 */
/* Which baked models have files that can execute code: a fact about their bytes. */
#ifndef OPS_INDEX_PICKLE_H
#define OPS_INDEX_PICKLE_H

#include <stddef.h>

#include "base/error.h"
#include "index/index.h"

/* Sets executable_code of the index's baked models by what is beneath the roots. */
enum bake_status bake_index_mark_executable(struct bake_index *index, const int *roots,
	size_t root_count, struct bake_error *err) BAKE_CHECKED;

#endif
