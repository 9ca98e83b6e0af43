/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/columns.h"
#include "cli/main.h"

enum {
	BAR_MS = 100,
	LINE_MS = 10 * 1000,
	/* After so many lines on the whole, nearly three hours, they come more seldom. */
	LINES_OFTEN = 1000,
	LINE_SELDOM_MS = 60 * 1000,
	/* Of so few files each is worth its lines; of more, those that are large or take long. */
	FILES_FEW = 200,
	FILE_LARGE = 8 * 1024 * 1024,
	FILE_LONG_MS = 2000,
	SAY_BYTES = 128 * 1024, /* the share of each kind of lines */
	RETRIES_AT_ONCE = 8,
	RETRY_MS = 5000, /* and then one each five seconds */
	NAME_COLUMNS = 100,
	TEXT_BYTES = 900
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
	*progress = (struct cli_progress){.tool = tool,
		.mode = mode,
		.file_lines = file_lines,
		.retries_left = RETRIES_AT_ONCE};
	if (mode == CLI_PROGRESS_AUTO)
		progress->mode = is_terminal() ? CLI_PROGRESS_BAR : CLI_PROGRESS_PLAIN;
	if (quiet)
		progress->mode = CLI_PROGRESS_NONE;
	progress->shown_ms = bake_clock_ms();
	bake_rate_init(&progress->rate, progress->shown_ms);
}

void cli_progress_clear(struct cli_progress *progress)
{
	cli_screen_release(&progress->screen);
}

/* A line of the log, as long as its kind has something left of its share. */
static void say(struct cli_progress *progress, enum cli_progress_kind kind, const char *text)
{
	static const char *const kinds[] = {[CLI_SAY_FILE] = "files",
		[CLI_SAY_RETRY] = "retries",
		[CLI_SAY_FAILURE] = "failures",
		[CLI_SAY_NOTICE] = "notices",
		[CLI_SAY_WARNING] = "warnings"};
	char last[80];

	if (progress->said[kind] >= SAY_BYTES)
		return;
	cli_progress_clear(progress);
	progress->said[kind] += strlen(progress->tool) + strlen(text) + 3;
	if (kind == CLI_SAY_WARNING)
		cli_warn(progress->tool, text);
	else
		cli_note(progress->tool, text);
	if (progress->said[kind] < SAY_BYTES)
		return;
	(void)snprintf(last, sizeof(last), "further %s are not shown here", kinds[kind]);
	cli_note(progress->tool, last);
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

static struct cli_progress_file *add(
	struct cli_progress *progress, const struct bake_event *event, uint64_t begin)
{
	struct cli_progress_file *file = find(progress, event->name);
	uint64_t now = bake_clock_ms();

	if (!file && progress->active == CLI_PROGRESS_FILES)
		return NULL;
	if (!file)
		file = &progress->files[progress->active++];
	*file = (struct cli_progress_file){
		.key = bake_text_hash(event->name, strlen(event->name)),
		.begin = begin,
		.done = begin,
		.total = event->total,
		.start_ms = now,
	};
	bake_rate_init(&file->rate, now);
	if (progress->mode == CLI_PROGRESS_BAR)
		cli_show_name(event->name, NAME_COLUMNS, file->name, sizeof(file->name));
	else
		(void)snprintf(file->name, sizeof(file->name), "%s", BAKE_SHOW(event->name));
	return file;
}

/* Those that began first stay at the top. */
static void drop(struct cli_progress *progress, struct cli_progress_file *file)
{
	size_t behind;

	if (!file)
		return;
	behind = progress->active - (size_t)(file - progress->files) - 1;
	memmove(file, file + 1, behind * sizeof(*file));
	progress->active--;
}

static uint64_t period_of(const struct cli_progress *progress)
{
	if (progress->mode == CLI_PROGRESS_BAR)
		return BAR_MS;
	return progress->periods < LINES_OFTEN ? LINE_MS : LINE_SELDOM_MS;
}

static bool says_lines(const struct cli_progress *progress)
{
	return progress->mode == CLI_PROGRESS_PLAIN && progress->file_lines;
}

static void say_start(struct cli_progress *progress, struct cli_progress_file *file)
{
	char text[TEXT_BYTES];

	file->told = true;
	if (file->begin)
		(void)snprintf(text, sizeof(text), "resume %s at %s of %s", file->name,
			BAKE_BYTES(file->begin), BAKE_BYTES(file->total));
	else
		(void)snprintf(
			text, sizeof(text), "start %s (%s)", file->name, BAKE_BYTES(file->total));
	say(progress, CLI_SAY_FILE, text);
}

/* Small files that turn out to take long are worth their lines after all. */
static void say_long_ones(struct cli_progress *progress, uint64_t now)
{
	for (size_t i = 0; says_lines(progress) && i < progress->active; i++) {
		struct cli_progress_file *file = &progress->files[i];

		if (!file->told && now - file->start_ms >= FILE_LONG_MS)
			say_start(progress, file);
	}
}

/* Whatever happened: draws, when it is time to. */
static void refresh(struct cli_progress *progress)
{
	uint64_t now = bake_clock_ms();
	char what[200];

	say_long_ones(progress, now);
	if (progress->mode == CLI_PROGRESS_NONE || now - progress->shown_ms < period_of(progress))
		return;
	progress->shown_ms = now;
	if (progress->mode == CLI_PROGRESS_BAR) {
		cli_progress_draw(progress);
		return;
	}
	progress->periods++;
	cli_progress_describe(progress, what, sizeof(what));
	cli_note(progress->tool, what);
}

static void on_start(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = add(progress, event, event->done);

	if (file && says_lines(progress) &&
		(progress->files_total <= FILES_FEW || event->total >= FILE_LARGE))
		say_start(progress, file);
}

static void say_done(struct cli_progress *progress, const struct bake_event *event,
	const struct cli_progress_file *file)
{
	uint64_t ms = bake_clock_ms() - file->start_ms;
	uint64_t moved = event->total - bake_u64_min(file->begin, event->total);
	char rate[BAKE_UNITS_TEXT + 8] = "";
	char text[TEXT_BYTES];

	if (ms >= 100)
		(void)snprintf(rate, sizeof(rate), ", %s/s",
			BAKE_BYTES((uint64_t)((double)moved * 1000 / (double)ms)));
	(void)snprintf(text, sizeof(text), "%s %s (%s in %" PRIu64 ".%" PRIu64 "s%s)",
		event->note ? event->note : "done", file->name, BAKE_BYTES(event->total), ms / 1000,
		ms % 1000 / 100, rate);
	say(progress, CLI_SAY_FILE, text);
}

static void on_done(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);

	if (file && file->told)
		say_done(progress, event, file);
	progress->files_done++;
	progress->done = bake_u64_add_capped(progress->done, event->total);
	drop(progress, file);
}

static void on_progress(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);
	uint64_t now = bake_clock_ms();

	if (!file)
		file = add(progress, event, 0);
	if (!file)
		return;
	if (event->done > file->done) {
		bake_rate_add(&file->rate, event->done - file->done, now);
		bake_rate_add(&progress->rate, event->done - file->done, now);
	}
	file->done = event->done;
	file->verifying = false;
}

static void on_verify(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);

	if (!file)
		return;
	file->done = file->total;
	file->verifying = true;
}

/* Whether a retry may be told of: a few at once, then one now and then. */
static bool may_tell(struct cli_progress *progress)
{
	uint64_t now = bake_clock_ms();

	if (progress->retries_left < RETRIES_AT_ONCE && now - progress->retry_ms >= RETRY_MS) {
		progress->retries_left++;
		progress->retry_ms = now;
	}
	if (!progress->retries_left) {
		progress->retries_untold++;
		return false;
	}
	if (progress->retries_left-- == RETRIES_AT_ONCE)
		progress->retry_ms = now;
	return true;
}

static void on_retry(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);
	char more[48] = "";
	char text[TEXT_BYTES];

	if (file) {
		file->done = event->done;
		file->verifying = false;
	}
	if (progress->mode == CLI_PROGRESS_NONE || !may_tell(progress))
		return;
	if (progress->retries_untold)
		(void)snprintf(
			more, sizeof(more), " (and %zu other retries)", progress->retries_untold);
	progress->retries_untold = 0;
	(void)snprintf(text, sizeof(text), "retry %s in %" PRIu64 ".%" PRIu64 "s: %s%s",
		BAKE_SHOW(event->name), event->wait_ms / 1000, event->wait_ms % 1000 / 100,
		event->error->message, more);
	say(progress, CLI_SAY_RETRY, text);
}

static void on_fail(struct cli_progress *progress, const struct bake_event *event)
{
	struct cli_progress_file *file = find(progress, event->name);
	char text[TEXT_BYTES];

	/* What will not come any more is not waited for. */
	if (file)
		progress->total -= bake_u64_min(file->total, progress->total);
	progress->files_failed++;
	drop(progress, file);
	if (progress->mode == CLI_PROGRESS_NONE)
		return;
	(void)snprintf(
		text, sizeof(text), "failed %s: %s", BAKE_SHOW(event->name), event->error->message);
	say(progress, CLI_SAY_FAILURE, text);
}

/* What was looked at before is over: what is right was counted, what is not will begin anew. */
static void on_plan(struct cli_progress *progress, const struct bake_event *event)
{
	progress->total = event->total;
	progress->files_total = event->count;
	progress->active = 0;
	bake_rate_init(&progress->rate, bake_clock_ms());
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
	case BAKE_EVENT_VERIFY:
		on_verify(progress, event);
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
		if (progress->mode != CLI_PROGRESS_NONE)
			say(progress, CLI_SAY_NOTICE, event->note);
		break;
	case BAKE_EVENT_WARNING:
		say(progress, CLI_SAY_WARNING, event->note);
		break;
	case BAKE_EVENT_QUEUED:
	case BAKE_EVENT_TICK:
	default:
		break;
	}
	refresh(progress);
}
