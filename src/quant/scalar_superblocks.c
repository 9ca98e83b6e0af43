/* SPDX-License-Identifier: Apache-2.0 */
/* Superblocks of 256 to float32: groups of 16 or 32 elements have small scales of their own, which
 * are multiples of one scale of the superblock. */
#include "quant/half.h"
#include "quant/iq4.h"
#include "quant/kernels.h"

/* scales[16] (scale low, minimum high), quants[64], scale, minimum. Two bits a quant: the 32 bytes of
 * each half of the superblock hold four rows of 32 elements, one above the other. */
void bake_quant_decode_q2_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 84, to += QUANT_SUPERBLOCK) {
		float scale = f16_to_f32(u16_at(from + 80));
		float least = f16_to_f32(u16_at(from + 82));

		for (size_t group = 0; group < 16; group++) {
			const uint8_t *quants = from + 16 + 32 * (group / 8) + 16 * (group % 2);
			size_t shift = 2 * (group / 2 % 4);
			float own = scale * (float)(from[group] & 0xf);
			float base = least * (float)(from[group] >> 4);

			for (size_t i = 0; i < 16; i++)
				to[16 * group + i] = own * (float)(quants[i] >> shift & 3) - base;
		}
	}
}

/* high[32], quants[64], scales[12], scale. As Q2_K, and the third bit, whose absence takes 4 away, is
 * in high. A scale has its low four bits in the first eight bytes, its high two in the last four. */
void bake_quant_decode_q3_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 110, to += QUANT_SUPERBLOCK) {
		const uint8_t *scales = from + 96;
		float scale = f16_to_f32(u16_at(from + 108));

		for (size_t group = 0; group < 16; group++) {
			const uint8_t *quants = from + 32 + 32 * (group / 8) + 16 * (group % 2);
			const uint8_t *high = from + 16 * (group % 2);
			size_t shift = 2 * (group / 2 % 4);
			int six = (scales[group % 8] >> 4 * (group / 8) & 0xf) |
				  (scales[8 + group % 4] >> 2 * (group / 4) & 3) << 4;
			float own = scale * (float)(six - 32);

			for (size_t i = 0; i < 16; i++) {
				int quant = quants[i] >> shift & 3;

				quant -= high[i] >> group / 2 & 1 ? 0 : 4;
				to[16 * group + i] = own * (float)quant;
			}
		}
	}
}

/* The scale and the minimum of a group of 32, six bits each, of the twelve bytes of Q4_K and Q5_K. */
static void scale_of(const uint8_t *scales, size_t group, int *out_scale, int *out_least)
{
	if (group < 4) {
		*out_scale = scales[group] & 63;
		*out_least = scales[group + 4] & 63;
	} else {
		*out_scale = (scales[group + 4] & 0xf) | scales[group - 4] >> 6 << 4;
		*out_least = scales[group + 4] >> 4 | scales[group] >> 6 << 4;
	}
}

/* Q4_K: scale, minimum, scales[12], quants[128]; Q5_K has fifths[32] before the quants. 32 bytes of
 * quants hold two groups, the second in the high nibbles. */
static void decode_k4(const uint8_t *from, const uint8_t *fifths, const uint8_t *quants, float *to)
{
	float scale = f16_to_f32(u16_at(from));
	float least = f16_to_f32(u16_at(from + 2));

	for (size_t group = 0; group < 8; group++) {
		int scale_six;
		int least_six;
		float own;
		float base;

		scale_of(from + 4, group, &scale_six, &least_six);
		own = scale * (float)scale_six;
		base = least * (float)least_six;
		for (size_t i = 0; i < 32; i++) {
			int quant = quants[32 * (group / 2) + i] >> 4 * (group % 2) & 0xf;

			quant |= fifths ? (fifths[i] >> group & 1) << 4 : 0;
			to[32 * group + i] = own * (float)quant - base;
		}
	}
}

void bake_quant_decode_q4_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 144, to += QUANT_SUPERBLOCK)
		decode_k4(from, NULL, from + 16, to);
}

void bake_quant_decode_q5_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 176, to += QUANT_SUPERBLOCK)
		decode_k4(from, from + 16, from + 48, to);
}

/* low[128], high[64], scales[16] (signed), scale. Each half of the superblock is four rows of 32: rows
 * 0 and 1 in the low nibbles of 64 bytes, 2 and 3 in the high ones; two bits each in 32 bytes of high.
 * The scale of the group is multiplied first: this product with a quant has to be rounded. */
void bake_quant_decode_q6_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 210, to += QUANT_SUPERBLOCK) {
		float scale = f16_to_f32(u16_at(from + 208));

		for (size_t group = 0; group < 16; group++) {
			size_t row = group / 2 % 4;
			size_t first = 16 * (group % 2);
			const uint8_t *low = from + 64 * (group / 8) + 32 * (row % 2) + first;
			const uint8_t *high = from + 128 + 32 * (group / 8) + first;
			float own = scale * (float)(int8_t)from[192 + group];

			for (size_t i = 0; i < 16; i++) {
				int quant = (low[i] >> 4 * (row / 2) & 0xf) |
					    (high[i] >> 2 * row & 3) << 4;

				to[16 * group + i] = own * (float)(quant - 32);
			}
		}
	}
}

/* scale (float32), quants[256] (signed), and sums that only a product of vectors needs. */
void bake_quant_decode_q8_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 292, to += QUANT_SUPERBLOCK) {
		float scale = float_of(u32_at(from));

		for (size_t i = 0; i < QUANT_SUPERBLOCK; i++)
			to[i] = scale * (float)(int8_t)from[4 + i];
	}
}

/* scale, the high two bits of eight scales, their low four, quants[128] in groups like IQ4_NL's. */
void bake_quant_decode_iq4_xs(const uint8_t *from, size_t count, float *to)
{
	static const int8_t values[16] = IQ4_VALUES;

	for (; count; count -= QUANT_SUPERBLOCK, from += 136, to += QUANT_SUPERBLOCK) {
		float scale = f16_to_f32(u16_at(from));
		uint16_t high = u16_at(from + 2);

		for (size_t group = 0; group < 8; group++) {
			const uint8_t *quants = from + 8 + 16 * group;
			int six = (from[4 + group / 2] >> 4 * (group % 2) & 0xf) |
				  (high >> 2 * group & 3) << 4;
			float own = scale * (float)(six - 32);

			for (size_t i = 0; i < 16; i++) {
				to[32 * group + i] = own * (float)values[quants[i] & 0xf];
				to[32 * group + 16 + i] = own * (float)values[quants[i] >> 4];
			}
		}
	}
}
