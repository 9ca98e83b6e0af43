/* SPDX-License-Identifier: Apache-2.0 */
/* bake-verify, also installed as verify_models: is what is baked what it should be? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/main.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "fs/dir.h"
#include "fs/walk.h"
#include "json/writer.h"
#include "ops/pickle.h"
#include "ops/probe.h"
#include "ops/structure_only.h"
#include "ops/verify.h"

#define TOOL "bake-verify"

static const char *lock_path;
static const char *models_dir;
static const char *index_path;
static unsigned layout = BAKE_LAYOUT_PLAIN;
static bool list;
static bool quick;
static bool allow_extra;
static bool structure_only;
static bool allow_missing;
static bool scan_values;
static const char *probe;
static uint64_t probe_timeout_ms;
static struct cli_list allow_pickle;
static uint64_t jobs;
static unsigned progress_mode = CLI_PROGRESS_AUTO;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "look there, not in $MODEL_CACHE_DIR or /app/models", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{'l', "lock", "LOCK", "verify against a lock instead of the index", CLI_TEXT, &lock_path, 0,
		0, NULL},
	{0, "index", "FILE", "verify against this index instead of DIR/model-info.json", CLI_TEXT,
		&index_path, 0, 0, NULL},
	{0, "layout", "NAME", "expect the layout plain, hf-local or hf-cache of a lock (plain)",
		CLI_WORD, &layout, 0, 0, bake_layout_names},
	{0, "list", NULL, "print the tree of files with their sizes, verify nothing", CLI_FLAG,
		&list, 0, 0, NULL},
	{0, "quick", NULL, "do everything but the hashing: compare sizes, look at headers",
		CLI_FLAG, &quick, 0, 0, NULL},
	{0, "structure-only", NULL,
		"check the structure of the files and directories named, without lock or index",
		CLI_FLAG, &structure_only, 0, 0, NULL},
	{0, "allow-missing", NULL,
		"with --structure-only: accept a pipeline without the weights of a component",
		CLI_FLAG, &allow_missing, 0, 0, NULL},
	{0, "scan-values", NULL, "read all weights, and accept no NaN and no infinity", CLI_FLAG,
		&scan_values, 0, 0, NULL},
	{0, "probe", "CMD", "run CMD on each model, {path} being the model's file or directory",
		CLI_TEXT, &probe, 0, 0, NULL},
	{0, "probe-timeout", "SECONDS", "end a probe that takes longer (no limit)", CLI_SECONDS,
		&probe_timeout_ms, 1, 86400000, NULL},
	{'j', "jobs", "N", "read N files at a time (one per processor)", CLI_NUMBER, &jobs, 1, 64,
		NULL},
	{0, "allow-extra", NULL, "accept files that no model lists", CLI_FLAG, &allow_extra, 0, 0,
		NULL},
	{0, "allow-pickle", "SHA256",
		"accept the file of this digest although loading it can execute code; may be "
		"repeated",
		CLI_LIST, &allow_pickle, 0, 0, NULL},
	{0, "progress", "MODE", "show progress as auto, bar, plain or none", CLI_WORD,
		&progress_mode, 0, 0, cli_progress_words},
};

static const char *const notes[] = {
	"MODEL... verifies only those. Without: every baked and every required model, and that "
	"nothing else is there. Needs no network and changes nothing.",
	"Nothing to verify is an error (66), not a success.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "verify what is baked: sizes, SHA-256, structure, completeness",
	.usage = "[MODEL...] | --structure-only PATH...",
	.options = options,
	.option_count = countof(options),
	.args_max = SIZE_MAX,
	.notes = notes,
};

static void print_list_json(const struct bake_walk *walk)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_array(&writer);
	for (size_t i = 0; i < walk->count; i++) {
		const struct bake_walk_entry *entry = &walk->entries[i];

		bake_json_object_line(&writer);
		bake_json_put_text(&writer, "path", entry->path);
		bake_json_put_text(&writer, "type",
			S_ISDIR(entry->mode)   ? "directory"
			: S_ISREG(entry->mode) ? "file"
					       : "other");
		if (S_ISREG(entry->mode))
			bake_json_put_u64(&writer, "size", entry->size);
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void print_list(const struct bake_walk *walk, const char *dir)
{
	uint64_t bytes = 0;
	size_t files = 0;

	(void)printf("%s/\n", BAKE_SHOW(dir));
	for (size_t i = 0; i < walk->count; i++) {
		const struct bake_walk_entry *entry = &walk->entries[i];
		const char *slash = strrchr(entry->path, '/');
		const char *name = BAKE_SHOW(slash ? slash + 1 : entry->path);
		int indent = 2 * ((int)entry->depth + 1);

		if (S_ISDIR(entry->mode)) {
			(void)printf("%*s%s/\n", indent, "", name);
		} else if (S_ISREG(entry->mode)) {
			(void)printf("%*s%s (%s)\n", indent, "", name, BAKE_BYTES(entry->size));
			bytes = bake_u64_add_capped(bytes, entry->size);
			files++;
		} else {
			(void)printf("%*s%s (not a regular file)\n", indent, "", name);
		}
	}
	(void)printf("%zu files, %s\n", files, BAKE_BYTES(bytes));
}

static enum bake_status run_list(const struct cli_common *common, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	_cleanup_close_ int root = -1;
	const char *dir = cli_models_dir(models_dir);

	if (bake_dir_open(dir, &root, err) != BAKE_OK) {
		bake_error_of_input(err);
		return bake_error_wrap(err, "models");
	}
	BAKE_TRY(bake_walk_read(root, NULL, &walk, err));
	if (walk.count == 0) {
		bake_error_set(err, BAKE_ERR_NOINPUT, "verify.nothing", "there is nothing in '%s'",
			BAKE_SHOW(dir));
		return bake_error_hint(err, "is a volume mounted over the models?");
	}
	if (common->json)
		print_list_json(&walk);
	else
		print_list(&walk, dir);
	return BAKE_OK;
}

static void put_file(struct bake_json_writer *writer, const struct bake_file_check *file)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "path", file->path.text);
	bake_json_put_text(writer, "status", bake_file_state_name(file->state));
	bake_json_put_u64(writer, "size", file->size);
	if (file->state == BAKE_FILE_WRONG_SIZE)
		bake_json_put_u64(writer, "actual_size", file->actual_size);
	bake_json_put_text(writer, "sha256", BAKE_HEX(&file->sha256));
	if (file->state == BAKE_FILE_WRONG_DIGEST)
		bake_json_put_text(writer, "actual_sha256", BAKE_HEX(&file->actual));
	bake_json_end_object(writer);
}

static bool concerns(const struct bake_finding *finding, size_t first, size_t count)
{
	return finding->file->tag >= first && finding->file->tag - first < count;
}

static void put_finding(struct bake_json_writer *writer, const struct bake_finding *finding)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "path", finding->file->name);
	bake_json_put_text(writer, "level", bake_finding_level_name(finding->level));
	bake_json_put_text(writer, "error", finding->error.id);
	bake_json_put_text(writer, "message", finding->error.message);
	bake_json_put_text(writer, "hint", finding->error.hint[0] ? finding->error.hint : NULL);
	bake_json_end_object(writer);
}

/* "structure": "ok" or an error's id, nothing when there was nothing to check, and the findings of
 * the files with tags from first on. */
static void put_structure(struct bake_json_writer *writer, const struct bake_structure *structure,
	bool checked, const struct bake_error *worst, size_t first, size_t count)
{
	if (checked)
		bake_json_put_text(writer, "structure", worst ? worst->id : "ok");
	bake_json_key(writer, "findings");
	bake_json_array(writer);
	for (size_t i = 0; i < structure->finding_count; i++) {
		if (concerns(structure->findings[i], first, count))
			put_finding(writer, structure->findings[i]);
	}
	bake_json_end_array(writer);
}

static void put_model(struct bake_json_writer *writer, const struct bake_verify_report *report,
	const struct bake_verify_model *model)
{
	bake_json_object(writer);
	bake_json_put_text(writer, "id", model->id);
	bake_json_put_bool(writer, "ok", model->wrong == 0 && model->broken == 0);
	bake_json_put_bool(writer, "expected", model->expected);
	bake_json_put_bool(writer, "present", model->present);
	bake_json_key(writer, "files");
	bake_json_array(writer);
	for (size_t i = 0; i < model->file_count; i++)
		put_file(writer, &report->files[model->first_file + i]);
	bake_json_end_array(writer);
	put_structure(writer, &report->structure, model->structured, model->structure,
		model->first_file, model->file_count);
	if (model->probe)
		bake_json_put_text(writer, "probe", model->probe->message);
	bake_json_end_object(writer);
}

static void print_json(const struct bake_verify_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_bool(&writer, "quick", quick);
	bake_json_put_text(&writer, "against", report->against);
	bake_json_put_u64(&writer, "verified", report->verified);
	bake_json_put_u64(&writer, "verified_bytes", report->verified_bytes);
	bake_json_put_u64(&writer, "wrong", report->wrong);
	bake_json_put_u64(&writer, "broken", report->broken);
	bake_json_put_u64(&writer, "unfinished", report->unfinished);
	bake_json_key(&writer, "extra");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->extra_count; i++)
		bake_json_write_text(&writer, report->extras[i]);
	bake_json_end_array(&writer);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->model_count; i++)
		put_model(&writer, report, &report->models[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void print_wrong(const struct bake_verify_model *model, const struct bake_file_check *file)
{
	struct bake_error error = BAKE_ERROR_INIT;

	if (file->state == BAKE_FILE_RIGHT ||
		(file->state == BAKE_FILE_MISSING && !model->expected))
		return;
	bake_file_check_error(file, &error);
	(void)printf("  %s\n", error.message);
}

static void print_right(const struct bake_file_check *file)
{
	if (file->state == BAKE_FILE_RIGHT)
		(void)printf("  %s  %10s  %s\n", BAKE_HEX(&file->sha256), BAKE_BYTES(file->size),
			BAKE_SHOW(file->path.text));
}

static void print_findings(const struct bake_structure *structure, size_t first, size_t count)
{
	for (size_t i = 0; i < structure->finding_count; i++) {
		const struct bake_finding *finding = structure->findings[i];

		if (!concerns(finding, first, count))
			continue;
		if (finding->level == BAKE_FINDING_ERROR)
			(void)printf("  %s\n", finding->error.message);
		else
			(void)printf("  %s: %s\n", bake_finding_level_name(finding->level),
				finding->error.message);
	}
}

static void print_model(const struct bake_verify_report *report,
	const struct bake_verify_model *model, bool verbose)
{
	const char *verdict = model->wrong     ? "WRONG"
			      : model->broken  ? "BROKEN"
			      : model->present ? "ok"
					       : "absent";

	(void)printf("%-6s  %-40s  %zu files, %s\n", verdict, model->id, model->file_count,
		BAKE_BYTES(model->bytes));
	for (size_t i = 0; i < model->file_count; i++) {
		print_wrong(model, &report->files[model->first_file + i]);
		if (verbose)
			print_right(&report->files[model->first_file + i]);
	}
	print_findings(&report->structure, model->first_file, model->file_count);
	if (model->probe)
		(void)printf("  %s\n", model->probe->message);
}

static void print_report(const struct bake_verify_report *report, bool verbose)
{
	for (size_t i = 0; i < report->model_count; i++)
		print_model(report, &report->models[i], verbose);
	for (size_t i = 0; i < report->extra_count; i++)
		(void)printf("%-6s  %s\n", allow_extra ? "extra" : "EXTRA",
			BAKE_SHOW(report->extras[i]));
	(void)printf("%zu of %zu files verified%s, %s\n", report->verified,
		report->verified + report->wrong, quick ? " by size and structure" : "",
		BAKE_BYTES(report->verified_bytes));
}

static enum bake_status run_verify(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	struct cli_progress progress;
	struct bake_events events = {.emit = cli_progress_emit, .context = &progress};
	struct bake_verify_report report;
	_cleanup_(bake_pickle_policy_release) struct bake_pickle_policy pickles = {NULL, 0};
	struct bake_verify_options wanted = {
		.models_dir = cli_models_dir(models_dir),
		.lock_path = lock_path,
		.layout = (enum bake_layout)layout,
		.index_path = index_path,
		.names = args->items,
		.name_count = args->count,
		.jobs = (unsigned)jobs,
		.quick = quick,
		.allow_extra = allow_extra,
		.scan_values = scan_values,
		.probe = probe,
		.probe_timeout_ms = probe_timeout_ms,
		.pickles = &pickles,
		.events = &events,
	};
	enum bake_status status;

	BAKE_TRY(bake_pickle_policy_parse(allow_pickle.items, allow_pickle.count, &pickles, err));
	cli_progress_init(
		&progress, TOOL, (enum cli_progress_mode)progress_mode, common->quiet, false);
	status = bake_verify(&wanted, &report, err);
	cli_progress_clear(&progress);
	if (report.file_count && common->json)
		print_json(&report, err);
	else if (report.file_count && !common->quiet)
		print_report(&report, common->verbose > 0);
	bake_verify_report_release(&report);
	return status;
}

static void put_path(struct bake_json_writer *writer, const struct bake_structure_path *path)
{
	bake_json_object(writer);
	bake_json_put_text(writer, "path", path->path);
	bake_json_put_u64(writer, "checked", path->structure.checked);
	put_structure(writer, &path->structure, path->structure.checked > 0,
		path->worst == &path->probe ? NULL : path->worst, 0, SIZE_MAX);
	if (path->probe.status != BAKE_OK)
		bake_json_put_text(writer, "probe", path->probe.message);
	bake_json_end_object(writer);
}

static void print_paths_json(
	const struct bake_structure_only_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_u64(&writer, "checked", report->checked);
	bake_json_put_u64(&writer, "broken", report->broken);
	bake_json_key(&writer, "paths");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->path_count; i++)
		put_path(&writer, &report->paths[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void print_paths(const struct bake_structure_only_report *report)
{
	for (size_t i = 0; i < report->path_count; i++) {
		const struct bake_structure_path *path = &report->paths[i];

		(void)printf("%-6s  %-40s  %zu files checked\n",
			path->worst		  ? "BROKEN"
			: path->structure.checked ? "ok"
						  : "none",
			BAKE_SHOW(path->path), path->structure.checked);
		print_findings(&path->structure, 0, SIZE_MAX);
		if (path->probe.status != BAKE_OK)
			(void)printf("  %s\n", path->probe.message);
	}
}

static enum bake_status run_structure(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_pickle_policy_release) struct bake_pickle_policy pickles = {NULL, 0};
	struct bake_structure_only_report report;
	struct bake_structure_only_options wanted = {
		.paths = args->items,
		.path_count = args->count,
		.jobs = (unsigned)jobs,
		.allow_missing = allow_missing,
		.pickles = &pickles,
		.scan_values = scan_values,
		.probe = probe,
		.probe_timeout_ms = probe_timeout_ms,
	};
	enum bake_status status;

	BAKE_TRY(bake_pickle_policy_parse(allow_pickle.items, allow_pickle.count, &pickles, err));
	status = bake_structure_only(&wanted, &report, err);
	if (common->json)
		print_paths_json(&report, err);
	else if (!common->quiet)
		print_paths(&report);
	bake_structure_only_release(&report);
	return status;
}

/* An option, and whether another one would leave it unused. */
struct unused {
	bool given;
	const char *what;
	bool with_list;
	bool with_structure;
};

static enum bake_status check_unused(
	const struct unused *unused, size_t count, struct bake_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!unused[i].given)
			continue;
		if (list && unused[i].with_list) {
			bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
				"--list verifies nothing: %s does not go with it", unused[i].what);
			return bake_error_hint(err, "verify and list with two commands");
		}
		if (structure_only && unused[i].with_structure)
			return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
				"--structure-only compares with nothing: %s does not go with it",
				unused[i].what);
	}
	return BAKE_OK;
}

static enum bake_status check_needs(const struct cli_list *args, struct bake_error *err)
{
	const struct {
		bool wrong;
		const char *id;
		const char *why;
	} rules[] = {
		{lock_path && index_path, "usage.conflict",
			"--lock and --index exclude each other"},
		{layout != BAKE_LAYOUT_PLAIN && !lock_path && !structure_only, "usage.arguments",
			"--layout needs a lock to compare with: -l LOCK"},
		{probe && layout == BAKE_LAYOUT_HF_CACHE, "usage.conflict",
			"--probe wants a model's own directory, and --layout hf-cache has none"},
		{structure_only && !args->count, "usage.arguments",
			"--structure-only needs a PATH"},
		{quick && scan_values, "usage.conflict",
			"--quick reads no weights: --scan-values does not go with it"},
		{allow_missing && !structure_only, "usage.arguments",
			"--allow-missing goes with --structure-only: a lock says what was left "
			"out"},
		{probe_timeout_ms && !probe, "usage.arguments", "--probe-timeout needs a --probe"},
	};

	for (size_t i = 0; i < countof(rules); i++) {
		if (rules[i].wrong)
			return bake_error_set(err, BAKE_ERR_USAGE, rules[i].id, "%s", rules[i].why);
	}
	return probe ? bake_probe_check(probe, err) : BAKE_OK;
}

/* What would be left unused, and what excludes each other. */
static enum bake_status check_line(const struct cli_list *args, struct bake_error *err)
{
	const struct unused unused[] = {
		{args->count != 0, "MODEL", true, false},
		{lock_path != NULL, "--lock", true, true},
		{index_path != NULL, "--index", true, true},
		{layout != BAKE_LAYOUT_PLAIN, "--layout", false, true},
		{models_dir != NULL, "--models", false, true},
		{list, "--list", false, true},
		{quick, "--quick", true, true},
		{jobs != 0, "--jobs", true, false},
		{allow_extra, "--allow-extra", true, true},
		{allow_pickle.count != 0, "--allow-pickle", true, false},
		{scan_values, "--scan-values", true, false},
		{probe != NULL, "--probe", true, false},
	};

	BAKE_TRY(check_needs(args, err));
	return check_unused(unused, countof(unused), err);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	BAKE_TRY(check_line(args, err));
	if (structure_only)
		return run_structure(common, args, err);
	return list ? run_list(common, err) : run_verify(common, args, err);
}

int main(int argc, char **argv)
{
	int code = cli_main(&command, argc, argv, run);

	cli_list_release(&allow_pickle);
	return code;
}
