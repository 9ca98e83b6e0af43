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
	int len;

	if (walk->count == BAKE_WALK_MAX || walk->bytes > BAKE_WALK_BYTES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "fs.too-many",
			"the directory holds more than %d entries, or too long ones",
			BAKE_WALK_MAX);
	if (!bake_grow(&entries, &walk->room, walk->count + 1, sizeof(*walk->entries)))
		return bake_error_nomem(err);
	walk->entries = entries;
	len = asprintf(&path, "%s%s%s", prefix, prefix[0] ? "/" : "", name);
	if (len < 0)
		return bake_error_nomem(err);
	walk->bytes += (size_t)len;
	walk->entries[walk->count++] = (struct bake_walk_entry){
		.path = path,
		.mode = st->st_mode,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.depth = depth,
	};
	return BAKE_OK;
}

/* The entries of one directory, without what is in them. */
static enum bake_status list_one(DIR *list, const char *prefix, const char *const *skip,
	unsigned depth, struct bake_walk *walk, struct bake_error *err)
{
	struct dirent *entry;
	struct stat st;

	while ((errno = 0, entry = readdir(list))) {
		if (skipped(skip, entry->d_name))
			continue;
		if (fstatat(dirfd(list), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			BAKE_TRY(add(walk, prefix, entry->d_name, &st, depth, err));
		else if (errno != ENOENT) /* removed meanwhile: not there */
			return bake_error_errno(
				err, errno, "'%s/%s'", BAKE_SHOW(prefix), BAKE_SHOW(entry->d_name));
	}
	if (errno)
		return bake_error_errno(err, errno, "list '%s'", BAKE_SHOW(prefix));
	return BAKE_OK;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * Lists the directory fd, which it takes, and what is below. Each directory is opened in the one it
 * was found in, so that nothing renamed meanwhile leads elsewhere.
 */
static enum bake_status list_tree(int fd, const char *prefix, const char *const *skip,
	unsigned depth, struct bake_walk *walk, struct bake_error *err)
{
	_cleanup_(close_list) DIR *list = fdopendir(fd);
	size_t first = walk->count;
	size_t end;

	if (!list) {
		(void)close(fd);
		return bake_error_errno(err, errno, "list '%s'", BAKE_SHOW(prefix));
	}
	BAKE_TRY(list_one(list, prefix, skip, depth, walk, err));
	end = walk->count;
	for (size_t i = first; i < end; i++) {
		const char *path = walk->entries[i].path; /* the list may move, the text does not */

		if (!S_ISDIR(walk->entries[i].mode))
			continue;
		if (depth >= BAKE_PATH_DEPTH_MAX)
			return bake_error_set(err, BAKE_ERR_DATA, "fs.too-deep",
				"'%s' is more than %d directories deep", BAKE_SHOW(path),
				BAKE_PATH_DEPTH_MAX);
		fd = openat(dirfd(list), name_of(path),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			BAKE_TRY(list_tree(fd, path, NULL, depth + 1, walk, err));
		else if (errno != ENOENT)
			return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(path));
	}
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

enum bake_status bake_walk_read(
	int root, const char *const *skip, struct bake_walk *out, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return bake_error_errno(err, errno, "open the directory");
	BAKE_TRY(list_tree(fd, "", skip, 0, &walk, err));
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
