/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fold.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	ACCENTED_MAX = 12
};

/* Upper-case letters. step 1: each one of the range, step 2: every other one. */
static const struct {
	uint32_t first;
	uint32_t last;
	uint32_t step;
	int32_t to_lower;
} cases[] = {
	{'A', 'Z', 1, 32}, {0x00c0, 0x00d6, 1, 32}, {0x00d8, 0x00de, 1, 32}, {0x0100, 0x012e, 2, 1},
	{0x0132, 0x0136, 2, 1}, {0x0139, 0x0147, 2, 1}, {0x014a, 0x0176, 2, 1},
	{0x0178, 0x0178, 1, 0xff - 0x178}, {0x0179, 0x017d, 2, 1}, {0x017f, 0x017f, 1, 's' - 0x17f},
	{0x0391, 0x03a9, 1, 32}, {0x0400, 0x040f, 1, 80}, {0x0410, 0x042f, 1, 32},
	{0x1e00, 0x1e94, 2, 1}, {0x1ea0, 0x1efe, 2, 1},
	{0x2126, 0x2126, 1, 0x3c9 - 0x2126}, /* ohm */
	{0x212a, 0x212a, 1, 'k' - 0x212a},   /* kelvin */
	{0x212b, 0x212b, 1, 0xe5 - 0x212b},  /* angstrom */
};

/* Letters with an accent, by accent: the bare letters, and the whole ones in the same order. */
static const struct {
	uint16_t accent;
	const char *letters;
	uint16_t whole[ACCENTED_MAX];
} accents[] = {
	{0x0300, "aeiou", {0x0e0, 0x0e8, 0x0ec, 0x0f2, 0x0f9}},
	{0x0301, "aeiouyclnrsz",
		{0x0e1, 0x0e9, 0x0ed, 0x0f3, 0x0fa, 0x0fd, 0x107, 0x13a, 0x144, 0x155, 0x15b,
			0x17a}},
	{0x0302, "aeioucghjswy",
		{0x0e2, 0x0ea, 0x0ee, 0x0f4, 0x0fb, 0x109, 0x11d, 0x125, 0x135, 0x15d, 0x175,
			0x177}},
	{0x0303, "anoiu", {0x0e3, 0x0f1, 0x0f5, 0x129, 0x169}},
	{0x0304, "aeiou", {0x101, 0x113, 0x12b, 0x14d, 0x16b}},
	{0x0306, "aegiou", {0x103, 0x115, 0x11f, 0x12d, 0x14f, 0x16d}},
	{0x0307, "cegizi", {0x10b, 0x117, 0x121, 0x130, 0x17c, 0x130}},
	{0x0308, "aeiouy", {0x0e4, 0x0eb, 0x0ef, 0x0f6, 0x0fc, 0x0ff}},
	{0x030a, "au", {0x0e5, 0x16f}},
	{0x030b, "ou", {0x151, 0x171}},
	{0x030c, "cdelnrstz", {0x10d, 0x10f, 0x11b, 0x13e, 0x148, 0x159, 0x161, 0x165, 0x17e}},
	{0x0327, "cgklnrst", {0x0e7, 0x123, 0x137, 0x13c, 0x146, 0x157, 0x15f, 0x163}},
	{0x0328, "aeiu", {0x105, 0x119, 0x12f, 0x173}},
};

/* The code point at text, whose length in bytes is *out_len. */
static uint32_t decode(const char *text, size_t *out_len)
{
	unsigned char first = (unsigned char)text[0];
	size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t code = len == 1 ? first : first & (0x7fU >> len);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3fU);
	*out_len = len;
	return code;
}

static uint32_t lower(uint32_t code)
{
	for (size_t i = 0; i < countof(cases); i++) {
		if (code >= cases[i].first && code <= cases[i].last &&
			(code - cases[i].first) % cases[i].step == 0)
			return (uint32_t)((int32_t)code + cases[i].to_lower);
	}
	return code;
}

/* Whether the code point is a letter with an accent; then what it is made of. */
static bool take_apart(uint32_t code, uint32_t *out_letter, uint32_t *out_accent)
{
	for (size_t i = 0; i < countof(accents); i++) {
		for (size_t k = 0; accents[i].letters[k]; k++) {
			if (accents[i].whole[k] != code)
				continue;
			*out_letter = (unsigned char)accents[i].letters[k];
			*out_accent = accents[i].accent;
			return true;
		}
	}
	return false;
}

uint32_t bake_fold_next(struct bake_fold *fold)
{
	uint32_t code = fold->pending;
	uint32_t letter;
	size_t len;

	if (code) {
		fold->pending = 0;
		return code;
	}
	if (*fold->at == '\0')
		return 0;
	if ((unsigned char)*fold->at < 0x80) /* nearly all there is: no table is looked at */
		return (unsigned char)bake_fold_ascii(*fold->at++);
	code = lower(decode(fold->at, &len));
	fold->at += len;
	return take_apart(code, &letter, &fold->pending) ? letter : code;
}
