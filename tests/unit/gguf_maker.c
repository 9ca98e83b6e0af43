/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/gguf_maker.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/ggml_type.h"

void gguf_maker_release(struct gguf_maker *maker)
{
	bake_buf_release(&maker->pairs);
	bake_buf_release(&maker->tensors);
	bake_buf_release(&maker->file);
}

void gguf_put(struct gguf_maker *maker, struct bake_buf *buf, uint64_t value, size_t width)
{
	uint8_t bytes[sizeof(value)];

	for (size_t i = 0; i < width; i++)
		bytes[maker->big_endian ? width - 1 - i : i] = (uint8_t)(value >> (8 * i));
	bake_buf_add(buf, bytes, width);
}

static void put_size(struct gguf_maker *maker, struct bake_buf *buf, uint64_t value)
{
	gguf_put(maker, buf, value, maker->version == 1 ? 4 : 8);
}

/* Version 1 has a NUL at the end, and counts it. */
void gguf_put_string(struct gguf_maker *maker, struct bake_buf *buf, const char *text, size_t len)
{
	bool nul = maker->version == 1;

	put_size(maker, buf, len + nul);
	bake_buf_add(buf, text, len);
	if (nul)
		bake_buf_add(buf, "", 1);
}

static size_t width_of(enum bake_gguf_kind kind)
{
	static const size_t widths[BAKE_GGUF_KINDS] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

	return widths[kind];
}

static void begin_pair(struct gguf_maker *maker, const char *key, enum bake_gguf_kind kind)
{
	gguf_put_string(maker, &maker->pairs, key, strlen(key));
	gguf_put(maker, &maker->pairs, kind, 4);
	maker->key_count++;
}

static void begin_array(
	struct gguf_maker *maker, const char *key, enum bake_gguf_kind kind, size_t count)
{
	begin_pair(maker, key, BAKE_GGUF_ARRAY);
	gguf_put(maker, &maker->pairs, kind, 4);
	put_size(maker, &maker->pairs, count);
}

void gguf_number(struct gguf_maker *maker, const char *key, enum bake_gguf_kind kind, uint64_t bits)
{
	begin_pair(maker, key, kind);
	gguf_put(maker, &maker->pairs, bits, width_of(kind));
}

void gguf_text(struct gguf_maker *maker, const char *key, const char *text)
{
	begin_pair(maker, key, BAKE_GGUF_STRING);
	gguf_put_string(maker, &maker->pairs, text, strlen(text));
}

void gguf_u32(struct gguf_maker *maker, const char *key, uint32_t value)
{
	gguf_number(maker, key, BAKE_GGUF_U32, value);
}

void gguf_f32(struct gguf_maker *maker, const char *key, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	gguf_number(maker, key, BAKE_GGUF_F32, bits);
}

void gguf_bool(struct gguf_maker *maker, const char *key, bool value)
{
	gguf_number(maker, key, BAKE_GGUF_BOOL, value);
}

void gguf_numbers(struct gguf_maker *maker, const char *key, enum bake_gguf_kind kind,
	const uint64_t *bits, size_t count)
{
	begin_array(maker, key, kind, count);
	for (size_t i = 0; i < count; i++)
		gguf_put(maker, &maker->pairs, bits[i], width_of(kind));
}

void gguf_texts(struct gguf_maker *maker, const char *key, const char *const *texts, size_t count)
{
	begin_array(maker, key, BAKE_GGUF_STRING, count);
	for (size_t i = 0; i < count; i++)
		gguf_put_string(maker, &maker->pairs, texts[i], strlen(texts[i]));
}

static uint64_t padded(const struct gguf_maker *maker, uint64_t bytes)
{
	return (bytes + maker->alignment - 1) / maker->alignment * maker->alignment;
}

void gguf_tensor_at(struct gguf_maker *maker, const char *name, uint32_t type, const uint64_t *dims,
	uint32_t dim_count, uint64_t offset)
{
	gguf_put_string(maker, &maker->tensors, name, strlen(name));
	gguf_put(maker, &maker->tensors, dim_count, 4);
	for (uint32_t i = 0; i < dim_count; i++)
		put_size(maker, &maker->tensors, dims[i]);
	gguf_put(maker, &maker->tensors, type, 4);
	gguf_put(maker, &maker->tensors, offset, 8);
	maker->tensor_count++;
}

void gguf_tensor(struct gguf_maker *maker, const char *name, uint32_t type, const uint64_t *dims,
	uint32_t dim_count)
{
	const struct bake_ggml_type *row = bake_ggml_type_find(type);
	uint64_t offset = padded(maker, maker->data_bytes);
	uint64_t elements = 1;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < dim_count; i++)
		elements *= dims[i];
	if (row)
		(void)bake_ggml_type_bytes(row, dim_count ? dims[0] : 1, elements, &bytes);
	gguf_tensor_at(maker, name, type, dims, dim_count, offset);
	maker->data_bytes = offset + bytes;
}

static void add_zeros(struct bake_buf *buf, uint64_t count)
{
	static const char zeros[4096];

	for (uint64_t left = count; left;) {
		size_t piece = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);

		bake_buf_add(buf, zeros, piece);
		left -= piece;
	}
}

struct bake_span gguf_finish(struct gguf_maker *maker)
{
	struct bake_buf *file = &maker->file;
	struct bake_error err = BAKE_ERROR_INIT;

	bake_buf_clear(file);
	bake_buf_add(file, "GGUF", 4);
	gguf_put(maker, file, maker->version, 4);
	put_size(maker, file, maker->tensor_count);
	put_size(maker, file, maker->key_count);
	if (maker->pairs.len)
		bake_buf_add(file, maker->pairs.ptr, maker->pairs.len);
	if (maker->tensors.len) {
		bake_buf_add(file, maker->tensors.ptr, maker->tensors.len);
		add_zeros(file, padded(maker, file->len) - file->len + maker->data_bytes);
	}
	if (bake_buf_status(&maker->pairs, "pairs", &err) != BAKE_OK ||
		bake_buf_status(&maker->tensors, "tensors", &err) != BAKE_OK ||
		bake_buf_status(file, "file", &err) != BAKE_OK)
		abort();
	return bake_buf_span(file);
}
