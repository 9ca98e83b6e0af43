/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index reconcile. */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/report.h"
#include "indexcli/commands.h"
#include "ops/reconcile.h"

static const char *models_dir;
static const char *registry_path;
static bool dry_run;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "merge into DIR/model-info.runtime.json", CLI_TEXT, &models_dir, 0,
		0, NULL},
	{0, "registry", "FILE", "merge into the entries of this registry instead", CLI_TEXT,
		&registry_path, 0, 0, NULL},
	{0, "dry-run", NULL, "only say what would change", CLI_FLAG, &dry_run, 0, 0, NULL},
};

static const char *const notes[] = {
	"METRICS is a log of servers, a JSON object on each line with \"model\" and "
	"payload.metrics; - is standard input. The last line of each model counts; bad lines are "
	"counted and told. \"show\" then has architecture.runtime.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-index reconcile",
	.summary = "merge what servers measured of models",
	.usage = "METRICS.jsonl",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = 1,
	.notes = notes,
};

static void put_line(struct bake_json_writer *writer, const struct bake_reconcile_line *line)
{
	bake_json_object(writer);
	bake_json_put_text(writer, "model", line->name);
	bake_json_put_text(writer, "outcome", bake_reconcile_outcome_name(line->outcome));
	bake_json_put_bool(writer, "indexed", line->indexed);
	bake_json_put_list(
		writer, "changes", (const char *const *)line->changes, line->change_count);
	bake_json_end_object(writer);
}

static void print_json(const struct bake_reconcile_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "path", report->path);
	bake_json_put_bool(&writer, "dry_run", dry_run);
	bake_json_put_bool(&writer, "changed", report->changed);
	bake_json_put_u64(&writer, "good_lines", report->good);
	bake_json_put_u64(&writer, "bad_lines", report->bad);
	if (report->bad) {
		bake_json_put_u64(&writer, "first_bad_line", report->first_bad);
		bake_json_put_text(&writer, "first_bad", report->bad_error.message);
	}
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->line_count; i++)
		put_line(&writer, &report->lines[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void print_report(const struct bake_reconcile_report *report)
{
	for (size_t i = 0; i < report->line_count; i++) {
		const struct bake_reconcile_line *line = &report->lines[i];

		(void)printf("%-10s  %s%s\n", bake_reconcile_outcome_name(line->outcome),
			BAKE_SHOW(line->name), line->indexed ? "" : "  (not in the index)");
		for (size_t k = 0; k < line->change_count; k++)
			(void)printf("  %s\n", line->changes[k]);
	}
	(void)printf("%" PRIu64 " lines, %" PRIu64 " bad, %zu models: %s %s\n",
		report->good + report->bad, report->bad, report->line_count,
		BAKE_SHOW(report->path),
		!report->changed ? "stays as it is"
		: dry_run	 ? "would be written"
				 : "written");
}

static void warn_bad(const struct bake_reconcile_report *report)
{
	char text[900];

	(void)snprintf(text, sizeof(text),
		"%" PRIu64 " bad lines are left out, the first is line %" PRIu64 ": %s",
		report->bad, report->first_bad, report->bad_error.message);
	cli_warn(INDEXCLI_TOOL, text);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	const struct bake_reconcile_options wanted = {
		.metrics_path = args->items[0],
		.models_dir = cli_models_dir(models_dir),
		.registry_path = registry_path,
		.dry_run = dry_run,
	};
	struct bake_reconcile_report report;
	enum bake_status status;

	if (models_dir && registry_path)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--models and --registry both say where to merge to: name one");
	status = bake_reconcile(&wanted, &report, err);
	if (report.bad)
		warn_bad(&report);
	if (status == BAKE_OK && common->json)
		print_json(&report, err);
	else if (status == BAKE_OK && !common->quiet)
		print_report(&report);
	bake_reconcile_report_release(&report);
	return status;
}

const struct indexcli_command indexcli_reconcile = {&command, run, NULL};
