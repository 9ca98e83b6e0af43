/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/paths.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/named.h"
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
	struct bake_arena *arena; /* of list and directories, and of joined texts */
	const char **list;
	size_t count;
	struct bake_named *directories;
	size_t directory_count;
};

static enum bake_status add(struct paths *paths, const char *text, struct bake_error *err)
{
	struct bake_relpath path;

	if (!text)
		return bake_error_nomem(err);
	BAKE_TRY(bake_relpath_parse_model(text, &path, err));
	paths->list[paths->count++] = text;
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
	return copy ? add(paths, bake_arena_join(paths->arena, model->path, copy), err)
		    : bake_error_nomem(err);
}

/* A file of some name in the model's directory. No file is called so, its name ends in a dot. */
static enum bake_status add_directory(
	struct paths *paths, const struct bake_model *model, struct bake_error *err)
{
	const char *joined = bake_arena_join(paths->arena, model->path, "...");

	if (!joined)
		return bake_error_nomem(err);
	if (model->path[0])
		paths->directories[paths->directory_count++] = bake_named(joined, 0);
	return BAKE_OK;
}

static enum bake_status add_model(
	struct paths *paths, const struct bake_model *model, struct bake_error *err)
{
	for (size_t i = 0; i < model->file_count; i++)
		BAKE_TRY(add(paths, model->placed[i].path, err));
	if (model->file_count)
		return BAKE_OK;
	return model->source.kind == BAKE_SOURCE_URL ? add_url(paths, model, err)
						     : add_directory(paths, model, err);
}

/* Models may share a directory: each is put in once. */
static void add_directories(struct paths *paths)
{
	const struct bake_named *directories = paths->directories;

	bake_named_sort(paths->directories, paths->directory_count, paths->arena);
	for (size_t i = 0; i < paths->directory_count; i++) {
		if (i == 0 || !bake_named_same(&directories[i - 1], &directories[i]))
			paths->list[paths->count++] = directories[i].text;
	}
}

enum bake_status bake_manifest_check_paths(
	const struct bake_manifest *manifest, struct bake_arena *scratch, struct bake_error *err)
{
	struct paths paths = {.arena = scratch};
	size_t room = 0;

	for (size_t i = 0; i < manifest->model_count; i++)
		room += manifest->models[i].file_count + 1;
	paths.list = bake_arena_room(scratch, room, sizeof(*paths.list));
	paths.directories =
		bake_arena_room(scratch, manifest->model_count, sizeof(*paths.directories));
	if (!paths.list || !paths.directories)
		return bake_error_nomem(err);
	for (size_t i = 0; i < manifest->model_count; i++)
		BAKE_TRY(add_model(&paths, &manifest->models[i], err));
	add_directories(&paths);
	return bake_relpath_check_set(paths.list, paths.count, scratch, err);
}
