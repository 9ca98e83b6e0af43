/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache: files by content, DIR/sha256/ab/abcd..., shared by parallel builds. Parts live in
 * DIR/.bake until they are whole, so that a build that fails goes on where it stopped.
 *
 * It is a convenience, not a promise: whatever is wrong with it, a file can still be fetched past
 * it. What it holds is hashed as it is taken out, so whoever may write to it can cost time and
 * nothing else. Links are never followed, and what is not ours is never removed.
 */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/event.h"
#include "base/relpath.h"
#include "digest/digest.h"
#include "fs/workdir.h"

enum {
	/* Parts that nobody has worked on for so long are removed when the cache is opened. */
	BAKE_CACHE_STALE_S = 7 * 24 * 60 * 60
};

struct bake_cache {
	int root;		     /* -1: there is none */
	uid_t owner;		     /* of the directory */
	struct bake_workdir workdir; /* fd -1: it is only read */
};

#define BAKE_CACHE_INIT                                                                            \
	{                                                                                          \
		.root = -1, .workdir = BAKE_WORKDIR_INIT                                           \
	}

/* A file of the cache, or one that it might have. */
struct bake_cache_entry {
	struct bake_relpath path; /* beneath the cache's root */
	struct bake_digest sha256;
	uint64_t size;
};

/*
 * Opens or makes it, and removes stale parts. One that cannot be made is no failure, only a notice
 * and no cache; one that cannot be written to, or whose .bake is somebody else's, is only read. A
 * path to something that is no directory is a mistake: BAKE_ERR_CANTCREATE.
 */
enum bake_status bake_cache_open(struct bake_cache *cache, const char *path,
	const struct bake_events *events, struct bake_error *err) BAKE_CHECKED;

/* Opens it only for reading and makes nothing, for looking at what would happen. */
enum bake_status bake_cache_peek(
	struct bake_cache *cache, const char *path, struct bake_error *err) BAKE_CHECKED;

void bake_cache_close(struct bake_cache *cache);

bool bake_cache_is_open(const struct bake_cache *cache);
bool bake_cache_is_writable(const struct bake_cache *cache);

/* Where a file of that digest is, or goes, beneath the cache's root. Text lives in arena. */
enum bake_status bake_cache_path(struct bake_arena *arena, const struct bake_digest *sha256,
	struct bake_relpath *out, struct bake_error *err) BAKE_CHECKED;

/*
 * Opens the cached file when there is one of that size that can be read; -1 when not, which is also
 * what a link, a directory and a file without permission are. What it holds is checked as it is
 * copied. A file of another size is dropped.
 */
int bake_cache_find(const struct bake_cache *cache, const struct bake_cache_entry *entry);

/*
 * Removes a cached file that turned out not to be what its name says. fd is the one that was read:
 * when the name leads to another file by now, or somebody is about to publish one, or the file is
 * not ours, nothing is removed.
 */
void bake_cache_drop(const struct bake_cache *cache, const struct bake_cache_entry *entry, int fd);

/* Whether another process is fetching the entry into the cache just now. *out_mark changes as
 * that gets on. */
bool bake_cache_is_busy(
	const struct bake_cache *cache, const struct bake_cache_entry *entry, uint64_t *out_mark);

#endif
