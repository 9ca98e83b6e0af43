/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are the same become neighbours, however many there are. */
#include "unit/random.h"
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"

enum {
	COUNT_MAX = 20000,
	TEXT_MAX = 32
};

/* Each comes as often as it was put in, the lesser index first, and none apart from its like. */
static void check_sorted(const struct bake_named *list, size_t count, size_t texts)
{
	_cleanup_free_ bool *seen = calloc(count, sizeof(*seen));
	size_t runs = 0;

	assert_non_null(seen);
	for (size_t i = 0; i < count; i++) {
		assert_true(list[i].index < count);
		assert_false(seen[list[i].index]);
		seen[list[i].index] = true;
		if (i == 0 || !bake_named_same(&list[i - 1], &list[i]))
			runs++;
		else
			assert_true(list[i - 1].index < list[i].index);
	}
	assert_int_equal(runs, texts);
}

/* count names, of which so many are different, in a random order. */
static void sort_names(size_t count, size_t texts, size_t room)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(room);
	_cleanup_free_ struct bake_named *list = calloc(count + 1, sizeof(*list));
	_cleanup_free_ char(*names)[TEXT_MAX] = calloc(count + 1, sizeof(*names));

	assert_non_null(list);
	assert_non_null(names);
	random_state = 7;
	for (size_t i = 0; i < count; i++)
		(void)snprintf(names[i], TEXT_MAX, "model-%zu", i % texts);
	for (size_t i = 0; i < count; i++)
		list[i] = bake_named(names[i], i);
	for (size_t i = count; i > 1; i--) {
		size_t other = random_below(i);
		struct bake_named held = list[other];

		list[other] = list[i - 1];
		list[i - 1] = held;
	}
	bake_named_sort(list, count, &scratch);
	check_sorted(list, count, texts < count ? texts : count);
}

static const struct size_row {
	const char *name;
	size_t count;
	size_t texts;
} sizes[] = {
	{"one", 1, 1},
	{"two that are the same", 2, 1},
	{"a few", 100, 70},
	{"last without buckets", 255, 255},
	{"first with buckets", 256, 256},
	{"buckets, all the same", 1000, 1},
	{"buckets, two names", 1000, 2},
	{"buckets, all different", COUNT_MAX, COUNT_MAX},
	{"buckets, each twice", COUNT_MAX, COUNT_MAX / 2},
};

static void try_size(void **state)
{
	const struct size_row *row = *state;

	sort_names(row->count, row->texts, SIZE_MAX);
	sort_names(row->count, row->texts, 0);			 /* without room for anything */
	sort_names(row->count, row->texts, row->count * 24 + 1); /* nor for all of it */
}

static void nothing_is_sorted(void)
{
	struct bake_arena scratch = BAKE_ARENA_INIT(0);

	bake_named_sort(NULL, 0, &scratch);
}

/* What somebody made to have one hash is told apart by its text, in buckets and without them. */
static void one_hash_is_not_one_name(void)
{
	static const char *const texts[] = {"a", "b", "c"};

	for (size_t count = 9; count < 1000; count += 900) {
		_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(SIZE_MAX);
		_cleanup_free_ struct bake_named *list = calloc(count, sizeof(*list));

		assert_non_null(list);
		for (size_t i = 0; i < count; i++)
			list[i] = (struct bake_named){
				.hash = UINT64_MAX, .text = texts[i % 3], .index = i};
		assert_false(bake_named_same(&list[0], &list[1]));
		assert_true(bake_named_same(&list[0], &list[3]));
		bake_named_sort(list, count, &scratch);
		check_sorted(list, count, 3);
	}
}

static const struct scenario others[] = {
	{"nothing", nothing_is_sorted},
	{"one hash is not one name", one_hash_is_not_one_name},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(sizes, try_size),
		ROWS(others, play_scenario),
	};

	return run_rows("base/named", tables, countof(tables));
}
