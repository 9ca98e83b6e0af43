/* SPDX-License-Identifier: Apache-2.0 */
/* Eight-bit floats. Both become float16 exactly. */
#include "quant/half.h"
#include "quant/quant.h"

float bake_f8_e5m2_to_f32(uint8_t bits)
{
	return f16_to_f32((uint16_t)(bits << 8));
}

/* Bias 7: as a float16, whose bias is 15, it is 2^8 too small. Only all ones is no number. */
float bake_f8_e4m3_to_f32(uint8_t bits)
{
	if ((bits & 0x7f) == 0x7f)
		return float_of((uint32_t)(bits & 0x80) << 24 | 0x7fc00000);
	return f16_to_f32((uint16_t)((bits & 0x80) << 8 | (bits & 0x7f) << 7)) * 0x1p8F;
}

void bake_f8_e4m3_decode(const uint8_t *from, size_t count, float *to)
{
	float table[256];

	for (unsigned i = 0; i < 256; i++)
		table[i] = bake_f8_e4m3_to_f32((uint8_t)i);
	for (size_t i = 0; i < count; i++)
		to[i] = table[from[i]];
}

void bake_f8_e5m2_decode(const uint8_t *from, size_t count, float *to)
{
	float table[256];

	for (unsigned i = 0; i < 256; i++)
		table[i] = bake_f8_e5m2_to_f32((uint8_t)i);
	for (size_t i = 0; i < count; i++)
		to[i] = table[from[i]];
}
