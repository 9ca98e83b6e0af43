/* SPDX-License-Identifier: Apache-2.0 */
/* What servers say of how many requests are left, and whether sources have changed. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "net/etag.h"
#include "net/ratelimit.h"

enum {
	DAY = 24 * 60 * 60
};

static const struct limit_row {
	const char *name;
	const char *text;
	struct bake_ratelimit want;
} limits[] = {
	{"what the hub sends", "\"resolvers\";r=2999;t=299", {true, 2999, true, 299, 0}},
	{"none left", "\"api\";r=0;t=55", {true, 0, true, 55, 0}},
	{"a token for a name", "api;r=1;t=2", {true, 1, true, 2, 0}},
	{"blanks", " \"api\" ; r=1 ;\tt=2 ", {true, 1, true, 2, 0}},
	{"the other way round", "\"api\";t=2;r=1", {true, 1, true, 2, 0}},
	{"other parameters", "\"api\";pk=:YWJj:;r=1;x;t=2;rr=9", {true, 1, true, 2, 0}},
	{"no name", "r=1;t=2", {true, 1, true, 2, 0}},
	{"no end", "\"api\";r=5", {true, 5, false, 0, 0}},
	{"the tightest of two", "\"a\";r=9;t=1, \"b\";r=3;t=2, \"c\";r=4;t=3",
		{true, 3, true, 2, 0}},
	{"of equals the longest", "\"a\";r=0;t=1,\"b\";r=0;t=9,\"c\";r=0;t=2",
		{true, 0, true, 9, 0}},
	{"an end before none", "\"a\";r=0,\"b\";r=0;t=0", {true, 0, true, 0, 0}},
	{"a name like parameters", "\"a;r=0;t=9,\";r=1;t=2", {true, 1, true, 2, 0}},
	{"an escaped quote", "\"a\\\";r=0\";r=1;t=2", {true, 1, true, 2, 0}},
	{"a week", "a;r=1;t=604800", {true, 1, true, DAY, 0}},
	{"the greatest", "a;r=18446744073709551615;t=18446744073709551615",
		{true, UINT64_MAX, true, DAY, 0}},
	{"an end too great", "a;r=1;t=18446744073709551616", {true, 1, false, 0, 0}},
	{"a negative end", "a;r=1;t=-5", {true, 1, false, 0, 0}},
	{"a fraction", "a;r=1;t=1.5", {true, 1, false, 0, 0}},
	{"too many left", "a;r=18446744073709551616;t=5", {0}},
	{"negative", "a;r=-1;t=5", {0}},
	{"no number", "a;r=;t=5", {0}},
	{"a quoted number", "a;r=\"1\";t=5", {0}},
	{"an unreadable one is passed over", "a;r=-1;t=5,b;r=7;t=8", {true, 7, true, 8, 0}},
	{"the last of two counts", "a;r=1;r=2;t=5", {true, 2, true, 5, 0}},
	{"the last, also when it cannot be read", "a;r=1;r=x;t=5", {0}},
	{"the last end, also when it cannot be read", "a;r=1;t=9;t=x", {true, 1, false, 0, 0}},
	{"an older draft", "limit=100, remaining=50, reset=5", {0}},
	{"a number", "50", {0}},
	{"empty", "", {0}},
	{"commas", ",,;,;;", {0}},
	{"never closed", "\"a;r=1;t=2", {0}},
	{"a backslash at the end", "\"a\\", {0}},
};

static void check_limit(const struct bake_ratelimit *got, const struct bake_ratelimit *want)
{
	assert_int_equal(got->present, want->present);
	assert_int_equal(got->remaining, want->remaining);
	assert_int_equal(got->has_reset, want->has_reset);
	assert_int_equal(got->reset_s, want->reset_s);
	assert_int_equal(got->window_s, want->window_s);
}

/* A copy that ends where the text ends, so that a sanitizer sees when it is read on. */
static char *exact(const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return copy;
}

static void try_limit(void **state)
{
	const struct limit_row *row = *state;
	_cleanup_free_ char *text = exact(row->text);
	struct bake_ratelimit limit = {.present = false};

	bake_ratelimit_take(&limit, text, strlen(row->text));
	check_limit(&limit, &row->want);
}

static const struct window_row {
	const char *name;
	const char *text;
	uint64_t want;
} windows[] = {
	{"what the hub sends", "\"fixed window\";\"resolvers\";q=3000;w=300", 300},
	{"as the draft has it", "\"burst\";q=100;w=60", 60},
	{"the longest", "\"a\";q=1;w=60,\"b\";q=9;w=3600,\"c\";q=5;w=5", 3600},
	{"a year", "a;w=31536000", DAY},
	{"none", "a;q=100", 0},
	{"negative", "a;w=-1", 0},
	{"too great", "a;w=18446744073709551616", 0},
	{"empty", "", 0},
};

static void try_window(void **state)
{
	const struct window_row *row = *state;
	_cleanup_free_ char *text = exact(row->text);
	struct bake_ratelimit limit = {.present = false};

	bake_ratelimit_take_policy(&limit, text, strlen(row->text));
	check_limit(&limit, &(struct bake_ratelimit){.window_s = row->want});
}

static void several_lines_are_one_list(void)
{
	struct bake_ratelimit limit = {.present = false};

	bake_ratelimit_take(&limit, "a;r=5;t=9", 9);
	bake_ratelimit_take_policy(&limit, "a;w=60", 6);
	bake_ratelimit_take(&limit, "b;r=3", 5);
	bake_ratelimit_take(&limit, "c;r=4;t=1", 9);
	check_limit(&limit, &(struct bake_ratelimit){true, 3, false, 0, 60});
}

static const struct hold_row {
	const char *name;
	struct bake_ratelimit limit;
	uint64_t in_flight;
	uint64_t want; /* ms */
} holds[] = {
	{"the server said nothing", {0}, 0, 0},
	{"some left", {true, 1, true, 60, 0}, 0, 0},
	{"none left", {true, 0, true, 60, 0}, 0, 61000},
	{"none left, for no time", {true, 0, true, 0, 0}, 0, 1000},
	{"as many left as are under way", {true, 8, true, 60, 0}, 8, 61000},
	{"one more left", {true, 9, true, 60, 0}, 8, 0},
	{"when is not known", {true, 0, false, 0, 0}, 0, 0},
	{"the window says when", {true, 0, false, 0, 60}, 0, 61000},
	{"the end counts more than the window", {true, 0, true, 5, 60}, 0, 6000},
	{"a window without a limit", {false, 0, false, 0, 60}, 0, 0},
	{"just as long as can be waited", {true, 0, true, 300, 0}, 0, 300000},
	{"longer", {true, 0, true, 301, 0}, 0, 0},
	{"a day", {true, 0, true, DAY, 0}, UINT64_MAX, 0},
};

static void try_hold(void **state)
{
	const struct hold_row *row = *state;

	assert_int_equal(bake_ratelimit_hold_ms(&row->limit, row->in_flight), row->want);
}

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16

static const struct etag_row {
	const char *name;
	const char *text;
	const char *want; /* NULL: none */
	bool weak;
} etags[] = {
	{"strong", "\"abc\"", "abc", false},
	{"weak", "W/\"abc\"", "abc", true},
	{"a digest", "\"" HEX64 "\"", HEX64, false},
	{"not quoted", "abc", "abc", true},
	{"weak and not quoted", "W/abc", "abc", true},
	{"another prefix", "w/\"abc\"", NULL, false},
	{"beyond ascii", "\"\xc3\xa4\"", "\xc3\xa4", false},
	{"empty", "", NULL, false},
	{"empty quotes", "\"\"", NULL, false},
	{"a quote", "\"", NULL, false},
	{"weak nothing", "W/", NULL, false},
	{"a quote inside", "\"a\"b\"", NULL, false},
	{"never closed", "\"abc", NULL, false},
	{"two of them", "\"a\", \"b\"", NULL, false},
	{"a blank", "\"a b\"", NULL, false},
	{"a control character", "\"a\x1b[2Jb\"", NULL, false},
	{"longest", "\"" HEX64 HEX16 HEX16 HEX16 "0123456789abcde\"",
		HEX64 HEX16 HEX16 HEX16 "0123456789abcde", false},
	{"too long", "\"" HEX64 HEX64 "\"", NULL, false},
};

static void try_etag(void **state)
{
	const struct etag_row *row = *state;
	_cleanup_free_ char *text = exact(row->text);
	struct bake_etag etag = {.value = "before"};

	assert_int_equal(bake_etag_parse(text, strlen(row->text), &etag), row->want != NULL);
	assert_string_equal(etag.value, row->want ? row->want : "before");
	assert_int_equal(etag.weak, row->weak);
}

static void an_etag_changes(void)
{
	static const struct bake_etag none = {.weak = false};
	static const struct bake_etag one = {.value = "one"};
	static const struct bake_etag weak = {.value = "one", .weak = true};
	static const struct bake_etag two = {.value = "two"};

	assert_true(bake_etag_changed(&one, &two));
	assert_true(bake_etag_changed(&weak, &two));
	assert_false(bake_etag_changed(&one, &one));
	assert_false(bake_etag_changed(&one, &weak));
	assert_false(bake_etag_changed(&none, &one));
	assert_false(bake_etag_changed(&one, &none));
	assert_false(bake_etag_changed(&none, &none));
}

static const struct scenario others[] = {
	{"several lines are one list", several_lines_are_one_list},
	{"an etag changes", an_etag_changes},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(limits, try_limit),
		ROWS(windows, try_window),
		ROWS(holds, try_hold),
		ROWS(etags, try_etag),
		ROWS(others, play_scenario),
	};

	return run_rows("net/ratelimit", tables, countof(tables));
}
