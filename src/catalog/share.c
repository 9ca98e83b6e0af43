/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/share.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"

/* In .bake: what is left of a killed run goes with the directory. */
#define TEMPORARY "share"

enum {
	PIECE_BYTES = 1024 * 1024,
	EXTENTS = 64 /* that one question asks for */
};

const char *const bake_share_methods[] = {"auto", "reflink", "hardlink", NULL};

struct sharing {
	const struct bake_workdir *workdir;
	const struct bake_share_file *keep;
	const struct bake_share_file *twin;
	int keep_fd;
	int twin_fd;
	int keep_dir;
	int twin_dir;
};

static bool is_unchanged(const struct stat *was, const struct stat *is)
{
	return S_ISREG(is->st_mode) && was->st_dev == is->st_dev && was->st_ino == is->st_ino &&
	       was->st_size == is->st_size && was->st_mtim.tv_sec == is->st_mtim.tv_sec &&
	       was->st_mtim.tv_nsec == is->st_mtim.tv_nsec;
}

static enum bake_status changed(const struct bake_share_file *file, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.changed",
		"%s: it is not what it was", BAKE_SHOW(file->path.text));
}

static enum bake_status impossible(const char *why, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "share.impossible", "%s", why);
}

static enum bake_status open_one(const struct bake_workdir *workdir,
	const struct bake_share_file *file, int *fd, int *dir, struct bake_error *err)
{
	struct stat st;

	BAKE_TRY(bake_open_regular(workdir->root, file->path, fd, &st, err));
	if (!is_unchanged(&file->st, &st))
		return changed(file, err);
	return bake_open_parent(workdir->root, file->path, dir, err);
}

static enum bake_status compare_bytes(const struct sharing *sharing, struct bake_error *err)
{
	_cleanup_free_ char *left = malloc(PIECE_BYTES);
	_cleanup_free_ char *right = malloc(PIECE_BYTES);
	uint64_t at = 0;
	size_t left_len = 0;
	size_t right_len = 0;

	if (!left || !right)
		return bake_error_nomem(err);
	do {
		BAKE_TRY(bake_stop_check(err));
		BAKE_TRY(
			bake_file_read_at(sharing->keep_fd, at, left, PIECE_BYTES, &left_len, err));
		BAKE_TRY(bake_file_read_at(
			sharing->twin_fd, at, right, PIECE_BYTES, &right_len, err));
		if (left_len != right_len || memcmp(left, right, left_len) != 0)
			return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.changed",
				"%s and %s are not the same", BAKE_SHOW(sharing->keep->path.text),
				BAKE_SHOW(sharing->twin->path.text));
		at += left_len;
	} while (left_len > 0);
	return BAKE_OK;
}

/* The errors of file systems that have no clones, or not of these two files. */
static bool cannot_clone(int number)
{
	return number == EOPNOTSUPP || number == ENOTTY || number == EXDEV || number == EINVAL ||
	       number == ENOSYS || number == EPERM;
}

/* An access list, say, that a new file would not have. A label of SELinux it gets by itself. */
static bool has_attributes(int fd)
{
	char names[1024];
	ssize_t len = flistxattr(fd, names, sizeof(names));

	if (len < 0)
		return errno != EOPNOTSUPP && errno != ENOSYS;
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		if (strcmp(names + at, "security.selinux") != 0)
			return true;
	}
	return false;
}

static enum bake_status make_clone(const struct sharing *sharing, struct bake_error *err)
{
	const struct stat *st = &sharing->twin->st;
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	_cleanup_close_ int fd = openat(sharing->workdir->fd, TEMPORARY,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return bake_error_errno(err, errno, "make a clone");
	if (has_attributes(sharing->twin_fd))
		return impossible("it has extended attributes, which a clone would lose", err);
	if (ioctl(fd, FICLONE, sharing->keep_fd) != 0)
		return cannot_clone(errno) ? impossible("the file system has no clones", err)
					   : bake_error_errno(err, errno, "clone");
	if ((st->st_uid != geteuid() || st->st_gid != getegid()) &&
		fchown(fd, st->st_uid, st->st_gid) != 0)
		return impossible("its owner cannot be kept", err);
	if (fchmod(fd, st->st_mode & 07777) != 0 || futimens(fd, times) != 0 || fsync(fd) != 0)
		return bake_error_errno(err, errno, "clone");
	return BAKE_OK;
}

static enum bake_status make_link(const struct sharing *sharing, struct bake_error *err)
{
	const struct stat *keep = &sharing->keep->st;
	const struct stat *twin = &sharing->twin->st;
	struct stat st;

	if (has_attributes(sharing->twin_fd) || has_attributes(sharing->keep_fd))
		return impossible("it has extended attributes, which a link would change", err);
	if (keep->st_mode != twin->st_mode || keep->st_uid != twin->st_uid ||
		keep->st_gid != twin->st_gid)
		return impossible("mode and owner are not the same, a link has but one", err);
	if (linkat(sharing->keep_dir, bake_relpath_name(sharing->keep->path), sharing->workdir->fd,
		    TEMPORARY, 0) != 0)
		return errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP
			       ? impossible("the file system has no such links", err)
			       : bake_error_errno(err, errno, "link");
	if (fstatat(sharing->workdir->fd, TEMPORARY, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!is_unchanged(keep, &st))
		return changed(sharing->keep, err);
	return BAKE_OK;
}

/* Puts what was made in the twin's place, if that is still the twin. */
static enum bake_status replace(const struct sharing *sharing, struct bake_error *err)
{
	const char *name = bake_relpath_name(sharing->twin->path);
	struct timespec times[2];
	struct stat dir;
	struct stat st;

	if (fstat(sharing->twin_dir, &dir) != 0 ||
		fstatat(sharing->twin_dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!is_unchanged(&sharing->twin->st, &st))
		return changed(sharing->twin, err);
	if (renameat(sharing->workdir->fd, TEMPORARY, sharing->twin_dir, name) != 0)
		return errno == EXDEV ? impossible("it is on another file system", err)
				      : bake_error_errno(err, errno, "replace");
	times[0] = dir.st_atim;
	times[1] = dir.st_mtim;
	best_effort(futimens(sharing->twin_dir, times)); /* images have directories' times, too */
	if (fsync(sharing->twin_dir) != 0)
		return bake_error_errno(err, errno, "sync");
	return BAKE_OK;
}

static enum bake_status make(const struct sharing *sharing, enum bake_share_method method,
	enum bake_share_method *out_done, struct bake_error *err)
{
	struct bake_error failed = BAKE_ERROR_INIT;

	(void)unlinkat(sharing->workdir->fd, TEMPORARY, 0);
	if (method != BAKE_SHARE_HARDLINK) {
		*out_done = BAKE_SHARE_REFLINK;
		if (make_clone(sharing, &failed) == BAKE_OK)
			return BAKE_OK;
		(void)unlinkat(sharing->workdir->fd, TEMPORARY, 0);
		if (method == BAKE_SHARE_REFLINK || failed.status != BAKE_ERR_UNAVAILABLE) {
			*err = failed;
			return failed.status;
		}
	}
	*out_done = BAKE_SHARE_HARDLINK;
	return make_link(sharing, err);
}

static enum bake_status share(struct sharing *sharing, enum bake_share_method method,
	enum bake_share_method *out_done, struct bake_error *err)
{
	enum bake_status status;

	BAKE_TRY(open_one(
		sharing->workdir, sharing->keep, &sharing->keep_fd, &sharing->keep_dir, err));
	BAKE_TRY(open_one(
		sharing->workdir, sharing->twin, &sharing->twin_fd, &sharing->twin_dir, err));
	BAKE_TRY(compare_bytes(sharing, err));
	status = make(sharing, method, out_done, err);
	if (status == BAKE_OK)
		status = replace(sharing, err);
	(void)unlinkat(sharing->workdir->fd, TEMPORARY, 0);
	return status;
}

enum bake_status bake_share(const struct bake_workdir *workdir, const struct bake_share_file *keep,
	const struct bake_share_file *twin, enum bake_share_method method,
	enum bake_share_method *out_done, struct bake_error *err)
{
	struct sharing sharing = {workdir, keep, twin, -1, -1, -1, -1};
	enum bake_status status;

	if (keep->st.st_dev != twin->st.st_dev)
		return impossible("it is on another file system", err);
	status = share(&sharing, method, out_done, err);
	cleanup_close(&sharing.keep_fd);
	cleanup_close(&sharing.twin_fd);
	cleanup_close(&sharing.keep_dir);
	cleanup_close(&sharing.twin_dir);
	return status;
}

/* A stretch of a file's blocks at a time: a struct fiemap and what it has room for. */
struct blocks {
	_Alignas(struct fiemap) char room[sizeof(struct fiemap) +
					  EXTENTS * sizeof(struct fiemap_extent)];
};

static struct fiemap *map_of(struct blocks *blocks)
{
	return (void *)blocks->room;
}

/* How many extents there are from an offset on, at most EXTENTS; 0 when nobody can say. */
static uint32_t ask(int fd, uint64_t from, struct blocks *out)
{
	struct fiemap *map = map_of(out);

	memset(out, 0, sizeof(*out));
	map->fm_start = from;
	map->fm_length = FIEMAP_MAX_OFFSET - from;
	map->fm_flags = FIEMAP_FLAG_SYNC;
	map->fm_extent_count = EXTENTS;
	if (ioctl(fd, FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents > EXTENTS)
		return 0;
	return map->fm_mapped_extents;
}

static bool same_extent(const struct fiemap_extent *a, const struct fiemap_extent *b)
{
	const uint32_t vague = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
			       FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_NOT_ALIGNED;

	return a->fe_logical == b->fe_logical && a->fe_physical == b->fe_physical &&
	       a->fe_length == b->fe_length && !((a->fe_flags | b->fe_flags) & vague);
}

bool bake_share_has_same_blocks(int a, int b)
{
	struct blocks left;
	struct blocks right;
	uint64_t at = 0;

	for (;;) {
		uint32_t count = ask(a, at, &left);
		const struct fiemap_extent *last = NULL;

		if (count == 0 || count != ask(b, at, &right))
			return false;
		for (uint32_t i = 0; i < count; i++) {
			last = &map_of(&left)->fm_extents[i];
			if (!same_extent(last, &map_of(&right)->fm_extents[i]))
				return false;
		}
		if (last->fe_flags & FIEMAP_EXTENT_LAST)
			return true;
		if (last->fe_length == 0 || last->fe_logical + last->fe_length <= at)
			return false;
		at = last->fe_logical + last->fe_length;
	}
}
