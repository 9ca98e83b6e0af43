/* SPDX-License-Identifier: Apache-2.0 */
/* What the screens of the menu are made of. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakecli/menu.h"
#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "base/units.h"

/* "2 running, 1 waiting  12.3 MB/s" for the corner. */
static void describe_queue(const struct bakecli_queue *queue, char *text, size_t room)
{
	size_t running = bakecli_queue_count(queue, BAKECLI_RUNNING);
	size_t waiting = bakecli_queue_count(queue, BAKECLI_WAITING);
	uint64_t rate = 0;

	for (size_t i = 0; i < queue->count; i++)
		rate += queue->jobs[i].rate;
	text[0] = '\0';
	if (running)
		(void)snprintf(text, room, "%zu running, %zu waiting, %s/s", running, waiting,
			BAKE_BYTES(rate));
	else if (waiting)
		(void)snprintf(text, room, "%zu waiting", waiting);
}

void menu_begin(const struct menu *menu, const char *title)
{
	char corner[120];
	int columns = bake_tui_columns();
	int used;

	bake_tui_begin();
	describe_queue(menu->queue, corner, sizeof(corner));
	used = bake_tui_put(0, 1, columns - 2, BAKE_TUI_BOLD, false, "bake");
	used += bake_tui_put(0, 1 + used, columns - 2 - used, BAKE_TUI_PLAIN, false, "  ");
	used += bake_tui_put(0, 1 + used, columns - 2 - used, BAKE_TUI_PLAIN, false, title);
	if ((int)strlen(corner) + used + 4 < columns)
		(void)bake_tui_put(0, columns - 1 - (int)strlen(corner), (int)strlen(corner),
			BAKE_TUI_DIM, false, corner);
	bake_tui_line(1);
	bake_tui_cursor(-1, 0);
}

int menu_end(void)
{
	return bake_tui_rows() - MENU_BOTTOM;
}

void menu_finish(const struct menu *menu, const char *keys)
{
	int rows = bake_tui_rows();

	bake_tui_line(rows - 3);
	(void)bake_tui_put(rows - 2, 1, bake_tui_columns() - 2,
		menu->bad ? BAKE_TUI_BAD : BAKE_TUI_PLAIN, false, menu->message);
	(void)bake_tui_put(rows - 1, 1, bake_tui_columns() - 2, BAKE_TUI_DIM, false, keys);
}

uint32_t menu_key(struct menu *menu)
{
	uint32_t key;

	bake_tui_end();
	bakecli_queue_tick(menu->queue);
	key = bake_tui_key(MENU_TICK_MS);
	if (bake_stop_signal() || (key == BAKE_TUI_NONE && !isatty(STDIN_FILENO)))
		menu->quit = true;
	return menu->quit ? BAKE_TUI_ESCAPE : key;
}

bool menu_is_back(uint32_t key)
{
	return key == BAKE_TUI_ESCAPE || key == 'q';
}

void menu_say(struct menu *menu, bool bad, const char *text)
{
	(void)snprintf(
		menu->message, sizeof(menu->message), "%.*s", (int)sizeof(menu->message) - 1, text);
	menu->bad = bad;
}

bool menu_move(uint32_t key, size_t count, size_t *at)
{
	size_t page = menu_end() - MENU_TOP > 1 ? (size_t)(menu_end() - MENU_TOP - 1) : 1;
	size_t last = count ? count - 1 : 0;

	switch (key) {
	case BAKE_TUI_UP:
		*at -= *at ? 1 : 0;
		return true;
	case BAKE_TUI_DOWN:
		*at += *at < last ? 1 : 0;
		return true;
	case BAKE_TUI_PAGE_UP:
		*at = *at > page ? *at - page : 0;
		return true;
	case BAKE_TUI_PAGE_DOWN:
		*at = *at + page < last ? *at + page : last;
		return true;
	case BAKE_TUI_HOME:
		*at = 0;
		return true;
	case BAKE_TUI_END:
		*at = last;
		return true;
	default:
		return false;
	}
}

size_t menu_scroll(size_t at, size_t first, size_t fit)
{
	if (at < first)
		return at;
	if (fit && at >= first + fit)
		return at - fit + 1;
	return first;
}

/* The bytes of a code point. */
static size_t encode(uint32_t point, char out[4])
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

bool menu_input_key(struct menu_input *input, uint32_t key)
{
	char bytes[4];
	size_t len;

	if (key == BAKE_TUI_BACKSPACE) {
		while (input->len && (input->text[input->len - 1] & 0xc0) == 0x80)
			input->len--;
		input->len -= input->len ? 1 : 0;
		input->text[input->len] = '\0';
		return true;
	}
	if (key < 0x20 || key >= 0x110000)
		return false;
	len = encode(key, bytes);
	if (input->len + len < sizeof(input->text)) {
		memcpy(input->text + input->len, bytes, len);
		input->len += len;
		input->text[input->len] = '\0';
	}
	return true;
}

void menu_input_draw(int row, const char *prompt, const struct menu_input *input)
{
	int columns = bake_tui_columns();
	int used = bake_tui_put(row, 1, columns - 2, BAKE_TUI_BOLD, false, prompt);

	used += bake_tui_put(row, 1 + used, columns - 2 - used, BAKE_TUI_PLAIN, false, input->text);
	bake_tui_cursor(row, 1 + used);
}

bool menu_ask(struct menu *menu, const char *title, const char *prompt, const char *help,
	struct menu_input *input)
{
	for (;;) {
		uint32_t key;

		menu_begin(menu, title);
		(void)bake_tui_put(
			MENU_TOP + 2, 1, bake_tui_columns() - 2, BAKE_TUI_DIM, false, help);
		menu_finish(menu, "Enter go on   Esc back");
		menu_input_draw(MENU_TOP, prompt, input);
		key = menu_key(menu);
		if (key == BAKE_TUI_ESCAPE)
			return false;
		if (key == BAKE_TUI_ENTER && input->len)
			return true;
		if (menu_input_key(input, key))
			menu_say(menu, false, "");
	}
}

/* Takes what there is. False at the end. */
static bool take(int from, struct bake_buf *out)
{
	char piece[8192];
	ssize_t got;

	while ((got = read(from, piece, sizeof(piece))) > 0)
		bake_buf_add(out, piece, (size_t)got);
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

bool menu_run(struct menu *menu, const char *title, struct bakecli_words *words,
	struct bake_buf *out, int *out_code)
{
	struct bake_error error = BAKE_ERROR_INIT;
	_cleanup_close_ int from = -1;
	enum bake_status status;
	bool gone = false;
	char columns[16];
	pid_t pid;

	(void)snprintf(columns, sizeof(columns), "%d", bake_tui_columns() - 2);
	(void)setenv("COLUMNS", columns, 1);
	status = bakecli_start(words, BAKECLI_BOTH, &pid, &from, &error);
	/* ncurses would believe it, too. */
	(void)unsetenv("COLUMNS");
	if (status != BAKE_OK) {
		menu_say(menu, true, error.message);
		return false;
	}
	(void)fcntl(from, F_SETFL, O_NONBLOCK);
	/* What is quick is not announced. */
	for (int i = 0; i < 10 && take(from, out); i++)
		(void)usleep(5000);
	while (!gone && take(from, out)) {
		menu_begin(menu, title);
		(void)bake_tui_put(
			MENU_TOP, 1, bake_tui_columns() - 2, BAKE_TUI_DIM, false, "working...");
		menu_finish(menu, "Esc back");
		gone = menu_is_back(menu_key(menu));
	}
	if (gone)
		(void)kill(-pid, SIGTERM);
	*out_code = bakecli_wait(pid);
	return !gone;
}

struct lines {
	const char **at; /* NULL-ended by count */
	size_t count;
};

/* Cuts text into lines, in place. */
static bool split(char *text, struct lines *out)
{
	size_t count = 1;

	for (const char *at = text; *at; at++)
		count += *at == '\n' ? 1 : 0;
	out->at = calloc(count, sizeof(*out->at));
	if (!out->at)
		return false;
	while (text && *text)
		out->at[out->count++] = strsep(&text, "\n");
	return true;
}

static void draw_lines(const struct lines *lines, size_t first)
{
	for (int row = MENU_TOP; row < menu_end(); row++) {
		size_t at = first + (size_t)(row - MENU_TOP);

		if (at < lines->count)
			(void)bake_tui_put(row, 1, bake_tui_columns() - 2, BAKE_TUI_PLAIN, false,
				lines->at[at]);
	}
}

bool menu_read(struct menu *menu, const char *title, const char *text, uint32_t apply,
	const char *apply_help)
{
	_cleanup_free_ char *copy = strdup(text);
	struct lines lines = {NULL, 0};
	bool applied = false;
	size_t first = 0;
	char keys[160];

	if (!copy || !split(copy, &lines))
		return false;
	(void)snprintf(
		keys, sizeof(keys), "%s%sUp/Down scroll   q back", apply_help, apply ? "   " : "");
	for (;;) {
		size_t fit = menu_end() > MENU_TOP ? (size_t)(menu_end() - MENU_TOP) : 1;
		size_t last = lines.count > fit ? lines.count - fit : 0;
		uint32_t key;

		first = first > last ? last : first;
		menu_begin(menu, title);
		draw_lines(&lines, first);
		menu_finish(menu, keys);
		key = menu_key(menu);
		applied = apply && key == apply;
		if (applied || menu_is_back(key))
			break;
		(void)menu_move(key, last + 1, &first);
	}
	free(lines.at);
	return applied;
}
