/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "base/pages.h"

enum {
	BLOCK_BYTES = 32 * 1024,
	GROWTH = 8 /* each block is larger than the one before, up to a page of the larger kind */
};

struct bake_arena_block {
	struct bake_arena_block *next;
	size_t used;
	size_t room;
	alignas(max_align_t) unsigned char bytes[];
};

static struct bake_arena_block *add_block(struct bake_arena *arena, size_t size)
{
	size_t before = arena->blocks ? sizeof(*arena->blocks) + arena->blocks->room : 0;
	size_t bytes = before < BAKE_HUGE_PAGE / GROWTH ? before * GROWTH : BAKE_HUGE_PAGE;
	struct bake_arena_block *block;

	if (bytes < BLOCK_BYTES)
		bytes = BLOCK_BYTES;
	if (bytes < arena->expected)
		bytes = arena->expected < BAKE_HUGE_PAGE ? arena->expected : BAKE_HUGE_PAGE;
	size += sizeof(*block);
	if (bytes < size)
		bytes = size;
	block = bake_pages_alloc(&bytes);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	block->used = 0;
	block->room = bytes - sizeof(*block);
	arena->blocks = block;
	return block;
}

/* Not zeroed. align is a power of two. */
static void *take(struct bake_arena *arena, size_t size, size_t align)
{
	struct bake_arena_block *block = arena->blocks;
	size_t at = block ? (block->used + align - 1) & ~(align - 1) : 0;

	if (size > arena->max - arena->used || size > SIZE_MAX / 2)
		return NULL;
	if (!block || at > block->room || size > block->room - at) {
		block = add_block(arena, size);
		at = 0;
	}
	if (!block)
		return NULL;
	block->used = at + size;
	arena->used += size;
	return block->bytes + at;
}

void *bake_arena_alloc(struct bake_arena *arena, size_t size)
{
	void *taken = take(arena, size, alignof(max_align_t));

	return taken ? memset(taken, 0, size) : NULL;
}

void *bake_arena_room(struct bake_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return take(arena, bytes ? bytes : 1, alignof(max_align_t));
}

void *bake_arena_array(struct bake_arena *arena, size_t count, size_t size)
{
	void *room = bake_arena_room(arena, count, size);

	return room ? memset(room, 0, count * size) : NULL;
}

char *bake_arena_copy(struct bake_arena *arena, const char *text, size_t len)
{
	char *copy = len < SIZE_MAX ? take(arena, len + 1, 1) : NULL;

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
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
	char *joined = take(arena, a_len + slash + b_len + 1, 1);

	if (!joined)
		return NULL;
	memcpy(joined, a, a_len);
	if (slash)
		joined[a_len] = '/';
	memcpy(joined + a_len + slash, b, b_len + 1);
	return joined;
}

void bake_arena_adopt(struct bake_arena *arena, struct bake_arena *other)
{
	struct bake_arena_block *last = other->blocks;

	if (!last)
		return;
	while (last->next)
		last = last->next;
	/* Behind the block that is being filled. */
	if (arena->blocks) {
		last->next = arena->blocks->next;
		arena->blocks->next = other->blocks;
	} else {
		arena->blocks = other->blocks;
	}
	arena->used =
		other->used > arena->max - arena->used ? arena->max : arena->used + other->used;
	other->blocks = NULL;
	other->used = 0;
}

void bake_arena_release(struct bake_arena *arena)
{
	while (arena->blocks) {
		struct bake_arena_block *next = arena->blocks->next;

		bake_pages_free(arena->blocks, sizeof(*next) + arena->blocks->room);
		arena->blocks = next;
	}
	arena->used = 0;
}
