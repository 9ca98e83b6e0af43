/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"

void bake_sink_part_name(
	const struct bake_digest *sha256, struct bake_relpath path, char name[BAKE_PART_NAME_MAX])
{
	(void)snprintf(name, BAKE_PART_NAME_MAX, "%s-%016" PRIx64 ".part", BAKE_HEX(sha256),
		bake_text_hash(path.text, path.len));
}

static const char *part_name(const struct bake_sink *sink, char name[BAKE_PART_NAME_MAX])
{
	bake_sink_part_name(&sink->sha256, sink->path, name);
	return name;
}
#define PART(sink) part_name((sink), (char[BAKE_PART_NAME_MAX]){0})

/* Whether the final name is free or holds a regular file, which a rename may replace. */
static enum bake_status check_destination(
	int parent, const struct bake_sink *sink, struct bake_error *err)
{
	struct stat st;

	if (fstatat(parent, bake_relpath_name(sink->path), &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return BAKE_OK;
		return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(sink->path.text));
	}
	if (S_ISREG(st.st_mode))
		return BAKE_OK;
	if (S_ISLNK(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.symlink",
			"'%s' is a symbolic link; it is not followed and not replaced",
			BAKE_SHOW(sink->path.text));
	return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
		"'%s' exists and is not a regular file", BAKE_SHOW(sink->path.text));
}

/* How much of the part is there without a gap: up to its first hole, where the file system tells,
 * since a process that was killed may have written ahead of its frontier. */
static uint64_t contiguous(int fd, uint64_t size)
{
	off_t hole = lseek(fd, 0, SEEK_HOLE);

	return hole < 0 ? size : bake_u64_min(size, (uint64_t)hole);
}

/* Hashes what the part holds already, so that writing goes on behind it. */
static enum bake_status adopt(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_hasher *hashers[] = {&sink->hasher};
	struct stat st;
	uint64_t there;
	uint64_t read = 0;

	if (fstat(sink->fd, &st) != 0)
		return bake_error_errno(err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > sink->size)
		return bake_sink_restart(sink, err);
	there = contiguous(sink->fd, (uint64_t)st.st_size);
	BAKE_TRY(bake_file_hash(sink->fd, 0, there, hashers, 1, NULL, &read, err));
	sink->frontier = read;
	sink->resumed = read;
	return BAKE_OK;
}

/* Asks for the blocks now. File systems that cannot are left to say so when they are full. */
static enum bake_status reserve(const struct bake_sink *sink, struct bake_error *err)
{
	off_t missing = (off_t)(sink->size - sink->frontier);

	if (missing == 0)
		return BAKE_OK;
	if (fallocate(sink->fd, FALLOC_FL_KEEP_SIZE, (off_t)sink->frontier, missing) == 0)
		return BAKE_OK;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return bake_error_errno(err, errno, "reserve %" PRIu64 " bytes for '%s'",
			sink->size - sink->frontier, BAKE_SHOW(sink->path.text));
	return BAKE_OK;
}

/* Whether fd is still what the part's name leads to: its last owner may have published or removed
 * it between our opening and our locking. */
static bool still_named(const struct bake_sink *sink, int fd)
{
	struct stat held;
	struct stat named;

	return fstat(fd, &held) == 0 &&
	       fstatat(sink->workdir->fd, PART(sink), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* The part, opened and locked. */
static enum bake_status claim(const struct bake_sink *sink, int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;

	do {
		cleanup_close(&fd);
		fd = openat(sink->workdir->fd, PART(sink),
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return bake_error_errno(
				err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
		if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
			return bake_error_transient(err, BAKE_ERR_TEMPORARY, "lock.held",
				"another process is writing '%s'", BAKE_SHOW(sink->path.text));
	} while (!still_named(sink, fd));
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

enum bake_status bake_sink_open(struct bake_sink *sink, const struct bake_workdir *workdir,
	const struct bake_sink_target *target, struct bake_error *err)
{
	_cleanup_close_ int parent = -1;
	enum bake_status status;

	sink->workdir = workdir;
	sink->path = target->path;
	sink->sha256 = target->sha256;
	sink->size = target->size;
	sink->mtime = target->mtime;
	sink->frontier = 0;
	sink->resumed = 0;
	sink->ahead.count = 0;
	BAKE_TRY(bake_open_parent(workdir->root, target->path, &parent, err));
	BAKE_TRY(check_destination(parent, sink, err));
	BAKE_TRY(bake_hasher_init_sha256(&sink->hasher, err));
	BAKE_TRY(claim(sink, &sink->fd, err));
	status = adopt(sink, err);
	if (status == BAKE_OK)
		status = reserve(sink, err);
	if (status != BAKE_OK)
		bake_sink_close(sink);
	return status;
}

enum bake_status bake_sink_restart(struct bake_sink *sink, struct bake_error *err)
{
	if (ftruncate(sink->fd, 0) != 0)
		return bake_error_errno(err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
	sink->frontier = 0;
	sink->resumed = 0;
	sink->ahead.count = 0;
	return bake_hasher_init_sha256(&sink->hasher, err);
}

/* Bytes that landed ahead are hashed once the frontier has come to them. */
static enum bake_status catch_up(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_hasher *hashers[] = {&sink->hasher};
	uint64_t first = sink->frontier;
	uint64_t read;

	if (!bake_extents_advance(&sink->ahead, &sink->frontier))
		return BAKE_OK;
	return bake_file_hash(sink->fd, first, sink->frontier, hashers, 1, NULL, &read, err);
}

/* What of bytes lies at or after the frontier. What was hashed is not written again. */
static struct bake_span beyond(struct bake_span bytes, uint64_t *offset, uint64_t frontier)
{
	uint64_t known = *offset < frontier ? bake_u64_min(frontier - *offset, bytes.len) : 0;

	*offset += known;
	return bake_span(bytes.ptr + known, bytes.len - known);
}

enum bake_status bake_sink_write(
	struct bake_sink *sink, uint64_t offset, struct bake_span bytes, struct bake_error *err)
{
	if (offset > sink->size || bytes.len > sink->size - offset)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.too-long",
			"more than the pinned %" PRIu64 " bytes", sink->size);
	bytes = beyond(bytes, &offset, sink->frontier);
	if (bytes.len == 0)
		return BAKE_OK;
	if (bake_file_write_at(sink->fd, offset, bytes, err) != BAKE_OK)
		return bake_error_wrap(err, "part of '%s'", BAKE_SHOW(sink->path.text));
	if (offset != sink->frontier) {
		if (!bake_extents_add(&sink->ahead, offset, offset + bytes.len))
			return bake_error_set(err, BAKE_ERR_INTERNAL, "internal.extents",
				"more than %d ranges in flight", BAKE_EXTENTS_MAX);
		return catch_up(sink, err);
	}
	bake_hasher_update(&sink->hasher, bytes);
	sink->frontier += bytes.len;
	return sink->ahead.count ? catch_up(sink, err) : BAKE_OK;
}

bool bake_sink_full(const struct bake_sink *sink)
{
	return sink->frontier == sink->size;
}

size_t bake_sink_peek(const struct bake_sink *sink, uint8_t *bytes, size_t room)
{
	ssize_t got = pread(sink->fd, bytes, room, 0);

	return got > 0 ? (size_t)got : 0;
}

static enum bake_status check_content(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_digest got;
	struct stat st;

	if (fstat(sink->fd, &st) != 0)
		return bake_error_errno(err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
	if (!bake_sink_full(sink) || (uint64_t)st.st_size != sink->size)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"expected %" PRIu64 " bytes, got %" PRIu64, sink->size,
			(uint64_t)st.st_size);
	BAKE_TRY(bake_hasher_final(&sink->hasher, &got, err));
	if (!bake_digest_equal(&got, &sink->sha256))
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.sha256",
			"expected sha256 %s, got %s", BAKE_HEX(&sink->sha256), BAKE_HEX(&got));
	return BAKE_OK;
}

/* Owner, mode and time that do not depend on who built it or when; then down to the disk. */
static enum bake_status settle(const struct bake_sink *sink, struct bake_error *err)
{
	struct timespec times[2] = {{.tv_sec = sink->mtime}, {.tv_sec = sink->mtime}};

	if (fchown(sink->fd, geteuid(), getegid()) != 0 && errno != EPERM)
		return bake_error_errno(err, errno, "set owner");
	if (fchmod(sink->fd, BAKE_MODE_FILE) != 0)
		return bake_error_errno(err, errno, "set mode");
	if (futimens(sink->fd, times) != 0)
		return bake_error_errno(err, errno, "set time");
	if (fsync(sink->fd) != 0)
		return bake_error_errno(err, errno, "sync");
	return BAKE_OK;
}

static enum bake_status publish(const struct bake_sink *sink, struct bake_error *err)
{
	_cleanup_close_ int parent = -1;

	BAKE_TRY(bake_open_parent(sink->workdir->root, sink->path, &parent, err));
	BAKE_TRY(check_destination(parent, sink, err));
	if (renameat(sink->workdir->fd, PART(sink), parent, bake_relpath_name(sink->path)) != 0)
		return bake_error_errno(err, errno, "rename to '%s'", BAKE_SHOW(sink->path.text));
	if (fsync(parent) != 0)
		return bake_error_errno(
			err, errno, "sync directory of '%s'", BAKE_SHOW(sink->path.text));
	return BAKE_OK;
}

enum bake_status bake_sink_commit(struct bake_sink *sink, struct bake_error *err)
{
	enum bake_status status = check_content(sink, err);

	if (status == BAKE_OK) {
		status = settle(sink, err);
		if (status == BAKE_OK)
			status = publish(sink, err);
		if (status == BAKE_OK) {
			bake_sink_close(sink);
			return BAKE_OK;
		}
	}
	/* Wrong bytes are worth nothing; after a failed sync nobody knows what the disk holds. */
	bake_sink_discard(sink);
	return status;
}

void bake_sink_close(struct bake_sink *sink)
{
	/* What lies behind a gap cannot be told from it by the next run. Without the truncation the
	 * digest at the end would find it out, after all bytes were fetched. */
	if (sink->fd >= 0 && sink->ahead.count > 0)
		best_effort(ftruncate(sink->fd, (off_t)sink->frontier));
	cleanup_close(&sink->fd);
	sink->fd = -1;
	sink->ahead.count = 0;
	bake_hasher_release(&sink->hasher);
}

void bake_sink_discard(struct bake_sink *sink)
{
	if (sink->fd >= 0)
		(void)unlinkat(sink->workdir->fd, PART(sink), 0);
	bake_sink_close(sink);
}
