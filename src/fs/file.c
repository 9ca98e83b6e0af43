/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/temporary.h"

enum {
	READ_BYTES = 1024 * 1024,
	DOCUMENT_BYTES = 64 * 1024
};

/* Into the room that there is, else by way of piece. */
static ssize_t read_some(int fd, struct bake_buf *out, char *piece)
{
	size_t spare = out->room > out->len ? out->room - out->len - 1 : 0;
	ssize_t got;

	spare = spare < out->max - out->len ? spare : out->max - out->len;
	got = spare ? read(fd, out->ptr + out->len, spare) : read(fd, piece, DOCUMENT_BYTES);
	if (got > 0 && spare)
		(void)bake_buf_room(out, (size_t)got);
	else if (got > 0)
		bake_buf_add(out, piece, (size_t)got);
	return got;
}

enum bake_status bake_file_read_fd(
	int fd, const char *name, struct bake_buf *out, struct bake_error *err)
{
	_cleanup_free_ char *piece = malloc(DOCUMENT_BYTES);
	struct stat st;
	ssize_t got;

	if (!piece)
		return bake_error_nomem(err);
	/* What a file says of its length is no more than a hint. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		(uintmax_t)st.st_size <= out->max - out->len)
		(void)bake_buf_reserve(out, (size_t)st.st_size);
	while ((got = read_some(fd, out, piece)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read '%s'", BAKE_SHOW(name));
		if (out->full || out->nomem)
			return bake_buf_status(out, BAKE_SHOW(name), err);
	}
	return BAKE_OK;
}

enum bake_status bake_file_read(const char *path, struct bake_buf *out, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (strcmp(path, "-") == 0)
		return bake_file_read_fd(STDIN_FILENO, "standard input", out, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		int failure = errno;

		if (failure == EINTR) /* a FIFO that nobody writes to was waited for */
			BAKE_TRY(bake_stop_check(err));
		bake_error_errno(err, failure, "'%s'", BAKE_SHOW(path));
		return bake_error_of_input(err);
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return bake_error_set(err, BAKE_ERR_NOINPUT, "fs.not-found", "'%s' is a directory",
			BAKE_SHOW(path));
	return bake_file_read_fd(fd, path, out, err);
}

enum bake_status bake_file_read_at(
	int fd, uint64_t offset, void *bytes, size_t len, size_t *out_len, struct bake_error *err)
{
	uint8_t *at = bytes;
	size_t read = 0;

	while (read < len) {
		ssize_t got = pread(fd, at + read, len - read, (off_t)(offset + read));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read");
		if (got == 0)
			break;
		read += (size_t)got;
	}
	*out_len = read;
	return BAKE_OK;
}

enum bake_status bake_file_write_at(
	int fd, uint64_t offset, struct bake_span bytes, struct bake_error *err)
{
	while (bytes.len) {
		ssize_t put = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return bake_error_errno(err, errno, "write");
		offset += (uint64_t)put;
		bytes = bake_span(bytes.ptr + put, bytes.len - (size_t)put);
	}
	return BAKE_OK;
}

/* Content, mode, owner and time of a file about to be published; then down to the disk. */
static enum bake_status fill(int fd, struct bake_span bytes, int64_t mtime, struct bake_error *err)
{
	struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};

	BAKE_TRY(bake_file_write_at(fd, 0, bytes, err));
	if (fchmod(fd, BAKE_MODE_FILE) != 0)
		return bake_error_errno(err, errno, "chmod");
	if (mtime >= 0 && futimens(fd, times) != 0)
		return bake_error_errno(err, errno, "set time");
	if (fsync(fd) != 0)
		return bake_error_errno(err, errno, "sync");
	return BAKE_OK;
}

enum bake_status bake_file_replace(
	int dir, const char *name, struct bake_span bytes, int64_t mtime, struct bake_error *err)
{
	struct bake_temporary temporary = BAKE_TEMPORARY_INIT;
	enum bake_status status;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE,
			S_ISLNK(st.st_mode) ? "path.symlink" : "path.type",
			"'%s' exists and is not a regular file", BAKE_SHOW(name));
	status = bake_temporary_open(dir, &temporary, err);
	if (status == BAKE_OK)
		status = fill(temporary.fd, bytes, mtime, err);
	if (status == BAKE_OK && renameat(dir, temporary.name, dir, name) != 0)
		status = bake_error_errno(err, errno, "rename");
	if (status == BAKE_OK)
		best_effort(fsync(dir));
	else if (temporary.fd >= 0)
		best_effort(unlinkat(dir, temporary.name, 0));
	cleanup_close(&temporary.fd);
	if (status == BAKE_OK)
		return BAKE_OK;
	bake_error_wrap(err, "write '%s'", BAKE_SHOW(name));
	return bake_error_of_output(err);
}

enum bake_status bake_file_replace_path(
	const char *path, struct bake_span bytes, int64_t mtime, struct bake_error *err)
{
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *parent = strdup(path);
	char *slash;

	if (!parent)
		return bake_error_nomem(err);
	slash = strrchr(parent, '/');
	if (slash && slash[1] == '\0')
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
			"write '%s': it names a directory", BAKE_SHOW(path));
	if (slash)
		slash[slash == parent ? 1 : 0] = '\0';
	if (bake_dir_open(slash ? parent : ".", &dir, err) != BAKE_OK) {
		bake_error_of_output(err);
		return bake_error_wrap(err, "write '%s'", BAKE_SHOW(path));
	}
	return bake_file_replace(dir, slash ? strrchr(path, '/') + 1 : path, bytes, mtime, err);
}

enum bake_status bake_file_hash(int fd, uint64_t first, uint64_t end,
	struct bake_hasher *const *hashers, size_t count, const struct bake_read_progress *progress,
	uint64_t *out_read, struct bake_error *err)
{
	_cleanup_free_ uint8_t *piece = malloc(READ_BYTES);
	uint64_t at = first;

	if (!piece)
		return bake_error_nomem(err);
	(void)posix_fadvise(fd, (off_t)first, 0, POSIX_FADV_SEQUENTIAL);
	while (at < end) {
		size_t want = (size_t)bake_u64_min(READ_BYTES, end - at);
		ssize_t got = pread(fd, piece, want, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read");
		if (got == 0)
			break;
		for (size_t i = 0; i < count; i++)
			bake_hasher_update(hashers[i], bake_span(piece, (size_t)got));
		at += (uint64_t)got;
		if (progress && progress->more)
			progress->more(progress->context, (uint64_t)got);
		BAKE_TRY(bake_stop_check(err));
	}
	if (end != UINT64_MAX && at < end)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"the file ends before byte %llu", (unsigned long long)end);
	*out_read = at - first;
	return BAKE_OK;
}
