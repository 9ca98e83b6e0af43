/* SPDX-License-Identifier: Apache-2.0 */
/* Superblocks to float32 with AVX2. scalar_superblocks.c says how they are laid out. */
#include "quant/kernels.h"

#ifdef __AVX2__
#include <immintrin.h>

#include "quant/avx2.h"
#include "quant/iq4.h"

/* 32 quants, of which each half has a scale: their products. */
static inline void put_products(float *to, __m256i quants, float first, float second)
{
	for (size_t i = 0; i < 4; i++)
		_mm256_storeu_ps(to + 8 * i,
			_mm256_mul_ps(_mm256_set1_ps(i < 2 ? first : second), eight_of(quants, i)));
}

/* The same less a base that each half has. */
static inline void put_differences(
	float *to, __m256i quants, const float scales[2], const float bases[2])
{
	for (size_t i = 0; i < 4; i++)
		_mm256_storeu_ps(to + 8 * i,
			_mm256_sub_ps(
				_mm256_mul_ps(_mm256_set1_ps(scales[i / 2]), eight_of(quants, i)),
				_mm256_set1_ps(bases[i / 2])));
}

/* Each byte shifted to the right, and masked. */
static inline __m256i field(__m256i bytes, size_t shift, char mask)
{
	return _mm256_and_si256(
		_mm256_srl_epi16(bytes, _mm_cvtsi32_si128((int)shift)), _mm256_set1_epi8(mask));
}

static inline __m256i bytes_at(const uint8_t *from)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

void bake_avx2_decode_q2_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 84, to += QUANT_SUPERBLOCK) {
		ask(from, 84);
		float scale = f16_to_f32(u16_at(from + 80));
		float least = f16_to_f32(u16_at(from + 82));

		for (size_t row = 0; row < 8; row++) {
			const uint8_t *own = from + 2 * row;
			__m256i quants =
				field(bytes_at(from + 16 + 32 * (row / 4)), 2 * (row % 4), 3);
			float scales[2] = {
				scale * (float)(own[0] & 0xf), scale * (float)(own[1] & 0xf)};
			float bases[2] = {
				least * (float)(own[0] >> 4), least * (float)(own[1] >> 4)};

			put_differences(to + 32 * row, quants, scales, bases);
		}
	}
}

static inline float scale_q3_k(const uint8_t *scales, size_t group, float scale)
{
	int six = (scales[group % 8] >> 4 * (group / 8) & 0xf) |
		  (scales[8 + group % 4] >> 2 * (group / 4) & 3) << 4;

	return scale * (float)(six - 32);
}

void bake_avx2_decode_q3_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 110, to += QUANT_SUPERBLOCK) {
		ask(from, 110);
		float scale = f16_to_f32(u16_at(from + 108));
		__m256i absent = _mm256_xor_si256(bytes_at(from), _mm256_set1_epi8(-1));

		for (size_t row = 0; row < 8; row++) {
			__m256i two = field(bytes_at(from + 32 + 32 * (row / 4)), 2 * (row % 4), 3);
			__m256i four = _mm256_slli_epi16(field(absent, row, 1), 2);

			put_products(to + 32 * row, _mm256_sub_epi8(two, four),
				scale_q3_k(from + 96, 2 * row, scale),
				scale_q3_k(from + 96, 2 * row + 1, scale));
		}
	}
}

/* What Q4_K and Q5_K begin with. */
struct k4 {
	float scale;
	float least;
	const uint8_t *six;
};

static inline struct k4 k4_at(const uint8_t *from)
{
	return (struct k4){f16_to_f32(u16_at(from)), f16_to_f32(u16_at(from + 2)), from + 4};
}

static inline void put_k4(float *to, const struct k4 *k4, size_t group, __m256i quants)
{
	const uint8_t *six = k4->six + group;
	int scale = group < 4 ? six[0] & 63 : (six[4] & 0xf) | six[-4] >> 6 << 4;
	int least = group < 4 ? six[4] & 63 : six[4] >> 4 | six[0] >> 6 << 4;
	float own = k4->scale * (float)scale;
	float base = k4->least * (float)least;

	put_differences(to + 32 * group, quants, (float[2]){own, own}, (float[2]){base, base});
}

void bake_avx2_decode_q4_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 144, to += QUANT_SUPERBLOCK) {
		ask(from, 144);
		struct k4 k4 = k4_at(from);

		for (size_t group = 0; group < 8; group++)
			put_k4(to, &k4, group,
				field(bytes_at(from + 16 + 32 * (group / 2)), 4 * (group % 2), 15));
	}
}

void bake_avx2_decode_q5_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 176, to += QUANT_SUPERBLOCK) {
		ask(from, 176);
		struct k4 k4 = k4_at(from);
		__m256i fifths = bytes_at(from + 16);

		for (size_t group = 0; group < 8; group++) {
			__m256i low =
				field(bytes_at(from + 48 + 32 * (group / 2)), 4 * (group % 2), 15);
			__m256i fifth = _mm256_slli_epi16(field(fifths, group, 1), 4);

			put_k4(to, &k4, group, _mm256_or_si256(low, fifth));
		}
	}
}

void bake_avx2_decode_q6_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 210, to += QUANT_SUPERBLOCK) {
		ask(from, 210);
		float scale = f16_to_f32(u16_at(from + 208));

		for (size_t row = 0; row < 8; row++) {
			const uint8_t *at = from + 64 * (row / 4) + 32 * (row % 2);
			__m256i low = field(bytes_at(at), 4 * (row % 4 / 2), 15);
			__m256i high =
				field(bytes_at(from + 128 + 32 * (row / 4)), 2 * (row % 4), 3);
			__m256i quants = _mm256_or_si256(low, _mm256_slli_epi16(high, 4));

			put_products(to + 32 * row, _mm256_sub_epi8(quants, _mm256_set1_epi8(32)),
				scale * (float)(int8_t)from[192 + 2 * row],
				scale * (float)(int8_t)from[193 + 2 * row]);
		}
	}
}

void bake_avx2_decode_q8_k(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_SUPERBLOCK, from += 292, to += QUANT_SUPERBLOCK) {
		ask(from, 292);
		float scale = float_of(u32_at(from));

		for (size_t row = 0; row < 8; row++)
			put_products(to + 32 * row, bytes_at(from + 4 + 32 * row), scale, scale);
	}
}

void bake_avx2_decode_iq4_xs(const uint8_t *from, size_t count, float *to)
{
	static const int8_t values[16] = IQ4_VALUES;
	__m256i table =
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)values));

	for (; count; count -= QUANT_SUPERBLOCK, from += 136, to += QUANT_SUPERBLOCK) {
		ask(from, 136);
		float scale = f16_to_f32(u16_at(from));
		uint16_t high = u16_at(from + 2);

		for (size_t group = 0; group < 8; group++) {
			int six = (from[4 + group / 2] >> 4 * (group % 2) & 0xf) |
				  (high >> 2 * group & 3) << 4;
			float own = scale * (float)(six - 32);
			__m256i quants =
				_mm256_shuffle_epi8(table, nibbles_at(from + 8 + 16 * group));

			put_products(to + 32 * group, quants, own, own);
		}
	}
}

#endif
