/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog search. */
#include "catalog/search.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/text.h"
#include "catalog/filter.h"
#include "catalog/write.h"
#include "catalogcli/commands.h"
#include "catalogcli/load.h"
#include "catalogcli/table.h"
#include "cli/report.h"

enum {
	LIMIT = 20,
	LIMIT_MAX = 65536,
	QUERY_BYTES_MAX = 4096,
	NEAREST = 3
};

static struct catalogcli_which which;
static struct bake_catalog_filter filter;
static uint64_t limit = LIMIT;

static const struct cli_option options[] = {
	{'n', "limit", "N", "print at most N models (20)", CLI_NUMBER, &limit, 1, LIMIT_MAX, NULL},
	{0, "category", "NAME", "search those of a category: chat, checkpoints, vae, ...", CLI_TEXT,
		&filter.category, 0, 0, NULL},
	{0, "format", "NAME", "search those of a format: gguf, safetensors, ...", CLI_TEXT,
		&filter.format, 0, 0, NULL},
	CATALOGCLI_OPTIONS(which),
};

static const char *const notes[] = {
	"All words must fit, in any order: names, aliases, tags, categories, repositories, "
	"descriptions; by their beginnings, by initials (sdxl), run together (qwen25vl), and with "
	"a "
	"slip or two. The best come first. Nothing found is exit code 69, with the nearest names.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-catalog search",
	.summary = "find models by name, abbreviation or what they are for",
	.usage = "WORD...",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = SIZE_MAX,
	.notes = notes,
};

static enum bake_status join(
	const struct cli_list *args, struct bake_buf *out, struct bake_error *err)
{
	for (size_t i = 0; i < args->count; i++) {
		bake_buf_text(out, i ? " " : "");
		bake_buf_text(out, args->items[i]);
	}
	return bake_buf_status(out, "query", err);
}

static enum bake_status print_json(const char *query, const struct bake_search_hit *hits,
	size_t count, size_t found, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CATALOGCLI_TEXT_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const struct bake_error none = BAKE_ERROR_INIT;

	bake_json_object(&writer);
	cli_put_outcome(&writer, &none);
	bake_json_put_text(&writer, "query", query);
	bake_json_put_u64(&writer, "found", found);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < count; i++) {
		bake_json_object_line(&writer);
		bake_json_put_u64(&writer, "score", hits[i].score);
		bake_catalog_put_entry(&writer, hits[i].entry);
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return catalogcli_print_json(&text, err);
}

static enum bake_status print_table(const struct bake_search_hit *hits, size_t count, size_t found,
	bool verbose, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CATALOGCLI_TEXT_MAX);
	struct catalogcli_table table;
	unsigned widest = 0;

	for (size_t i = 0; i < count; i++)
		widest = catalogcli_key_columns(widest, hits[i].entry);
	catalogcli_table_begin(&table, verbose, widest);
	catalogcli_table_head(&table, &text);
	for (size_t i = 0; i < count; i++)
		catalogcli_table_row(&table, hits[i].entry, &text);
	if (found > count)
		bake_buf_addf(&text, "and %zu more: --limit N\n", found - count);
	return catalogcli_print(&text, err);
}

static enum bake_status tell_nothing(
	const struct bake_search *search, const char *query, struct bake_error *err)
{
	const struct bake_catalog_entry *near[NEAREST];
	size_t count = bake_search_nearest(search, query, near, NEAREST);
	char names[200] = "";
	size_t used = 0;

	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "catalog.not-found", "no model matches '%s'",
		BAKE_SHOW(query));
	for (size_t i = 0; i < count && used < sizeof(names); i++)
		used += (size_t)snprintf(
			names + used, sizeof(names) - used, "%s%s", i ? ", " : "", near[i]->key);
	if (count == 0)
		return bake_error_hint(err, "bake-catalog list shows all there are");
	return bake_error_hint(err, "did you mean %s?", names);
}

/* Leaves out what the filter does not show. Returns how many are left. */
static size_t keep_shown(struct bake_search_hit *hits, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (bake_catalog_shows(&filter, hits[i].entry))
			hits[kept++] = hits[i];
	}
	return kept;
}

static void locate(
	struct bake_catalog_opened *opened, const struct bake_search_hit *hits, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bake_catalog_locate(
			&opened->catalog->entries[hits[i].entry - opened->catalog->entries],
			opened->root);
}

/* The documents are read in what the search is then made in. */
static enum bake_status open_search(
	struct bake_catalog_opened *opened, struct bake_search **search, struct bake_error *err)
{
	enum bake_status status;

	bake_pages_keep();
	status = catalogcli_open(&which, opened, err);
	if (status == BAKE_OK)
		status = bake_catalog_check_filter(opened->catalog, &filter, err);
	if (status == BAKE_OK)
		status = bake_search_new(opened->catalog, search, err);
	bake_pages_keep_no_more();
	return status;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;
	_cleanup_(bake_buf_release) struct bake_buf query = BAKE_BUF_INIT(QUERY_BYTES_MAX);
	_cleanup_(bake_search_free) struct bake_search *search = NULL;
	_cleanup_free_ struct bake_search_hit *hits = NULL;
	size_t found = 0;
	size_t shown;

	BAKE_TRY(join(args, &query, err));
	BAKE_TRY(open_search(&opened, &search, err));
	hits = reallocarray(NULL, opened.catalog->entry_count + 1, sizeof(*hits));
	if (!hits)
		return bake_error_nomem(err);
	BAKE_TRY(bake_search_find(search, query.ptr, hits, &found, err));
	found = keep_shown(hits, found);
	if (found == 0)
		return tell_nothing(search, query.ptr, err);
	shown = found < limit ? found : (size_t)limit;
	locate(&opened, hits, shown);
	if (common->json)
		return print_json(query.ptr, hits, shown, found, err);
	return print_table(hits, shown, found, common->verbose > 0, err);
}

static void release(void)
{
	catalogcli_release(&which);
}

const struct catalogcli_command catalogcli_search = {&command, run, release};
