/* SPDX-License-Identifier: Apache-2.0 */
/* float16 and bfloat16, one number at a time, with integers: the same on every machine. */
#ifndef QUANT_HALF_H
#define QUANT_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Exact. A signalling NaN becomes a quiet one, as VCVTPH2PS does it. */
static inline float f16_to_f32(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t rest = half & 0x7fff;

	if (rest >= 0x7c00)
		return float_of(sign | 0x7f800000 | rest << 13 | (rest > 0x7c00 ? 0x400000 : 0));
	if (rest >= 0x0400)
		return float_of(sign | ((rest << 13) + 0x38000000));
	/* Zero and subnormals: so many times 2^-24. */
	return float_of(sign | bits_of((float)rest * 0x1p-24F));
}

/* To nearest, ties to even; 65520 and above become infinite; a NaN loses its payload. */
static inline uint16_t f16_of_f32(float value)
{
	uint32_t bits = bits_of(value);
	uint32_t sign = bits >> 16 & 0x8000;
	uint32_t rest = bits & 0x7fffffff;
	uint32_t half;

	if (rest > 0x7f800000)
		return (uint16_t)(sign | 0x7e00);
	if (rest >= 0x477ff000)
		return (uint16_t)(sign | 0x7c00);
	if (rest >= 0x38800000)
		half = (rest - 0x38000000 + 0xfff + (rest >> 13 & 1)) >> 13;
	else /* 0.5 has its last bit at 2^-24: the addition does the rounding */
		half = bits_of(float_of(rest) + 0.5F) - 0x3f000000;
	return (uint16_t)(sign | half);
}

static inline float bf16_to_f32(uint16_t half)
{
	return float_of((uint32_t)half << 16);
}

/* To nearest, ties to even; what is too large becomes infinite; a NaN becomes a quiet one. */
static inline uint16_t bf16_of_f32(float value)
{
	uint32_t bits = bits_of(value);

	if ((bits & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Little-endian fields, wherever they are. */
static inline uint16_t u16_at(const uint8_t *from)
{
	return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t u32_at(const uint8_t *from)
{
	return u16_at(from) | (uint32_t)u16_at(from + 2) << 16;
}

static inline void put_u16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

static inline void put_u32(uint8_t *to, uint32_t value)
{
	put_u16(to, (uint16_t)value);
	put_u16(to + 2, (uint16_t)(value >> 16));
}

#endif
