/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_BYTES = 32 * 1024
};

struct bake_arena_block {
	struct bake_arena_block *next;
	size_t used;
	size_t room;
	alignas(max_align_t) unsigned char bytes[];
};

static struct bake_arena_block *add_block(struct bake_arena *arena, size_t size)
{
	size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	struct bake_arena_block *block = malloc(sizeof(*block) + room);

	if (!block)
		return NULL;
	block->next = arena->blocks;
	block->used = 0;
	block->room = room;
	arena->blocks = block;
	return block;
}

void *bake_arena_alloc(struct bake_arena *arena, size_t size)
{
	size_t align = alignof(max_align_t);
	struct bake_arena_block *block = arena->blocks;
	void *taken;

	if (size > arena->max - arena->used || size > SIZE_MAX / 2)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!block || size > block->room - block->used)
		block = add_block(arena, size);
	if (!block)
		return NULL;
	taken = block->bytes + block->used;
	block->used += size;
	arena->used = size > arena->max - arena->used ? arena->max : arena->used + size;
	memset(taken, 0, size);
	return taken;
}

void *bake_arena_array(struct bake_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return bake_arena_alloc(arena, bytes ? bytes : 1);
}

char *bake_arena_copy(struct bake_arena *arena, const char *text, size_t len)
{
	char *copy = len < SIZE_MAX ? bake_arena_alloc(arena, len + 1) : NULL;

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

char *bake_arena_text(struct bake_arena *arena, const char *text)
{
	return bake_arena_copy(arena, text, strlen(text));
}

char *bake_arena_join(struct bake_arena *arena, const char *a, const char *b)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	size_t slash = a_len ? 1 : 0;
	char *joined = bake_arena_alloc(arena, a_len + slash + b_len + 1);

	if (!joined)
		return NULL;
	memcpy(joined, a, a_len);
	if (slash)
		joined[a_len] = '/';
	memcpy(joined + a_len + slash, b, b_len);
	return joined;
}

void bake_arena_release(struct bake_arena *arena)
{
	while (arena->blocks) {
		struct bake_arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	arena->used = 0;
}
