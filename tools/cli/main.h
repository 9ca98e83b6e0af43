/* SPDX-License-Identifier: Apache-2.0 */
/* How every tool begins and ends. */
#ifndef CLI_MAIN_H
#define CLI_MAIN_H

#include "base/error.h"
#include "cli/options.h"

/* What a command does once its line is read. */
typedef enum bake_status cli_run_fn(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err);

/* All of main for a tool of one command. */
int cli_main(const struct cli_command *command, int argc, char **argv, cli_run_fn *run);

/* Reads the command line and runs the command. */
enum bake_status cli_run(const struct cli_command *command, int argc, char **argv, cli_run_fn *run,
	struct bake_error *err) BAKE_CHECKED;

/* Signals, descriptors, line buffering. First thing in main. */
void cli_begin(void);

/*
 * The last thing: writes out standard output (with --json, a command that printed no report gets
 * one), prints the error as "tool: error[id]: message" and at most one "hint: ..." line, and
 * returns the exit code. After a signal it ends the process by that signal.
 */
int cli_end(const char *tool, enum bake_status status, struct bake_error *err);

/* Whether colour may be used on standard error. */
bool cli_colour(void);

/* "tool: warning: text", "tool: text". */
void cli_warn(const char *tool, const char *text);
void cli_note(const char *tool, const char *text);

/* The models directory: the option's value, $MODEL_CACHE_DIR, /app/models. */
const char *cli_models_dir(const char *option);

#endif
