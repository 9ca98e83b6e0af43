/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "convert/opening.h"
#include "format/pickle.h"
#include "format/sniff.h"
#include "fs/file.h"

enum {
	/* Names and shapes of a million tensors. */
	ARENA_MAX = 1024 * 1024 * 1024
};

static enum bake_status no_weights(const char *path, struct bake_span head, struct bake_error *err)
{
	const char *hint = NULL;
	const char *what = bake_sniff_describe(head, &hint);

	if (what) {
		bake_error_set(err, BAKE_ERR_INTEGRITY,
			bake_sniff_is_lfs_pointer(head) ? "integrity.lfs-pointer"
							: "integrity.stand-in",
			"%s is %s", BAKE_SHOW(path), what);
		return hint ? bake_error_hint(err, "%s", hint) : err->status;
	}
	bake_error_set(err, BAKE_ERR_DATA, "convert.format",
		"%s is neither a safetensors nor a GGUF file", BAKE_SHOW(path));
	return bake_error_hint(err, "a pickle (.ckpt, .pt, .bin) has to be loaded and saved as "
				    "safetensors first, which executes what is in it");
}

/* Links are followed: a Hub cache is made of them, and the user named the place. */
static enum bake_status open_file(struct bake_convert_file *file, struct bake_error *err)
{
	uint8_t bytes[BAKE_SNIFF_BYTES];
	struct stat st;
	size_t len;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &st) != 0) {
		bake_error_errno(err, errno, "'%s'", BAKE_SHOW(file->path));
		return bake_error_of_input(err);
	}
	if (!S_ISREG(st.st_mode))
		return bake_error_set(err, BAKE_ERR_NOINPUT, "fs.not-found",
			"'%s' is not a regular file", BAKE_SHOW(file->path));
	file->bytes = (uint64_t)st.st_size;
	BAKE_TRY(bake_file_read_at(file->fd, 0, bytes, sizeof(bytes), &len, err));
	if (bake_sniff_describe(bake_span(bytes, len), &(const char *){NULL}))
		return no_weights(file->path, bake_span(bytes, len), err);
	BAKE_TRY(bake_model_header_read_fd(
		file->fd, file->bytes, file->path, BAKE_GGUF_STRICT, &file->header, err));
	return file->header.format == BAKE_WEIGHTS_NONE
		       ? no_weights(file->path, bake_span(bytes, len), err)
		       : BAKE_OK;
}

static enum bake_status copy_st(struct bake_convert_model *model, size_t index,
	struct bake_convert_tensor *out, struct bake_error *err)
{
	const struct bake_safetensors *from = model->files[index].header.safetensors;

	for (size_t i = 0; i < from->tensor_count; i++) {
		const struct bake_st_tensor *tensor = &from->tensors[i];

		out[i] = (struct bake_convert_tensor){
			.name = tensor->name,
			.type = bake_convert_type_of_dtype(tensor->dtype),
			.rank = tensor->rank,
			.shape = tensor->shape,
			.elements = tensor->elements,
			.row = tensor->rank ? tensor->shape[tensor->rank - 1] : 1,
			.file = index,
			.offset = from->data_offset + tensor->begin,
			.bytes = tensor->end - tensor->begin,
		};
	}
	(void)err;
	return BAKE_OK;
}

static enum bake_status copy_gguf(struct bake_convert_model *model, size_t index,
	struct bake_convert_tensor *out, struct bake_error *err)
{
	const struct bake_gguf *from = model->files[index].header.gguf;

	for (size_t i = 0; i < from->tensor_count; i++) {
		const struct bake_gguf_tensor *tensor = &from->tensors[i];
		uint64_t *shape =
			bake_arena_array(&model->arena, tensor->dim_count, sizeof(*shape));

		out[i] = (struct bake_convert_tensor){
			.name = bake_arena_copy(
				&model->arena, (const char *)tensor->name.ptr, tensor->name.len),
			.type = bake_convert_type_of_ggml(tensor->type),
			.rank = tensor->dim_count,
			.shape = shape,
			.elements = tensor->elements,
			.row = tensor->dims[0],
			.file = index,
			.offset = from->data_offset + tensor->offset,
			.bytes = tensor->bytes,
		};
		if (!shape || !out[i].name)
			return bake_error_nomem(err);
		for (uint32_t d = 0; d < tensor->dim_count; d++)
			shape[d] = tensor->dims[tensor->dim_count - 1 - d];
	}
	return BAKE_OK;
}

static size_t count_tensors(const struct bake_model_header *header)
{
	return header->gguf ? header->gguf->tensor_count : header->safetensors->tensor_count;
}

static int compare_names(const void *a, const void *b)
{
	const struct bake_convert_tensor *const *left = a;
	const struct bake_convert_tensor *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static enum bake_status sort_names(struct bake_convert_model *model, struct bake_error *err)
{
	model->by_name = bake_arena_array(
		&model->arena, model->tensor_count, sizeof(struct bake_convert_tensor *));
	if (!model->by_name)
		return bake_error_nomem(err);
	for (size_t i = 0; i < model->tensor_count; i++)
		model->by_name[i] = &model->tensors[i];
	qsort(model->by_name, model->tensor_count, sizeof(struct bake_convert_tensor *),
		compare_names);
	for (size_t i = 1; i < model->tensor_count; i++) {
		if (compare_names(&model->by_name[i - 1], &model->by_name[i]) == 0)
			return bake_error_set(err, BAKE_ERR_DATA, "shard.duplicate",
				"%s: tensor '%s' is in two files", BAKE_SHOW(model->path),
				BAKE_SHOW(model->by_name[i]->name));
	}
	return BAKE_OK;
}

static enum bake_status list_tensors(struct bake_convert_model *model, struct bake_error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < model->file_count; i++) {
		model->bytes = bake_u64_add_capped(model->bytes, model->files[i].bytes);
		count += count_tensors(&model->files[i].header);
	}
	model->tensors = bake_arena_array(&model->arena, count, sizeof(*model->tensors));
	if (!model->tensors)
		return bake_error_nomem(err);
	for (size_t i = 0; i < model->file_count; i++) {
		struct bake_convert_tensor *out = &model->tensors[model->tensor_count];

		BAKE_TRY(model->format == BAKE_WEIGHTS_GGUF ? copy_gguf(model, i, out, err)
							    : copy_st(model, i, out, err));
		model->tensor_count += count_tensors(&model->files[i].header);
	}
	return sort_names(model, err);
}

enum bake_status bake_convert_open_files(struct bake_convert_model *model, const char *const *paths,
	size_t count, struct bake_error *err)
{
	if (count > BAKE_CONVERT_FILES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
			"%s: %zu files; at most %d are read", BAKE_SHOW(model->path), count,
			BAKE_CONVERT_FILES_MAX);
	model->files = bake_arena_array(&model->arena, count, sizeof(*model->files));
	if (!model->files)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct bake_convert_file *file = &model->files[i];

		*file = (struct bake_convert_file){.path = paths[i], .fd = -1};
		model->file_count = i + 1;
		BAKE_TRY(open_file(file, err));
		if (file->header.format != model->files[0].header.format)
			return bake_error_set(err, BAKE_ERR_DATA, "convert.format",
				"%s is of another format than %s", BAKE_SHOW(paths[i]),
				BAKE_SHOW(paths[0]));
	}
	model->format = model->files[0].header.format;
	return BAKE_OK;
}

enum bake_status bake_convert_model_open(
	const char *path, struct bake_convert_model **out, struct bake_error *err)
{
	struct bake_convert_model *model = calloc(1, sizeof(*model));
	enum bake_status status;

	if (!model)
		return bake_error_nomem(err);
	model->arena = (struct bake_arena)BAKE_ARENA_INIT(ARENA_MAX);
	status = bake_convert_open_path(model, path, err);
	if (status == BAKE_OK)
		status = list_tensors(model, err);
	if (status != BAKE_OK) {
		bake_convert_model_close(&model);
		return status;
	}
	*out = model;
	return BAKE_OK;
}

void bake_convert_model_close(struct bake_convert_model **model)
{
	if (!*model)
		return;
	for (size_t i = 0; i < (*model)->file_count; i++) {
		bake_model_header_release(&(*model)->files[i].header);
		cleanup_close(&(*model)->files[i].fd);
	}
	bake_arena_release(&(*model)->arena);
	free(*model);
	*model = NULL;
}

const struct bake_convert_tensor *bake_convert_model_find(
	const struct bake_convert_model *model, const char *name)
{
	struct bake_convert_tensor wanted = {.name = name};
	const struct bake_convert_tensor *key = &wanted;
	const struct bake_convert_tensor **found = bsearch(&key, model->by_name,
		model->tensor_count, sizeof(struct bake_convert_tensor *), compare_names);

	return found ? *found : NULL;
}

const struct bake_gguf *bake_convert_model_gguf(const struct bake_convert_model *model)
{
	return model->format == BAKE_WEIGHTS_GGUF ? model->files[0].header.gguf : NULL;
}
