/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of bake-catalog, one file each. */
#ifndef CATALOGCLI_COMMANDS_H
#define CATALOGCLI_COMMANDS_H

#include "cli/main.h"
#include "cli/options.h"

#define CATALOGCLI_TOOL "bake-catalog"

struct catalogcli_command {
	const struct cli_command *command; /* its name is "bake-catalog WORD" */
	cli_run_fn *run;
	void (*release)(void); /* of lists that options fill; NULL: nothing to release */
};

extern const struct catalogcli_command catalogcli_list;
extern const struct catalogcli_command catalogcli_search;
extern const struct catalogcli_command catalogcli_recommend;
extern const struct catalogcli_command catalogcli_profiles;
extern const struct catalogcli_command catalogcli_storage;
extern const struct catalogcli_command catalogcli_history;
extern const struct catalogcli_command catalogcli_import;

#endif
