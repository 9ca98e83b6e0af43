/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/recommend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hints.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "catalog/family.h"
#include "catalog/recommend_need.h"

enum {
	PERCENT = 100,
	FOUR_BITS = 4 * 16 /* as bake_family_quality reckons */
};

/* Essential, recommended, other. */
static unsigned class_of(const struct bake_catalog_entry *entry)
{
	if (entry->is_default)
		return 0;
	return entry->recommended ? 1 : 2;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Essential first, then by priority, then the small ones. */
static int compare_items(const void *a, const void *b)
{
	const struct bake_catalog_entry *x = ((const struct bake_recommend_item *)a)->entry;
	const struct bake_catalog_entry *y = ((const struct bake_recommend_item *)b)->entry;
	int by = order(class_of(x), class_of(y));

	if (!by) /* 0, no priority, comes last */
		by = order(x->priority - 1, y->priority - 1);
	if (!by)
		by = order(x->size_known ? x->bytes : UINT64_MAX,
			y->size_known ? y->bytes : UINT64_MAX);
	return by ? by : strcmp(x->key, y->key);
}

/* An item, and what its model has in common with its other quantizations. */
struct member {
	struct bake_recommend_item *item;
	const char *family;
	size_t family_len;
	bool alone; /* in a family of its own */
};

/* Members of a manifest's group are chosen by the group's rule, not by their quantization. */
static struct member member_of(struct bake_recommend_item *item)
{
	const struct bake_catalog_entry *entry = item->entry;
	bool grouped = entry->model && entry->model->group;

	return (struct member){.item = item,
		.family = grouped ? entry->key : entry->id,
		.family_len = grouped ? strlen(entry->key) : bake_family_len(entry->id),
		.alone = grouped};
}

static int compare_families(const struct member *x, const struct member *y)
{
	size_t common = x->family_len < y->family_len ? x->family_len : y->family_len;
	int by = order(x->item->entry->group, y->item->entry->group);

	if (!by)
		by = order(x->alone, y->alone);
	if (!by)
		by = strncmp(x->family, y->family, common);
	return by ? by : order(x->family_len, y->family_len);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a;
	const struct member *y = b;
	int by = compare_families(x, y);

	return by ? by : (x->item > y->item) - (x->item < y->item);
}

/* Of one family, the first that fits is taken: what the manifest marked, then, where memory is
 * known, what keeps most of the model, else what is small and has four bits. */
static int compare_preference(const struct bake_recommend_item *x,
	const struct bake_recommend_item *y, const struct bake_recommend_wish *wish)
{
	unsigned quality_x = bake_family_quality(x->entry->quantization);
	unsigned quality_y = bake_family_quality(y->entry->quantization);
	int by = order(class_of(x->entry), class_of(y->entry));

	if (by)
		return by;
	if ((wish->ram > 0 || wish->vram > 0) && quality_x != quality_y)
		return order(quality_y, quality_x);
	by = order(quality_x < FOUR_BITS, quality_y < FOUR_BITS);
	return by ? by : order(x->bytes, y->bytes);
}

struct state {
	const struct bake_recommend_wish *wish;
	struct bake_recommend_plan *plan;
	uint64_t left; /* of the budget */
};

static void say_space(struct bake_recommend_item *item, uint64_t left)
{
	item->verdict = BAKE_RECOMMEND_SPACE;
	(void)snprintf(item->why, sizeof(item->why), "takes %s, and %s of the share are left",
		BAKE_BYTES(item->bytes), BAKE_BYTES(left));
}

static const char *mark_of(const struct bake_catalog_entry *entry, const char *use)
{
	if (entry->is_default)
		return "a default";
	return entry->recommended ? "recommended" : (use ? "for that use" : "fits");
}

static void say_in(struct bake_recommend_item *item, const struct state *state, size_t variants)
{
	const struct bake_catalog_entry *entry = item->entry;
	const struct bake_tradeoff *row = bake_tradeoff_find(entry->quantization);
	char text[BAKE_RECOMMEND_TEXT];
	int len = snprintf(text, sizeof(text), "%s", mark_of(entry, state->wish->use));

	if (entry->priority > 0)
		len += snprintf(text + len, sizeof(text) - (size_t)len, ", priority %" PRIu64,
			entry->priority);
	if (item->memory > 0 && state->wish->ram > 0)
		len += snprintf(text + len, sizeof(text) - (size_t)len, ", needs %s%s of memory",
			item->memory_said ? "" : "about ", BAKE_BYTES(item->memory));
	if (variants > 1)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
			", best of %zu variants that fit", variants);
	if (variants > 1 && row)
		(void)snprintf(text + len, sizeof(text) - (size_t)len, " (%u%% of FP16's quality)",
			row->quality_percent);
	item->verdict = BAKE_RECOMMEND_IN;
	memcpy(item->why, text, sizeof(text));
}

static void take(struct bake_recommend_item *item, struct state *state, size_t variants)
{
	say_in(item, state, variants);
	state->left -= item->bytes;
	state->plan->bytes = bake_u64_add_capped(state->plan->bytes, item->bytes);
	state->plan->chosen++;
}

static void say_variant(
	struct bake_recommend_item *item, const struct bake_catalog_entry *other, bool is_here)
{
	item->verdict = BAKE_RECOMMEND_VARIANT;
	(void)snprintf(item->why, sizeof(item->why), "%s is %s, the same model%s%s%s",
		BAKE_SHOW(other->key), is_here ? "here" : "in", other->quantization ? " (" : "",
		other->quantization ? BAKE_SHOW(other->quantization) : "",
		other->quantization ? ")" : "");
}

/* What can be decided about an entry by itself. True: it is a candidate. */
static bool judge_alone(struct bake_recommend_item *item, const struct state *state)
{
	const struct bake_catalog_entry *entry = item->entry;
	const struct bake_recommend_wish *wish = state->wish;

	if (entry->state == BAKE_CATALOG_INSTALLED) {
		item->verdict = BAKE_RECOMMEND_HERE;
		(void)snprintf(item->why, sizeof(item->why), "is here already");
		return false;
	}
	if (!entry->recommended && !wish->use && !wish->all) {
		item->verdict = BAKE_RECOMMEND_NOT_MARKED;
		(void)snprintf(item->why, sizeof(item->why), "neither a default nor recommended");
		return false;
	}
	if (!bake_need_check(item, wish))
		return false;
	if (!entry->size_known) {
		item->verdict = BAKE_RECOMMEND_SIZE_UNKNOWN;
		(void)snprintf(item->why, sizeof(item->why),
			"its size is not known until bake-lock has pinned it");
		return false;
	}
	item->bytes = entry->local_bytes < entry->bytes ? entry->bytes - entry->local_bytes : 0;
	return true;
}

/* Members of one family; those in candidates were not judged yet. */
struct family {
	const struct member *members;
	size_t count;
	struct bake_recommend_item **candidates;
	size_t candidate_count;
	const struct bake_recommend_item *here;
};

static void gather(struct family *family, const struct state *state)
{
	for (size_t i = 0; i < family->count; i++) {
		struct bake_recommend_item *item = family->members[i].item;
		size_t at = family->candidate_count;

		if (!judge_alone(item, state)) {
			if (item->verdict == BAKE_RECOMMEND_HERE)
				family->here = item;
			continue;
		}
		/* By insertion: a family is small. */
		for (; at > 0 &&
			compare_preference(item, family->candidates[at - 1], state->wish) < 0;
			at--)
			family->candidates[at] = family->candidates[at - 1];
		family->candidates[at] = item;
		family->candidate_count++;
	}
}

static void judge_family(struct family *family, struct state *state)
{
	const struct bake_recommend_item *chosen = NULL;

	gather(family, state);
	for (size_t i = 0; i < family->candidate_count && !chosen && !family->here; i++) {
		if (family->candidates[i]->bytes > state->left)
			continue;
		chosen = family->candidates[i];
		take(family->candidates[i], state, family->candidate_count);
	}
	for (size_t i = 0; i < family->candidate_count; i++) {
		struct bake_recommend_item *item = family->candidates[i];

		if (item == chosen)
			continue;
		if (family->here)
			say_variant(item, family->here->entry, true);
		else if (chosen && item->bytes <= state->left + chosen->bytes)
			say_variant(item, chosen->entry, false);
		else
			say_space(item, chosen ? state->left + chosen->bytes : state->left);
	}
}

enum {
	FAMILY_MAX = 64 /* variants that are compared; further ones are a family of their own */
};

/* by_family: the items, families together. Judges the family that the item at first belongs to. */
static void judge_at(const struct member *by_family, size_t first, size_t end, struct state *state)
{
	struct bake_recommend_item *candidates[FAMILY_MAX];
	struct family family = {
		.members = by_family + first, .count = end - first, .candidates = candidates};

	judge_family(&family, state);
}

struct range {
	size_t first;
	size_t end;
	bool judged;
};

static enum bake_status judge_all(struct state *state, struct bake_error *err)
{
	struct bake_recommend_plan *plan = state->plan;
	_cleanup_free_ struct member *by_family = calloc(plan->count + 1, sizeof(*by_family));
	_cleanup_free_ struct range *ranges = calloc(plan->count + 1, sizeof(*ranges));
	_cleanup_free_ size_t *range_of = calloc(plan->count + 1, sizeof(*range_of));
	size_t used = 0;

	if (!by_family || !ranges || !range_of)
		return bake_error_nomem(err);
	for (size_t i = 0; i < plan->count; i++)
		by_family[i] = member_of(&plan->items[i]);
	qsort(by_family, plan->count, sizeof(*by_family), compare_members);
	for (size_t i = 0; i < plan->count; i++) {
		bool next = i == 0 || i - ranges[used - 1].first == FAMILY_MAX ||
			    compare_families(&by_family[i - 1], &by_family[i]) != 0;

		if (next)
			ranges[used++] = (struct range){.first = i};
		ranges[used - 1].end = i + 1;
		range_of[by_family[i].item - plan->items] = used - 1;
	}
	/* In the order of the items: a family has its turn with the first of its members. */
	for (size_t i = 0; i < plan->count; i++) {
		struct range *range = &ranges[range_of[i]];

		if (range->judged)
			continue;
		range->judged = true;
		judge_at(by_family, range->first, range->end, state);
	}
	return BAKE_OK;
}

enum bake_status bake_recommend(const struct bake_catalog *catalog,
	const struct bake_recommend_wish *wish, struct bake_recommend_plan *out,
	struct bake_error *err)
{
	unsigned share = wish->share ? wish->share : BAKE_RECOMMEND_SHARE;
	struct state state = {.wish = wish, .plan = out};

	*out = (struct bake_recommend_plan){.space = wish->space,
		.budget = bake_u64_scale(wish->space, share, PERCENT),
		.items = calloc(catalog->entry_count + 1, sizeof(*out->items))};
	if (!out->items)
		return bake_error_nomem(err);
	state.left = out->budget;
	for (size_t i = 0; i < catalog->entry_count; i++) {
		const struct bake_catalog_entry *entry = &catalog->entries[i];

		if (!wish->use || bake_catalog_is_for(entry, wish->use))
			out->items[out->count++].entry = entry;
	}
	qsort(out->items, out->count, sizeof(*out->items), compare_items);
	return judge_all(&state, err);
}

void bake_recommend_release(struct bake_recommend_plan *plan)
{
	free(plan->items);
	*plan = (struct bake_recommend_plan){.items = NULL};
}

const char *bake_recommend_verdict_name(enum bake_recommend_verdict verdict)
{
	static const char *const names[] = {[BAKE_RECOMMEND_IN] = "in",
		[BAKE_RECOMMEND_HERE] = "here",
		[BAKE_RECOMMEND_VARIANT] = "variant",
		[BAKE_RECOMMEND_RAM] = "ram",
		[BAKE_RECOMMEND_VRAM] = "vram",
		[BAKE_RECOMMEND_CONTEXT] = "context",
		[BAKE_RECOMMEND_SIZE_UNKNOWN] = "size-unknown",
		[BAKE_RECOMMEND_SPACE] = "space",
		[BAKE_RECOMMEND_NOT_MARKED] = "not-marked"};

	return names[verdict];
}
