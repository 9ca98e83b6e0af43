/* SPDX-License-Identifier: Apache-2.0 */
/* bake-lock: a manifest becomes exactly which bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/main.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "fs/file.h"
#include "json/writer.h"
#include "manifest/lock.h"
#include "netcli/origins.h"
#include "netops/lock.h"

#define TOOL "bake-lock"

static const char *output;
static bool check;
static bool upgrade;
static bool keep_going;
static uint64_t slice;
static const char *copy_files;
static unsigned progress_mode = CLI_PROGRESS_AUTO;
static struct netcli_origins origins = NETCLI_ORIGINS_INIT;

static const struct cli_option options[] = {
	{'o', "output", "FILE", "write the lock to FILE ('-': standard output)", CLI_TEXT, &output,
		0, 0, NULL},
	{0, "check", NULL, "only say whether the lock answers the manifest (78: no)", CLI_FLAG,
		&check, 0, 0, NULL},
	{0, "upgrade", NULL, "resolve branches anew instead of keeping pins", CLI_FLAG, &upgrade, 0,
		0, NULL},
	{0, "keep-going", NULL, "leave out models that cannot be resolved", CLI_FLAG, &keep_going,
		0, 0, NULL},
	{0, "slice", "N", "print what layer N (1-4) of the lock LOCK is made of", CLI_NUMBER,
		&slice, 1, 4, NULL},
	{0, "copy-files", "DIR", "with --slice: copy its local source files to DIR", CLI_TEXT,
		&copy_files, 0, 0, NULL},
	{0, "progress", "MODE", "show progress as auto, bar, plain or none", CLI_WORD,
		&progress_mode, 0, 0, cli_progress_words},
	NETCLI_ORIGIN_OPTIONS(origins),
};

static const char *const notes[] = {
	"Without --upgrade, what is pinned stays pinned: only models whose entry in the manifest "
	"changed are resolved. MODEL... pins only those anew; the others keep their pins, and a "
	"lock without pins of some is partial: fetching those is refused.",
	"NAME.json is locked in NAME.lock.json. Commit both.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "pin what a manifest names: commits, sizes and SHA-256 of every file",
	.usage = "MANIFEST [MODEL...] | --slice N LOCK",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = SIZE_MAX,
	.notes = notes,
};

static void print_json(const struct bake_lock_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 16);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "lock", report->path);
	bake_json_put_bool(&writer, "changed", report->changed);
	bake_json_put_u64(&writer, "models", report->models);
	bake_json_put_u64(&writer, "files", report->files);
	bake_json_put_u64(&writer, "bytes", report->bytes);
	bake_json_put_u64(&writer, "kept", report->kept);
	bake_json_put_u64(&writer, "resolved", report->resolved);
	bake_json_put_u64(&writer, "failed", report->failed);
	bake_json_put_u64(&writer, "unlocked", report->unlocked);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void print_result(const struct cli_common *common, const struct bake_lock_report *report,
	const struct bake_error *err)
{
	if (strcmp(report->path, "-") == 0)
		cli_json_printed(); /* the lock itself */
	else if (common->json)
		print_json(report, err);
	if (!common->quiet)
		(void)fprintf(stderr,
			TOOL ": %s %s: %zu models, %zu files, %s (%zu resolved, %zu kept)\n",
			report->path, report->changed ? "written" : "is up to date", report->models,
			report->files, BAKE_BYTES(report->bytes), report->resolved, report->kept);
	if (report->unlocked)
		(void)fprintf(stderr,
			TOOL ": warning: the lock is partial: %zu models of the manifest have no "
			     "pins in it\n",
			report->unlocked);
}

static void print_freshness(
	const struct bake_lock_freshness *freshness, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 20);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "lock", freshness->path);
	bake_json_put_bool(&writer, "fresh", freshness->fresh);
	bake_json_key(&writer, "stale");
	bake_json_array_line(&writer);
	for (size_t i = 0; i < freshness->stale_count; i++)
		bake_json_write_text(&writer, freshness->stale[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static enum bake_status run_check(const struct cli_common *common,
	const struct bake_lock_options *wanted, struct bake_error *err)
{
	struct bake_lock_freshness freshness;
	enum bake_status status = bake_lock_verify_fresh(wanted, &freshness, err);

	if (common->json && freshness.answered)
		print_freshness(&freshness, err);
	if (freshness.fresh && !common->quiet)
		(void)fprintf(
			stderr, TOOL ": %s answers the manifest\n", BAKE_SHOW(freshness.path));
	bake_lock_freshness_release(&freshness);
	return status;
}

static bool to_standard_output(void)
{
	return output && strcmp(output, "-") == 0;
}

/* What was asked for must not be half ignored. */
static enum bake_status check_options(struct bake_error *err)
{
	const struct {
		bool given;
		const char *what;
	} conflicts[] = {
		{copy_files && !slice, "--copy-files goes with --slice only"},
		{slice && check, "--slice and --check exclude each other"},
		{slice && upgrade, "--slice and --upgrade exclude each other"},
		{slice && keep_going, "--slice and --keep-going exclude each other"},
		{check && upgrade, "--check and --upgrade exclude each other"},
		{check && keep_going, "--check and --keep-going exclude each other"},
		{check && to_standard_output(), "--check needs a lock, and '-' is none"},
		{upgrade && origins.offline, "--upgrade and --offline exclude each other"},
		{upgrade && to_standard_output(),
			"without a former lock there is nothing to --upgrade"},
	};

	for (size_t i = 0; i < countof(conflicts); i++) {
		if (conflicts[i].given)
			return bake_error_set(
				err, BAKE_ERR_USAGE, "usage.conflict", "%s", conflicts[i].what);
	}
	return BAKE_OK;
}

/* What is read must not be written over. */
static enum bake_status check_output(const char *input, struct bake_error *err)
{
	struct stat in;
	struct stat out;

	if (!output || stat(input, &in) != 0 || stat(output, &out) != 0 ||
		in.st_dev != out.st_dev || in.st_ino != out.st_ino)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
		"--output names '%s' itself, which would be lost", BAKE_SHOW(input));
}

static enum bake_status run_slice(const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);

	if (args->count != 1)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.arguments", "--slice takes one lock");
	BAKE_TRY(bake_lock_slice(args->items[0], (unsigned)slice, copy_files, &text, err));
	if (output && strcmp(output, "-") != 0)
		return bake_file_replace_path(output, bake_buf_span(&text), -1, err);
	cli_print_json(&text);
	return BAKE_OK;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	struct cli_progress progress;
	struct bake_events events = {.emit = cli_progress_emit, .context = &progress};
	struct bake_lock_report report = {0};
	struct bake_lock_options wanted = {
		.manifest_path = args->items[0],
		.lock_path = output,
		.names = args->items + 1,
		.name_count = args->count - 1,
		.upgrade = upgrade,
		.keep_going = keep_going,
		.origins = netcli_origins(&origins, TOOL "/" BAKE_VERSION),
		.events = &events,
	};
	enum bake_status status;

	BAKE_TRY(check_options(err));
	BAKE_TRY(check_output(args->items[0], err));
	if (slice)
		return run_slice(args, err);
	if (check)
		return run_check(common, &wanted, err);
	cli_progress_init(&progress, TOOL, (enum cli_progress_mode)progress_mode, common->quiet,
		common->verbose > 0);
	status = bake_lock_run(&wanted, &report, err);
	cli_progress_clear(&progress);
	if (status == BAKE_OK || report.failed)
		print_result(common, &report, err);
	return status;
}

int main(int argc, char **argv)
{
	int code = cli_main(&command, argc, argv, run);

	cli_list_release(&origins.mirrors);
	return code;
}
