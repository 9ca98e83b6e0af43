/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas and buffers: what they hold, and where they stop. */
#include "unit/rows.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

static void arena_gives_zeroed_aligned_memory(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(1024 * 1024);

	for (size_t size = 1; size < 100; size++) {
		unsigned char *bytes = bake_arena_alloc(&arena, size);

		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xff, size);
	}
}

static void arena_stops_at_its_ceiling(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(1000);
	size_t got = 0;

	while (bake_arena_alloc(&arena, 100))
		got += 100;
	assert_in_range(got, 800, 1000);
	assert_null(bake_arena_alloc(&arena, 100));
	assert_null(bake_arena_alloc(&arena, SIZE_MAX));
	assert_in_range(arena.used, got, 1000);
}

static void arena_gives_more_than_a_block(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(1024 * 1024);
	char *small = bake_arena_text(&arena, "small");
	char *large = bake_arena_alloc(&arena, 200000);
	char *after = bake_arena_text(&arena, "after");

	assert_non_null(small);
	assert_non_null(large);
	memset(large, 'x', 200000);
	assert_string_equal(small, "small");
	assert_string_equal(after, "after");
}

static void arena_checks_products(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(SIZE_MAX);

	assert_null(bake_arena_array(&arena, SIZE_MAX / 2, 4));
	assert_null(bake_arena_array(&arena, 4, SIZE_MAX / 2));
	assert_null(bake_arena_array(&arena, SIZE_MAX, SIZE_MAX));
	assert_non_null(bake_arena_array(&arena, 0, 16));
	assert_non_null(bake_arena_array(&arena, 16, 0));
	assert_non_null(bake_arena_array(&arena, 3, 5));
	assert_null(bake_arena_room(&arena, SIZE_MAX / 2, 4));
	assert_non_null(bake_arena_room(&arena, 0, 16));
	assert_int_equal((uintptr_t)bake_arena_room(&arena, 3, 5) % alignof(max_align_t), 0);
}

static void arena_copies_text(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(4096);
	static const char bytes[] = {'a', 'b', 'c', 'd'};

	assert_string_equal(bake_arena_copy(&arena, bytes, 3), "abc");
	assert_string_equal(bake_arena_copy(&arena, "", 0), "");
	assert_string_equal(bake_arena_text(&arena, ""), "");
	assert_string_equal(bake_arena_join(&arena, "a/b", "c"), "a/b/c");
	assert_string_equal(bake_arena_join(&arena, "", "c"), "c");
	assert_string_equal(bake_arena_join(&arena, "a", ""), "a/");
}

static void arena_copies_nothing_past_its_ceiling(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(16);

	assert_null(bake_arena_text(&arena, "0123456789abcdef"));
	assert_null(bake_arena_join(&arena, "01234567", "9abcdef"));
	assert_non_null(bake_arena_text(&arena, "0123456789abcde"));
	assert_null(bake_arena_text(&arena, ""));
}

/* Texts lie side by side; what comes behind them is aligned all the same. */
static void arena_packs_texts(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(4096);
	char *first = bake_arena_text(&arena, "abc");
	char *second = bake_arena_text(&arena, "de");
	void *aligned = bake_arena_alloc(&arena, 8);

	assert_ptr_equal(second, first + 4);
	assert_int_equal((uintptr_t)aligned % alignof(max_align_t), 0);
	memset(aligned, 0xff, 8);
	assert_string_equal(first, "abc");
	assert_string_equal(second, "de");
}

/* Past the size where blocks are of another kind; the ceiling holds there, too. */
static void arena_gives_many_megabytes(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(32 * 1024 * 1024);
	unsigned char *one = bake_arena_alloc(&arena, 5 * 1024 * 1024 + 1);
	size_t got = 0;

	assert_non_null(one);
	assert_int_equal(one[0] | one[5 * 1024 * 1024], 0);
	while (bake_arena_alloc(&arena, 1000))
		got += 1000;
	assert_in_range(got, 26 * 1024 * 1024, 27 * 1024 * 1024);
	assert_null(bake_arena_alloc(&arena, 5 * 1024 * 1024));
}

/* What is expected decides how blocks are made, and nothing else: neither the ceiling, nor what may
 * be asked for. */
static void arena_takes_what_is_expected_for_a_hint(void)
{
	static const size_t expected[] = {1, 100000, 700000, SIZE_MAX};

	for (size_t i = 0; i < countof(expected); i++) {
		_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(1000000);
		size_t got = 0;

		arena.expected = expected[i];
		while (bake_arena_alloc(&arena, 1000))
			got += 1000;
		assert_int_equal(got, 1000000);
		bake_arena_release(&arena);
		assert_non_null(bake_arena_alloc(&arena, 900000));
	}
}

static void arena_adopts_what_another_holds(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(1024 * 1024);
	_cleanup_(bake_arena_release) struct bake_arena other = BAKE_ARENA_INIT(1024 * 1024);
	char *own = bake_arena_text(&arena, "own");
	char *theirs = bake_arena_text(&other, "theirs");
	char *large = bake_arena_alloc(&other, 100000);
	size_t used = arena.used + other.used;

	assert_non_null(large);
	bake_arena_adopt(&arena, &other);
	assert_null(other.blocks);
	assert_int_equal(other.used, 0);
	assert_int_equal(arena.used, used);
	assert_non_null(bake_arena_text(&other, "new"));
	bake_arena_release(&other);
	assert_string_equal(own, "own");
	assert_string_equal(theirs, "theirs");
	memset(large, 1, 100000);
	assert_string_equal(bake_arena_text(&arena, "after"), "after");
}

static void arena_adopts_into_and_from_nothing(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(1024);
	_cleanup_(bake_arena_release) struct bake_arena other = BAKE_ARENA_INIT(1024);
	char *text;

	bake_arena_adopt(&arena, &other);
	assert_null(arena.blocks);
	text = bake_arena_text(&other, "text");
	bake_arena_adopt(&arena, &other);
	assert_string_equal(text, "text");
	bake_arena_adopt(&arena, &other);
	assert_string_equal(text, "text");
	assert_int_equal(arena.used, sizeof("text"));
}

static void arena_can_be_used_again(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(64);

	assert_non_null(bake_arena_alloc(&arena, 64));
	assert_null(bake_arena_alloc(&arena, 1));
	bake_arena_release(&arena);
	assert_int_equal(arena.used, 0);
	assert_non_null(bake_arena_alloc(&arena, 64));
	bake_arena_release(&arena);
	bake_arena_release(&arena);
}

static void buf_collects_text(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(1000);
	struct bake_error err = BAKE_ERROR_INIT;

	assert_int_equal(bake_buf_span(&buf).len, 0);
	assert_non_null(bake_buf_span(&buf).ptr);
	bake_buf_add(&buf, "ab\0", 3);
	bake_buf_text(&buf, "cd");
	bake_buf_addf(&buf, "%d-%s", 7, "x");
	assert_int_equal(buf.len, 8);
	assert_memory_equal(buf.ptr, "ab\0cd7-x", 9);
	assert_int_equal(bake_buf_span(&buf).len, 8);
	assert_int_equal(bake_buf_status(&buf, "text", &err), BAKE_OK);
}

static void buf_may_be_exactly_full(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(4);
	struct bake_error err = BAKE_ERROR_INIT;

	bake_buf_text(&buf, "ab");
	bake_buf_addf(&buf, "%s", "cd");
	bake_buf_add(&buf, "", 0);
	check_status(bake_buf_status(&buf, "text", &err), &err, BAKE_OK, NULL);
	assert_string_equal(buf.ptr, "abcd");
}

/* Adding is sticky: what follows something too large is not added, be it ever so small. */
static void buf_stops_at_its_ceiling(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(4);
	struct bake_error err = BAKE_ERROR_INIT;

	bake_buf_text(&buf, "abc");
	bake_buf_text(&buf, "de");
	bake_buf_text(&buf, "f");
	bake_buf_addf(&buf, "%c", 'g');
	assert_string_equal(buf.ptr, "abc");
	check_status(
		bake_buf_status(&buf, "the reply", &err), &err, BAKE_ERR_DATA, "data.too-large");
	assert_non_null(strstr(err.message, "the reply"));
	assert_non_null(strstr(err.message, "4"));
}

static void buf_formats_past_its_ceiling(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(4);

	bake_buf_addf(&buf, "%05d", 1);
	assert_true(buf.full);
	assert_int_equal(buf.len, 0);
}

static void buf_can_be_cleared(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(4);
	struct bake_error err = BAKE_ERROR_INIT;

	bake_buf_clear(&buf);
	bake_buf_text(&buf, "abcde");
	assert_true(buf.full);
	bake_buf_clear(&buf);
	bake_buf_text(&buf, "abcd");
	check_status(bake_buf_status(&buf, "text", &err), &err, BAKE_OK, NULL);
	bake_buf_clear(&buf);
	assert_string_equal(buf.ptr, "");
	assert_int_equal(buf.len, 0);
}

static void buf_grows(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(1024 * 1024);

	for (int i = 0; i < 100000; i++)
		bake_buf_add(&buf, &(char){(char)('a' + i % 26)}, 1);
	assert_int_equal(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf.ptr[i], 'a' + i % 26);
}

static void buf_reserves_what_is_added_later(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(1000);
	const char *before;

	assert_true(bake_buf_reserve(&buf, 900));
	before = buf.ptr;
	assert_int_equal(buf.len, 0);
	for (int i = 0; i < 900; i++)
		bake_buf_add(&buf, "x", 1);
	assert_ptr_equal(buf.ptr, before);
	assert_int_equal(strlen(buf.ptr), 900);
	assert_false(bake_buf_reserve(&buf, 101));
	assert_true(buf.full);
	assert_null(bake_buf_room(&buf, 1));
	assert_int_equal(buf.len, 900);
}

static void array_grows(void)
{
	void *list = NULL;
	size_t room = 0;

	assert_true(bake_grow(&list, &room, 0, 8));
	assert_null(list);
	assert_true(bake_grow(&list, &room, 3, 8));
	assert_true(room >= 3);
	memset(list, 7, 24);
	assert_true(bake_grow(&list, &room, 1000, 8));
	assert_true(room >= 1000);
	assert_int_equal(((unsigned char *)list)[23], 7);
	free(list);
}

static void array_does_not_grow_past_memory(void)
{
	void *list = NULL;
	size_t room = 0;

	assert_true(bake_grow(&list, &room, 4, 8));
	assert_false(bake_grow(&list, &room, SIZE_MAX, 8));
	assert_false(bake_grow(&list, &room, SIZE_MAX / 8 + 2, 8));
	assert_non_null(list);
	assert_in_range(room, 4, 64);
	free(list);
}

static const struct scenario memory[] = {
	{"arena: zeroed and aligned", arena_gives_zeroed_aligned_memory},
	{"arena: stops at its ceiling", arena_stops_at_its_ceiling},
	{"arena: more than a block", arena_gives_more_than_a_block},
	{"arena: products are checked", arena_checks_products},
	{"arena: copies and joins", arena_copies_text},
	{"arena: no copy past the ceiling", arena_copies_nothing_past_its_ceiling},
	{"arena: texts are packed", arena_packs_texts},
	{"arena: many megabytes", arena_gives_many_megabytes},
	{"arena: what is expected is a hint", arena_takes_what_is_expected_for_a_hint},
	{"arena: adopts another's", arena_adopts_what_another_holds},
	{"arena: adopts into and from nothing", arena_adopts_into_and_from_nothing},
	{"arena: used again after release", arena_can_be_used_again},
	{"buf: collects", buf_collects_text},
	{"buf: exactly full is not too full", buf_may_be_exactly_full},
	{"buf: stops at its ceiling", buf_stops_at_its_ceiling},
	{"buf: a format stops there, too", buf_formats_past_its_ceiling},
	{"buf: cleared and used again", buf_can_be_cleared},
	{"buf: grows by bytes", buf_grows},
	{"buf: room that was reserved is used", buf_reserves_what_is_added_later},
	{"grow: keeps what is there", array_grows},
	{"grow: refuses what cannot be", array_does_not_grow_past_memory},
};

int main(void)
{
	static const struct rows tables[] = {ROWS(memory, play_scenario)};

	return run_rows("base/memory", tables, countof(tables));
}
