/* SPDX-License-Identifier: Apache-2.0 */
/* There are so many buffers and no more, and a given one is used again. */
#include "unit/rows.h"

#include <string.h>

#include "net/stage.h"

#define STAGES _cleanup_(bake_stages_release) struct bake_stages stages = BAKE_STAGES_INIT

static void a_stage_has_its_megabyte(void)
{
	struct bake_stage stage = {.buffer = NULL};

	STAGES;
	assert_true(bake_stage_take(&stages, &stage));
	assert_non_null(stage.buffer);
	assert_int_equal(stage.len, 0);
	memset(bake_stage_bytes(&stage), 0x5a,
		BAKE_STAGE_BYTES); /* AddressSanitizer would object */
	bake_stage_give(&stages, &stage);
	assert_null(stage.buffer);
	assert_int_equal(stage.len, 0);
	assert_int_equal(stages.made, 1);
	assert_int_equal(stages.spare_count, 1);
}

static void a_given_one_is_used_again(void)
{
	struct bake_stage first = {.buffer = NULL};
	struct bake_stage second = {.buffer = NULL, .len = 7};
	const struct bake_stage_buffer *ptr;

	STAGES;
	assert_true(bake_stage_take(&stages, &first));
	ptr = first.buffer;
	first.len = 1000;
	bake_stage_give(&stages, &first);
	assert_true(bake_stage_take(&stages, &second));
	assert_ptr_equal(second.buffer, ptr);
	assert_int_equal(second.len, 0); /* what was in it is forgotten */
	assert_int_equal(stages.made, 1);
	bake_stage_give(&stages, &second);
}

static void there_are_so_many_and_no_more(void)
{
	struct bake_stage all[BAKE_STAGES_MAX];
	struct bake_stage more = {.buffer = NULL};

	STAGES;
	for (size_t i = 0; i < countof(all); i++) {
		assert_true(bake_stage_take(&stages, &all[i]));
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(all[i].buffer, all[k].buffer);
	}
	assert_false(bake_stage_take(&stages, &more));
	assert_null(more.buffer);
	bake_stage_give(&stages, &all[3]);
	assert_true(bake_stage_take(&stages, &more));
	assert_false(bake_stage_take(&stages, &all[3]));
	assert_null(all[3].buffer);
	bake_stage_give(&stages, &more);
	for (size_t i = 0; i < countof(all); i++)
		bake_stage_give(&stages, &all[i]);
	assert_int_equal(stages.spare_count, BAKE_STAGES_MAX);
	assert_int_equal(stages.made, BAKE_STAGES_MAX);
}

static void a_kept_loan_comes_back_by_itself(void)
{
	struct bake_stage stage = {.buffer = NULL};
	struct bake_loan *loan;

	STAGES;
	assert_true(bake_stage_take(&stages, &stage));
	stage.len = 1000;
	loan = bake_stage_offer(&stages, &stage);
	assert_non_null(loan);
	assert_int_equal(loan->len, 1000);
	assert_ptr_equal(loan->ptr, bake_stage_bytes(&stage));
	bake_stage_settle(&stages, &stage, true);
	assert_null(stage.buffer);
	assert_int_equal(stages.spare_count, 0);
	loan->give_back(loan);
	assert_int_equal(stages.spare_count, 1);
	assert_int_equal(stages.lent, 0);
}

static void a_refused_loan_stays(void)
{
	struct bake_stage stage = {.buffer = NULL};

	STAGES;
	assert_true(bake_stage_take(&stages, &stage));
	assert_non_null(bake_stage_offer(&stages, &stage));
	bake_stage_settle(&stages, &stage, false);
	assert_non_null(stage.buffer);
	assert_int_equal(stages.lent, 0);
	bake_stage_give(&stages, &stage);
}

/* Connections must always have buffers, however far behind the hash is. */
static void only_so_many_are_lent(void)
{
	struct bake_loan *loans[BAKE_STAGES_LENT_MAX];
	struct bake_stage stage = {.buffer = NULL};

	STAGES;
	for (size_t i = 0; i < countof(loans); i++) {
		assert_true(bake_stage_take(&stages, &stage));
		loans[i] = bake_stage_offer(&stages, &stage);
		assert_non_null(loans[i]);
		bake_stage_settle(&stages, &stage, true);
	}
	assert_true(bake_stage_take(&stages, &stage));
	assert_null(bake_stage_offer(&stages, &stage));
	bake_stage_give(&stages, &stage);
	for (size_t i = 0; i < countof(loans); i++)
		loans[i]->give_back(loans[i]);
}

static void giving_nothing_is_nothing(void)
{
	struct bake_stage stage = {.buffer = NULL};

	STAGES;
	bake_stage_give(&stages, &stage);
	assert_true(bake_stage_take(&stages, &stage));
	bake_stage_give(&stages, &stage);
	bake_stage_give(&stages, &stage);
	assert_int_equal(stages.spare_count, 1);
}

static void released_ones_are_made_anew(void)
{
	struct bake_stage stage = {.buffer = NULL};

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
	{"a kept loan comes back by itself", a_kept_loan_comes_back_by_itself},
	{"a refused loan stays", a_refused_loan_stays},
	{"only so many are lent", only_so_many_are_lent},
	{"released ones are made anew", released_ones_are_made_anew},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(staging, play_scenario),
	};

	return run_rows("net/stage", tables, countof(tables));
}
