/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog list. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/parallel.h"
#include "catalog/filter.h"
#include "catalog/write.h"
#include "catalogcli/commands.h"
#include "catalogcli/load.h"
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

enum {
	PIECE = 128, /* entries written by one thread at a time */
	ROUND = 16   /* pieces that are written before they are printed */
};

/* Entries that are being written, and their texts, of which each round makes use again. */
struct round {
	const struct bake_json_writer *writer;
	const struct bake_catalog_entry **shown;
	size_t count;
	struct bake_buf texts[ROUND];
};

static void write_piece(void *context, size_t at)
{
	struct round *round = context;
	struct bake_json_writer writer =
		bake_json_branch(round->writer, &round->texts[at], at == 0);
	size_t end = (at + 1) * PIECE;

	for (size_t i = at * PIECE; i < end && i < round->count; i++) {
		bake_json_object_line(&writer);
		bake_catalog_put_entry(&writer, round->shown[i]);
		bake_json_end_object(&writer);
	}
}

/* Prints what the writer has so far, and then the pieces. */
static enum bake_status print_pieces(
	struct bake_json_writer *writer, struct round *round, size_t pieces, struct bake_error *err)
{
	for (size_t i = 0; i < pieces; i++) {
		BAKE_TRY(bake_buf_status(&round->texts[i], "report", err));
		bake_json_append(writer, &round->texts[i]);
		BAKE_TRY(bake_buf_status(writer->buf, "report", err));
		cli_print_json(writer->buf);
		bake_buf_clear(writer->buf);
		bake_buf_clear(&round->texts[i]);
	}
	return BAKE_OK;
}

/* Ten thousand entries are several megabytes of text: all processors write them, and they are
 * printed as they become. */
static enum bake_status print_entries(struct bake_json_writer *writer,
	const struct bake_catalog_entry **shown, size_t count, struct bake_error *err)
{
	struct round round = {.writer = writer};
	enum bake_status status = BAKE_OK;

	for (size_t i = 0; i < ROUND; i++)
		round.texts[i] = (struct bake_buf)BAKE_BUF_INIT(writer->buf->max);
	for (size_t done = 0; done < count && status == BAKE_OK; done += round.count) {
		size_t left = count - done;
		size_t pieces;

		round.shown = shown + done;
		round.count = left < (size_t)ROUND * PIECE ? left : (size_t)ROUND * PIECE;
		pieces = (round.count + PIECE - 1) / PIECE;
		bake_parallel(pieces, 0, write_piece, &round);
		status = print_pieces(writer, &round, pieces, err);
	}
	for (size_t i = 0; i < ROUND; i++)
		bake_buf_release(&round.texts[i]);
	return status;
}

static enum bake_status print_json(const struct bake_catalog *catalog, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const struct bake_error none = BAKE_ERROR_INIT;
	struct totals totals = {.models = 0};
	_cleanup_free_ const struct bake_catalog_entry **shown =
		calloc(catalog->entry_count + 1, sizeof(*shown));
	size_t shown_count = 0;

	if (!shown)
		return bake_error_nomem(err);
	bake_json_object(&writer);
	cli_put_outcome(&writer, &none);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < catalog->entry_count; i++) {
		const struct bake_catalog_entry *entry = &catalog->entries[i];

		if (!bake_catalog_shows(&filter, entry))
			continue;
		count(&totals, entry);
		shown[shown_count++] = entry;
	}
	BAKE_TRY(print_entries(&writer, shown, shown_count, err));
	bake_json_end_array(&writer);
	bake_json_put_u64(&writer, "bytes", totals.bytes);
	bake_json_put_u64(&writer, "unknown_sizes", totals.unknown);
	bake_json_put_u64(&writer, "installed", totals.installed);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return catalogcli_print_json(&text, err);
}

static bool same_group(const struct bake_catalog_entry *a, const struct bake_catalog_entry *b)
{
	return a->group == b->group &&
	       strcasecmp(bake_catalog_group_word(a), bake_catalog_group_word(b)) == 0;
}

/* "vae: 4 models, 670 MB and 2 of unknown size" of the group that begins at first. */
static void print_heading(const struct bake_catalog *catalog, size_t first, unsigned width)
{
	const struct bake_catalog_entry *entry = &catalog->entries[first];
	struct totals totals = {.models = 0};
	char size[CATALOGCLI_SIZE_TEXT];

	for (size_t i = first; i < catalog->entry_count; i++) {
		if (!same_group(entry, &catalog->entries[i]))
			break;
		if (bake_catalog_shows(&filter, &catalog->entries[i]))
			count(&totals, &catalog->entries[i]);
	}
	(void)printf("\n");
	catalogcli_print_text(bake_catalog_group_title(entry), width / 2);
	(void)printf(": %zu model%s, %s\n", totals.models, totals.models == 1 ? "" : "s",
		catalogcli_size(totals.bytes, totals.models, totals.unknown, size));
}

static void print_table(const struct bake_catalog *catalog, bool verbose)
{
	const struct bake_catalog_entry *last = NULL;
	struct totals totals = {.models = 0};
	struct catalogcli_table table;
	char size[CATALOGCLI_SIZE_TEXT];
	unsigned widest = 0;

	for (size_t i = 0; i < catalog->entry_count; i++) {
		if (bake_catalog_shows(&filter, &catalog->entries[i]))
			widest = catalogcli_key_columns(widest, &catalog->entries[i]);
	}
	catalogcli_table_begin(&table, verbose, widest);
	for (size_t i = 0; i < catalog->entry_count; i++) {
		const struct bake_catalog_entry *entry = &catalog->entries[i];

		if (!bake_catalog_shows(&filter, entry))
			continue;
		if (!last)
			catalogcli_table_head(&table);
		if (!last || !same_group(last, entry))
			print_heading(catalog, i, table.width);
		catalogcli_table_row(&table, entry);
		count(&totals, entry);
		last = entry;
	}
	if (totals.models == 0) {
		cli_note(CATALOGCLI_TOOL, "no model is all of that");
		return;
	}
	(void)printf("\n");
	catalogcli_table_legend();
	(void)printf("%zu model%s, %s; %zu here\n", totals.models, totals.models == 1 ? "" : "s",
		catalogcli_size(totals.bytes, totals.models, totals.unknown, size),
		totals.installed);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;

	(void)args;
	BAKE_TRY(catalogcli_open(&which, &opened, err));
	BAKE_TRY(bake_catalog_check_filter(opened.catalog, &filter, err));
	bake_catalog_locate_all(opened.catalog, opened.root);
	if (common->json)
		return print_json(opened.catalog, err);
	print_table(opened.catalog, common->verbose > 0);
	return BAKE_OK;
}

static void release(void)
{
	catalogcli_release(&which);
}

const struct catalogcli_command catalogcli_list = {&command, run, release};
