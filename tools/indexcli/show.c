/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index show. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/report.h"
#include "indexcli/commands.h"
#include "indexcli/inspect_print.h"
#include "indexcli/load.h"
#include "ops/runtime.h"

static const char *index_path;
static const char *models_dir;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "read DIR/model-info.json ($MODEL_CACHE_DIR, /app/models)", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "index", "FILE", "read this index", CLI_TEXT, &index_path, 0, 0, NULL},
};

static const struct cli_command command = {
	.name = "bake-index show",
	.summary = "print what is baked, or one model",
	.usage = "[MODEL]",
	.options = options,
	.option_count = countof(options),
	.args_max = 1,
};

static void print_row(const struct bake_index_model *model)
{
	(void)printf("%-8s  %-40s  %-12s  %-10s  %10s  %s\n", model->baked ? "baked" : "missing",
		model->id, model->format ? BAKE_SHOW(model->format) : "-",
		model->quantization ? BAKE_SHOW(model->quantization) : "-",
		BAKE_BYTES(model->bytes), BAKE_SHOW(model->path));
}

static void print_fact(const char *name, const char *value)
{
	if (value)
		(void)printf("%-14s %s\n", name, BAKE_SHOW(value));
}

static void print_variant(const struct bake_index_variant *variant)
{
	(void)printf("%-14s %s, rank %u, ", "variant",
		variant->is.precision ? BAKE_SHOW(variant->is.precision) : "-", variant->is.rank);
	if (variant->is.steps)
		(void)printf("%u steps", variant->is.steps);
	else
		(void)printf("plain");
	(void)printf("  %s\n", BAKE_SHOW(variant->path));
}

static void print_model(const struct bake_index_model *model)
{
	print_fact("id", model->id);
	print_fact("title", model->title);
	print_fact("status", model->baked ? "baked" : "missing");
	print_fact("role", model->role);
	print_fact("category", model->category);
	print_fact("group", model->group);
	print_fact("precision", model->variant.precision);
	if (model->variant.rank)
		(void)printf("%-14s %u\n", "rank", model->variant.rank);
	if (model->variant.steps)
		(void)printf("%-14s %u\n", "steps", model->variant.steps);
	print_fact("format", model->format);
	print_fact("quantization", model->quantization);
	print_fact("license", model->license);
	print_fact("path", model->path);
	for (size_t i = 0; i < model->variant_count; i++)
		print_variant(&model->variants[i]);
	(void)printf("%-14s %zu, %s\n", "files", model->file_count, BAKE_BYTES(model->bytes));
	for (size_t i = 0; i < model->file_count; i++)
		(void)printf("  %s  %10s  %s\n", BAKE_HEX(&model->files[i].sha256),
			BAKE_BYTES(model->files[i].size), BAKE_SHOW(model->files[i].path));
}

/* What was measured is shown with what it was measured of. A damaged file of it hides no index. */
static void add_runtime(struct bake_buf *text)
{
	struct bake_error why = BAKE_ERROR_INIT;

	if (!index_path &&
		bake_runtime_merge_view(cli_models_dir(models_dir), text, &why) != BAKE_OK)
		cli_warn(INDEXCLI_TOOL, why.message);
}

/* What the files themselves say, when the index has it. */
static enum bake_status print_facts(
	const struct bake_index_model *model, bool all, struct bake_error *err)
{
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	struct bake_weights weights;

	BAKE_TRY(bake_index_read_arch(model, &arch, err));
	BAKE_TRY(bake_index_read_weights(model, BAKE_INDEX_WEIGHTS, &weights, err));
	if (!arch)
		return BAKE_OK;
	(void)printf("\n");
	indexcli_print_architecture(arch, &weights, all);
	return BAKE_OK;
}

static void put_model(const struct bake_index_model *model)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);

	bake_index_write_model(model, &text);
	add_runtime(&text);
	cli_print_json(&text);
}

/* A member of "runtime", or an engine's "extra_args", on one line. */
static enum bake_status print_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const char *what = out;

	bake_json_array_line(&writer);
	bake_json_write_value(&writer, value);
	bake_json_end_array(&writer);
	BAKE_TRY(bake_buf_status(&text, "runtime", err));
	(void)printf("%-14s %s %s\n", what, BAKE_SHOW(value->key),
		BAKE_SHOW_SPAN(text.ptr + 1, text.len - 2));
	return BAKE_OK;
}

static void print_runtime(const char *id)
{
	_cleanup_(bake_runtime_release) struct bake_runtime runtime = {.path = NULL};
	struct bake_error why = BAKE_ERROR_INIT;
	struct bake_json model;
	struct bake_json part;
	enum bake_status status = BAKE_OK;

	if (index_path)
		return;
	if (bake_runtime_open(&runtime, cli_models_dir(models_dir), &why) != BAKE_OK) {
		cli_warn(INDEXCLI_TOOL, why.message);
		return;
	}
	if (!bake_json_find(&runtime.models, id, &model))
		return;
	if (bake_json_find(&model, "runtime", &part))
		status = bake_json_each_member(&part, print_member, (char[]){"runtime"}, &why);
	if (status == BAKE_OK && bake_json_find(&model, "overrides", &part))
		status = bake_json_each_member(&part, print_member, (char[]){"override"}, &why);
	if (status != BAKE_OK)
		cli_warn(INDEXCLI_TOOL, why.message);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	const struct indexcli_which which = {models_dir, index_path};
	const struct bake_index_model *model;

	if (models_dir && index_path)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--models and --index exclude each other: both say which index to show");
	BAKE_TRY(indexcli_load(&which, &index, &text, err));
	if (args->count) {
		BAKE_TRY(indexcli_find(index, args->items[0], &model, err));
		if (common->json) {
			put_model(model);
			return BAKE_OK;
		}
		print_model(model);
		BAKE_TRY(print_facts(model, common->verbose > 0, err));
		print_runtime(model->id);
		return BAKE_OK;
	}
	if (common->json) {
		add_runtime(&text);
		cli_print_json(&text);
	}
	for (size_t i = 0; !common->json && i < index->model_count; i++)
		print_row(&index->models[i]);
	return BAKE_OK;
}

const struct indexcli_command indexcli_show = {&command, run, NULL};
