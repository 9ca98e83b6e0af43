/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, sorted by hash. The hash decides nearly every comparison without a look at the name. Whoever
 * makes names collide, which is easy with FNV, gains nothing: among equal hashes the names decide, and
 * sorting never takes more than n log n comparisons, as a table of slots would.
 */
#include <stdlib.h>

#include "base/text.h"
#include "format/gguf_reader.h"

static int order(const struct bake_gguf_name *a, const struct bake_gguf_name *b)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->name->len != b->name->len)
		return a->name->len < b->name->len ? -1 : 1;
	return a->name->len ? memcmp(a->name->ptr, b->name->ptr, a->name->len) : 0;
}

static int by_name(const void *a, const void *b)
{
	return order(a, b);
}

static int by_name_and_index(const void *a, const void *b)
{
	const struct bake_gguf_name *first = a;
	const struct bake_gguf_name *second = b;
	int decided = order(first, second);

	if (decided)
		return decided;
	return first->index < second->index ? -1 : first->index > second->index;
}

static uint64_t hash_of(struct bake_span name)
{
	return bake_text_hash((const char *)name.ptr, name.len);
}

void bake_gguf_sort_names(struct bake_gguf_name *names, size_t count, size_t *out_again)
{
	*out_again = count;
	for (size_t i = 0; i < count; i++)
		names[i].hash = hash_of(*names[i].name);
	qsort(names, count, sizeof(*names), by_name_and_index);
	for (size_t i = 1; i < count; i++) {
		if (order(&names[i - 1], &names[i]) == 0 && names[i].index < *out_again)
			*out_again = names[i].index;
	}
}

const struct bake_gguf_name *bake_gguf_search_names(
	const struct bake_gguf_name *names, size_t count, struct bake_span name)
{
	struct bake_gguf_name wanted = {.hash = hash_of(name), .name = &name};

	return count ? bsearch(&wanted, names, count, sizeof(*names), by_name) : NULL;
}
