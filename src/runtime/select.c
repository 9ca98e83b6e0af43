/* SPDX-License-Identifier: Apache-2.0 */
/* What a group's rule chooses, found by the policy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/gpu.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "runtime/inner.h"

/* A search for the first by the rule that is right. */
struct search {
	struct bake_runtime *runtime;
	enum bake_runtime_check level;
	struct bake_error failure; /* the first that is the system's and not the model's */
};

/* Asked only of choices that come before the best one so far. */
static bool is_right(void *context, const struct bake_index_choice *choice)
{
	struct search *search = context;
	struct bake_runtime_found *found;
	struct bake_error why = BAKE_ERROR_INIT;

	if (bake_runtime_find_choice(search->runtime, choice, search->level, false, &found, &why) ==
		BAKE_OK) {
		bake_runtime_found_close(found);
		return true;
	}
	if (why.status == BAKE_ERR_RESOURCES && search->failure.status == BAKE_OK)
		search->failure = why;
	return false;
}

static const char *group_of(const void *context, size_t at)
{
	const char *group = ((const struct bake_index *)context)->models[at].group;

	return group ? group : "";
}

static enum bake_status nothing_fits(const struct bake_index *index, const char *group,
	const struct bake_index_wish *wish, struct bake_error *err)
{
	struct bake_gpu_answer answer;
	const char *near;
	bool known = false;

	for (size_t i = 0; i < index->model_count; i++)
		known = known || strcmp(group_of(index, i), group) == 0;
	if (!known) {
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"the index has no group '%s'", BAKE_SHOW(group));
		near = bake_text_nearest(group, index->model_count, group_of, index);
		return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
	}
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
		"group '%s' has nothing that fits", BAKE_SHOW(group));
	if (!wish->gpu)
		return err->status;
	bake_gpu_judge_nunchaku(*wish->gpu, NULL, &answer);
	return bake_error_hint(err, "%s", answer.reason);
}

static enum bake_status take_wish(const struct bake_runtime_wish *wish, struct bake_gpu *gpu,
	struct bake_index_wish *out, struct bake_error *err)
{
	*out = (struct bake_index_wish){
		.rank = wish->rank,
		.has_steps = wish->steps != 0,
		.steps = wish->steps == BAKE_RUNTIME_PLAIN ? 0 : wish->steps,
		.precision = wish->precision,
	};
	if (!wish->group)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "runtime.option", "a wish names a group to choose of");
	if (!wish->gpu)
		return BAKE_OK;
	if (!bake_gpu_parse(wish->gpu, gpu))
		return bake_error_set(err, BAKE_ERR_USAGE, "runtime.option",
			"'%s' is no GPU like sm_89 or 8.9", BAKE_SHOW(wish->gpu));
	out->gpu = gpu;
	return BAKE_OK;
}

/* best is not right here: the next one that is; else best is fetched, where that is allowed. */
static enum bake_status find_other(struct search *search, const struct bake_index_choice *best,
	struct bake_index_wish *wish, const struct bake_error *why, struct bake_runtime_found **out,
	struct bake_error *err)
{
	struct bake_index_choice choice;
	char *notice;

	wish->is_local = is_right;
	wish->context = search;
	choice = bake_index_select(search->runtime->index, best->model->group, wish);
	if (search->failure.status != BAKE_OK) {
		*err = search->failure;
		return err->status;
	}
	if (!choice.model)
		return bake_runtime_find_choice(
			search->runtime, best, search->level, true, out, err);
	BAKE_TRY(
		bake_runtime_find_choice(search->runtime, &choice, search->level, false, out, err));
	notice = strdup(why->message);
	free((*out)->notice);
	(*out)->notice = notice;
	return BAKE_OK;
}

enum bake_status bake_runtime_select(struct bake_runtime *runtime,
	const struct bake_runtime_wish *given, enum bake_runtime_check check,
	struct bake_runtime_found **out, struct bake_error *err)
{
	struct search search = {.runtime = runtime, .failure = BAKE_ERROR_INIT};
	struct bake_runtime_wish wish;
	struct bake_index_wish want;
	struct bake_index_choice best;
	struct bake_gpu gpu;
	struct bake_error why = BAKE_ERROR_INIT;

	err = RUNTIME_ERR(err);
	if (!given)
		return bake_error_set(err, BAKE_ERR_USAGE, "runtime.option", "there is no wish");
	BAKE_TRY(bake_runtime_take_struct(
		given, given->size, &wish, sizeof(wish), "struct bake_runtime_wish", err));
	BAKE_TRY(bake_runtime_level(runtime, check, &search.level, err));
	BAKE_TRY(take_wish(&wish, &gpu, &want, err));
	best = bake_index_select(runtime->index, wish.group, &want);
	if (!best.model && (runtime->may_fetch || runtime->fallback_dir)) {
		want.also_missing = true;
		best = bake_index_select(runtime->index, wish.group, &want);
	}
	if (!best.model)
		return nothing_fits(runtime->index, wish.group, &want, err);
	/* With any_local the next one here goes before a fetch: what is local comes first. */
	if (bake_runtime_find_choice(runtime, &best, search.level, !wish.any_local, out, &why) ==
		BAKE_OK)
		return BAKE_OK;
	if (wish.any_local)
		return find_other(&search, &best, &want, &why, out, err);
	*err = why;
	return err->status;
}
