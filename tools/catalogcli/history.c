/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog history: what was fetched, and how that went. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "catalog/history_stats.h"
#include "catalogcli/commands.h"
#include "cli/report.h"
#include "fs/file.h"

enum {
	DOCUMENT_MAX = 64 * 1024 * 1024,
	SHOWN_MAX = 1000000,
	TALLY_SHOWN = 10,
	DAY_SECONDS = 86400
};

static bool stats_wanted;
static bool dry_run;
static const char *model;
static const char *since;
static const char *import_path;
static const char *history_path;
static uint64_t count_wanted = 20;

static const struct cli_option options[] = {
	{0, "stats", NULL, "print sums instead of runs", CLI_FLAG, &stats_wanted, 0, 0, NULL},
	{0, "model", "ID", "count only runs that had this model", CLI_TEXT, &model, 0, 0, NULL},
	{0, "since", "TIME", "count only runs since a date (2026-11-01), or of the last 12h or 7d",
		CLI_TEXT, &since, 0, 0, NULL},
	{'n', "number", "N", "print the last N runs (20)", CLI_NUMBER, &count_wanted, 1, SHOWN_MAX,
		NULL},
	{0, "file", "FILE", "read this history, not the one in $BAKE_STATE_DIR", CLI_TEXT,
		&history_path, 0, 0, NULL},
	{0, "import", "FILE", "add the entries of a download_history.json, each once", CLI_TEXT,
		&import_path, 0, 0, NULL},
	{0, "dry-run", NULL, "with --import: only say what would be added", CLI_FLAG, &dry_run, 0,
		0, NULL},
};

static const struct cli_command command = {
	.name = "bake-catalog history",
	.summary = "print what was fetched, and how that went",
	.usage = "",
	.options = options,
	.option_count = countof(options),
	.args_max = 0,
};

/* What a reading of the log makes. */
struct listing {
	struct bake_history_stats *stats; /* NULL: runs are listed */
	char since[BAKE_TIME_TEXT];
	struct bake_json_writer *writer; /* NULL: for people */
	uint64_t listed;
};

/* "7d" and "12h" count from now; a date begins with its year. */
static enum bake_status read_since(char out[BAKE_TIME_TEXT], struct bake_error *err)
{
	size_t len = since ? strlen(since) : 0;
	uint64_t number;

	out[0] = '\0';
	if (!since)
		return BAKE_OK;
	if ((since[len - 1] == 'd' || since[len - 1] == 'h') &&
		bake_number_parse(since, len - 1, &number) && number < 1000000) {
		uint64_t step = since[len - 1] == 'd' ? DAY_SECONDS : DAY_SECONDS / 24;
		uint64_t now = (uint64_t)time(NULL);

		number *= step;
		bake_time_format((int64_t)(number < now ? now - number : 0), out);
		return BAKE_OK;
	}
	if (len < 10 || len >= BAKE_TIME_TEXT || strspn(since, "0123456789-T:Z") != len ||
		strspn(since, "0123456789") != 4 || since[4] != '-' || since[7] != '-') {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "--since: '%s' is no time",
			BAKE_SHOW(since));
		return bake_error_hint(err, "write 2026-11-01, 2026-11-01T12:00:00Z, 12h or 7d");
	}
	(void)snprintf(out, BAKE_TIME_TEXT, "%s", since);
	return BAKE_OK;
}

static bool is_wanted(const struct listing *listing, const struct bake_history_record *record)
{
	if (listing->since[0] && strcmp(record->time, listing->since) < 0)
		return false;
	for (size_t i = 0; model && i < record->model_count; i++) {
		if (strcmp(record->models[i], model) == 0)
			return true;
	}
	return !model;
}

static void put_record(struct bake_json_writer *writer, const struct bake_history_record *record)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "time", record->time);
	bake_json_put_text(writer, "status", bake_history_outcome_name(record->outcome));
	bake_json_put_text(writer, "lock", record->lock);
	bake_json_put_list(writer, "models", record->models, record->model_count);
	bake_json_put_u64(writer, "files", record->files);
	bake_json_put_u64(writer, "bytes", record->bytes);
	bake_json_put_u64(writer, "received", record->received);
	bake_json_put_u64(writer, "cached", record->cached);
	bake_json_put_u64(writer, "retries", record->retries);
	if (record->has_ms) {
		bake_json_key(writer, "seconds");
		bake_json_write_f64(writer, (double)record->ms / 1000);
		bake_json_put_u64(writer, "rate", bake_history_rate(record));
	}
	bake_json_put_text(writer, "error", record->error);
	bake_json_put_text(writer, "message", record->message);
	bake_json_put_bool(writer, "imported", record->imported != NULL);
	bake_json_end_object(writer);
}

static void print_record(const struct bake_history_record *record)
{
	uint64_t rate = bake_history_rate(record);
	char speed[BAKE_UNITS_TEXT + 4] = "-";

	if (rate)
		(void)snprintf(speed, sizeof(speed), "%s/s", BAKE_BYTES(rate));
	(void)printf("%-20s  %-10s  %9s  %11s ", BAKE_SHOW(record->time),
		bake_history_outcome_name(record->outcome), BAKE_BYTES(record->received), speed);
	for (size_t i = 0; i < record->model_count && i < 3; i++)
		(void)printf(" %s", BAKE_SHOW(record->models[i]));
	if (record->model_count > 3)
		(void)printf(" and %zu more", record->model_count - 3);
	if (record->outcome != BAKE_HISTORY_DOWNLOADED && (record->error || record->message))
		(void)printf(" (%s)", BAKE_SHOW(record->error ? record->error : record->message));
	(void)printf("\n");
}

static bool see_record(void *context, const struct bake_history_record *record)
{
	struct listing *listing = context;

	if (!is_wanted(listing, record))
		return true;
	if (listing->stats) {
		bake_history_count(listing->stats, record);
		return true;
	}
	if (listing->writer)
		put_record(listing->writer, record);
	else
		print_record(record);
	return ++listing->listed < count_wanted;
}

static void put_tally(
	struct bake_json_writer *writer, const char *key, const struct bake_tally *tally, bool both)
{
	bake_json_key(writer, key);
	bake_json_array(writer);
	for (size_t i = 0; i < tally->count; i++) {
		bake_json_object_line(writer);
		bake_json_put_text(writer, "name", tally->rows[i].name);
		bake_json_put_u64(writer, "attempts", tally->rows[i].attempts);
		if (both)
			bake_json_put_u64(writer, "downloaded", tally->rows[i].downloaded);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_stats(struct bake_json_writer *writer, const struct bake_history_stats *stats)
{
	bake_json_put_u64(writer, "attempts", stats->attempts);
	for (unsigned i = 0; i < countof(stats->outcomes); i++)
		bake_json_put_u64(writer, bake_history_outcome_name((enum bake_history_outcome)i),
			stats->outcomes[i]);
	bake_json_put_text(writer, "first", stats->first[0] ? stats->first : NULL);
	bake_json_put_text(writer, "last", stats->last[0] ? stats->last : NULL);
	bake_json_put_u64(writer, "files", stats->files);
	bake_json_put_u64(writer, "bytes", stats->bytes);
	bake_json_put_u64(writer, "received", stats->received);
	bake_json_put_u64(writer, "cached", stats->cached);
	bake_json_put_u64(writer, "retries", stats->retries);
	bake_json_key(writer, "seconds");
	bake_json_write_f64(writer, (double)stats->ms / 1000);
	if (stats->ms)
		bake_json_put_u64(
			writer, "rate", bake_u64_scale(stats->timed_received, 1000, stats->ms));
	bake_json_put_u64(writer, "fastest", stats->fastest);
	put_tally(writer, "models", &stats->models, true);
	put_tally(writer, "errors", &stats->errors, false);
}

static void print_stats(const struct bake_history_stats *stats)
{
	uint64_t rate = stats->ms ? bake_u64_scale(stats->timed_received, 1000, stats->ms) : 0;

	(void)printf("runs:       %" PRIu64 " (%" PRIu64 " downloaded, %" PRIu64 " failed, %" PRIu64
		     " cancelled)\n",
		stats->attempts, stats->outcomes[BAKE_HISTORY_DOWNLOADED],
		stats->outcomes[BAKE_HISTORY_FAILED], stats->outcomes[BAKE_HISTORY_CANCELLED]);
	if (stats->attempts == 0)
		return;
	(void)printf("from:       %s\n", BAKE_SHOW(stats->first));
	(void)printf("to:         %s\n", BAKE_SHOW(stats->last));
	(void)printf("received:   %s, %s from the cache\n", BAKE_BYTES(stats->received),
		BAKE_BYTES(stats->cached));
	(void)printf("retries:    %" PRIu64 "\n", stats->retries);
	(void)printf("time:       %s\n", BAKE_DURATION(stats->ms));
	(void)printf("rate:       %s/s, fastest run %s/s\n", BAKE_BYTES(rate),
		BAKE_BYTES(stats->fastest));
	for (size_t i = 0; i < stats->models.count && i < TALLY_SHOWN; i++)
		(void)printf("%s%" PRIu64 " of %" PRIu64 "  %s\n",
			i ? "            " : "models:     ", stats->models.rows[i].downloaded,
			stats->models.rows[i].attempts, BAKE_SHOW(stats->models.rows[i].name));
	for (size_t i = 0; i < stats->errors.count && i < TALLY_SHOWN; i++)
		(void)printf("%s%" PRIu64 "  %s\n",
			i ? "            " : "failures:   ", stats->errors.rows[i].attempts,
			BAKE_SHOW(stats->errors.rows[i].name));
}

static void warn_skipped(const struct bake_history_skipped *skipped)
{
	char text[160];

	if (skipped->damaged + skipped->foreign == 0)
		return;
	(void)snprintf(text, sizeof(text),
		"passed over %" PRIu64 " damaged lines and %" PRIu64 " of other programs",
		skipped->damaged, skipped->foreign);
	cli_note(CATALOGCLI_TOOL, text);
}

static enum bake_status read_all(const char *path, struct listing *listing,
	struct bake_history_skipped *skipped, struct bake_error *err)
{
	const struct bake_history_reader reader = {see_record, listing};

	return bake_history_read_both(path, &reader, skipped, err);
}

/* As JSON: the report is one document, so that the list is in memory; -n bounds it. */
static enum bake_status list_json(const char *path, struct listing *listing, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 30);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_history_skipped skipped = {0};
	struct bake_error none = BAKE_ERROR_INIT;
	enum bake_status status;

	bake_json_object(&writer);
	cli_put_outcome(&writer, &none);
	bake_json_put_text(&writer, "history", path);
	if (!listing->stats) {
		listing->writer = &writer;
		bake_json_key(&writer, "runs");
		bake_json_array(&writer);
	}
	status = read_all(path, listing, &skipped, err);
	listing->writer = NULL;
	BAKE_TRY(status);
	if (listing->stats) {
		bake_tally_sort(&listing->stats->models);
		bake_tally_sort(&listing->stats->errors);
		put_stats(&writer, listing->stats);
	} else {
		bake_json_end_array(&writer);
	}
	bake_json_put_u64(&writer, "damaged_lines", skipped.damaged);
	bake_json_put_u64(&writer, "foreign_lines", skipped.foreign);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	BAKE_TRY(bake_buf_status(&text, "the report", err));
	cli_print_json(&text);
	return BAKE_OK;
}

static enum bake_status list_runs(
	const struct cli_common *common, const char *path, struct bake_error *err)
{
	_cleanup_free_ struct bake_history_stats *stats = NULL;
	struct bake_history_skipped skipped = {0};
	struct listing listing = {0};

	BAKE_TRY(read_since(listing.since, err));
	if (stats_wanted) {
		stats = calloc(1, sizeof(*stats));
		if (!stats)
			return bake_error_nomem(err);
		listing.stats = stats;
	}
	if (common->json)
		return list_json(path, &listing, err);
	BAKE_TRY(read_all(path, &listing, &skipped, err));
	if (stats) {
		bake_tally_sort(&stats->models);
		bake_tally_sort(&stats->errors);
		print_stats(stats);
	} else if (listing.listed == 0 && !common->quiet) {
		cli_note(CATALOGCLI_TOOL, "the history has no such run");
	}
	warn_skipped(&skipped);
	return BAKE_OK;
}

static void print_import(const struct cli_common *common, const struct bake_history_import *sums)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(4096);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_error none = BAKE_ERROR_INIT;

	if (!common->json) {
		(void)printf("%s%zu of %zu entries; %zu were there, %zu are none\n",
			dry_run ? "would add " : "added ", sums->added, sums->entries, sums->known,
			sums->useless);
		return;
	}
	bake_json_object(&writer);
	cli_put_outcome(&writer, &none);
	bake_json_put_bool(&writer, "dry_run", dry_run);
	bake_json_put_u64(&writer, "entries", sums->entries);
	bake_json_put_u64(&writer, "added", sums->added);
	bake_json_put_u64(&writer, "known", sums->known);
	bake_json_put_u64(&writer, "useless", sums->useless);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(DOCUMENT_MAX);
	_cleanup_free_ char *path = history_path ? strdup(history_path) : NULL;
	struct bake_history_import sums = {0};

	(void)args;
	if (history_path && !path)
		return bake_error_nomem(err);
	if (!path)
		BAKE_TRY(bake_history_path(&path, err));
	if (!import_path)
		return list_runs(common, path, err);
	BAKE_TRY(bake_file_read(import_path, &text, err));
	BAKE_TRY(bake_history_import(path, bake_buf_span(&text), import_path,
		CATALOGCLI_TOOL " " BAKE_VERSION, dry_run, &sums, err));
	print_import(common, &sums);
	return BAKE_OK;
}

const struct catalogcli_command catalogcli_history = {&command, run, NULL};
