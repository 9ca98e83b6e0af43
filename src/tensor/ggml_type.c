/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/ggml_type.h"

#include <strings.h>

#include "base/cleanup.h"

#define GONE(number, text)                                                                         \
	{                                                                                          \
		.id = (number), .name = (text), .removed = true                                    \
	}

/* Sorted by id. */
static const struct bake_ggml_type types[] = {
	{0, "f32", 1, 4, false},
	{1, "f16", 1, 2, false},
	{2, "q4_0", 32, 18, false},
	{3, "q4_1", 32, 20, false},
	GONE(4, "q4_2"),
	GONE(5, "q4_3"),
	{6, "q5_0", 32, 22, false},
	{7, "q5_1", 32, 24, false},
	{8, "q8_0", 32, 34, false},
	{9, "q8_1", 32, 36, false},
	{10, "q2_K", 256, 84, false},
	{11, "q3_K", 256, 110, false},
	{12, "q4_K", 256, 144, false},
	{13, "q5_K", 256, 176, false},
	{14, "q6_K", 256, 210, false},
	{15, "q8_K", 256, 292, false},
	{16, "iq2_xxs", 256, 66, false},
	{17, "iq2_xs", 256, 74, false},
	{18, "iq3_xxs", 256, 98, false},
	{19, "iq1_s", 256, 50, false},
	{20, "iq4_nl", 32, 18, false},
	{21, "iq3_s", 256, 110, false},
	{22, "iq2_s", 256, 82, false},
	{23, "iq4_xs", 256, 136, false},
	{24, "i8", 1, 1, false},
	{25, "i16", 1, 2, false},
	{26, "i32", 1, 4, false},
	{27, "i64", 1, 8, false},
	{28, "f64", 1, 8, false},
	{29, "iq1_m", 256, 56, false},
	{30, "bf16", 1, 2, false},
	GONE(31, "q4_0_4_4"),
	GONE(32, "q4_0_4_8"),
	GONE(33, "q4_0_8_8"),
	{34, "tq1_0", 256, 54, false},
	{35, "tq2_0", 256, 66, false},
	GONE(36, "iq4_nl_4_4"),
	GONE(37, "iq4_nl_4_8"),
	GONE(38, "iq4_nl_8_8"),
	{39, "mxfp4", 32, 17, false},
	{40, "nvfp4", 64, 36, false},
	{41, "q1_0", 128, 18, false},
	{42, "q2_0", 64, 18, false},
};

/* By number; NULL where a type was removed, or none was ever given. */
static const char *const file_types[] = {
	[0] = "F32",
	[1] = "F16",
	[2] = "Q4_0",
	[3] = "Q4_1",
	[7] = "Q8_0",
	[8] = "Q5_0",
	[9] = "Q5_1",
	[10] = "Q2_K",
	[11] = "Q3_K_S",
	[12] = "Q3_K_M",
	[13] = "Q3_K_L",
	[14] = "Q4_K_S",
	[15] = "Q4_K_M",
	[16] = "Q5_K_S",
	[17] = "Q5_K_M",
	[18] = "Q6_K",
	[19] = "IQ2_XXS",
	[20] = "IQ2_XS",
	[21] = "Q2_K_S",
	[22] = "IQ3_XS",
	[23] = "IQ3_XXS",
	[24] = "IQ1_S",
	[25] = "IQ4_NL",
	[26] = "IQ3_S",
	[27] = "IQ3_M",
	[28] = "IQ2_S",
	[29] = "IQ2_M",
	[30] = "IQ4_XS",
	[31] = "IQ1_M",
	[32] = "BF16",
	[36] = "TQ1_0",
	[37] = "TQ2_0",
	[38] = "MXFP4_MOE",
	[39] = "NVFP4",
	[40] = "Q1_0",
	[41] = "Q2_0",
};

enum {
	FILE_TYPE_GUESSED = 1024
};

const struct bake_ggml_type *bake_ggml_type_find(uint32_t id)
{
	return id < countof(types) ? &types[id] : NULL;
}

const struct bake_ggml_type *bake_ggml_type_named(const char *name)
{
	for (size_t i = 0; i < countof(types); i++) {
		if (!types[i].removed && strcasecmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

bool bake_ggml_type_is_quantized(const struct bake_ggml_type *type)
{
	return type->block > 1;
}

bool bake_ggml_type_bytes(
	const struct bake_ggml_type *type, uint64_t row, uint64_t elements, uint64_t *out_bytes)
{
	uint64_t bytes;

	if (type->removed || row % type->block || elements % type->block)
		return false;
	if (__builtin_mul_overflow(elements / type->block, (uint64_t)type->block_bytes, &bytes))
		return false;
	*out_bytes = bytes;
	return true;
}

const char *bake_gguf_file_type_label(uint64_t file_type)
{
	file_type &= ~(uint64_t)FILE_TYPE_GUESSED;
	return file_type < countof(file_types) ? file_types[file_type] : NULL;
}
