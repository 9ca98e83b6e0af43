/* SPDX-License-Identifier: Apache-2.0 */
/* How tools end, and what reaches the terminal. */
#include "unit/rows.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "cli/main.h"
#include "cli/report.h"
#include "unit/capture.h"

static const struct end_row {
	const char *name;
	enum bake_status status;
	const char *id;
	const char *message;
	const char *hint;
	const char *want;
	int code;
} ends[] = {
	{"success", BAKE_OK, NULL, "", "", "", 0},
	{"a failure", BAKE_ERR_DATA, "json.type", "m.json:1: no", "",
		"tool: error[json.type]: m.json:1: no\n", 65},
	{"a hint", BAKE_ERR_USAGE, "usage.option", "no", "say yes",
		"tool: error[usage.option]: no\nhint: say yes\n", 64},
	{"one line, whatever it was made of", BAKE_ERR_IO, "fs.io", "a\nb\x1b[2J\r\x7f", "c\nd",
		"tool: error[fs.io]: a\\x0ab\\x1b[2J\\x0d\\x7f\nhint: c\\x0ad\n", 74},
	{"an error without an id", BAKE_ERR_INTERNAL, NULL, "oops", "",
		"tool: error[internal]: oops\n", 70},
	{"interrupted, by no signal", BAKE_ERR_INTERRUPTED, "interrupted", "stopped", "",
		"tool: error[interrupted]: stopped\n", 130},
};

static int end_tool(void *context)
{
	const struct end_row *row = context;
	struct bake_error err = BAKE_ERROR_INIT;

	if (row->status != BAKE_OK && row->id)
		bake_error_set(&err, row->status, row->id, "%s", row->message);
	else
		(void)snprintf(err.message, sizeof(err.message), "%s", row->message);
	if (row->hint[0])
		bake_error_hint(&err, "%s", row->hint);
	return cli_end("tool", row->status, &err);
}

static void try_end(void **state)
{
	const struct end_row *row = *state;
	struct captured out;

	capture(&out, end_tool, (void *)(uintptr_t)row);
	assert_string_equal(out.text, row->want);
	assert_int_equal(out.code, row->code);
}

static int be_stopped(void *context)
{
	struct bake_error err = BAKE_ERROR_INIT;

	cli_begin();
	(void)raise(*(const int *)context);
	return cli_end("tool", bake_stop_check(&err), &err);
}

static void a_signal_ends_the_tool_by_itself(void)
{
	static const int signals[] = {SIGINT, SIGTERM};

	for (size_t i = 0; i < countof(signals); i++) {
		struct captured out;

		capture(&out, be_stopped, (void *)(uintptr_t)&signals[i]);
		assert_int_equal(out.code, -1);
		assert_int_equal(out.signal, signals[i]);
		assert_int_equal(strncmp(out.text, "tool: error[interrupted]: ", 26), 0);
	}
}

static int print_to_a_full_disk(void *context)
{
	struct bake_error err = BAKE_ERROR_INIT;

	(void)context;
	if (!freopen("/dev/full", "w", stdout))
		return 100;
	(void)puts("result");
	return cli_end("tool", BAKE_OK, &err);
}

static void output_that_is_lost_is_a_failure(void)
{
	struct captured out;

	capture(&out, print_to_a_full_disk, NULL);
	if (out.code == 100)
		skip();
	assert_int_equal(out.code, 74);
	assert_int_equal(strncmp(out.text, "tool: error[fs.io]: ", 20), 0);
}

static const struct json_row {
	const char *name;
	const char *argv[5];
	bool asked;
} asks[] = {
	{"nothing", {"tool"}, false},
	{"asked", {"tool", "--json"}, true},
	{"behind what cannot be parsed", {"tool", "--frob", "x", "--json"}, true},
	{"an argument of that name", {"tool", "--", "--json"}, false},
	{"the beginning of another word", {"tool", "--jsonl"}, false},
};

static void try_asks(void **state)
{
	const struct json_row *row = *state;
	char *argv[5] = {NULL};
	int argc = 0;

	for (; argc < 5 && row->argv[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)row->argv[argc];
	assert_int_equal(cli_asks_json(argc, argv), row->asked);
}

static const struct document_row {
	const char *name;
	const char *report; /* what the command printed itself; NULL: nothing */
	enum bake_status status;
	const char *want;
} documents[] = {
	{"a failure", NULL, BAKE_ERR_DATA,
		"{\n  \"ok\": false,\n  \"error\": \"a.b\",\n  \"message\": \"c \\\"d\\\"\",\n"
		"  \"hint\": \"e\",\n  \"exit_code\": 65\n}\n"
		"tool: error[a.b]: c \"d\"\nhint: e\n"},
	{"a success without a report", NULL, BAKE_OK, "{\n  \"ok\": true\n}\n"},
	{"a success with its report", "[]\n", BAKE_OK, "[]\n"},
	{"a failure with its report", "[]\n", BAKE_ERR_DATA,
		"[]\ntool: error[a.b]: c \"d\"\nhint: e\n"},
};

static int end_with_json(void *context)
{
	const struct document_row *row = context;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(100);
	struct bake_error err = BAKE_ERROR_INIT;

	cli_expect_json(true);
	if (row->report) {
		bake_buf_text(&text, row->report);
		cli_print_json(&text);
	}
	if (row->status != BAKE_OK) {
		bake_error_set(&err, row->status, "a.b", "c \"d\"");
		bake_error_hint(&err, "e");
	}
	return cli_end("tool", row->status, &err);
}

static void try_document(void **state)
{
	const struct document_row *row = *state;
	struct captured out;

	capture(&out, end_with_json, (void *)(uintptr_t)row);
	assert_string_equal(out.text, row->want);
	assert_int_equal(out.code, bake_exit_code(row->status));
}

static int speak(void *context)
{
	(void)context;
	cli_warn("tool", "a\nb");
	cli_note("tool", "c\x1b");
	return 0;
}

static void warnings_and_notes_are_lines(void)
{
	struct captured out;

	capture(&out, speak, NULL);
	assert_string_equal(out.text, "tool: warning: a\\x0ab\ntool: c\\x1b\n");
}

static void nothing_is_coloured_but_a_terminal(void)
{
	struct captured out;
	static const struct end_row row = {
		"x", BAKE_ERR_IO, "fs.io", "no", "", "tool: error[fs.io]: no\n", 74};

	(void)setenv("TERM", "xterm-256color", 1);
	capture(&out, end_tool, (void *)(uintptr_t)&row);
	assert_string_equal(out.text, row.want);
}

static void the_models_directory_is_found(void)
{
	(void)unsetenv("MODEL_CACHE_DIR");
	assert_string_equal(cli_models_dir(NULL), "/app/models");
	assert_string_equal(cli_models_dir("given"), "given");
	(void)setenv("MODEL_CACHE_DIR", "", 1);
	assert_string_equal(cli_models_dir(NULL), "/app/models");
	(void)setenv("MODEL_CACHE_DIR", "/models", 1);
	assert_string_equal(cli_models_dir(NULL), "/models");
	assert_string_equal(cli_models_dir("given"), "given");
	(void)unsetenv("MODEL_CACHE_DIR");
}

static const struct scenario others[] = {
	{"a signal ends the tool by itself", a_signal_ends_the_tool_by_itself},
	{"output that is lost is a failure", output_that_is_lost_is_a_failure},
	{"warnings and notes are lines", warnings_and_notes_are_lines},
	{"nothing but a terminal is coloured", nothing_is_coloured_but_a_terminal},
	{"the models directory is found", the_models_directory_is_found},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(ends, try_end),
		ROWS(asks, try_asks),
		ROWS(documents, try_document),
		ROWS(others, play_scenario),
	};

	return run_rows("cli/main", tables, countof(tables));
}
