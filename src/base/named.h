/* SPDX-License-Identifier: Apache-2.0 */
/* Which of many texts are the same: once sorted, those are neighbours. The order says nothing else,
 * and is one of numbers, so that texts are seldom looked at. */
#ifndef BASE_NAMED_H
#define BASE_NAMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct bake_named {
	uint64_t hash;
	const char *text; /* borrowed */
	size_t index;	  /* the caller's, of what is called so */
};

struct bake_named bake_named(const char *text, size_t index);

/* Of those that are the same, the one with the lesser index first. count * log(count), whatever the
 * texts were chosen to be; faster with some room from scratch. */
void bake_named_sort(struct bake_named *list, size_t count, struct bake_arena *scratch);

bool bake_named_same(const struct bake_named *a, const struct bake_named *b);

#endif
