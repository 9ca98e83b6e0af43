/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of 32, and plain numbers, to float32. A quant times a scale is exact, so that nothing here
 * depends on how a compiler orders it. */
#include "quant/half.h"
#include "quant/iq4.h"
#include "quant/kernels.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "float32 is copied as it is stored");

void bake_quant_decode_f32(const uint8_t *from, size_t count, float *to)
{
	if (count)
		memcpy(to, from, count * sizeof(*to));
}

void bake_quant_decode_f64(const uint8_t *from, size_t count, float *to)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t bits = u32_at(from + 8 * i) | (uint64_t)u32_at(from + 8 * i + 4) << 32;
		double value;

		memcpy(&value, &bits, sizeof(value));
		to[i] = (float)value;
	}
}

void bake_quant_decode_f16(const uint8_t *from, size_t count, float *to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = f16_to_f32(u16_at(from + 2 * i));
}

void bake_quant_decode_bf16(const uint8_t *from, size_t count, float *to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = bf16_to_f32(u16_at(from + 2 * i));
}

static int nibble(const uint8_t *from, size_t i)
{
	return i < QUANT_BLOCK / 2 ? from[i] & 0xf : from[i - QUANT_BLOCK / 2] >> 4;
}

void bake_quant_decode_q4_0(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 18, to += QUANT_BLOCK) {
		float scale = f16_to_f32(u16_at(from));

		for (size_t i = 0; i < QUANT_BLOCK; i++)
			to[i] = (float)(nibble(from + 2, i) - 8) * scale;
	}
}

void bake_quant_decode_q4_1(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 20, to += QUANT_BLOCK) {
		float scale = f16_to_f32(u16_at(from));
		float least = f16_to_f32(u16_at(from + 2));

		for (size_t i = 0; i < QUANT_BLOCK; i++)
			to[i] = (float)nibble(from + 4, i) * scale + least;
	}
}

void bake_quant_decode_q5_0(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 22, to += QUANT_BLOCK) {
		float scale = f16_to_f32(u16_at(from));
		uint32_t fifths = u32_at(from + 2);

		for (size_t i = 0; i < QUANT_BLOCK; i++) {
			int quant = nibble(from + 6, i) | (int)(fifths >> i & 1) << 4;

			to[i] = (float)(quant - 16) * scale;
		}
	}
}

void bake_quant_decode_q5_1(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 24, to += QUANT_BLOCK) {
		float scale = f16_to_f32(u16_at(from));
		float least = f16_to_f32(u16_at(from + 2));
		uint32_t fifths = u32_at(from + 4);

		for (size_t i = 0; i < QUANT_BLOCK; i++) {
			int quant = nibble(from + 8, i) | (int)(fifths >> i & 1) << 4;

			to[i] = (float)quant * scale + least;
		}
	}
}

void bake_quant_decode_q8_0(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 34, to += QUANT_BLOCK) {
		float scale = f16_to_f32(u16_at(from));

		for (size_t i = 0; i < QUANT_BLOCK; i++)
			to[i] = (float)(int8_t)from[2 + i] * scale;
	}
}

void bake_quant_decode_iq4_nl(const uint8_t *from, size_t count, float *to)
{
	static const int8_t values[16] = IQ4_VALUES;

	for (; count; count -= QUANT_BLOCK, from += 18, to += QUANT_BLOCK) {
		float scale = f16_to_f32(u16_at(from));

		for (size_t i = 0; i < QUANT_BLOCK; i++)
			to[i] = (float)values[nibble(from + 2, i)] * scale;
	}
}
