/* SPDX-License-Identifier: Apache-2.0 */
/* float32 into blocks, with AVX2. */
#include "quant/kernels.h"

#ifdef __AVX2__
#include <immintrin.h>

#include "quant/avx2.h"
#include "quant/group.h"

/* A block's four vectors. */
struct values {
	__m256 at[4];
};

static inline struct values values_at(const float *from)
{
	return (struct values){{_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8),
		_mm256_loadu_ps(from + 16), _mm256_loadu_ps(from + 24)}};
}

/* 32 quants in the order of the elements, of vectors of eight. */
static inline __m256i in_order(__m256i mixed)
{
	return _mm256_permutevar8x32_epi32(mixed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

static inline __m256i nonnegative_bytes(const __m256i *quants)
{
	return in_order(_mm256_packus_epi16(_mm256_packs_epi32(quants[0], quants[1]),
		_mm256_packs_epi32(quants[2], quants[3])));
}

static inline __m256i signed_bytes(const __m256i *quants)
{
	return in_order(_mm256_packs_epi16(_mm256_packs_epi32(quants[0], quants[1]),
		_mm256_packs_epi32(quants[2], quants[3])));
}

static inline void put_nibbles(uint8_t *to, __m256i quants)
{
	__m256i low = _mm256_and_si256(quants, _mm256_set1_epi8(0xf));
	__m128i high = _mm_slli_epi16(_mm256_extracti128_si256(low, 1), 4);

	_mm_storeu_si128((__m128i *)(void *)to, _mm_or_si128(_mm256_castsi256_si128(low), high));
}

static inline void put_fifths(uint8_t *to, __m256i quants)
{
	int fifths = _mm256_movemask_epi8(_mm256_slli_epi16(quants, 3));

	memcpy(to, &fifths, sizeof(fifths));
}

/* Q4_0 with half 8, Q5_0 with half 16. */
static inline __attribute__((always_inline)) bool centred(
	const float *from, uint8_t *to, size_t block, int half)
{
	__m256 scales = _mm256_mul_ps(extremes_of(from), _mm256_set1_ps(-1.0F / (float)half));
	struct scaled scaled;

	if (!scale_by(scales, &scaled))
		return false;
	for (size_t i = 0; i < GROUP; i++, from += QUANT_BLOCK, to += block) {
		struct values values = values_at(from);
		__m256 inverse = _mm256_broadcast_ss(scaled.inverses + i);
		__m256i quants[4];
		__m256i bytes;

		for (size_t part = 0; part < 4; part++)
			quants[part] = _mm256_cvttps_epi32(
				_mm256_add_ps(_mm256_mul_ps(values.at[part], inverse),
					_mm256_set1_ps((float)half + 0.5F)));
		bytes = _mm256_min_epu8(
			nonnegative_bytes(quants), _mm256_set1_epi8((char)(2 * half - 1)));
		memcpy(to, scaled.halves[0] + i, 2);
		if (half == 16)
			put_fifths(to + 2, bytes);
		put_nibbles(to + block - 16, bytes);
	}
	return true;
}

/* Q4_1 with top 15, Q5_1 with top 31. */
static inline __attribute__((always_inline)) bool above(
	const float *from, uint8_t *to, size_t block, int top)
{
	struct scaled scaled;

	if (!scale_above(from, top, &scaled))
		return false;
	for (size_t i = 0; i < GROUP; i++, from += QUANT_BLOCK, to += block) {
		struct values values = values_at(from);
		__m256 inverse = _mm256_broadcast_ss(scaled.inverses + i);
		__m256 base = _mm256_broadcast_ss(scaled.leasts + i);
		__m256i quants[4];
		__m256i bytes;

		for (size_t part = 0; part < 4; part++)
			quants[part] = _mm256_cvttps_epi32(_mm256_add_ps(
				_mm256_mul_ps(_mm256_sub_ps(values.at[part], base), inverse),
				_mm256_set1_ps(0.5F)));
		bytes = _mm256_min_epu8(nonnegative_bytes(quants), _mm256_set1_epi8((char)top));
		memcpy(to, scaled.halves[0] + i, 2);
		memcpy(to + 2, scaled.halves[1] + i, 2);
		if (top == 31)
			put_fifths(to + 4, bytes);
		put_nibbles(to + block - 16, bytes);
	}
	return true;
}

/* To the nearest, halves away from zero, of magnitudes up to 127: the float below a half is added,
 * because with a half itself the float below it would be rounded up to one. */
static inline __m256i rounded(__m256 value)
{
	__m256 sign = _mm256_and_ps(value, _mm256_set1_ps(-0.0F));
	__m256 nearly = _mm256_or_ps(sign, _mm256_set1_ps(BELOW_HALF));

	return _mm256_cvttps_epi32(_mm256_add_ps(value, nearly));
}

static inline bool eighths(const float *from, uint8_t *to, size_t block)
{
	__m256 scales = _mm256_div_ps(magnitudes_of(from), _mm256_set1_ps(127));
	struct scaled scaled;

	if (!scale_by(scales, &scaled))
		return false;
	for (size_t i = 0; i < GROUP; i++, from += QUANT_BLOCK, to += block) {
		struct values values = values_at(from);
		__m256 inverse = _mm256_broadcast_ss(scaled.inverses + i);
		__m256i quants[4];

		for (size_t part = 0; part < 4; part++)
			quants[part] = rounded(_mm256_mul_ps(values.at[part], inverse));
		memcpy(to, scaled.halves[0] + i, 2);
		_mm256_storeu_si256((__m256i *)(void *)(to + 2), signed_bytes(quants));
	}
	return true;
}

static inline bool group_q4_0(const float *from, uint8_t *to, size_t block)
{
	return centred(from, to, block, 8);
}

static inline bool group_q5_0(const float *from, uint8_t *to, size_t block)
{
	return centred(from, to, block, 16);
}

static inline bool group_q4_1(const float *from, uint8_t *to, size_t block)
{
	return above(from, to, block, 15);
}

static inline bool group_q5_1(const float *from, uint8_t *to, size_t block)
{
	return above(from, to, block, 31);
}

bool bake_avx2_encode_q4_0(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 18, group_q4_0, bake_quant_encode_q4_0);
}

bool bake_avx2_encode_q4_1(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 20, group_q4_1, bake_quant_encode_q4_1);
}

bool bake_avx2_encode_q5_0(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 22, group_q5_0, bake_quant_encode_q5_0);
}

bool bake_avx2_encode_q5_1(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 24, group_q5_1, bake_quant_encode_q5_1);
}

bool bake_avx2_encode_q8_0(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 34, eighths, bake_quant_encode_q8_0);
}

#endif
