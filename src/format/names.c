/* SPDX-License-Identifier: Apache-2.0 */
#include "format/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

struct hashed {
	uint64_t hash;
	const char *name;
};

static int compare(const void *left, const void *right)
{
	const struct hashed *a = left;
	const struct hashed *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return strcmp(a->name, b->name);
}

enum bake_status bake_names_find_twice(const void *names, size_t count, size_t stride,
	const char **out_twice, struct bake_error *err)
{
	_cleanup_free_ struct hashed *sorted = calloc(count ? count : 1, sizeof(*sorted));

	if (!sorted)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		memcpy(&sorted[i].name, (const char *)names + i * stride, sizeof(sorted[i].name));
		sorted[i].hash = bake_text_hash(sorted[i].name, strlen(sorted[i].name));
	}
	qsort(sorted, count, sizeof(*sorted), compare);
	*out_twice = NULL;
	for (size_t i = 1; i < count; i++) {
		if (compare(&sorted[i - 1], &sorted[i]) == 0) {
			*out_twice = sorted[i].name;
			break;
		}
	}
	return BAKE_OK;
}
