/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog storage: what models take, and getting some of it back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "catalog/prune.h"
#include "catalogcli/commands.h"
#include "catalogcli/load.h"
#include "catalogcli/storage_print.h"
#include "cli/report.h"
#include "fs/dir.h"

enum what {
	WHAT_ALL,
	WHAT_DUPLICATES,
	WHAT_LEFTOVERS
};

static const char *const what_words[] = {"all", "duplicates", "leftovers", NULL};

static struct catalogcli_which which;
static struct catalogcli_storage_limits limits = {
	.low = 10000000000, .rows = 10, /* as the user guides have it */
};
static bool hash;
static bool prune_wanted;
static bool dry_run;
static bool yes;
static unsigned what = WHAT_ALL;
static unsigned method = BAKE_SHARE_AUTO;

static const struct cli_option options[] = {
	CATALOGCLI_OPTIONS(which),
	{0, "quota", "SIZE", "count SIZE as what models may take in all (50GB)", CLI_BYTES,
		&limits.quota, 1, 0, NULL},
	{0, "low", "SIZE", "warn when less than SIZE is left (10GB)", CLI_BYTES, &limits.low, 0, 0,
		NULL},
	{'n', "number", "N", "list the N largest files (10)", CLI_NUMBER, &limits.rows, 0, 100000,
		NULL},
	{0, "hash", NULL, "hash files of equal size that nobody pinned, to find duplicates",
		CLI_FLAG, &hash, 0, 0, NULL},
	{0, "prune", NULL, "get room back from duplicates and broken runs, after a question",
		CLI_FLAG, &prune_wanted, 0, 0, NULL},
	{0, "only", "WHAT", "with --prune: all, duplicates or leftovers (all)", CLI_WORD, &what, 0,
		0, what_words},
	{0, "method", "NAME",
		"with --prune: share by reflink or hardlink, or auto, what there is (auto)",
		CLI_WORD, &method, 0, 0, bake_share_methods},
	{0, "dry-run", NULL, "with --prune: print the plan and change nothing", CLI_FLAG, &dry_run,
		0, 0, NULL},
	{'y', "yes", NULL, "with --prune: do not ask", CLI_FLAG, &yes, 0, 0, NULL},
};

static const struct cli_command command = {
	.name = "bake-catalog storage",
	.summary = "print what models take, or get room back",
	.usage = "",
	.options = options,
	.option_count = countof(options),
	.args_max = 0,
};

static void show_event(void *context, const struct bake_event *event)
{
	(void)context;
	if (event->kind == BAKE_EVENT_WARNING)
		cli_warn(CATALOGCLI_TOOL, event->note);
	else if (event->kind == BAKE_EVENT_NOTICE)
		cli_note(CATALOGCLI_TOOL, event->note);
}

static const struct bake_events events = {show_event, NULL};

/* Without any manifest the directory can be measured all the same. */
static enum bake_status open_catalog(
	struct bake_catalog_opened *opened, int *root, struct bake_error *err)
{
	struct bake_error failed = BAKE_ERROR_INIT;

	if (bake_dir_open(cli_models_dir(which.models_dir), root, err) != BAKE_OK) {
		bake_error_of_input(err);
		return bake_error_wrap(err, "models");
	}
	if (catalogcli_open(&which, opened, &failed) == BAKE_OK ||
		bake_text_equal(failed.id, "catalog.nothing"))
		return BAKE_OK;
	*err = failed;
	return failed.status;
}

/* The answer on a terminal; elsewhere nobody is there to ask. */
static enum bake_status ask(const struct catalogcli_storage *all, bool *go, struct bake_error *err)
{
	char line[16] = "";

	*go = yes;
	if (yes)
		return BAKE_OK;
	if (!isatty(STDIN_FILENO)) {
		bake_error_set(err, BAKE_ERR_USAGE, "catalog.unconfirmed",
			"there is no terminal to ask on whether to prune");
		return bake_error_hint(err, "--yes goes ahead, --dry-run only prints the plan");
	}
	(void)fprintf(stderr, "Get %s back? [y/N] ", BAKE_BYTES(catalogcli_prune_bytes(all)));
	(void)fflush(stderr);
	if (!fgets(line, sizeof(line), stdin))
		line[0] = '\0';
	*go = line[0] == 'y' || line[0] == 'Y';
	return BAKE_OK;
}

/* Prints the plan, asks, and does it. */
static enum bake_status prune_it(const struct cli_common *common, int root,
	struct catalogcli_storage *all, struct bake_error *err)
{
	const struct bake_prune_options wanted = {
		.leftovers = all->leftovers,
		.twins = all->twins,
		.method = (enum bake_share_method)method,
		.events = &events,
	};
	bool go = false;

	if (all->prune->live)
		return bake_error_transient(err, BAKE_ERR_TEMPORARY, "lock.held",
			"another process (pid %ld) is working in this directory",
			all->prune->owner);
	if (!common->json)
		catalogcli_print_plan(all);
	if (dry_run || catalogcli_prune_count(all) == 0)
		return BAKE_OK;
	BAKE_TRY(ask(all, &go, err));
	if (!go)
		return BAKE_OK;
	all->ran = true;
	return bake_prune_run(root, all->prune, &wanted, err);
}

static enum bake_status report(const struct cli_common *common, int root,
	struct catalogcli_storage *all, struct bake_error *err)
{
	enum bake_status status = BAKE_OK;

	if (prune_wanted)
		status = prune_it(common, root, all, err);
	else if (!common->json)
		catalogcli_print_storage(all);
	if (all->ran && !common->json)
		catalogcli_print_done(all);
	if (common->json)
		BAKE_TRY(catalogcli_put_storage(all, err));
	return status;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;
	_cleanup_(bake_storage_release) struct bake_storage storage = BAKE_STORAGE_INIT;
	_cleanup_(bake_prune_release) struct bake_prune prune = BAKE_PRUNE_INIT;
	struct catalogcli_storage all = {
		.dir = cli_models_dir(which.models_dir),
		.storage = &storage,
		.prune = &prune,
		.limits = &limits,
		.pruning = prune_wanted,
		.leftovers = what != WHAT_DUPLICATES,
		.twins = what != WHAT_LEFTOVERS,
	};
	_cleanup_close_ int root = -1;

	(void)args;
	if (!prune_wanted && (dry_run || yes))
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"--dry-run and --yes belong to --prune");
	BAKE_TRY(open_catalog(&opened, &root, err));
	BAKE_TRY(bake_storage_read(root, opened.catalog, &storage, err));
	if (hash)
		BAKE_TRY(bake_storage_hash(root, &storage, &events, err));
	BAKE_TRY(bake_storage_find_twins(root, &storage, err));
	BAKE_TRY(bake_prune_plan(root, &storage, &prune, err));
	if (catalogcli_left(&all) < limits.low && !common->quiet) {
		char text[BAKE_UNITS_TEXT + 64];

		(void)snprintf(text, sizeof(text), "only %s left for models",
			BAKE_BYTES(catalogcli_left(&all)));
		cli_warn(CATALOGCLI_TOOL, text);
	}
	return report(common, root, &all, err);
}

static void release(void)
{
	catalogcli_release(&which);
}

const struct catalogcli_command catalogcli_storage = {&command, run, release};
