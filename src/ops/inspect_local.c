/* SPDX-License-Identifier: Apache-2.0 */
/* Inspecting files of this machine: a path that a person named, or a model of a lock. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/walk.h"
#include "ops/inspect.h"

struct local {
	struct bake_inspect_entry *entries;
	size_t count;
	const char **paths; /* of entries, below root */
	const int *roots;
	size_t root_count;
	bool follow; /* links, as in a Hub client's cache: of what a person named only */
	int fd;	     /* of the file read last */
	size_t open; /* its number */
};

static void local_release(struct local *local)
{
	free(local->entries);
	free(local->paths);
	cleanup_close(&local->fd);
}

static enum bake_status open_following(
	int root, const char *path, int *out_fd, struct stat *out_stat, struct bake_error *err)
{
	_cleanup_close_ int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, out_stat) != 0) {
		bake_error_errno(err, errno, "%s", BAKE_SHOW(path));
		return bake_error_of_input(err);
	}
	if (!S_ISREG(out_stat->st_mode))
		return bake_error_set(err, BAKE_ERR_NOINPUT, "inspect.nothing", "'%s' is no file",
			BAKE_SHOW(path));
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

/* An absent file is BAKE_ERR_NOINPUT. */
static enum bake_status open_at(const struct local *local, const char *path, int *out_fd,
	struct stat *out_stat, struct bake_error *err)
{
	struct bake_relpath checked;

	if (local->follow)
		return open_following(local->roots[0], path, out_fd, out_stat, err);
	BAKE_TRY(bake_relpath_parse(path, &checked, err));
	for (size_t i = 0; i < local->root_count; i++) {
		struct bake_error why = BAKE_ERROR_INIT;

		if (bake_open_regular(local->roots[i], checked, out_fd, out_stat, &why) == BAKE_OK)
			return BAKE_OK;
		*err = why;
		if (why.status != BAKE_ERR_NOINPUT)
			return err->status;
	}
	return err->status;
}

static enum bake_status local_read(
	void *context, size_t at, uint64_t offset, void *out, size_t len, struct bake_error *err)
{
	struct local *local = context;
	uint8_t *to = out;
	struct stat st;

	if (local->fd < 0 || local->open != at) {
		cleanup_close(&local->fd);
		local->fd = -1;
		BAKE_TRY(open_at(local, local->paths[at], &local->fd, &st, err));
		local->open = at;
	}
	while (len) {
		ssize_t got = pread(local->fd, to, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read");
		if (got == 0)
			return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
				"it became shorter while it was read");
		to += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return BAKE_OK;
}

static enum bake_status local_init(struct local *local, const int *roots, size_t root_count,
	size_t room, struct bake_error *err)
{
	*local = (struct local){.roots = roots, .root_count = root_count, .fd = -1};
	local->entries = calloc(room + 1, sizeof(*local->entries));
	local->paths = calloc(room + 1, sizeof(*local->paths));
	return local->entries && local->paths ? BAKE_OK : bake_error_nomem(err);
}

static struct bake_inspect_source source_of(struct local *local)
{
	return (struct bake_inspect_source){.entries = local->entries,
		.count = local->count,
		.read = local_read,
		.context = local};
}

/* Adds the file, when it is one and there. shown is its name in the record. */
static enum bake_status local_add(
	struct local *local, const char *path, const char *shown, struct bake_error *err)
{
	struct bake_error why = BAKE_ERROR_INIT;
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (open_at(local, path, &fd, &st, &why) != BAKE_OK) {
		if (why.status == BAKE_ERR_NOINPUT ||
			(local->follow && why.status == BAKE_ERR_PERMISSION))
			return BAKE_OK;
		*err = why;
		return err->status;
	}
	local->paths[local->count] = path;
	local->entries[local->count++] =
		(struct bake_inspect_entry){.path = shown, .bytes = (uint64_t)st.st_size};
	return BAKE_OK;
}

/* path without the directory that all of the model's files are in. */
static const char *below(const char *path, const char *dir)
{
	size_t len = dir ? strlen(dir) : 0;

	if (len && strncmp(path, dir, len) == 0 && path[len] == '/')
		return path + len + 1;
	return path;
}

static enum bake_status list_files(
	struct local *local, const struct bake_inspect_files *files, struct bake_error *err)
{
	BAKE_TRY(local_init(local, files->roots, files->root_count, files->count, err));
	for (size_t i = 0; i < files->count; i++)
		BAKE_TRY(local_add(
			local, files->paths[i], below(files->paths[i], files->below), err));
	return BAKE_OK;
}

enum bake_status bake_inspect_files(const struct bake_inspect_files *files,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err)
{
	_cleanup_(local_release) struct local local = {.fd = -1};
	_cleanup_(local_release) struct local support = {.fd = -1};
	struct bake_inspect_options supported = *options;
	struct bake_inspect_source source;
	struct bake_inspect_source support_source;

	BAKE_TRY(list_files(&local, files, err));
	source = source_of(&local);
	if (files->support) {
		BAKE_TRY(list_files(&support, files->support, err));
		support_source = source_of(&support);
		supported.support = &support_source;
	}
	return bake_inspect(&source, &supported, out, err);
}

/* Names that lie in a directory of models and are none of theirs. */
static const char *const skipped[] = {".bake", ".cache", ".git", NULL};

static enum bake_status inspect_dir(const char *path, const struct bake_inspect_options *options,
	struct bake_inspection **out, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	_cleanup_(local_release) struct local local = {.fd = -1};
	_cleanup_close_ int root = -1;
	struct bake_inspect_source source;

	BAKE_TRY(bake_dir_open(path, &root, err));
	BAKE_TRY(bake_walk_read(root, skipped, &walk, err));
	BAKE_TRY(local_init(&local, &root, 1, walk.count, err));
	local.follow = true;
	for (size_t i = 0; i < walk.count; i++) {
		if (S_ISREG(walk.entries[i].mode) || S_ISLNK(walk.entries[i].mode))
			BAKE_TRY(
				local_add(&local, walk.entries[i].path, walk.entries[i].path, err));
	}
	if (!local.count)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "inspect.nothing",
			"there are no files in '%s'", BAKE_SHOW(path));
	source = source_of(&local);
	return bake_inspect(&source, options, out, err);
}

struct names {
	struct dirent **list;
	int count;
};

static void free_names(struct names *names)
{
	for (int i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

enum bake_status bake_inspect_judge(
	const struct bake_inspection *inspection, const char *name, struct bake_error *err)
{
	for (size_t i = 0; i < inspection->file_count; i++) {
		const struct bake_inspected_file *file = &inspection->files[i];

		if (strcmp(file->path, name) != 0 ||
			bake_text_equal(file->problem_id, "policy.pickle"))
			continue;
		if (file->problem && bake_text_starts(file->problem_id, "integrity."))
			return bake_error_set(err, BAKE_ERR_INTEGRITY, file->problem_id, "%s: %s",
				BAKE_SHOW(name), file->problem);
		if (file->problem)
			return bake_error_set(
				err, BAKE_ERR_DATA, file->problem_id, "%s", file->problem);
		if (file->format != BAKE_WEIGHTS_NONE)
			return BAKE_OK;
		bake_error_set(err, BAKE_ERR_DATA, "inspect.format",
			"%s: neither GGUF nor safetensors", BAKE_SHOW(name));
		return bake_error_hint(err, "name the directory to see what its JSON files say");
	}
	return BAKE_OK;
}

/* With all that lies beside it: which of that belongs to it is told by its name. */
static enum bake_status inspect_beside(int root, const struct bake_inspect_options *options,
	struct bake_inspection **out, struct bake_error *err)
{
	_cleanup_(bake_inspection_free) struct bake_inspection *inspection = NULL;
	_cleanup_(local_release) struct local local = {.fd = -1};
	_cleanup_(free_names) struct names names = {NULL, 0};
	struct bake_inspect_source source;

	names.count = scandirat(root, ".", &names.list, NULL, NULL);
	if (names.count < 0) {
		names.count = 0;
		return bake_error_errno(err, errno, "directory");
	}
	BAKE_TRY(local_init(&local, &root, 1, (size_t)names.count, err));
	local.follow = true;
	for (int i = 0; i < names.count; i++)
		BAKE_TRY(local_add(&local, names.list[i]->d_name, names.list[i]->d_name, err));
	source = source_of(&local);
	BAKE_TRY(bake_inspect(&source, options, &inspection, err));
	BAKE_TRY(bake_inspect_judge(inspection, options->only, err));
	*out = inspection;
	inspection = NULL;
	return BAKE_OK;
}

static enum bake_status inspect_file(const char *path, const struct bake_inspect_options *options,
	struct bake_inspection **out, struct bake_error *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path + 1)) : strdup(".");
	struct bake_inspect_options only = *options;
	_cleanup_close_ int root = -1;
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!dir)
		return bake_error_nomem(err);
	only.only = slash ? slash + 1 : path;
	BAKE_TRY(bake_dir_open(dir, &root, err));
	BAKE_TRY(open_following(root, only.only, &fd, &st, err));
	return inspect_beside(root, &only, out, err);
}

enum bake_status bake_inspect_path(const char *path, const struct bake_inspect_options *options,
	struct bake_inspection **out, struct bake_error *err)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		bake_error_errno(err, errno, "%s", BAKE_SHOW(path));
		return bake_error_of_input(err);
	}
	if (S_ISDIR(st.st_mode))
		return inspect_dir(path, options, out, err);
	if (S_ISREG(st.st_mode))
		return inspect_file(path, options, out, err);
	return bake_error_set(err, BAKE_ERR_NOINPUT, "inspect.nothing",
		"'%s' is neither a file nor a directory", BAKE_SHOW(path));
}
