/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a safetensors file, padded with blanks so that the data is aligned to eight. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "convert/planning.h"
#include "json/writer.h"

enum {
	ALIGNMENT = 8,
	/* Longer texts are tokenizers and templates, which no reader looks for here. */
	VALUE_MAX = 64 * 1024
};

static void put_span(struct bake_json_writer *writer, struct bake_span key, const char *value)
{
	_cleanup_free_ char *text = strndup((const char *)key.ptr, key.len);

	if (!text)
		writer->buf->nomem = true;
	else
		bake_json_put_text(writer, text, value);
}

static void put_number(struct bake_json_writer *writer, const struct bake_gguf *gguf,
	const struct bake_gguf_kv *kv)
{
	char text[40];
	uint64_t integer;
	double number;

	if (kv->kind == BAKE_GGUF_BOOL)
		(void)snprintf(text, sizeof(text), "%s",
			kv->bytes.len && kv->bytes.ptr[0] ? "true" : "false");
	else if (bake_gguf_u64_at(gguf, kv, 0, &integer))
		(void)snprintf(text, sizeof(text), "%" PRIu64, integer);
	else if (bake_gguf_f64_at(gguf, kv, 0, &number))
		(void)snprintf(text, sizeof(text), "%.9g", number);
	else
		return;
	put_span(writer, kv->key, text);
}

static bool is_written(const struct bake_convert_plan *plan, const struct bake_gguf_kv *kv)
{
	static const char split[] = "split.";

	for (size_t i = 0; i < plan->options.meta_count; i++) {
		const char *meta = plan->options.meta[i];

		if (strncmp(meta, (const char *)kv->key.ptr, kv->key.len) == 0 &&
			meta[kv->key.len] == '=')
			return false;
	}
	if (kv->key.len == strlen("format") && memcmp(kv->key.ptr, "format", kv->key.len) == 0)
		return false;
	return kv->kind != BAKE_GGUF_ARRAY && kv->bytes.len <= VALUE_MAX &&
	       (kv->key.len < strlen(split) || memcmp(kv->key.ptr, split, strlen(split)) != 0);
}

/* Texts to texts: single values of the source, under their own keys. */
static enum bake_status put_metadata(
	struct bake_convert_plan *plan, struct bake_json_writer *writer, struct bake_error *err)
{
	const struct bake_gguf *gguf = bake_convert_model_gguf(plan->model);

	bake_json_key(writer, "__metadata__");
	bake_json_object(writer);
	bake_json_put_text(writer, "format", "pt");
	for (size_t i = 0; i < gguf->key_count; i++) {
		const struct bake_gguf_kv *kv = &gguf->keys[i];

		if (!is_written(plan, kv))
			continue;
		if (kv->kind == BAKE_GGUF_STRING) {
			_cleanup_free_ char *value =
				strndup((const char *)kv->bytes.ptr, kv->bytes.len);

			if (!value)
				return bake_error_nomem(err);
			put_span(writer, kv->key, value);
		} else {
			put_number(writer, gguf, kv);
		}
	}
	for (size_t i = 0; i < plan->options.meta_count; i++) {
		const char *text = plan->options.meta[i];
		size_t len;

		BAKE_TRY(bake_plan_meta(text, &len, err));
		put_span(writer, bake_span(text, len), text + len + 1);
	}
	bake_json_end_object(writer);
	return BAKE_OK;
}

static void put_tensor(struct bake_json_writer *writer, const struct bake_convert_item *item)
{
	bake_json_key(writer, item->name);
	bake_json_object(writer);
	bake_json_put_text(writer, "dtype", bake_dtype_name(item->to.dtype));
	bake_json_key(writer, "shape");
	bake_json_array(writer);
	for (uint32_t d = 0; d < item->rank; d++)
		bake_json_write_u64(writer, item->shape[d]);
	bake_json_end_array(writer);
	bake_json_key(writer, "data_offsets");
	bake_json_array(writer);
	bake_json_write_u64(writer, item->offset);
	bake_json_write_u64(writer, item->offset + item->bytes);
	bake_json_end_array(writer);
	bake_json_end_object(writer);
}

enum bake_status bake_plan_write_st(struct bake_convert_plan *plan, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(&plan->header);
	uint64_t len;

	plan->header.max = BAKE_ST_HEADER_MAX;
	bake_buf_add(&plan->header, "\0\0\0\0\0\0\0", 8);
	bake_json_object(&writer);
	BAKE_TRY(put_metadata(plan, &writer, err));
	for (size_t i = 0; i < plan->item_count; i++) {
		if (plan->items[i].action == BAKE_CONVERT_DROP)
			continue;
		if (strcmp(plan->items[i].name, "__metadata__") == 0)
			return bake_error_set(err, BAKE_ERR_DATA, "convert.metadata",
				"%s: no tensor of a safetensors file can be named '__metadata__'",
				BAKE_SHOW(plan->model->path));
		put_tensor(&writer, &plan->items[i]);
	}
	bake_json_end_object(&writer);
	while (plan->header.len % ALIGNMENT && !plan->header.full && !plan->header.nomem)
		bake_buf_add(&plan->header, " ", 1);
	BAKE_TRY(bake_buf_status(&plan->header, "the header", err));
	len = plan->header.len - 8;
	for (unsigned i = 0; i < 8; i++)
		plan->header.ptr[i] = (char)(len >> 8 * i);
	return BAKE_OK;
}
