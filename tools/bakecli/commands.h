/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that bake has itself. */
#ifndef BAKECLI_COMMANDS_H
#define BAKECLI_COMMANDS_H

#include "base/error.h"
#include "cli/main.h"
#include "cli/options.h"

struct bakecli_command {
	const char *word;
	const struct cli_command *command;
	cli_run_fn *run;
};

extern const struct bakecli_command bakecli_download;
extern const struct bakecli_command bakecli_download_defaults;
extern const struct bakecli_command bakecli_completion;
extern const struct bakecli_command bakecli_help;
extern const struct bakecli_command bakecli_menu_command;

/* A word that means another tool's command: "list" is bake-catalog list. */
struct bakecli_short {
	const char *word;
	const char *program;
	const char *command;
	const char *summary;
};

const struct bakecli_short *bakecli_shorts(size_t *out_count);

/* bake's own commands, in the order in which they are listed. */
const struct bakecli_command *const *bakecli_commands(size_t *out_count);

/* bake --help, to standard output. */
void bakecli_print_help(void);

/* Runs what argv[1] names: a command of bake's own, a short way, or bake-NAME. */
enum bake_status bakecli_dispatch(int argc, char **argv, struct bake_error *err) BAKE_CHECKED;

#endif
