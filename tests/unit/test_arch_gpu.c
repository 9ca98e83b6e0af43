/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs by compute capability, and what Nunchaku runs on them. */
#include "unit/rows.h"

#include <stdbool.h>
#include <string.h>

#include "arch/gpu.h"

static const struct parse_row {
	const char *name;
	const char *text;
	uint32_t major; /* 0: refused */
	uint32_t minor;
} parses[] = {
	{"as nvcc has it", "sm_89", 8, 9},
	{"upper case", "SM_89", 8, 9},
	{"virtual", "compute_75", 7, 5},
	{"as nvidia-smi has it", "8.9", 8, 9},
	{"digits", "89", 8, 9},
	{"three digits", "120", 12, 0},
	{"two digits and one", "12.1", 12, 1},
	{"variant of an architecture", "sm_90a", 9, 0},
	{"variant of a family", "sm_120f", 12, 0},
	{"empty", "", 0, 0},
	{"prefix only", "sm_", 0, 0},
	{"one digit", "8", 0, 0},
	{"prefix and one digit", "sm_8", 0, 0},
	{"prefix and suffix only", "sm_a", 0, 0},
	{"dot only", ".", 0, 0},
	{"nothing before the dot", ".9", 0, 0},
	{"nothing behind the dot", "8.", 0, 0},
	{"two digits behind the dot", "8.90", 0, 0},
	{"two dots", "8..9", 0, 0},
	{"prefix and dot", "sm_8.9", 0, 0},
	{"suffix without prefix", "90a", 0, 0},
	{"major 0", "09", 0, 0},
	{"four digits", "4090", 0, 0},
	{"long", "99999999999999999999999", 0, 0},
	{"negative", "-89", 0, 0},
	{"blank", "8 9", 0, 0},
	{"product", "RTX 4090", 0, 0},
};

static void try_parse(void **state)
{
	const struct parse_row *row = *state;
	struct bake_gpu gpu = {77, 77};
	bool parsed = bake_gpu_parse(row->text, &gpu);

	assert_int_equal(parsed, row->major > 0);
	assert_int_equal(gpu.major, parsed ? row->major : 77);
	assert_int_equal(gpu.minor, parsed ? row->minor : 77);
}

static const struct judge_row {
	const char *name;
	const char *gpu;
	const char *precision;
	enum bake_gpu_verdict verdict;
	const char *needs;
	const char *reason;
} judgements[] = {
	{"Turing, int4", "sm_75", "int4", BAKE_GPU_RUNS, "int4", "sm_75 runs int4"},
	{"A100, int4", "sm_80", "int4", BAKE_GPU_RUNS, "int4", "sm_80 runs int4"},
	{"Ampere, int4", "sm_86", "int4", BAKE_GPU_RUNS, "int4", "sm_86 runs int4"},
	{"Ada, int4", "sm_89", "int4", BAKE_GPU_RUNS, "int4", "sm_89 runs int4"},
	{"Ada, fp4", "sm_89", "fp4", BAKE_GPU_OTHER_PRECISION, "int4",
		"sm_89 needs int4, this is fp4"},
	{"Blackwell, fp4", "sm_120", "fp4", BAKE_GPU_RUNS, "fp4", "sm_120 runs fp4"},
	{"Blackwell 12.1, fp4", "12.1", "fp4", BAKE_GPU_RUNS, "fp4", "sm_121 runs fp4"},
	{"Blackwell, int4", "sm_120", "int4", BAKE_GPU_OTHER_PRECISION, "fp4",
		"sm_120 needs fp4, this is int4"},
	{"Hopper", "sm_90", "int4", BAKE_GPU_UNSUPPORTED, NULL, "Nunchaku does not support sm_90"},
	{"Volta", "sm_70", "int4", BAKE_GPU_UNSUPPORTED, NULL, "Nunchaku does not support sm_70"},
	{"Blackwell of data centres", "sm_100", "fp4", BAKE_GPU_UNSUPPORTED, NULL,
		"Nunchaku does not support sm_100"},
	{"precision not known", "sm_89", NULL, BAKE_GPU_UNKNOWN, "int4",
		"sm_89 needs int4, and the file does not say what it is"},
	{"unsupported, precision not known", "sm_90", NULL, BAKE_GPU_UNSUPPORTED, NULL,
		"Nunchaku does not support sm_90"},
	{"hostile precision", "sm_89",
		"\x1b[31m\xff\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
		BAKE_GPU_OTHER_PRECISION, "int4",
		"sm_89 needs int4, this is \\x1b[31m\\xff\\x0a\\x0a\\x0a"},
};

static void try_judge(void **state)
{
	const struct judge_row *row = *state;
	struct bake_gpu gpu;
	struct bake_gpu_answer answer;

	assert_true(bake_gpu_parse(row->gpu, &gpu));
	bake_gpu_judge_nunchaku(gpu, row->precision, &answer);
	assert_int_equal(answer.verdict, row->verdict);
	if (row->needs)
		assert_string_equal(answer.precision, row->needs);
	else
		assert_null(answer.precision);
	assert_string_equal(answer.reason, row->reason);
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(parses, try_parse),
		ROWS(judgements, try_judge),
	};

	return run_rows("arch_gpu", tables, countof(tables));
}
