/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index path. */
#include <stdio.h>
#include <string.h>

#include "arch/gpu.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/main.h"
#include "cli/report.h"
#include "indexcli/commands.h"
#include "indexcli/explain.h"
#include "indexcli/load.h"
#include "json/writer.h"
#include "ops/index_local.h"

static const char *index_path;
static const char *models_dir;
static const char *group;
static const char *precision;
static const char *gpu_arch;
static bool explain;
static uint64_t rank;
static uint64_t steps = UINT64_MAX;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "read DIR/model-info.json ($MODEL_CACHE_DIR, /app/models)", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "index", "FILE", "read this index", CLI_TEXT, &index_path, 0, 0, NULL},
	{0, "group", "NAME", "choose from this group by its rule", CLI_TEXT, &group, 0, 0, NULL},
	{0, "rank", "R", "want this rank", CLI_NUMBER, &rank, 1, 100000, NULL},
	{0, "steps", "S", "want this number of steps (0: the plain file)", CLI_NUMBER, &steps, 0,
		100000, NULL},
	{0, "precision", "P", "want this precision (int4, fp4)", CLI_TEXT, &precision, 0, 0, NULL},
	{0, "gpu-arch", "SM", "want what runs on that GPU (sm_89)", CLI_TEXT, &gpu_arch, 0, 0,
		NULL},
	{0, "explain", NULL, "say of each candidate why it was or was not chosen", CLI_FLAG,
		&explain, 0, 0, NULL},
};

static const char *const notes[] = {
	"The rule of a group: what is baked, of an allowed rank, with the preferred steps, then "
	"the "
	"plain file. Nothing that fits is an error (69).",
	"--gpu-arch is the GPU's compute capability, as nvidia-smi --query-gpu=compute_cap says "
	"it. "
	"Nunchaku's int4 files run on sm_75 to sm_89, its fp4 files on sm_120 and sm_121.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-index path",
	.summary = "print where a model is, or what a group's rule selects",
	.usage = "MODEL | --group NAME",
	.options = options,
	.option_count = countof(options),
	.args_max = 1,
	.notes = notes,
};

static enum bake_status not_baked(const char *id, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local", "model '%s' is not baked",
		BAKE_SHOW(id));
	return bake_error_hint(err, INDEXCLI_TOOL " show lists what is baked");
}

static const char *model_group(const void *context, size_t index)
{
	const char *name = ((const struct bake_index *)context)->models[index].group;

	return name ? name : "";
}

/* Always BAKE_ERR_UNAVAILABLE. */
static void nothing_fits(const struct indexcli_asked *asked, struct bake_error *err)
{
	const struct bake_index *index = asked->index;
	bool known = false;
	const char *near;

	for (size_t i = 0; i < index->model_count; i++)
		known = known || strcmp(model_group(index, i), group) == 0;
	if (known) {
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"group '%s' has nothing baked that fits", BAKE_SHOW(group));
		indexcli_hint_gpu(asked, err);
		bake_error_hint(err, INDEXCLI_TOOL " show lists what is baked");
		return;
	}
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local", "the index has no group '%s'",
		BAKE_SHOW(group));
	near = bake_text_nearest(group, index->model_count, model_group, index);
	if (near)
		bake_error_hint(err, "did you mean \"%s\"?", near);
	else
		bake_error_hint(err, INDEXCLI_TOOL " show MODEL says which group it is of");
}

/* asked is NULL when a model was named. */
static void put_choice(const struct indexcli_asked *asked, const struct bake_index_choice *choice,
	const char *path)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 26);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	bake_json_put_bool(&writer, "ok", true);
	bake_json_put_text(&writer, "path", path);
	bake_json_put_text(&writer, "model", choice->model->id);
	bake_json_put_text(&writer, "precision", choice->variant.precision);
	if (choice->variant.rank)
		bake_json_put_u64(&writer, "rank", choice->variant.rank);
	if (choice->variant.steps)
		bake_json_put_u64(&writer, "steps", choice->variant.steps);
	if (asked && explain)
		indexcli_put_candidates(&writer, asked);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static enum bake_status print_choice(const struct cli_common *common,
	const struct indexcli_asked *asked, const struct bake_index_choice *choice,
	struct bake_error *err)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", cli_models_dir(models_dir), choice->path) < 0)
		return bake_error_nomem(err);
	if (common->json)
		put_choice(asked, choice, path);
	else
		(void)printf("%s\n", path);
	return BAKE_OK;
}

/* The models directory, and the first failure that was more than an absence. */
struct disk {
	int root;
	struct bake_error failure;
};

static bool is_local(void *context, const struct bake_index_choice *choice)
{
	struct disk *disk = context;
	struct bake_error why = BAKE_ERROR_INIT;
	enum bake_status status = bake_index_check_local(disk->root, choice, &why);

	if (status != BAKE_OK && status != BAKE_ERR_UNAVAILABLE && disk->failure.status == BAKE_OK)
		disk->failure = why;
	return status == BAKE_OK;
}

/* What the rule selects among what is there. When the index would have had something better, that
 * is said: it was baked and is hidden, or gone. */
static enum bake_status choose(
	struct indexcli_asked *asked, struct disk *disk, struct bake_error *err)
{
	struct bake_index_choice best = bake_index_select(asked->index, group, &asked->wish);
	struct bake_error why = BAKE_ERROR_INIT;

	if (!best.model) {
		nothing_fits(asked, err);
		return BAKE_ERR_UNAVAILABLE;
	}
	asked->wish.is_local = is_local;
	asked->wish.context = disk;
	asked->chosen = bake_index_select(asked->index, group, &asked->wish);
	if (disk->failure.status != BAKE_OK) {
		*err = disk->failure;
		return err->status;
	}
	if (!asked->chosen.model) {
		BAKE_TRY(bake_index_check_local(disk->root, &best, err));
		asked->chosen = best; /* it came in this moment */
		return BAKE_OK;
	}
	if (strcmp(asked->chosen.path, best.path) != 0 &&
		bake_index_check_local(disk->root, &best, &why) != BAKE_OK)
		cli_warn(INDEXCLI_TOOL, why.message);
	return BAKE_OK;
}

static enum bake_status run_group(
	const struct cli_common *common, const struct bake_index *index, struct bake_error *err)
{
	struct bake_gpu gpu;
	_cleanup_close_ int root = -1;
	struct indexcli_asked asked = {
		.index = index,
		.group = group,
		.wish = {.rank = (uint32_t)rank,
			.has_steps = steps != UINT64_MAX,
			.steps = steps != UINT64_MAX ? (uint32_t)steps : 0,
			.precision = precision,
			.gpu = gpu_arch ? &gpu : NULL},
	};
	struct disk disk = {.failure = BAKE_ERROR_INIT};
	enum bake_status status;

	if (gpu_arch && !bake_gpu_parse(gpu_arch, &gpu)) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"--gpu-arch: '%s' is no compute capability", BAKE_SHOW(gpu_arch));
		return bake_error_hint(
			err, "nvidia-smi --query-gpu=compute_cap says it: sm_89 or 8.9");
	}
	BAKE_TRY(indexcli_open_models(models_dir, &root, err));
	disk.root = root;
	status = choose(&asked, &disk, err);
	if (explain && !common->json)
		indexcli_print_candidates(&asked);
	if (status == BAKE_OK)
		return print_choice(common, &asked, &asked.chosen, err);
	if (explain && common->json)
		indexcli_report_failure(&asked, err);
	return status;
}

static enum bake_status check_path_line(const struct cli_list *args, struct bake_error *err)
{
	const struct {
		bool given;
		const char *name;
	} wishes[] = {
		{rank != 0, "--rank"},
		{steps != UINT64_MAX, "--steps"},
		{precision != NULL, "--precision"},
		{gpu_arch != NULL, "--gpu-arch"},
		{explain, "--explain"},
	};

	if ((args->count == 1) == (group != NULL))
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.arguments", "give either a model or --group");
	for (size_t i = 0; !group && i < countof(wishes); i++) {
		if (!wishes[i].given)
			continue;
		bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"%s chooses from a group: it does not go with MODEL", wishes[i].name);
		return bake_error_hint(err, "--group NAME instead of MODEL");
	}
	return BAKE_OK;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	const struct indexcli_which which = {models_dir, index_path};
	const struct bake_index_model *model;
	struct bake_index_choice choice = {.model = NULL};
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	_cleanup_close_ int root = -1;

	BAKE_TRY(check_path_line(args, err));
	BAKE_TRY(indexcli_load(&which, &index, &text, err));
	if (group)
		return run_group(common, index, err);
	BAKE_TRY(indexcli_find(index, args->items[0], &model, err));
	if (!model->baked)
		return not_baked(model->id, err);
	choice = (struct bake_index_choice){model, model->path, model->variant};
	BAKE_TRY(indexcli_open_models(models_dir, &root, err));
	BAKE_TRY(bake_index_check_local(root, &choice, err));
	return print_choice(common, NULL, &choice, err);
}

const struct indexcli_command indexcli_path = {&command, run, NULL};
