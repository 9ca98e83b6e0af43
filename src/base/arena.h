/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that dies together: what a document (manifest, lock, index) was parsed into. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/span.h"

struct bake_arena_block;

struct bake_arena {
	struct bake_arena_block *blocks;
	size_t used; /* bytes handed out */
	size_t max;  /* ceiling: past it every request fails */
	/* About how many bytes will be asked for: few blocks are then made for them. 0: nobody
	 * knows. */
	size_t expected;
};

#define BAKE_ARENA_INIT(ceiling)                                                                   \
	{                                                                                          \
		.blocks = NULL, .used = 0, .max = (ceiling)                                        \
	}

/* Zeroed, aligned for any type. NULL when memory or the ceiling is exhausted. */
void *bake_arena_alloc(struct bake_arena *arena, size_t size);

/* count * size with the product checked. A count of 0 gives a valid pointer to nothing. */
void *bake_arena_array(struct bake_arena *arena, size_t count, size_t size);

/* The same without the zeroes, for what is then written whole. */
void *bake_arena_room(struct bake_arena *arena, size_t count, size_t size);

/* A NUL-terminated copy. */
char *bake_arena_copy(struct bake_arena *arena, const char *text, size_t len);
char *bake_arena_text(struct bake_arena *arena, const char *text);

/* "a/b"; just b when a is empty. */
char *bake_arena_join(struct bake_arena *arena, const char *a, const char *b);

/* What other holds is arena's from now on; other is then empty. */
void bake_arena_adopt(struct bake_arena *arena, struct bake_arena *other);

void bake_arena_release(struct bake_arena *arena);

#endif
