/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the header of a GGUF file as JSON, or "ID MESSAGE" of the failure: what the tests compare
 * with what other readers say. Usage: dump_gguf strict|tolerant FILE, or dump_gguf types.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/gguf.h"
#include "json/writer.h"

static bool read_file(const char *path, struct bake_buf *out)
{
	FILE *file = fopen(path, "rbe");
	char piece[4096];
	size_t got;

	if (!file)
		return false;
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		bake_buf_add(out, piece, got);
	return fclose(file) == 0;
}

static void put_span(struct bake_json_writer *writer, const char *key, struct bake_span span)
{
	_cleanup_free_ char *text = strndup((const char *)span.ptr, span.len);

	bake_json_put_text(writer, key, text ? text : "");
}

/* Numbers as text: JSON has no int64 and no infinity. */
static void put_number(struct bake_json_writer *writer, const struct bake_gguf *gguf,
	const struct bake_gguf_kv *kv)
{
	char text[64] = "";
	uint64_t value;
	double number;

	if (kv->count == 0)
		return;
	if (bake_gguf_u64_at(gguf, kv, 0, &value))
		(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	else if (bake_gguf_f64_at(gguf, kv, 0, &number))
		(void)snprintf(text, sizeof(text), "%.17g", number);
	else
		return;
	bake_json_put_text(writer, "first", text);
}

static void put_pair(struct bake_json_writer *writer, const struct bake_gguf *gguf,
	const struct bake_gguf_kv *kv, const uint8_t *start)
{
	bake_json_object_line(writer);
	put_span(writer, "key", kv->key);
	bake_json_put_u64(writer, "offset", kv->offset);
	bake_json_put_u64(writer, "kind", kv->kind);
	bake_json_put_u64(writer, "element", kv->element);
	bake_json_put_u64(writer, "count", kv->count);
	bake_json_put_u64(writer, "value_offset", (uint64_t)(kv->bytes.ptr - start));
	bake_json_put_u64(writer, "value_bytes", kv->bytes.len);
	put_number(writer, gguf, kv);
	bake_json_end_object(writer);
}

static void put_tensor(struct bake_json_writer *writer, const struct bake_gguf_tensor *tensor)
{
	bake_json_object_line(writer);
	put_span(writer, "name", tensor->name);
	bake_json_put_u64(writer, "type", tensor->type_id);
	bake_json_key(writer, "dims");
	bake_json_array(writer);
	for (uint32_t i = 0; i < tensor->dim_count; i++)
		bake_json_write_u64(writer, tensor->dims[i]);
	bake_json_end_array(writer);
	bake_json_put_u64(writer, "elements", tensor->elements);
	bake_json_put_u64(writer, "offset", tensor->offset);
	bake_json_put_u64(writer, "bytes", tensor->bytes);
	bake_json_end_object(writer);
}

static void put_header(
	struct bake_json_writer *writer, const struct bake_gguf *gguf, const uint8_t *start)
{
	bake_json_object(writer);
	bake_json_put_u64(writer, "version", gguf->version);
	bake_json_put_bool(writer, "big_endian", gguf->big_endian);
	bake_json_put_u64(writer, "alignment", gguf->alignment);
	bake_json_put_u64(writer, "header_bytes", gguf->header_bytes);
	bake_json_put_u64(writer, "data_offset", gguf->data_offset);
	bake_json_put_u64(writer, "data_bytes", gguf->data_bytes);
	bake_json_key(writer, "keys");
	bake_json_array(writer);
	for (size_t i = 0; i < gguf->key_count; i++)
		put_pair(writer, gguf, &gguf->keys[i], start);
	bake_json_end_array(writer);
	bake_json_key(writer, "tensors");
	bake_json_array(writer);
	for (size_t i = 0; i < gguf->tensor_count; i++)
		put_tensor(writer, &gguf->tensors[i]);
	bake_json_end_array(writer);
	bake_json_put_list(writer, "warnings", gguf->warnings, gguf->warning_count);
	bake_json_end_object(writer);
	bake_json_finish(writer);
}

static void put_types(struct bake_json_writer *writer)
{
	const struct bake_ggml_type *type;

	bake_json_array(writer);
	for (uint32_t id = 0; (type = bake_ggml_type_find(id)); id++) {
		bake_json_object_line(writer);
		bake_json_put_u64(writer, "id", type->id);
		bake_json_put_text(writer, "name", type->name);
		bake_json_put_u64(writer, "block", type->block);
		bake_json_put_u64(writer, "bytes", type->block_bytes);
		bake_json_put_u64(writer, "quantized", bake_ggml_type_is_quantized(type));
		bake_json_put_bool(writer, "removed", type->removed);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
	bake_json_finish(writer);
}

static int put_file(struct bake_json_writer *writer, const char *mode, const char *path)
{
	_cleanup_(bake_buf_release) struct bake_buf bytes = BAKE_BUF_INIT((size_t)1 << 30);
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span head;
	uint64_t need;

	if (!read_file(path, &bytes))
		return EXIT_FAILURE;
	head = bake_buf_span(&bytes);
	if (bake_gguf_parse(head, head.len, "FILE",
		    strcmp(mode, "strict") == 0 ? BAKE_GGUF_STRICT : BAKE_GGUF_TOLERANT, &need,
		    &gguf, &err) != BAKE_OK) {
		(void)printf("%s %s\n", err.id, err.message);
		return EXIT_SUCCESS;
	}
	put_header(writer, gguf, head.ptr);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 30);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	if (argc == 2 && strcmp(argv[1], "types") == 0)
		put_types(&writer);
	else if (argc != 3 || put_file(&writer, argv[1], argv[2]) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	if (text.len)
		(void)fputs(text.ptr, stdout);
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
