/* SPDX-License-Identifier: Apache-2.0 */
/* What the baked models' own files say, brought into an index that is being built. */
#ifndef OPS_INDEX_DESCRIBE_H
#define OPS_INDEX_DESCRIBE_H

#include <stddef.h>

#include "base/error.h"
#include "index/index.h"
#include "manifest/manifest.h"

/* Inspections that an index borrows from: to be released after it. */
struct bake_described {
	struct bake_inspection **inspections; /* NULL: of a model that is not baked */
	struct bake_index_facts *facts;
	size_t count;
};

/*
 * Looks at the files of every baked model beneath the roots, and sets facts, format and
 * quantization. A model whose header is broken is described without architecture and with a warning
 * that says so: whether it is right is bake-verify's to say.
 */
enum bake_status bake_index_describe(struct bake_index *index, const struct bake_manifest *manifest,
	const int *roots, size_t root_count, struct bake_described *out,
	struct bake_error *err) BAKE_CHECKED;
void bake_described_release(struct bake_described *described);

#endif
