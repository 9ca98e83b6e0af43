/* SPDX-License-Identifier: Apache-2.0 */
/* float32 into blocks, with AVX-512: half a block is one vector, in the order that is stored. What is
 * plain numbers, or comes back, waits for memory with AVX2 already. */
#include "quant/kernels.h"

#ifdef __AVX512F__
#include <immintrin.h>

#include "quant/group.h"

static inline void put_nibbles(uint8_t *to, __m512i low, __m512i high)
{
	const __m512i four = _mm512_set1_epi32(0xf);
	__m512i both = _mm512_or_si512(
		_mm512_and_si512(low, four), _mm512_slli_epi32(_mm512_and_si512(high, four), 4));

	_mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtepi32_epi8(both));
}

static inline void put_fifths(uint8_t *to, __m512i low, __m512i high)
{
	const __m512i fifth = _mm512_set1_epi32(16);

	put_u16(to, (uint16_t)_mm512_test_epi32_mask(low, fifth));
	put_u16(to + 2, (uint16_t)_mm512_test_epi32_mask(high, fifth));
}

/* (value - base) * inverse + more, each rounded; toward zero; no more than the top. */
static inline __m512i quants_of(const float *from, float base, float inverse, float more, int top)
{
	__m512 value = _mm512_sub_ps(_mm512_loadu_ps(from), _mm512_set1_ps(base));

	value = _mm512_mul_ps(value, _mm512_set1_ps(inverse));
	value = _mm512_add_ps(value, _mm512_set1_ps(more));
	return _mm512_min_epi32(_mm512_cvttps_epi32(value), _mm512_set1_epi32(top));
}

/* Q4_0 with half 8, Q5_0 with half 16. Taking +0 from a value leaves it as it is. */
static inline __attribute__((always_inline)) bool centred(
	const float *from, uint8_t *to, size_t block, int half)
{
	__m256 scales = _mm256_mul_ps(extremes_of(from), _mm256_set1_ps(-1.0F / (float)half));
	float more = (float)half + 0.5F;
	struct scaled scaled;

	if (!scale_by(scales, &scaled))
		return false;
	for (size_t i = 0; i < GROUP; i++, from += QUANT_BLOCK, to += block) {
		__m512i low = quants_of(from, 0, scaled.inverses[i], more, 2 * half - 1);
		__m512i high = quants_of(from + 16, 0, scaled.inverses[i], more, 2 * half - 1);

		memcpy(to, scaled.halves[0] + i, 2);
		if (half == 16)
			put_fifths(to + 2, low, high);
		put_nibbles(to + block - 16, low, high);
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
		__m512i low = quants_of(from, scaled.leasts[i], scaled.inverses[i], 0.5F, top);
		__m512i high =
			quants_of(from + 16, scaled.leasts[i], scaled.inverses[i], 0.5F, top);

		memcpy(to, scaled.halves[0] + i, 2);
		memcpy(to + 2, scaled.halves[1] + i, 2);
		if (top == 31)
			put_fifths(to + 4, low, high);
		put_nibbles(to + block - 16, low, high);
	}
	return true;
}

/* As in avx2_encode.c: the float below a half is added, away from zero. */
static inline __m128i rounded(const float *from, float inverse)
{
	__m512 value = _mm512_mul_ps(_mm512_loadu_ps(from), _mm512_set1_ps(inverse));
	__m512i sign = _mm512_and_si512(_mm512_castps_si512(value), _mm512_set1_epi32(INT32_MIN));
	__m512i nearly = _mm512_or_si512(sign, _mm512_castps_si512(_mm512_set1_ps(BELOW_HALF)));

	value = _mm512_add_ps(value, _mm512_castsi512_ps(nearly));
	return _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(value));
}

static inline bool eighths(const float *from, uint8_t *to, size_t block)
{
	__m256 scales = _mm256_div_ps(magnitudes_of(from), _mm256_set1_ps(127));
	struct scaled scaled;

	if (!scale_by(scales, &scaled))
		return false;
	for (size_t i = 0; i < GROUP; i++, from += QUANT_BLOCK, to += block) {
		memcpy(to, scaled.halves[0] + i, 2);
		_mm_storeu_si128((__m128i *)(void *)(to + 2), rounded(from, scaled.inverses[i]));
		_mm_storeu_si128(
			(__m128i *)(void *)(to + 18), rounded(from + 16, scaled.inverses[i]));
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

static bool encode_q4_0(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 18, group_q4_0, bake_quant_encode_q4_0);
}

static bool encode_q4_1(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 20, group_q4_1, bake_quant_encode_q4_1);
}

static bool encode_q5_0(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 22, group_q5_0, bake_quant_encode_q5_0);
}

static bool encode_q5_1(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 24, group_q5_1, bake_quant_encode_q5_1);
}

static bool encode_q8_0(const float *from, size_t count, uint8_t *to)
{
	return encode(from, count, to, 34, eighths, bake_quant_encode_q8_0);
}

static const struct bake_quant_kernels kernels = {
	.encode =
		{
			[BAKE_QUANT_Q4_0] = encode_q4_0,
			[BAKE_QUANT_Q4_1] = encode_q4_1,
			[BAKE_QUANT_Q5_0] = encode_q5_0,
			[BAKE_QUANT_Q5_1] = encode_q5_1,
			[BAKE_QUANT_Q8_0] = encode_q8_0,
		},
};

const struct bake_quant_kernels *const bake_quant_avx512 = &kernels;
#else
const struct bake_quant_kernels *const bake_quant_avx512;
#endif
