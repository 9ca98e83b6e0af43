/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/quantref.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "quant/half.h"
#include "quant/quant.h"

size_t reference_block(uint32_t type)
{
	static const uint8_t blocks[] = {[BAKE_QUANT_Q4_0] = 18,
		[BAKE_QUANT_Q4_1] = 20,
		[BAKE_QUANT_Q5_0] = 22,
		[BAKE_QUANT_Q5_1] = 24,
		[BAKE_QUANT_Q8_0] = 34};

	return type < sizeof(blocks) ? blocks[type] : 0;
}

static uint8_t *put_half(uint8_t *to, float value)
{
	put_u16(to, f16_of_f32(value));
	return to + 2;
}

static void put_quants(uint8_t *to, uint32_t fifths, int five, uint8_t low[16])
{
	if (five) {
		put_u32(to, fifths);
		to += 4;
	}
	memcpy(to, low, 16);
}

static void centred(const float *x, int half, uint8_t *to)
{
	float most = 0;
	float extreme = 0;
	float scale;
	float inverse;
	uint32_t fifths = 0;
	uint8_t low[16];

	for (int i = 0; i < 32; i++) {
		if (most < fabsf(x[i])) {
			most = fabsf(x[i]);
			extreme = x[i];
		}
	}
	scale = extreme / (float)-half;
	inverse = scale != 0 ? 1.0F / scale : 0;
	for (int i = 0; i < 16; i++) {
		int a = (int8_t)(x[i] * inverse + ((float)half + 0.5F));
		int b = (int8_t)(x[i + 16] * inverse + ((float)half + 0.5F));

		a = a < 2 * half - 1 ? a : 2 * half - 1;
		b = b < 2 * half - 1 ? b : 2 * half - 1;
		low[i] = (uint8_t)((a & 15) | (b & 15) << 4);
		fifths |= (uint32_t)(a >> 4 & 1) << i | (uint32_t)(b >> 4 & 1) << (i + 16);
	}
	put_quants(put_half(to, scale), fifths, half == 16, low);
}

static void above(const float *x, int top, uint8_t *to)
{
	float least = FLT_MAX;
	float most = -FLT_MAX;
	float scale;
	float inverse;
	uint32_t fifths = 0;
	uint8_t low[16];

	for (int i = 0; i < 32; i++) {
		if (x[i] < least)
			least = x[i];
		if (x[i] > most)
			most = x[i];
	}
	scale = (most - least) / (float)top;
	inverse = scale != 0 ? 1.0F / scale : 0;
	for (int i = 0; i < 16; i++) {
		int a = (int8_t)((x[i] - least) * inverse + 0.5F);
		int b = (int8_t)((x[i + 16] - least) * inverse + 0.5F);

		a = a < top ? a : top;
		b = b < top ? b : top;
		low[i] = (uint8_t)((a & 15) | (b & 15) << 4);
		fifths |= (uint32_t)(a >> 4 & 1) << i | (uint32_t)(b >> 4 & 1) << (i + 16);
	}
	put_quants(put_half(put_half(to, scale), least), fifths, top == 31, low);
}

static void eighths(const float *x, uint8_t *to)
{
	float most = 0;
	float scale;
	float inverse;

	for (int i = 0; i < 32; i++)
		most = most > fabsf(x[i]) ? most : fabsf(x[i]);
	scale = most / 127;
	inverse = scale != 0 ? 1.0F / scale : 0;
	to = put_half(to, scale);
	for (int i = 0; i < 32; i++)
		to[i] = (uint8_t)(int8_t)roundf(x[i] * inverse);
}

void reference_encode(uint32_t type, const float *from, size_t count, uint8_t *to)
{
	size_t block = reference_block(type);

	for (; count; count -= 32, from += 32, to += block) {
		if (type == BAKE_QUANT_Q8_0)
			eighths(from, to);
		else if (type == BAKE_QUANT_Q4_0 || type == BAKE_QUANT_Q5_0)
			centred(from, type == BAKE_QUANT_Q4_0 ? 8 : 16, to);
		else
			above(from, type == BAKE_QUANT_Q4_1 ? 15 : 31, to);
	}
}
