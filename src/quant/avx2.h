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

#ifdef __AVX2__
#include <immintrin.h>

/* Whether all are finite, and as float16, too. */
static inline bool are_storable(__m256 values)
{
	__m256i bits = _mm256_and_si256(_mm256_castps_si256(values), _mm256_set1_epi32(INT32_MAX));

	return !_mm256_movemask_epi8(_mm256_cmpgt_epi32(bits, _mm256_set1_epi32(F16_OVERFLOW - 1)));
}
#endif

#endif
