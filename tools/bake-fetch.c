/* SPDX-License-Identifier: Apache-2.0 */
/* bake-fetch: puts what a lock names under the models directory, verified. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/main.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "json/writer.h"
#include "net/transfer.h"
#include "net/url.h"
#include "netcli/fetch_talk.h"
#include "netcli/origins.h"
#include "netops/fetch.h"
#include "netops/peek.h"
#include "ops/pickle.h"

#define TOOL "bake-fetch"

static const char *lock_path;
static const char *models_dir;
static const char *profile;
static const char *group;
static const char *cache_dir;
static const char *events_path;
static const char *report_path;
static const char *peek_url;
static bool defaults;
static bool all;
static bool quick;
static bool dry_run;
static bool keep_going;
static bool no_history;
static bool keep_parts;
static bool sidecar;
static uint64_t layer;
static uint64_t max_concurrent = 3;
static uint64_t connections = 8;
static uint64_t bandwidth_limit;
static uint64_t lock_timeout_ms = 600000;
static unsigned layout = BAKE_LAYOUT_PLAIN;
static unsigned progress_mode = CLI_PROGRESS_AUTO;
static struct cli_list allow_pickle;
static struct netcli_origins origins = NETCLI_ORIGINS_INIT;

static const struct cli_option options[] = {
	{'l', "lock", "LOCK", "fetch what this lock names", CLI_TEXT, &lock_path, 0, 0, NULL},
	{'d', "models", "DIR", "put it there, not in $MODEL_CACHE_DIR or /app/models", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "profile", "NAME", "select the models of a profile", CLI_TEXT, &profile, 0, 0, NULL},
	{0, "group", "NAME", "select the models of a group", CLI_TEXT, &group, 0, 0, NULL},
	{0, "defaults", NULL, "select every model marked as default", CLI_FLAG, &defaults, 0, 0,
		NULL},
	{0, "all", NULL, "select every model", CLI_FLAG, &all, 0, 0, NULL},
	{0, "layer", "N", "keep of the selection only image layer N (1-4)", CLI_NUMBER, &layer, 1,
		4, NULL},
	{'j', "max-concurrent", "N", "fetch N files at a time (3)", CLI_NUMBER, &max_concurrent, 1,
		256, NULL},
	{'x', "connections", "N", "use up to N connections per file (8)", CLI_NUMBER, &connections,
		1, BAKE_CONNECTIONS_MAX, NULL},
	{0, "bandwidth-limit", "RATE", "take no more than RATE bytes per second in all", CLI_BYTES,
		&bandwidth_limit, 1, 0, NULL},
	{0, "cache", "DIR", "keep files by content in DIR and take them from there ($BAKE_CACHE)",
		CLI_TEXT, &cache_dir, 0, 0, NULL},
	{0, "layout", "NAME", "lay DIR out as plain, hf-local or hf-cache (plain)", CLI_WORD,
		&layout, 0, 0, bake_layout_names},
	{0, "quick", NULL, "take what is there with the right size to be right, unread", CLI_FLAG,
		&quick, 0, 0, NULL},
	{0, "dry-run", NULL, "only say what would be fetched, and whether it fits", CLI_FLAG,
		&dry_run, 0, 0, NULL},
	{0, "keep-going", NULL, "go on after a failure; optional models may then be missing (24)",
		CLI_FLAG, &keep_going, 0, 0, NULL},
	{0, "sidecar", NULL, "write FILE.json with what is known beside each file of weights",
		CLI_FLAG, &sidecar, 0, 0, NULL},
	{0, "keep-parts", NULL, "keep in DIR/.bake what runs for other models left unfinished",
		CLI_FLAG, &keep_parts, 0, 0, NULL},
	{0, "lock-timeout", "S", "wait S seconds for another process in DIR (600)", CLI_SECONDS,
		&lock_timeout_ms, 0, 0, NULL},
	{0, "progress", "MODE", "show progress as auto, bar, plain or none", CLI_WORD,
		&progress_mode, 0, 0, cli_progress_words},
	{0, "events", "FILE", "write what happens to FILE as JSON lines (-: standard output)",
		CLI_TEXT, &events_path, 0, 0, NULL},
	{0, "report", "FILE", "write a report of the run to FILE as JSON, also of a failed one",
		CLI_TEXT, &report_path, 0, 0, NULL},
	{0, "no-history", NULL, "do not add this run to the history in $BAKE_STATE_DIR", CLI_FLAG,
		&no_history, 0, 0, NULL},
	{0, "peek", "URL", "write a file's length and its beginning to a pipe; fetch nothing",
		CLI_TEXT, &peek_url, 0, 0, NULL},
	{0, "allow-pickle", "SHA256",
		"accept the file of this digest although loading it can execute code; may be "
		"repeated",
		CLI_LIST, &allow_pickle, 0, 0, NULL},
	NETCLI_ORIGIN_OPTIONS(origins),
};

static const char *const notes[] = {
	"MODEL... are ids or aliases. Without a selection: the profile \"default\" when the lock "
	"has "
	"one, else every required model.",
	"What is there and right is left alone. A file has its final name only when its size and "
	"SHA-256 are the pinned ones; what an interrupted run brought is kept in DIR/.bake (or the "
	"cache) and resumed.",
	"--peek is for bake-index inspect URL. The first line is \"bake.peek/1 BYTES\"; then the "
	"file "
	"comes, until the reader closes the pipe. URL may be "
	"hf://ORGANISATION/NAME[@REVISION]/PATH.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "put what a lock names under the models directory, verified",
	.usage = "-l LOCK [MODEL...]",
	.options = options,
	.option_count = countof(options),
	.args_max = SIZE_MAX,
	.notes = notes,
};

static void put_file(struct bake_json_writer *writer, const struct bake_fetch_file *file)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "path", file->path);
	bake_json_put_text(writer, "model", file->model);
	bake_json_put_text(writer, "outcome", bake_fetch_outcome_name(file->outcome));
	if (dry_run && file->outcome == BAKE_FETCH_PENDING)
		bake_json_put_text(writer, "way", bake_fetch_way_name(file->way));
	bake_json_put_u64(writer, "size", file->size);
	if (file->received)
		bake_json_put_u64(writer, "received", file->received);
	if (file->resumed)
		bake_json_put_u64(writer, "resumed", file->resumed);
	if (file->retries)
		bake_json_put_u64(writer, "retries", file->retries);
	if (file->from)
		bake_json_put_text(writer, "from", BAKE_SHOW_URL(file->from));
	if (file->outcome == BAKE_FETCH_FAILED) {
		bake_json_put_text(writer, "error", file->error.id);
		bake_json_put_text(writer, "message", BAKE_SHOW(file->error.message));
	}
	bake_json_end_object(writer);
}

static void print_json(const struct bake_fetch_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_bool(&writer, "dry_run", dry_run);
	bake_json_put_u64(&writer, "models", report->models);
	bake_json_put_u64(&writer, "bytes", report->bytes);
	bake_json_put_u64(&writer, "needed_bytes", report->needed_bytes);
	bake_json_put_u64(&writer, "free_bytes", report->free_bytes);
	bake_json_key(&writer, "files");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->file_count; i++)
		put_file(&writer, &report->files[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static size_t count_outcome(const struct bake_fetch_report *report, enum bake_fetch_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < report->file_count; i++)
		count += report->files[i].outcome == outcome ? 1 : 0;
	return count;
}

static void print_summary(const struct bake_fetch_report *report, const char *dir)
{
	size_t converted = count_outcome(report, BAKE_FETCH_CONVERTED);
	char conversions[48] = "";
	uint64_t received = 0;

	if (converted > 0)
		(void)snprintf(conversions, sizeof conversions, "%zu converted, ", converted);
	for (size_t i = 0; i < report->file_count; i++)
		received = bake_u64_add_capped(
			received, report->files[i].received + report->files[i].source_received);
	(void)fprintf(stderr,
		TOOL ": %zu models, %zu files, %s in %s: %zu fetched (%s), %zu from the cache, %zu "
		     "copied, %s%zu already there\n",
		report->models, report->file_count, BAKE_BYTES(report->bytes), BAKE_SHOW(dir),
		count_outcome(report, BAKE_FETCH_FETCHED), BAKE_BYTES(received),
		count_outcome(report, BAKE_FETCH_CACHED), count_outcome(report, BAKE_FETCH_COPIED),
		conversions, count_outcome(report, BAKE_FETCH_PRESENT));
}

static void print_files(const struct bake_fetch_report *report)
{
	for (size_t i = 0; i < report->file_count; i++) {
		const struct bake_fetch_file *file = &report->files[i];

		(void)fprintf(stderr, TOOL ": %s %s from %s\n",
			bake_fetch_outcome_name(file->outcome), BAKE_SHOW(file->path),
			file->from ? BAKE_SHOW_URL(file->from) : "-");
	}
}

/* A dry run that ends as the real one would still has its plan to show. */
static bool has_plan(enum bake_status status)
{
	return status == BAKE_OK || status == BAKE_ERR_NOSPACE || status == BAKE_ERR_UNAVAILABLE;
}

static void print_result(const struct cli_common *common, const struct bake_fetch_run *result)
{
	enum bake_status status = result->status;
	bool done = status == BAKE_OK || status == BAKE_ERR_PARTIAL;

	if (common->json)
		print_json(result->report, result->error);
	else if (dry_run && result->report->file_count && has_plan(status))
		netcli_print_plan(result);
	if (common->verbose)
		print_files(result->report);
	if (result->report->events_lost)
		cli_warn(TOOL, "not every event could be written");
	if (common->quiet || dry_run)
		return;
	if (done)
		print_summary(result->report, result->options->models_dir);
	netcli_print_failure(TOOL, result);
}

/* Each of these wants standard output for itself. */
static enum bake_status check_outputs(const struct cli_common *common, struct bake_error *err)
{
	if (report_path && strcmp(report_path, "-") == 0) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"--report wants the name of a file, not '-'");
		return bake_error_hint(err, "--json writes to standard output");
	}
	if (events_path && strcmp(events_path, "-") == 0 && (common->json || dry_run))
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"'--events -' and %s both want standard output",
			common->json ? "--json" : "--dry-run");
	return BAKE_OK;
}

static enum bake_status run_peek(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	struct cli_progress progress;
	struct bake_events events = {.emit = cli_progress_emit, .context = &progress};
	struct bake_peek_options wanted = {
		.origins = netcli_origins(&origins, TOOL "/" BAKE_VERSION),
		.url = peek_url,
		.out = STDOUT_FILENO,
		.events = &events,
	};

	if (lock_path || args->count)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--peek fetches nothing: it goes with neither --lock nor MODEL");
	if (common->json)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--peek and --json both want standard output");
	wanted.origins.limit_bytes_per_sec = bandwidth_limit;
	cli_progress_init(&progress, TOOL, CLI_PROGRESS_PLAIN, common->quiet, false);
	return bake_peek_run(&wanted, err);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	struct cli_progress progress;
	struct bake_events events = {.emit = cli_progress_emit, .context = &progress};
	struct bake_fetch_report report;
	_cleanup_(bake_pickle_policy_release) struct bake_pickle_policy pickles = {NULL, 0};
	struct bake_fetch_options wanted = {
		.lock_path = lock_path,
		.models_dir = cli_models_dir(models_dir),
		.cache_dir = cache_dir ? cache_dir : getenv("BAKE_CACHE"),
		.select = {.names = args->items,
			.name_count = args->count,
			.profile = profile,
			.group = group,
			.defaults = defaults,
			.all = all,
			.layer = (unsigned)layer},
		.layout = (enum bake_layout)layout,
		.origins = netcli_origins(&origins, TOOL "/" BAKE_VERSION),
		.max_concurrent = (unsigned)max_concurrent,
		.connections = (unsigned)connections,
		.lock_timeout_ms = lock_timeout_ms,
		.quick = quick,
		.dry_run = dry_run,
		.keep_going = keep_going,
		.keep_parts = keep_parts,
		.sidecar = sidecar,
		.pickles = &pickles,
		.events = &events,
		.events_path = events_path,
	};
	struct bake_fetch_run result = {.options = &wanted, .report = &report, .error = err};
	enum bake_status status;

	if (peek_url)
		return run_peek(common, args, err);
	wanted.origins.limit_bytes_per_sec = bandwidth_limit;
	if (!lock_path) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments", "which lock? -l LOCK");
		return bake_error_hint(err, "bake-lock MANIFEST makes one");
	}
	if (sidecar && layout == BAKE_LAYOUT_HF_CACHE)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--sidecar has no place in the layout hf-cache");
	BAKE_TRY(check_outputs(common, err));
	BAKE_TRY(bake_pickle_policy_parse(allow_pickle.items, allow_pickle.count, &pickles, err));
	if (wanted.cache_dir && !wanted.cache_dir[0])
		wanted.cache_dir = NULL;
	cli_progress_init(
		&progress, TOOL, (enum cli_progress_mode)progress_mode, common->quiet, true);
	result.status = bake_fetch_run(&wanted, &report, err);
	cli_progress_clear(&progress);
	status = netcli_keep_records(
		TOOL, &result, report_path, !no_history && !dry_run, common->verbose > 0, err);
	result.status = status;
	print_result(common, &result);
	bake_fetch_report_release(&report);
	return status;
}

int main(int argc, char **argv)
{
	int code = cli_main(&command, argc, argv, run);

	cli_list_release(&origins.mirrors);
	cli_list_release(&allow_pickle);
	return code;
}
