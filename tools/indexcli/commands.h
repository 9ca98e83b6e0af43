/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of bake-index, one file each. */
#ifndef INDEXCLI_COMMANDS_H
#define INDEXCLI_COMMANDS_H

#include "cli/main.h"
#include "cli/options.h"

#define INDEXCLI_TOOL "bake-index"

struct indexcli_command {
	const struct cli_command *command; /* its name is "bake-index WORD" */
	cli_run_fn *run;
	void (*release)(void); /* of lists that options fill; NULL: nothing to release */
};

extern const struct indexcli_command indexcli_build;
extern const struct indexcli_command indexcli_show;
extern const struct indexcli_command indexcli_path;
extern const struct indexcli_command indexcli_migrate;
extern const struct indexcli_command indexcli_reconcile;
extern const struct indexcli_command indexcli_apply;
extern const struct indexcli_command indexcli_inspect;
extern const struct indexcli_command indexcli_estimate;

#endif
