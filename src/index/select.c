/* SPDX-License-Identifier: Apache-2.0 */
/* Which model of a group a server should load. */
#include <string.h>

#include "arch/gpu.h"
#include "base/text.h"
#include "index/selecting.h"
#include "manifest/nunchaku.h"

const struct bake_index_model *bake_index_find(const struct bake_index *index, const char *id)
{
	for (size_t i = 0; i < index->model_count; i++) {
		if (strcmp(index->models[i].id, id) == 0)
			return &index->models[i];
	}
	return NULL;
}

const struct bake_selection *bake_index_rule(const struct bake_index *index, const char *group)
{
	for (size_t i = 0; i < index->selection_count; i++) {
		if (strcmp(index->selections[i].group, group) == 0)
			return &index->selections[i];
	}
	return NULL;
}

size_t bake_index_choice_count(const struct bake_index_model *model)
{
	return model->variant_count ? model->variant_count : 1;
}

struct bake_index_choice bake_index_choice_at(const struct bake_index_model *model, size_t at)
{
	if (!model->variant_count)
		return (struct bake_index_choice){model, model->path, model->variant};
	return (struct bake_index_choice){model, model->variants[at].path, model->variants[at].is};
}

static bool in_group(const struct bake_index_model *model, const char *group)
{
	return model->group && strcmp(model->group, group) == 0;
}

static bool has_variant(const struct bake_index_model *model)
{
	return model->variant.rank || model->variant.steps || model->variant.precision ||
	       model->variant_count;
}

bool bake_index_is_candidate(const struct bake_index *index, const struct bake_index_model *model)
{
	if (!model->group)
		return false;
	if (has_variant(model))
		return true;
	for (size_t i = 0; i < index->model_count; i++) {
		if (in_group(&index->models[i], model->group) && has_variant(&index->models[i]))
			return false;
	}
	return true;
}

bool bake_selecting_rank(const struct bake_selection *rule, uint32_t rank)
{
	if (!rule || !rule->rank_count || !rank)
		return true;
	for (size_t i = 0; i < rule->rank_count; i++) {
		if (rule->ranks[i] == rank)
			return true;
	}
	return false;
}

bool bake_selecting_wish(const struct bake_variant *variant, const struct bake_index_wish *wish)
{
	return (!wish->rank || variant->rank == wish->rank) &&
	       (!wish->has_steps || variant->steps == wish->steps) &&
	       (!wish->precision || bake_text_equal(variant->precision, wish->precision));
}

bool bake_selecting_gpu(const struct bake_index_choice *choice, const struct bake_index_wish *wish,
	struct bake_gpu_answer *out)
{
	struct bake_nunchaku_name ignored;

	if (!wish->gpu || !bake_nunchaku_parse(choice->path, &ignored))
		return true;
	bake_gpu_judge_nunchaku(*wish->gpu, choice->variant.precision, out);
	return out->verdict == BAKE_GPU_RUNS || out->verdict == BAKE_GPU_UNKNOWN;
}

static bool is_preferred(const struct bake_variant *have, const struct bake_variant *preferred)
{
	return (!preferred->rank || have->rank == preferred->rank) &&
	       (!preferred->steps || have->steps == preferred->steps) &&
	       (!preferred->precision || bake_text_equal(have->precision, preferred->precision));
}

/* Position in the order of preference; the plain file follows the preferred ones. */
size_t bake_selecting_place(const struct bake_selection *rule, const struct bake_variant *variant)
{
	size_t count = rule ? rule->prefer_count : 0;

	for (size_t i = 0; i < count; i++) {
		if (is_preferred(variant, &rule->prefer[i]))
			return i;
	}
	return count + (variant->steps ? 1 : 0);
}

/* Whether a goes before b. Ids and then paths decide last: choices come sorted by them. */
static bool before(const struct bake_selection *rule, const struct bake_index_choice *a,
	const struct bake_index_choice *b)
{
	size_t a_place = bake_selecting_place(rule, &a->variant);
	size_t b_place = bake_selecting_place(rule, &b->variant);

	if (a_place != b_place)
		return a_place < b_place;
	if (a->variant.rank != b->variant.rank)
		return a->variant.rank > b->variant.rank;
	if (a->model->is_default != b->model->is_default)
		return a->model->is_default;
	return a->model->priority &&
	       (!b->model->priority || a->model->priority < b->model->priority); /* 1 is first */
}

/* The better of best and what model has to offer. */
static struct bake_index_choice better_of(const struct bake_selection *rule,
	const struct bake_index_model *model, const struct bake_index_wish *wish,
	struct bake_index_choice best)
{
	for (size_t i = 0; i < bake_index_choice_count(model); i++) {
		struct bake_index_choice choice = bake_index_choice_at(model, i);
		struct bake_gpu_answer ignored;

		if (!bake_selecting_wish(&choice.variant, wish) ||
			!bake_selecting_rank(rule, choice.variant.rank) ||
			!bake_selecting_gpu(&choice, wish, &ignored))
			continue;
		if (best.model && !before(rule, &choice, &best))
			continue;
		if (!wish->is_local || wish->is_local(wish->context, &choice))
			best = choice;
	}
	return best;
}

struct bake_index_choice bake_index_select(
	const struct bake_index *index, const char *group, const struct bake_index_wish *wish)
{
	const struct bake_selection *rule = bake_index_rule(index, group);
	struct bake_index_choice best = {.model = NULL};

	for (size_t i = 0; i < index->model_count; i++) {
		const struct bake_index_model *model = &index->models[i];

		if (in_group(model, group) && (model->baked || wish->also_missing) &&
			bake_index_is_candidate(index, model))
			best = better_of(rule, model, wish, best);
	}
	return best;
}
