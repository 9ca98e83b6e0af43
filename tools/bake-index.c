/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index: makes and answers from model-info.json. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/help.h"
#include "cli/main.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "index/index.h"
#include "json/writer.h"
#include "ops/document.h"
#include "ops/index_build.h"
#include "ops/index_local.h"

#define TOOL "bake-index"

static const char *lock_path;
static const char *manifest_path;
static const char *output;
static const char *index_path;
static const char *models_dir;
static struct cli_list dirs;
static const char *group;
static const char *precision;
static uint64_t rank;
static uint64_t steps = UINT64_MAX;

static const struct cli_option build_options[] = {
	{'l', "lock", "LOCK", "index what this lock names", CLI_TEXT, &lock_path, 0, 0, NULL},
	{'m', "manifest", "FILE", "take titles and rules from FILE, not from beside the lock",
		CLI_TEXT, &manifest_path, 0, 0, NULL},
	{'d', "models", "DIR", "look for files in DIR; may be repeated ($MODEL_CACHE_DIR)",
		CLI_LIST, &dirs, 0, 0, NULL},
	{'o', "output", "FILE", "write to FILE ('-': standard output), not the first DIR", CLI_TEXT,
		&output, 0, 0, NULL},
};

static const char *const build_notes[] = {
	"The same lock gives the same bytes: nothing of the machine or the clock is in the index "
	"(SOURCE_DATE_EPOCH is its time). Files must be there with their pinned sizes; bake-fetch "
	"has checked their content.",
	NULL,
};

static const struct cli_command build_command = {
	.name = "bake-index build",
	.summary = "write model-info.json for what is baked",
	.usage = "-l LOCK",
	.options = build_options,
	.option_count = countof(build_options),
	.notes = build_notes,
};

static const struct cli_option show_options[] = {
	{'d', "models", "DIR", "read DIR/model-info.json ($MODEL_CACHE_DIR, /app/models)", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "index", "FILE", "read this index", CLI_TEXT, &index_path, 0, 0, NULL},
};

static const struct cli_command show_command = {
	.name = "bake-index show",
	.summary = "print what is baked, or one model",
	.usage = "[MODEL]",
	.options = show_options,
	.option_count = countof(show_options),
	.args_max = 1,
};

static const struct cli_option path_options[] = {
	{'d', "models", "DIR", "read DIR/model-info.json ($MODEL_CACHE_DIR, /app/models)", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "index", "FILE", "read this index", CLI_TEXT, &index_path, 0, 0, NULL},
	{0, "group", "NAME", "choose from this group by its rule", CLI_TEXT, &group, 0, 0, NULL},
	{0, "rank", "R", "want this rank", CLI_NUMBER, &rank, 1, 100000, NULL},
	{0, "steps", "S", "want this number of steps (0: the plain file)", CLI_NUMBER, &steps, 0,
		100000, NULL},
	{0, "precision", "P", "want this precision (int4, fp4)", CLI_TEXT, &precision, 0, 0, NULL},
};

static const char *const path_notes[] = {
	"The rule of a group: what is baked, of an allowed rank, with the preferred steps, then "
	"the "
	"plain file. Nothing that fits is an error (69).",
	NULL,
};

static const struct cli_command path_command = {
	.name = "bake-index path",
	.summary = "print where a model is, or what a group's rule selects",
	.usage = "MODEL | --group NAME",
	.options = path_options,
	.option_count = countof(path_options),
	.args_max = 1,
	.notes = path_notes,
};

static enum bake_status write_index(
	const char *dir, const struct bake_buf *text, struct bake_error *err)
{
	_cleanup_close_ int root = -1;
	int64_t mtime;

	BAKE_TRY(bake_clock_source_date(&mtime, err));
	if (output && strcmp(output, "-") == 0) {
		cli_print_json(text);
		return BAKE_OK;
	}
	if (output)
		return bake_file_replace_path(output, bake_buf_span(text), mtime, err);
	BAKE_TRY(bake_dir_open(dir, &root, err));
	BAKE_TRY(bake_file_replace(root, BAKE_INDEX_NAME, bake_buf_span(text), mtime, err));
	return bake_dir_stamp(root, NULL, 0, mtime, err);
}

static enum bake_status run_build(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	struct cli_progress progress;
	struct bake_events events = {.emit = cli_progress_emit, .context = &progress};
	const char *usual = cli_models_dir(NULL);
	bool to_stdout = output && strcmp(output, "-") == 0;
	struct bake_index_build_options wanted = {
		.lock_path = lock_path,
		.manifest_path = manifest_path,
		.models_dirs = dirs.count ? dirs.items : &usual,
		.dir_count = dirs.count ? dirs.count : 1,
		.generator = TOOL " " BAKE_VERSION,
		.events = &events,
	};

	(void)args;
	if (!lock_path) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments", "which lock? -l LOCK");
		return bake_error_hint(err, "bake-lock MANIFEST makes one");
	}
	cli_progress_init(&progress, TOOL, CLI_PROGRESS_PLAIN, common->quiet, false);
	BAKE_TRY(bake_index_build_text(&wanted, &text, err));
	BAKE_TRY(write_index(wanted.models_dirs[0], &text, err));
	if (!common->quiet && !to_stdout)
		(void)fprintf(stderr, TOOL ": %s%s%s written, %zu bytes\n",
			output ? "" : wanted.models_dirs[0], output ? "" : "/",
			output ? output : BAKE_INDEX_NAME, text.len);
	if (common->json && !to_stdout)
		cli_print_json(&text);
	return BAKE_OK;
}

/* The index that show and path read, and the directory its paths are relative to. */
static enum bake_status load(struct bake_index **out, struct bake_buf *text, struct bake_error *err)
{
	_cleanup_free_ char *beside = NULL;
	const char *path = index_path;

	if (!path) {
		if (asprintf(&beside, "%s/%s", cli_models_dir(models_dir), BAKE_INDEX_NAME) < 0)
			return bake_error_nomem(err);
		path = beside;
	}
	if (bake_file_read(path, text, err) != BAKE_OK) {
		if (err->status == BAKE_ERR_NOINPUT)
			bake_error_hint(err, TOOL " build makes it; when it was baked, is a volume "
						  "mounted over the models?");
		return bake_error_wrap(err, "index");
	}
	return bake_index_parse(bake_buf_span(text), path, out, err);
}

static const char *model_id(const void *context, size_t index)
{
	return ((const struct bake_index *)context)->models[index].id;
}

static enum bake_status find(const struct bake_index *index, const char *id,
	const struct bake_index_model **out, struct bake_error *err)
{
	const struct bake_index_model *model = bake_index_find(index, id);
	const char *near;

	if (model) {
		*out = model;
		return BAKE_OK;
	}
	bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model", "the index has no model '%s'",
		BAKE_SHOW(id));
	near = bake_text_nearest(id, index->model_count, model_id, index);
	return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
}

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

static enum bake_status run_show(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	const struct bake_index_model *model;

	if (models_dir && index_path)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--models and --index exclude each other: both say which index to show");
	BAKE_TRY(load(&index, &text, err));
	if (args->count) {
		BAKE_TRY(find(index, args->items[0], &model, err));
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

static enum bake_status not_baked(const char *id, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local", "model '%s' is not baked",
		BAKE_SHOW(id));
	return bake_error_hint(err, TOOL " show lists what is baked");
}

static const char *model_group(const void *context, size_t index)
{
	const char *name = ((const struct bake_index *)context)->models[index].group;

	return name ? name : "";
}

/* Always BAKE_ERR_UNAVAILABLE. */
static void nothing_fits(const struct bake_index *index, struct bake_error *err)
{
	bool known = false;
	const char *near;

	for (size_t i = 0; i < index->model_count; i++)
		known = known || strcmp(model_group(index, i), group) == 0;
	if (known) {
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"group '%s' has nothing baked that fits", BAKE_SHOW(group));
		bake_error_hint(err, TOOL " show lists what is baked");
		return;
	}
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local", "the index has no group '%s'",
		BAKE_SHOW(group));
	near = bake_text_nearest(group, index->model_count, model_group, index);
	if (near)
		bake_error_hint(err, "did you mean \"%s\"?", near);
	else
		bake_error_hint(err, TOOL " show MODEL says which group it is of");
}

static void put_choice(const struct bake_index_choice *choice, const char *path)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 16);
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
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static enum bake_status print_choice(const struct cli_common *common,
	const struct bake_index_choice *choice, struct bake_error *err)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", cli_models_dir(models_dir), choice->path) < 0)
		return bake_error_nomem(err);
	if (common->json)
		put_choice(choice, path);
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
static enum bake_status choose(const struct bake_index *index, int root,
	struct bake_index_choice *out, struct bake_error *err)
{
	struct disk disk = {.root = root, .failure = BAKE_ERROR_INIT};
	struct bake_index_wish wish = {
		.rank = (uint32_t)rank,
		.has_steps = steps != UINT64_MAX,
		.steps = steps != UINT64_MAX ? (uint32_t)steps : 0,
		.precision = precision,
	};
	struct bake_index_choice best = bake_index_select(index, group, &wish);
	struct bake_error why = BAKE_ERROR_INIT;

	if (!best.model) {
		nothing_fits(index, err);
		return BAKE_ERR_UNAVAILABLE;
	}
	wish.is_local = is_local;
	wish.context = &disk;
	*out = bake_index_select(index, group, &wish);
	if (disk.failure.status != BAKE_OK) {
		*err = disk.failure;
		return err->status;
	}
	if (!out->model) {
		*out = best; /* it may have come in this moment */
		return bake_index_check_local(root, &best, err);
	}
	if (strcmp(out->path, best.path) != 0 &&
		bake_index_check_local(root, &best, &why) != BAKE_OK)
		cli_warn(TOOL, why.message);
	return BAKE_OK;
}

static enum bake_status open_models(int *out_root, struct bake_error *err)
{
	const char *dir = cli_models_dir(models_dir);

	if (bake_dir_open(dir, out_root, err) == BAKE_OK)
		return BAKE_OK;
	if (err->status != BAKE_ERR_NOINPUT && err->status != BAKE_ERR_CANTCREATE)
		return err->status;
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
		"there is no models directory '%s'", BAKE_SHOW(dir));
	return bake_error_hint(err, "-d DIR or $MODEL_CACHE_DIR says where the models are");
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

static enum bake_status run_path(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	const struct bake_index_model *model;
	struct bake_index_choice choice = {.model = NULL};
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	_cleanup_close_ int root = -1;

	BAKE_TRY(check_path_line(args, err));
	BAKE_TRY(load(&index, &text, err));
	if (group) {
		BAKE_TRY(open_models(&root, err));
		BAKE_TRY(choose(index, root, &choice, err));
		return print_choice(common, &choice, err);
	}
	BAKE_TRY(find(index, args->items[0], &model, err));
	if (!model->baked)
		return not_baked(model->id, err);
	choice = (struct bake_index_choice){model, model->path, model->variant};
	BAKE_TRY(open_models(&root, err));
	BAKE_TRY(bake_index_check_local(root, &choice, err));
	return print_choice(common, &choice, err);
}

static const struct {
	const struct cli_command *command;
	cli_run_fn *run;
} commands[] = {
	{&build_command, run_build},
	{&show_command, run_show},
	{&path_command, run_path},
};

static void print_commands(void)
{
	const struct cli_command *list[countof(commands)];

	for (size_t i = 0; i < countof(commands); i++)
		list[i] = commands[i].command;
	cli_print_commands(TOOL, "make and read model-info.json, the index of a models directory",
		list, countof(list));
}

static const char *command_word(const void *context, size_t index)
{
	(void)context;
	return commands[index].command->name + sizeof(TOOL);
}

static enum bake_status dispatch(int argc, char **argv, struct bake_error *err)
{
	const char *word = argc > 1 ? argv[1] : "";
	const char *near;

	for (size_t i = 0; i < countof(commands); i++) {
		if (strcmp(word, command_word(NULL, i)) == 0)
			return cli_run(
				commands[i].command, argc - 1, argv + 1, commands[i].run, err);
	}
	cli_expect_json(cli_asks_json(argc, argv));
	bake_error_set(
		err, BAKE_ERR_USAGE, "usage.command", "unknown command '%s'", BAKE_SHOW(word));
	near = bake_text_nearest(word, countof(commands), command_word, NULL);
	return near ? bake_error_hint(err, "did you mean %s?", near)
		    : bake_error_hint(err, "build, show or path");
}

int main(int argc, char **argv)
{
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status = BAKE_OK;
	const char *word = argc > 1 ? argv[1] : "";
	const struct cli_command self = {.name = TOOL};

	cli_begin();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		print_commands();
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		cli_print_version(&self);
	else if (strcmp(word, "--help-exit-codes") == 0)
		cli_print_exit_codes();
	else
		status = dispatch(argc, argv, &error);
	cli_list_release(&dirs);
	return cli_end(TOOL, status, &error);
}
