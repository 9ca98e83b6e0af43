/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/local.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "fs/dir.h"

enum bake_status bake_local_dir_of(const char *document_path, int *out_fd, struct bake_error *err)
{
	_cleanup_free_ char *copy = strdup(document_path);
	char *slash;

	if (!copy)
		return bake_error_nomem(err);
	slash = strrchr(copy, '/');
	if (slash)
		slash[slash == copy ? 1 : 0] = '\0';
	return bake_dir_open(slash ? copy : ".", out_fd, err);
}

/* Whether the source is a directory of files and not a file. */
static enum bake_status is_directory(
	int dir, const char *location, bool *out, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct stat st;

	BAKE_TRY(bake_relpath_parse(location, &path, err));
	BAKE_TRY(bake_open_beneath(dir, path, O_RDONLY | O_NONBLOCK, &fd, err));
	*out = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	return BAKE_OK;
}

enum bake_status bake_local_open(int dir, const struct bake_lock_model *model,
	const struct bake_lock_file *file, int *out_fd, char **out_name, struct bake_error *err)
{
	_cleanup_free_ char *name = NULL;
	struct bake_relpath path;
	struct stat st;
	bool directory;

	if (is_directory(dir, model->source.location, &directory, err) != BAKE_OK)
		return bake_error_wrap(err, "source");
	if (asprintf(&name, "%s%s%s", model->source.location, directory ? "/" : "",
		    directory ? file->name : "") < 0)
		return bake_error_nomem(err);
	BAKE_TRY(bake_relpath_parse(name, &path, err));
	if (bake_open_regular(dir, path, out_fd, &st, err) != BAKE_OK)
		return bake_error_wrap(err, "source");
	if (out_name) {
		*out_name = name;
		name = NULL;
	}
	return BAKE_OK;
}
