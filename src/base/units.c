/* SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"

__extension__ typedef unsigned __int128 wide;

static const struct {
	const char *suffix;
	uint64_t factor;
} suffixes[] = {
	{"", 1},
	{"b", 1},
	{"k", 1000U},
	{"kb", 1000U},
	{"m", 1000000U},
	{"mb", 1000000U},
	{"g", 1000000000U},
	{"gb", 1000000000U},
	{"t", 1000000000000U},
	{"tb", 1000000000000U},
	{"ki", 1U << 10},
	{"kib", 1U << 10},
	{"mi", 1U << 20},
	{"mib", 1U << 20},
	{"gi", 1U << 30},
	{"gib", 1U << 30},
	{"ti", (uint64_t)1 << 40},
	{"tib", (uint64_t)1 << 40},
};

/* The factor of a suffix, 0 when there is none of that name. */
static uint64_t factor_of(const char *suffix)
{
	while (*suffix == ' ')
		suffix++;
	for (size_t i = 0; i < countof(suffixes); i++) {
		if (strcasecmp(suffix, suffixes[i].suffix) == 0)
			return suffixes[i].factor;
	}
	return 0;
}

/* digits after the point, as a share of factor, rounded down; at most nine of them. */
static bool fraction(const char *digits, size_t len, uint64_t factor, uint64_t *out)
{
	uint64_t value;
	uint64_t scale = 1;

	if (len > 9 || !bake_number_parse(digits, len, &value))
		return false;
	for (size_t i = 0; i < len; i++)
		scale *= 10;
	*out = (uint64_t)((wide)value * factor / scale);
	return true;
}

bool bake_bytes_parse(const char *text, uint64_t *out)
{
	size_t whole_len = strspn(text, "0123456789");
	size_t point = text[whole_len] == '.' ? 1 : 0;
	size_t part_len = point ? strspn(text + whole_len + 1, "0123456789") : 0;
	uint64_t factor = factor_of(text + whole_len + point + part_len);
	uint64_t whole;
	uint64_t part = 0;

	if (!factor || !bake_number_parse(text, whole_len, &whole))
		return false;
	if (point && !fraction(text + whole_len + 1, part_len, factor, &part))
		return false;
	if (__builtin_mul_overflow(whole, factor, &whole))
		return false;
	return bake_u64_add(whole, part, out);
}

/* value, below 1000, with so many decimals (1 or 2), as printf rounds it. */
static void format_value(double value, unsigned decimals, const char *unit, char *text)
{
	const unsigned scale = decimals == 1 ? 10 : 100;
	const double scaled = value * scale;
	const unsigned nearest = (unsigned)(scaled + 0.5);
	const double off = scaled - nearest;
	unsigned rest = nearest / scale;
	char digits[BAKE_UNITS_TEXT];
	size_t at = sizeof(digits);

	/* In the middle of two it takes the exact value to tell where to go. */
	if (off > 0.4999 || off < -0.4999) {
		(void)snprintf(text, BAKE_UNITS_TEXT, "%.*f %s", (int)decimals, value, unit);
		return;
	}
	for (unsigned part = nearest % scale, i = 0; i < decimals; i++, part /= 10)
		digits[--at] = (char)('0' + part % 10);
	digits[--at] = '.';
	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	memcpy(text, digits + at, sizeof(digits) - at);
	text += sizeof(digits) - at;
	*text++ = ' ';
	memcpy(text, unit, strlen(unit) + 1);
}

const char *bake_bytes_format(uint64_t bytes, char text[BAKE_UNITS_TEXT])
{
	static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		(void)snprintf(
			text, BAKE_UNITS_TEXT, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
		return text;
	}
	value /= 1000;
	while (value >= 999.95 && unit + 1 < countof(names)) {
		value /= 1000;
		unit++;
	}
	format_value(value, value < 10 ? 2 : 1, names[unit], text);
	return text;
}

const char *bake_duration_format(uint64_t ms, char text[BAKE_UNITS_TEXT])
{
	uint64_t s = ms / 1000;

	if (s < 60)
		(void)snprintf(text, BAKE_UNITS_TEXT, "%" PRIu64 "s", s);
	else if (s < 3600)
		(void)snprintf(
			text, BAKE_UNITS_TEXT, "%" PRIu64 "m %02" PRIu64 "s", s / 60, s % 60);
	else
		(void)snprintf(text, BAKE_UNITS_TEXT, "%" PRIu64 "h %02" PRIu64 "m", s / 3600,
			s % 3600 / 60);
	return text;
}
