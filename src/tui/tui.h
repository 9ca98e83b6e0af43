/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen of text and the keys of a terminal, drawn by ncurses. One screen a process. Text from
 * anywhere may be put on it: what is no printable character becomes '?', so that nothing is ever
 * sent to the terminal but what ncurses makes of it.
 */
#ifndef TUI_TUI_H
#define TUI_TUI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum bake_tui_style {
	BAKE_TUI_PLAIN,
	BAKE_TUI_BOLD,
	BAKE_TUI_DIM,
	BAKE_TUI_SELECTED, /* reversed */
	BAKE_TUI_GOOD,	   /* green, where there is colour */
	BAKE_TUI_BAD,	   /* red and bold */
};

/* Keys that are no characters; characters are their code points. */
enum bake_tui_key {
	BAKE_TUI_NONE = 0, /* no key came in time, or a signal did */
	BAKE_TUI_UP = 0x110000,
	BAKE_TUI_DOWN,
	BAKE_TUI_PAGE_UP,
	BAKE_TUI_PAGE_DOWN,
	BAKE_TUI_HOME,
	BAKE_TUI_END,
	BAKE_TUI_ENTER,
	BAKE_TUI_ESCAPE,
	BAKE_TUI_BACKSPACE,
	BAKE_TUI_RESIZE,
	BAKE_TUI_OTHER,
};

/* Takes the terminal over: BAKE_ERR_CONFIG menu.terminal when it cannot be drawn on, or nothing
 * describes it. colour: whether it may be used. */
enum bake_status bake_tui_open(bool colour, struct bake_error *err) BAKE_CHECKED;

/* Gives it back as it was. Without a screen nothing happens. */
void bake_tui_close(void);

/* The size now; at least 1 each. */
int bake_tui_rows(void);
int bake_tui_columns(void);

/* Whether characters beyond ASCII can be shown. */
bool bake_tui_utf8(void);

/* Begins a frame, empty; shows it. */
void bake_tui_begin(void);
void bake_tui_end(void);

/* Text at a place, cut to width columns; with fill the rest of them is blank in the same style.
 * Outside of the screen nothing happens. Returns the columns that the text took. */
int bake_tui_put(
	int row, int column, int width, enum bake_tui_style style, bool fill, const char *text);

/* A line across the screen. */
void bake_tui_line(int row);

/* A bar of width columns, filled to done of total. */
void bake_tui_bar(int row, int column, int width, uint64_t done, uint64_t total);

/* Shows the cursor at a place, or with row -1 nowhere. */
void bake_tui_cursor(int row, int column);

/* The next key, for which is waited up to timeout_ms. */
uint32_t bake_tui_key(int timeout_ms);

#endif
