/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/main.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "cli/help.h"
#include "cli/report.h"

/* A closed standard descriptor would be given to the first file we open. */
static void hold_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* As many files at a time as the system lets us. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void cli_begin(void)
{
	hold_standard_descriptors();
	raise_descriptors();
	bake_stop_install();
	(void)setvbuf(stderr, NULL, _IOLBF, 0);
}

bool cli_colour(void)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDERR_FILENO) && !(no_colour && no_colour[0]) && term &&
	       strcmp(term, "dumb") != 0;
}

/* The last guard: whatever a message was made of, it is one line of text on the terminal. */
static void print_line(const char *head, const char *text)
{
	(void)fputs(head, stderr);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			(void)fprintf(stderr, "\\x%02x", c);
		else
			(void)fputc(c, stderr);
	}
	(void)fputc('\n', stderr);
}

static void print_error(const char *tool, const struct bake_error *err)
{
	const char *on = cli_colour() ? "\033[1;31m" : "";
	const char *off = cli_colour() ? "\033[0m" : "";
	char head[160];

	(void)snprintf(head, sizeof(head), "%s: %serror[%s]%s: ", tool, on,
		err->id ? err->id : "internal", off);
	print_line(head, err->message);
	if (err->hint[0])
		print_line("hint: ", err->hint);
}

void cli_warn(const char *tool, const char *text)
{
	char head[160];

	(void)snprintf(head, sizeof(head), "%s: warning: ", tool);
	print_line(head, text);
}

void cli_note(const char *tool, const char *text)
{
	char head[160];

	(void)snprintf(head, sizeof(head), "%s: ", tool);
	print_line(head, text);
}

int cli_end(const char *tool, enum bake_status status, struct bake_error *err)
{
	err->status = status;
	cli_print_outcome(err);
	if (!cli_flush() && status == BAKE_OK)
		status = bake_error_set(
			err, BAKE_ERR_IO, "fs.io", "standard output could not be written");
	if (status != BAKE_OK)
		print_error(tool, err);
	if (status == BAKE_ERR_INTERRUPTED && bake_stop_signal()) {
		(void)signal(bake_stop_signal(), SIG_DFL);
		(void)raise(bake_stop_signal());
	}
	return bake_exit_code(status);
}

enum bake_status cli_run(const struct cli_command *command, int argc, char **argv, cli_run_fn *run,
	struct bake_error *err)
{
	struct cli_common common;
	struct cli_list args = {NULL, 0};
	enum bake_status status = cli_parse(command, argc, argv, &common, &args, err);

	cli_expect_json(status == BAKE_OK ? common.json : cli_asks_json(argc, argv));
	if (status == BAKE_OK)
		status = run(&common, &args, err);
	cli_list_release(&args);
	return status;
}

int cli_main(const struct cli_command *command, int argc, char **argv, cli_run_fn *run)
{
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status;

	cli_begin();
	status = cli_run(command, argc, argv, run, &error);
	return cli_end(command->name, status, &error);
}

const char *cli_models_dir(const char *option)
{
	const char *variable = getenv("MODEL_CACHE_DIR");

	if (option)
		return option;
	return variable && variable[0] ? variable : "/app/models";
}
