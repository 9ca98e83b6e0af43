/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache: files by content, DIR/sha256/ab/abcd..., shared by parallel builds. Parts live in
 * DIR/.bake until they are whole, so that a build that fails goes on where it stopped.
 */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/relpath.h"
#include "digest/digest.h"
#include "fs/workdir.h"

struct bake_cache {
	int root;
	struct bake_workdir workdir;
};

#define BAKE_CACHE_INIT                                                                            \
	{                                                                                          \
		.root = -1, .workdir = BAKE_WORKDIR_INIT                                           \
	}

/* Opens or makes it. */
enum bake_status bake_cache_open(
	struct bake_cache *cache, const char *path, struct bake_error *err) BAKE_CHECKED;
void bake_cache_close(struct bake_cache *cache);

/* Where a file of that digest is, or goes, beneath the cache's root. Text lives in arena. */
enum bake_status bake_cache_path(struct bake_arena *arena, const struct bake_digest *sha256,
	struct bake_relpath *out, struct bake_error *err) BAKE_CHECKED;

/* Opens the cached file when there is one of that size; *out_fd is -1 when there is none. What it
 * holds is checked as it is copied. */
enum bake_status bake_cache_find(const struct bake_cache *cache, struct bake_relpath path,
	uint64_t size, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/* Removes a file that turned out not to be what its name says. */
void bake_cache_drop(const struct bake_cache *cache, struct bake_relpath path);

#endif
