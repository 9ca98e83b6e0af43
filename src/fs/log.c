/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

enum {
	LOCK_TRIES = 100, /* 10 ms each */
	OPEN_TRIES = 100  /* others may put it away each time between our opening and locking */
};

/* Private, as the XDG specification wants the state directory to be made. */
static void make_parents(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	for (char *slash = copy && copy[0] ? strchr(copy + 1, '/') : NULL; slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		best_effort(mkdir(copy, 0700));
		*slash = '/';
	}
}

static enum bake_status open_file(const char *path, int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return bake_error_errno(err, errno, "history '%s'", BAKE_SHOW(path));
	if (!S_ISREG(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
			"history '%s' is not a regular file", BAKE_SHOW(path));
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

static bool take_lock(int fd, bool for_ever)
{
	const struct timespec pause = {.tv_nsec = 10L * 1000 * 1000};

	if (for_ever)
		return flock(fd, LOCK_EX) == 0;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* Whether path still is what we have locked. */
static bool is_current(int fd, const char *path, struct stat *out)
{
	struct stat named;

	return fstat(fd, out) == 0 && lstat(path, &named) == 0 && named.st_dev == out->st_dev &&
	       named.st_ino == out->st_ino;
}

/* False: nobody can put it away, so that it grows on. */
static bool put_away(const char *path)
{
	_cleanup_free_ char *former = NULL;

	return asprintf(&former, "%s" BAKE_LOG_FORMER, path) >= 0 && rename(path, former) == 0;
}

enum bake_status bake_log_open(
	const char *path, uint64_t limit, int *out_fd, struct bake_error *err)
{
	make_parents(path);
	for (int i = 0; i < OPEN_TRIES; i++) {
		_cleanup_close_ int fd = -1;
		struct stat st;

		BAKE_TRY(open_file(path, &fd, err));
		if (!take_lock(fd, limit == 0)) {
			if (limit == 0)
				return bake_error_errno(err, errno, "lock '%s'", BAKE_SHOW(path));
			*out_fd = steal_fd(&fd);
			return BAKE_OK;
		}
		if (!is_current(fd, path, &st))
			continue;
		if (limit && (uint64_t)st.st_size >= limit && put_away(path))
			continue;
		*out_fd = steal_fd(&fd);
		return BAKE_OK;
	}
	return bake_error_set(err, BAKE_ERR_IO, "fs.io", "history '%s' does not stay where it is",
		BAKE_SHOW(path));
}
