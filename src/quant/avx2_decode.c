/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks to float32 with AVX2, and the plain numbers both ways. */
#include "quant/kernels.h"

#ifdef __AVX2__
#include <immintrin.h>

#include "quant/avx2.h"
#include "quant/iq4.h"

static inline __m256 scale_at(const uint8_t *from)
{
	return _mm256_set1_ps(_mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(u16_at(from)))));
}

/* 32 elements: a quant times the scale, and base added where there is one. */
static inline void put_products(float *to, __m256i quants, __m256 scale)
{
	for (size_t i = 0; i < 4; i++)
		_mm256_storeu_ps(to + 8 * i, _mm256_mul_ps(eight_of(quants, i), scale));
}

static inline void put_sums(float *to, __m256i quants, __m256 scale, __m256 base)
{
	for (size_t i = 0; i < 4; i++)
		_mm256_storeu_ps(
			to + 8 * i, _mm256_add_ps(_mm256_mul_ps(eight_of(quants, i), scale), base));
}

/* 16 in each element whose bit is set. */
static inline __m256i fifths_at(const uint8_t *from)
{
	const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2,
		2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
	const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201);
	__m256i all = _mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)u32_at(from)), spread);

	return _mm256_and_si256(
		_mm256_cmpeq_epi8(_mm256_and_si256(all, bit), bit), _mm256_set1_epi8(16));
}

static void decode_q4_0(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 18, to += QUANT_BLOCK)
		put_products(to, _mm256_sub_epi8(nibbles_at(from + 2), _mm256_set1_epi8(8)),
			scale_at(from));
}

static void decode_q4_1(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 20, to += QUANT_BLOCK)
		put_sums(to, nibbles_at(from + 4), scale_at(from), scale_at(from + 2));
}

static void decode_q5_0(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 22, to += QUANT_BLOCK) {
		__m256i quants = _mm256_or_si256(nibbles_at(from + 6), fifths_at(from + 2));

		put_products(to, _mm256_sub_epi8(quants, _mm256_set1_epi8(16)), scale_at(from));
	}
}

static void decode_q5_1(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 24, to += QUANT_BLOCK) {
		__m256i quants = _mm256_or_si256(nibbles_at(from + 8), fifths_at(from + 4));

		put_sums(to, quants, scale_at(from), scale_at(from + 2));
	}
}

static void decode_q8_0(const uint8_t *from, size_t count, float *to)
{
	for (; count; count -= QUANT_BLOCK, from += 34, to += QUANT_BLOCK)
		put_products(to, _mm256_loadu_si256((const __m256i *)(const void *)(from + 2)),
			scale_at(from));
}

static void decode_iq4_nl(const uint8_t *from, size_t count, float *to)
{
	static const int8_t values[16] = IQ4_VALUES;
	__m256i table =
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)values));

	for (; count; count -= QUANT_BLOCK, from += 18, to += QUANT_BLOCK)
		put_products(to, _mm256_shuffle_epi8(table, nibbles_at(from + 2)), scale_at(from));
}

enum {
	PLAIN = 32,	   /* numbers at a time */
	PLAIN_HALVES = 64, /* bytes of them as halves */
	PLAIN_BYTES = 128, /* as float32 */
};

static void decode_f16(const uint8_t *from, size_t count, float *to)
{
	for (; count >= PLAIN; count -= PLAIN, from += PLAIN_HALVES, to += PLAIN) {
		ask(from, PLAIN_HALVES);
		for (size_t i = 0; i < PLAIN; i += 8)
			_mm256_storeu_ps(
				to + i, _mm256_cvtph_ps(_mm_loadu_si128(
						(const __m128i *)(const void *)(from + 2 * i))));
	}
	bake_quant_decode_f16(from, count, to);
}

static void decode_bf16(const uint8_t *from, size_t count, float *to)
{
	for (; count >= PLAIN; count -= PLAIN, from += PLAIN_HALVES, to += PLAIN) {
		ask(from, PLAIN_HALVES);
		for (size_t i = 0; i < PLAIN; i += 8) {
			__m128i halves =
				_mm_loadu_si128((const __m128i *)(const void *)(from + 2 * i));

			_mm256_storeu_ps(to + i, _mm256_castsi256_ps(_mm256_slli_epi32(
							 _mm256_cvtepu16_epi32(halves), 16)));
		}
	}
	bake_quant_decode_bf16(from, count, to);
}

/* Whether the bits of all, without the sign, are below the limit. */
static inline bool are_below(const __m256i *bits, int32_t limit)
{
	__m256i all = _mm256_setzero_si256();

	for (size_t i = 0; i < PLAIN / 8; i++)
		all = _mm256_max_epi32(
			all, _mm256_and_si256(bits[i], _mm256_set1_epi32(INT32_MAX)));
	return !_mm256_movemask_epi8(_mm256_cmpgt_epi32(all, _mm256_set1_epi32(limit - 1)));
}

static inline void load(__m256i *bits, const float *from)
{
	ask(from, PLAIN_BYTES);
	for (size_t i = 0; i < PLAIN / 8; i++)
		bits[i] = _mm256_castps_si256(_mm256_loadu_ps(from + 8 * i));
}

bool bake_avx2_encode_f32(const float *from, size_t count, uint8_t *to)
{
	__m256i bits[PLAIN / 8];
	bool good = true;

	for (; count >= PLAIN; count -= PLAIN, from += PLAIN, to += PLAIN_BYTES) {
		load(bits, from);
		good &= are_below(bits, INFINITE);
		for (size_t i = 0; i < PLAIN / 8; i++)
			_mm256_storeu_si256((__m256i *)(void *)(to + 32 * i), bits[i]);
	}
	return bake_quant_encode_f32(from, count, to) & good;
}

bool bake_avx2_encode_f16(const float *from, size_t count, uint8_t *to)
{
	__m256i bits[PLAIN / 8];
	bool good = true;

	for (; count >= PLAIN; count -= PLAIN, from += PLAIN, to += PLAIN_HALVES) {
		load(bits, from);
		if (!are_below(bits, F16_OVERFLOW)) {
			good &= bake_quant_encode_f16(from, PLAIN, to);
			continue;
		}
		for (size_t i = 0; i < PLAIN / 8; i++)
			_mm_storeu_si128((__m128i *)(void *)(to + 16 * i),
				_mm256_cvtps_ph(_mm256_castsi256_ps(bits[i]), 0));
	}
	return bake_quant_encode_f16(from, count, to) & good;
}

/* The upper halves, to nearest, ties to even. */
static inline __m256i upper(__m256i bits)
{
	__m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
	__m256i more = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));

	return _mm256_srli_epi32(_mm256_add_epi32(bits, more), 16);
}

bool bake_avx2_encode_bf16(const float *from, size_t count, uint8_t *to)
{
	__m256i bits[PLAIN / 8];
	bool good = true;

	for (; count >= PLAIN; count -= PLAIN, from += PLAIN, to += PLAIN_HALVES) {
		load(bits, from);
		if (!are_below(bits, BF16_OVERFLOW)) {
			good &= bake_quant_encode_bf16(from, PLAIN, to);
			continue;
		}
		for (size_t i = 0; i < PLAIN / 16; i++) {
			__m256i both =
				_mm256_packus_epi32(upper(bits[2 * i]), upper(bits[2 * i + 1]));

			_mm256_storeu_si256((__m256i *)(void *)(to + 32 * i),
				_mm256_permute4x64_epi64(both, 0xd8));
		}
	}
	return bake_quant_encode_bf16(from, count, to) & good;
}

static const struct bake_quant_kernels kernels = {
	.encode =
		{
			[BAKE_QUANT_F32] = bake_avx2_encode_f32,
			[BAKE_QUANT_F16] = bake_avx2_encode_f16,
			[BAKE_QUANT_BF16] = bake_avx2_encode_bf16,
			[BAKE_QUANT_Q4_0] = bake_avx2_encode_q4_0,
			[BAKE_QUANT_Q4_1] = bake_avx2_encode_q4_1,
			[BAKE_QUANT_Q5_0] = bake_avx2_encode_q5_0,
			[BAKE_QUANT_Q5_1] = bake_avx2_encode_q5_1,
			[BAKE_QUANT_Q8_0] = bake_avx2_encode_q8_0,
		},
	.decode =
		{
			[BAKE_QUANT_F16] = decode_f16,
			[BAKE_QUANT_BF16] = decode_bf16,
			[BAKE_QUANT_Q4_0] = decode_q4_0,
			[BAKE_QUANT_Q4_1] = decode_q4_1,
			[BAKE_QUANT_Q5_0] = decode_q5_0,
			[BAKE_QUANT_Q5_1] = decode_q5_1,
			[BAKE_QUANT_Q8_0] = decode_q8_0,
			[BAKE_QUANT_IQ4_NL] = decode_iq4_nl,
			[BAKE_QUANT_Q2_K] = bake_avx2_decode_q2_k,
			[BAKE_QUANT_Q3_K] = bake_avx2_decode_q3_k,
			[BAKE_QUANT_Q4_K] = bake_avx2_decode_q4_k,
			[BAKE_QUANT_Q5_K] = bake_avx2_decode_q5_k,
			[BAKE_QUANT_Q6_K] = bake_avx2_decode_q6_k,
			[BAKE_QUANT_Q8_K] = bake_avx2_decode_q8_k,
			[BAKE_QUANT_IQ4_XS] = bake_avx2_decode_iq4_xs,
		},
};

const struct bake_quant_kernels *const bake_quant_avx2 = &kernels;
#else
const struct bake_quant_kernels *const bake_quant_avx2;
#endif
