/* SPDX-License-Identifier: Apache-2.0 */
#include "format/safetensors.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/st_header.h"

enum {
	LENGTH_BYTES = 8, /* of the header's length, in front of it */
	WARNINGS_MAX = 4
};

/* More than a header of BAKE_ST_HEADER_MAX can become: names, shapes, texts. */
#define ARENA_MAX ((size_t)768 << 20)

void bake_safetensors_free(struct bake_safetensors **file)
{
	if (*file)
		bake_arena_release(&(*file)->arena);
	free(*file);
	*file = NULL;
}

/* The lengths: *out_header is of the JSON. */
static enum bake_status check_lengths(struct bake_span head, uint64_t file_bytes, const char *name,
	uint64_t *out_header, struct bake_error *err)
{
	uint64_t length;

	if (file_bytes < LENGTH_BYTES)
		return bake_error_set(err, BAKE_ERR_DATA, "st.header",
			"%s: %" PRIu64 " bytes are too short for a safetensors file",
			BAKE_SHOW(name), file_bytes);
	if (head.len < LENGTH_BYTES) {
		*out_header = 0;
		return BAKE_OK;
	}
	memcpy(&length, head.ptr, sizeof(length));
	length = le64toh(length);
	if (length > BAKE_ST_HEADER_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "st.header",
			"%s: a header of %" PRIu64 " bytes, more than %d", BAKE_SHOW(name), length,
			BAKE_ST_HEADER_MAX);
	if (length > file_bytes - LENGTH_BYTES)
		return bake_error_set(err, BAKE_ERR_DATA, "st.header",
			"%s: a header of %" PRIu64 " bytes in a file of %" PRIu64, BAKE_SHOW(name),
			length, file_bytes);
	*out_header = length;
	return BAKE_OK;
}

static int compare_offsets(const struct bake_st_tensor *a, const struct bake_st_tensor *b)
{
	if (a->begin != b->begin)
		return a->begin < b->begin ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return 0;
}

/* Tensors of no bytes may share a place: then their names decide. */
static int compare_tensors(const void *left, const void *right)
{
	const struct bake_st_tensor *a = left;
	const struct bake_st_tensor *b = right;
	int order = compare_offsets(a, b);

	return order ? order : strcmp(a->name, b->name);
}

/* By offset. Most writers have them so already. */
static void sort_tensors(struct bake_safetensors *file)
{
	for (size_t i = 1; i < file->tensor_count; i++) {
		if (compare_offsets(&file->tensors[i - 1], &file->tensors[i]) <= 0)
			continue;
		qsort(file->tensors, file->tensor_count, sizeof(*file->tensors), compare_tensors);
		return;
	}
}

/* The tensors follow one another from 0 to the end of the file: what is in no tensor would be a
 * place to hide another file in. */
static enum bake_status check_layout(
	const struct bake_safetensors *file, const char *name, struct bake_error *err)
{
	uint64_t at = 0;

	for (size_t i = 0; i < file->tensor_count; i++) {
		const struct bake_st_tensor *tensor = &file->tensors[i];

		if (tensor->begin != at)
			return bake_error_set(err, BAKE_ERR_DATA, "st.offsets",
				"%s: tensor '%s': begins at %" PRIu64
				" of the data, %s at %" PRIu64,
				BAKE_SHOW(name), BAKE_SHOW(tensor->name), tensor->begin,
				i ? "the one before ends" : "which begins", at);
		at = tensor->end;
		if (at > file->data_bytes)
			return bake_error_set(err, BAKE_ERR_DATA, "st.truncated",
				"%s: tensor '%s': ends at %" PRIu64
				" of the data, which has %" PRIu64 " bytes",
				BAKE_SHOW(name), BAKE_SHOW(tensor->name), at, file->data_bytes);
	}
	if (at < file->data_bytes)
		return bake_error_set(err, BAKE_ERR_DATA, "st.offsets",
			"%s: %" PRIu64 " bytes behind the last tensor%s%s%s", BAKE_SHOW(name),
			file->data_bytes - at, file->tensor_count ? " '" : "",
			file->tensor_count ? BAKE_SHOW(file->tensors[file->tensor_count - 1].name)
					   : "",
			file->tensor_count ? "'" : "");
	return BAKE_OK;
}

static enum bake_status warn(
	struct bake_safetensors *file, const char *text, struct bake_error *err)
{
	const char *copy = bake_arena_text(&file->arena, text);

	if (!file->warnings)
		file->warnings =
			bake_arena_array(&file->arena, WARNINGS_MAX, sizeof(*file->warnings));
	if (!file->warnings || !copy)
		return bake_error_nomem(err);
	if (file->warning_count < WARNINGS_MAX)
		file->warnings[file->warning_count++] = copy;
	return BAKE_OK;
}

static enum bake_status look_for_oddities(
	struct bake_safetensors *file, struct bake_span json, struct bake_error *err)
{
	size_t empty = 0;

	for (size_t i = 0; i < file->tensor_count; i++)
		empty += file->tensors[i].elements == 0;
	/* The specification wants '{' first; the reference does not look. */
	if (json.ptr[0] != '{')
		BAKE_TRY(warn(file, "the header begins with blanks", err));
	if (!file->tensor_count)
		BAKE_TRY(warn(file, "it has no tensors", err));
	if (empty) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%zu tensor%s without elements", empty,
			empty == 1 ? "" : "s");
		BAKE_TRY(warn(file, text, err));
	}
	return BAKE_OK;
}

static enum bake_status read_file(struct bake_span json, const char *name,
	struct bake_safetensors *file, struct bake_error *err)
{
	BAKE_TRY(bake_st_header_parse(json, name, file, err));
	sort_tensors(file);
	BAKE_TRY(check_layout(file, name, err));
	return look_for_oddities(file, json, err);
}

enum bake_status bake_safetensors_parse(struct bake_span head, uint64_t file_bytes,
	const char *name, uint64_t *out_need, struct bake_safetensors **out, struct bake_error *err)
{
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	uint64_t header = 0;

	BAKE_TRY(check_lengths(head, file_bytes, name, &header, err));
	if (head.len < LENGTH_BYTES + header) {
		*out_need = LENGTH_BYTES + header;
		return BAKE_OK;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		return bake_error_nomem(err);
	file->arena = (struct bake_arena)BAKE_ARENA_INIT(ARENA_MAX);
	file->header_bytes = header;
	file->data_offset = LENGTH_BYTES + header;
	file->data_bytes = file_bytes - file->data_offset;
	BAKE_TRY(read_file(bake_span(head.ptr + LENGTH_BYTES, header), name, file, err));
	*out = file;
	file = NULL;
	return BAKE_OK;
}

const char *bake_safetensors_metadata(const struct bake_safetensors *file, const char *key)
{
	for (size_t i = 0; i < file->metadata_count; i++) {
		if (strcmp(file->metadata[i].key, key) == 0)
			return file->metadata[i].value;
	}
	return NULL;
}
