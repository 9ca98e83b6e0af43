/* SPDX-License-Identifier: Apache-2.0 */
/* The queue, live. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bakecli/menu.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"

enum {
	STATE_COLUMNS = 8,
	NUMBERS_COLUMNS = 42
};

/* " 45%  1.20 / 2.02 GB  12.3 MB/s  3m 20s" */
static void describe(const struct bakecli_job *job, char *text, size_t room)
{
	unsigned percent =
		job->total ? (unsigned)((double)job->bytes / (double)job->total * 100) : 0;
	int used;

	if (job->state == BAKECLI_FAILED) {
		(void)snprintf(text, room, "%s", job->message);
		return;
	}
	percent = job->state == BAKECLI_DONE ? 100 : percent;
	used = snprintf(text, room, "%3u%% of %s", percent, BAKE_BYTES(job->total));
	if (job->rate && used > 0 && (size_t)used < room)
		used += snprintf(text + used, room - (size_t)used, "  %s/s", BAKE_BYTES(job->rate));
	if (job->rate && job->eta && used > 0 && (size_t)used < room)
		(void)snprintf(
			text + used, room - (size_t)used, "  %s", BAKE_DURATION(job->eta * 1000));
}

static void draw_job(const struct bakecli_job *job, int row, bool selected)
{
	enum bake_tui_style style = selected ? BAKE_TUI_SELECTED : BAKE_TUI_PLAIN;
	int columns = bake_tui_columns();
	int name = columns / 4 > 40 ? 40 : columns / 4;
	int bar = columns - name - STATE_COLUMNS - NUMBERS_COLUMNS - 3;
	uint64_t done = job->state == BAKECLI_DONE ? job->total : job->bytes;
	char text[240];

	describe(job, text, sizeof(text));
	(void)bake_tui_put(row, 1, name - 1, style, true, job->id);
	(void)bake_tui_put(row, 1 + name, STATE_COLUMNS,
		job->state == BAKECLI_FAILED ? BAKE_TUI_BAD : BAKE_TUI_PLAIN, false,
		bakecli_job_state_name(job->state));
	if (bar < 4 || job->state == BAKECLI_FAILED) {
		(void)bake_tui_put(row, 1 + name + STATE_COLUMNS,
			columns - name - STATE_COLUMNS - 2, BAKE_TUI_PLAIN, false, text);
		return;
	}
	bake_tui_bar(row, 1 + name + STATE_COLUMNS, bar, done, job->total);
	(void)bake_tui_put(
		row, 2 + name + STATE_COLUMNS + bar, NUMBERS_COLUMNS, BAKE_TUI_PLAIN, false, text);
}

static void draw(struct menu *menu, size_t at, size_t *first)
{
	const struct bakecli_queue *queue = menu->queue;
	size_t fit = menu_end() - 2 > MENU_TOP ? (size_t)(menu_end() - 2 - MENU_TOP) : 1;
	char text[120];
	bool told = false;

	menu_begin(menu, "Download queue");
	*first = menu_scroll(at, *first, fit);
	for (size_t i = *first; i < queue->count && i < *first + fit; i++)
		draw_job(&queue->jobs[i], MENU_TOP + (int)(i - *first), i == at);
	if (!queue->count)
		(void)bake_tui_put(MENU_TOP, 1, bake_tui_columns() - 2, BAKE_TUI_DIM, false,
			"the queue is empty");
	(void)snprintf(text, sizeof(text), "Bandwidth limit: %s%s",
		queue->limit ? BAKE_BYTES(queue->limit) : "none", queue->limit ? "/s" : "");
	(void)bake_tui_put(menu_end() - 1, 1, bake_tui_columns() - 2, BAKE_TUI_PLAIN, false, text);
	/* What a failed one says is longer than its line. */
	if (!menu->message[0] && at < queue->count) {
		menu_say(menu, queue->jobs[at].state == BAKECLI_FAILED, queue->jobs[at].message);
		told = true;
	}
	menu_finish(menu, "p pause/go on  x cancel  u/d move  l limit  c clear done  q back");
	if (told)
		menu_say(menu, false, "");
}

static void change_limit(struct menu *menu)
{
	struct menu_input input = {.len = 0};
	uint64_t limit = 0;

	while (menu_ask(menu, "Bandwidth limit", "Bytes per second: ",
		"10MB, 1.5MiB; 0 is no limit. What runs goes on at the new speed.", &input)) {
		size_t len = strlen(input.text);

		if (len > 2 && strcmp(input.text + len - 2, "/s") == 0)
			input.text[len - 2] = '\0';
		if (bake_bytes_parse(input.text, &limit)) {
			bakecli_queue_limit(menu->queue, limit);
			break;
		}
		menu_say(menu, true, "that is no size like 500K, 10MB or 1.5GiB");
		input.len = strlen(input.text);
	}
	if (!menu->bad)
		menu_say(menu, false, "");
}

static void act(struct menu *menu, uint32_t key, size_t *at)
{
	struct bakecli_queue *queue = menu->queue;

	if (queue->taken && strchr("pxudlc ", (int)(key < 0x80 ? key : 'z'))) {
		menu_say(menu, true, "another menu has the queue");
		return;
	}
	switch (key) {
	case 'p':
	case ' ':
		bakecli_queue_pause(queue, *at);
		break;
	case 'x':
		bakecli_queue_cancel(queue, *at);
		break;
	case 'u':
	case 'd':
		*at = bakecli_queue_move(queue, *at, key == 'u');
		break;
	case 'l':
		change_limit(menu);
		break;
	case 'c':
		bakecli_queue_clear_done(queue);
		break;
	default:
		break;
	}
}

void menu_queue(struct menu *menu)
{
	size_t first = 0;
	size_t at = 0;

	for (;;) {
		uint32_t key;

		if (at >= menu->queue->count)
			at = menu->queue->count ? menu->queue->count - 1 : 0;
		draw(menu, at, &first);
		key = menu_key(menu);
		if (menu_is_back(key))
			break;
		if (key == BAKE_TUI_NONE)
			continue;
		menu_say(menu, false, "");
		if (!menu_move(key, menu->queue->count, &at))
			act(menu, key, &at);
	}
	menu_say(menu, false, "");
}
