/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/relpath.h"

const char *bake_url_file_name(const char *url, size_t *out_len)
{
	const char *end = url + strcspn(url, "?#");
	const char *begin = end;

	while (begin > url && begin[-1] != '/')
		begin--;
	if (begin == end || memchr(begin, '%', (size_t)(end - begin)))
		return NULL;
	*out_len = (size_t)(end - begin);
	return begin;
}

struct paths {
	struct bake_arena *arena;
	const char **list;
	size_t count;
};

static enum bake_status add(
	struct paths *paths, const char *directory, const char *name, struct bake_error *err)
{
	const char *joined = bake_arena_join(paths->arena, directory, name);
	struct bake_relpath path;

	if (!joined)
		return bake_error_nomem(err);
	BAKE_TRY(bake_relpath_parse_model(joined, &path, err));
	paths->list[paths->count++] = joined;
	return BAKE_OK;
}

static enum bake_status add_url(
	struct paths *paths, const struct bake_model *model, struct bake_error *err)
{
	size_t len;
	const char *name = bake_url_file_name(model->source.location, &len);
	const char *copy = name ? bake_arena_copy(paths->arena, name, len) : NULL;

	if (!name)
		return BAKE_OK; /* locking says so */
	return copy ? add(paths, model->path, copy, err) : bake_error_nomem(err);
}

/* A file of some name in the model's directory. Models may share that: it is put in once. No file
 * is called so, its name ends in a dot. */
static enum bake_status add_directory(
	struct paths *paths, const struct bake_model *model, struct bake_error *err)
{
	const char *joined = bake_arena_join(paths->arena, model->path, "...");

	if (!joined)
		return bake_error_nomem(err);
	if (model->path[0])
		paths->list[paths->count++] = joined;
	return BAKE_OK;
}

static enum bake_status add_model(
	struct paths *paths, const struct bake_model *model, struct bake_error *err)
{
	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_manifest_file *file = &model->files[i];

		BAKE_TRY(add(paths, model->path, file->save_as ? file->save_as : file->name, err));
	}
	if (model->file_count)
		return BAKE_OK;
	return model->source.kind == BAKE_SOURCE_URL ? add_url(paths, model, err)
						     : add_directory(paths, model, err);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_directory(const char *path)
{
	return strcmp(path + strlen(path) - 3, "...") == 0;
}

/* Directories that are there more than once are left once. */
static void merge_directories(struct paths *paths)
{
	size_t kept = 0;

	qsort(paths->list, paths->count, sizeof(*paths->list), compare);
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = paths->list[i];

		if (kept && strcmp(paths->list[kept - 1], path) == 0 && strlen(path) > 3 &&
			is_directory(path))
			continue;
		paths->list[kept++] = path;
	}
	paths->count = kept;
}

enum bake_status bake_manifest_check_paths(struct bake_manifest *manifest, struct bake_error *err)
{
	_cleanup_free_ const char **list = NULL;
	struct paths paths = {.arena = &manifest->arena};
	size_t room = 1;

	for (size_t i = 0; i < manifest->model_count; i++)
		room += manifest->models[i].file_count + 1;
	list = calloc(room, sizeof(*list));
	if (!list)
		return bake_error_nomem(err);
	paths.list = list;
	for (size_t i = 0; i < manifest->model_count; i++)
		BAKE_TRY(add_model(&paths, &manifest->models[i], err));
	if (paths.count)
		merge_directories(&paths);
	return bake_relpath_check_set(paths.list, paths.count, err);
}
