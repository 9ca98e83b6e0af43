/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of AVX2 share. */
#ifndef QUANT_AVX2_H
#define QUANT_AVX2_H

#include "quant/half.h"
#include "quant/kernels.h"
#include "quant/limits.h"

bake_quant_encoder bake_avx2_encode_f32, bake_avx2_encode_f16, bake_avx2_encode_bf16,
	bake_avx2_encode_q4_0, bake_avx2_encode_q4_1, bake_avx2_encode_q5_0, bake_avx2_encode_q5_1,
	bake_avx2_encode_q8_0;

bake_quant_decoder bake_avx2_decode_q2_k, bake_avx2_decode_q3_k, bake_avx2_decode_q4_k,
	bake_avx2_decode_q5_k, bake_avx2_decode_q6_k, bake_avx2_decode_q8_k,
	bake_avx2_decode_iq4_xs;

#ifdef __AVX2__
#include <immintrin.h>

enum {
	AHEAD = 8192, /* bytes */
};

/* Asks for what is read soon: processors by themselves do not look beyond the page. Asking behind
 * the end does no harm. */
static inline void ask(const void *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 64)
		_mm_prefetch((const char *)from + AHEAD + at, _MM_HINT_T0);
}

/* Whether all are finite, and as float16, too. */
static inline bool are_storable(__m256 values)
{
	__m256i bits = _mm256_and_si256(_mm256_castps_si256(values), _mm256_set1_epi32(INT32_MAX));

	return !_mm256_movemask_epi8(_mm256_cmpgt_epi32(bits, _mm256_set1_epi32(F16_OVERFLOW - 1)));
}

/* The signed bytes of a quarter, as floats. */
static inline __m256 eight_of(__m256i bytes, size_t quarter)
{
	__m128i half =
		quarter < 2 ? _mm256_castsi256_si128(bytes) : _mm256_extracti128_si256(bytes, 1);

	if (quarter % 2)
		half = _mm_srli_si128(half, 8);
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(half));
}

/* 32 quants of 16 bytes, the low nibbles first. */
static inline __m256i nibbles_at(const uint8_t *from)
{
	__m128i both = _mm_loadu_si128((const __m128i *)(const void *)from);
	__m256i apart =
		_mm256_inserti128_si256(_mm256_castsi128_si256(both), _mm_srli_epi16(both, 4), 1);

	return _mm256_and_si256(apart, _mm256_set1_epi8(0xf));
}
#endif

#endif
