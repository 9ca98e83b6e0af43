/* SPDX-License-Identifier: Apache-2.0 */
/* Widths, and text cut to them. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"

#define O_UMLAUT "\xc3\xb6"	    /* one column, two bytes */
#define NI	 "\xe4\xbd\xa0"	    /* two columns, three bytes */
#define ACUTE	 "\xcc\x81"	    /* no column: over the letter before it */
#define FACE	 "\xf0\x9f\x98\x80" /* two columns, four bytes */

static const struct width_row {
	const char *name;
	const char *text;
	unsigned columns;
} widths[] = {
	{"nothing", "", 0},
	{"ASCII", "model.bin", 9},
	{"a letter of two bytes", "gr" O_UMLAUT "n", 4},
	{"a wide one", NI NI, 4},
	{"a combining one", "e" ACUTE, 1},
	{"a face", FACE, 2},
	{"not UTF-8", "\xff\xfe", 2},
	{"a sequence that is cut", "a\xe4\xbd", 3},
};

static void try_width(void **state)
{
	const struct width_row *row = *state;

	assert_int_equal(cli_columns(row->text), row->columns);
}

static const struct fit_row {
	const char *name;
	const char *text;
	unsigned columns;
	size_t room;
	const char *head;
	const char *tail;
} fits[] = {
	{"it fits", "abc", 3, 16, "abc", "abc"},
	{"nothing fits", "abc", 0, 16, "", ""},
	{"too narrow for dots", "abcdef", 3, 16, "abc", ""},
	{"cut", "abcdefgh", 5, 16, "abcde", "...gh"},
	{"half a wide one does not fit", NI NI NI, 5, 16, NI NI, "..." NI},
	{"a wide one leaves a gap", NI NI NI, 4, 16, NI NI, "..."},
	{"a mark goes with its letter",
		"xxxx"
		"e" ACUTE "bcd",
		6, 32, "xxxxe" ACUTE "b", "...bcd"},
	{"a mark behind the last column", "abc" ACUTE "d", 3, 16, "abc" ACUTE, ""},
	{"half a wide one behind plain text", "abcdefgh" NI NI, 9, 32, "abcdefgh", "...gh" NI NI},
	{"plain text longer than the room", "abcdefgh", 8, 6, "abcde", "...gh"},
	{"what is plain to JSON alone", "a\"b\\c\x7f", 4, 16, "a\"b\\", "...\x7f"},
	{"bytes are scarce", NI NI NI NI, 80, 9, NI NI, "..." NI},
	{"no room for dots", "abcdefgh", 80, 4, "abc", ""},
};

static void try_fit(void **state)
{
	const struct fit_row *row = *state;
	char out[64];

	memset(out, 'x', sizeof(out));
	assert_string_equal(
		cli_fit(row->text, row->columns, CLI_FIT_HEAD, out, row->room), row->head);
	assert_int_equal(out[row->room], 'x');
	assert_string_equal(
		cli_fit(row->text, row->columns, CLI_FIT_TAIL, out, row->room), row->tail);
	assert_int_equal(out[row->room], 'x');
}

static const struct name_row {
	const char *name;
	const char *locale;
	const char *text;
	const char *shown;
} names[] = {
	{"ASCII", "C", "dir/model.bin", "dir/model.bin"},
	{"UTF-8 where there is none", "C", O_UMLAUT, "\\xc3\\xb6"},
	{"UTF-8", "de_DE.UTF-8", O_UMLAUT, O_UMLAUT},
	{"UTF-8 in other letters", "de_DE.utf8", O_UMLAUT, O_UMLAUT},
	{"an escape", "C.UTF-8", "a\x1b[2J", "a\\x1b[2J"},
	{"text that runs backwards", "C.UTF-8", "a\xe2\x80\xae", "a\\xe2\\x80\\xae"},
	{"not UTF-8", "C.UTF-8", "\xff", "\\xff"},
	{"a long one", "C", "some/long/directory/model.bin", "...ctory/model.bin"},
};

static void try_name(void **state)
{
	const struct name_row *row = *state;
	char out[64];

	assert_int_equal(setenv("LC_ALL", row->locale, 1), 0);
	assert_string_equal(cli_show_name(row->text, 18, out, sizeof(out)), row->shown);
}

static void the_first_variable_decides(void)
{
	assert_int_equal(setenv("LC_ALL", "", 1), 0);
	assert_int_equal(setenv("LC_CTYPE", "C.UTF-8", 1), 0);
	assert_int_equal(setenv("LANG", "C", 1), 0);
	assert_true(cli_has_utf8());
	assert_int_equal(setenv("LC_ALL", "C", 1), 0);
	assert_false(cli_has_utf8());
	assert_int_equal(unsetenv("LC_ALL"), 0);
	assert_int_equal(unsetenv("LC_CTYPE"), 0);
	assert_false(cli_has_utf8());
	assert_int_equal(unsetenv("LANG"), 0);
	assert_false(cli_has_utf8());
}

static const struct scenario others[] = {
	{"the first variable decides", the_first_variable_decides},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(widths, try_width),
		ROWS(fits, try_fit),
		ROWS(names, try_name),
		ROWS(others, play_scenario),
	};

	return run_rows("cli/columns", tables, countof(tables));
}
