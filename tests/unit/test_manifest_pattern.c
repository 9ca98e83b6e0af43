/* SPDX-License-Identifier: Apache-2.0 */
/* include and exclude, as the `hf` command understands them. The wanted values are what Python's
 * fnmatch.fnmatchcase says, with "*" appended to a pattern that ends in "/". */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "manifest/pattern.h"

static const struct match_row {
	const char *name;
	const char *pattern;
	const char *path;
	bool want;
} matches[] = {
	{"the name itself", "config.json", "config.json", true},
	{"another name", "config.json", "config.jso", false},
	{"case matters", "*.JSON", "a.json", false},
	{"star crosses directories", "*.json", "d/e/c.json", true},
	{"star in a directory", "d/*", "d/e/c.json", true},
	{"two stars are one", "**.json", "d/c.json", true},
	{"two stars between slashes need both", "d/**/c.json", "d/e/c.json", true},
	{"two stars do not stand for nothing and a slash", "d/**/c.json", "d/c.json", false},
	{"star takes nothing", "a*b", "ab", true},
	{"star takes a leading dot", "*", ".gitattributes", true},
	{"question mark takes a leading dot", "?gitignore", ".gitignore", true},
	{"question mark crosses a slash", "a?b", "a/b", true},
	{"question mark takes one", "a?", "a", false},
	{"question mark takes one and no more", "a?", "abc", false},
	{"question mark takes a character, not a byte", "a?b",
		"a\xc3\xa4"
		"b",
		true},
	{"a set", "[abc].txt", "b.txt", true},
	{"a set is not its own text", "[x].txt", "[x].txt", false},
	{"a range", "model-0000[1-3].bin", "model-00002.bin", true},
	{"outside a range", "model-0000[1-3].bin", "model-00004.bin", false},
	{"not in a set", "[!abc].txt", "d.txt", true},
	{"in a negated set", "[!abc].txt", "a.txt", false},
	{"a caret does not negate", "[^a]", "^", true},
	{"a bracket in front is a member", "[]a]", "]", true},
	{"a bracket behind the mark is a member", "[!]a]", "]", false},
	{"a bracket opens one, in a set", "[[]x", "[x", true},
	{"a bracket never closed is text", "[abc", "[abc", true},
	{"a dash in front is a member", "[-a]", "-", true},
	{"a dash behind is a member", "[a-]", "-", true},
	{"a range the wrong way round is empty", "[c-a]", "b", false},
	{"a set of characters above ASCII", "[\xc3\xa4-\xc3\xb6]", "\xc3\xa5", true},
	{"a set takes a slash", "a[/]b", "a/b", true},
	{"a slash at the end takes what is beneath", "text_encoder/", "text_encoder/a/b", true},
	{"a slash at the end takes not the name", "text_encoder/", "text_encoder", false},
	{"a slash at the end, behind a star", "*/", "a/b", true},
	{"a slash at the end, in a longer name", "d/", "dd/a", false},
	{"empty pattern", "", "a", false},
	{"empty pattern, empty path", "", "", true},
	{"star, empty path", "*", "", true},
	{"the last of several places", "*ab", "aab", true},
	{"back to the last star", "*a*b", "xaxaxb", true},
	{"back to the last star, in vain", "*a*b", "xaxax", false},
	{"from the middle", "a", "bab", false},
	{"a backslash in the pattern is a slash", "d\\*.json", "d/c.json", true},
};

static void try_match(void **state)
{
	const struct match_row *row = *state;

	assert_int_equal(bake_pattern_match(row->pattern, row->path), row->want);
}

enum {
	PATTERNS_MAX = 4
};

static const struct select_row {
	const char *name;
	const char *include[PATTERNS_MAX];
	const char *exclude[PATTERNS_MAX];
	const char *path;
	bool want;
} selects[] = {
	{"neither", {NULL}, {NULL}, "a.json", true},
	{"included", {"*.json", "*.txt"}, {NULL}, "a.txt", true},
	{"not included", {"*.json", "*.txt"}, {NULL}, "a.bin", false},
	{"excluded", {NULL}, {"*.bin", "*.h5"}, "a.h5", false},
	{"not excluded", {NULL}, {"*.bin", "*.h5"}, "a.json", true},
	{"included and excluded", {"*.json"}, {"secret*"}, "secret.json", false},
	{"included and not excluded", {"*.json"}, {"secret*"}, "open.json", true},
};

static size_t count_of(const char *const *patterns)
{
	size_t count = 0;

	while (count < PATTERNS_MAX && patterns[count])
		count++;
	return count;
}

static void try_select(void **state)
{
	const struct select_row *row = *state;

	assert_int_equal(bake_pattern_selects(row->include, count_of(row->include), row->exclude,
				 count_of(row->exclude), row->path),
		row->want);
}

/* Patterns that take for ever when every star is tried against every place. */
static const struct slow_row {
	const char *name;
	const char *repeat; /* in the pattern, times over */
	const char *tail;
	const char *filling; /* of the path */
} slow[] = {
	{"a star before each letter", "*a", "b", "a"},
	{"two stars before each letter", "**a", "b", "a"},
	{"stars and question marks", "*?", "b", "a"},
	{"stars and sets", "*[a-z]", "B", "a"},
	{"stars alone", "*", "b", "a"},
	{"unclosed sets", "*[", "b", "["},
};

static void try_slow(void **state)
{
	const struct slow_row *row = *state;
	enum {
		TIMES = 500,
		LEN = 4000
	};
	size_t each = strlen(row->repeat);
	_cleanup_free_ char *pattern = calloc(TIMES * each + strlen(row->tail) + 1, 1);
	_cleanup_free_ char *path = calloc(LEN + 1, 1);
	uint64_t before = bake_clock_ms();

	assert_true(pattern && path);
	for (size_t i = 0; i < TIMES; i++)
		memcpy(pattern + i * each, row->repeat, each);
	memcpy(pattern + TIMES * each, row->tail, strlen(row->tail));
	memset(path, row->filling[0], LEN);
	assert_false(bake_pattern_match(pattern, path));
	assert_in_range(bake_clock_ms() - before, 0, 5000);
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(matches, try_match),
		ROWS(selects, try_select),
		ROWS(slow, try_slow),
	};

	return run_rows("manifest/pattern", tables, countof(tables));
}
