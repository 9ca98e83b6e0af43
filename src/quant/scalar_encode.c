/* SPDX-License-Identifier: Apache-2.0 */
/*
 * float32 into the types that are written, plainly. Each operation is rounded by itself, in the
 * order in which ggml writes it; this directory is compiled with -ffp-contract=off.
 */
#include <float.h>
#include <math.h>

#include "quant/half.h"
#include "quant/kernels.h"

static bool is_nonfinite(float value)
{
	return (bits_of(value) & 0x7f800000) == 0x7f800000;
}

/* What CVTTSS2SI makes of it: toward zero, and the least number of what does not fit. */
static int32_t truncated(float value)
{
	return value >= -0x1p31F && value < 0x1p31F ? (int32_t)value : INT32_MIN;
}

/* Its low byte, which is all that the reference keeps. */
static uint8_t truncated_byte(float value)
{
	return (uint8_t)truncated(value);
}

/* To the nearest, halves away from zero: roundf, of which the low byte is kept. */
static uint8_t rounded_byte(float value)
{
	int32_t whole = truncated(value);
	float rest = whole == INT32_MIN ? 0 : value - (float)whole;

	return (uint8_t)(whole + (rest >= 0.5F) - (rest <= -0.5F));
}

static float reciprocal(float scale)
{
	return scale != 0 ? 1.0F / scale : 0;
}

/* A scale as it is stored. False when it is infinite then, or no number. */
static bool put_scale(uint8_t *to, float scale)
{
	uint16_t half = f16_of_f32(scale);

	put_u16(to, half);
	return (half & 0x7c00) != 0x7c00;
}

/* The value of largest magnitude, the first of several; a NaN never is. */
static float extreme_of(const float *from, bool *good)
{
	float most = 0;
	float extreme = 0;

	for (unsigned i = 0; i < QUANT_BLOCK; i++) {
		*good &= !is_nonfinite(from[i]);
		if (most < fabsf(from[i])) {
			most = fabsf(from[i]);
			extreme = from[i];
		}
	}
	return extreme;
}

/* The least and the range, without NaNs. */
static float least_of(const float *from, bool *good, float *out_range)
{
	float least = FLT_MAX;
	float most = -FLT_MAX;

	for (unsigned i = 0; i < QUANT_BLOCK; i++) {
		*good &= !is_nonfinite(from[i]);
		least = from[i] < least ? from[i] : least;
		most = from[i] > most ? from[i] : most;
	}
	*out_range = most - least;
	return least;
}

/* Two quants share a byte: element i, and element i + 16 above it. */
static void put_nibbles(uint8_t *to, const uint8_t *quants)
{
	for (unsigned i = 0; i < QUANT_BLOCK / 2; i++)
		to[i] = (uint8_t)((quants[i] & 0xf) | (quants[i + QUANT_BLOCK / 2] & 0xf) << 4);
}

/* The fifth bits, in the order of the elements. */
static void put_fifths(uint8_t *to, const uint8_t *quants)
{
	uint32_t fifths = 0;

	for (unsigned i = 0; i < QUANT_BLOCK; i++)
		fifths |= (uint32_t)(quants[i] >> 4 & 1) << i;
	put_u32(to, fifths);
}

/* Q4_0 and Q5_0: zero is in the middle, at half. */
static void centred(const float *from, float inverse, int half, uint8_t *quants)
{
	for (unsigned i = 0; i < QUANT_BLOCK; i++) {
		uint8_t quant = truncated_byte(from[i] * inverse + ((float)half + 0.5F));

		quants[i] = quant < 2 * half - 1 ? quant : (uint8_t)(2 * half - 1);
	}
}

static void above(const float *from, float least, float inverse, uint8_t *quants)
{
	for (unsigned i = 0; i < QUANT_BLOCK; i++)
		quants[i] = truncated_byte((from[i] - least) * inverse + 0.5F);
}

bool bake_quant_encode_q4_0(const float *from, size_t count, uint8_t *to)
{
	uint8_t quants[QUANT_BLOCK];
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 18) {
		float scale = extreme_of(from, &good) / -8;

		good &= put_scale(to, scale);
		centred(from, reciprocal(scale), 8, quants);
		put_nibbles(to + 2, quants);
	}
	return good;
}

bool bake_quant_encode_q5_0(const float *from, size_t count, uint8_t *to)
{
	uint8_t quants[QUANT_BLOCK];
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 22) {
		float scale = extreme_of(from, &good) / -16;

		good &= put_scale(to, scale);
		centred(from, reciprocal(scale), 16, quants);
		put_fifths(to + 2, quants);
		put_nibbles(to + 6, quants);
	}
	return good;
}

bool bake_quant_encode_q4_1(const float *from, size_t count, uint8_t *to)
{
	uint8_t quants[QUANT_BLOCK];
	bool good = true;
	float range;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 20) {
		float least = least_of(from, &good, &range);
		float scale = range / 15;

		good &= put_scale(to, scale);
		good &= put_scale(to + 2, least);
		above(from, least, reciprocal(scale), quants);
		for (unsigned i = 0; i < QUANT_BLOCK; i++)
			quants[i] = quants[i] < 15 ? quants[i] : 15;
		put_nibbles(to + 4, quants);
	}
	return good;
}

bool bake_quant_encode_q5_1(const float *from, size_t count, uint8_t *to)
{
	uint8_t quants[QUANT_BLOCK];
	bool good = true;
	float range;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 24) {
		float least = least_of(from, &good, &range);
		float scale = range / 31;

		good &= put_scale(to, scale);
		good &= put_scale(to + 2, least);
		above(from, least, reciprocal(scale), quants);
		put_fifths(to + 4, quants);
		put_nibbles(to + 8, quants);
	}
	return good;
}

/* Halves go away from zero. A NaN makes the reference forget the maximum before it: so do we. */
bool bake_quant_encode_q8_0(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (; count; count -= QUANT_BLOCK, from += QUANT_BLOCK, to += 34) {
		float most = 0;
		float scale;
		float inverse;

		for (unsigned i = 0; i < QUANT_BLOCK; i++) {
			good &= !is_nonfinite(from[i]);
			most = most > fabsf(from[i]) ? most : fabsf(from[i]);
		}
		scale = most / 127;
		inverse = reciprocal(scale);
		good &= put_scale(to, scale);
		for (unsigned i = 0; i < QUANT_BLOCK; i++)
			to[2 + i] = rounded_byte(from[i] * inverse);
	}
	return good;
}

bool bake_quant_encode_f32(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		good &= !is_nonfinite(from[i]);
		put_u32(to + 4 * i, bits_of(from[i]));
	}
	return good;
}

bool bake_quant_encode_f16(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (size_t i = 0; i < count; i++)
		good &= put_scale(to + 2 * i, from[i]);
	return good;
}

bool bake_quant_encode_bf16(const float *from, size_t count, uint8_t *to)
{
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		uint16_t half = bf16_of_f32(from[i]);

		put_u16(to + 2 * i, half);
		good &= (half & 0x7f80) != 0x7f80;
	}
	return good;
}
