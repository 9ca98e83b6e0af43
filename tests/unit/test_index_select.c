/* SPDX-License-Identifier: Apache-2.0 */
/* Which model of a group a server loads, and what GET /model-info says of it. */
#include "unit/rows.h"

#include <string.h>

#include "index/api.h"
#include "index/index.h"

#define GROUP "edit"

/* A model of the group: id, rank, steps, whether it is baked. */
#define NUNCHAKU(name, its_rank, its_steps, is_baked)                                              \
	{                                                                                          \
		.id = (name), .group = GROUP, .baked = (is_baked),                                 \
		.variant = {"int4", (its_rank), (its_steps)},                                      \
	}

/* Sorted by id, as in an index. */
static struct bake_index_model stock[] = {
	{.id = "base",
		.group = GROUP,
		.role = "base",
		.baked = true,
		.source = {BAKE_SOURCE_HUB, "org/base", "main", NULL}},
	NUNCHAKU("r128-4", 128, 4, true),
	NUNCHAKU("r128-8", 128, 8, true),
	NUNCHAKU("r128-plain", 128, 0, true),
	NUNCHAKU("r256-8", 256, 8, true),
	NUNCHAKU("r32-4", 32, 4, true),
	NUNCHAKU("r32-8", 32, 8, false),
	NUNCHAKU("r32-plain", 32, 0, true),
	{.id = "x-other", .group = "other", .baked = true, .variant = {"int4", 128, 8}},
};

static const uint32_t both_ranks[] = {32, 128};
static const uint32_t small_rank[] = {32};
static const uint32_t absent_rank[] = {64};
static const struct bake_variant eight_then_four[] = {{NULL, 0, 8}, {NULL, 0, 4}};
static const struct bake_variant four_first[] = {{NULL, 0, 4}, {NULL, 0, 8}};
static const struct bake_variant fp4_first[] = {{"fp4", 0, 0}};
static const struct bake_variant rank_32_first[] = {{NULL, 32, 0}};
static const struct bake_variant twelve[] = {{NULL, 0, 12}};

#define RULE(its_ranks, its_prefer)                                                                \
	{                                                                                          \
		.group = GROUP, .ranks = (its_ranks), .rank_count = countof(its_ranks),            \
		.prefer = (its_prefer), .prefer_count = countof(its_prefer), .max_steps = 50,      \
		.config = "",                                                                      \
	}

static struct bake_selection usual = RULE(both_ranks, eight_then_four);
static struct bake_selection only_32 = RULE(small_rank, eight_then_four);
static struct bake_selection only_64 = RULE(absent_rank, eight_then_four);
static struct bake_selection four = RULE(both_ranks, four_first);
static struct bake_selection fp4 = RULE(both_ranks, fp4_first);
static struct bake_selection rank_32 = RULE(both_ranks, rank_32_first);
static struct bake_selection twelve_steps = RULE(both_ranks, twelve);
static struct bake_selection no_wishes = {.group = GROUP, .config = ""};

static struct bake_index index_of(struct bake_selection *rule)
{
	return (struct bake_index){
		.models = stock,
		.model_count = countof(stock),
		.selections = rule,
		.selection_count = rule ? 1 : 0,
	};
}

static const struct select_row {
	const char *name;
	struct bake_selection *rule;
	struct bake_index_wish wish;
	const char *want; /* NULL: none */
} selects[] = {
	{"preferred steps, then the greater rank", &usual, {.rank = 0}, "r128-8"},
	{"a rank that is not allowed is not chosen", &usual, {.rank = 256}, NULL},
	{"rank 32: eight steps are not baked, four are", &usual, {.rank = 32}, "r32-4"},
	{"rank 32 alone is allowed", &only_32, {.rank = 0}, "r32-4"},
	{"rank 128 is not allowed", &only_32, {.rank = 128}, NULL},
	{"no allowed rank is there", &only_64, {.rank = 0}, NULL},
	{"four steps are preferred", &four, {.rank = 0}, "r128-4"},
	{"four steps are wished for", &usual, {.has_steps = true, .steps = 4}, "r128-4"},
	{"four steps and rank 32", &usual, {.rank = 32, .has_steps = true, .steps = 4}, "r32-4"},
	{"eight steps and rank 32 are not baked", &usual,
		{.rank = 32, .has_steps = true, .steps = 8}, NULL},
	{"the plain file is wished for", &usual, {.has_steps = true, .steps = 0}, "r128-plain"},
	{"the plain file of rank 32", &usual, {.rank = 32, .has_steps = true, .steps = 0},
		"r32-plain"},
	{"steps nobody has", &usual, {.has_steps = true, .steps = 5}, NULL},
	{"precision", &usual, {.precision = "int4"}, "r128-8"},
	{"a precision nobody has", &usual, {.precision = "fp4"}, NULL},
	{"what is preferred is not there: the plain file", &twelve_steps, {.rank = 0},
		"r128-plain"},
	{"a preferred precision is not there: the plain file", &fp4, {.rank = 0}, "r128-plain"},
	{"a preferred rank", &rank_32, {.rank = 0}, "r32-4"},
	{"a rule without preferences: the plain file, of any rank", &no_wishes, {.rank = 0},
		"r128-plain"},
	{"no rule: the plain file", NULL, {.rank = 0}, "r128-plain"},
	{"no rule: any rank may be wished for", NULL, {.rank = 256}, "r256-8"},
};

static void same_model(const struct bake_index_model *got, const char *want)
{
	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got->id, want);
}

static void try_select(void **state)
{
	const struct select_row *row = *state;
	struct bake_index index = index_of(row->rule);

	same_model(bake_index_select(&index, GROUP, &row->wish).model, row->want);
}

static const struct tie_row {
	const char *name;
	struct bake_index_model models[3];
	size_t count;
	const char *want;
} ties[] = {
	{"the one marked default",
		{{.id = "a", .group = GROUP, .baked = true},
			{.id = "b", .group = GROUP, .baked = true, .is_default = true}},
		2, "b"},
	{"the lower number of priority",
		{{.id = "a", .group = GROUP, .baked = true, .priority = 2},
			{.id = "b", .group = GROUP, .baked = true, .priority = 1}},
		2, "b"},
	{"a priority before none",
		{{.id = "a", .group = GROUP, .baked = true},
			{.id = "b", .group = GROUP, .baked = true, .priority = 900}},
		2, "b"},
	{"default before priority",
		{{.id = "a", .group = GROUP, .baked = true, .priority = 1},
			{.id = "b", .group = GROUP, .baked = true, .is_default = true}},
		2, "b"},
	{"ids decide last",
		{{.id = "a", .group = GROUP, .baked = true},
			{.id = "b", .group = GROUP, .baked = true}},
		2, "a"},
	{"what is not baked is not chosen",
		{{.id = "a", .group = GROUP, .is_default = true},
			{.id = "b", .group = GROUP, .baked = true}},
		2, "b"},
	{"nothing is baked", {{.id = "a", .group = GROUP}, {.id = "b", .group = GROUP}}, 2, NULL},
	{"another group", {{.id = "a", .group = "other", .baked = true}}, 1, NULL},
	{"no group", {{.id = "a", .baked = true}}, 1, NULL},
	{"no models", {{.id = NULL}}, 0, NULL},
	{"where one has a variant, only those are chosen from",
		{{.id = "a", .group = GROUP, .baked = true, .is_default = true},
			{.id = "b", .group = GROUP, .baked = true, .variant = {NULL, 0, 8}}},
		2, "b"},
	{"a variant that is not baked counts, too",
		{{.id = "a", .group = GROUP, .baked = true},
			{.id = "b", .group = GROUP, .variant = {"fp4", 0, 0}}},
		2, NULL},
};

static void try_tie(void **state)
{
	const struct tie_row *row = *state;
	struct bake_index_model models[3];
	struct bake_index index = {.models = models, .model_count = row->count};

	memcpy(models, row->models, sizeof(models));
	same_model(bake_index_select(&index, GROUP, &(struct bake_index_wish){0}).model, row->want);
}

static void same_numbers(const uint32_t *got, size_t got_count, const uint32_t *want, size_t count)
{
	assert_int_equal(got_count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(got[i], want[i]);
}

/* One model of several files; beside it one that has the preferred steps, of a lower rank. */
static struct bake_index_variant files_of_one[] = {
	{"d/r128-4", {"int4", 128, 4}},
	{"d/r128", {"int4", 128, 0}},
	{"d/r32-8", {"fp4", 32, 8}},
	{"d/r64-8", {"fp4", 64, 8}},
};

static struct bake_index_model mixed[] = {
	{.id = "base", .group = GROUP, .baked = true, .path = "base"},
	{.id = "many",
		.group = GROUP,
		.baked = true,
		.path = "d",
		.variants = files_of_one,
		.variant_count = countof(files_of_one)},
	{.id = "one", .group = GROUP, .baked = true, .path = "o", .variant = {"int4", 32, 8}},
};

static bool is_hidden(const char *path, const char *const *hidden)
{
	for (size_t i = 0; i < 3; i++) {
		if (hidden[i] && strcmp(hidden[i], path) == 0)
			return true;
	}
	return false;
}

static bool not_hidden(void *context, const struct bake_index_choice *choice)
{
	return !is_hidden(choice->path, context);
}

static const struct choice_row {
	const char *name;
	struct bake_index_wish wish;
	const char *hidden[3];
	const char *model; /* NULL: none */
	const char *path;
} choices[] = {
	{"of equals the first", {.rank = 32}, {NULL}, "many", "d/r32-8"},
	{"the rule's ranks hold for variants", {.rank = 64}, {NULL}, NULL, NULL},
	{"a model of its own is chosen among them", {.rank = 32, .precision = "int4"}, {NULL},
		"one", "o"},
	{"a variant that is wished for", {.has_steps = true, .steps = 4}, {NULL}, "many",
		"d/r128-4"},
	{"the plain one", {.has_steps = true, .steps = 0}, {NULL}, "many", "d/r128"},
	{"what is not there is passed over", {.rank = 0}, {"d/r32-8"}, "one", "o"},
	{"to the next preference", {.rank = 0}, {"d/r32-8", "o"}, "many", "d/r128-4"},
	{"and the plain file", {.rank = 0}, {"d/r32-8", "o", "d/r128-4"}, "many", "d/r128"},
};

static void try_choice(void **state)
{
	const struct choice_row *row = *state;
	struct bake_index index = index_of(&usual);
	struct bake_index_wish wish = row->wish;
	struct bake_index_choice choice;

	index.models = mixed;
	index.model_count = countof(mixed);
	wish.is_local = not_hidden;
	wish.context = (void *)(uintptr_t)row->hidden;
	choice = bake_index_select(&index, GROUP, &wish);
	same_model(choice.model, row->model);
	if (row->path)
		assert_string_equal(choice.path, row->path);
}

static void the_api_knows_variants(void)
{
	struct bake_index index = index_of(&usual);
	struct bake_api api;

	index.models = mixed;
	index.model_count = countof(mixed);
	bake_api_compute(&index, &api);
	same_numbers(api.ranks, api.rank_count, both_ranks, 2);
	same_numbers(api.steps, api.step_count, (const uint32_t[]){4, 8}, 2);
	assert_int_equal(api.default_rank, 32);
	assert_int_equal(api.default_steps, 8);
}

static void models_and_rules_are_found(void)
{
	struct bake_index index = index_of(&usual);

	same_model(bake_index_find(&index, "r32-8"), "r32-8");
	assert_null(bake_index_find(&index, "R32-8"));
	assert_ptr_equal(bake_index_rule(&index, GROUP), &usual);
	assert_null(bake_index_rule(&index, "other"));
	assert_false(bake_index_is_candidate(&index, &stock[0]));
	assert_true(bake_index_is_candidate(&index, &stock[1]));
}

static void the_api_speaks_of_the_first_rule(void)
{
	struct bake_selection rule = usual;
	struct bake_index index = index_of(&rule);
	struct bake_api api;

	rule.name = "Edit";
	rule.version = "v1";
	rule.config = "\"a\": 1";
	bake_api_compute(&index, &api);
	assert_string_equal(api.model_name, "Edit");
	assert_string_equal(api.model_version, "v1");
	same_numbers(api.ranks, api.rank_count, both_ranks, 2);
	same_numbers(api.steps, api.step_count, (const uint32_t[]){4, 8}, 2);
	assert_int_equal(api.default_rank, 128);
	assert_int_equal(api.default_steps, 8);
	assert_int_equal(api.max_steps, 50);
	assert_true(api.base_model_available);
	assert_string_equal(api.model_id, "org/base");
	assert_string_equal(api.config, "\"a\": 1");
}

static void the_api_of_the_plain_file_runs_all_steps(void)
{
	struct bake_index index = index_of(&twelve_steps);
	struct bake_api api;

	bake_api_compute(&index, &api);
	assert_int_equal(api.default_rank, 128);
	assert_int_equal(api.default_steps, 50);
}

static void the_api_without_a_rule_says_what_is_there(void)
{
	struct bake_index index = index_of(NULL);
	struct bake_api api;

	index.manifest_title = "Title";
	bake_api_compute(&index, &api);
	assert_string_equal(api.model_name, "Title");
	assert_string_equal(api.model_version, "");
	same_numbers(api.ranks, api.rank_count, (const uint32_t[]){32, 128, 256}, 3);
	same_numbers(api.steps, api.step_count, (const uint32_t[]){4, 8}, 2);
	assert_int_equal(api.default_rank, 0);
	assert_int_equal(api.default_steps, 0);
	assert_int_equal(api.max_steps, 0);
	assert_string_equal(api.config, "");
}

static void the_api_of_nothing_knows_nothing(void)
{
	struct bake_index_model missing[] = {
		{.id = "base",
			.group = GROUP,
			.role = "base",
			.source = {BAKE_SOURCE_HUB, "org/base", "main", NULL}},
		NUNCHAKU("r32-4", 32, 4, false),
	};
	struct bake_index index = index_of(&usual);
	struct bake_api api;

	index.models = missing;
	index.model_count = countof(missing);
	bake_api_compute(&index, &api);
	assert_int_equal(api.rank_count, 0);
	assert_int_equal(api.step_count, 0);
	assert_int_equal(api.default_rank, 0);
	assert_int_equal(api.default_steps, 0);
	assert_false(api.base_model_available);
	assert_string_equal(api.model_id, "org/base");
}

/* A list longer than there is room for stays sorted and within it. */
static void the_apis_lists_are_bounded(void)
{
	struct bake_index_model many[3 * BAKE_API_LIST_MAX];
	struct bake_index index = {.models = many, .model_count = countof(many)};
	struct bake_api api;

	for (size_t i = 0; i < countof(many); i++)
		many[i] = (struct bake_index_model){.id = "m",
			.baked = true,
			.variant = {NULL, (uint32_t)(1000 - i), (uint32_t)(i % 7)}};
	bake_api_compute(&index, &api);
	assert_int_equal(api.rank_count, BAKE_API_LIST_MAX);
	for (size_t i = 1; i < api.rank_count; i++)
		assert_true(api.ranks[i - 1] < api.ranks[i]);
	assert_int_equal(api.step_count, 6);
}

static const struct scenario others[] = {
	{"models and rules are found", models_and_rules_are_found},
	{"api: the first rule", the_api_speaks_of_the_first_rule},
	{"api: variants of one model", the_api_knows_variants},
	{"api: the plain file runs all steps", the_api_of_the_plain_file_runs_all_steps},
	{"api: no rule", the_api_without_a_rule_says_what_is_there},
	{"api: nothing is baked", the_api_of_nothing_knows_nothing},
	{"api: lists are bounded", the_apis_lists_are_bounded},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(selects, try_select),
		ROWS(ties, try_tie),
		ROWS(choices, try_choice),
		ROWS(others, play_scenario),
	};

	return run_rows("index/select", tables, countof(tables));
}
