/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/tui.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tui/showable.h"
#include "tui/terminal.h"

enum {
	ESCAPE_MS = 50, /* what follows ESC later than this is a key of its own */
	GREEN = 1,
	RED = 2
};

static SCREEN *screen;
static bool has_utf8;

static void set_locale(void)
{
	const char *codeset;

	/* A locale that is not installed may still be one of UTF-8. */
	if (!setlocale(LC_CTYPE, ""))
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	codeset = nl_langinfo(CODESET);
	has_utf8 = codeset && strcmp(codeset, "UTF-8") == 0;
}

enum bake_status bake_tui_open(bool colour, struct bake_error *err)
{
	set_locale();
	BAKE_TRY(bake_tui_check_terminal(err));
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return bake_tui_refuse("it cannot be set up", err);
	(void)set_term(screen);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)set_escdelay(ESCAPE_MS);
	(void)curs_set(0);
	if (colour && has_colors() && start_color() == OK) {
		(void)use_default_colors();
		(void)init_pair(GREEN, COLOR_GREEN, -1);
		(void)init_pair(RED, COLOR_RED, -1);
	}
	return BAKE_OK;
}

void bake_tui_close(void)
{
	if (!screen)
		return;
	(void)endwin();
	delscreen(screen);
	screen = NULL;
}

int bake_tui_rows(void)
{
	return getmaxy(stdscr) > 0 ? getmaxy(stdscr) : 1;
}

int bake_tui_columns(void)
{
	return getmaxx(stdscr) > 0 ? getmaxx(stdscr) : 1;
}

bool bake_tui_utf8(void)
{
	return has_utf8;
}

void bake_tui_begin(void)
{
	(void)erase();
}

void bake_tui_end(void)
{
	(void)refresh();
}

static attr_t attributes(enum bake_tui_style style)
{
	static const attr_t plain[] = {
		[BAKE_TUI_PLAIN] = A_NORMAL,
		[BAKE_TUI_BOLD] = A_BOLD,
		[BAKE_TUI_DIM] = A_DIM,
		[BAKE_TUI_SELECTED] = A_REVERSE,
		[BAKE_TUI_GOOD] = A_NORMAL,
		[BAKE_TUI_BAD] = A_BOLD,
	};
	attr_t chosen = (size_t)style < countof(plain) ? plain[style] : A_NORMAL;

	if (COLORS > 0 && style == BAKE_TUI_GOOD)
		chosen |= (attr_t)COLOR_PAIR(GREEN);
	if (COLORS > 0 && style == BAKE_TUI_BAD)
		chosen |= (attr_t)COLOR_PAIR(RED);
	return chosen;
}

int bake_tui_put(
	int row, int column, int width, enum bake_tui_style style, bool fill, const char *text)
{
	char shown[BAKE_TUI_LINE_BYTES];
	int used;

	if (width > bake_tui_columns() - column)
		width = bake_tui_columns() - column;
	if (row < 0 || row >= bake_tui_rows() || column < 0 || width <= 0)
		return 0;
	used = bake_tui_showable(text, width, has_utf8, shown);
	(void)attrset((int)attributes(style));
	(void)mvaddstr(row, column, shown);
	for (int i = used; fill && i < width; i++)
		(void)mvaddch(row, column + i, ' ');
	(void)attrset((int)A_NORMAL);
	return used;
}

void bake_tui_line(int row)
{
	if (row >= 0 && row < bake_tui_rows())
		(void)mvhline(row, 0, 0, bake_tui_columns());
}

void bake_tui_bar(int row, int column, int width, uint64_t done, uint64_t total)
{
	int full = bake_tui_bar_filled(width, done, total);

	for (int i = 0; i < width; i++) {
		bool on = i < full;

		(void)bake_tui_put(row, column + i, 1, on ? BAKE_TUI_GOOD : BAKE_TUI_DIM, false,
			has_utf8 ? (on ? "█" : "░") : (on ? "#" : "."));
	}
}

void bake_tui_cursor(int row, int column)
{
	(void)curs_set(row >= 0 ? 1 : 0);
	if (row >= 0)
		(void)move(row, column);
}

static uint32_t function_key(wint_t code)
{
	static const struct {
		wint_t code;
		uint32_t key;
	} keys[] = {
		{KEY_UP, BAKE_TUI_UP},
		{KEY_DOWN, BAKE_TUI_DOWN},
		{KEY_PPAGE, BAKE_TUI_PAGE_UP},
		{KEY_NPAGE, BAKE_TUI_PAGE_DOWN},
		{KEY_HOME, BAKE_TUI_HOME},
		{KEY_END, BAKE_TUI_END},
		{KEY_ENTER, BAKE_TUI_ENTER},
		{KEY_BACKSPACE, BAKE_TUI_BACKSPACE},
		{KEY_RESIZE, BAKE_TUI_RESIZE},
	};

	for (size_t i = 0; i < countof(keys); i++) {
		if (keys[i].code == code)
			return keys[i].key;
	}
	return BAKE_TUI_OTHER;
}

uint32_t bake_tui_key(int timeout_ms)
{
	wint_t code;
	int kind;

	timeout(timeout_ms);
	kind = get_wch(&code);
	if (kind == ERR)
		return BAKE_TUI_NONE;
	if (kind == KEY_CODE_YES)
		return function_key(code);
	switch (code) {
	case '\r':
	case '\n':
		return BAKE_TUI_ENTER;
	case 27:
		return BAKE_TUI_ESCAPE;
	case 8:
	case 127:
		return BAKE_TUI_BACKSPACE;
	default:
		return code >= 0x20 && code < 0x110000 ? (uint32_t)code : BAKE_TUI_OTHER;
	}
}
