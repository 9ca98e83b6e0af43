/* SPDX-License-Identifier: Apache-2.0 */
/* float32 into blocks, with NEON, which reduces a vector in one instruction: block by block. What
 * comes back, and plain numbers, compilers vectorise themselves. */
#include "quant/kernels.h"

#if defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>

#include "quant/half.h"
#include "quant/limits.h"

enum {
	PARTS = QUANT_BLOCK / 4, /* vectors of a block */
};

static inline uint32x4_t bits_at(const float *from)
{
	return vreinterpretq_u32_f32(vld1q_f32(from));
}

/* The largest magnitude in the block, as bits: NaNs are the largest. */
static inline uint32_t most_of(const float *from)
{
	uint32x4_t most = vdupq_n_u32(0);

	for (size_t i = 0; i < PARTS; i++)
		most = vmaxq_u32(most, vandq_u32(bits_at(from + 4 * i), vdupq_n_u32(INT32_MAX)));
	return vmaxvq_u32(most);
}

/* The value of that magnitude, the first of several. */
static inline float extreme_of(const float *from, uint32_t most)
{
	unsigned i = 0;

	while (i < QUANT_BLOCK - 1 && (bits_of(from[i]) & INT32_MAX) != most)
		i++;
	return most ? from[i] : 0;
}

/* Whether it can be stored, and divided by: finite as float16, and zero or not tiny. */
static inline bool is_plain(float scale)
{
	uint32_t bits = bits_of(scale) & INT32_MAX;

	return bits < F16_OVERFLOW && (bits == 0 || bits >= TINY);
}

static inline float reciprocal(float scale)
{
	return scale != 0 ? 1.0F / scale : 0;
}

/* Sixteen quants of four vectors. */
static inline uint8x16_t narrow(const int32x4_t *of)
{
	int16x8_t low = vcombine_s16(vmovn_s32(of[0]), vmovn_s32(of[1]));
	int16x8_t high = vcombine_s16(vmovn_s32(of[2]), vmovn_s32(of[3]));

	return vreinterpretq_u8_s8(vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}

/* (value - base) * inverse + more, each rounded; toward zero; no more than the top. */
static inline uint8x16_t quants_of(
	const float *from, float base, float inverse, float more, uint8_t top)
{
	int32x4_t quants[4];

	for (size_t i = 0; i < 4; i++) {
		float32x4_t value = vsubq_f32(vld1q_f32(from + 4 * i), vdupq_n_f32(base));

		value = vmulq_f32(value, vdupq_n_f32(inverse));
		quants[i] = vcvtq_s32_f32(vaddq_f32(value, vdupq_n_f32(more)));
	}
	return vminq_u8(narrow(quants), vdupq_n_u8(top));
}

static inline uint32_t fifths_of(uint8x16_t quants)
{
	static const uint8_t weights[16] = {
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t set = vandq_u8(vtstq_u8(quants, vdupq_n_u8(16)), vld1q_u8(weights));

	return vaddv_u8(vget_low_u8(set)) | (uint32_t)vaddv_u8(vget_high_u8(set)) << 8;
}

static inline void put_quants(uint8_t *to, uint8x16_t low, uint8x16_t high, bool five)
{
	if (five) {
		put_u32(to, fifths_of(low) | fifths_of(high) << 16);
		to += 4;
	}
	vst1q_u8(to, vorrq_u8(vandq_u8(low, vdupq_n_u8(0xf)), vshlq_n_u8(high, 4)));
}

/* Q4_0 with half 8, Q5_0 with half 16. False: nothing is written. */
static inline bool centred(const float *from, uint8_t *to, int half)
{
	uint32_t most = most_of(from);
	float scale = extreme_of(from, most) / (float)-half;
	float inverse = reciprocal(scale);
	float more = (float)half + 0.5F;
	uint8_t top = (uint8_t)(2 * half - 1);

	if (most >= INFINITE || !is_plain(scale))
		return false;
	put_u16(to, f16_of_f32(scale));
	put_quants(to + 2, quants_of(from, 0, inverse, more, top),
		quants_of(from + 16, 0, inverse, more, top), half == 16);
	return true;
}

/* Of zeros of both signs the first is the least, which the minimum of vectors does not tell. */
static inline float least_of(const float *from, float *out_range)
{
	float32x4_t least = vld1q_f32(from);
	float32x4_t most = least;
	float found;

	for (size_t i = 1; i < PARTS; i++) {
		least = vminq_f32(least, vld1q_f32(from + 4 * i));
		most = vmaxq_f32(most, vld1q_f32(from + 4 * i));
	}
	found = vminvq_f32(least);
	for (size_t i = 0; found == 0 && i < QUANT_BLOCK; i++) {
		if (from[i] == 0) {
			found = from[i];
			break;
		}
	}
	*out_range = vmaxvq_f32(most) - found + 0.0F;
	return found;
}

/* Q4_1 with top 15, Q5_1 with top 31. */
static inline bool above(const float *from, uint8_t *to, uint8_t top)
{
	float range;
	float least = least_of(from, &range);
	float scale = range / (float)top;
	float inverse = reciprocal(scale);

	if (most_of(from) >= INFINITE || !is_plain(scale) ||
		(bits_of(least) & INT32_MAX) >= F16_OVERFLOW)
		return false;
	put_u16(to, f16_of_f32(scale));
	put_u16(to + 2, f16_of_f32(least));
	put_quants(to + 4, quants_of(from, least, inverse, 0.5F, top),
		quants_of(from + 16, least, inverse, 0.5F, top), top == 31);
	return true;
}

/* FCVTAS rounds halves away from zero. */
static inline bool eighths(const float *from, uint8_t *to)
{
	float scale = float_of(most_of(from)) / 127;
	float inverse = reciprocal(scale);
	int32x4_t quants[PARTS];

	if (!is_plain(scale))
		return false;
	put_u16(to, f16_of_f32(scale));
	for (size_t i = 0; i < PARTS; i++)
		quants[i] =
			vcvtaq_s32_f32(vmulq_f32(vld1q_f32(from + 4 * i), vdupq_n_f32(inverse)));
	vst1q_u8(to + 2, narrow(quants));
	vst1q_u8(to + 18, narrow(quants + 4));
	return true;
}

static bool encode_q4_0(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 18)
		if (!centred(from, to, 8))
			good &= bake_quant_encode_q4_0(from, QUANT_BLOCK, to);
	return good;
}

static bool encode_q5_0(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 22)
		if (!centred(from, to, 16))
			good &= bake_quant_encode_q5_0(from, QUANT_BLOCK, to);
	return good;
}

static bool encode_q4_1(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 20)
		if (!above(from, to, 15))
			good &= bake_quant_encode_q4_1(from, QUANT_BLOCK, to);
	return good;
}

static bool encode_q5_1(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 24)
		if (!above(from, to, 31))
			good &= bake_quant_encode_q5_1(from, QUANT_BLOCK, to);
	return good;
}

static bool encode_q8_0(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 34)
		if (!eighths(from, to))
			good &= bake_quant_encode_q8_0(from, QUANT_BLOCK, to);
	return good;
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

const struct bake_quant_kernels *const bake_quant_neon = &kernels;
#else
const struct bake_quant_kernels *const bake_quant_neon;
#endif
