/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of it on a terminal. */
#include <stdio.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/units.h"
#include "cli/columns.h"
#include "cli/progress.h"

enum {
	BAR_CELLS = 10,
	LINE_BYTES = 512,
	NAME_COLUMNS_LEAST = 12
};

struct figures {
	uint64_t done;
	uint64_t rate; /* bytes per second */
	uint64_t left_ms;
	bool has_left;
	unsigned percent;
};

static uint64_t bytes_done(const struct cli_progress *progress)
{
	uint64_t done = progress->done;

	for (size_t i = 0; i < progress->active; i++)
		done = bake_u64_add_capped(done, progress->files[i].done);
	return done;
}

static struct figures measure(uint64_t done, uint64_t total, struct bake_rate *rate)
{
	struct figures figures = {.done = done};
	uint64_t now = bake_clock_ms();
	uint64_t part = bake_u64_min(done, total);

	figures.rate = bake_rate_get(rate, now);
	figures.has_left = total && bake_rate_left(rate, total - part, now, &figures.left_ms);
	if (total)
		figures.percent = (unsigned)((double)part * 100 / (double)total);
	return figures;
}

void cli_progress_describe(struct cli_progress *progress, char *text, size_t room)
{
	struct figures figures = measure(bytes_done(progress), progress->total, &progress->rate);
	char failed[40] = "";

	if (!progress->files_total) {
		(void)snprintf(text, room, "%s so far, %s/s", BAKE_BYTES(figures.done),
			BAKE_BYTES(figures.rate));
		return;
	}
	if (progress->files_failed)
		(void)snprintf(failed, sizeof(failed), ", %zu failed", progress->files_failed);
	(void)snprintf(text, room, "%zu of %zu files%s, %s of %s (%u%%), %s/s%s%s%s",
		progress->files_done, progress->files_total, failed, BAKE_BYTES(figures.done),
		BAKE_BYTES(progress->total), figures.percent, BAKE_BYTES(figures.rate),
		figures.has_left ? ", " : "",
		figures.has_left ? BAKE_DURATION(figures.left_ms) : "",
		figures.has_left ? " left" : "");
}

/* " 41%  5.10 GB of 12.4 GB  52.0 MB/s  2m 20s  transformer/model-1.safetensors" */
static void file_line(struct cli_screen *screen, struct cli_progress_file *file)
{
	struct figures figures = measure(file->done, file->total, &file->rate);
	char line[LINE_BYTES];
	char name[LINE_BYTES];
	char rate[BAKE_UNITS_TEXT + 4];
	int used;

	(void)snprintf(rate, sizeof(rate), "%s/s", BAKE_BYTES(figures.rate));
	used = snprintf(line, sizeof(line), "%3u%%  %9s of %-9s %11s %8s  ", figures.percent,
		BAKE_BYTES(figures.done), BAKE_BYTES(file->total),
		file->verifying ? "verifying" : rate,
		figures.has_left && !file->verifying ? BAKE_DURATION(figures.left_ms) : "-");
	if ((unsigned)used + NAME_COLUMNS_LEAST >= screen->columns)
		used = snprintf(line, sizeof(line), "%3u%%  ", figures.percent);
	cli_fit(file->name,
		screen->columns > (unsigned)used + 1 ? screen->columns - 1 - (unsigned)used : 0,
		CLI_FIT_TAIL, name, sizeof(name));
	(void)snprintf(line + used, sizeof(line) - (size_t)used, "%s", name);
	cli_screen_line(screen, line);
}

/* "[####......] 3 of 34 files, 5.10 GB of 12.4 GB (41%), 52.0 MB/s, 2m 20s left": what is cut off
 * by a narrow terminal is what matters least. */
static void total_line(struct cli_progress *progress)
{
	struct figures figures = measure(bytes_done(progress), progress->total, &progress->rate);
	char cells[BAR_CELLS + 1];
	char what[LINE_BYTES - 64];
	char line[LINE_BYTES];

	for (unsigned i = 0; i < BAR_CELLS; i++)
		cells[i] = i < figures.percent * BAR_CELLS / 100 ? '#' : '.';
	cells[BAR_CELLS] = '\0';
	cli_progress_describe(progress, what, sizeof(what));
	if (progress->files_total)
		(void)snprintf(line, sizeof(line), "[%s] %s", cells, what);
	else
		(void)snprintf(line, sizeof(line), "%s", what);
	cli_screen_line(&progress->screen, line);
}

void cli_progress_draw(struct cli_progress *progress)
{
	struct cli_screen *screen = &progress->screen;
	size_t shown = progress->active;
	char more[48];

	cli_screen_begin(screen);
	/* The last row but one is the total; one that says "+ 5 more" takes the place of files. */
	if (shown + 1 > cli_screen_room(screen))
		shown = cli_screen_room(screen) > 2 ? cli_screen_room(screen) - 2 : 0;
	for (size_t i = 0; i < shown; i++)
		file_line(screen, &progress->files[i]);
	if (shown < progress->active && cli_screen_room(screen) > 1) {
		(void)snprintf(more, sizeof(more), "+ %zu more", progress->active - shown);
		cli_screen_line(screen, more);
	}
	total_line(progress);
	cli_screen_end(screen);
}
