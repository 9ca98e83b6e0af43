/* SPDX-License-Identifier: Apache-2.0 */
/* What was found, asked piece by piece. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "runtime/place.h"

void bake_runtime_found_close(struct bake_runtime_found *found)
{
	if (!found)
		return;
	for (size_t i = 0; i < found->file_count; i++)
		free(found->files[i].path);
	free(found->files);
	free(found->model);
	free(found->path);
	free(found->precision);
	free(found->notice);
	cleanup_close(&found->root);
	cleanup_close(&found->fd);
	free(found);
}

int bake_runtime_found_fd(const struct bake_runtime_found *found)
{
	return found->fd;
}

enum bake_status bake_runtime_found_take_fd(
	const struct bake_runtime_found *found, int *out_fd, struct bake_error *err)
{
	int fd = fcntl(found->fd, F_DUPFD_CLOEXEC, 0);

	err = RUNTIME_ERR(err);
	if (fd < 0)
		return bake_error_errno(err, errno, "%s", BAKE_SHOW(found->path));
	*out_fd = fd;
	return BAKE_OK;
}

const char *bake_runtime_found_fd_path(const struct bake_runtime_found *found)
{
	return found->fd_path;
}

const char *bake_runtime_found_path(const struct bake_runtime_found *found)
{
	return found->path;
}

const char *bake_runtime_found_model(const struct bake_runtime_found *found)
{
	return found->model;
}

enum bake_runtime_origin bake_runtime_found_origin(const struct bake_runtime_found *found)
{
	return found->origin;
}

bool bake_runtime_found_is_directory(const struct bake_runtime_found *found)
{
	return found->is_directory;
}

const char *bake_runtime_found_precision(const struct bake_runtime_found *found)
{
	return found->precision;
}

uint32_t bake_runtime_found_rank(const struct bake_runtime_found *found)
{
	return found->rank;
}

uint32_t bake_runtime_found_steps(const struct bake_runtime_found *found)
{
	return found->steps;
}

const char *bake_runtime_found_notice(const struct bake_runtime_found *found)
{
	return found->notice;
}

size_t bake_runtime_found_file_count(const struct bake_runtime_found *found)
{
	return found->file_count;
}

const char *bake_runtime_found_file(const struct bake_runtime_found *found, size_t at)
{
	return at < found->file_count ? found->files[at].path : NULL;
}

enum bake_status bake_runtime_found_open(
	const struct bake_runtime_found *found, size_t at, int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	const struct bake_found_file *file;
	struct bake_relpath path;
	struct stat now;

	err = RUNTIME_ERR(err);
	if (at >= found->file_count)
		return bake_error_set(err, BAKE_ERR_USAGE, "runtime.option",
			"model '%s' has %zu files, and no file %zu", BAKE_SHOW(found->model),
			found->file_count, at);
	file = &found->files[at];
	BAKE_TRY(bake_relpath_parse(file->below, &path, err));
	if (bake_open_regular(file->in_directory ? found->fd : found->root, path, &fd, &now, err) !=
			BAKE_OK &&
		err->status != BAKE_ERR_NOINPUT && err->status != BAKE_ERR_CANTCREATE)
		return err->status;
	if (fd < 0 || !bake_place_same(&file->seen, &now))
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.changed",
			"%s is not the file that was checked", BAKE_SHOW(file->path));
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}
