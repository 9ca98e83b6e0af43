/* SPDX-License-Identifier: Apache-2.0 */
/* What the names of Nunchaku's files say. */
#include "unit/rows.h"

#include "manifest/nunchaku.h"

static const struct name_row {
	const char *name;
	const char *input;
	const char *precision; /* NULL: not a name of this form */
	uint32_t rank;
	uint32_t steps;
} names[] = {
	{"the header's example", "svdq-int4_r128-qwen-image-edit-lightningv1.0-8steps.safetensors",
		"int4", 128, 8},
	{"four steps", "svdq-int4_r32-qwen-image-edit-lightningv1.0-4steps.safetensors", "int4", 32,
		4},
	{"the plain file", "svdq-fp4_r32-qwen-image-edit.safetensors", "fp4", 32, 0},
	{"a version after the name",
		"svdq-int4_r128-qwen-image-edit-2509-lightning-8steps-251115.safetensors", "int4",
		128, 8},
	{"in directories", "a/b/svdq-int4_r128-x-8steps.safetensors", "int4", 128, 8},
	{"steps in a directory do not count", "4steps/svdq-int4_r32-x.safetensors", "int4", 32, 0},
	{"greatest rank", "svdq-int4_r9999-x.safetensors", "int4", 9999, 0},
	{"the last number of steps counts", "svdq-int4_r32-x-4steps-8steps.safetensors", "int4", 32,
		8},
	{"a number that is not of steps", "svdq-int4_r32-flux.1-2509.safetensors", "int4", 32, 0},
	{"longest precision", "svdq-123456789012345_r1-x.safetensors", "123456789012345", 1, 0},

	{"empty", "", NULL, 0, 0},
	{"another file", "model.safetensors", NULL, 0, 0},
	{"another suffix", "svdq-int4_r32-x.gguf", NULL, 0, 0},
	{"not in front", "xsvdq-int4_r32-x.safetensors", NULL, 0, 0},
	{"no precision", "svdq-_r32-x.safetensors", NULL, 0, 0},
	{"precision too long", "svdq-1234567890123456_r1-x.safetensors", NULL, 0, 0},
	{"no rank", "svdq-int4-x.safetensors", NULL, 0, 0},
	{"rank without digits", "svdq-int4_r-x.safetensors", NULL, 0, 0},
	{"rank of five digits", "svdq-int4_r12345-x.safetensors", NULL, 0, 0},
	{"rank and a letter", "svdq-int4_r32x-x.safetensors", NULL, 0, 0},
	{"nothing behind the rank", "svdq-int4_r32.safetensors", NULL, 0, 0},
	{"the form as a directory", "svdq-int4_r32-x.safetensors/config.json", NULL, 0, 0},
	{"prefix alone", "svdq-", NULL, 0, 0},
	{"suffix alone", ".safetensors", NULL, 0, 0},
};

static void try_name(void **state)
{
	const struct name_row *row = *state;
	struct bake_nunchaku_name got = {"before", 42, 43};

	assert_int_equal(bake_nunchaku_parse(row->input, &got), row->precision != NULL);
	assert_string_equal(got.precision, row->precision ? row->precision : "before");
	assert_int_equal(got.rank, row->precision ? row->rank : 42);
	assert_int_equal(got.steps, row->precision ? row->steps : 43);
}

int main(void)
{
	static const struct rows tables[] = {ROWS(names, try_name)};

	return run_rows("manifest/nunchaku", tables, countof(tables));
}
