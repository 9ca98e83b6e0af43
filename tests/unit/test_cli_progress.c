/* SPDX-License-Identifier: Apache-2.0 */
/* Events counted and drawn. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "unit/capture.h"

#define X100                                                                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static struct cli_progress quiet_progress(void)
{
	struct cli_progress progress;

	cli_progress_init(&progress, "tool", CLI_PROGRESS_PLAIN, true, true);
	assert_int_equal(progress.mode, CLI_PROGRESS_NONE);
	return progress;
}

/* One file from its beginning to its end, in the events that an operation emits. */
static void bring(struct cli_progress *progress, const char *name)
{
	struct bake_events events = {cli_progress_emit, progress};

	bake_emit_bytes(&events, BAKE_EVENT_START, name, 0, 100);
	for (uint64_t done = 10; done <= 100; done += 10)
		bake_emit_bytes(&events, BAKE_EVENT_PROGRESS, name, done, 100);
	bake_emit_done(&events, name, "fetched", 100);
}

static const struct name_row {
	const char *name;
	const char *file;
} names[] = {
	{"a plain name", "dir/model.bin"},
	{"beyond ASCII", "gr\xc3\xb6\xc3\x9f"
			 "e.bin"},
	{"longer than is shown", X100 X100 X100},
	{"blanks", "my model.bin"},
};

static void try_name(void **state)
{
	const struct name_row *row = *state;
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};

	bake_emit_plan(&events, 2, 200);
	for (size_t i = 1; i <= 2; i++) {
		bring(&progress, row->file);
		assert_int_equal(progress.active, 0);
		assert_int_equal(progress.files_done, i);
		assert_int_equal(progress.done, 100 * i);
	}
}

/* Two files that are under way at one time and whose names are alike up to a far place. */
static void long_names_are_told_apart(void)
{
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};

	bake_emit_plan(&events, 2, 200);
	bake_emit_bytes(&events, BAKE_EVENT_START, X100 X100 "1", 0, 100);
	bake_emit_bytes(&events, BAKE_EVENT_START, X100 X100 "2", 0, 100);
	bake_emit_bytes(&events, BAKE_EVENT_PROGRESS, X100 X100 "2", 50, 100);
	assert_int_equal(progress.active, 2);
	assert_int_equal(progress.files[0].done, 0);
	assert_int_equal(progress.files[1].done, 50);
}

static void a_failure_ends_a_file(void)
{
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};
	struct bake_error err = BAKE_ERROR_INIT;

	bake_error_set(&err, BAKE_ERR_TEMPORARY, "net.reset", "reset");
	bake_emit_plan(&events, 1, 100);
	bake_emit_bytes(&events, BAKE_EVENT_START, "f", 30, 100);
	assert_int_equal(progress.files[0].begin, 30);
	cli_progress_emit(&progress, &(struct bake_event){.kind = BAKE_EVENT_RETRY,
					     .name = "f",
					     .done = 20,
					     .total = 100,
					     .error = &err,
					     .wait_ms = 10});
	assert_int_equal(progress.active, 1);
	assert_int_equal(progress.files[0].done, 20);
	bake_emit_fail(&events, "f", &err);
	assert_int_equal(progress.active, 0);
	assert_int_equal(progress.files_done, 0);
	assert_int_equal(progress.files_failed, 1);
	assert_int_equal(progress.total, 0); /* nobody waits for its bytes */
}

/* What was there before is no speed. */
static void resumed_bytes_are_no_rate(void)
{
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};

	bake_emit_plan(&events, 1, 1000000);
	bake_emit_bytes(&events, BAKE_EVENT_START, "f", 900000, 1000000);
	assert_int_equal(progress.rate.bytes, 0);
	bake_emit_bytes(&events, BAKE_EVENT_PROGRESS, "f", 900100, 1000000);
	assert_int_equal(progress.rate.bytes, 100);
	assert_int_equal(progress.files[0].rate.bytes, 100);
	bake_emit_bytes(&events, BAKE_EVENT_PROGRESS, "f", 0, 1000000); /* begun again */
	assert_int_equal(progress.rate.bytes, 100);
	assert_int_equal(progress.files[0].done, 0);
}

static void a_file_awaits_its_digest(void)
{
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};

	bake_emit_plan(&events, 1, 100);
	bake_emit_bytes(&events, BAKE_EVENT_QUEUED, "f", 0, 100);
	assert_int_equal(progress.active, 0);
	bake_emit_bytes(&events, BAKE_EVENT_START, "f", 0, 100);
	bake_emit_bytes(&events, BAKE_EVENT_VERIFY, "f", 100, 100);
	assert_true(progress.files[0].verifying);
	assert_int_equal(progress.files[0].done, 100);
	bake_emit_done(&events, "f", "fetched", 100);
	assert_int_equal(progress.files_done, 1);
}

/* What is there with other content was looked at and is begun again. */
static void a_file_is_known_once(void)
{
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};

	bake_emit_bytes(&events, BAKE_EVENT_PROGRESS, "f", 50, 100);
	bake_emit_bytes(&events, BAKE_EVENT_PROGRESS, "g", 50, 100);
	assert_int_equal(progress.active, 2);
	bake_emit_plan(&events, 2, 200);
	assert_int_equal(progress.active, 0);
	bake_emit_bytes(&events, BAKE_EVENT_START, "f", 0, 100);
	bake_emit_bytes(&events, BAKE_EVENT_START, "f", 10, 100);
	assert_int_equal(progress.active, 1);
	assert_int_equal(progress.files[0].done, 10);
}

static void more_files_than_are_drawn_are_counted(void)
{
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};
	char name[16];

	bake_emit_plan(&events, 300, 30000);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		bake_emit_bytes(&events, BAKE_EVENT_START, name, 0, 100);
	}
	assert_int_equal(progress.active, CLI_PROGRESS_FILES);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		bake_emit_done(&events, name, "fetched", 100);
	}
	assert_int_equal(progress.active, 0);
	assert_int_equal(progress.files_done, 300);
	assert_int_equal(progress.done, 30000);
}

static int draw_lines(void *context)
{
	struct cli_progress progress;
	struct bake_events events = {cli_progress_emit, &progress};
	struct bake_error err = BAKE_ERROR_INIT;

	(void)context;
	cli_progress_init(&progress, "tool", CLI_PROGRESS_AUTO, false, true);
	bake_error_set(&err, BAKE_ERR_TEMPORARY, "net.reset", "reset\nby peer");
	bake_emit_plan(&events, 2, 5000);
	bake_emit_bytes(&events, BAKE_EVENT_START, "a\x1b", 0, 5000);
	bake_emit_bytes(&events, BAKE_EVENT_START, "b", 1000, 5000);
	cli_progress_emit(&progress, &(struct bake_event){.kind = BAKE_EVENT_RETRY,
					     .name = "b",
					     .done = 1000,
					     .total = 5000,
					     .error = &err,
					     .wait_ms = 1250});
	bake_emit_fail(&events, "b", &err);
	bake_emitf(&events, BAKE_EVENT_NOTICE, "noticed");
	bake_emitf(&events, BAKE_EVENT_WARNING, "warned");
	cli_progress_emit(&progress, &(struct bake_event){.kind = BAKE_EVENT_TICK});
	return 0;
}

/* In a log: no bar, one line for each thing that happens. */
static void a_log_gets_lines(void)
{
	struct captured out;

	capture(&out, draw_lines, NULL);
	assert_string_equal(out.text, "tool: start a\\x1b (5.00 kB)\n"
				      "tool: resume b at 1.00 kB of 5.00 kB\n"
				      "tool: retry b in 1.2s: reset\\x0aby peer\n"
				      "tool: failed b: reset\\x0aby peer\n"
				      "tool: noticed\n"
				      "tool: warning: warned\n");
}

/* Of many files only the large ones, and those that take long, have lines. */
static int draw_many(void *context)
{
	struct cli_progress progress;
	struct bake_events events = {cli_progress_emit, &progress};
	char name[16];

	(void)context;
	cli_progress_init(&progress, "tool", CLI_PROGRESS_PLAIN, false, true);
	bake_emit_plan(&events, 1000, (uint64_t)1 << 30);
	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "small%d", i);
		bake_emit_bytes(&events, BAKE_EVENT_START, name, 0, 1000);
		bake_emit_done(&events, name, "fetched", 1000);
	}
	bake_emit_bytes(&events, BAKE_EVENT_START, "large", 0, 10000000);
	bake_emit_bytes(&events, BAKE_EVENT_START, "long", 0, 1000);
	assert_int_equal(progress.active, 2);
	progress.files[1].start_ms -= 3000;
	cli_progress_emit(&progress, &(struct bake_event){.kind = BAKE_EVENT_TICK});
	cli_progress_emit(&progress, &(struct bake_event){.kind = BAKE_EVENT_TICK});
	return 0;
}

static void a_log_of_many_files_is_short(void)
{
	struct captured out;

	capture(&out, draw_many, NULL);
	assert_string_equal(out.text, "tool: start large (10.0 MB)\n"
				      "tool: start long (1.00 kB)\n");
}

/* Everything that can happen, for as long as it takes: what is said has an end. */
static int draw_endlessly(void *context)
{
	struct cli_progress progress;
	struct bake_events events = {cli_progress_emit, &progress};
	struct bake_error err = BAKE_ERROR_INIT;
	char name[240];
	size_t said = 0;
	int none = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_true(none >= 0);
	(void)dup2(none, STDERR_FILENO);
	(void)context;
	cli_progress_init(&progress, "tool", CLI_PROGRESS_PLAIN, false, true);
	bake_error_set(&err, BAKE_ERR_TEMPORARY, "net.reset", "%0600d", 0);
	bake_emit_plan(&events, 100000, (uint64_t)1 << 60);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "%0230d", i);
		bake_emit_bytes(&events, BAKE_EVENT_START, name, 0, 10000000);
		progress.retry_ms -= 10000;
		cli_progress_emit(
			&progress, &(struct bake_event){
					   .kind = BAKE_EVENT_RETRY, .name = name, .error = &err});
		if (i % 2)
			bake_emit_fail(&events, name, &err);
		else
			bake_emit_done(&events, name, "fetched", 10000000);
		bake_emitf(&events, BAKE_EVENT_NOTICE, "%s", name);
		bake_emitf(&events, BAKE_EVENT_WARNING, "%s", name);
	}
	for (int i = 0; i < CLI_SAY_KINDS; i++)
		said += progress.said[i];
	return said > 500000 && said < 700000 ? 0 : 1;
}

static void a_log_has_an_end(void)
{
	struct captured out;

	capture(&out, draw_endlessly, NULL);
	assert_int_equal(out.code, 0);
}

static int retry_often(void *context)
{
	struct cli_progress progress;
	struct bake_events events = {cli_progress_emit, &progress};
	struct bake_error err = BAKE_ERROR_INIT;
	const struct bake_event retry = {.kind = BAKE_EVENT_RETRY, .name = "f", .error = &err};

	(void)context;
	cli_progress_init(&progress, "tool", CLI_PROGRESS_PLAIN, false, true);
	bake_error_set(&err, BAKE_ERR_TEMPORARY, "net.reset", "reset");
	bake_emit_plan(&events, 1, 100);
	for (int i = 0; i < 50; i++)
		cli_progress_emit(&progress, &retry);
	progress.retry_ms -= 6000;
	cli_progress_emit(&progress, &retry);
	return 0;
}

static void retries_are_told_now_and_then(void)
{
	struct captured out;
	size_t lines = 0;

	capture(&out, retry_often, NULL);
	for (const char *at = out.text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 9);
	assert_non_null(strstr(out.text, "reset (and 42 other retries)\n"));
}

static void words_are_the_modes(void)
{
	assert_string_equal(cli_progress_words[CLI_PROGRESS_AUTO], "auto");
	assert_string_equal(cli_progress_words[CLI_PROGRESS_BAR], "bar");
	assert_string_equal(cli_progress_words[CLI_PROGRESS_PLAIN], "plain");
	assert_string_equal(cli_progress_words[CLI_PROGRESS_NONE], "none");
	assert_null(cli_progress_words[CLI_PROGRESS_NONE + 1]);
}

static const struct scenario others[] = {
	{"long names are told apart", long_names_are_told_apart},
	{"a failure ends a file", a_failure_ends_a_file},
	{"more files than are drawn", more_files_than_are_drawn_are_counted},
	{"resumed bytes are no rate", resumed_bytes_are_no_rate},
	{"a file awaits its digest", a_file_awaits_its_digest},
	{"a file is known once", a_file_is_known_once},
	{"a log gets lines", a_log_gets_lines},
	{"a log of many files is short", a_log_of_many_files_is_short},
	{"a log has an end", a_log_has_an_end},
	{"retries are told now and then", retries_are_told_now_and_then},
	{"words are the modes", words_are_the_modes},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(names, try_name),
		ROWS(others, play_scenario),
	};

	return run_rows("cli/progress", tables, countof(tables));
}
