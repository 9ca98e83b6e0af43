/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/order.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parallel.h"
#include "catalog/groups.h"

enum {
	GROUP_SHIFT = 40,
	RUN = 1024 /* entries that one thread sorts at a time */
};

static int order(bool a_first, bool b_first)
{
	return (a_first ? 0 : 1) - (b_first ? 0 : 1);
}

static int order_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_entries(const struct bake_catalog_entry *x, const struct bake_catalog_entry *y)
{
	int by = order_u64(x->group, y->group);

	if (!by && bake_groups_is_other(x->group))
		by = strcasecmp(bake_catalog_group_word(x), bake_catalog_group_word(y));
	if (!by) /* 0, no priority, comes last */
		by = order_u64(x->priority - 1, y->priority - 1);
	if (!by)
		by = order(x->is_default, y->is_default);
	if (!by)
		by = order(x->recommended, y->recommended);
	if (!by)
		by = strcasecmp(x->title, y->title);
	return by ? by : strcmp(x->key, y->key);
}

/* An entry, and what of its order fits into two numbers: most are told apart without being looked
 * at. */
struct ranked {
	uint64_t rank;	/* by group, priority, default, recommended */
	uint64_t title; /* by the first letters of the title */
	const struct bake_catalog_entry *entry;
};

static uint64_t rank_of(const struct bake_catalog_entry *entry)
{
	uint64_t priority = entry->priority - 1; /* at most 1000, or the largest for none */

	if (priority > UINT32_MAX)
		priority = UINT32_MAX;
	return priority << 2 | (entry->is_default ? 0U : 2U) | (entry->recommended ? 0U : 1U);
}

/* The letters are ordered as strcasecmp orders them; a shorter title comes first. */
static uint64_t letters_of(const char *title)
{
	uint64_t letters = 0;
	size_t at = 0;

	for (; at < sizeof(letters) && title[at]; at++)
		letters = letters << 8 | (unsigned char)tolower((unsigned char)title[at]);
	return at ? letters << 8 * (sizeof(letters) - at) : 0;
}

static struct ranked rank(const struct bake_catalog_entry *entry)
{
	struct ranked ranked = {.rank = (uint64_t)entry->group << GROUP_SHIFT, .entry = entry};

	/* Of what has no group of its own the word comes before all else. */
	if (bake_groups_is_other(entry->group))
		return ranked;
	ranked.rank |= rank_of(entry);
	ranked.title = letters_of(entry->title);
	return ranked;
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;

	if (x->rank != y->rank)
		return order_u64(x->rank, y->rank);
	return x->title != y->title ? order_u64(x->title, y->title)
				    : compare_entries(x->entry, y->entry);
}

/* Puts each entry where ranked says: the one that is displaced goes on to its own place. */
static void arrange(struct bake_catalog_entry *entries, struct ranked *ranked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bake_catalog_entry first = entries[i];
		size_t at = i;

		while (ranked[at].entry != &entries[i]) {
			size_t from = (size_t)(ranked[at].entry - entries);

			entries[at] = entries[from];
			ranked[at].entry = &entries[at];
			at = from;
		}
		entries[at] = first;
		ranked[at].entry = &entries[at];
	}
}

struct sorting {
	struct ranked *list;
	size_t count;
};

static void sort_run(void *context, size_t index)
{
	const struct sorting *sorting = context;
	size_t first = index * RUN;
	size_t left = sorting->count - first;

	qsort(sorting->list + first, left < RUN ? left : RUN, sizeof(*sorting->list),
		compare_ranked);
}

/* Two runs that follow one another, from middle on the second one, into out. */
static void merge(const struct ranked *first, const struct ranked *middle, const struct ranked *end,
	struct ranked *out)
{
	const struct ranked *second = middle;

	while (first < middle && second < end)
		*out++ = compare_ranked(first, second) <= 0 ? *first++ : *second++;
	while (first < middle)
		*out++ = *first++;
	while (second < end)
		*out++ = *second++;
}

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Runs are sorted by all processors, then merged, two by two, until one is left. Returns where that
 * is, list or other. */
static struct ranked *sort(struct ranked *list, struct ranked *other, size_t count)
{
	struct sorting sorting = {.list = list, .count = count};

	bake_parallel((count + RUN - 1) / RUN, 0, sort_run, &sorting);
	for (size_t run = RUN; run < count; run *= 2) {
		struct ranked *merged = other;

		for (size_t at = 0; at < count; at += 2 * run)
			merge(list + at, list + lesser(at + run, count),
				list + lesser(at + 2 * run, count), merged + at);
		other = list;
		list = merged;
	}
	return list;
}

enum bake_status bake_catalog_order(struct bake_catalog_entry *entries, size_t count,
	const struct bake_catalog_entry **as_read, struct bake_arena *scratch,
	struct bake_error *err)
{
	struct ranked *ranked = bake_arena_room(scratch, count, sizeof(*ranked));
	struct ranked *other = bake_arena_room(scratch, count, sizeof(*ranked));

	if (!ranked || !other)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		ranked[i] = rank(&entries[i]);
	ranked = sort(ranked, other, count);
	for (size_t i = 0; i < count; i++)
		as_read[ranked[i].entry - entries] = &entries[i];
	arrange(entries, ranked, count);
	return BAKE_OK;
}
