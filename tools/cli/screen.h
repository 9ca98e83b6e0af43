/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few lines at the end of the terminal that are drawn over and over. The cursor stays visible and
 * behind the last of them, and no mode is switched: a process that is killed leaves a terminal that
 * works. The terminal's size is asked for each time.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "base/buf.h"

enum {
	CLI_SCREEN_LINES = 100 /* most lines drawn, however tall the terminal */
};

struct cli_screen {
	struct bake_buf frame;
	unsigned columns;
	unsigned rows;
	unsigned lines; /* on the screen now */
	unsigned width[CLI_SCREEN_LINES];
	unsigned next; /* lines of the frame so far */
};

/* Begins a frame: the size is known from here on. */
void cli_screen_begin(struct cli_screen *screen);

/* Lines that may still be added: all but one row of the terminal. */
unsigned cli_screen_room(const struct cli_screen *screen);

/* A line of valid UTF-8, cut where the terminal ends. */
void cli_screen_line(struct cli_screen *screen, const char *text);

/* Puts the frame in the place of the former one, in one write. */
void cli_screen_end(struct cli_screen *screen);

/* Takes everything off: before anything else is printed, and at the end. */
void cli_screen_clear(struct cli_screen *screen);

void cli_screen_release(struct cli_screen *screen);

#endif
