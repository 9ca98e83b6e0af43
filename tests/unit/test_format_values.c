/* SPDX-License-Identifier: Apache-2.0 */
/* NaN and infinity are found, each in every kind of number, and nothing else is. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "format/values.h"

static const struct number_row {
	const char *name;
	enum bake_dtype dtype;
	size_t len;
	uint8_t bytes[16];
	unsigned nan;
	unsigned inf;
} numbers[] = {
	{"F16 NaN", BAKE_DTYPE_F16, 2, {0x00, 0x7e}, 1, 0},
	{"F16 NaN of the smallest fraction", BAKE_DTYPE_F16, 2, {0x01, 0x7c}, 1, 0},
	{"F16 negative NaN", BAKE_DTYPE_F16, 2, {0xff, 0xff}, 1, 0},
	{"F16 infinity", BAKE_DTYPE_F16, 2, {0x00, 0x7c}, 0, 1},
	{"F16 negative infinity", BAKE_DTYPE_F16, 2, {0x00, 0xfc}, 0, 1},
	{"F16 largest", BAKE_DTYPE_F16, 2, {0xff, 0x7b}, 0, 0},
	{"F16 subnormal", BAKE_DTYPE_F16, 2, {0xff, 0x03}, 0, 0},
	{"F16 minus zero", BAKE_DTYPE_F16, 2, {0x00, 0x80}, 0, 0},
	{"BF16 NaN", BAKE_DTYPE_BF16, 2, {0xc0, 0x7f}, 1, 0},
	{"BF16 NaN of the smallest fraction", BAKE_DTYPE_BF16, 2, {0x81, 0xff}, 1, 0},
	{"BF16 infinity", BAKE_DTYPE_BF16, 2, {0x80, 0x7f}, 0, 1},
	{"BF16 largest", BAKE_DTYPE_BF16, 2, {0x7f, 0x7f}, 0, 0},
	{"BF16 that would be infinite as F16", BAKE_DTYPE_BF16, 2, {0x00, 0x7c}, 0, 0},
	{"F32 NaN", BAKE_DTYPE_F32, 4, {0, 0, 0xc0, 0x7f}, 1, 0},
	{"F32 NaN of the smallest fraction", BAKE_DTYPE_F32, 4, {1, 0, 0x80, 0x7f}, 1, 0},
	{"F32 infinity", BAKE_DTYPE_F32, 4, {0, 0, 0x80, 0xff}, 0, 1},
	{"F32 largest", BAKE_DTYPE_F32, 4, {0xff, 0xff, 0x7f, 0x7f}, 0, 0},
	{"F32 with bytes that look so", BAKE_DTYPE_F32, 4, {0x80, 0x7f, 0x7f, 0x3f}, 0, 0},
	{"F64 NaN", BAKE_DTYPE_F64, 8, {0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, 1, 0},
	{"F64 NaN of the smallest fraction", BAKE_DTYPE_F64, 8, {1, 0, 0, 0, 0, 0, 0xf0, 0x7f}, 1,
		0},
	{"F64 infinity", BAKE_DTYPE_F64, 8, {0, 0, 0, 0, 0, 0, 0xf0, 0xff}, 0, 1},
	{"F64 largest", BAKE_DTYPE_F64, 8, {255, 255, 255, 255, 255, 255, 0xef, 0x7f}, 0, 0},
	{"C64 imaginary NaN", BAKE_DTYPE_C64, 8, {0, 0, 0, 0, 0, 0, 0xc0, 0x7f}, 1, 0},
	{"C64 both", BAKE_DTYPE_C64, 8, {0, 0, 0x80, 0x7f, 0, 0, 0xc0, 0x7f}, 1, 1},
	{"F8_E5M2 NaN", BAKE_DTYPE_F8_E5M2, 1, {0x7d}, 1, 0},
	{"F8_E5M2 negative NaN", BAKE_DTYPE_F8_E5M2, 1, {0xff}, 1, 0},
	{"F8_E5M2 infinity", BAKE_DTYPE_F8_E5M2, 1, {0x7c}, 0, 1},
	{"F8_E5M2 negative infinity", BAKE_DTYPE_F8_E5M2, 1, {0xfc}, 0, 1},
	{"F8_E5M2 largest", BAKE_DTYPE_F8_E5M2, 1, {0x7b}, 0, 0},
	{"F8_E4M3 NaN", BAKE_DTYPE_F8_E4M3, 1, {0x7f}, 1, 0},
	{"F8_E4M3 negative NaN", BAKE_DTYPE_F8_E4M3, 1, {0xff}, 1, 0},
	{"F8_E4M3 has no infinity: 448", BAKE_DTYPE_F8_E4M3, 1, {0x7e}, 0, 0},
	{"F8_E4M3 256", BAKE_DTYPE_F8_E4M3, 1, {0x78}, 0, 0},
	{"F8_E8M0 NaN", BAKE_DTYPE_F8_E8M0, 1, {0xff}, 1, 0},
	{"F8_E8M0 largest", BAKE_DTYPE_F8_E8M0, 1, {0xfe}, 0, 0},
	{"F8_E8M0 one", BAKE_DTYPE_F8_E8M0, 1, {0x7f}, 0, 0},
	{"F8_E4M3FNUZ NaN", BAKE_DTYPE_F8_E4M3FNUZ, 1, {0x80}, 1, 0},
	{"F8_E4M3FNUZ largest", BAKE_DTYPE_F8_E4M3FNUZ, 1, {0x7f}, 0, 0},
	{"F8_E5M2FNUZ NaN", BAKE_DTYPE_F8_E5M2FNUZ, 1, {0x80}, 1, 0},
	{"F8_E5M2FNUZ largest", BAKE_DTYPE_F8_E5M2FNUZ, 1, {0xff}, 0, 0},
};

/* The number stands at each place of tensors of several lengths, in one piece and in two. */
static void try_at(const struct number_row *row, size_t at, size_t count, size_t cut)
{
	struct bake_values values;
	_cleanup_free_ uint8_t *bytes = calloc(count, row->len);

	assert_non_null(bytes);
	memcpy(bytes + at * row->len, row->bytes, row->len);
	assert_true(bake_values_init_dtype(&values, row->dtype));
	assert_int_equal(bake_values_unit(&values), row->len);
	bake_values_scan(&values, bake_span(bytes, cut * row->len));
	bake_values_scan(&values, bake_span(bytes + cut * row->len, (count - cut) * row->len));
	assert_int_equal(values.units, count);
	assert_int_equal(values.nan, row->nan);
	assert_int_equal(values.inf, row->inf);
	assert_int_equal(values.first, row->nan || row->inf ? at : 0);
}

static void try_number(void **state)
{
	static const size_t counts[] = {1, 7, 1023, 1024, 1025, 2048, 5000};
	const struct number_row *row = *state;

	for (size_t i = 0; i < countof(counts); i++) {
		size_t count = counts[i];
		size_t places[] = {0, count / 2, count - 1};

		for (size_t p = 0; p < countof(places); p++) {
			try_at(row, places[p], count, 0);
			try_at(row, places[p], count, count / 3);
		}
	}
}

static const struct block_row {
	const char *name;
	const char *type;
	size_t len;
	size_t at[2]; /* of the scales */
	unsigned scales;
} blocks[] = {
	{"q4_0", "q4_0", 18, {0}, 1},
	{"q4_1", "q4_1", 20, {0, 2}, 2},
	{"q5_0", "q5_0", 22, {0}, 1},
	{"q5_1", "q5_1", 24, {0, 2}, 2},
	{"q8_0", "q8_0", 34, {0}, 1},
	{"q2_K", "q2_K", 84, {80, 82}, 2},
	{"q3_K", "q3_K", 110, {108}, 1},
	{"q4_K", "q4_K", 144, {0, 2}, 2},
	{"q5_K", "q5_K", 176, {0, 2}, 2},
	{"q6_K", "q6_K", 210, {208}, 1},
	{"iq4_xs", "iq4_xs", 136, {0}, 1},
	{"tq1_0", "tq1_0", 54, {52}, 1},
};

/* Quants of all ones are numbers like any other; the scales are not. */
static void try_block(void **state)
{
	static const uint8_t one[] = {0x00, 0x3c};
	static const uint8_t nan[] = {0x00, 0x7e};
	static const uint8_t inf[] = {0x00, 0xfc};
	const struct block_row *row = *state;
	const size_t count = 5;
	struct bake_values values;
	_cleanup_free_ uint8_t *bytes = malloc(count * row->len);

	assert_non_null(bytes);
	memset(bytes, 0xff, count * row->len);
	for (size_t i = 0; i < count * row->scales; i++)
		memcpy(bytes + i / row->scales * row->len + row->at[i % row->scales], one,
			sizeof(one));
	assert_true(bake_values_init_ggml(&values, bake_ggml_type_named(row->type)));
	assert_int_equal(bake_values_unit(&values), row->len);
	bake_values_scan(&values, bake_span(bytes, count * row->len));
	assert_int_equal(values.nan + values.inf, 0);
	assert_int_equal(values.units, count);

	for (unsigned i = 0; i < row->scales; i++) {
		memcpy(bytes + 2 * row->len + row->at[i], nan, sizeof(nan));
		memcpy(bytes + 4 * row->len + row->at[i], inf, sizeof(inf));
	}
	bake_values_scan(&values, bake_span(bytes, row->len));
	bake_values_scan(&values, bake_span(bytes + row->len, (count - 1) * row->len));
	assert_int_equal(values.nan, row->scales);
	assert_int_equal(values.inf, row->scales);
	assert_int_equal(values.first, count + 2);
	assert_int_equal(values.units, 2 * count);
}

static void other_scales(void)
{
	uint8_t bytes[17] = {0xff};
	uint8_t wide[292] = {0, 0, 0xc0, 0x7f};
	struct bake_values values;

	assert_true(bake_values_init_ggml(&values, bake_ggml_type_named("mxfp4")));
	bake_values_scan(&values, bake_span(bytes, sizeof(bytes)));
	assert_int_equal(values.nan, 1);
	assert_true(bake_values_init_ggml(&values, bake_ggml_type_named("q8_K")));
	bake_values_scan(&values, bake_span(wide, sizeof(wide)));
	assert_int_equal(values.nan, 1);
}

/* Types and blocks of the two tables agree, and what holds no such numbers says so. */
static void every_type(void)
{
	struct bake_values values;

	for (uint32_t id = 0; id < 64; id++) {
		const struct bake_ggml_type *type = bake_ggml_type_find(id);
		bool known = type && bake_values_init_ggml(&values, type);

		assert_true(!known || bake_values_unit(&values) == type->block_bytes);
		/* Their scales are packed, or of a kind of their own. */
		if (type && !type->removed && bake_ggml_type_is_quantized(type) && !known)
			assert_true(strcmp(type->name, "iq1_m") == 0 || id >= 40);
	}
	for (unsigned i = BAKE_DTYPE_NONE; i < BAKE_DTYPES; i++) {
		enum bake_dtype dtype = (enum bake_dtype)i;
		bool known = bake_values_init_dtype(&values, dtype);

		/* Those of less than a byte have neither. */
		assert_int_equal(known, bake_dtype_is_float(dtype) && bake_dtype_bits(dtype) >= 8);
	}
}

static void nothing_to_look_for(void)
{
	static const uint8_t bytes[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct bake_values values;

	assert_false(bake_values_init_dtype(&values, BAKE_DTYPE_I32));
	assert_int_equal(bake_values_unit(&values), 1);
	bake_values_scan(&values, bake_span(bytes, sizeof(bytes)));
	assert_int_equal(values.nan + values.inf, 0);
	assert_false(bake_values_init_ggml(&values, bake_ggml_type_named("i32")));
}

/* What hangs over is not read. */
static void a_cut_unit(void)
{
	static const uint8_t cut[] = {0, 0, 0x00, 0x7e, 0xff};
	uint8_t *exact = malloc(sizeof(cut));
	struct bake_values values;

	assert_non_null(exact);
	memcpy(exact, cut, sizeof(cut));
	assert_true(bake_values_init_dtype(&values, BAKE_DTYPE_F16));
	bake_values_scan(&values, bake_span(exact, sizeof(cut)));
	assert_int_equal(values.units, 2);
	assert_int_equal(values.nan, 1);
	assert_int_equal(values.first, 1);
	free(exact);
}

static const struct scenario others[] = {
	{"scales that are no F16", other_scales},
	{"every type", every_type},
	{"nothing to look for", nothing_to_look_for},
	{"a cut unit", a_cut_unit},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(numbers, try_number),
		ROWS(blocks, try_block),
		ROWS(others, play_scenario),
	};

	return run_rows("format/values", tables, countof(tables));
}
