/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index migrate. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/report.h"
#include "indexcli/commands.h"
#include "ops/migrate.h"

static bool dry_run;
static uint64_t limit;

static const struct cli_option options[] = {
	{0, "dry-run", NULL, "only say what would change", CLI_FLAG, &dry_run, 0, 0, NULL},
	{0, "limit", "N", "look at the first N entries only", CLI_NUMBER, &limit, 1, 1000000, NULL},
};

static const char *const notes[] = {
	"FILE is a registry: a JSON list of entries with \"name\" and \"download_path\", of which "
	"metadata.architecture is filled; or an index, as is the model-info.json in DIR. All else "
	"stays as it is, and so do values whose source is \"manual\".",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-index migrate",
	.summary = "fill architectures into a registry or an index",
	.usage = "FILE | DIR",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = 1,
	.notes = notes,
};

static void put_line(struct bake_json_writer *writer, const struct bake_migrate_line *line)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "name", line->name);
	bake_json_put_text(writer, "outcome", bake_migrate_outcome_name(line->outcome));
	bake_json_put_u64(writer, "changed", line->changed);
	if (line->outcome == BAKE_MIGRATE_FAILED) {
		bake_json_put_text(writer, "error", line->error.id);
		bake_json_put_text(writer, "message", line->error.message);
	}
	bake_json_end_object(writer);
}

static void print_json(const struct bake_migrate_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_bool(&writer, "dry_run", dry_run);
	bake_json_put_bool(&writer, "changed", report->changed);
	bake_json_put_u64(&writer, "left", report->left);
	bake_json_key(&writer, "entries");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->line_count; i++)
		put_line(&writer, &report->lines[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void print_line(const struct bake_migrate_line *line)
{
	(void)printf("%-10s  %s", bake_migrate_outcome_name(line->outcome), BAKE_SHOW(line->name));
	if (line->outcome == BAKE_MIGRATE_UPDATED)
		(void)printf("  (%zu values)", line->changed);
	if (line->outcome == BAKE_MIGRATE_FAILED)
		(void)printf("  (%s: %s)", line->error.id, line->error.message);
	(void)printf("\n");
}

static void print_report(const struct bake_migrate_report *report, const char *path)
{
	for (size_t i = 0; i < report->line_count; i++)
		print_line(&report->lines[i]);
	if (report->left)
		(void)printf("%zu entries left by --limit\n", report->left);
	(void)printf("%s %s\n", BAKE_SHOW(path),
		!report->changed ? "stays as it is"
		: dry_run	 ? "would be written"
				 : "written");
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	const struct bake_migrate_options wanted = {
		.path = args->items[0], .dry_run = dry_run, .limit = (size_t)limit};
	struct bake_migrate_report report;
	enum bake_status status = bake_migrate(&wanted, &report, err);

	if (status == BAKE_OK || status == BAKE_ERR_PARTIAL) {
		if (common->json)
			print_json(&report, err);
		else if (!common->quiet)
			print_report(&report, args->items[0]);
	}
	bake_migrate_report_release(&report);
	return status;
}

const struct indexcli_command indexcli_migrate = {&command, run, NULL};
