/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a path means: one, the shards of an index, the parts of a split, those of a directory. */
#include "convert/opening.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/shards.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/walk.h"

static size_t dir_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* "DIR/" of path with name behind it. */
static const char *beside(struct bake_convert_model *model, const char *path, const char *name)
{
	size_t dir = dir_length(path);
	size_t len = strlen(name);
	char *text = bake_arena_alloc(&model->arena, dir + len + 1);

	if (!text)
		return NULL;
	memcpy(text, path, dir);
	memcpy(text + dir, name, len);
	return text;
}

static const char *cut(struct bake_convert_model *model, const char *path, const char *ending)
{
	size_t len = strlen(path);

	if (bake_text_ends(path, ending) && len - dir_length(path) > strlen(ending))
		len -= strlen(ending);
	return bake_arena_copy(&model->arena, path, len);
}

static enum bake_status check_shards(const struct bake_convert_model *model,
	const struct bake_shards *shards, struct bake_error *err)
{
	_cleanup_free_ const struct bake_safetensors **headers =
		calloc(shards->file_count, sizeof(*headers));
	bool stale;

	if (!headers)
		return bake_error_nomem(err);
	for (size_t i = 0; i < shards->file_count; i++) {
		headers[i] = model->files[i].header.safetensors;
		if (!headers[i])
			return bake_error_set(err, BAKE_ERR_DATA, "convert.format",
				"%s is not a safetensors file", BAKE_SHOW(model->files[i].path));
	}
	return bake_shards_check(shards, model->path, headers, &stale, err);
}

static enum bake_status open_shards(
	struct bake_convert_model *model, const struct bake_shards *shards, struct bake_error *err)
{
	const char **paths = bake_arena_array(&model->arena, shards->file_count, sizeof(*paths));

	if (!paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < shards->file_count; i++) {
		paths[i] = beside(model, model->path, shards->files[i]);
		if (!paths[i])
			return bake_error_nomem(err);
	}
	if (shards->file_count == 0)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "convert.nothing", "%s names no file",
			BAKE_SHOW(model->path));
	BAKE_TRY(bake_convert_open_files(model, paths, shards->file_count, err));
	return check_shards(model, shards, err);
}

static enum bake_status open_index(
	struct bake_convert_model *model, const char *path, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_SHARDS_BYTES_MAX);
	struct bake_shards *shards = NULL;
	const char *end = strstr(path + dir_length(path), ".safetensors.index.");
	enum bake_status status;

	model->stem =
		bake_arena_copy(&model->arena, path, end ? (size_t)(end - path) : strlen(path));
	if (!model->stem)
		return bake_error_nomem(err);
	BAKE_TRY(bake_file_read(path, &text, err));
	BAKE_TRY(bake_shards_parse(bake_buf_span(&text), path, &shards, err));
	status = open_shards(model, shards, err);
	bake_shards_free(&shards);
	return status;
}

static enum bake_status check_split(const struct bake_convert_model *model, struct bake_error *err)
{
	uint64_t sum = 0;
	uint64_t total;

	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_gguf *gguf = model->files[i].header.gguf;
		uint64_t number;
		uint64_t count;

		if (!gguf || !bake_gguf_u64(gguf, "split.no", &number) ||
			!bake_gguf_u64(gguf, "split.count", &count) || number != i ||
			count != model->file_count)
			return bake_error_set(err, BAKE_ERR_DATA, "convert.part",
				"%s does not say that it is part %zu of %zu",
				BAKE_SHOW(model->files[i].path), i + 1, model->file_count);
		sum += gguf->tensor_count;
	}
	if (bake_gguf_u64(model->files[0].header.gguf, "split.tensors.count", &total) &&
		total != sum)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.part",
			"%s: the parts have %llu tensors, not %llu", BAKE_SHOW(model->path),
			(unsigned long long)sum, (unsigned long long)total);
	return BAKE_OK;
}

/* prefix_len bytes of path are what all parts begin with. */
static enum bake_status open_split(struct bake_convert_model *model, const char *path,
	size_t prefix_len, uint32_t count, struct bake_error *err)
{
	const char **paths;

	if (count > BAKE_CONVERT_FILES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
			"%s: %u parts; at most %d are read", BAKE_SHOW(path), (unsigned)count,
			BAKE_CONVERT_FILES_MAX);
	paths = bake_arena_array(&model->arena, count, sizeof(*paths));
	model->stem = bake_arena_copy(&model->arena, path, prefix_len);
	if (!paths || !model->stem)
		return bake_error_nomem(err);
	for (uint32_t i = 0; i < count; i++) {
		char ending[40];
		char *text = bake_arena_alloc(&model->arena, prefix_len + sizeof(ending));

		if (!text)
			return bake_error_nomem(err);
		(void)snprintf(ending, sizeof(ending), "-%05u-of-%05u.gguf", (unsigned)i + 1,
			(unsigned)count);
		memcpy(text, path, prefix_len);
		memcpy(text + prefix_len, ending, strlen(ending));
		paths[i] = text;
	}
	BAKE_TRY(bake_convert_open_files(model, paths, count, err));
	return check_split(model, err);
}

/* "STEM-00001-of-00002.safetensors". */
static bool is_shard(const char *path)
{
	size_t len = strlen(path);
	size_t tail = strlen("-00001-of-00002.safetensors");

	return len > tail && path[len - tail] == '-' &&
	       strncmp(path + len - tail + 6, "-of-", 4) == 0 &&
	       strspn(path + len - tail + 1, "0123456789") == 5 &&
	       strspn(path + len - tail + 10, "0123456789") == 5 &&
	       bake_text_ends(path, ".safetensors");
}

static enum bake_status open_one(
	struct bake_convert_model *model, const char *path, struct bake_error *err)
{
	const char **paths = bake_arena_array(&model->arena, 1, sizeof(*paths));
	size_t prefix_len;
	uint32_t number;
	uint32_t count;

	if (!paths)
		return bake_error_nomem(err);
	if (bake_gguf_split_name(path, &prefix_len, &number, &count))
		return open_split(model, path, prefix_len, count, err);
	if (is_shard(path)) {
		bake_error_set(err, BAKE_ERR_DATA, "convert.part", "%s is one shard of several",
			BAKE_SHOW(path));
		return bake_error_hint(err, "name the index (*.safetensors.index.json) or the "
					    "directory instead");
	}
	paths[0] = path;
	model->stem = cut(model, path, bake_text_ends(path, ".gguf") ? ".gguf" : ".safetensors");
	return model->stem ? bake_convert_open_files(model, paths, 1, err) : bake_error_nomem(err);
}

bool bake_convert_is_candidate(const char *path, const char *format)
{
	size_t prefix_len;
	uint32_t number;
	uint32_t count;

	if (bake_text_ends(path, ".gguf"))
		return (!format || strcmp(format, "gguf") == 0) &&
		       (!bake_gguf_split_name(path, &prefix_len, &number, &count) || number == 1);
	if (format && strcmp(format, "safetensors") != 0)
		return false;
	return bake_shards_is_index(path) ||
	       (bake_text_ends(path, ".safetensors") && !is_shard(path));
}

static enum bake_status several(
	const char *dir, const char *first, const char *second, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_USAGE, "convert.several", "'%s' has several models: %s, %s",
		BAKE_SHOW(dir), BAKE_SHOW(first), BAKE_SHOW(second));
	return bake_error_hint(err, "name one of them, or convert all of them with --batch");
}

static enum bake_status nothing(const char *dir, bool pipeline, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_NOINPUT, "convert.nothing",
		"there is no safetensors or GGUF file in '%s'", BAKE_SHOW(dir));
	return pipeline ? bake_error_hint(err, "it is a diffusers pipeline: name its transformer/ "
					       "or unet/ directory")
			: err->status;
}

static enum bake_status choose(struct bake_convert_model *model, const char *dir,
	const struct bake_walk *walk, const char **out, struct bake_error *err)
{
	const char *found = NULL;
	bool pipeline = false;

	for (size_t i = 0; i < walk->count; i++) {
		const struct bake_walk_entry *entry = &walk->entries[i];

		if (entry->depth != 0 || S_ISDIR(entry->mode))
			continue;
		pipeline = pipeline || strcmp(entry->path, "model_index.json") == 0;
		if (!bake_convert_is_candidate(entry->path, NULL))
			continue;
		if (found)
			return several(dir, found, entry->path, err);
		found = entry->path;
	}
	if (!found)
		return nothing(dir, pipeline, err);
	*out = bake_arena_join(&model->arena, dir, found);
	return *out ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status open_directory(
	struct bake_convert_model *model, const char *path, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	_cleanup_close_ int root = -1;
	const char *chosen = NULL;

	if (bake_dir_open(path, &root, err) != BAKE_OK)
		return bake_error_of_input(err);
	BAKE_TRY(bake_walk_read(root, NULL, &walk, err));
	BAKE_TRY(choose(model, path, &walk, &chosen, err));
	model->path = chosen;
	return bake_shards_is_index(chosen) ? open_index(model, chosen, err)
					    : open_one(model, chosen, err);
}

enum bake_status bake_convert_open_path(
	struct bake_convert_model *model, const char *path, struct bake_error *err)
{
	struct stat st;
	size_t len = strlen(path);
	const char *own;

	while (len > 1 && path[len - 1] == '/')
		len--;
	own = bake_arena_copy(&model->arena, path, len);
	if (!own)
		return bake_error_nomem(err);
	model->path = own;
	if (stat(own, &st) != 0) {
		bake_error_errno(err, errno, "'%s'", BAKE_SHOW(own));
		return bake_error_of_input(err);
	}
	if (S_ISDIR(st.st_mode))
		return open_directory(model, own, err);
	return bake_shards_is_index(own) ? open_index(model, own, err) : open_one(model, own, err);
}
