/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/main.h"

enum {
	BAR_MS = 100,
	LINE_MS = 10 * 1000,
	BAR_CELLS = 10
};

const char *const cli_progress_words[] = {"auto", "bar", "plain", "none", NULL};

static bool is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void cli_progress_init(struct cli_progress *progress, const char *tool, enum cli_progress_mode mode,
	bool quiet, bool file_lines)
{
	*progress = (struct cli_progress){.tool = tool, .mode = mode, .file_lines = file_lines};
	if (mode == CLI_PROGRESS_AUTO)
		progress->mode = is_terminal() ? CLI_PROGRESS_BAR : CLI_PROGRESS_PLAIN;
	if (quiet)
		progress->mode = CLI_PROGRESS_NONE;
	progress->start_ms = bake_clock_ms();
	progress->shown_ms = progress->start_ms;
}

void cli_progress_clear(struct cli_progress *progress)
{
	if (progress->drawn)
		(void)fputs("\r\033[K", stderr);
	progress->drawn = false;
}

static struct cli_progress_file *find(struct cli_progress *progress, const char *name)
{
	uint64_t key = bake_text_hash(name, strlen(name));

	for (size_t i = 0; i < progress->active; i++) {
		if (progress->files[i].key == key)
			return &progress->files[i];
	}
	return NULL;
}

static void add(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file =
		find(progress, event->name); /* begun before, and stopped */

	if (!file && progress->active == CLI_PROGRESS_FILES)
		return;
	if (!file)
		file = &progress->files[progress->active++];
	*file = (struct cli_progress_file){
		.key = bake_text_hash(event->name, strlen(event->name)),
		.begin = event->done,
		.done = event->done,
		.total = event->total,
		.start_ms = bake_clock_ms(),
	};
	(void)snprintf(file->name, sizeof(file->name), "%s", BAKE_SHOW(event->name));
	progress->begin += event->done;
}

static void drop(struct cli_progress *progress, struct cli_progress_file *file)
{
	if (file)
		*file = progress->files[--progress->active];
}

static uint64_t bytes_done(const struct cli_progress *progress)
{
	uint64_t done = progress->done;

	for (size_t i = 0; i < progress->active; i++)
		done = bake_u64_add_capped(done, progress->files[i].done);
	return done;
}

static uint64_t rate_of(uint64_t bytes, uint64_t ms)
{
	return ms ? (uint64_t)((double)bytes * 1000 / (double)ms) : 0;
}

struct figures {
	uint64_t done;
	uint64_t rate;	  /* bytes per second since the start */
	uint64_t left_ms; /* 0: not known */
	unsigned percent;
};

static struct figures measure(const struct cli_progress *progress)
{
	struct figures figures = {.done = bytes_done(progress)};
	uint64_t moved = figures.done > progress->begin ? figures.done - progress->begin : 0;
	uint64_t done = bake_u64_min(figures.done, progress->total);

	figures.rate = rate_of(moved, bake_clock_ms() - progress->start_ms);
	if (figures.rate)
		figures.left_ms =
			(uint64_t)((double)(progress->total - done) * 1000 / (double)figures.rate);
	if (progress->total)
		figures.percent = (unsigned)((double)done * 100 / (double)progress->total);
	return figures;
}

/* "12 of 34 files, 5.10 GB of 57.7 GB (9%), 52.0 MB/s, 16m 40s left" */
static void describe(const struct cli_progress *progress, char *text, size_t room)
{
	struct figures figures = measure(progress);

	(void)snprintf(text, room, "%zu of %zu files, %s of %s (%u%%), %s/s%s%s%s",
		progress->files_done, progress->files_total, BAKE_BYTES(figures.done),
		BAKE_BYTES(progress->total), figures.percent, BAKE_BYTES(figures.rate),
		figures.left_ms ? ", " : "", figures.left_ms ? BAKE_DURATION(figures.left_ms) : "",
		figures.left_ms ? " left" : "");
}

static unsigned columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

/* "[####......] 41% 5.10 GB/12.4 GB 52.0 MB/s 2m 20s 3/34 transformer/model-1.safetensors": what
 * matters most first, for the line is cut where the terminal ends. */
static void draw_bar(struct cli_progress *progress)
{
	struct figures figures = measure(progress);
	char cells[BAR_CELLS + 1];
	char line[512];

	for (unsigned i = 0; i < BAR_CELLS; i++)
		cells[i] = i < figures.percent * BAR_CELLS / 100 ? '#' : '.';
	cells[BAR_CELLS] = '\0';
	(void)snprintf(line, sizeof(line), "[%s] %u%% %s/%s %s/s %s %zu/%zu %s", cells,
		figures.percent, BAKE_BYTES(figures.done), BAKE_BYTES(progress->total),
		BAKE_BYTES(figures.rate), figures.left_ms ? BAKE_DURATION(figures.left_ms) : "-",
		progress->files_done, progress->files_total,
		progress->active ? progress->files[0].name : "");
	(void)fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1, line);
	(void)fflush(stderr);
	progress->drawn = true;
}

/* Whatever happened: draws, when it is time to. */
static void refresh(struct cli_progress *progress)
{
	uint64_t now = bake_clock_ms();
	char what[200];

	if (progress->mode == CLI_PROGRESS_BAR && now - progress->shown_ms >= BAR_MS) {
		progress->shown_ms = now;
		draw_bar(progress);
	} else if (progress->mode == CLI_PROGRESS_PLAIN && now - progress->shown_ms >= LINE_MS) {
		progress->shown_ms = now;
		describe(progress, what, sizeof(what));
		(void)fprintf(stderr, "%s: %s\n", progress->tool, what);
	}
}

static bool says_lines(const struct cli_progress *progress)
{
	return progress->mode == CLI_PROGRESS_PLAIN && progress->file_lines;
}

static void on_start(struct cli_progress *progress, const struct bake_event *event)
{
	add(progress, event);
	if (!says_lines(progress))
		return;
	if (event->done)
		(void)fprintf(stderr, "%s: resume %s at %s of %s\n", progress->tool,
			BAKE_SHOW(event->name), BAKE_BYTES(event->done), BAKE_BYTES(event->total));
	else
		(void)fprintf(stderr, "%s: start %s (%s)\n", progress->tool, BAKE_SHOW(event->name),
			BAKE_BYTES(event->total));
}

static void on_done(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);
	uint64_t ms = file ? bake_clock_ms() - file->start_ms : 0;
	uint64_t moved = file ? event->total - bake_u64_min(file->begin, event->total) : 0;
	char rate[BAKE_UNITS_TEXT + 8] = "";

	if (ms >= 100)
		(void)snprintf(rate, sizeof(rate), ", %s/s", BAKE_BYTES(rate_of(moved, ms)));
	if (says_lines(progress) && file)
		(void)fprintf(stderr, "%s: %s %s (%s in %" PRIu64 ".%" PRIu64 "s%s)\n",
			progress->tool, event->note ? event->note : "done", BAKE_SHOW(event->name),
			BAKE_BYTES(event->total), ms / 1000, ms % 1000 / 100, rate);
	progress->files_done++;
	progress->done = bake_u64_add_capped(progress->done, event->total);
	drop(progress, file);
}

static void on_progress(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);

	if (!file) {
		struct bake_event begin = *event;

		begin.done = 0;
		add(progress, &begin);
		file = find(progress, event->name);
	}
	if (file)
		file->done = event->done;
}

static void on_retry(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);
	char text[900];

	if (file)
		file->done = event->done;
	cli_progress_clear(progress);
	if (progress->mode == CLI_PROGRESS_NONE)
		return;
	(void)snprintf(text, sizeof(text), "retry %s in %" PRIu64 ".%" PRIu64 "s: %s",
		BAKE_SHOW(event->name), event->wait_ms / 1000, event->wait_ms % 1000 / 100,
		event->error->message);
	cli_note(progress->tool, text);
}

static void on_fail(struct cli_progress *progress, const struct bake_event *event)
{
	char text[900];

	drop(progress, find(progress, event->name));
	cli_progress_clear(progress);
	if (progress->mode == CLI_PROGRESS_NONE)
		return;
	(void)snprintf(
		text, sizeof(text), "failed %s: %s", BAKE_SHOW(event->name), event->error->message);
	cli_note(progress->tool, text);
}

static void on_plan(struct cli_progress *progress, const struct bake_event *event)
{
	progress->total = event->total;
	progress->files_total = event->count;
	progress->start_ms = bake_clock_ms();
	progress->begin = bytes_done(progress);
}

void cli_progress_emit(void *context, const struct bake_event *event)
{
	struct cli_progress *progress = context;

	switch (event->kind) {
	case BAKE_EVENT_PLAN:
		on_plan(progress, event);
		break;
	case BAKE_EVENT_START:
		on_start(progress, event);
		break;
	case BAKE_EVENT_PROGRESS:
		on_progress(progress, event);
		break;
	case BAKE_EVENT_RETRY:
		on_retry(progress, event);
		break;
	case BAKE_EVENT_DONE:
		on_done(progress, event);
		break;
	case BAKE_EVENT_FAIL:
		on_fail(progress, event);
		break;
	case BAKE_EVENT_NOTICE:
		cli_progress_clear(progress);
		if (progress->mode != CLI_PROGRESS_NONE)
			cli_note(progress->tool, event->note);
		break;
	case BAKE_EVENT_WARNING:
		cli_progress_clear(progress);
		cli_warn(progress->tool, event->note);
		break;
	case BAKE_EVENT_TICK:
	default:
		break;
	}
	refresh(progress);
}
