/* SPDX-License-Identifier: Apache-2.0 */
#include "base/named.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct bake_named bake_named(const char *text, size_t index)
{
	return (struct bake_named){
		.hash = bake_text_hash(text, strlen(text)), .text = text, .index = index};
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

void bake_named_sort(struct bake_named *list, size_t count)
{
	if (count > 1)
		qsort(list, count, sizeof(*list), compare);
}

bool bake_named_same(const struct bake_named *a, const struct bake_named *b)
{
	return a->hash == b->hash && strcmp(a->text, b->text) == 0;
}
