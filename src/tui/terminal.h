/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a screen can be drawn on the terminal. */
#ifndef TUI_TERMINAL_H
#define TUI_TERMINAL_H

#include "base/error.h"

/* BAKE_ERR_CONFIG menu.terminal when terminfo does not describe it, or it cannot move its cursor. */
enum bake_status bake_tui_check_terminal(struct bake_error *err) BAKE_CHECKED;

/* That error, and why. */
enum bake_status bake_tui_refuse(const char *why, struct bake_error *err);

#endif
