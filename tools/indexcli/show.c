/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index show. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/report.h"
#include "indexcli/commands.h"
#include "indexcli/load.h"

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

static void put_model(const struct bake_index_model *model)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);

	bake_index_write_model(model, &text);
	cli_print_json(&text);
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
		if (common->json)
			put_model(model);
		else
			print_model(model);
		return BAKE_OK;
	}
	if (common->json)
		cli_print_json(&text);
	for (size_t i = 0; !common->json && i < index->model_count; i++)
		print_row(&index->models[i]);
	return BAKE_OK;
}

const struct indexcli_command indexcli_show = {&command, run, NULL};
