/* SPDX-License-Identifier: Apache-2.0 */
/* Element types, as both formats know them. */
#include <ctype.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "convert/model.h"

/* GGUF has no unsigned integers, no BOOL and none of the types below 16 bits. */
static const struct {
	enum bake_dtype dtype;
	uint32_t id;
} pairs[] = {
	{BAKE_DTYPE_F32, 0},
	{BAKE_DTYPE_F16, 1},
	{BAKE_DTYPE_I8, 24},
	{BAKE_DTYPE_I16, 25},
	{BAKE_DTYPE_I32, 26},
	{BAKE_DTYPE_I64, 27},
	{BAKE_DTYPE_F64, 28},
	{BAKE_DTYPE_BF16, 30},
};

struct bake_convert_type bake_convert_type_of_dtype(enum bake_dtype dtype)
{
	struct bake_convert_type type = {.ggml = NULL, .dtype = dtype};

	for (size_t i = 0; i < countof(pairs); i++) {
		if (pairs[i].dtype == dtype)
			type.ggml = bake_ggml_type_find(pairs[i].id);
	}
	return type;
}

struct bake_convert_type bake_convert_type_of_ggml(const struct bake_ggml_type *ggml)
{
	struct bake_convert_type type = {.ggml = ggml, .dtype = BAKE_DTYPE_NONE};

	for (size_t i = 0; i < countof(pairs); i++) {
		if (ggml && pairs[i].id == ggml->id)
			type.dtype = pairs[i].dtype;
	}
	return type;
}

bool bake_convert_type_equal(struct bake_convert_type a, struct bake_convert_type b)
{
	return a.ggml == b.ggml && a.dtype == b.dtype;
}

uint32_t bake_convert_type_block(struct bake_convert_type type)
{
	return type.ggml ? type.ggml->block : 1;
}

uint32_t bake_convert_type_block_bytes(struct bake_convert_type type)
{
	return type.ggml ? type.ggml->block_bytes : bake_dtype_bits(type.dtype) / 8;
}

const char *bake_convert_type_name(struct bake_convert_type type, char text[BAKE_CONVERT_TYPE_TEXT])
{
	const char *name = type.dtype != BAKE_DTYPE_NONE ? bake_dtype_name(type.dtype)
			   : type.ggml			 ? type.ggml->name
							 : "unknown";

	(void)snprintf(text, BAKE_CONVERT_TYPE_TEXT, "%s", name);
	if (type.dtype != BAKE_DTYPE_NONE || !type.ggml)
		return text;
	for (char *at = text; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return text;
}
