/* SPDX-License-Identifier: Apache-2.0 */
/* --help, --version and --help-exit-codes, all from tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>

#include "cli/options.h"

void cli_print_help(const struct cli_command *command);
void cli_print_version(const struct cli_command *command);
void cli_print_exit_codes(void);

/* Commands of a tool that has several: its own --help. */
void cli_print_commands(const char *tool, const char *summary,
	const struct cli_command *const *commands, size_t count);

/* Whether all that was printed has left: a full disk or a closed pipe shows only here. */
bool cli_flush(void);

#endif
