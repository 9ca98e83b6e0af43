/* SPDX-License-Identifier: Apache-2.0 */
/* bake: every tool by one name, short ways to what people ask for, and a menu. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakecli/commands.h"
#include "bakecli/tools.h"
#include "cli/help.h"
#include "cli/main.h"

static bool is(const char *word, const char *short_name, const char *name)
{
	return strcmp(word, short_name) == 0 || strcmp(word, name) == 0;
}

int main(int argc, char **argv)
{
	static const struct cli_command self = {.name = BAKECLI_TOOL};
	static char name[] = BAKECLI_TOOL;
	static char menu_word[] = "menu";
	char *menu[] = {name, menu_word, NULL};
	const char *term = getenv("TERM");
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status = BAKE_OK;
	bool terminal =
		isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
	const char *word = argc > 1 ? argv[1] : "--help";

	cli_begin();
	if (argc < 2 && terminal)
		status = bakecli_dispatch(2, menu, &error);
	else if (is(word, "-h", "--help"))
		bakecli_print_help();
	else if (is(word, "-V", "--version"))
		cli_print_version(&self);
	else if (strcmp(word, "--help-exit-codes") == 0)
		cli_print_exit_codes();
	else
		status = bakecli_dispatch(argc, argv, &error);
	return cli_end(BAKECLI_TOOL, status, &error);
}
