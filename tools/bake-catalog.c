/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog: what there is to bake, what of it is here, and what fits. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/main.h"
#include "cli/options.h"
#include "cli/report.h"
#include "catalogcli/commands.h"

#define TOOL CATALOGCLI_TOOL

static const struct catalogcli_command *const commands[] = {
	&catalogcli_list,
	&catalogcli_search,
	&catalogcli_recommend,
	&catalogcli_profiles,
	&catalogcli_storage,
	&catalogcli_history,
	&catalogcli_import,
};

static void print_commands(void)
{
	const struct cli_command *list[countof(commands)];

	for (size_t i = 0; i < countof(commands); i++)
		list[i] = commands[i]->command;
	cli_print_commands(
		TOOL, "list, search, recommend, measure and import models", list, countof(list));
}

static const char *command_word(const void *context, size_t index)
{
	(void)context;
	return commands[index]->command->name + sizeof(TOOL);
}

static enum bake_status dispatch(int argc, char **argv, struct bake_error *err)
{
	const char *word = argc > 1 ? argv[1] : "";
	const char *near;

	for (size_t i = 0; i < countof(commands); i++) {
		if (strcmp(word, command_word(NULL, i)) == 0)
			return cli_run(
				commands[i]->command, argc - 1, argv + 1, commands[i]->run, err);
	}
	cli_expect_json(cli_asks_json(argc, argv));
	bake_error_set(
		err, BAKE_ERR_USAGE, "usage.command", "unknown command '%s'", BAKE_SHOW(word));
	near = bake_text_nearest(word, countof(commands), command_word, NULL);
	return near ? bake_error_hint(err, "did you mean %s?", near)
		    : bake_error_hint(err, "bake-catalog --help lists them");
}

int main(int argc, char **argv)
{
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status = BAKE_OK;
	const char *word = argc > 1 ? argv[1] : "";
	const struct cli_command self = {.name = TOOL};

	cli_begin();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		print_commands();
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		cli_print_version(&self);
	else if (strcmp(word, "--help-exit-codes") == 0)
		cli_print_exit_codes();
	else
		status = dispatch(argc, argv, &error);
	for (size_t i = 0; i < countof(commands); i++) {
		if (commands[i]->release)
			commands[i]->release();
	}
	return cli_end(TOOL, status, &error);
}
