/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime can begin with: the guide's rules on the guide's own examples. */
#include "unit/rows.h"

#include <stdbool.h>
#include <string.h>

#include "arch/hints.h"
#include "base/buf.h"
#include "json/writer.h"

#define GIB ((uint64_t)1 << 30)

static void free_arch(struct bake_arch **arch)
{
	bake_arch_free(arch);
}

static struct bake_arch *make(uint64_t context_length)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_arch *arch = NULL;

	assert_int_equal(bake_arch_new(&arch, &err), BAKE_OK);
	assert_int_equal(
		bake_arch_set_u64(arch, BAKE_ARCH_VOCAB_SIZE, 32000, "test", &err), BAKE_OK);
	if (context_length > 0)
		assert_int_equal(bake_arch_set_u64(arch, BAKE_ARCH_CONTEXT_LENGTH, context_length,
					 "gguf:m.gguf:llama.context_length", &err),
			BAKE_OK);
	return arch;
}

/* The sizes are those of the published files. */
static const struct hint_row {
	const char *name;
	uint64_t bytes;
	const char *label;
	uint64_t limit; /* the model's own context, 0: not known */
	uint64_t context;
	uint64_t ram;
	uint32_t threads;
	bool fits_budget;
	bool fits_mid;
} hints[] = {
	{"the guide's budget device: Phi-3 mini", 2393231072, "Q4_K_M", 4096, 2048, 2692384956, 4,
		true, true},
	{"the guide's mid-range device: Llama 2 7B", 4081004224, "Q4_K_M", 4096, 4096, 4591129752,
		4, false, true},
	{"the guide's high-end device: Llama 2 13B", 7865956224, "Q4_K_M", 4096, 4096, 8849200752,
		6, false, false},
	{"a long context, high end", 7865956224, "Q4_K_M", 131072, 8192, 8849200752, 6, false,
		false},
	{"a model shorter than every tier", 2393231072, "Q4_K_M", 512, 512, 2692384956, 4, true,
		true},
	{"a limit that is not known", 2393231072, "Q4_K_M", 0, 2048, 2692384956, 4, true, true},
	{"FP16", 13 * GIB, "F16", 4096, 4096, 13 * GIB, 8, false, false},
	{"Q8_0", 55 * GIB, "Q8_0", 4096, 4096, 60 * GIB, 8, false, false},
	{"Q2_K", 25 * GIB, "Q2_K", 4096, 4096, 30 * GIB, 8, false, false},
	{"no row: the weights alone", 3 * GIB, "Q6_K", 4096, 2048, 3 * GIB, 4, true, true},
	{"no label", 3 * GIB, NULL, 4096, 2048, 3 * GIB, 4, true, true},
	{"exactly the tier", 4 * GIB, NULL, 4096, 2048, 4 * GIB, 4, true, true},
	{"a byte more than the tier", 4 * GIB + 1, NULL, 4096, 4096, 4 * GIB + 1, 6, false, true},
	{"weights that are not known", 0, "Q4_K_M", 4096, 2048, 0, 0, true, true},
	{"absurd weights", UINT64_MAX, "Q2_K", 4096, 4096, UINT64_MAX, 8, false, false},
};

static void try_hints(void **state)
{
	const struct hint_row *row = *state;
	_cleanup_(free_arch) struct bake_arch *arch = make(row->limit);
	struct bake_hints out;

	bake_hints_make(arch, row->bytes, row->label, &out);
	assert_true(out.is_language_model);
	assert_int_equal(out.context_length, row->context);
	assert_int_equal(out.min_ram_bytes, row->ram);
	assert_int_equal(out.threads.max, row->threads);
	assert_int_equal(out.tiers[BAKE_TIER_BUDGET].fits, row->fits_budget);
	assert_int_equal(out.tiers[BAKE_TIER_MID].fits, row->fits_mid);
	assert_true(out.tiers[BAKE_TIER_HIGH].fits);
}

static const struct tradeoff_row {
	const char *name;
	const char *label;
	const char *row;
	uint32_t size;
	uint32_t ram;
	uint32_t quality;
	uint32_t speed;
} tradeoffs[] = {
	{"F16", "F16", "FP16", 100, 100, 100, 100},
	{"BF16", "BF16", "FP16", 100, 100, 100, 100},
	{"fp16 in lower case", "fp16", "FP16", 100, 100, 100, 100},
	{"Q8_0", "Q8_0", "Q8_0", 55, 60, 98, 110},
	{"Q4_K_M", "Q4_K_M", "Q4_K_M", 40, 45, 95, 120},
	{"another with 4 bits", "Q4_0", "Q4_K_M", 40, 45, 95, 120},
	{"Q2_K", "Q2_K", "Q2_K", 25, 30, 85, 130},
	{"Q2_K_S", "Q2_K_S", "Q2_K", 25, 30, 85, 130},
	{"no row for Q5_K_M", "Q5_K_M", NULL, 0, 0, 0, 0},
	{"no row for F32", "F32", NULL, 0, 0, 0, 0},
	{"no row for IQ4_XS", "IQ4_XS", NULL, 0, 0, 0, 0},
	{"no row for int4", "int4", NULL, 0, 0, 0, 0},
	{"empty", "", NULL, 0, 0, 0, 0},
	{"none", NULL, NULL, 0, 0, 0, 0},
};

static void try_tradeoff(void **state)
{
	const struct tradeoff_row *row = *state;
	const struct bake_tradeoff *found = bake_tradeoff_find(row->label);

	if (!row->row) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found->row, row->row);
	assert_int_equal(found->size_percent, row->size);
	assert_int_equal(found->ram_percent, row->ram);
	assert_int_equal(found->quality_percent, row->quality);
	assert_int_equal(found->speed_percent, row->speed);
}

static const struct threads_row {
	const char *name;
	uint32_t cores;
	uint32_t budget; /* min(4, cores) */
	uint32_t mid;	 /* max(2, cores - 1) */
	uint32_t high;	 /* cores */
	uint32_t size;	 /* min(4, cores - 1): of a small model */
} threads[] = {
	{"cores not known", 0, 1, 2, 1, 1},
	{"one core", 1, 1, 2, 1, 1},
	{"two", 2, 2, 2, 2, 1},
	{"four", 4, 4, 3, 4, 3},
	{"eight", 8, 4, 7, 8, 4},
	{"very many", UINT32_MAX, 4, UINT32_MAX - 1, UINT32_MAX, 4},
};

static void try_threads(void **state)
{
	const struct threads_row *row = *state;
	_cleanup_(free_arch) struct bake_arch *arch = make(4096);
	struct bake_hints out;

	bake_hints_make(arch, GIB, "Q4_K_M", &out);
	assert_int_equal(
		bake_threads_of(&out.tiers[BAKE_TIER_BUDGET].threads, row->cores), row->budget);
	assert_int_equal(bake_threads_of(&out.tiers[BAKE_TIER_MID].threads, row->cores), row->mid);
	assert_int_equal(
		bake_threads_of(&out.tiers[BAKE_TIER_HIGH].threads, row->cores), row->high);
	assert_int_equal(bake_threads_of(&out.threads, row->cores), row->size);
}

/* Writes the hints of an architecture and compares. */
static void check_written(const struct bake_arch *arch, uint64_t bytes, const char *label,
	const char *mmproj, const char *want)
{
	struct bake_buf buf = BAKE_BUF_INIT(65536);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);
	struct bake_hints out;

	bake_hints_make(arch, bytes, label, &out);
	bake_hints_write(&out, mmproj, &writer);
	bake_json_finish(&writer);
	assert_string_equal(buf.ptr, want);
	bake_buf_release(&buf);
}

static void a_language_model_has_all(void)
{
	_cleanup_(free_arch) struct bake_arch *arch = make(4096);

	check_written(arch, 4081004224, "Q4_K_M", "llava/mmproj-f16.gguf",
		"{\n"
		"  \"context_length\": 4096,\n"
		"  \"threads\": 4,\n"
		"  \"threads_rule\": \"min(4, cores - 1)\",\n"
		"  \"min_ram_bytes\": 4591129752,\n"
		"  \"tiers\": {\n"
		"    \"budget\": {\"ram_bytes_max\": 4294967296, \"fits\": false, "
		"\"context_length\": 2048, \"threads\": \"min(4, cores)\"},\n"
		"    \"mid\": {\"ram_bytes_max\": 8589934592, \"fits\": true, "
		"\"context_length\": 4096, \"threads\": \"max(2, cores - 1)\"},\n"
		"    \"high\": {\"fits\": true, \"context_length\": 4096, \"threads\": \"cores\"}\n"
		"  },\n"
		"  \"quantization_tradeoff\": {\"row\": \"Q4_K_M\", \"size_percent\": 40, "
		"\"ram_percent\": 45, \"quality_percent\": 95, \"speed_percent\": 120},\n"
		"  \"mmproj\": \"llava/mmproj-f16.gguf\",\n"
		"  \"sources\": {\"context_length\": \"rule:device-tier\", "
		"\"threads\": \"rule:model-size\", "
		"\"min_ram_bytes\": \"rule:quantization-tradeoff\", \"tiers\": "
		"\"rule:device-tier\", "
		"\"quantization_tradeoff\": \"rule:quantization-tradeoff\"}\n"
		"}\n");
}

static void a_diffusion_model_has_no_context(void)
{
	_cleanup_(free_arch) struct bake_arch *arch = make(4096);
	struct bake_error err = BAKE_ERROR_INIT;

	assert_int_equal(bake_arch_set_u64(arch, BAKE_ARCH_IN_CHANNELS, 64, "test", &err), BAKE_OK);
	check_written(arch, 12654443120, "int4", NULL,
		"{\n"
		"  \"min_ram_bytes\": 12654443120,\n"
		"  \"sources\": {\"min_ram_bytes\": \"rule:weights-bytes\"}\n"
		"}\n");
}

static void nothing_known_is_nothing_said(void)
{
	_cleanup_(free_arch) struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	assert_int_equal(bake_arch_new(&arch, &err), BAKE_OK);
	check_written(arch, 0, NULL, NULL, "{\n  \"sources\": {}\n}\n");
}

static void the_limit_of_the_model_is_its_own_source(void)
{
	_cleanup_(free_arch) struct bake_arch *arch = make(512);
	struct bake_hints out;

	bake_hints_make(arch, GIB, NULL, &out);
	assert_string_equal(out.context_source, "gguf:m.gguf:llama.context_length");
	for (size_t i = 0; i < BAKE_TIERS; i++)
		assert_int_equal(out.tiers[i].context_length, 512);
}

static const struct scenario scenarios[] = {
	{"a language model has all", a_language_model_has_all},
	{"a diffusion model has no context", a_diffusion_model_has_no_context},
	{"nothing known is nothing said", nothing_known_is_nothing_said},
	{"the limit of the model is its own source", the_limit_of_the_model_is_its_own_source},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(hints, try_hints),
		ROWS(tradeoffs, try_tradeoff),
		ROWS(threads, try_threads),
		ROWS(scenarios, play_scenario),
	};

	return run_rows("arch_hints", tables, countof(tables));
}
