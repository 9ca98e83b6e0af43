/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what is in, what is out, and why. */
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "catalog/recommend.h"

#define GB UINT64_C(1000000000)

#define FILE_OF(name, size) "\"files\": [{\"name\": \"" name "\", \"size\": " size "}],"
#define MODEL(id, more)                                                                            \
	"\"" id "\": {" more " \"source\": {\"hub\": \"org/" id "\"}, \"path\": \"" id "\"}"

static const char document[] =
	"{\"schema\": \"bake.manifest/1\", \"name\": \"t\", \"models\": {" MODEL(
		"big", "\"category\": \"checkpoints\", \"default\": true, \"priority\": 1," FILE_OF(
			       "big.safetensors", "7000000000")) "," MODEL("small",
		"\"category\": \"vae\", \"default\": true, \"priority\": 2," FILE_OF(
			"small.safetensors", "300000000")) "," MODEL("chat",
		"\"category\": \"chat\", \"tags\": [\"recommended\"], \"min_ram\": "
		"\"4GB\"," FILE_OF("chat-Q4_K_M.gguf", "2000000000")) "," MODEL("unknown",
		"\"category\": \"chat\", \"default\": true, \"priority\": 3,") "," MODEL("plain",
		"\"category\": \"upscalers\"," FILE_OF(
			"plain.safetensors", "60000000")) "," MODEL("enc-fp16",
		"\"category\": \"text_encoders\", \"priority\": 4," FILE_OF(
			"enc-fp16.safetensors", "9000000000")) "," MODEL("enc-q8-0",
		"\"category\": \"text_encoders\", \"priority\": 4," FILE_OF(
			"enc-Q8_0.gguf", "5000000000")) "," MODEL("enc-q4-k-m",
		"\"category\": \"text_encoders\", \"priority\": 4," FILE_OF(
			"enc-Q4_K_M.gguf", "3000000000")) "," MODEL("enc-q2-k",
		"\"category\": \"text_encoders\", \"priority\": 4," FILE_OF(
			"enc-Q2_K.gguf", "2000000000")) "}}";

/* plan: "id:verdict" in order. */
static const struct plan_row {
	const char *name;
	struct bake_recommend_wish wish;
	const char *plan;
	uint64_t bytes;
} plans[] = {
	{"defaults, then recommended ones", {.space = 100 * GB},
		"big:in small:in unknown:size-unknown chat:in enc-q2-k:not-marked "
		"enc-q4-k-m:not-marked enc-q8-0:not-marked enc-fp16:not-marked plain:not-marked",
		9300000000},
	{"a share of the space", {.space = 9 * GB, .share = 80},
		"big:in small:space unknown:size-unknown chat:space enc-q2-k:not-marked "
		"enc-q4-k-m:not-marked enc-q8-0:not-marked enc-fp16:not-marked plain:not-marked",
		7000000000},
	{"what does not fit lets smaller ones in", {.space = 3 * GB},
		"big:space small:in unknown:size-unknown chat:in enc-q2-k:not-marked "
		"enc-q4-k-m:not-marked enc-q8-0:not-marked enc-fp16:not-marked plain:not-marked",
		2300000000},
	{"nothing fits into nothing", {.space = 0, .use = "vae"}, "small:space", 0},
	{"memory as the manifest says", {.space = 100 * GB, .ram = 3 * GB, .use = "chat"},
		"unknown:size-unknown chat:ram", 0},
	{"just enough of it", {.space = 100 * GB, .ram = 4 * GB, .use = "chat"},
		"unknown:size-unknown chat:in", 2000000000},
	{"one of a family: the smallest with four bits",
		{.space = 100 * GB, .use = "text encoders"},
		"enc-q2-k:variant enc-q4-k-m:in enc-q8-0:variant enc-fp16:variant", 3000000000},
	{"one of a family: the best for the memory",
		{.space = 100 * GB, .use = "text encoders", .ram = 6 * GB},
		"enc-q2-k:variant enc-q4-k-m:variant enc-q8-0:in enc-fp16:ram", 5000000000},
	{"one of a family: what the space has room for",
		{.space = 3 * GB, .use = "text encoders", .ram = 6 * GB},
		"enc-q2-k:in enc-q4-k-m:space enc-q8-0:space enc-fp16:ram", 2000000000},
	{"the GPU holds the weights", {.space = 100 * GB, .use = "text encoders", .vram = 8 * GB},
		"enc-q2-k:variant enc-q4-k-m:variant enc-q8-0:in enc-fp16:vram", 5000000000},
	{"all are considered", {.space = 100 * GB, .all = true},
		"big:in small:in unknown:size-unknown chat:in enc-q2-k:variant enc-q4-k-m:in "
		"enc-q8-0:variant enc-fp16:variant plain:in",
		12360000000},
};

static struct bake_manifest *manifest;
static struct bake_catalog *catalog;

static void set_up(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_catalog_source source = {.name = "t"};

	check_status(bake_manifest_parse(bake_span_text(document), "t.json", &manifest, &err), &err,
		BAKE_OK, NULL);
	source.manifest = manifest;
	check_status(bake_catalog_build(&source, 1, &catalog, &err), &err, BAKE_OK, NULL);
}

static void tear_down(void)
{
	bake_catalog_free(&catalog);
	bake_manifest_free(&manifest);
}

static void try_plan(void **state)
{
	const struct plan_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_recommend_plan plan;
	char text[1024] = "";
	size_t used = 0;

	set_up();
	check_status(bake_recommend(catalog, &row->wish, &plan, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < plan.count; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%s", i ? " " : "",
			plan.items[i].entry->id,
			bake_recommend_verdict_name(plan.items[i].verdict));
		assert_true(plan.items[i].why[0] != '\0');
	}
	assert_string_equal(text, row->plan);
	assert_int_equal(plan.bytes, row->bytes);
	assert_true(plan.bytes <= plan.budget);
	bake_recommend_release(&plan);
	tear_down();
}

static void what_is_here_stands_for_its_family(void)
{
	struct bake_recommend_wish wish = {.space = 100 * GB, .use = "text_encoders"};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_recommend_plan plan;

	set_up();
	for (size_t i = 0; i < catalog->entry_count; i++) {
		if (strcmp(catalog->entries[i].id, "enc-q2-k") == 0)
			catalog->entries[i].state = BAKE_CATALOG_INSTALLED;
	}
	check_status(bake_recommend(catalog, &wish, &plan, &err), &err, BAKE_OK, NULL);
	assert_int_equal(plan.count, 4);
	assert_int_equal(plan.chosen, 0);
	assert_int_equal(plan.items[0].verdict, BAKE_RECOMMEND_HERE);
	for (size_t i = 1; i < plan.count; i++) {
		assert_int_equal(plan.items[i].verdict, BAKE_RECOMMEND_VARIANT);
		assert_non_null(strstr(plan.items[i].why, "enc-q2-k is here"));
	}
	bake_recommend_release(&plan);
	tear_down();
}

static void too_large_says_what_fewer_bits_would_take(void)
{
	struct bake_recommend_wish wish = {
		.space = 100 * GB, .use = "text_encoders", .ram = 6 * GB};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_recommend_plan plan;

	set_up();
	check_status(bake_recommend(catalog, &wish, &plan, &err), &err, BAKE_OK, NULL);
	assert_string_equal(plan.items[3].why,
		"needs about 9.00 GB of memory, there is 6.00 GB; as Q8_0 about 5.40 GB, at 98% of "
		"the quality");
	bake_recommend_release(&plan);
	tear_down();
}

static void tiers(void)
{
	assert_string_equal(bake_recommend_tier_of(2 * GB)->name, "budget");
	assert_string_equal(bake_recommend_tier_of((uint64_t)4 << 30)->name, "budget");
	assert_string_equal(bake_recommend_tier_of(8 * GB)->name, "mid");
	assert_string_equal(bake_recommend_tier_of(64 * GB)->name, "high");
	assert_int_equal(bake_recommend_tier_named("BUDGET")->context, 2048);
	assert_null(bake_recommend_tier_named("none"));
}

static const struct scenario scenarios[] = {
	{"what is here stands for its family", what_is_here_stands_for_its_family},
	{"too large says what fewer bits would take", too_large_says_what_fewer_bits_would_take},
	{"tiers", tiers},
};

int main(void)
{
	const struct rows tables[] = {ROWS(plans, try_plan), ROWS(scenarios, play_scenario)};

	return run_rows("catalog/recommend", tables, countof(tables));
}
