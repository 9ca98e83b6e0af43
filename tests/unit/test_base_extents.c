/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges ahead of a frontier: merged, kept in order, taken up. */
#include "unit/rows.h"

#include <string.h>

#include "base/extents.h"

enum {
	ADDS_MAX = 8
};

static const struct merge_row {
	const char *name;
	struct bake_extent adds[ADDS_MAX];
	size_t add_count;
	struct bake_extent want[ADDS_MAX];
	size_t want_count;
} merges[] = {
	{"one", {{5, 9}}, 1, {{5, 9}}, 1},
	{"apart, in order", {{1, 2}, {4, 5}}, 2, {{1, 2}, {4, 5}}, 2},
	{"apart, out of order", {{8, 9}, {1, 2}, {4, 5}}, 3, {{1, 2}, {4, 5}, {8, 9}}, 3},
	{"touching behind", {{1, 2}, {2, 3}}, 2, {{1, 3}}, 1},
	{"touching in front", {{2, 3}, {1, 2}}, 2, {{1, 3}}, 1},
	{"filling a gap", {{1, 2}, {3, 4}, {2, 3}}, 3, {{1, 4}}, 1},
	{"not quite touching", {{1, 2}, {3, 4}}, 2, {{1, 2}, {3, 4}}, 2},
	{"the same twice", {{1, 5}, {1, 5}}, 2, {{1, 5}}, 1},
	{"inside", {{1, 9}, {3, 4}}, 2, {{1, 9}}, 1},
	{"around", {{3, 4}, {1, 9}}, 2, {{1, 9}}, 1},
	{"overlapping the end", {{1, 5}, {3, 9}}, 2, {{1, 9}}, 1},
	{"overlapping the beginning", {{3, 9}, {1, 5}}, 2, {{1, 9}}, 1},
	{"around several", {{1, 2}, {4, 5}, {7, 8}, {20, 21}, {0, 10}}, 5, {{0, 10}, {20, 21}}, 2},
	{"from inside one into another", {{1, 3}, {6, 9}, {2, 7}}, 3, {{1, 9}}, 1},
	{"at the far end", {{UINT64_MAX - 1, UINT64_MAX}, {0, 1}}, 2,
		{{0, 1}, {UINT64_MAX - 1, UINT64_MAX}}, 2},
};

static void try_merge(void **state)
{
	const struct merge_row *row = *state;
	struct bake_extents extents = {.count = 0};

	for (size_t i = 0; i < row->add_count; i++)
		assert_true(bake_extents_add(&extents, row->adds[i].first, row->adds[i].end));
	assert_int_equal(extents.count, row->want_count);
	for (size_t i = 0; i < row->want_count; i++) {
		assert_int_equal(extents.list[i].first, row->want[i].first);
		assert_int_equal(extents.list[i].end, row->want[i].end);
	}
}

static const struct advance_row {
	const char *name;
	struct bake_extent adds[ADDS_MAX];
	size_t add_count;
	uint64_t frontier;
	bool moves;
	uint64_t want;
	size_t left;
} advances[] = {
	{"nothing ahead", {{0, 0}}, 0, 5, false, 5, 0},
	{"a gap", {{6, 9}}, 1, 5, false, 5, 1},
	{"right behind", {{5, 9}}, 1, 5, true, 9, 0},
	{"overlapping", {{3, 9}}, 1, 5, true, 9, 0},
	{"the next one stays", {{5, 9}, {10, 12}}, 2, 5, true, 9, 1},
	{"overtaken", {{1, 4}}, 1, 5, false, 5, 0},
	{"overtaken to its very end", {{1, 5}}, 1, 5, false, 5, 0},
};

static void try_advance(void **state)
{
	const struct advance_row *row = *state;
	struct bake_extents extents = {.count = 0};
	uint64_t frontier = row->frontier;

	for (size_t i = 0; i < row->add_count; i++)
		assert_true(bake_extents_add(&extents, row->adds[i].first, row->adds[i].end));
	assert_int_equal(bake_extents_advance(&extents, &frontier), row->moves);
	assert_int_equal(frontier, row->want);
	assert_int_equal(extents.count, row->left);
}

static void room_is_bounded(void)
{
	struct bake_extents extents = {.count = 0};

	for (uint64_t i = 0; i < BAKE_EXTENTS_MAX; i++)
		assert_true(bake_extents_add(&extents, 10 * i, 10 * i + 5));
	assert_false(bake_extents_add(&extents, 6, 7));
	assert_int_equal(extents.count, BAKE_EXTENTS_MAX);
	assert_true(bake_extents_add(&extents, 5, 10));
	assert_int_equal(extents.count, BAKE_EXTENTS_MAX - 1);
	assert_true(bake_extents_add(&extents, 16, 17));
	assert_true(bake_extents_add(&extents, 0, 10 * BAKE_EXTENTS_MAX));
	assert_int_equal(extents.count, 1);
}

/* Against the simplest thing that can be right: a map of bytes. */
static void random_ranges_agree_with_a_map(void)
{
	struct bake_extents extents = {.count = 0};
	bool map[256] = {false};
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		uint64_t first = (seed = seed * 1664525U + 1013904223U) >> 24;
		uint64_t end = first + 1 + ((seed = seed * 1664525U + 1013904223U) >> 28);
		size_t runs = 0;

		end = end > 256 ? 256 : end;
		if (round % 50 == 0) {
			extents.count = 0;
			memset(map, 0, sizeof(map));
		}
		assert_true(bake_extents_add(&extents, first, end));
		memset(map + first, 1, end - first);
		for (size_t i = 0; i < 256; i++) {
			if (!map[i] || (i && map[i - 1]))
				continue;
			assert_int_equal(extents.list[runs].first, i);
			while (i < 256 && map[i])
				i++;
			assert_int_equal(extents.list[runs++].end, i);
		}
		assert_int_equal(extents.count, runs);
	}
}

static const struct scenario others[] = {
	{"room is bounded", room_is_bounded},
	{"random ranges agree with a map of bytes", random_ranges_agree_with_a_map},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(merges, try_merge),
		ROWS(advances, try_advance),
		ROWS(others, play_scenario),
	};

	return run_rows("fs/extents", tables, countof(tables));
}
