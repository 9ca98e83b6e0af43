/* SPDX-License-Identifier: Apache-2.0 */
/* bake-link: the tree of links in which ComfyUI and other programs look for models. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/main.h"
#include "cli/options.h"
#include "cli/report.h"
#include "fs/file.h"
#include "index/index.h"
#include "link/make.h"

#define TOOL "bake-link"

static const char *models_dir;
static const char *index_path;
static const char *to_dir;
static const char *layout = "comfyui";
static bool relative;
static bool directories;
static bool force;
static bool dry_run;
static bool check;
static bool remove_links;

static const struct cli_option options[] = {
	{0, "to", "DIR", "make the links below DIR, where ComfyUI is", CLI_TEXT, &to_dir, 0, 0,
		NULL},
	{'d', "models", "DIR", "link to the models in DIR ($MODEL_CACHE_DIR, /app/models)",
		CLI_TEXT, &models_dir, 0, 0, NULL},
	{0, "index", "FILE", "read this index instead of DIR/model-info.json", CLI_TEXT,
		&index_path, 0, 0, NULL},
	{0, "layout", "NAME", "make the tree of comfyui, or of a layout file (comfyui)", CLI_TEXT,
		&layout, 0, 0, NULL},
	{'r', "relative", NULL,
		"make relative links, which survive moving both directories together", CLI_FLAG,
		&relative, 0, 0, NULL},
	{0, "directories", NULL, "link a model's directory where it has one, not its files",
		CLI_FLAG, &directories, 0, 0, NULL},
	{'f', "force", NULL, "replace links that lead elsewhere, too; never a file", CLI_FLAG,
		&force, 0, 0, NULL},
	{'n', "dry-run", NULL, "say what would be done, and do nothing", CLI_FLAG, &dry_run, 0, 0,
		NULL},
	{0, "check", NULL, "change nothing, and fail when a link is missing, wrong or stale",
		CLI_FLAG, &check, 0, 0, NULL},
	{0, "remove", NULL, "remove the links that lead into the models", CLI_FLAG, &remove_links,
		0, 0, NULL},
};

static const char *const notes[] = {
	"MODEL... links only those; without, all that the index has as baked. A file or directory "
	"that is in the way, or a link that leads elsewhere, is never touched: all of them are "
	"listed, the others are done, and the exit code is 73.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "link baked models to where ComfyUI and others look for them",
	.usage = "--to DIR [MODEL...]",
	.options = options,
	.option_count = countof(options),
	.args_max = SIZE_MAX,
	.notes = notes,
};

static enum bake_status load_index(struct bake_index **out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	_cleanup_free_ char *beside = NULL;
	const char *path = index_path;

	if (!path) {
		if (asprintf(&beside, "%s/%s", cli_models_dir(models_dir), BAKE_INDEX_NAME) < 0)
			return bake_error_nomem(err);
		path = beside;
	}
	if (bake_file_read(path, &text, err) != BAKE_OK) {
		if (err->status == BAKE_ERR_NOINPUT)
			bake_error_hint(err, "bake-index build makes it");
		return bake_error_wrap(err, "index");
	}
	return bake_index_parse(bake_buf_span(&text), path, out, err);
}

/* A built-in name, or a file when it looks like one. */
static enum bake_status load_layout(
	struct bake_layout_tree **made, const struct bake_layout_tree **out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_LAYOUT_BYTES_MAX);

	*out = bake_layout_tree_find(layout);
	if (*out)
		return BAKE_OK;
	if (!strchr(layout, '/') && !bake_text_ends(layout, ".json"))
		return bake_error_set(err, BAKE_ERR_USAGE, "link.layout",
			"there is no layout '%s': it is comfyui, or a file (./NAME.json)",
			BAKE_SHOW(layout));
	if (bake_file_read(layout, &text, err) != BAKE_OK) {
		bake_error_of_input(err);
		return bake_error_wrap(err, "layout");
	}
	BAKE_TRY(bake_layout_tree_parse(bake_buf_span(&text), layout, made, err));
	*out = *made;
	return BAKE_OK;
}

static void put_result(struct bake_json_writer *writer, const struct bake_link_result *result)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "path", result->path);
	bake_json_put_text(writer, "state", bake_link_state_name(result->state));
	bake_json_put_text(writer, "model", result->model);
	bake_json_put_text(writer, "target", result->target[0] ? result->target : NULL);
	bake_json_put_text(writer, "why", result->why[0] ? result->why : NULL);
	bake_json_end_object(writer);
}

static void print_json(const struct bake_link_plan *plan, const struct bake_layout_tree *tree,
	const struct bake_link_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "to", to_dir);
	bake_json_put_text(&writer, "layout", tree->name);
	bake_json_put_bool(&writer, "dry_run", dry_run || check);
	bake_json_key(&writer, "links");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->count; i++)
		put_result(&writer, &report->results[i]);
	bake_json_end_array(&writer);
	bake_json_key(&writer, "skipped");
	bake_json_array(&writer);
	for (size_t i = 0; i < plan->skip_count; i++) {
		bake_json_object_line(&writer);
		bake_json_put_text(&writer, "model", plan->skips[i].model);
		bake_json_put_text(&writer, "why", plan->skips[i].reason);
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void print_result(const struct bake_link_result *result)
{
	(void)printf("%-9s  %s", bake_link_state_name(result->state), BAKE_SHOW(result->path));
	if (result->why[0])
		(void)printf(": %s\n", result->why);
	else if (result->target[0])
		(void)printf(" -> %s\n", BAKE_SHOW(result->target));
	else
		(void)printf("\n");
}

static void print_report(const struct bake_link_plan *plan, const struct bake_link_report *report,
	const struct cli_common *common)
{
	const char *separator = "";

	for (size_t i = 0; !common->quiet && i < report->count; i++) {
		bool unchanged = report->results[i].state == BAKE_LINK_KEPT ||
				 report->results[i].state == BAKE_LINK_IN_PLACE;

		if (!unchanged || common->verbose > 0)
			print_result(&report->results[i]);
	}
	for (size_t i = 0; !common->quiet && i < plan->skip_count; i++)
		(void)printf("%-9s  %s: %s\n", "skipped", BAKE_SHOW(plan->skips[i].model),
			plan->skips[i].reason);
	if (common->quiet)
		return;
	for (int state = 0; state < BAKE_LINK_STATES; state++) {
		if (report->counts[state] == 0)
			continue;
		(void)printf("%s%zu %s", separator, report->counts[state],
			bake_link_state_name((enum bake_link_state)state));
		separator = ", ";
	}
	(void)printf("%s\n", *separator ? "" : "nothing to link");
}

/* All of them, as far as a message reaches. */
static enum bake_status complain(const struct bake_link_report *report, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf list = BAKE_BUF_INIT(600);
	size_t listed = 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct bake_link_result *result = &report->results[i];
		size_t before = list.len;

		if (result->state != BAKE_LINK_CONFLICT)
			continue;
		bake_buf_addf(&list, "%s%s (%s)", listed ? ", " : "", BAKE_SHOW(result->path),
			result->why);
		if (list.full) {
			list.ptr[before] = '\0';
			break;
		}
		listed++;
	}
	bake_error_set(err, BAKE_ERR_CANTCREATE, "link.conflict", "%zu in the way: %s%s",
		report->counts[BAKE_LINK_CONFLICT], list.ptr ? list.ptr : "",
		listed < report->counts[BAKE_LINK_CONFLICT] ? ", ..." : "");
	return bake_error_hint(
		err, "move them away; --force replaces links that lead elsewhere, never files");
}

static enum bake_status judge(const struct bake_link_report *report, struct bake_error *err)
{
	size_t changes = report->counts[BAKE_LINK_MADE] + report->counts[BAKE_LINK_REPLACED] +
			 report->counts[BAKE_LINK_STALE];

	if (report->counts[BAKE_LINK_CONFLICT] > 0)
		return complain(report, err);
	if (report->counts[BAKE_LINK_NO_TARGET] > 0)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "link.no-target",
			"%zu files of the index are not in the models directory",
			report->counts[BAKE_LINK_NO_TARGET]);
	if (check && changes > 0)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "link.differs",
			"%zu links are missing, wrong or stale", changes);
	return BAKE_OK;
}

static enum bake_status check_options(struct bake_error *err)
{
	if (!to_dir)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.arguments", "--to DIR says where the links go");
	if (check && remove_links)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--check and --remove exclude each other");
	return BAKE_OK;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	_cleanup_(bake_layout_tree_free) struct bake_layout_tree *made = NULL;
	_cleanup_(bake_link_plan_release) struct bake_link_plan plan = {.count = 0};
	_cleanup_(bake_link_report_release) struct bake_link_report report = {.count = 0};
	const struct bake_layout_tree *tree;
	const struct bake_link_wish wish = {args->items, args->count, directories};
	const struct bake_link_options wanted = {
		.models_dir = cli_models_dir(models_dir),
		.to = to_dir,
		.relative = relative,
		.pretend = dry_run || check,
		.force = force,
		.some = args->count > 0,
		.action = remove_links ? BAKE_LINK_REMOVE : BAKE_LINK_MAKE,
	};

	BAKE_TRY(check_options(err));
	BAKE_TRY(load_layout(&made, &tree, err));
	if (!remove_links || args->count > 0) {
		BAKE_TRY(load_index(&index, err));
		BAKE_TRY(bake_link_plan_make(index, tree, &wish, &plan, err));
	}
	BAKE_TRY(bake_link_apply(&plan, tree, &wanted, &report, err));
	best_effort((int)judge(&report, err));
	if (common->json)
		print_json(&plan, tree, &report, err);
	else
		print_report(&plan, &report, common);
	return err->status;
}

int main(int argc, char **argv)
{
	return cli_main(&command, argc, argv, run);
}
