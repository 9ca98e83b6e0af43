/* SPDX-License-Identifier: Apache-2.0 */
/* What of hostile text reaches a screen, and how much of it. */
#include "unit/rows.h"

#include <locale.h>
#include <string.h>

#include "tui/showable.h"

#define U_UMLAUT "\xc3\xbc"	/* one column */
#define WIDE	 "\xe4\xb8\xad" /* two */
#define ACUTE	 "\xcc\x81"	/* none: it goes on the character before it */
#define BIDI	 "\xe2\x80\xae" /* turns what follows around */
#define LINE_SEP "\xe2\x80\xa8" /* a line's end of Unicode */
#define C1_CSI	 "\xc2\x9b"	/* ESC [ in one character */

static const struct text_row {
	const char *name;
	const char *text;
	int width;
	bool utf8;
	const char *want;
	int columns;
} texts[] = {
	{"fits", "abc", 5, true, "abc", 3},
	{"just fits", "abc", 3, true, "abc", 3},
	{"is cut", "abcd", 3, true, "abc", 3},
	{"no room", "abc", 0, true, "", 0},
	{"less than no room", "abc", -4, true, "", 0},
	{"nothing", "", 5, true, "", 0},
	{"beyond ASCII", U_UMLAUT "x", 5, true, U_UMLAUT "x", 2},
	{"beyond ASCII, without UTF-8", U_UMLAUT "x", 5, false, "?x", 2},
	{"wide", WIDE WIDE, 4, true, WIDE WIDE, 4},
	{"wide, and one column too few", WIDE WIDE, 3, true, WIDE, 2},
	{"wide, and one column", WIDE, 1, true, "", 0},
	{"combined", "e" ACUTE, 1, true, "e" ACUTE, 1},
	{"an escape sequence", "a\x1b[31mb", 10, true, "a?[31mb", 7},
	{"newline, bell, delete", "\n\a\x7f", 10, true, "???", 3},
	{"an escape of one character", C1_CSI "31m", 10, true, "?31m", 4},
	{"bidirectional", "a" BIDI "b", 10, true, "a?b", 3},
	{"a line's end of Unicode", "a" LINE_SEP "b", 10, true, "a?b", 3},
	{"malformed", "a\xff\xc3", 10, true, "a??", 3},
	{"torn at its end", "a\xe4\xb8", 10, true, "a??", 3},
	{"overlong", "\xc0\xaf", 10, true, "??", 2},
	{"a surrogate", "\xed\xa0\x80", 10, true, "???", 3},
};

static void try_text(void **state)
{
	const struct text_row *row = *state;
	char out[BAKE_TUI_LINE_BYTES];

	assert_int_equal(bake_tui_showable(row->text, row->width, row->utf8, out), row->columns);
	assert_string_equal(out, row->want);
}

static const struct bar_row {
	const char *name;
	int width;
	uint64_t done;
	uint64_t total;
	int want;
} bars[] = {
	{"nothing of nothing", 10, 0, 0, 0},
	{"something of nothing", 10, 5, 0, 0},
	{"nothing", 10, 0, 7, 0},
	{"half", 10, 5, 10, 5},
	{"all", 10, 7, 7, 10},
	{"more than all", 10, 8, 7, 10},
	{"nearly all is not all", 10, UINT64_MAX - 1, UINT64_MAX, 9},
	{"no room", 0, 7, 7, 0},
};

static void try_bar(void **state)
{
	const struct bar_row *row = *state;

	assert_int_equal(bake_tui_bar_filled(row->width, row->done, row->total), row->want);
}

/* Characters of no column cannot make a line longer than its room. */
static void no_columns(void)
{
	char text[3 * BAKE_TUI_LINE_BYTES + 2] = "e";
	char out[BAKE_TUI_LINE_BYTES];

	for (size_t i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, ACUTE, 2);
	assert_int_equal(bake_tui_showable(text, 10, true, out), 1);
	assert_true(strlen(out) < sizeof(out));
	assert_int_equal(strlen(out) % 2, 1); /* whole characters */
}

static const struct scenario scenarios[] = {{"characters of no column", no_columns}};

int main(void)
{
	const struct rows tables[] = {
		ROWS(texts, try_text), ROWS(bars, try_bar), ROWS(scenarios, play_scenario)};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return run_rows("tui_showable", tables, countof(tables));
}
