/* SPDX-License-Identifier: Apache-2.0 */
#include "base/named.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The upper bits of FNV-1a hardly know of the last letters. */
static uint64_t mix(uint64_t hash)
{
	hash ^= hash >> 32;
	return hash * UINT64_C(0x9e3779b97f4a7c15);
}

struct bake_named bake_named(const char *text, size_t index)
{
	return (struct bake_named){
		.hash = mix(bake_text_hash(text, strlen(text))), .text = text, .index = index};
}

/* Texts that have a hash in common are told apart by themselves: somebody may have made them so. */
static int compare(const void *a, const void *b)
{
	const struct bake_named *x = a;
	const struct bake_named *y = b;
	int order = (x->hash > y->hash) - (x->hash < y->hash);

	if (!order)
		order = strcmp(x->text, y->text);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void sort(struct bake_named *list, size_t count)
{
	if (count > 1)
		qsort(list, count, sizeof(*list), compare);
}

enum {
	BUCKETS = 4096,
	MANY = 256 /* from which on buckets pay */
};

static size_t bucket_of(const struct bake_named *named)
{
	return named->hash / (UINT64_MAX / BUCKETS + 1);
}

/* Into buckets by hash, then each bucket, which has a few. ends receives where each one ends. */
static void distribute(
	const struct bake_named *list, size_t count, struct bake_named *out, size_t *ends)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++)
		ends[bucket_of(&list[i])]++;
	for (size_t i = 0; i < BUCKETS; i++) {
		size_t held = ends[i];

		ends[i] = at;
		at += held;
	}
	for (size_t i = 0; i < count; i++)
		out[ends[bucket_of(&list[i])]++] = list[i];
}

void bake_named_sort(struct bake_named *list, size_t count, struct bake_arena *scratch)
{
	struct bake_named *apart =
		count < MANY ? NULL : bake_arena_room(scratch, count, sizeof(*apart));
	size_t *ends = apart ? bake_arena_array(scratch, BUCKETS, sizeof(*ends)) : NULL;
	size_t begin = 0;

	if (!ends) {
		sort(list, count);
		return;
	}
	distribute(list, count, apart, ends);
	memcpy(list, apart, count * sizeof(*list));
	for (size_t i = 0; i < BUCKETS; i++) {
		sort(list + begin, ends[i] - begin);
		begin = ends[i];
	}
}

bool bake_named_same(const struct bake_named *a, const struct bake_named *b)
{
	return a->hash == b->hash && strcmp(a->text, b->text) == 0;
}
