/* SPDX-License-Identifier: Apache-2.0 */
/* Why a model of a group was chosen, or was not. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "index/selecting.h"

static const char *const names[BAKE_VERDICTS] = {
	[BAKE_VERDICT_CHOSEN] = "chosen",
	[BAKE_VERDICT_NOT_PREFERRED] = "not-preferred",
	[BAKE_VERDICT_NO_VARIANT] = "no-variant",
	[BAKE_VERDICT_NOT_BAKED] = "not-baked",
	[BAKE_VERDICT_RANK] = "rank",
	[BAKE_VERDICT_WISH] = "wish",
	[BAKE_VERDICT_GPU] = "gpu",
	[BAKE_VERDICT_NOT_LOCAL] = "not-local",
};

const char *bake_index_verdict_name(enum bake_index_verdict verdict)
{
	return names[verdict];
}

#define SAY(...) (void)snprintf(reason, BAKE_REASON_TEXT, __VA_ARGS__)

static void say_wish(const struct bake_variant *variant, const struct bake_index_wish *wish,
	char reason[BAKE_REASON_TEXT])
{
	if (wish->rank && variant->rank != wish->rank)
		SAY("its rank is %u, and %u was asked for", variant->rank, wish->rank);
	else if (wish->has_steps && variant->steps != wish->steps)
		SAY("it is made for %u steps, and %u were asked for (0: the plain file)",
			variant->steps, wish->steps);
	else
		SAY("its precision is %.40s, and %.40s was asked for",
			variant->precision ? BAKE_SHOW(variant->precision) : "not known",
			BAKE_SHOW(wish->precision));
}

/* Both fit: what put the chosen one in front. In the order in which that is decided. */
static void say_better(const struct bake_selection *rule, const struct bake_index_choice *chosen,
	const struct bake_index_choice *choice, char reason[BAKE_REASON_TEXT])
{
	size_t first = bake_selecting_place(rule, &chosen->variant);
	size_t place = bake_selecting_place(rule, &choice->variant);

	if (first != place && rule && first < rule->prefer_count)
		SAY("the rule prefers the chosen one: it is number %zu of its list", first + 1);
	else if (first != place)
		SAY("the plain file comes before what is made for %u steps", choice->variant.steps);
	else if (chosen->variant.rank != choice->variant.rank)
		SAY("the chosen one has a higher rank (%u, not %u)", chosen->variant.rank,
			choice->variant.rank);
	else if (chosen->model->is_default != choice->model->is_default)
		SAY("the chosen one is marked as default");
	else if (chosen->model->priority != choice->model->priority)
		SAY("the chosen one has priority %u", (unsigned)chosen->model->priority);
	else
		SAY("the chosen one comes first by name");
}

static void say_chosen(const struct bake_selection *rule, const struct bake_index_choice *chosen,
	const struct bake_gpu_answer *answer, char reason[BAKE_REASON_TEXT])
{
	size_t place = bake_selecting_place(rule, &chosen->variant);

	if (answer->reason[0])
		SAY("%s", answer->reason);
	else if (rule && place < rule->prefer_count)
		SAY("number %zu of what the rule prefers", place + 1);
	else
		SAY("the first that fits");
}

static bool same(const struct bake_index_choice *a, const struct bake_index_choice *b)
{
	return a->model == b->model && strcmp(a->path, b->path) == 0;
}

/* What refuses it without a look at the others; BAKE_VERDICT_NOT_PREFERRED: nothing does. */
static enum bake_index_verdict refuse(const struct bake_index *index,
	const struct bake_index_wish *wish, const struct bake_index_choice *choice,
	struct bake_gpu_answer *answer, char reason[BAKE_REASON_TEXT])
{
	const struct bake_selection *rule = bake_index_rule(index, choice->model->group);

	if (!bake_index_is_candidate(index, choice->model)) {
		SAY("it has no variant: it goes with the others and is no choice among them");
		return BAKE_VERDICT_NO_VARIANT;
	}
	if (!choice->model->baked) {
		SAY("it is not baked");
		return BAKE_VERDICT_NOT_BAKED;
	}
	if (!bake_selecting_rank(rule, choice->variant.rank)) {
		SAY("the rule does not allow rank %u", choice->variant.rank);
		return BAKE_VERDICT_RANK;
	}
	if (!bake_selecting_wish(&choice->variant, wish)) {
		say_wish(&choice->variant, wish, reason);
		return BAKE_VERDICT_WISH;
	}
	if (!bake_selecting_gpu(choice, wish, answer)) {
		SAY("%s", answer->reason);
		return BAKE_VERDICT_GPU;
	}
	return BAKE_VERDICT_NOT_PREFERRED;
}

enum bake_index_verdict bake_index_explain(const struct bake_index *index,
	const struct bake_index_wish *wish, const struct bake_index_choice *chosen,
	const struct bake_index_choice *choice, char reason[BAKE_REASON_TEXT])
{
	const struct bake_selection *rule = bake_index_rule(index, choice->model->group);
	struct bake_gpu_answer answer = {.reason = ""};
	enum bake_index_verdict verdict = refuse(index, wish, choice, &answer, reason);

	if (verdict != BAKE_VERDICT_NOT_PREFERRED)
		return verdict;
	if (chosen->model && same(chosen, choice)) {
		say_chosen(rule, chosen, &answer, reason);
		return BAKE_VERDICT_CHOSEN;
	}
	if (wish->is_local && !wish->is_local(wish->context, choice)) {
		SAY("it is in the index and not in the models directory");
		return BAKE_VERDICT_NOT_LOCAL;
	}
	if (chosen->model)
		say_better(rule, chosen, choice, reason);
	else
		SAY("it fits"); /* and came in this moment */
	return BAKE_VERDICT_NOT_PREFERRED;
}
