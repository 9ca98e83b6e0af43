/* SPDX-License-Identifier: Apache-2.0 */
/* There are so many buffers and no more, and a given one is used again. */
#include "unit/rows.h"

#include <string.h>

#include "net/stage.h"

#define STAGES _cleanup_(bake_stages_release) struct bake_stages stages = {.spare_count = 0}

static void a_stage_has_its_megabyte(void)
{
	struct bake_stage stage = {.ptr = NULL};

	STAGES;
	assert_true(bake_stage_take(&stages, &stage));
	assert_non_null(stage.ptr);
	assert_int_equal(stage.len, 0);
	memset(stage.ptr, 0x5a, BAKE_STAGE_BYTES); /* AddressSanitizer would object */
	bake_stage_give(&stages, &stage);
	assert_null(stage.ptr);
	assert_int_equal(stage.len, 0);
	assert_int_equal(stages.made, 1);
	assert_int_equal(stages.spare_count, 1);
}

static void a_given_one_is_used_again(void)
{
	struct bake_stage first = {.ptr = NULL};
	struct bake_stage second = {.ptr = NULL, .len = 7};
	const uint8_t *ptr;

	STAGES;
	assert_true(bake_stage_take(&stages, &first));
	ptr = first.ptr;
	first.len = 1000;
	bake_stage_give(&stages, &first);
	assert_true(bake_stage_take(&stages, &second));
	assert_ptr_equal(second.ptr, ptr);
	assert_int_equal(second.len, 0); /* what was in it is forgotten */
	assert_int_equal(stages.made, 1);
	bake_stage_give(&stages, &second);
}

static void there_are_so_many_and_no_more(void)
{
	struct bake_stage all[BAKE_STAGES_MAX];
	struct bake_stage more = {.ptr = NULL};

	STAGES;
	for (size_t i = 0; i < countof(all); i++) {
		assert_true(bake_stage_take(&stages, &all[i]));
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(all[i].ptr, all[k].ptr);
	}
	assert_false(bake_stage_take(&stages, &more));
	assert_null(more.ptr);
	bake_stage_give(&stages, &all[3]);
	assert_true(bake_stage_take(&stages, &more));
	assert_false(bake_stage_take(&stages, &all[3]));
	assert_null(all[3].ptr);
	bake_stage_give(&stages, &more);
	for (size_t i = 0; i < countof(all); i++)
		bake_stage_give(&stages, &all[i]);
	assert_int_equal(stages.spare_count, BAKE_STAGES_MAX);
	assert_int_equal(stages.made, BAKE_STAGES_MAX);
}

static void giving_nothing_is_nothing(void)
{
	struct bake_stage stage = {.ptr = NULL};

	STAGES;
	bake_stage_give(&stages, &stage);
	assert_true(bake_stage_take(&stages, &stage));
	bake_stage_give(&stages, &stage);
	bake_stage_give(&stages, &stage);
	assert_int_equal(stages.spare_count, 1);
}

static void released_ones_are_made_anew(void)
{
	struct bake_stage stage = {.ptr = NULL};

	STAGES;
	bake_stages_release(&stages);
	for (size_t i = 0; i < 2 * BAKE_STAGES_MAX; i++) {
		assert_true(bake_stage_take(&stages, &stage));
		bake_stage_give(&stages, &stage);
		bake_stages_release(&stages);
		assert_int_equal(stages.made, 0);
		assert_int_equal(stages.spare_count, 0);
	}
}

static const struct scenario staging[] = {
	{"a stage has its megabyte", a_stage_has_its_megabyte},
	{"a given one is used again", a_given_one_is_used_again},
	{"so many and no more", there_are_so_many_and_no_more},
	{"giving nothing is nothing", giving_nothing_is_nothing},
	{"released ones are made anew", released_ones_are_made_anew},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(staging, play_scenario),
	};

	return run_rows("net/stage", tables, countof(tables));
}
