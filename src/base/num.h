/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from outside: checked sums and strict parsing. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest file size taken from a document: every JSON reader holds integers below 2^53 exactly. */
#define BAKE_SIZE_MAX ((uint64_t)1 << 53)

/* False, and *out untouched, when the result does not fit. */
static inline bool bake_u64_add(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*out = sum;
	return true;
}

/* The sum, or UINT64_MAX: for totals that are only shown or compared. */
static inline uint64_t bake_u64_add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* The product, or UINT64_MAX: likewise. */
static inline uint64_t bake_u64_mul_capped(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static inline uint64_t bake_u64_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t bake_u64_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* a * b / c rounded down, exact in between; UINT64_MAX when that does not fit or c is 0. */
static inline uint64_t bake_u64_scale(uint64_t a, uint64_t b, uint64_t c)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	if (c == 0 || product / c > UINT64_MAX)
		return UINT64_MAX;
	return (uint64_t)(product / c);
}

/* All of text[0..len) as decimal digits, nothing else: no sign, no blank, at least one digit. */
bool bake_number_parse(const char *text, size_t len, uint64_t *out);

#endif
