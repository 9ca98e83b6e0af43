/* SPDX-License-Identifier: Apache-2.0 */
#include "netcli/fetch_talk.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/main.h"
#include "net/url.h"

static void print_file(const struct bake_fetch_file *file)
{
	bool pending = file->outcome == BAKE_FETCH_PENDING;
	bool fetched = pending && file->way == BAKE_FETCH_BY_NETWORK && file->from;

	(void)printf("%-8s %10s  %s%s%s\n",
		pending ? bake_fetch_way_name(file->way) : bake_fetch_outcome_name(file->outcome),
		BAKE_BYTES(file->size), BAKE_SHOW(file->path), fetched ? "  from " : "",
		fetched ? BAKE_SHOW_URL(file->from) : "");
}

void netcli_print_plan(const struct bake_fetch_run *run)
{
	const struct bake_fetch_report *report = run->report;
	size_t count[BAKE_FETCH_BY_CONVERSION + 1] = {0};
	size_t present = 0;

	for (size_t i = 0; i < report->file_count; i++) {
		const struct bake_fetch_file *file = &report->files[i];

		print_file(file);
		if (file->outcome == BAKE_FETCH_PENDING)
			count[file->way]++;
		else
			present++;
	}
	(void)printf("%zu files, %s: %zu present, %zu from the cache, %zu to copy, %zu to fetch "
		     "(%s)\n",
		report->file_count, BAKE_BYTES(report->bytes), present, count[BAKE_FETCH_BY_CACHE],
		count[BAKE_FETCH_BY_COPY], count[BAKE_FETCH_BY_NETWORK],
		BAKE_BYTES(report->fetch_bytes));
	if (count[BAKE_FETCH_BY_CONVERSION])
		(void)printf("%zu to convert from what is fetched for it\n",
			count[BAKE_FETCH_BY_CONVERSION]);
	(void)printf("%s needed, %s free: %s\n", BAKE_BYTES(report->needed_bytes),
		BAKE_BYTES(report->free_bytes),
		run->status == BAKE_ERR_NOSPACE ? "it does not fit" : "it fits");
}

/* What the same command would do, by how this one ended. */
static const struct {
	enum bake_status status;
	const char *id; /* NULL: any */
	const char *text;
} advice[] = {
	{BAKE_ERR_TEMPORARY, NULL, "run the same command again, it goes on from there"},
	{BAKE_ERR_INTERRUPTED, NULL, "the same command goes on from there"},
	{BAKE_ERR_NOSPACE, NULL, "make room, then run the same command again"},
	{BAKE_ERR_INTEGRITY, NULL,
		"running it again helps only when the source or the pin has changed"},
	{BAKE_ERR_PERMISSION, "fs.permission",
		"running it again helps only when the permissions have changed"},
	{BAKE_ERR_PERMISSION, NULL, "running it again helps only when access has been given"},
	{BAKE_ERR_UNAVAILABLE, "net.offline",
		"run it again without --offline, or with a cache that has the rest"},
	{BAKE_ERR_UNAVAILABLE, "net.dns",
		"check the host's name and the network before running it again"},
	{BAKE_ERR_UNAVAILABLE, NULL,
		"running it again helps only when a source has the file (--mirror adds one)"},
	{BAKE_ERR_PROTOCOL, NULL,
		"the server is at fault: the same command may work later, or with a --mirror"},
	{BAKE_ERR_POLICY, NULL, "running it again helps only with other options or another source"},
	{BAKE_ERR_PARTIAL, NULL, "run the same command again to try what is missing once more"},
	{BAKE_ERR_INTERNAL, NULL, "this is a bug: please report it"},
};

static const char *advice_for(const struct bake_error *error)
{
	for (size_t i = 0; i < countof(advice); i++) {
		if (advice[i].status == error->status &&
			(!advice[i].id || (error->id && strcmp(advice[i].id, error->id) == 0)))
			return advice[i].text;
	}
	return "when that is mended, the same command goes on from there";
}

void netcli_print_failure(const char *tool, const struct bake_fetch_run *run)
{
	const struct bake_fetch_report *report = run->report;
	struct bake_fetch_sums sums;
	char text[400];

	if (run->status == BAKE_OK || !report->file_count)
		return;
	sums = bake_fetch_sum(report);
	(void)snprintf(text, sizeof(text), "%zu of %zu files are there, %s of %s are kept; %s",
		sums.there, report->file_count, BAKE_BYTES(sums.have), BAKE_BYTES(report->bytes),
		advice_for(run->error));
	cli_note(tool, text);
}

static void keep_history(const char *tool, const struct bake_fetch_run *run, bool verbose)
{
	const char *why = bake_history_is_off();
	struct bake_error error = BAKE_ERROR_INIT;
	char text[sizeof(error.message) + 32];

	if (why) {
		(void)snprintf(text, sizeof(text), "no history: %s", why);
		if (verbose)
			cli_note(tool, text);
	} else if (bake_history_append(run, &error) != BAKE_OK && verbose) {
		cli_warn(tool, error.message);
	}
}

enum bake_status netcli_keep_records(const char *tool, const struct bake_fetch_run *run,
	const char *report_path, bool history, bool verbose, struct bake_error *err)
{
	struct bake_error error = BAKE_ERROR_INIT;

	if (history)
		keep_history(tool, run, verbose);
	if (!report_path || bake_fetch_report_write(run, report_path, &error) == BAKE_OK)
		return run->status;
	if (run->status != BAKE_OK) {
		cli_warn(tool, error.message);
		return run->status;
	}
	*err = error;
	return err->status;
}
