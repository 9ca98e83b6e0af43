/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside: shown, checked, compared, guessed at. */
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define X10  "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X190 X100 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X196 X190 "xxxxxx"
#define X200 X100 X100

static const struct show_row {
	const char *name;
	const char *input;
	const char *want;
} shown[] = {
	{"nothing", "", ""},
	{"plain", "a b~", "a b~"},
	{"control characters", "a\n\t\x1b[31m\x7f", "a\\x0a\\x09\\x1b[31m\\x7f"},
	{"bytes above ASCII", "\xc3\xa4\x9b", "\\xc3\\xa4\\x9b"},
	{"a backslash stays", "a\\b", "a\\b"},
	{"as long as may be", X200, X200},
	{"one too long", X200 "x", X200 "..."},
	{"far too long", X200 X200 X200, X200 "..."},
	{"an escape at the very end fits", X196 "\n", X196 "\\x0a"},
	{"an escape that does not fit", X196 "x\n", X196 "x..."},
	{"an escape and then too much", X196 "\nx", X196 "\\x0a..."},
};

static void try_show(void **state)
{
	const struct show_row *row = *state;

	assert_string_equal(BAKE_SHOW(row->input), row->want);
	assert_string_equal(BAKE_SHOW_SPAN(row->input, strlen(row->input)), row->want);
}

static void show_takes_what_len_says(void)
{
	assert_string_equal(BAKE_SHOW_SPAN("abc", 2), "ab");
	assert_string_equal(BAKE_SHOW_SPAN("a\0b", 3), "a\\x00b");
}

static const struct utf8_row {
	const char *name;
	const char *input;
	bool valid;
} encodings[] = {
	{"empty", "", true},
	{"ascii", "abc\x7f", true},
	{"two bytes, least", "\xc2\x80", true},
	{"two bytes, greatest", "\xdf\xbf", true},
	{"three bytes, least", "\xe0\xa0\x80", true},
	{"three bytes, greatest", "\xef\xbf\xbf", true},
	{"four bytes, least", "\xf0\x90\x80\x80", true},
	{"four bytes, greatest", "\xf4\x8f\xbf\xbf", true},
	{"before the surrogates", "\xed\x9f\xbf", true},
	{"behind the surrogates", "\xee\x80\x80", true},
	{"overlong slash, two bytes", "\xc0\xaf", false},
	{"overlong, two bytes, greatest", "\xc1\xbf", false},
	{"overlong slash, three bytes", "\xe0\x80\xaf", false},
	{"overlong, three bytes, greatest", "\xe0\x9f\xbf", false},
	{"overlong slash, four bytes", "\xf0\x80\x80\xaf", false},
	{"overlong, four bytes, greatest", "\xf0\x8f\xbf\xbf", false},
	{"overlong NUL", "\xc0\x80", false},
	{"first surrogate", "\xed\xa0\x80", false},
	{"last surrogate", "\xed\xbf\xbf", false},
	{"surrogate pair", "\xed\xa1\x8c\xed\xbe\xb4", false},
	{"beyond U+10FFFF", "\xf4\x90\x80\x80", false},
	{"far beyond", "\xf7\xbf\xbf\xbf", false},
	{"five bytes", "\xf8\x88\x80\x80\x80", false},
	{"0xfe", "\xfe", false},
	{"0xff", "\xff", false},
	{"continuation alone", "\x80", false},
	{"continuation too many", "\xc3\xa4\xa4", false},
	{"cut after one of two", "\xc3", false},
	{"cut after two of three", "\xe2\x82", false},
	{"cut after three of four", "\xf0\x9f\x98", false},
	{"lead where a continuation belongs", "\xc3\xc3", false},
	{"ascii where a continuation belongs", "\xe2\x82x", false},
	{"bad after good", "abc\xff", false},
};

static void try_utf8(void **state)
{
	const struct utf8_row *row = *state;
	size_t len = strlen(row->input);

	assert_int_equal(bake_utf8_valid(row->input, len), row->valid);
}

static void utf8_is_cut_where_len_says(void)
{
	assert_true(bake_utf8_valid("\xc3\xa4", 0));
	assert_false(bake_utf8_valid("\xc3\xa4", 1));
	assert_true(bake_utf8_valid("\xc3\xa4", 2));
	assert_true(bake_utf8_valid("a\0b", 3));
}

static const struct hostile_row {
	const char *name;
	const char *input;
	bool hostile;
	size_t len;
} characters[] = {
	{"letter", "a", false, 1},
	{"blank", " ", false, 1},
	{"tilde", "~", false, 1},
	{"umlaut", "\xc3\xa4", false, 2},
	{"no-break space", "\xc2\xa0", false, 2},
	{"euro", "\xe2\x82\xac", false, 3},
	{"emoji", "\xf0\x9f\x98\x80", false, 4},
	{"newline", "\n", true, 1},
	{"escape", "\x1b", true, 1},
	{"delete", "\x7f", true, 1},
	{"first C1 control", "\xc2\x80", true, 2},
	{"control sequence introducer", "\xc2\x9b", true, 2},
	{"last C1 control", "\xc2\x9f", true, 2},
	{"arabic letter mark", "\xd8\x9c", true, 2},
	{"zero width space", "\xe2\x80\x8b", true, 3},
	{"zero width joiner", "\xe2\x80\x8d", true, 3},
	{"left-to-right mark", "\xe2\x80\x8e", true, 3},
	{"right-to-left mark", "\xe2\x80\x8f", true, 3},
	{"before the marks", "\xe2\x80\x8a", false, 3},
	{"hyphen behind the marks", "\xe2\x80\x90", false, 3},
	{"line separator", "\xe2\x80\xa8", true, 3},
	{"paragraph separator", "\xe2\x80\xa9", true, 3},
	{"left-to-right embedding", "\xe2\x80\xaa", true, 3},
	{"right-to-left override", "\xe2\x80\xae", true, 3},
	{"behind the overrides", "\xe2\x80\xaf", false, 3},
	{"word joiner", "\xe2\x81\xa0", true, 3},
	{"left-to-right isolate", "\xe2\x81\xa6", true, 3},
	{"pop directional isolate", "\xe2\x81\xa9", true, 3},
	{"byte order mark", "\xef\xbb\xbf", true, 3},
};

static void try_hostile(void **state)
{
	const struct hostile_row *row = *state;
	char text[16];
	size_t len = 0;

	(void)snprintf(text, sizeof(text), "%sx", row->input);
	assert_int_equal(bake_utf8_hostile(text, &len), row->hostile);
	assert_int_equal(len, row->len);
}

static const struct match_row {
	const char *name;
	const char *text;
	const char *part;
	bool starts;
	bool ends;
} parts[] = {
	{"both empty", "", "", true, true},
	{"empty part", "abc", "", true, true},
	{"empty text", "", "a", false, false},
	{"the same", "abc", "abc", true, true},
	{"longer part", "abc", "abcd", false, false},
	{"in front", "abc", "ab", true, false},
	{"at the end", "abc", "bc", false, true},
	{"at both ends", "aba", "a", true, true},
	{"in the middle", "abc", "b", false, false},
	{"other case", "abc", "A", false, false},
};

static void try_match(void **state)
{
	const struct match_row *row = *state;

	assert_int_equal(bake_text_starts(row->text, row->part), row->starts);
	assert_int_equal(bake_text_ends(row->text, row->part), row->ends);
}

static const struct truth_row {
	const char *name;
	const char *value;
	bool want;
} truths[] = {
	{"unset", NULL, false},
	{"empty", "", false},
	{"1", "1", true},
	{"on", "on", true},
	{"YES", "YES", true},
	{"True", "True", true},
	{"0", "0", false},
	{"off", "off", false},
	{"2", "2", false},
	{"true with a blank", "true ", false},
};

static void try_truth(void **state)
{
	const struct truth_row *row = *state;

	assert_int_equal(bake_text_is_true(row->value), row->want);
}

static const char *const words[] = {
	"models", "required", "role", "revision", "sha256", "size", "source", "x"};

static const char *word_at(const void *context, size_t index)
{
	return ((const char *const *)context)[index];
}

static const struct near_row {
	const char *name;
	const char *text;
	const char *want;
} slips[] = {
	{"a letter missing", "modls", "models"},
	{"a letter too many", "modells", "models"},
	{"another letter", "sise", "size"},
	{"two letters swapped", "surce", "source"},
	{"neighbours swapped", "soucre", "source"},
	{"nearer one wins", "siza", "size"},
	{"the word itself", "role", "role"},
	{"long word, two slips", "requierd", "required"},
	{"nothing like it", "temperature", NULL},
	{"short word, nothing like it", "abc", NULL},
	{"empty", "", NULL},
	{"one letter is no slip of another", "y", NULL},
	{"too long to be a word", X100, NULL},
};

static void try_nearest(void **state)
{
	const struct near_row *row = *state;
	const char *near = bake_text_nearest(row->text, countof(words), word_at, words);

	if (!row->want) {
		assert_null(near);
		return;
	}
	assert_non_null(near);
	assert_string_equal(near, row->want);
}

static void nearest_of_hostile_candidates(void)
{
	static const char *const candidates[] = {X100, "", "sizes"};

	assert_string_equal(bake_text_nearest("size", 3, word_at, candidates), "sizes");
	assert_null(bake_text_nearest("size", 0, word_at, candidates));
}

static bool plain_byte(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Each byte at each place of texts of each length, at each alignment: what is read many at a time
 * is told apart as one by one. */
static void plain_text_ends_at_any_byte(void)
{
	enum {
		LONGEST = 40
	};
	char text[LONGEST + 8];

	for (unsigned c = 0; c < 256; c++) {
		for (size_t len = 1; len <= LONGEST; len++) {
			for (size_t at = 0; at < len; at++) {
				char *begin = text + (at + len) % 8;

				memset(text, 0xff, sizeof(text));
				memset(begin, 'x', len);
				begin[at] = (char)c;
				assert_int_equal(bake_text_plain(begin, len),
					plain_byte((unsigned char)c) ? len : at);
			}
		}
	}
}

/* Two that are not plain beside each other: the first counts. */
static void plain_text_ends_at_the_first(void)
{
	static const char odd[] = "\"\\\n\x7f\x80\xff\x1f\x01";
	char text[32];

	for (size_t i = 0; i + 1 < sizeof(odd); i++) {
		for (size_t j = 0; j + 1 < sizeof(odd); j++) {
			for (size_t at = 0; at + 1 < sizeof(text); at++) {
				memset(text, '!', sizeof(text));
				text[at] = odd[i];
				text[at + 1] = odd[j];
				assert_int_equal(bake_text_plain(text, sizeof(text)), at);
			}
		}
	}
	assert_int_equal(bake_text_plain("", 0), 0);
}

/* FNV-1a's own test vectors (draft-eastlake-fnv). */
static void hash_is_fnv1a(void)
{
	assert_int_equal(bake_text_hash("", 0), 0xcbf29ce484222325U);
	assert_int_equal(bake_text_hash("a", 1), 0xaf63dc4c8601ec8cU);
	assert_int_equal(bake_text_hash("foobar", 6), 0x85944171f73967e8U);
	assert_int_equal(bake_text_hash("foobarX", 6), 0x85944171f73967e8U);
}

static const struct scenario others[] = {
	{"show: len decides", show_takes_what_len_says},
	{"utf-8: len decides", utf8_is_cut_where_len_says},
	{"nearest: candidates of any kind", nearest_of_hostile_candidates},
	{"plain: any byte at any place", plain_text_ends_at_any_byte},
	{"plain: the first of two", plain_text_ends_at_the_first},
	{"hash: FNV-1a vectors", hash_is_fnv1a},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(shown, try_show),
		ROWS(encodings, try_utf8),
		ROWS(characters, try_hostile),
		ROWS(parts, try_match),
		ROWS(truths, try_truth),
		ROWS(slips, try_nearest),
		ROWS(others, play_scenario),
	};

	return run_rows("base/text", tables, countof(tables));
}
