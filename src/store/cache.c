/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cache.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/dir.h"

enum bake_status bake_cache_open(struct bake_cache *cache, const char *path, struct bake_error *err)
{
	_cleanup_close_ int root = -1;

	if (bake_dir_make(path, &root, err) != BAKE_OK)
		return bake_error_wrap(err, "cache");
	if (bake_workdir_share(root, &cache->workdir, err) != BAKE_OK)
		return bake_error_wrap(err, "cache");
	cache->root = steal_fd(&root);
	cache->workdir.root = cache->root;
	return BAKE_OK;
}

void bake_cache_close(struct bake_cache *cache)
{
	bake_workdir_close(&cache->workdir);
	cleanup_close(&cache->root);
	cache->root = -1;
}

enum bake_status bake_cache_path(struct bake_arena *arena, const struct bake_digest *sha256,
	struct bake_relpath *out, struct bake_error *err)
{
	char text[BAKE_DIGEST_HEX_MAX + 16];
	char hex[BAKE_DIGEST_HEX_MAX];
	const char *copy;

	(void)bake_digest_hex(sha256, hex);
	(void)snprintf(text, sizeof(text), "sha256/%.2s/%s", hex, hex);
	copy = bake_arena_text(arena, text);
	return copy ? bake_relpath_parse(copy, out, err) : bake_error_nomem(err);
}

enum bake_status bake_cache_find(const struct bake_cache *cache, struct bake_relpath path,
	uint64_t size, int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct bake_error why = BAKE_ERROR_INIT;
	struct stat st;

	*out_fd = -1;
	if (bake_open_regular(cache->root, path, &fd, &st, &why) != BAKE_OK) {
		if (why.status == BAKE_ERR_NOINPUT)
			return BAKE_OK;
		*err = why;
		return bake_error_wrap(err, "cache");
	}
	if ((uint64_t)st.st_size != size) {
		bake_cache_drop(cache, path);
		return BAKE_OK;
	}
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

void bake_cache_drop(const struct bake_cache *cache, struct bake_relpath path)
{
	(void)unlinkat(cache->root, path.text, 0);
}
