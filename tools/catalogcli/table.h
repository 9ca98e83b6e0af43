/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as lines that fit the terminal. */
#ifndef CATALOGCLI_TABLE_H
#define CATALOGCLI_TABLE_H

#include "base/buf.h"
#include "base/units.h"
#include "catalog/catalog.h"

/* Columns of standard output: $COLUMNS, else the terminal's, else 80. */
unsigned catalogcli_width(void);

/* Adds text from outside: cut to columns, inert. */
void catalogcli_put_text(struct bake_buf *out, const char *text, unsigned columns);

struct catalogcli_table {
	unsigned key;	   /* columns of the key, */
	unsigned title;	   /* of the title, 0: there is no room for it */
	bool descriptions; /* below each entry */
	unsigned width;
};

/* Finds out what fits. The keys are as wide as the widest that is shown; how wide those are that get
 * all there is for them does not matter. */
void catalogcli_table_begin(
	struct catalogcli_table *table, bool descriptions, unsigned key_columns);
unsigned catalogcli_key_columns(unsigned widest, const struct bake_catalog_entry *entry);
unsigned catalogcli_key_room(void);

void catalogcli_table_head(const struct catalogcli_table *table, struct bake_buf *out);
void catalogcli_table_row(const struct catalogcli_table *table,
	const struct bake_catalog_entry *entry, struct bake_buf *out);

enum {
	CATALOGCLI_TEXT_MAX = 1 << 28 /* bytes of all that is printed at once */
};

/* What the marks of the rows mean. */
void catalogcli_table_legend(void);

/* "12.3 GB", "12.3 GB and 2 of unknown size", "unknown size". Returns text. */
enum {
	CATALOGCLI_SIZE_TEXT = 80
};
const char *catalogcli_size(
	uint64_t bytes, size_t count, size_t unknown, char text[CATALOGCLI_SIZE_TEXT]);

/* A size, or "?" when it is not known. Returns text. */
const char *catalogcli_entry_size(
	const struct bake_catalog_entry *entry, char text[BAKE_UNITS_TEXT]);

/* Prints what was put together, unless that failed. */
enum bake_status catalogcli_print(const struct bake_buf *text, struct bake_error *err);

/* Prints a finished document, unless it did not become one. */
enum bake_status catalogcli_print_json(const struct bake_buf *text, struct bake_error *err);

#endif
