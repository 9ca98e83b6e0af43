/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and sizes: strict in, readable out. */
#include "unit/random.h"
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/units.h"

static const struct number_row {
	const char *name;
	const char *input;
	bool good;
	uint64_t want;
} numbers[] = {
	{"zero", "0", true, 0},
	{"leading zeros", "007", true, 7},
	{"greatest", "18446744073709551615", true, UINT64_MAX},
	{"one too great", "18446744073709551616", false, 0},
	{"ten times too great", "184467440737095516150", false, 0},
	{"far too great", "99999999999999999999999999999999", false, 0},
	{"greatest behind zeros", "00000000000000000000018446744073709551615", true, UINT64_MAX},
	{"empty", "", false, 0},
	{"minus", "-1", false, 0},
	{"plus", "+1", false, 0},
	{"leading blank", " 1", false, 0},
	{"trailing blank", "1 ", false, 0},
	{"hexadecimal", "0x10", false, 0},
	{"fraction", "1.0", false, 0},
	{"exponent", "1e3", false, 0},
	{"separator", "1,000", false, 0},
	{"arabic digits", "\xd9\xa1", false, 0},
};

static void try_number(void **state)
{
	const struct number_row *row = *state;
	uint64_t got = 42;

	assert_int_equal(bake_number_parse(row->input, strlen(row->input), &got), row->good);
	assert_int_equal(got, row->good ? row->want : 42);
}

static void number_takes_what_len_says(void)
{
	uint64_t got = 0;

	assert_true(bake_number_parse("123", 2, &got));
	assert_int_equal(got, 12);
	assert_false(bake_number_parse("1\0", 2, &got));
}

static void sums_are_checked(void)
{
	uint64_t sum = 42;

	assert_true(bake_u64_add(1, 2, &sum));
	assert_int_equal(sum, 3);
	assert_true(bake_u64_add(UINT64_MAX, 0, &sum));
	assert_int_equal(sum, UINT64_MAX);
	assert_false(bake_u64_add(UINT64_MAX, 1, &sum));
	assert_int_equal(sum, UINT64_MAX);
	assert_int_equal(bake_u64_add_capped(UINT64_MAX, UINT64_MAX), UINT64_MAX);
	assert_int_equal(bake_u64_add_capped(2, 3), 5);
	assert_int_equal(bake_u64_min(2, 3), 2);
	assert_int_equal(bake_u64_max(2, 3), 3);
}

static void scaling_is_exact_in_between(void)
{
	assert_int_equal(bake_u64_scale(7, 3, 2), 10);
	assert_int_equal(bake_u64_scale(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
	assert_int_equal(bake_u64_scale(UINT64_MAX, 2, 4), UINT64_MAX / 2);
	assert_int_equal(bake_u64_scale(UINT64_MAX, 3, 2), UINT64_MAX);
	assert_int_equal(bake_u64_scale(1, 1, 0), UINT64_MAX);
	assert_int_equal(bake_u64_scale(0, 5, 7), 0);
}

static const struct size_row {
	const char *name;
	const char *input;
	bool good;
	uint64_t want;
} sizes[] = {
	{"bytes", "4096", true, 4096},
	{"bytes with their unit", "4096B", true, 4096},
	{"zero", "0", true, 0},
	{"K", "1K", true, 1000},
	{"kB", "1kB", true, 1000},
	{"MB", "10MB", true, 10000000},
	{"G", "3G", true, 3000000000},
	{"TB", "2TB", true, 2000000000000},
	{"Ki", "1Ki", true, 1024},
	{"KiB", "1KiB", true, 1024},
	{"MiB behind a blank", "10 MiB", true, 10485760},
	{"Gi", "2Gi", true, 2147483648},
	{"TiB", "1TiB", true, 1099511627776},
	{"any case", "1gIb", true, 1073741824},
	{"fraction", "1.5G", true, 1500000000},
	{"fraction of a binary unit", "0.5KiB", true, 512},
	{"fraction rounds down", "1.0009k", true, 1000},
	{"nine digits behind the point", "1.123456789G", true, 1123456789},
	{"ten digits behind the point", "1.1234567890G", false, 0},
	{"point without digits", "1.G", false, 0},
	{"point without a number", ".5G", false, 0},
	{"two points", "1.5.5G", false, 0},
	{"greatest", "18446744073709551615", true, UINT64_MAX},
	{"one too great", "18446744073709551616", false, 0},
	{"product too great", "18446745T", false, 0},
	{"binary product too great", "16777216TiB", false, 0},
	{"greatest with a fraction", "16777215.999999999TiB", true, 18446744073709550516U},
	{"sum too great", "18446744.9T", false, 0},
	{"empty", "", false, 0},
	{"unit alone", "GB", false, 0},
	{"blank alone", " ", false, 0},
	{"minus", "-1GB", false, 0},
	{"plus", "+1GB", false, 0},
	{"leading blank", " 1GB", false, 0},
	{"unknown unit", "1X", false, 0},
	{"exabytes", "1EB", false, 0},
	{"bits are no bytes", "1Gbit", false, 0},
	{"unit twice", "1GBGB", false, 0},
	{"number behind the unit", "1G1", false, 0},
	{"rate", "1MB/s", false, 0},
	{"exponent", "1e9", false, 0},
	{"hexadecimal", "0x10", false, 0},
	{"infinity", "inf", false, 0},
	{"comma", "1,5G", false, 0},
};

static void try_size(void **state)
{
	const struct size_row *row = *state;
	uint64_t got = 42;

	assert_int_equal(bake_bytes_parse(row->input, &got), row->good);
	assert_int_equal(got, row->good ? row->want : 42);
}

static const struct text_row {
	const char *name;
	uint64_t value;
	const char *want;
} byte_texts[] = {
	{"none", 0, "0 bytes"},
	{"one", 1, "1 byte"},
	{"the header's example", 443, "443 bytes"},
	{"last without a unit", 999, "999 bytes"},
	{"first with one", 1000, "1.00 kB"},
	{"two places", 1234, "1.23 kB"},
	{"one place from ten on", 57700000000, "57.7 GB"},
	{"hundreds", 999900, "999.9 kB"},
	{"not a thousand kB", 999950, "1.00 MB"},
	{"a million", 1000000, "1.00 MB"},
	{"a billion", 1000000000, "1.00 GB"},
	{"a trillion", 1000000000000, "1.00 TB"},
	{"petabytes", 1000000000000000, "1.00 PB"},
	{"all there is", UINT64_MAX, "18.4 EB"},
};

static void try_byte_text(void **state)
{
	const struct text_row *row = *state;

	assert_string_equal(BAKE_BYTES(row->value), row->want);
}

/* How a size is written, by printf alone. */
static void print_bytes(uint64_t bytes, char text[BAKE_UNITS_TEXT])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes / 1000;
	size_t unit = 0;

	for (; value >= 999.95; unit++)
		value /= 1000;
	(void)snprintf(
		text, BAKE_UNITS_TEXT, value < 10 ? "%.2f %s" : "%.1f %s", value, units[unit]);
}

static void check_bytes(uint64_t bytes)
{
	char want[BAKE_UNITS_TEXT];

	print_bytes(bytes, want);
	assert_string_equal(BAKE_BYTES(bytes), want);
}

/* Also what lies in the middle of two, and right beside it. */
static void sizes_are_rounded_as_by_printf(void)
{
	random_state = 20261128;
	for (uint64_t bytes = 1000; bytes < 1100000; bytes++)
		check_bytes(bytes);
	for (uint64_t unit = 1000000; unit <= 1000000000000000; unit *= 1000) {
		for (uint64_t i = 0; i < 20000; i++) {
			const uint64_t middle = i * (unit / 200) + unit;

			check_bytes(middle - 1);
			check_bytes(middle);
			check_bytes(middle + 1);
			check_bytes(unit + random_below(unit * 999));
		}
	}
	check_bytes(UINT64_MAX);
}

static const struct text_row durations[] = {
	{"nothing", 0, "0s"},
	{"less than a second", 999, "0s"},
	{"seconds", 45000, "45s"},
	{"last without minutes", 59999, "59s"},
	{"a minute", 60000, "1m 00s"},
	{"minutes", 200000, "3m 20s"},
	{"last without hours", 3599999, "59m 59s"},
	{"an hour", 3600000, "1h 00m"},
	{"hours", 3720000, "1h 02m"},
	{"a week", 604800000, "168h 00m"},
	{"all there is", UINT64_MAX, "5124095576030h 25m"},
};

static void try_duration(void **state)
{
	const struct text_row *row = *state;

	assert_string_equal(BAKE_DURATION(row->value), row->want);
}

static const struct scenario others[] = {
	{"sizes are rounded as by printf", sizes_are_rounded_as_by_printf},
	{"number: len decides", number_takes_what_len_says},
	{"sums are checked", sums_are_checked},
	{"scaling is exact in between", scaling_is_exact_in_between},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(numbers, try_number),
		ROWS(sizes, try_size),
		ROWS(byte_texts, try_byte_text),
		ROWS(durations, try_duration),
		ROWS(others, play_scenario),
	};

	return run_rows("base/numbers", tables, countof(tables));
}
