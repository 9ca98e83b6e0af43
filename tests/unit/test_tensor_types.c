/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of element types, and the bytes that tensors of them take. */
#include "unit/rows.h"

#include <string.h>

#include "tensor/dtype.h"
#include "tensor/ggml_type.h"

static const struct ggml_row {
	const char *name;
	uint32_t id;
	uint64_t row, elements;
	bool good;
	uint64_t bytes;
} ggmls[] = {
	{"f32", 0, 3, 9, true, 36},
	{"f32 scalar", 0, 1, 1, true, 4},
	{"f32 of nothing", 0, 0, 0, true, 0},
	{"q4_0", 2, 32, 64, true, 36},
	{"q4_0 of nothing", 2, 32, 0, true, 0},
	{"q4_0 of a row too short", 2, 16, 64, false, 0},
	{"q4_0 of a row too long", 2, 48, 96, false, 0},
	{"q4_0 scalar", 2, 1, 1, false, 0},
	{"q8_0", 8, 64, 640, true, 680},
	{"q4_K", 12, 256, 512, true, 288},
	{"q4_K of half a block", 12, 128, 256, false, 0},
	{"mxfp4", 39, 32, 32, true, 17},
	{"q1_0", 41, 128, 256, true, 36},
	{"bf16", 30, 7, 7, true, 14},
	{"removed", 4, 32, 32, false, 0},
	{"i64 just not", 27, 1, ((uint64_t)1 << 61) - 1, true, UINT64_MAX - 7},
	{"i64 overflow", 27, 1, (uint64_t)1 << 61, false, 0},
	{"f32 overflow", 0, 1, UINT64_MAX, false, 0},
};

static void try_ggml(void **state)
{
	const struct ggml_row *row = *state;
	const struct bake_ggml_type *type = bake_ggml_type_find(row->id);
	uint64_t bytes = 0;

	assert_non_null(type);
	assert_int_equal(type->id, row->id);
	assert_int_equal(bake_ggml_type_bytes(type, row->row, row->elements, &bytes), row->good);
	assert_true(bytes == row->bytes);
}

/* Every id is in its place, has a size or is removed, and is found by its name in any case. */
static void ggml_table(void)
{
	const struct bake_ggml_type *type;
	uint32_t id = 0;
	unsigned removed = 0;

	for (; (type = bake_ggml_type_find(id)); id++) {
		assert_int_equal(type->id, id);
		assert_int_equal(type->removed, type->block == 0);
		assert_int_equal(type->removed, type->block_bytes == 0);
		removed += type->removed;
		if (type->removed)
			assert_null(bake_ggml_type_named(type->name));
		else
			assert_ptr_equal(bake_ggml_type_named(type->name), type);
	}
	assert_int_equal(id, 43);
	assert_int_equal(removed, 8);
	assert_null(bake_ggml_type_find(UINT32_MAX));
	assert_int_equal(bake_ggml_type_named("Q4_k")->id, 12);
	assert_null(bake_ggml_type_named(""));
	assert_null(bake_ggml_type_named("q4"));
	assert_true(bake_ggml_type_is_quantized(bake_ggml_type_find(2)));
	assert_false(bake_ggml_type_is_quantized(bake_ggml_type_find(30)));
}

static const struct file_type_row {
	const char *name; /* the label, or "-" */
	uint64_t number;
} file_types[] = {
	{"F32", 0},
	{"Q4_0", 2},
	{"-", 4},
	{"Q8_0", 7},
	{"Q3_K_S", 11},
	{"Q4_K_M", 15},
	{"Q4_K_M", 15 + 1024},
	{"IQ4_NL", 25},
	{"BF16", 32},
	{"-", 33},
	{"-", 35},
	{"MXFP4_MOE", 38},
	{"Q2_0", 41},
	{"-", 42},
	{"-", UINT64_MAX},
};

static void try_file_type(void **state)
{
	const struct file_type_row *row = *state;
	const char *label = bake_gguf_file_type_label(row->number);

	assert_string_equal(label ? label : "-", row->name);
}

static const struct dtype_row {
	const char *name;
	unsigned bits;
	bool is_float;
} dtypes[] = {
	{"BOOL", 8, false},
	{"F4", 4, true},
	{"F6_E2M3", 6, true},
	{"F6_E3M2", 6, true},
	{"U8", 8, false},
	{"I8", 8, false},
	{"F8_E5M2", 8, true},
	{"F8_E4M3", 8, true},
	{"F8_E8M0", 8, true},
	{"F8_E4M3FNUZ", 8, true},
	{"F8_E5M2FNUZ", 8, true},
	{"I16", 16, false},
	{"U16", 16, false},
	{"F16", 16, true},
	{"BF16", 16, true},
	{"I32", 32, false},
	{"U32", 32, false},
	{"F32", 32, true},
	{"C64", 64, true},
	{"F64", 64, true},
	{"I64", 64, false},
	{"U64", 64, false},
};

static void try_dtype(void **state)
{
	const struct dtype_row *row = *state;
	enum bake_dtype dtype = bake_dtype_find(row->name, strlen(row->name));
	uint64_t bytes = 1;

	assert_int_not_equal(dtype, BAKE_DTYPE_NONE);
	assert_int_equal((size_t)dtype, row - dtypes + 1); /* the order of the reference */
	assert_string_equal(bake_dtype_name(dtype), row->name);
	assert_int_equal(bake_dtype_bits(dtype), row->bits);
	assert_int_equal(bake_dtype_is_float(dtype), row->is_float);
	assert_true(bake_dtype_bytes(dtype, 8, &bytes) && bytes == row->bits);
	assert_true(bake_dtype_bytes(dtype, 0, &bytes) && bytes == 0);
	assert_int_equal(bake_dtype_bytes(dtype, 1, &bytes), row->bits % 8 == 0);
	assert_false(bake_dtype_bytes(dtype, UINT64_MAX, &bytes));
	assert_int_equal(bake_dtype_find(row->name, strlen(row->name) - 1) == dtype, false);
}

static void no_dtype(void)
{
	assert_int_equal(bake_dtype_find("", 0), BAKE_DTYPE_NONE);
	assert_int_equal(bake_dtype_find("f32", 3), BAKE_DTYPE_NONE);
	assert_int_equal(bake_dtype_find("F32 ", 4), BAKE_DTYPE_NONE);
	assert_int_equal(bake_dtype_find("F128", 4), BAKE_DTYPE_NONE);
	assert_int_equal(countof(dtypes) + 1, BAKE_DTYPES);
}

static const struct scenario others[] = {
	{"ggml table", ggml_table},
	{"no dtype", no_dtype},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(ggmls, try_ggml),
		ROWS(file_types, try_file_type),
		ROWS(dtypes, try_dtype),
		ROWS(others, play_scenario),
	};

	return run_rows("tensor/types", tables, countof(tables));
}
