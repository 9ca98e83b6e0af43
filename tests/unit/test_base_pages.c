/* SPDX-License-Identifier: Apache-2.0 */
/* Large pages: which are kept for the next who asks, and for how long. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/pages.h"
#include "base/parallel.h"

static void *alloc_page(size_t bytes)
{
	void *page = bake_pages_alloc(&bytes);

	assert_non_null(page);
	assert_int_equal(bytes, BAKE_HUGE_PAGE);
	assert_int_equal((uintptr_t)page % BAKE_HUGE_PAGE, 0);
	memset(page, 0xff, bytes);
	return page;
}

static void sizes_are_what_is_worth_having(void)
{
	static const struct {
		size_t asked;
		size_t given;
	} sizes[] = {
		{1, 1},
		{BAKE_HUGE_PAGE / 4 - 1, BAKE_HUGE_PAGE / 4 - 1},
		{BAKE_HUGE_PAGE / 4, BAKE_HUGE_PAGE},
		{BAKE_HUGE_PAGE, BAKE_HUGE_PAGE},
		{BAKE_HUGE_PAGE + 1, 2 * BAKE_HUGE_PAGE},
	};

	for (size_t i = 0; i < countof(sizes); i++) {
		size_t bytes = sizes[i].asked;
		void *pages = bake_pages_alloc(&bytes);

		assert_non_null(pages);
		assert_int_equal(bytes, sizes[i].given);
		memset(pages, 1, bytes);
		bake_pages_free(pages, bytes);
	}
	bake_pages_free(NULL, 0);
}

/* The one that was given back last is had first. */
static void a_kept_page_is_had_again(void)
{
	void *page;
	void *again;

	bake_pages_keep();
	page = alloc_page(BAKE_HUGE_PAGE);
	bake_pages_free(page, BAKE_HUGE_PAGE);
	again = alloc_page(BAKE_HUGE_PAGE / 2);
	if (BAKE_PAGES_KEPT_MAX)
		assert_ptr_equal(again, page);
	bake_pages_free(again, BAKE_HUGE_PAGE);
	bake_pages_keep_no_more();
}

/* As long as anybody keeps them. */
static void keeping_is_nested(void)
{
	void *page;

	bake_pages_keep();
	bake_pages_keep();
	page = alloc_page(BAKE_HUGE_PAGE);
	bake_pages_free(page, BAKE_HUGE_PAGE);
	bake_pages_keep_no_more();
	if (BAKE_PAGES_KEPT_MAX)
		assert_ptr_equal(alloc_page(BAKE_HUGE_PAGE), page);
	else
		page = alloc_page(BAKE_HUGE_PAGE);
	bake_pages_free(page, BAKE_HUGE_PAGE);
	bake_pages_keep_no_more();
}

static void only_so_many_are_kept(void)
{
	void *pages[BAKE_PAGES_KEPT_MAX + 2];
	const size_t most = BAKE_PAGES_KEPT_MAX;

	bake_pages_keep();
	for (size_t i = 0; i < countof(pages); i++)
		pages[i] = alloc_page(BAKE_HUGE_PAGE);
	for (size_t i = 0; i < countof(pages); i++)
		bake_pages_free(pages[i], BAKE_HUGE_PAGE);
	for (size_t i = most; i-- > 0;)
		assert_ptr_equal(alloc_page(BAKE_HUGE_PAGE), pages[i]);
	for (size_t i = 0; i < most; i++)
		bake_pages_free(pages[i], BAKE_HUGE_PAGE);
	bake_pages_keep_no_more();
}

/* What is of another size, or was moved, is freed as anything is. */
static void other_sizes_are_not_kept(void)
{
	size_t bytes = 3 * BAKE_HUGE_PAGE;
	void *large = bake_pages_alloc(&bytes);
	char *moved = malloc(2 * BAKE_HUGE_PAGE);
	void *page;

	assert_non_null(large);
	assert_non_null(moved);
	bake_pages_keep();
	bake_pages_free(large, bytes);
	bake_pages_free(moved, BAKE_HUGE_PAGE + 1);
	page = alloc_page(BAKE_HUGE_PAGE);
	assert_int_equal((uintptr_t)page % BAKE_HUGE_PAGE, 0);
	bake_pages_free(page, BAKE_HUGE_PAGE);
	bake_pages_keep_no_more();
}

enum {
	ROUNDS = 64,
	FILLED = 1500000
};

static void fill_and_check(void *context, size_t index)
{
	struct bake_arena arena = BAKE_ARENA_INIT(SIZE_MAX);
	struct bake_buf buf = BAKE_BUF_INIT(SIZE_MAX);
	unsigned char mark = (unsigned char)(index + 1);
	bool *good = context;
	unsigned char *bytes;
	char *room;

	arena.expected = FILLED;
	bytes = bake_arena_alloc(&arena, FILLED);
	room = bake_buf_room(&buf, FILLED);
	good[index] = bytes && room;
	for (size_t i = 0; good[index] && i < FILLED; i += 4096)
		good[index] = bytes[i] == 0; /* zeroed, whosever it was */
	if (good[index]) {
		memset(bytes, mark, FILLED);
		memset(room, mark, FILLED);
	}
	for (size_t i = 0; good[index] && i < FILLED; i += 4096)
		good[index] = bytes[i] == mark && (unsigned char)room[i] == mark;
	bake_arena_release(&arena);
	bake_buf_release(&buf);
}

/* Each has its own, as long as it has it. */
static void threads_share_what_is_kept(void)
{
	bool good[ROUNDS] = {false};

	bake_pages_keep();
	bake_parallel(ROUNDS, 4, fill_and_check, good);
	bake_pages_keep_no_more();
	for (size_t i = 0; i < ROUNDS; i++)
		assert_true(good[i]);
}

static const struct scenario pages[] = {
	{"sizes are what is worth having", sizes_are_what_is_worth_having},
	{"a kept page is had again", a_kept_page_is_had_again},
	{"keeping is nested", keeping_is_nested},
	{"only so many are kept", only_so_many_are_kept},
	{"other sizes are not kept", other_sizes_are_not_kept},
	{"threads share what is kept", threads_share_what_is_kept},
};

int main(void)
{
	static const struct rows tables[] = {ROWS(pages, play_scenario)};

	return run_rows("base/pages", tables, countof(tables));
}
