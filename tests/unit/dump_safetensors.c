/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints a line of JSON for each file named: the header of a safetensors file, or what a shard index
 * says, or the failure. What the tests compare with what others say of the same files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/safetensors.h"
#include "format/shards.h"
#include "json/writer.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

static bool read_file(const char *path, struct bake_buf *out)
{
	FILE *file = fopen(path, "rbe");
	char piece[65536];
	size_t got;

	if (!file)
		return false;
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		bake_buf_add(out, piece, got);
	return fclose(file) == 0 && !out->full && !out->nomem;
}

static void put_warnings(struct bake_json_writer *writer, const char **warnings, size_t count)
{
	bake_json_put_list(writer, "warnings", warnings, count);
}

static void put_tensor(struct bake_json_writer *writer, const struct bake_st_tensor *tensor)
{
	bake_json_object(writer);
	bake_json_put_text(writer, "name", tensor->name);
	bake_json_put_text(writer, "dtype", bake_dtype_name(tensor->dtype));
	bake_json_key(writer, "shape");
	bake_json_array(writer);
	for (uint32_t i = 0; i < tensor->rank; i++)
		bake_json_write_u64(writer, tensor->shape[i]);
	bake_json_end_array(writer);
	bake_json_key(writer, "data_offsets");
	bake_json_array(writer);
	bake_json_write_u64(writer, tensor->begin);
	bake_json_write_u64(writer, tensor->end);
	bake_json_end_array(writer);
	bake_json_put_u64(writer, "elements", tensor->elements);
	bake_json_end_object(writer);
}

static void put_header(struct bake_json_writer *writer, const struct bake_safetensors *file)
{
	bake_json_put_u64(writer, "header_len", file->header_bytes);
	bake_json_put_u64(writer, "data_bytes", file->data_bytes);
	bake_json_key(writer, "metadata");
	bake_json_object(writer);
	for (size_t i = 0; i < file->metadata_count; i++)
		bake_json_put_text(writer, file->metadata[i].key, file->metadata[i].value);
	bake_json_end_object(writer);
	bake_json_key(writer, "tensors");
	bake_json_array(writer);
	for (size_t i = 0; i < file->tensor_count; i++)
		put_tensor(writer, &file->tensors[i]);
	bake_json_end_array(writer);
	put_warnings(writer, file->warnings, file->warning_count);
}

static void put_shards(struct bake_json_writer *writer, const struct bake_shards *shards)
{
	size_t at = 0;

	if (shards->has_total_size)
		bake_json_put_u64(writer, "total_size", shards->total_size);
	bake_json_key(writer, "files");
	bake_json_object(writer);
	for (size_t file = 0; file < shards->file_count; file++) {
		bake_json_key(writer, shards->files[file]);
		bake_json_array(writer);
		for (; at < shards->entry_count && shards->entries[at].file == file; at++)
			bake_json_write_text(writer, shards->entries[at].tensor);
		bake_json_end_array(writer);
	}
	bake_json_end_object(writer);
	put_warnings(writer, shards->warnings, shards->warning_count);
}

static enum bake_status put_file(struct bake_json_writer *writer, const char *path,
	struct bake_span bytes, struct bake_error *err)
{
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
	uint64_t need;

	if (bake_shards_is_index(path)) {
		BAKE_TRY(bake_shards_parse(bytes, path, &shards, err));
		put_shards(writer, shards);
		return BAKE_OK;
	}
	BAKE_TRY(bake_safetensors_parse(bytes, bytes.len, path, &need, &file, err));
	put_header(writer, file);
	return BAKE_OK;
}

static bool dump(const char *path)
{
	_cleanup_(bake_buf_release) struct bake_buf bytes = BAKE_BUF_INIT(FILE_MAX_BYTES);
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(FILE_MAX_BYTES);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_error err = BAKE_ERROR_INIT;

	if (!read_file(path, &bytes))
		return false;
	bake_json_object_line(&writer);
	if (put_file(&writer, path, bake_buf_span(&bytes), &err) != BAKE_OK) {
		bake_json_put_text(&writer, "error", err.id);
		bake_json_put_text(&writer, "message", err.message);
	}
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return text.ptr && !text.full && fputs(text.ptr, stdout) >= 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!dump(argv[i])) {
			(void)fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
