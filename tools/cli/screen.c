/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/columns.h"

enum {
	FRAME_BYTES_MAX = 256 * 1024,
	LINE_BYTES = 2048,
	/* Of a terminal that does not tell, or tells nonsense. */
	COLUMNS = 80,
	COLUMNS_LEAST = 10,
	ROWS = 24,
	ROWS_LEAST = 2
};

static void measure(struct cli_screen *screen)
{
	struct winsize size = {0};
	bool told = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;

	screen->columns = told && size.ws_col >= COLUMNS_LEAST ? size.ws_col : COLUMNS;
	screen->rows = told && size.ws_row >= ROWS_LEAST ? size.ws_row : ROWS;
}

static void write_all(const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(STDERR_FILENO, bytes, len);

		if (put < 0 && errno != EINTR)
			return;
		if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		}
	}
}

/* To the beginning of what is on the screen. A terminal that has become narrower has wrapped it. */
static void go_back(struct cli_screen *screen)
{
	unsigned up = 0;

	for (unsigned i = 0; i < screen->lines; i++)
		up += screen->width[i] ? (screen->width[i] - 1) / screen->columns + 1 : 1;
	bake_buf_text(&screen->frame, "\r");
	if (up > 1)
		bake_buf_addf(&screen->frame, "\033[%uA", up - 1);
}

void cli_screen_begin(struct cli_screen *screen)
{
	screen->frame.max = FRAME_BYTES_MAX;
	bake_buf_clear(&screen->frame);
	measure(screen);
	go_back(screen);
	screen->next = 0;
}

unsigned cli_screen_room(const struct cli_screen *screen)
{
	unsigned most = screen->rows - 1;

	if (most > CLI_SCREEN_LINES)
		most = CLI_SCREEN_LINES;
	return most > screen->next ? most - screen->next : 0;
}

void cli_screen_line(struct cli_screen *screen, const char *text)
{
	char line[LINE_BYTES];

	if (!cli_screen_room(screen))
		return;
	/* The last column stays free: a cursor behind it is in the next line on some terminals. */
	cli_fit(text, screen->columns - 1, CLI_FIT_HEAD, line, sizeof(line));
	bake_buf_addf(&screen->frame, "%s%s\033[K", screen->next ? "\n" : "", line);
	screen->width[screen->next++] = cli_columns(line);
}

static void show(struct cli_screen *screen)
{
	bake_buf_text(&screen->frame, "\033[J");
	(void)fflush(stderr);
	if (screen->frame.ptr && !screen->frame.full && !screen->frame.nomem)
		write_all(screen->frame.ptr, screen->frame.len);
}

void cli_screen_end(struct cli_screen *screen)
{
	show(screen);
	screen->lines = screen->next;
}

void cli_screen_clear(struct cli_screen *screen)
{
	if (!screen->lines)
		return;
	cli_screen_begin(screen);
	show(screen);
	screen->lines = 0;
}

void cli_screen_release(struct cli_screen *screen)
{
	cli_screen_clear(screen);
	bake_buf_release(&screen->frame);
}
