/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	WIDTH = 78,
	HELP_COLUMN = 28
};

/* text wrapped to the width, its lines after the first indented; column is where it begins. */
static void print_wrapped(const char *text, int indent, int column)
{
	int blank = 0; /* owed before the next word */

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column + blank + len > WIDTH && column > indent) {
			(void)printf("\n%*s", indent, "");
			column = indent;
			blank = 0;
		}
		(void)printf("%*s%.*s", blank, "", len, text);
		column += blank + len;
		blank = 1;
		text += len + (int)strspn(text + len, " ");
	}
	(void)putchar('\n');
}

static void print_option(const struct cli_option *option)
{
	char left[80];
	int len = snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", option->short_name ? '-' : ' ',
		option->short_name ? option->short_name : ' ', option->short_name ? ", " : "  ",
		option->name, option->arg ? " " : "", option->arg ? option->arg : "");

	(void)printf("%s", left);
	if (len > HELP_COLUMN - 2)
		(void)printf("\n%*s", HELP_COLUMN, "");
	else
		(void)printf("%*s", HELP_COLUMN - len, "");
	print_wrapped(option->help, HELP_COLUMN, HELP_COLUMN);
}

/* A command may use the letter of a common option for one of its own. */
static void print_common(const struct cli_command *command, struct cli_option option)
{
	for (size_t i = 0; i < command->option_count; i++) {
		if (command->options[i].short_name == option.short_name)
			option.short_name = 0;
	}
	print_option(&option);
}

void cli_print_help(const struct cli_command *command)
{
	size_t count;
	const struct cli_option *common = cli_common_options(&count);

	(void)printf("%s - %s\n\nUsage: %s [OPTION...]%s%s\n\n", command->name, command->summary,
		command->name, command->usage[0] ? " " : "", command->usage);
	for (size_t i = 0; i < command->option_count; i++)
		print_option(&command->options[i]);
	if (command->option_count)
		(void)putchar('\n');
	for (size_t i = 0; i < count; i++)
		print_common(command, common[i]);
	for (const char *const *note = command->notes; note && *note; note++) {
		(void)putchar('\n');
		print_wrapped(*note, 0, 0);
	}
}

void cli_print_commands(const char *tool, const char *summary,
	const struct cli_command *const *commands, size_t count)
{
	(void)printf("%s - %s\n\nUsage: %s COMMAND [OPTION...]\n\n", tool, summary, tool);
	for (size_t i = 0; i < count; i++)
		(void)printf("  %-24s %s\n", commands[i]->name, commands[i]->summary);
	(void)printf("\n%s COMMAND --help says more.\n", tool);
}

void cli_print_version(const struct cli_command *command)
{
	(void)printf("%s %s\n", command->name, BAKE_VERSION);
}

void cli_print_exit_codes(void)
{
	unsigned count;
	const struct bake_status_info *table = bake_status_table(&count);

	(void)printf("%4s  %-14s  %-50s  %s\n", "code", "name", "meaning", "does again help?");
	for (unsigned i = 0; i < count; i++)
		(void)printf("%4d  %-14s  %-50s  %s\n", bake_exit_code(table[i].status),
			table[i].name, table[i].text, table[i].retry);
}

bool cli_flush(void)
{
	return fflush(stdout) == 0 && !ferror(stdout);
}
