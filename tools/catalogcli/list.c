/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog list. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "catalog/filter.h"
#include "catalog/write.h"
#include "catalogcli/commands.h"
#include "catalogcli/load.h"
#include "catalogcli/pieces.h"
#include "catalogcli/table.h"
#include "cli/report.h"

static struct catalogcli_which which;
static struct bake_catalog_filter filter;

static const struct cli_option options[] = {
	{0, "category", "NAME", "show those of a category: chat, checkpoints, vae, ...", CLI_TEXT,
		&filter.category, 0, 0, NULL},
	{0, "format", "NAME", "show those of a format: gguf, safetensors, ...", CLI_TEXT,
		&filter.format, 0, 0, NULL},
	{0, "tag", "TAG", "show those with this tag", CLI_TEXT, &filter.tag, 0, 0, NULL},
	{0, "use", "WHAT", "show those for a use: chat, code, vision, rag, image, ...", CLI_TEXT,
		&filter.use, 0, 0, NULL},
	{0, "recommended", NULL, "show defaults and what is tagged as recommended", CLI_FLAG,
		&filter.recommended, 0, 0, NULL},
	{0, "installed", NULL, "show what is in the models directory", CLI_FLAG, &filter.installed,
		0, 0, NULL},
	CATALOGCLI_OPTIONS(which),
};

static const char *const notes[] = {
	"What is here is told by names and sizes; bake-verify reads the bytes. A size that nobody "
	"has pinned is shown as ?. With -v titles and descriptions are shown, too.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-catalog list",
	.summary = "print what there is, grouped by what it is for",
	.usage = "",
	.options = options,
	.option_count = countof(options),
	.notes = notes,
};

struct totals {
	size_t models;
	size_t unknown;
	size_t installed;
	uint64_t bytes;
};

static void count(struct totals *totals, const struct bake_catalog_entry *entry)
{
	totals->models++;
	totals->installed += entry->state == BAKE_CATALOG_INSTALLED ? 1 : 0;
	if (entry->size_known)
		totals->bytes = bake_u64_add_capped(totals->bytes, entry->bytes);
	else
		totals->unknown++;
}

/* What the filter shows, in order. */
struct shown {
	const struct bake_catalog_entry **list;
	size_t count;
	struct totals totals;
};

static enum bake_status gather(
	const struct bake_catalog *catalog, struct shown *out, struct bake_error *err)
{
	out->list = calloc(catalog->entry_count + 1, sizeof(struct bake_catalog_entry *));
	if (!out->list)
		return bake_error_nomem(err);
	for (size_t i = 0; i < catalog->entry_count; i++) {
		const struct bake_catalog_entry *entry = &catalog->entries[i];

		if (!bake_catalog_shows(&filter, entry))
			continue;
		count(&out->totals, entry);
		out->list[out->count++] = entry;
	}
	return BAKE_OK;
}

static void shown_release(struct shown *shown)
{
	free(shown->list);
}

struct document {
	struct bake_json_writer writer;
	const struct shown *shown;
};

static void write_entries(void *context, size_t first, size_t end, struct bake_buf *out)
{
	const struct document *document = context;
	struct bake_json_writer writer = bake_json_branch(&document->writer, out, first == 0);

	for (size_t i = first; i < end; i++) {
		bake_json_object_line(&writer);
		bake_catalog_put_entry(&writer, document->shown->list[i]);
		bake_json_end_object(&writer);
	}
}

/* What the document has so far, and then the piece. */
static enum bake_status print_entries(
	void *context, const struct bake_buf *text, struct bake_error *err)
{
	struct document *document = context;

	bake_json_append(&document->writer, text);
	BAKE_TRY(catalogcli_print_json(document->writer.buf, err));
	bake_buf_clear(document->writer.buf);
	return BAKE_OK;
}

static enum bake_status print_json(const struct shown *shown, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CATALOGCLI_TEXT_MAX);
	struct document document = {.writer = BAKE_JSON_WRITER_INIT(&text), .shown = shown};
	struct catalogcli_pieces pieces = {.count = shown->count,
		.most = CATALOGCLI_TEXT_MAX,
		.write = write_entries,
		.print = print_entries,
		.context = &document};
	struct bake_json_writer *writer = &document.writer;
	const struct bake_error none = BAKE_ERROR_INIT;

	bake_json_object(writer);
	cli_put_outcome(writer, &none);
	bake_json_key(writer, "models");
	bake_json_array(writer);
	BAKE_TRY(catalogcli_print_pieces(&pieces, err));
	bake_json_end_array(writer);
	bake_json_put_u64(writer, "bytes", shown->totals.bytes);
	bake_json_put_u64(writer, "unknown_sizes", shown->totals.unknown);
	bake_json_put_u64(writer, "installed", shown->totals.installed);
	bake_json_end_object(writer);
	bake_json_finish(writer);
	return catalogcli_print_json(&text, err);
}

struct rows {
	struct catalogcli_table table;
	const struct shown *shown;
};

static bool same_group(const struct bake_catalog_entry *a, const struct bake_catalog_entry *b)
{
	return a->group == b->group &&
	       strcasecmp(bake_catalog_group_word(a), bake_catalog_group_word(b)) == 0;
}

/* "vae: 4 models, 670 MB and 2 of unknown size" of the group that begins at first. */
static void put_heading(const struct rows *rows, size_t first, struct bake_buf *out)
{
	const struct shown *shown = rows->shown;
	const struct bake_catalog_entry *entry = shown->list[first];
	struct totals totals = {.models = 0};
	char size[CATALOGCLI_SIZE_TEXT];

	for (size_t i = first; i < shown->count && same_group(entry, shown->list[i]); i++)
		count(&totals, shown->list[i]);
	bake_buf_add(out, "\n", 1);
	catalogcli_put_text(out, bake_catalog_group_title(entry), rows->table.width / 2);
	bake_buf_addf(out, ": %zu model%s, %s\n", totals.models, totals.models == 1 ? "" : "s",
		catalogcli_size(totals.bytes, totals.models, totals.unknown, size));
}

static void write_rows(void *context, size_t first, size_t end, struct bake_buf *out)
{
	const struct rows *rows = context;
	const struct bake_catalog_entry *const *list = rows->shown->list;

	for (size_t i = first; i < end; i++) {
		if (i == 0)
			catalogcli_table_head(&rows->table, out);
		if (i == 0 || !same_group(list[i - 1], list[i]))
			put_heading(rows, i, out);
		catalogcli_table_row(&rows->table, list[i], out);
	}
}

static enum bake_status print_table(const struct shown *shown, bool verbose, struct bake_error *err)
{
	const struct totals *totals = &shown->totals;
	unsigned most = catalogcli_key_room();
	struct rows rows = {.shown = shown};
	struct catalogcli_pieces pieces = {.count = shown->count,
		.most = CATALOGCLI_TEXT_MAX,
		.write = write_rows,
		.context = &rows};
	char size[CATALOGCLI_SIZE_TEXT];
	unsigned widest = 0;

	for (size_t i = 0; i < shown->count && widest < most; i++)
		widest = catalogcli_key_columns(widest, shown->list[i]);
	catalogcli_table_begin(&rows.table, verbose, widest);
	BAKE_TRY(catalogcli_print_pieces(&pieces, err));
	if (totals->models == 0) {
		cli_note(CATALOGCLI_TOOL, "no model is all of that");
		return BAKE_OK;
	}
	(void)printf("\n");
	catalogcli_table_legend();
	(void)printf("%zu model%s, %s; %zu here\n", totals->models, totals->models == 1 ? "" : "s",
		catalogcli_size(totals->bytes, totals->models, totals->unknown, size),
		totals->installed);
	return BAKE_OK;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;
	_cleanup_(shown_release) struct shown shown = {.list = NULL};

	(void)args;
	BAKE_TRY(catalogcli_open(&which, &opened, err));
	BAKE_TRY(bake_catalog_check_filter(opened.catalog, &filter, err));
	bake_catalog_locate_all(opened.catalog, opened.root);
	BAKE_TRY(gather(opened.catalog, &shown, err));
	if (common->json)
		return print_json(&shown, err);
	return print_table(&shown, common->verbose > 0, err);
}

static void release(void)
{
	catalogcli_release(&which);
}

const struct catalogcli_command catalogcli_list = {&command, run, release};
