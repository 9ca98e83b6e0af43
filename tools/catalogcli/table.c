/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogcli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/report.h"

enum {
	WIDTH = 80,
	WIDTH_MIN = 40,
	WIDTH_MAX = 1000,
	LINE_ROOM = 4 * WIDTH_MAX,
	MARK = 2,
	GAP = 2,
	QUANTIZATION = 12,
	SIZE = 9,
	RAM = 7,
	STATE = 4,
	PINS = 8,
	REST = MARK + GAP + QUANTIZATION + GAP + SIZE + GAP + RAM + GAP + STATE + GAP + PINS,
	KEY_MIN = 12,
	TITLE_MIN = 20,
	DESCRIPTION_INDENT = 4
};

unsigned catalogcli_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = {0};
	uint64_t width = 0;

	if (!columns || !bake_number_parse(columns, strlen(columns), &width))
		width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
	if (width < WIDTH_MIN)
		return width == 0 ? WIDTH : WIDTH_MIN;
	return width > WIDTH_MAX ? WIDTH_MAX : (unsigned)width;
}

void catalogcli_put_text(struct bake_buf *out, const char *text, unsigned columns)
{
	char shown[LINE_ROOM];

	bake_buf_text(out, cli_show_text(text, columns, CLI_FIT_HEAD, shown, sizeof(shown)));
}

static void put_blanks(struct bake_buf *out, size_t count)
{
	char *room = bake_buf_room(out, count);

	if (room)
		memset(room, ' ', count);
}

static void put_fitted(
	struct bake_buf *out, const char *text, unsigned columns, enum cli_fit_end keep)
{
	char shown[LINE_ROOM];
	unsigned width;

	cli_show_text(text, columns, keep, shown, sizeof(shown));
	width = cli_columns(shown);
	bake_buf_text(out, shown);
	put_blanks(out, (columns > width ? columns - width : 0) + GAP);
}

/* Text in a column of that width. Most fits as it is. */
static void put_column(
	struct bake_buf *out, const char *text, unsigned columns, enum cli_fit_end keep)
{
	size_t len = strlen(text);

	if (len > columns || len > BAKE_SHOWN_MAX || bake_text_plain(text, len) < len) {
		put_fitted(out, text, columns, keep);
		return;
	}
	bake_buf_add(out, text, len);
	put_blanks(out, columns + GAP - len);
}

/* A word of ours at the right of its column. */
static void put_right(struct bake_buf *out, const char *word, size_t columns)
{
	size_t len = strlen(word);

	put_blanks(out, len < columns ? columns - len : 0);
	bake_buf_add(out, word, len);
	put_blanks(out, GAP);
}

unsigned catalogcli_key_columns(unsigned widest, const struct bake_catalog_entry *entry)
{
	unsigned columns = cli_columns(entry->key);

	return columns > widest ? columns : widest;
}

static unsigned key_room(unsigned width)
{
	return width > REST + KEY_MIN ? width - REST : KEY_MIN;
}

unsigned catalogcli_key_room(void)
{
	return key_room(catalogcli_width());
}

void catalogcli_table_begin(struct catalogcli_table *table, bool descriptions, unsigned key_columns)
{
	unsigned width = catalogcli_width();
	unsigned room = key_room(width);

	table->width = width;
	table->descriptions = descriptions;
	table->key = key_columns < KEY_MIN ? KEY_MIN : key_columns;
	table->title = 0;
	if (table->key > room)
		table->key = room;
	else if (room >= table->key + GAP + TITLE_MIN)
		table->title = room - table->key - GAP;
}

void catalogcli_table_head(const struct catalogcli_table *table, struct bake_buf *out)
{
	put_blanks(out, MARK);
	put_column(out, "ID", table->key, CLI_FIT_HEAD);
	if (table->title)
		put_column(out, "TITLE", table->title, CLI_FIT_HEAD);
	bake_buf_addf(out, "%-*s  %*s  %*s  %-*s  %s\n", QUANTIZATION, "QUANT", SIZE, "SIZE", RAM,
		"RAM", STATE, "HERE", "PINS");
}

const char *catalogcli_entry_size(
	const struct bake_catalog_entry *entry, char text[BAKE_UNITS_TEXT])
{
	if (entry->size_known)
		return bake_bytes_format(entry->bytes, text);
	text[0] = '?';
	text[1] = '\0';
	return text;
}

static const char *state_word(enum bake_catalog_state state)
{
	static const char *const words[] = {[BAKE_CATALOG_UNKNOWN] = "?",
		[BAKE_CATALOG_ABSENT] = "-",
		[BAKE_CATALOG_PARTIAL] = "part",
		[BAKE_CATALOG_INSTALLED] = "yes"};

	return words[state];
}

static char mark_of(const struct bake_catalog_entry *entry)
{
	if (entry->is_default)
		return '*';
	return entry->recommended ? '+' : ' ';
}

/* Below a row, what has no room in it. */
static void put_more(const struct catalogcli_table *table, const struct bake_catalog_entry *entry,
	struct bake_buf *out)
{
	const char *texts[] = {
		!table->title && strcmp(entry->title, entry->id) != 0 ? entry->title : NULL,
		entry->description,
	};

	for (size_t i = 0; i < countof(texts); i++) {
		if (!texts[i])
			continue;
		put_blanks(out, DESCRIPTION_INDENT);
		catalogcli_put_text(out, texts[i], table->width - DESCRIPTION_INDENT);
		bake_buf_add(out, "\n", 1);
	}
}

void catalogcli_table_row(const struct catalogcli_table *table,
	const struct bake_catalog_entry *entry, struct bake_buf *out)
{
	const char mark[MARK] = {mark_of(entry), ' '};
	char size[BAKE_UNITS_TEXT];
	char ram[BAKE_UNITS_TEXT] = "-";

	bake_buf_add(out, mark, sizeof(mark));
	put_column(out, entry->key, table->key, CLI_FIT_TAIL);
	if (table->title)
		put_column(out, entry->title, table->title, CLI_FIT_HEAD);
	put_column(out,
		entry->quantization ? entry->quantization : (entry->format ? entry->format : "-"),
		QUANTIZATION, CLI_FIT_HEAD);
	if (entry->min_ram_bytes)
		bake_bytes_format(entry->min_ram_bytes, ram);
	put_right(out, catalogcli_entry_size(entry, size), SIZE);
	put_right(out, ram, RAM);
	put_column(out, state_word(entry->state), STATE, CLI_FIT_HEAD);
	bake_buf_text(
		out, entry->pins == BAKE_PINS_NONE ? "-" : bake_catalog_pins_name(entry->pins));
	bake_buf_add(out, "\n", 1);
	if (table->descriptions)
		put_more(table, entry, out);
}

void catalogcli_table_legend(void)
{
	(void)printf("* default, + recommended\n");
}

const char *catalogcli_size(
	uint64_t bytes, size_t count, size_t unknown, char text[CATALOGCLI_SIZE_TEXT])
{
	char size[BAKE_UNITS_TEXT];

	if (unknown == 0)
		(void)snprintf(text, CATALOGCLI_SIZE_TEXT, "%s", bake_bytes_format(bytes, size));
	else if (unknown == count)
		(void)snprintf(text, CATALOGCLI_SIZE_TEXT, "unknown size");
	else
		(void)snprintf(text, CATALOGCLI_SIZE_TEXT, "%s and %zu of unknown size",
			bake_bytes_format(bytes, size), unknown);
	return text;
}

enum bake_status catalogcli_print(const struct bake_buf *text, struct bake_error *err)
{
	BAKE_TRY(bake_buf_status(text, "report", err));
	if (text->len)
		(void)fwrite(text->ptr, 1, text->len, stdout);
	return BAKE_OK;
}

enum bake_status catalogcli_print_json(const struct bake_buf *text, struct bake_error *err)
{
	BAKE_TRY(bake_buf_status(text, "report", err));
	cli_print_json(text);
	return BAKE_OK;
}
