/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a group's rule, for choosing and for explaining. */
#ifndef INDEX_SELECTING_H
#define INDEX_SELECTING_H

#include "arch/gpu.h"
#include "index/index.h"

bool bake_selecting_rank(const struct bake_selection *rule, uint32_t rank);
bool bake_selecting_wish(const struct bake_variant *variant, const struct bake_index_wish *wish);

/* *out is set when the choice is one of Nunchaku's files and a GPU is named. */
bool bake_selecting_gpu(const struct bake_index_choice *choice, const struct bake_index_wish *wish,
	struct bake_gpu_answer *out);

/* Position in the order of preference; the plain file follows the preferred ones. */
size_t bake_selecting_place(const struct bake_selection *rule, const struct bake_variant *variant);

#endif
