/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"

/* Within .bake; whoever has that removes what an earlier run left of it. */
#define TEMPORARY "place.tmp"

static enum bake_status in_the_way(
	const struct stat *st, struct bake_relpath path, struct bake_error *err)
{
	if (S_ISLNK(st->st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.symlink",
			"'%s' is a symbolic link; it is not followed and not replaced",
			BAKE_SHOW(path.text));
	return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
		"'%s' is in the way and is not replaced", BAKE_SHOW(path.text));
}

/* Content, owner, mode and time; then down to the disk. */
static enum bake_status fill(int fd, struct bake_span bytes, int64_t mtime, struct bake_error *err)
{
	struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};

	BAKE_TRY(bake_file_write_at(fd, 0, bytes, err));
	if (fchown(fd, geteuid(), getegid()) != 0 && errno != EPERM)
		return bake_error_errno(err, errno, "set owner");
	if (fchmod(fd, BAKE_MODE_FILE) != 0)
		return bake_error_errno(err, errno, "set mode");
	if (futimens(fd, times) != 0)
		return bake_error_errno(err, errno, "set time");
	if (fsync(fd) != 0)
		return bake_error_errno(err, errno, "sync");
	return BAKE_OK;
}

static enum bake_status publish_file(const struct bake_workdir *workdir, int parent,
	struct bake_relpath path, struct bake_error *err)
{
	const char *name = bake_relpath_name(path);
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return in_the_way(&st, path, err);
	if (renameat(workdir->fd, TEMPORARY, parent, name) != 0)
		return bake_error_errno(err, errno, "rename to '%s'", BAKE_SHOW(path.text));
	return BAKE_OK;
}

enum bake_status bake_place_file(const struct bake_workdir *workdir, struct bake_relpath path,
	struct bake_span bytes, int64_t mtime, struct bake_error *err)
{
	_cleanup_close_ int parent = -1;
	_cleanup_close_ int fd = -1;
	enum bake_status status;

	BAKE_TRY(bake_open_parent(workdir->root, path, &parent, err));
	(void)unlinkat(workdir->fd, TEMPORARY, 0);
	fd = openat(
		workdir->fd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return bake_error_errno(err, errno, "write '%s'", BAKE_SHOW(path.text));
	status = fill(fd, bytes, mtime, err);
	if (status != BAKE_OK)
		bake_error_wrap(err, "write '%s'", BAKE_SHOW(path.text));
	else
		status = publish_file(workdir, parent, path, err);
	if (status != BAKE_OK)
		(void)unlinkat(workdir->fd, TEMPORARY, 0);
	else
		(void)fsync(parent);
	return status;
}

/* A rename that replaces nothing; where the file system has none, a second name for the link and
 * then the first one's end. */
static int move_new(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from_dir, from, to_dir, to, 0) != 0)
		return -1;
	(void)unlinkat(from_dir, from, 0);
	return 0;
}

static enum bake_status publish_link(const struct bake_workdir *workdir, int parent,
	struct bake_relpath path, struct bake_error *err)
{
	const char *name = bake_relpath_name(path);
	struct stat st;

	if (move_new(workdir->fd, TEMPORARY, parent, name) == 0)
		return BAKE_OK;
	if (errno == EEXIST && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return in_the_way(&st, path, err);
	return bake_error_errno(err, errno, "link '%s'", BAKE_SHOW(path.text));
}

enum bake_status bake_place_link(const struct bake_workdir *workdir, struct bake_relpath path,
	const char *target, int64_t mtime, struct bake_error *err)
{
	struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	_cleanup_close_ int parent = -1;
	enum bake_status status;

	BAKE_TRY(bake_open_parent(workdir->root, path, &parent, err));
	(void)unlinkat(workdir->fd, TEMPORARY, 0);
	if (symlinkat(target, workdir->fd, TEMPORARY) != 0)
		return bake_error_errno(err, errno, "link '%s'", BAKE_SHOW(path.text));
	/* As for directories: a file system without owners or times of links still has the link. */
	best_effort(fchownat(workdir->fd, TEMPORARY, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW));
	best_effort(utimensat(workdir->fd, TEMPORARY, times, AT_SYMLINK_NOFOLLOW));
	status = publish_link(workdir, parent, path, err);
	if (status != BAKE_OK)
		(void)unlinkat(workdir->fd, TEMPORARY, 0);
	else
		(void)fsync(parent);
	return status;
}
