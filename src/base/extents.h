/* SPDX-License-Identifier: Apache-2.0 */
/* Which ranges of a file, ahead of a frontier, are already there. Pure arithmetic. */
#ifndef BASE_EXTENTS_H
#define BASE_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More ranges in flight than any engine has connections. */
enum {
	BAKE_EXTENTS_MAX = 512
};

struct bake_extent {
	uint64_t first;
	uint64_t end; /* exclusive */
};

struct bake_extents {
	struct bake_extent list[BAKE_EXTENTS_MAX]; /* sorted, disjoint, not touching */
	size_t count;
};

/* Adds [first, end), merging what it touches. False when there is no room for another one. */
bool bake_extents_add(struct bake_extents *extents, uint64_t first, uint64_t end);

/* Drops the ranges that begin at or before *frontier, and moves the frontier to where the last of
 * them ends. True when it moved. */
bool bake_extents_advance(struct bake_extents *extents, uint64_t *frontier);

#endif
