/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/rows.h"

static char root[SCRATCH_PATH / 2];
static unsigned made;

static void make_root(void)
{
	const char *temporary = getenv("TMPDIR");
	int len = snprintf(root, sizeof(root), "%s/bake-unit-XXXXXX",
		temporary && temporary[0] ? temporary : "/tmp");

	assert_in_range(len, 1, sizeof(root) - 1);
	assert_non_null(mkdtemp(root));
}

int scratch_open(char path[SCRATCH_PATH])
{
	int fd;

	if (!root[0])
		make_root();
	(void)snprintf(path, SCRATCH_PATH, "%s/%u", root, ++made);
	assert_int_equal(mkdir(path, 0755), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void scratch_remove(void)
{
	if (root[0])
		(void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	root[0] = '\0';
}

void scratch_write(int dir, const char *name, const void *bytes, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	if (len)
		assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(close(fd), 0);
}

void scratch_text(int dir, const char *name, const char *text)
{
	scratch_write(dir, name, text, strlen(text));
}

bool scratch_holds(int dir, const char *name, const void *bytes, size_t len)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *held = malloc(len + 1);
	bool same = false;

	if (fd >= 0 && held)
		same = pread(fd, held, len + 1, 0) == (ssize_t)len &&
		       (len == 0 || memcmp(held, bytes, len) == 0);
	if (fd >= 0)
		(void)close(fd);
	free(held);
	return same;
}

bool scratch_says(int dir, const char *name, const char *text)
{
	return scratch_holds(dir, name, text, strlen(text));
}

bool scratch_has(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

size_t scratch_count(int dir)
{
	DIR *list = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	size_t count = 0;
	const struct dirent *entry;

	assert_non_null(list);
	while ((entry = readdir(list)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	(void)closedir(list);
	return count;
}
