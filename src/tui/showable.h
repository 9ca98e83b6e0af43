/* SPDX-License-Identifier: Apache-2.0 */
/* Text of unknown origin, cut to columns and without what a terminal would obey. */
#ifndef TUI_SHOWABLE_H
#define TUI_SHOWABLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BAKE_TUI_LINE_BYTES = 4096
};

/* What of text fits into width columns. What is no printable character, and without utf8 what is
 * beyond ASCII, becomes '?'. Widths are those of the locale. Returns the columns it takes. */
int bake_tui_showable(const char *text, int width, bool utf8, char out[BAKE_TUI_LINE_BYTES]);

/* Columns of width that a bar has filled at done of total: all of them only when all is done. */
int bake_tui_bar_filled(int width, uint64_t done, uint64_t total);

#endif
