/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight blocks at a time, with AVX2: what belongs to a block (its scale, the reciprocal) is then one
 * lane of a vector, so that divisions and float16 are shared by eight. Groups that hold anything
 * strange are left to the plain kernels, and so is what is behind the last whole group.
 */
#ifndef QUANT_GROUP_H
#define QUANT_GROUP_H

#include "quant/avx2.h"

#ifdef __AVX2__
#include <immintrin.h>

static inline __m256i bits_at(const float *from)
{
	return _mm256_castps_si256(_mm256_loadu_ps(from));
}

typedef __m256i combine(__m256i, __m256i);

/* One lane for each of eight vectors: what combine makes of all its lanes. */
static inline __attribute__((always_inline)) __m256i across(const __m256i *of, combine *with)
{
	__m256i pairs[4];
	__m256i fours[2];

	for (size_t i = 0; i < 4; i++)
		pairs[i] = with(_mm256_unpacklo_epi32(of[2 * i], of[2 * i + 1]),
			_mm256_unpackhi_epi32(of[2 * i], of[2 * i + 1]));
	for (size_t i = 0; i < 2; i++)
		fours[i] = with(_mm256_unpacklo_epi64(pairs[2 * i], pairs[2 * i + 1]),
			_mm256_unpackhi_epi64(pairs[2 * i], pairs[2 * i + 1]));
	return with(_mm256_permute2x128_si256(fours[0], fours[1], 0x20),
		_mm256_permute2x128_si256(fours[0], fours[1], 0x31));
}

static inline __m256i max_signed(__m256i a, __m256i b)
{
	return _mm256_max_epi32(a, b);
}

static inline __m256i max_unsigned(__m256i a, __m256i b)
{
	return _mm256_max_epu32(a, b);
}

static inline __m256i max_float(__m256i a, __m256i b)
{
	return _mm256_castps_si256(_mm256_max_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b)));
}

static inline __m256i min_float(__m256i a, __m256i b)
{
	return _mm256_castps_si256(_mm256_min_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b)));
}

static inline __attribute__((always_inline)) __m256i down(const float *from, combine *with)
{
	return with(with(bits_at(from), bits_at(from + 8)),
		with(bits_at(from + 16), bits_at(from + 24)));
}

static inline __m256i magnitudes(__m256i bits)
{
	return _mm256_and_si256(bits, _mm256_set1_epi32(INT32_MAX));
}

/* Whether all scales can be stored, and divided by: finite as float16, and zero or not tiny. */
static inline bool are_plain(__m256 scales)
{
	__m256i bits = magnitudes(_mm256_castps_si256(scales));
	__m256i large = _mm256_cmpgt_epi32(bits, _mm256_set1_epi32(F16_OVERFLOW - 1));
	__m256i small = _mm256_andnot_si256(_mm256_cmpeq_epi32(bits, _mm256_setzero_si256()),
		_mm256_cmpgt_epi32(_mm256_set1_epi32(TINY), bits));

	return _mm256_testz_si256(_mm256_or_si256(large, small), _mm256_set1_epi32(-1));
}

static inline __m256 reciprocals(__m256 scales)
{
	__m256 none = _mm256_cmp_ps(scales, _mm256_setzero_ps(), _CMP_EQ_OQ);

	return _mm256_andnot_ps(none, _mm256_div_ps(_mm256_set1_ps(1), scales));
}

static inline void put_halves(uint16_t *to, __m256 from)
{
	_mm_storeu_si128((__m128i *)(void *)to, _mm256_cvtps_ph(from, 0));
}

/* The first element of the block whose bits, without the sign, are these. */
static inline float first_with(const float *from, int32_t bits)
{
	__m256i wanted = _mm256_set1_epi32(bits);
	unsigned at = 0;
	unsigned found = 0;

	for (; at < QUANT_BLOCK && !found; at += 8) {
		__m256i same = _mm256_cmpeq_epi32(magnitudes(bits_at(from + at)), wanted);

		found = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(same));
	}
	return from[at - 8 + (unsigned)__builtin_ctz(found)];
}

/* Of each block the value of largest magnitude, the first of several. As integers, positive floats
 * grow with their value and negative ones, without sign, with their magnitude; NaNs are largest. */
static inline __m256 extremes_of(const float *from)
{
	__m256i above[GROUP];
	__m256i below[GROUP];
	float extremes[GROUP];
	__m256i most;
	__m256i even;
	unsigned ties;

	for (size_t i = 0; i < GROUP; i++) {
		above[i] = down(from + QUANT_BLOCK * i, max_signed);
		below[i] = down(from + QUANT_BLOCK * i, max_unsigned);
	}
	above[0] = _mm256_max_epi32(across(above, max_signed), _mm256_setzero_si256());
	below[0] = across(below, max_unsigned);
	below[0] = _mm256_and_si256(_mm256_srai_epi32(below[0], 31), magnitudes(below[0]));
	most = _mm256_max_epi32(above[0], below[0]);
	even = _mm256_andnot_si256(_mm256_cmpeq_epi32(most, _mm256_setzero_si256()),
		_mm256_cmpeq_epi32(above[0], below[0]));
	ties = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(even));
	most = _mm256_or_si256(most, _mm256_slli_epi32(_mm256_cmpgt_epi32(below[0], above[0]), 31));
	if (!ties)
		return _mm256_castsi256_ps(most);
	_mm256_storeu_ps(extremes, _mm256_castsi256_ps(most));
	for (; ties; ties &= ties - 1) {
		size_t i = (size_t)__builtin_ctz(ties);

		extremes[i] = first_with(
			from + QUANT_BLOCK * i, (int32_t)(bits_of(extremes[i]) & INT32_MAX));
	}
	return _mm256_loadu_ps(extremes);
}

/* The least of each block and the range; false when a value is not finite. Of zeros of both signs
 * the first is the least, which the minimum of vectors does not tell. */
static inline bool least_of(const float *from, __m256 *out_least, __m256 *out_range)
{
	__m256i least[GROUP];
	__m256i most[GROUP];
	__m256i largest = _mm256_setzero_si256();
	float leasts[GROUP];
	unsigned zeros;

	for (size_t i = 0; i < GROUP; i++) {
		const float *block = from + QUANT_BLOCK * i;

		least[i] = down(block, min_float);
		most[i] = down(block, max_float);
		for (size_t part = 0; part < 4; part++)
			largest = _mm256_max_epi32(largest, magnitudes(bits_at(block + 8 * part)));
	}
	if (_mm256_movemask_epi8(_mm256_cmpgt_epi32(largest, _mm256_set1_epi32(INFINITE - 1))))
		return false;
	least[0] = across(least, min_float);
	most[0] = across(most, max_float);
	_mm256_storeu_ps(leasts, _mm256_castsi256_ps(least[0]));
	zeros = (unsigned)_mm256_movemask_ps(
		_mm256_cmp_ps(_mm256_castsi256_ps(least[0]), _mm256_setzero_ps(), _CMP_EQ_OQ));
	for (; zeros; zeros &= zeros - 1) {
		size_t i = (size_t)__builtin_ctz(zeros);

		leasts[i] = first_with(from + QUANT_BLOCK * i, 0);
	}
	*out_least = _mm256_loadu_ps(leasts);
	/* The difference of two zeros is +0 in the reference; adding it changes no other number. */
	*out_range = _mm256_add_ps(
		_mm256_sub_ps(_mm256_castsi256_ps(most[0]), *out_least), _mm256_setzero_ps());
	return true;
}

/* The largest magnitude of each block. */
static inline __m256 magnitudes_of(const float *from)
{
	__m256i most[GROUP];

	for (size_t i = 0; i < GROUP; i++) {
		const float *at = from + QUANT_BLOCK * i;

		most[i] = magnitudes(bits_at(at));
		for (size_t part = 1; part < 4; part++)
			most[i] = _mm256_max_epi32(most[i], magnitudes(bits_at(at + 8 * part)));
	}
	return _mm256_castsi256_ps(across(most, max_signed));
}

/* Eight blocks; false when they hold something strange. */
typedef bool group_encoder(const float *from, uint8_t *to, size_t block);

static inline __attribute__((always_inline)) bool encode(const float *from, size_t count,
	uint8_t *to, size_t block, group_encoder *group, bake_quant_encoder *plain)
{
	const size_t step = (size_t)GROUP * QUANT_BLOCK;
	bool good = true;

	for (; count >= step; count -= step, from += step, to += GROUP * block) {
		ask(from, step * sizeof(float));
		if (!group(from, to, block))
			good &= plain(from, step, to);
	}
	return count ? plain(from, count, to) & good : good;
}

/* What a group's blocks are divided by: each is one float, its float16s are as stored. */
struct scaled {
	float inverses[GROUP];
	float leasts[GROUP];	   /* of those that count from their least */
	uint16_t halves[2][GROUP]; /* the scales, and the leasts */
};

static inline bool scale_by(__m256 scales, struct scaled *out)
{
	if (!are_plain(scales))
		return false;
	_mm256_storeu_ps(out->inverses, reciprocals(scales));
	put_halves(out->halves[0], scales);
	return true;
}

/* From the least value, in top steps. */
static inline bool scale_above(const float *from, int top, struct scaled *out)
{
	__m256 least;
	__m256 scales;

	if (!least_of(from, &least, &scales) || !are_storable(least) ||
		!scale_by(_mm256_div_ps(scales, _mm256_set1_ps((float)top)), out))
		return false;
	_mm256_storeu_ps(out->leasts, least);
	put_halves(out->halves[1], least);
	return true;
}

#endif

#endif
