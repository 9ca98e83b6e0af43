/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "digest/hasher.h"

/* The line begins with the digest, so lines sort as digests and then as paths. */
static int compare(const void *a, const void *b)
{
	const struct bake_aggregate_file *x = a;
	const struct bake_aggregate_file *y = b;
	int order = memcmp(x->sha256->bytes, y->sha256->bytes, 32);

	return order ? order : strcmp(x->path, y->path);
}

enum bake_status bake_aggregate_sha256(const struct bake_aggregate_file *files, size_t count,
	struct bake_digest *out, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	_cleanup_free_ struct bake_aggregate_file *sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return bake_error_nomem(err);
	if (count)
		memcpy(sorted, files, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	for (size_t i = 0; i < count; i++) {
		if (i)
			bake_hasher_update(&hasher, bake_span("\n", 1));
		bake_hasher_update(&hasher, bake_span_text(BAKE_HEX(sorted[i].sha256)));
		bake_hasher_update(&hasher, bake_span("  ", 2));
		bake_hasher_update(&hasher, bake_span_text(sorted[i].path));
	}
	return bake_hasher_final(&hasher, out, err);
}
