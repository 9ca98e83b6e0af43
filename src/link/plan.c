/* SPDX-License-Identifier: Apache-2.0 */
#include "link/plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

/* What programs load by itself. */
static const char *const weights[] = {
	".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".onnx"};

/* Names that every other repository has, too. */
static const char *const plain_names[] = {"model", "diffusion_pytorch_model", "pytorch_model",
	"open_clip_pytorch_model", "adapter_model", "pytorch_lora_weights", "consolidated"};

struct planning {
	const struct bake_index *index;
	const struct bake_layout_tree *tree;
	const struct bake_link_wish *wish;
	struct bake_link_plan *plan;
	const char **paths; /* of all models, sorted */
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum bake_status sort_paths(struct planning *planning, struct bake_error *err)
{
	size_t count = planning->index->model_count;

	planning->paths = bake_arena_array(&planning->plan->arena, count, sizeof(char *));
	if (!planning->paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		planning->paths[i] = planning->index->models[i].path;
	qsort(planning->paths, count, sizeof(char *), compare_texts);
	return BAKE_OK;
}

/* How many of the models' paths come before text. */
static size_t paths_before(const struct planning *planning, const char *text)
{
	size_t low = 0;
	size_t high = planning->index->model_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(planning->paths[middle], text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *extension_of_weights(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < countof(weights); i++) {
		size_t tail = strlen(weights[i]);

		if (len > tail && strcasecmp(name + len - tail, weights[i]) == 0)
			return name + len - tail;
	}
	return NULL;
}

/* "model", and also "model.fp16" and "model-00001-of-00002". */
static bool is_plain(const char *name)
{
	for (size_t i = 0; i < countof(plain_names); i++) {
		size_t len = strlen(plain_names[i]);

		if (strncasecmp(name, plain_names[i], len) == 0 &&
			(name[len] == '.' || name[len] == '-'))
			return true;
	}
	return false;
}

/* Whether its files are read together, by their places. */
static bool belongs_together(const struct bake_index_model *model)
{
	if (model->file_count < 2)
		return false;
	for (size_t i = 0; i < model->file_count; i++) {
		const char *name = base_name(model->files[i].path);

		if (strcmp(name, "config.json") == 0 || strcmp(name, "model_index.json") == 0 ||
			bake_text_ends(name, ".safetensors.index.json") ||
			bake_text_ends(name, ".bin.index.json"))
			return true;
	}
	return false;
}

static enum bake_status add(struct planning *planning, const struct bake_index_model *model,
	const struct bake_layout_rule *rule, const char *name, const char *target,
	struct bake_error *err)
{
	struct bake_link_plan *plan = planning->plan;
	char *path = bake_arena_join(&plan->arena, rule->to.text, name);
	struct bake_relpath checked;

	if (!path || !bake_grow((void **)&plan->links, &plan->room, plan->count + 1,
			     sizeof(*plan->links)))
		return bake_error_nomem(err);
	BAKE_TRY(bake_relpath_parse(path, &checked, err));
	plan->links[plan->count++] = (struct bake_link){path, target, model->id};
	return BAKE_OK;
}

static enum bake_status skip(
	struct bake_link_plan *plan, const char *model, const char *reason, struct bake_error *err)
{
	if (!reason || !bake_grow((void **)&plan->skips, &plan->skip_room, plan->skip_count + 1,
			       sizeof(*plan->skips)))
		return bake_error_nomem(err);
	plan->skips[plan->skip_count++] = (struct bake_link_skip){model, reason};
	return BAKE_OK;
}

static enum bake_status skip_homeless(
	struct planning *planning, const struct bake_index_model *model, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(4096);

	bake_buf_addf(&text, "layout %s has no place for", BAKE_SHOW(planning->tree->name));
	if (model->category)
		bake_buf_addf(&text, " category '%s'", BAKE_SHOW(model->category));
	else if (model->role)
		bake_buf_addf(&text, " role '%s'", BAKE_SHOW(model->role));
	else
		bake_buf_text(&text, " a model without role and category");
	BAKE_TRY(bake_buf_status(&text, "reason", err));
	return skip(
		planning->plan, model->id, bake_arena_text(&planning->plan->arena, text.ptr), err);
}

/* Whether the model's path is a directory with nothing of other models in it. */
static bool has_directory(const struct planning *planning, const struct bake_index_model *model)
{
	size_t count = planning->index->model_count;
	size_t at = paths_before(planning, model->path);
	char *below;

	for (size_t i = 0; i < model->file_count; i++) {
		if (strcmp(model->files[i].path, model->path) == 0)
			return false;
	}
	if (at + 1 < count && strcmp(planning->paths[at + 1], model->path) == 0)
		return false; /* another one's, too */
	below = bake_arena_join(&planning->plan->arena, model->path, "");
	at = below ? paths_before(planning, below) : count;
	return at == count || !bake_text_starts(planning->paths[at], below);
}

static enum bake_status add_files(struct planning *planning, const struct bake_index_model *model,
	const struct bake_layout_rule *rule, struct bake_error *err)
{
	size_t before = planning->plan->count;

	for (size_t i = 0; i < model->file_count; i++) {
		const char *path = model->files[i].path;
		const char *name = base_name(path);

		if (!extension_of_weights(name))
			continue;
		if (is_plain(name))
			name = bake_arena_join(&planning->plan->arena, model->id, name);
		if (!name)
			return bake_error_nomem(err);
		BAKE_TRY(add(planning, model, rule, name, path, err));
	}
	if (planning->plan->count > before)
		return BAKE_OK;
	return skip(planning->plan, model->id, "none of its files is weights", err);
}

static enum bake_status add_model(
	struct planning *planning, const struct bake_index_model *model, struct bake_error *err)
{
	const struct bake_layout_kind kind = {model->role, model->category, model->format};
	const struct bake_layout_rule *rule = bake_layout_rule_for(planning->tree, &kind);
	bool whole;

	if (!model->baked)
		return skip(planning->plan, model->id, "it is not baked", err);
	if (!rule)
		return skip_homeless(planning, model, err);
	whole = planning->wish->whole || rule->whole || belongs_together(model);
	if (whole && has_directory(planning, model))
		return add(planning, model, rule, base_name(model->path), model->path, err);
	return add_files(planning, model, rule, err);
}

static int by_path(const void *a, const void *b)
{
	const struct bake_link *left = a;
	const struct bake_link *right = b;
	int order = strcmp(left->path, right->path);

	return order ? order : strcmp(left->target, right->target);
}

/* None a directory of another, none differing by case alone. */
static enum bake_status check_set(struct bake_link_plan *plan, struct bake_error *err)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(SIZE_MAX);
	const char **paths = bake_arena_room(&scratch, plan->count, sizeof(char *));

	if (!paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < plan->count; i++)
		paths[i] = plan->links[i].path;
	return bake_relpath_check_set(paths, plan->count, &scratch, err);
}

/* One link may serve two models; one path cannot lead to two files. */
static enum bake_status check(struct bake_link_plan *plan, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(2048);
	size_t kept = 0;

	qsort(plan->links, plan->count, sizeof(*plan->links), by_path);
	for (size_t i = 0; i < plan->count; i++) {
		struct bake_link *last = kept ? &plan->links[kept - 1] : NULL;
		struct bake_link *link = &plan->links[i];
		bool same = last && strcmp(last->path, link->path) == 0;

		if (same && strcmp(last->target, link->target) == 0)
			continue;
		if (same)
			bake_buf_addf(&text, "%s%s (%s and %s)", text.len ? ", " : "",
				BAKE_SHOW(link->path), BAKE_SHOW(last->model),
				BAKE_SHOW(link->model));
		plan->links[kept++] = *link;
	}
	plan->count = kept;
	if (!text.len)
		return check_set(plan, err);
	bake_error_set(
		err, BAKE_ERR_DATA, "link.collision", "one path for two files: %s", text.ptr);
	return bake_error_hint(err, "\"save_as\" in the manifest gives a file another name");
}

static const char *model_id(const void *context, size_t index)
{
	return ((const struct bake_index *)context)->models[index].id;
}

static enum bake_status add_wanted(
	struct planning *planning, const char *id, struct bake_error *err)
{
	const struct bake_index *index = planning->index;
	const struct bake_index_model *model = bake_index_find(index, id);
	const char *near;

	if (model)
		return add_model(planning, model, err);
	bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model", "the index has no model '%s'",
		BAKE_SHOW(id));
	near = bake_text_nearest(id, index->model_count, model_id, index);
	return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
}

enum bake_status bake_link_plan_make(const struct bake_index *index,
	const struct bake_layout_tree *tree, const struct bake_link_wish *wish,
	struct bake_link_plan *out, struct bake_error *err)
{
	struct planning planning = {index, tree, wish, out, NULL};

	*out = (struct bake_link_plan){.arena = BAKE_ARENA_INIT(2 * (size_t)BAKE_INDEX_BYTES_MAX)};
	BAKE_TRY(sort_paths(&planning, err));
	for (size_t i = 0; i < wish->model_count; i++)
		BAKE_TRY(add_wanted(&planning, wish->models[i], err));
	for (size_t i = 0; wish->model_count == 0 && i < index->model_count; i++)
		BAKE_TRY(add_model(&planning, &index->models[i], err));
	return out->count ? check(out, err) : BAKE_OK;
}

void bake_link_plan_release(struct bake_link_plan *plan)
{
	free(plan->links);
	free(plan->skips);
	bake_arena_release(&plan->arena);
	*plan = (struct bake_link_plan){.count = 0};
}
