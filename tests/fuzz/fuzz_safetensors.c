/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors reader: what it accepts covers its file exactly, and fits no shorter or longer
 * one. The file is the input; also as if it had the length that the tensors would have. */
#include "fuzz/fuzz.h"
#include "format/safetensors.h"

static void check_tensor(const struct bake_safetensors *file, size_t i, uint64_t at)
{
	const struct bake_st_tensor *tensor = &file->tensors[i];
	uint64_t elements = 1;
	uint64_t bytes = 0;

	CLAIM(tensor->begin == at && tensor->end >= at);
	CLAIM(tensor->rank <= BAKE_ST_RANK_MAX);
	CLAIM(tensor->dtype > BAKE_DTYPE_NONE && tensor->dtype < BAKE_DTYPES);
	for (uint32_t d = 0; d < tensor->rank; d++)
		elements *= tensor->shape[d];
	CLAIM(elements == tensor->elements);
	CLAIM(bake_dtype_bytes(tensor->dtype, elements, &bytes));
	CLAIM(bytes == tensor->end - tensor->begin);
	keep_text(tensor->name);
}

static void check_file(const struct bake_safetensors *file, uint64_t file_bytes)
{
	uint64_t at = 0;

	CLAIM(file->data_offset == file->header_bytes + 8);
	CLAIM(file->data_offset + file->data_bytes == file_bytes);
	for (size_t i = 0; i < file->tensor_count; i++) {
		check_tensor(file, i, at);
		at = file->tensors[i].end;
	}
	CLAIM(at == file->data_bytes);
	for (size_t i = 0; i < file->metadata_count; i++)
		CLAIM(bake_safetensors_metadata(file, file->metadata[i].key) ==
			file->metadata[i].value);
	for (size_t i = 0; i < file->warning_count; i++)
		keep_text(file->warnings[i]);
}

/* Whether the bytes are accepted as the beginning of a file of that length. */
static bool takes(struct bake_span head, uint64_t file_bytes)
{
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t need = 0;
	enum bake_status status =
		bake_safetensors_parse(head, file_bytes, "fuzz", &need, &file, &err);

	if (!succeeded(status, &err)) {
		CLAIM(!file);
		return false;
	}
	if (!file) {
		CLAIM(need > head.len && need <= file_bytes);
		return false;
	}
	check_file(file, file_bytes);
	return true;
}

/* The input as a JSON behind a length that fits, and any number of bytes of data: more inputs come
 * as far as the JSON. */
static void try_framed(const uint8_t *data, size_t size)
{
	uint64_t length = size - sizeof(uint32_t);
	_cleanup_free_ uint8_t *framed = malloc(8 + length);
	uint32_t behind = 0;

	CLAIM(framed);
	memcpy(&behind, data, sizeof(behind));
	for (unsigned i = 0; i < 8; i++)
		framed[i] = (uint8_t)(length >> (8 * i));
	memcpy(framed + 8, data + sizeof(behind), length);
	keep(takes(bake_span(framed, 8 + length), 8 + length + behind));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (takes(bake_span(data, size), size)) {
		CLAIM(!takes(bake_span(data, size), size + 1));
		for (size_t shorter = size > 64 ? size - 64 : 0; shorter < size; shorter++)
			CLAIM(!takes(bake_span(data, shorter), shorter));
	}
	if (size > sizeof(uint32_t))
		try_framed(data, size);
	return 0;
}
