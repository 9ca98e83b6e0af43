/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a GGUF file, version 3. Of an image model exactly three pairs, then what the user
 * adds and the shapes that a loader restores; of one that is requantised its own pairs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "convert/planning.h"

enum {
	VERSION = 3,
	QUANTIZATION_VERSION = 2
};

static void put_u32(struct bake_buf *buf, uint32_t value)
{
	uint8_t bytes[4];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	bake_buf_add(buf, bytes, sizeof(bytes));
}

static void put_u64(struct bake_buf *buf, uint64_t value)
{
	put_u32(buf, (uint32_t)value);
	put_u32(buf, (uint32_t)(value >> 32));
}

static void put_string(struct bake_buf *buf, const char *text, size_t len)
{
	put_u64(buf, len);
	bake_buf_add(buf, text, len);
}

static void put_key(struct bake_buf *buf, const char *key, enum bake_gguf_kind kind)
{
	put_string(buf, key, strlen(key));
	put_u32(buf, kind);
}

static void put_u32_pair(struct bake_buf *buf, const char *key, uint32_t value)
{
	put_key(buf, key, BAKE_GGUF_U32);
	put_u32(buf, value);
}

static void put_ours(struct bake_convert_plan *plan, uint64_t *count)
{
	put_u32_pair(&plan->header, "general.quantization_version", QUANTIZATION_VERSION);
	put_u32_pair(&plan->header, "general.file_type", bake_plan_file_type(plan->options.target));
	*count += 2;
}

static bool is_given(const struct bake_convert_plan *plan, struct bake_span key)
{
	for (size_t i = 0; i < plan->options.meta_count; i++) {
		const char *meta = plan->options.meta[i];

		if (strncmp(meta, (const char *)key.ptr, key.len) == 0 && meta[key.len] == '=')
			return true;
	}
	return false;
}

static bool says(struct bake_span key, const char *text)
{
	return key.len == strlen(text) && memcmp(key.ptr, text, key.len) == 0;
}

/* What describes the parts of the source, or what is written anew. */
static bool is_replaced(const struct bake_convert_plan *plan, struct bake_span key)
{
	return says(key, "general.quantization_version") || says(key, "general.file_type") ||
	       (key.len >= 6 && memcmp(key.ptr, "split.", 6) == 0) || is_given(plan, key);
}

static void copy_pairs(struct bake_convert_plan *plan, uint64_t *count)
{
	const struct bake_gguf *gguf = bake_convert_model_gguf(plan->model);
	struct bake_buf *buf = &plan->header;

	for (size_t i = 0; i < gguf->key_count; i++) {
		const struct bake_gguf_kv *kv = &gguf->keys[i];

		if (is_replaced(plan, kv->key))
			continue;
		put_string(buf, (const char *)kv->key.ptr, kv->key.len);
		put_u32(buf, kv->kind);
		if (kv->kind == BAKE_GGUF_ARRAY) {
			put_u32(buf, kv->element);
			put_u64(buf, kv->count);
		} else if (kv->kind == BAKE_GGUF_STRING) {
			put_u64(buf, kv->bytes.len);
		}
		bake_buf_add(buf, kv->bytes.ptr, kv->bytes.len);
		++*count;
	}
}

static enum bake_status put_meta(
	struct bake_convert_plan *plan, uint64_t *count, struct bake_error *err)
{
	for (size_t i = 0; i < plan->options.meta_count; i++) {
		const char *text = plan->options.meta[i];
		size_t len;

		BAKE_TRY(bake_plan_meta(text, &len, err));
		put_string(&plan->header, text, len);
		put_u32(&plan->header, BAKE_GGUF_STRING);
		put_string(&plan->header, text + len + 1, strlen(text + len + 1));
		++*count;
	}
	return BAKE_OK;
}

/* ComfyUI-GGUF takes an array of INT32 and no other. */
static void put_shapes(struct bake_convert_plan *plan, uint64_t *count)
{
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_item *item = &plan->items[i];
		size_t len = strlen(item->name);

		if (item->action == BAKE_CONVERT_DROP || !item->reshaped)
			continue;
		put_u64(&plan->header, sizeof(BAKE_ORIG_SHAPE) - 1 + len);
		bake_buf_text(&plan->header, BAKE_ORIG_SHAPE);
		bake_buf_add(&plan->header, item->name, len);
		put_u32(&plan->header, BAKE_GGUF_ARRAY);
		put_u32(&plan->header, BAKE_GGUF_I32);
		put_u64(&plan->header, item->from->rank);
		for (uint32_t d = 0; d < item->from->rank; d++)
			put_u32(&plan->header, (uint32_t)item->from->shape[d]);
		++*count;
	}
}

static void put_tensors(struct bake_convert_plan *plan)
{
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_item *item = &plan->items[i];

		if (item->action == BAKE_CONVERT_DROP)
			continue;
		put_string(&plan->header, item->name, strlen(item->name));
		put_u32(&plan->header, item->rank);
		for (uint32_t d = item->rank; d > 0; d--)
			put_u64(&plan->header, item->shape[d - 1]);
		put_u32(&plan->header, item->to.ggml->id);
		put_u64(&plan->header, item->offset);
	}
}

static enum bake_status put_pairs(
	struct bake_convert_plan *plan, uint64_t *count, struct bake_error *err)
{
	if (plan->model->format == BAKE_WEIGHTS_GGUF) {
		copy_pairs(plan, count);
	} else if (plan->architecture) {
		put_key(&plan->header, "general.architecture", BAKE_GGUF_STRING);
		put_string(&plan->header, plan->architecture, strlen(plan->architecture));
		++*count;
	}
	put_ours(plan, count);
	BAKE_TRY(put_meta(plan, count, err));
	if (plan->model->format != BAKE_WEIGHTS_GGUF)
		put_shapes(plan, count);
	return BAKE_OK;
}

enum bake_status bake_plan_write_gguf(struct bake_convert_plan *plan, struct bake_error *err)
{
	struct bake_buf *buf = &plan->header;
	uint64_t count = 0;
	size_t count_at;

	bake_buf_text(buf, "GGUF");
	put_u32(buf, VERSION);
	put_u64(buf, plan->written);
	count_at = buf->len;
	put_u64(buf, 0);
	BAKE_TRY(put_pairs(plan, &count, err));
	put_tensors(plan);
	for (uint64_t pad = bake_convert_padding(plan, buf->len); pad > 0; pad--)
		bake_buf_add(buf, "", 1);
	BAKE_TRY(bake_buf_status(buf, "the header", err));
	for (unsigned i = 0; i < 8; i++)
		buf->ptr[count_at + i] = (char)(count >> 8 * i);
	return BAKE_OK;
}
