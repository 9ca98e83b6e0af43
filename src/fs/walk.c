/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"

static void close_list(DIR **list)
{
	if (*list)
		(void)closedir(*list);
}

static bool skipped(const char *const *skip, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	for (; skip && *skip; skip++) {
		if (strcmp(name, *skip) == 0)
			return true;
	}
	return false;
}

static enum bake_status add(struct bake_walk *walk, const char *prefix, const char *name,
	const struct stat *st, unsigned depth, struct bake_error *err)
{
	void *entries = walk->entries;
	char *path;

	if (walk->count == BAKE_WALK_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "fs.too-many",
			"more than %d entries in the directory", BAKE_WALK_MAX);
	if (!bake_grow(&entries, &walk->room, walk->count + 1, sizeof(*walk->entries)))
		return bake_error_nomem(err);
	walk->entries = entries;
	if (asprintf(&path, "%s%s%s", prefix, prefix[0] ? "/" : "", name) < 0)
		return bake_error_nomem(err);
	walk->entries[walk->count++] = (struct bake_walk_entry){
		.path = path,
		.mode = st->st_mode,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.depth = depth,
	};
	return BAKE_OK;
}

/* Lists one directory, whose fd it takes. */
static enum bake_status list_one(int fd, const char *prefix, const char *const *skip,
	unsigned depth, struct bake_walk *walk, struct bake_error *err)
{
	_cleanup_(close_list) DIR *list = fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!list) {
		(void)close(fd);
		return bake_error_errno(err, errno, "list '%s'", BAKE_SHOW(prefix));
	}
	while ((errno = 0, entry = readdir(list))) {
		if (skipped(depth == 0 ? skip : NULL, entry->d_name))
			continue;
		if (fstatat(dirfd(list), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return bake_error_errno(
				err, errno, "'%s/%s'", BAKE_SHOW(prefix), BAKE_SHOW(entry->d_name));
		BAKE_TRY(add(walk, prefix, entry->d_name, &st, depth, err));
	}
	if (errno)
		return bake_error_errno(err, errno, "list '%s'", BAKE_SHOW(prefix));
	return BAKE_OK;
}

/* '/' sorts below everything else, so that a directory is followed by its own entries. */
static int rank(char c)
{
	if (c == '/')
		return 1;
	return c ? (unsigned char)c + 1 : 0;
}

static int compare(const void *a, const void *b)
{
	const char *x = ((const struct bake_walk_entry *)a)->path;
	const char *y = ((const struct bake_walk_entry *)b)->path;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return rank(*x) - rank(*y);
}

static int open_at(int root, const char *path)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	return openat(root, path, flags);
}

enum bake_status bake_walk_read(
	int root, const char *const *skip, struct bake_walk *out, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	int fd = open_at(root, ".");

	if (fd < 0)
		return bake_error_errno(err, errno, "open the directory");
	BAKE_TRY(list_one(fd, "", skip, 0, &walk, err));
	for (size_t i = 0; i < walk.count; i++) {
		struct bake_walk_entry entry = walk.entries[i];

		if (!S_ISDIR(entry.mode))
			continue;
		if (entry.depth >= BAKE_PATH_DEPTH_MAX)
			return bake_error_set(err, BAKE_ERR_DATA, "fs.too-deep",
				"'%s' is more than %d directories deep", BAKE_SHOW(entry.path),
				BAKE_PATH_DEPTH_MAX);
		fd = open_at(root, entry.path);
		if (fd < 0)
			return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(entry.path));
		BAKE_TRY(list_one(fd, entry.path, skip, entry.depth + 1, &walk, err));
	}
	if (walk.count)
		qsort(walk.entries, walk.count, sizeof(*walk.entries), compare);
	*out = walk;
	walk = (struct bake_walk)BAKE_WALK_INIT;
	return BAKE_OK;
}

void bake_walk_release(struct bake_walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		free(walk->entries[i].path);
	free(walk->entries);
	*walk = (struct bake_walk)BAKE_WALK_INIT;
}
