/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog recommend. */
#include "base/cleanup.h"
#include "catalogcli/commands.h"
#include "catalogcli/load.h"

static struct catalogcli_which which;

static const struct cli_option options[] = {
	CATALOGCLI_OPTIONS(which),
};

static const struct cli_command command = {
	.name = "bake-catalog recommend",
	.summary = "say what to fetch into the space there is, and why",
	.usage = "",
	.options = options,
	.option_count = countof(options),
	.args_max = SIZE_MAX,
};

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;

	(void)common;
	(void)args;
	return catalogcli_open(&which, &opened, err);
}

static void release(void)
{
	catalogcli_release(&which);
}

const struct catalogcli_command catalogcli_recommend = {&command, run, release};
