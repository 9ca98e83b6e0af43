/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"

static enum bake_status check_at(
	int dir, const char *name, const char *path, bool force, struct bake_error *err)
{
	struct stat st;

	if (name[0] == '\0')
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
			"'%s' names a directory", BAKE_SHOW(path));
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? BAKE_OK
				       : bake_error_errno(err, errno, "'%s'", BAKE_SHOW(path));
	if (!S_ISREG(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE,
			S_ISLNK(st.st_mode) ? "path.symlink" : "path.type",
			"'%s' exists and is not a regular file", BAKE_SHOW(path));
	if (force)
		return BAKE_OK;
	bake_error_set(
		err, BAKE_ERR_CANTCREATE, "convert.exists", "'%s' exists already", BAKE_SHOW(path));
	return bake_error_hint(err, "--force replaces it");
}

static enum bake_status open_dir(
	const char *path, int *out_dir, const char **out_name, struct bake_error *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

	if (!parent)
		return bake_error_nomem(err);
	if (bake_dir_open(parent, out_dir, err) != BAKE_OK) {
		bake_error_of_output(err);
		return bake_error_wrap(err, "write '%s'", BAKE_SHOW(path));
	}
	*out_name = slash ? slash + 1 : path;
	return BAKE_OK;
}

enum bake_status bake_output_check(const char *path, bool force, struct bake_error *err)
{
	_cleanup_close_ int dir = -1;
	const char *name;

	BAKE_TRY(open_dir(path, &dir, &name, err));
	return check_at(dir, name, path, force, err);
}

/* A disk that is full is known now and not after an hour. What cannot reserve, writes. */
static enum bake_status reserve(int fd, uint64_t bytes, struct bake_error *err)
{
	if (bytes == 0 || fallocate(fd, 0, 0, (off_t)bytes) == 0)
		return BAKE_OK;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return bake_error_errno(
			err, errno, "reserve %llu bytes", (unsigned long long)bytes);
	return BAKE_OK;
}

enum bake_status bake_output_open(struct bake_output *output, const char *path, uint64_t bytes,
	bool force, struct bake_error *err)
{
	output->path = path;
	output->force = force;
	BAKE_TRY(open_dir(path, &output->dir, &output->name, err));
	BAKE_TRY(check_at(output->dir, output->name, path, force, err));
	if (bake_temporary_open(output->dir, &output->temporary, err) == BAKE_OK &&
		reserve(output->temporary.fd, bytes, err) == BAKE_OK)
		return BAKE_OK;
	bake_error_of_output(err);
	return bake_error_wrap(err, "write '%s'", BAKE_SHOW(path));
}

enum bake_status bake_output_reopen(
	const struct bake_output *output, int *out_fd, struct bake_error *err)
{
	int fd = openat(output->dir, output->temporary.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return bake_error_errno(err, errno, "open what was written");
	*out_fd = fd;
	return BAKE_OK;
}

/* Without --force nothing may be replaced, also what came to be there meanwhile. */
static int take_name(const struct bake_output *output)
{
	if (!output->force) {
		int done = renameat2(output->dir, output->temporary.name, output->dir, output->name,
			RENAME_NOREPLACE);

		if (done == 0 || (errno != EINVAL && errno != ENOSYS))
			return done;
	}
	return renameat(output->dir, output->temporary.name, output->dir, output->name);
}

static enum bake_status publish(struct bake_output *output, int64_t mtime, struct bake_error *err)
{
	struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
	int fd = output->temporary.fd;

	if (fchmod(fd, BAKE_MODE_FILE) != 0)
		return bake_error_errno(err, errno, "chmod");
	if (futimens(fd, times) != 0)
		return bake_error_errno(err, errno, "set time");
	if (fsync(fd) != 0)
		return bake_error_errno(err, errno, "sync");
	if (take_name(output) != 0) {
		int failure = errno;

		if (failure == EEXIST)
			BAKE_TRY(check_at(
				output->dir, output->name, output->path, output->force, err));
		return bake_error_errno(err, failure, "rename");
	}
	best_effort(fsync(output->dir));
	cleanup_close(&output->temporary.fd);
	output->temporary.fd = -1;
	return BAKE_OK;
}

enum bake_status bake_output_publish(
	struct bake_output *output, int64_t mtime, struct bake_error *err)
{
	if (publish(output, mtime, err) == BAKE_OK)
		return BAKE_OK;
	bake_error_of_output(err);
	return bake_error_wrap(err, "write '%s'", BAKE_SHOW(output->path));
}

void bake_output_release(struct bake_output *output)
{
	if (output->temporary.fd >= 0) {
		best_effort(unlinkat(output->dir, output->temporary.name, 0));
		cleanup_close(&output->temporary.fd);
	}
	cleanup_close(&output->dir);
	*output = (struct bake_output)BAKE_OUTPUT_INIT;
}
