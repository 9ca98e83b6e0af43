/* SPDX-License-Identifier: Apache-2.0 */
#include "index/api.h"

#include <string.h>

/* Into a sorted list, once. A list that is full stays as it is. */
static void insert(uint32_t *list, size_t *count, uint32_t value)
{
	size_t at = 0;

	while (at < *count && list[at] < value)
		at++;
	if (!value || *count == BAKE_API_LIST_MAX || (at < *count && list[at] == value))
		return;
	memmove(list + at + 1, list + at, (*count - at) * sizeof(*list));
	list[at] = value;
	(*count)++;
}

static bool rank_allowed(const struct bake_selection *rule, uint32_t rank)
{
	if (!rule || !rule->rank_count)
		return true;
	for (size_t i = 0; i < rule->rank_count; i++) {
		if (rule->ranks[i] == rank)
			return true;
	}
	return false;
}

static bool concerns(const struct bake_selection *rule, const struct bake_index_model *model)
{
	return !rule || (model->group && strcmp(model->group, rule->group) == 0);
}

static void take_base(struct bake_api *api, const struct bake_index_model *model)
{
	if (!model->role || strcmp(model->role, "base") != 0)
		return;
	if (model->baked)
		api->base_model_available = true;
	if (!api->model_id && model->source.kind == BAKE_SOURCE_HUB)
		api->model_id = model->source.location;
}

static void take_variants(struct bake_api *api, const struct bake_selection *rule,
	const struct bake_index_model *model)
{
	for (size_t i = 0; i < bake_index_choice_count(model); i++) {
		struct bake_variant variant = bake_index_choice_at(model, i).variant;

		if (!rank_allowed(rule, variant.rank))
			continue;
		insert(api->ranks, &api->rank_count, variant.rank);
		insert(api->steps, &api->step_count, variant.steps);
	}
}

/* What a server uses when nobody says: the model the rule selects. Its plain file runs the whole
 * schedule. */
static void take_defaults(
	struct bake_api *api, const struct bake_index *index, const struct bake_selection *rule)
{
	struct bake_index_choice selected =
		bake_index_select(index, rule->group, &(struct bake_index_wish){0});

	if (!selected.model)
		return;
	api->default_rank = selected.variant.rank;
	api->default_steps = selected.variant.steps ? selected.variant.steps : rule->max_steps;
}

void bake_api_compute(const struct bake_index *index, struct bake_api *out)
{
	const struct bake_selection *rule = index->selection_count ? index->selections : NULL;
	struct bake_api api = {
		.model_name = rule && rule->name ? rule->name : index->manifest_title,
		.model_version = rule && rule->version ? rule->version : "",
		.max_steps = rule ? rule->max_steps : 0,
		.config = rule ? rule->config : "",
	};

	for (size_t i = 0; i < index->model_count; i++) {
		const struct bake_index_model *model = &index->models[i];

		if (!concerns(rule, model))
			continue;
		take_base(&api, model);
		if (model->baked)
			take_variants(&api, rule, model);
	}
	if (rule)
		take_defaults(&api, index, rule);
	*out = api;
}
