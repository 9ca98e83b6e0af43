/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

enum bake_status bake_dir_open(const char *path, int *out_fd, struct bake_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return bake_error_errno(err, errno, "directory '%s'", BAKE_SHOW(path));
	*out_fd = fd;
	return BAKE_OK;
}

/* mkdir that defeats the umask and a set-group-ID parent. True when it made one. Where an exotic file
 * system has no owners or modes, the directory and what goes into it still are right. */
static bool make_one(int at, const char *name)
{
	if (mkdirat(at, name, BAKE_MODE_DIR) != 0)
		return false;
	best_effort(fchownat(at, name, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW));
	best_effort(fchmodat(at, name, BAKE_MODE_DIR, 0));
	return true;
}

enum bake_status bake_dir_make(const char *path, int *out_fd, struct bake_error *err)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return bake_error_nomem(err);
	if (path[0] == '\0')
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.empty", "the directory's name is empty");
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!make_one(AT_FDCWD, copy) && errno != EEXIST && errno != EROFS)
			return bake_error_errno(err, errno, "make directory '%s'", BAKE_SHOW(copy));
		*slash = '/';
	}
	if (!make_one(AT_FDCWD, path) && errno != EEXIST)
		return bake_error_errno(err, errno, "make directory '%s'", BAKE_SHOW(path));
	return bake_dir_open(path, out_fd, err);
}

/* openat2(2), which glibc does not wrap. */
static int sys_openat2(int root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags,
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* The same promise on kernels without openat2: one component at a time, none of them a link. */
static int open_stepwise(int root, const char *path, int flags, mode_t mode)
{
	_cleanup_close_ int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
	char part[BAKE_PATH_COMPONENT_MAX + 1];

	while (at >= 0) {
		size_t len = strcspn(path, "/");
		int next;

		if (path[len] == '\0')
			return openat(at, path, flags | O_NOFOLLOW, mode);
		memcpy(part, path, len);
		part[len] = '\0';
		next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOTDIR) {
			struct stat st;

			if (fstatat(at, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
				errno = ELOOP;
		}
		cleanup_close(&at);
		at = next;
		path += len + 1;
	}
	return -1;
}

static int open_beneath(int root, const char *path, int flags)
{
	int fd = sys_openat2(root, path, flags | O_CLOEXEC, BAKE_MODE_FILE);

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open_stepwise(root, path, flags | O_CLOEXEC, BAKE_MODE_FILE);
	if (fd < 0 && errno == EXDEV) /* a link out of root; of a rename it says something else */
		errno = ELOOP;
	return fd;
}

enum bake_status bake_open_beneath(
	int root, struct bake_relpath path, int flags, int *out_fd, struct bake_error *err)
{
	int fd = open_beneath(root, path.text, flags);

	if (fd < 0)
		return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(path.text));
	*out_fd = fd;
	return BAKE_OK;
}

enum bake_status bake_open_regular(int root, struct bake_relpath path, int *out_fd,
	struct stat *out_stat, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open_beneath(root, path.text, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno != ENXIO) /* a socket cannot be opened at all */
		return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(path.text));
	if (fd >= 0 && fstat(fd, &st) != 0)
		return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(path.text));
	if (fd < 0 || !S_ISREG(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
			"'%s' is not a regular file", BAKE_SHOW(path.text));
	*out_fd = steal_fd(&fd);
	*out_stat = st;
	return BAKE_OK;
}

/* Opens directory name in at, making it when absent. */
static int enter(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	/* Somebody else may make it at the same time: then it is there, too. */
	if (fd < 0 && errno == ENOENT) {
		if (!make_one(at, name) && errno != EEXIST)
			return -1;
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 && errno == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode))
		errno = ELOOP;
	return fd;
}

enum bake_status bake_open_parent(
	int root, struct bake_relpath path, int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
	const char *rest = path.text;
	const char *slash;
	char part[BAKE_PATH_COMPONENT_MAX + 1];

	while (at >= 0 && (slash = strchr(rest, '/'))) {
		size_t len = (size_t)(slash - rest);
		int next;

		memcpy(part, rest, len);
		part[len] = '\0';
		next = enter(at, part);
		cleanup_close(&at);
		at = next;
		rest = slash + 1;
	}
	if (at < 0)
		return bake_error_errno(err, errno, "directory of '%s'", BAKE_SHOW(path.text));
	*out_fd = steal_fd(&at);
	return BAKE_OK;
}

static void set_time(int fd, int64_t mtime)
{
	struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	struct stat st;

	/* Not rewritten when already right: in an image layer that would be a change. */
	if (fstat(fd, &st) == 0 && st.st_mtim.tv_sec == mtime && st.st_mtim.tv_nsec == 0)
		return;
	(void)futimens(fd, times);
}

static enum bake_status stamp_one(int root, const char *dir, int64_t mtime, struct bake_error *err)
{
	_cleanup_close_ int fd = open_beneath(root, dir, O_RDONLY | O_DIRECTORY);

	if (fd < 0 && errno == ENOENT) /* of a file that did not come */
		return BAKE_OK;
	if (fd < 0)
		return bake_error_errno(err, errno, "directory '%s'", BAKE_SHOW(dir));
	set_time(fd, mtime);
	return BAKE_OK;
}

enum bake_status bake_dir_stamp(int root, const struct bake_relpath *paths, size_t count,
	int64_t mtime, struct bake_error *err)
{
	_cleanup_free_ char *dir = malloc(BAKE_PATH_MAX + 1);

	if (!dir)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		memcpy(dir, paths[i].text, paths[i].len + 1);
		for (char *slash = strrchr(dir, '/'); slash; slash = strrchr(dir, '/')) {
			*slash = '\0';
			BAKE_TRY(stamp_one(root, dir, mtime, err));
		}
	}
	set_time(root, mtime);
	return BAKE_OK;
}

/* Cuts the last component off path. False when nothing is left. */
static bool cut_last(char *path)
{
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	path[len] = '\0';
	return len > 0;
}

unsigned bake_dir_missing(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	unsigned missing = 0;
	struct stat st;

	while (copy && copy[0] && stat(copy, &st) != 0 && errno == ENOENT) {
		missing++;
		if (!cut_last(copy))
			break;
	}
	return missing;
}

enum bake_status bake_dir_stamp_made(
	const char *path, unsigned missing, int64_t mtime, struct bake_error *err)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return bake_error_nomem(err);
	for (; missing > 1 && cut_last(copy); missing--) {
		_cleanup_close_ int fd = -1;

		BAKE_TRY(bake_dir_open(copy, &fd, err));
		set_time(fd, mtime);
	}
	return BAKE_OK;
}

enum bake_status bake_dir_free(int root, uint64_t *out_bytes, struct bake_error *err)
{
	struct statvfs fs;

	if (fstatvfs(root, &fs) != 0)
		return bake_error_errno(err, errno, "free space");
	if (__builtin_mul_overflow((uint64_t)fs.f_bavail, (uint64_t)fs.f_frsize, out_bytes))
		*out_bytes = UINT64_MAX;
	return BAKE_OK;
}
