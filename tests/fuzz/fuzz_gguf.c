/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GGUF header reader: what strict accepts has all tensors within the file, what it accepts
 * tolerant reads the same, and a short head ends where the whole does.
 */
#include "format/gguf.h"

#include "base/num.h"
#include "fuzz/fuzz.h"

static void check_keys(const struct bake_gguf *gguf, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < gguf->key_count; i++) {
		const struct bake_gguf_kv *kv = &gguf->keys[i];
		char *key = text_of(kv->key.ptr, kv->key.len);
		struct bake_span text;
		uint64_t number = 0;
		double real = 0;
		bool flag;

		CLAIM(kv->key.len && kv->key.ptr >= data + kv->offset);
		CLAIM(kv->bytes.len <= size && kv->bytes.ptr >= kv->key.ptr + kv->key.len);
		CLAIM(kv->bytes.ptr + kv->bytes.len <= data + gguf->header_bytes);
		CLAIM(bake_gguf_find(gguf, key) == kv);
		for (uint64_t at = 0; at < kv->count && at < 4; at++) {
			keep(bake_gguf_u64_at(gguf, kv, at, &number) + number);
			keep(bake_gguf_f64_at(gguf, kv, at, &real));
		}
		CLAIM(!bake_gguf_u64_at(gguf, kv, kv->count, &number));
		keep(bake_gguf_u64(gguf, key, &number) + bake_gguf_f64(gguf, key, &real));
		keep(bake_gguf_bool(gguf, key, &flag) + bake_gguf_text(gguf, key, &text));
		free(key);
	}
}

static void check_tensors(const struct bake_gguf *gguf)
{
	uint64_t end = 0;

	CLAIM(gguf->tensor_count == 0 || gguf->data_offset <= gguf->file_bytes);
	CLAIM(gguf->data_offset >= gguf->header_bytes);
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct bake_gguf_tensor *tensor = &gguf->tensors[i];
		uint64_t bytes = tensor->bytes;
		char *name = text_of(tensor->name.ptr, tensor->name.len);

		CLAIM(tensor->dim_count <= BAKE_GGUF_DIMS_MAX);
		CLAIM(tensor->offset % gguf->alignment == 0 && tensor->offset >= end);
		CLAIM(tensor->offset - end < gguf->alignment);
		CLAIM(bake_u64_add(tensor->offset, tensor->bytes, &end));
		CLAIM(end <= gguf->file_bytes - gguf->data_offset);
		CLAIM(!tensor->type || bake_ggml_type_bytes(tensor->type, tensor->dims[0],
					       tensor->elements, &bytes));
		CLAIM(bytes == tensor->bytes);
		CLAIM(bake_gguf_find_tensor(gguf, name) == tensor);
		free(name);
	}
	CLAIM(gguf->data_bytes == end);
}

static struct bake_gguf *parse(
	struct bake_span head, uint64_t file_bytes, enum bake_gguf_mode mode, uint64_t *out_need)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_gguf *gguf = NULL;
	bool good = succeeded(
		bake_gguf_parse(head, file_bytes, "m.gguf", mode, out_need, &gguf, &err), &err);

	CLAIM(good || !gguf);
	if (good && !gguf)
		CLAIM(*out_need > head.len && *out_need <= file_bytes);
	if (!good)
		*out_need = 0;
	return gguf;
}

static void check_whole(const uint8_t *data, size_t size, enum bake_gguf_mode mode)
{
	uint64_t need = 0;
	struct bake_gguf *gguf = parse(bake_span(data, size), size, mode, &need);

	CLAIM(gguf || need == 0);
	if (!gguf)
		return;
	CLAIM(gguf->header_bytes <= size && gguf->file_bytes == size);
	check_keys(gguf, data, size);
	check_tensors(gguf);
	for (size_t i = 0; i < gguf->warning_count; i++) {
		for (const char *at = gguf->warnings[i]; *at; at++)
			CLAIM(*at >= 0x20 && *at < 0x7f);
	}
	if (mode == BAKE_GGUF_STRICT) {
		for (size_t i = 0; i < gguf->tensor_count; i++)
			CLAIM(gguf->tensors[i].type && !gguf->tensors[i].type->removed);
		CLAIM(!gguf->big_endian && gguf->version > 1);
	}
	bake_gguf_free(&gguf);
}

/* As whoever reads from far away does: each head a copy that ends where it ends. */
static bool read_slowly(const uint8_t *data, size_t size)
{
	size_t len = 0;

	for (;;) {
		_cleanup_free_ uint8_t *head = malloc(len + 1);
		uint64_t need = 0;
		struct bake_gguf *gguf;

		CLAIM(head);
		memcpy(head, data, len);
		gguf = parse(bake_span(head, len), size, BAKE_GGUF_TOLERANT, &need);
		if (gguf)
			check_tensors(gguf);
		if (gguf || need == 0) {
			bool good = gguf;

			bake_gguf_free(&gguf);
			return good;
		}
		len = bake_u64_min(bake_u64_max(need, len * 2), size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *exact = malloc(size ? size : 1);
	struct bake_gguf *gguf;
	uint64_t need = 0;
	bool strict;

	CLAIM(exact);
	if (size)
		memcpy(exact, data, size);
	check_whole(exact, size, BAKE_GGUF_STRICT);
	check_whole(exact, size, BAKE_GGUF_TOLERANT);
	gguf = parse(bake_span(exact, size), size, BAKE_GGUF_STRICT, &need);
	strict = gguf;
	bake_gguf_free(&gguf);
	gguf = parse(bake_span(exact, size), size, BAKE_GGUF_TOLERANT, &need);
	CLAIM(gguf || !strict);
	CLAIM(read_slowly(exact, size) == (bool)gguf);
	bake_gguf_free(&gguf);
	/* The header alone, of a file that is larger than any. */
	gguf = parse(bake_span(exact, size), UINT64_MAX, BAKE_GGUF_STRICT, &need);
	if (gguf)
		check_tensors(gguf);
	bake_gguf_free(&gguf);
	return 0;
}
