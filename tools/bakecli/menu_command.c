/* SPDX-License-Identifier: Apache-2.0 */
/* bake menu: the menu, with options. */
#include <unistd.h>

#include "bakecli/commands.h"
#include "bakecli/menu.h"
#include "base/cleanup.h"

static const char *lock_path;
static struct bakecli_fetching fetching;

static const struct cli_option options[] = {
	{'l', "lock", "LOCK", "take pins from this lock", CLI_TEXT, &lock_path, 0, 0, NULL},
	BAKECLI_FETCHING_OPTIONS(fetching),
};

static const struct cli_command command = {
	.name = "bake menu",
	.summary = "open the menu, as bake alone does on a terminal",
	.usage = "",
	.options = options,
	.option_count = countof(options),
};

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	(void)common;
	(void)args;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return bake_error_set(
			err, BAKE_ERR_USAGE, "menu.no-terminal", "the menu needs a terminal");
	return bakecli_menu(&fetching, lock_path, err);
}

const struct bakecli_command bakecli_menu_command = {"menu", &command, run};
