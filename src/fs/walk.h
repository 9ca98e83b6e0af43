/* SPDX-License-Identifier: Apache-2.0 */
/* Everything beneath a directory, sorted by path. Links are listed, never followed. */
#ifndef FS_WALK_H
#define FS_WALK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* Most entries listed, and most bytes of their paths: a tree of models has hundreds. */
enum {
	BAKE_WALK_MAX = 200000,
	BAKE_WALK_BYTES_MAX = 32 * 1024 * 1024
};

struct bake_walk_entry {
	char *path;	/* relative, components joined by '/' */
	mode_t mode;	/* type and permissions, of the entry itself */
	uint64_t size;	/* bytes of a regular file, else 0 */
	unsigned depth; /* 0 for an entry of the root */
};

struct bake_walk {
	struct bake_walk_entry *entries;
	size_t count;
	size_t room;
	size_t bytes; /* of all paths */
};

#define BAKE_WALK_INIT                                                                             \
	{                                                                                          \
		.entries = NULL                                                                    \
	}

/* Lists root without the names in skip (a NULL-ended list, compared at the top level; may be
 * NULL). A directory comes right before what is in it. */
enum bake_status bake_walk_read(int root, const char *const *skip, struct bake_walk *out,
	struct bake_error *err) BAKE_CHECKED;

void bake_walk_release(struct bake_walk *walk);

#endif
