/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog recommend. */
#include "catalog/recommend.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/filter.h"
#include "catalog/write.h"
#include "catalogcli/commands.h"
#include "catalogcli/fetching.h"
#include "catalogcli/load.h"
#include "catalogcli/space.h"
#include "catalogcli/table.h"
#include "cli/columns.h"
#include "cli/report.h"

enum {
	CONTEXT_MAX = 100000000,
	VERDICT = 4,
	SIZE = 9,
	WHY_MIN = 24
};

static struct catalogcli_which which;
static struct bake_recommend_wish wish;
static uint64_t disk = UINT64_MAX;
static uint64_t quota;
static uint64_t share = BAKE_RECOMMEND_SHARE;
static const char *const tier_words[] = {"any", "budget", "mid", "high", NULL};
static unsigned tier;
static bool fetch;
static bool yes;

static const struct cli_option options[] = {
	{0, "use", "WHAT", "only models for a use: chat, code, vision, rag, image, ...", CLI_TEXT,
		&wish.use, 0, 0, NULL},
	{0, "all", NULL, "consider also what is neither a default nor recommended", CLI_FLAG,
		&wish.all, 0, 0, NULL},
	{0, "ram", "SIZE", "only what runs with this much memory", CLI_BYTES, &wish.ram, 1, 0,
		NULL},
	{0, "vram", "SIZE", "only what has its weights in this much memory of a GPU", CLI_BYTES,
		&wish.vram, 1, 0, NULL},
	{0, "tier", "NAME", "a device: budget (4 GiB), mid (8 GiB) or high", CLI_WORD, &tier, 0, 0,
		tier_words},
	{0, "context", "N", "only what has a context of N tokens, with memory for it", CLI_NUMBER,
		&wish.context, 1, CONTEXT_MAX, NULL},
	{0, "disk", "SIZE", "plan as if this much space were free", CLI_BYTES, &disk, 0, 0, NULL},
	{0, "quota", "SIZE", "let the models directory grow to this size, such as 50GB", CLI_BYTES,
		&quota, 1, 0, NULL},
	{0, "share", "PERCENT", "fill this much of the space there is (80)", CLI_NUMBER, &share, 1,
		100, NULL},
	{0, "fetch", NULL, "go on to fetch them, after a question", CLI_FLAG, &fetch, 0, 0, NULL},
	{'y', "yes", NULL, "with --fetch: do not ask", CLI_FLAG, &yes, 0, 0, NULL},
	CATALOGCLI_OPTIONS(which),
};

static const char *const notes[] = {
	"Defaults come first, then what is tagged as recommended, each by priority and size, until "
	"the share of the space is full. Of a model in several quantizations one is taken: the "
	"default, else with --ram, --vram or --tier the best that fits, else the smallest with "
	"four "
	"bits. -v shows also what was not considered.",
	"Memory is what the manifest says, else a rule of thumb by the size. What a context needs "
	"is "
	"known of models in the index.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-catalog recommend",
	.summary = "say what to fetch into the space there is, and why",
	.usage = "",
	.options = options,
	.option_count = countof(options),
	.notes = notes,
};

static const struct bake_recommend_tier *device(void)
{
	if (tier > 0)
		return bake_recommend_tier_named(tier_words[tier]);
	return wish.ram ? bake_recommend_tier_of(wish.ram) : NULL;
}

static void put_space(struct bake_json_writer *writer, const struct catalogcli_space *space)
{
	bake_json_put_u64(writer, "free", space->free);
	if (space->quota) {
		bake_json_put_u64(writer, "quota", space->quota);
		bake_json_put_u64(writer, "used", space->used);
	}
	bake_json_put_u64(writer, "available", space->available);
	bake_json_put_u64(writer, "share_percent", share);
}

static void put_device(struct bake_json_writer *writer)
{
	const struct bake_recommend_tier *is = device();

	if (!is)
		return;
	bake_json_key(writer, "device");
	bake_json_object_line(writer);
	bake_json_put_text(writer, "tier", is->name);
	if (wish.ram)
		bake_json_put_u64(writer, "ram", wish.ram);
	bake_json_put_u64(writer, "context", is->context);
	bake_json_put_text(writer, "quantization", is->quantization);
	bake_json_end_object(writer);
}

static void put_item(struct bake_json_writer *writer, const struct bake_recommend_item *item)
{
	bake_json_object_line(writer);
	bake_json_put_bool(writer, "in", item->verdict == BAKE_RECOMMEND_IN);
	bake_json_put_text(writer, "verdict", bake_recommend_verdict_name(item->verdict));
	bake_json_put_text(writer, "why", item->why);
	if (item->verdict == BAKE_RECOMMEND_IN)
		bake_json_put_u64(writer, "fetch_bytes", item->bytes);
	if (item->memory)
		bake_json_put_u64(writer, "memory_bytes", item->memory);
	bake_catalog_put_entry(writer, item->entry);
	bake_json_end_object(writer);
}

/* ended: how the fetch did, or a success. */
static enum bake_status print_json(const struct bake_recommend_plan *plan,
	const struct catalogcli_space *space, const struct bake_error *ended, bool fetched,
	struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CATALOGCLI_TEXT_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, ended);
	put_space(&writer, space);
	put_device(&writer);
	bake_json_put_u64(&writer, "budget", plan->budget);
	bake_json_put_u64(&writer, "bytes", plan->bytes);
	bake_json_put_u64(&writer, "chosen", plan->chosen);
	bake_json_put_bool(&writer, "fetched", fetched);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < plan->count; i++)
		put_item(&writer, &plan->items[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return catalogcli_print_json(&text, err);
}

static void print_space(
	const struct bake_recommend_plan *plan, const struct catalogcli_space *space)
{
	const struct bake_recommend_tier *is = device();

	(void)printf("%s free", BAKE_BYTES(space->free));
	if (space->quota)
		(void)printf(", %s used of a quota of %s", BAKE_BYTES(space->used),
			BAKE_BYTES(space->quota));
	(void)printf("; %" PRIu64 "%% may be filled: %s\n", share, BAKE_BYTES(plan->budget));
	if (is)
		(void)printf("device: %s; begin with a context of %" PRIu64 " and %s\n", is->name,
			is->context, is->quantization);
	(void)printf("\n");
}

/* The reason, on further lines where it does not fit. */
static void print_why(const char *why, unsigned indent, unsigned width)
{
	size_t room = width > indent + WHY_MIN ? width - indent : WHY_MIN;

	while (strlen(why) > room) {
		size_t at = room;

		while (at > 0 && why[at] != ' ')
			at--;
		at = at ? at : room;
		(void)printf("%.*s\n%*s", (int)at, why, (int)indent, "");
		why += at + (why[at] == ' ' ? 1 : 0);
	}
	(void)printf("%s\n", why);
}

static void print_item(const struct bake_recommend_item *item, unsigned key, unsigned width)
{
	char size[BAKE_UNITS_TEXT];
	const char *verdict = item->verdict == BAKE_RECOMMEND_IN     ? "in"
			      : item->verdict == BAKE_RECOMMEND_HERE ? "here"
								     : "out";

	(void)printf("%-*s  %-*s  %*s  ", VERDICT, verdict, (int)key, item->entry->key, SIZE,
		catalogcli_entry_size(item->entry, size));
	print_why(item->why, VERDICT + 2 + key + 2 + SIZE + 2, width);
}

static void print_plan(const struct bake_recommend_plan *plan, bool verbose)
{
	unsigned width = catalogcli_width();
	unsigned widest = 0;
	size_t passed_over = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (verbose || plan->items[i].verdict != BAKE_RECOMMEND_NOT_MARKED)
			widest = catalogcli_key_columns(widest, plan->items[i].entry);
	}
	for (size_t i = 0; i < plan->count; i++) {
		if (verbose || plan->items[i].verdict != BAKE_RECOMMEND_NOT_MARKED)
			print_item(&plan->items[i], widest, width);
		else
			passed_over++;
	}
	(void)printf("\n%zu model%s, %s; %s of the share would be left\n", plan->chosen,
		plan->chosen == 1 ? "" : "s", BAKE_BYTES(plan->bytes),
		BAKE_BYTES(plan->budget - plan->bytes));
	if (passed_over)
		(void)printf(
			"%zu others are neither defaults nor recommended: --all considers them\n",
			passed_over);
}

static enum bake_status settle_wish(const struct bake_catalog *catalog, struct bake_error *err)
{
	const struct bake_catalog_filter filter = {.use = wish.use};

	if (yes && !fetch)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.conflict", "--yes goes with --fetch");
	if (tier > 0 && wish.ram)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--tier says how much memory there is: leave out --ram");
	if (tier > 0)
		wish.ram = bake_recommend_tier_named(tier_words[tier])->ram;
	wish.share = (unsigned)share;
	return bake_catalog_check_filter(catalog, &filter, err);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;
	_cleanup_(bake_recommend_release) struct bake_recommend_plan plan = {.items = NULL};
	const char *models_dir = cli_models_dir(which.models_dir);
	struct bake_error ended = BAKE_ERROR_INIT;
	struct catalogcli_space space;
	bool fetched = false;

	(void)args;
	BAKE_TRY(catalogcli_open(&which, &opened, err));
	BAKE_TRY(settle_wish(opened.catalog, err));
	bake_catalog_locate_all(opened.catalog, opened.root);
	BAKE_TRY(catalogcli_measure_space(models_dir, opened.root, disk, quota, &space, err));
	wish.space = space.available;
	BAKE_TRY(bake_recommend(opened.catalog, &wish, &plan, err));
	if (!common->json) {
		print_space(&plan, &space);
		print_plan(&plan, common->verbose > 0);
	}
	if (fetch && catalogcli_fetch(&plan, models_dir, yes, &fetched, &ended) != BAKE_OK)
		fetched = false;
	if (common->json)
		BAKE_TRY(print_json(&plan, &space, &ended, fetched, err));
	if (ended.status == BAKE_OK)
		return BAKE_OK;
	*err = ended;
	return err->status;
}

static void release(void)
{
	catalogcli_release(&which);
}

const struct catalogcli_command catalogcli_recommend = {&command, run, release};
