/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What weights must not hold: NaN and infinity, in numbers or in the scales of blocks of quants. A
 * tensor is looked at piece by piece, as its bytes come.
 */
#ifndef FORMAT_VALUES_H
#define FORMAT_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "tensor/dtype.h"
#include "tensor/ggml_type.h"

struct bake_values_layout;

struct bake_values {
	const struct bake_values_layout *layout;
	uint64_t units; /* seen: elements, or blocks of a quantised type */
	uint64_t nan;	/* numbers: a block may have several */
	uint64_t inf;
	uint64_t first; /* unit with the first of them, when there is one */
};

/*
 * False when there is nothing to look for: integers, and types that are too new or too odd for it
 * to be known where their scales are. *out is then as if all had been looked at.
 */
bool bake_values_init_dtype(struct bake_values *out, enum bake_dtype dtype);
bool bake_values_init_ggml(struct bake_values *out, const struct bake_ggml_type *type);

/* Bytes of an element or block: every piece but the last is a whole number of them. 1 when there is
 * nothing to look for. */
size_t bake_values_unit(const struct bake_values *values);

/* Looks at the next piece. Bytes behind the last whole unit are not looked at. */
void bake_values_scan(struct bake_values *values, struct bake_span piece);

#endif
