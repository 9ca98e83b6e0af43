/* SPDX-License-Identifier: Apache-2.0 */
/* Events counted and drawn. */
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

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
	assert_int_equal(progress.begin, 30);
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
}

static void more_files_than_are_drawn_are_counted(void)
{
	struct cli_progress progress = quiet_progress();
	struct bake_events events = {cli_progress_emit, &progress};
	char name[16];

	bake_emit_plan(&events, 100, 10000);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		bake_emit_bytes(&events, BAKE_EVENT_START, name, 0, 100);
	}
	assert_int_equal(progress.active, CLI_PROGRESS_FILES);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		bake_emit_done(&events, name, "fetched", 100);
	}
	assert_int_equal(progress.active, 0);
	assert_int_equal(progress.files_done, 100);
	assert_int_equal(progress.done, 10000);
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
	{"a log gets lines", a_log_gets_lines},
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
