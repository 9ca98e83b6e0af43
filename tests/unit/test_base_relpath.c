/* SPDX-License-Identifier: Apache-2.0 */
/* Paths from outside: which are refused, and which cannot live in one tree. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/relpath.h"

#define X5   "xxxxx"
#define X50  X5 X5 X5 X5 X5 X5 X5 X5 X5 X5
#define X255 X50 X50 X50 X50 X50 X5
#define D8   "d/d/d/d/d/d/d/d/"

static const struct path_row {
	const char *name;
	const char *input;
	const char *want_id; /* NULL: it is good */
} paths[] = {
	{"a name", "config.json", NULL},
	{"a path", "text_encoder/model-00001-of-00002.safetensors", NULL},
	{"hidden", ".gitattributes", NULL},
	{"dots inside", "a..b/c...d", NULL},
	{"three dots in front", "...a", NULL},
	{"blank inside", "my model/a b.bin", NULL},
	{"blank in front", " a", NULL},
	{"umlaut",
		"gr\xc3\xb6\xc3\x9f"
		"e.bin",
		NULL},
	{"emoji", "\xf0\x9f\xa4\x97.bin", NULL},
	{"dash in front", "-rf", NULL},
	{"shell characters", "$(id);`id`&|*?[]", NULL},
	{"percent escapes are just text", "%2e%2e%2fx", NULL},
	{"colon behind the first letter's place", "ab:c", NULL},
	{"component of 255 bytes", X255, NULL},
	{"64 deep", D8 D8 D8 D8 D8 D8 D8 "d/d/d/d/d/d/d/d", NULL},

	{"empty", "", "path.unsafe"},
	{"absolute", "/etc/passwd", "path.unsafe"},
	{"root", "/", "path.unsafe"},
	{"two slashes in front", "//host/share", "path.unsafe"},
	{"dot", ".", "path.unsafe"},
	{"dot dot", "..", "path.unsafe"},
	{"dot dot in front", "../x", "path.unsafe"},
	{"dot dot inside", "a/../b", "path.unsafe"},
	{"dot dot out", "a/../../b", "path.unsafe"},
	{"dot dot at the end", "a/..", "path.unsafe"},
	{"dot in front", "./a", "path.unsafe"},
	{"dot inside", "a/./b", "path.unsafe"},
	{"dot at the end", "a/.", "path.unsafe"},
	{"empty component", "a//b", "path.unsafe"},
	{"slash at the end", "a/", "path.unsafe"},
	{"newline", "a\nb", "path.unsafe"},
	{"carriage return", "a\rb", "path.unsafe"},
	{"tab", "a\tb", "path.unsafe"},
	{"escape sequence", "a\x1b[2Jb", "path.unsafe"},
	{"delete", "a\x7f", "path.unsafe"},
	{"C1 control",
		"a\xc2\x9b"
		"31m",
		"path.unsafe"},
	{"backslash", "a\\b", "path.unsafe"},
	{"dot dot with backslash", "..\\..\\x", "path.unsafe"},
	{"UNC", "\\\\host\\share", "path.unsafe"},
	{"drive", "C:", "path.unsafe"},
	{"drive with a path", "c:/x", "path.unsafe"},
	{"drive with a name", "C:x", "path.unsafe"},
	{"trailing dot", "a.", "path.unsafe"},
	{"trailing dot in a directory", "a./b", "path.unsafe"},
	{"trailing blank", "a ", "path.unsafe"},
	{"trailing blank in a directory", "a /b", "path.unsafe"},
	{"three dots", "...", "path.unsafe"},
	{"invalid UTF-8", "a\xff", "path.unsafe"},
	{"overlong slash",
		"a\xc0\xaf"
		"b",
		"path.unsafe"},
	{"overlong dot dot", "\xc0\xae\xc0\xae/x", "path.unsafe"},
	{"surrogate", "\xed\xa0\x80", "path.unsafe"},
	{"cut UTF-8", "a\xe2\x82", "path.unsafe"},
	{"bidirectional override", "a\xe2\x80\xaegpj.exe", "path.unsafe"},
	{"isolate", "a\xe2\x81\xa6", "path.unsafe"},
	{"zero width space", "a\xe2\x80\x8b", "path.unsafe"},
	{"byte order mark",
		"\xef\xbb\xbf"
		"a",
		"path.unsafe"},
	{"line separator", "a\xe2\x80\xa8", "path.unsafe"},
	{"65 deep", D8 D8 D8 D8 D8 D8 D8 D8 "d", "path.unsafe"},
	{"component of 256 bytes", X255 "x", "path.too-long"},
	{"long component in a directory", "a/" X255 "x/b", "path.too-long"},
};

static void try_path(void **state)
{
	const struct path_row *row = *state;
	struct bake_relpath path = {NULL, 0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse(row->input, &path, &err), &err,
		row->want_id ? BAKE_ERR_DATA : BAKE_OK, row->want_id);
	if (row->want_id) {
		assert_null(path.text);
		return;
	}
	assert_ptr_equal(path.text, row->input);
	assert_int_equal(path.len, strlen(row->input));
}

/* Components of 252 bytes and a slash, to a length of exactly len. */
static char *path_of_len(size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = i % 253 == 252 && i + 1 < len ? '/' : 'x';
	text[len] = '\0';
	return text;
}

static void length_has_a_limit(void)
{
	_cleanup_free_ char *longest = path_of_len(BAKE_PATH_MAX);
	_cleanup_free_ char *longer = path_of_len(BAKE_PATH_MAX + 1);
	struct bake_relpath path;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse(longest, &path, &err), &err, BAKE_OK, NULL);
	check_status(bake_relpath_parse(longer, &path, &err), &err, BAKE_ERR_DATA, "path.too-long");
}

static const struct path_row model_paths[] = {
	{"a model's file", "chat/model.gguf", NULL},
	{"our names deeper down", "a/.bake/model-info.json", NULL},
	{"longer than our name", ".bakery/x", NULL},
	{"shorter than our name", ".bak", NULL},
	{"unsafe stays unsafe", "../.bake", "path.unsafe"},
	{"work directory", ".bake", "path.reserved"},
	{"in the work directory", ".bake/x", "path.reserved"},
	{"work directory in capitals", ".BAKE/x", "path.reserved"},
	{"index", "model-info.json", "path.reserved"},
	{"index in capitals", "Model-Info.JSON", "path.reserved"},
	{"below the index", "model-info.json/x", "path.reserved"},
	{"run-time index", "model-info.runtime.json", "path.reserved"},
};

static void try_model_path(void **state)
{
	const struct path_row *row = *state;
	struct bake_relpath path;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse_model(row->input, &path, &err), &err,
		row->want_id ? BAKE_ERR_DATA : BAKE_OK, row->want_id);
}

static const struct split_row {
	const char *name;
	const char *input;
	const char *file;
	size_t dir_len;
} splits[] = {
	{"no directory", "a", "a", 0},
	{"one", "a/b", "b", 1},
	{"two", "ab/cd/ef", "ef", 5},
};

static void try_split(void **state)
{
	const struct split_row *row = *state;
	struct bake_relpath path;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse(row->input, &path, &err), &err, BAKE_OK, NULL);
	assert_string_equal(bake_relpath_name(path), row->file);
	assert_int_equal(bake_relpath_dir_len(path), row->dir_len);
}

enum {
	SET_MAX = 8
};

static const struct set_row {
	const char *name;
	const char *paths[SET_MAX];
	const char *how; /* part of the message; NULL: they can live together */
} sets[] = {
	{"none", {NULL}, NULL},
	{"one", {"a"}, NULL},
	{"two", {"a", "b"}, NULL},
	{"one directory", {"d/a", "d/b", "d/e/a"}, NULL},
	{"longer names", {"x", "xy", "x-y", "x.y", "x y"}, NULL},
	{"name beside a directory that begins like it", {"x.d/a", "x.e", "x-y/b"}, NULL},
	{"the same name in other directories", {"a/x", "b/x", "c/X"}, NULL},
	{"the same", {"a/b", "c", "a/b"}, "are the same"},
	{"other case", {"A.json", "b", "a.json"}, "only by case"},
	{"other case in the last of many", {"d/a", "d/b", "d/c", "D/D", "d/d"}, "by case"},
	{"other case in a directory", {"Dir/a", "dir/b"}, "in a directory"},
	{"other case in a deeper directory", {"d/Sub/a", "d/sub/b"}, "in a directory"},
	{"other case in a directory, apart", {"D/a", "d/x", "D/z"}, "in a directory"},
	{"file and directory", {"x", "x/y"}, "directory of the other"},
	{"file and directory, the other way", {"x/y", "x"}, "directory of the other"},
	{"file and directory, names between", {"x", "x-", "x.", "x/y", "x0"}, "directory of the"},
	{"file and directory deeper", {"a/x/y/z", "a/x"}, "directory of the other"},
	{"other case, not of ASCII", {"\u00c9t\u00e9", "\u00e9T\u00c9"},
		"only by case or encoding"},
	{"Greek and Cyrillic", {"\u03a9\u0416", "x", "\u03c9\u0436"}, "only by case or encoding"},
	{"an accent apart", {"re\u0301sume\u0301", "r\u00e9sum\u00e9"}, "only by case or encoding"},
	{"an accent apart in a directory", {"\u00fc/a", "u\u0308/b"}, "in a directory"},
	{"other case and an accent apart", {"\u017d", "z\u030c"}, "only by case or encoding"},
	{"letters that stand for others", {"\u212b", "a\u030a"}, "only by case or encoding"},
	{"an accent is a difference", {"resume", "r\u00e9sume", "r\u00e8sume"}, NULL},
	{"not everything is a case", {"\u00d7", "\u00f7", "\u0131", "i", "\u4e00", "\U0001f600"},
		NULL},
	{"the same beginning, other case behind it",
		{"model/text_encoder/a.bin", "model/text_encoder/A.bin", "model/vae/a.bin"},
		"only by case"},
	{"the same beginning, other case in the directory behind it",
		{"model/vae/One/a.bin", "model/vae/one/b.bin"}, "in a directory"},
	{"the same beginning, an accent apart behind it",
		{"mod\u00e8le/v\u00e9", "mod\u00e8le/ve\u0301"}, "only by case or encoding"},
	{"letters that begin with the same byte", {"d/\u00e9", "d/\u00c9"}, "only by case"},
	{"letters that begin with the same byte, another between",
		{"d/\u017da", "d/\u015dz", "d/\u017ea"}, "only by case"},
	{"letters that begin with the same byte, and differ",
		{"d/\u00e9", "d/\u00e8", "d/\u00ea", "d/\u4e00", "d/\u4e01"}, NULL},
	{"an accent behind what is the same", {"d/e", "d/e\u0301"}, NULL},
	{"a letter with an accent and one with two", {"d/e\u0301", "d/e\u0301\u0327"}, NULL},
	{"a file and a directory behind the same beginning", {"m/d/x", "m/d/X/y", "m/d/z"},
		"cannot both exist"},
	{"file and directory, encoded otherwise", {"\u00e9", "e\u0301/x"}, "cannot both exist"},
	{"file and directory of other case", {"X", "x/y"}, "cannot both exist"},
};

static void try_set(void **state)
{
	const struct set_row *row = *state;
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(100000);
	const char *list[SET_MAX];
	struct bake_error err = BAKE_ERROR_INIT;
	size_t count = 0;

	while (count < SET_MAX && row->paths[count]) {
		list[count] = row->paths[count];
		count++;
	}
	check_status(bake_relpath_check_set(list, count, &scratch, &err), &err,
		row->how ? BAKE_ERR_DATA : BAKE_OK, "path.collision");
	if (row->how)
		assert_non_null(strstr(err.message, row->how));
}

/* Nothing but accents: each two bytes are three when they are folded. */
static void what_grows_when_folded_has_room(void)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(SIZE_MAX);
	struct bake_error err = BAKE_ERROR_INIT;
	char whole[2 * 1300 + 1] = "";
	char apart[3 * 1300 + 1] = "";
	char other[2 * 1300 + 1] = "";
	const char *const set[] = {whole, apart, other};

	for (size_t i = 0; i < 1300; i++) {
		memcpy(whole + 2 * i, "\u00e9", 3);
		memcpy(apart + 3 * i, "e\u0301", 4);
		memcpy(other + 2 * i, i == 1299 ? "\u00ea" : "\u00e9", 3);
	}
	check_status(bake_relpath_check_set(set, 3, &scratch, &err), &err, BAKE_ERR_DATA,
		"path.collision");
	err = BAKE_ERROR_INIT;
	check_status(bake_relpath_check_set(set + 1, 2, &scratch, &err), &err, BAKE_OK, NULL);
}

static void a_set_needs_memory(void)
{
	static const char *const set[] = {"a/b", "c"};
	struct bake_arena scratch = BAKE_ARENA_INIT(40);
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_check_set(set, 2, &scratch, &err), &err, BAKE_ERR_RESOURCES,
		"sys.memory");
	err = BAKE_ERROR_INIT;
	check_status(bake_relpath_check_set(set, 1, &scratch, &err), &err, BAKE_OK, NULL);
	bake_arena_release(&scratch);
}

static const struct scenario others[] = {
	{"what grows when folded has room", what_grows_when_folded_has_room},
	{"a set needs memory", a_set_needs_memory},
	{"4095 bytes are a path, 4096 are not", length_has_a_limit},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(paths, try_path),
		ROWS(model_paths, try_model_path),
		ROWS(splits, try_split),
		ROWS(sets, try_set),
		ROWS(others, play_scenario),
	};

	return run_rows("base/relpath", tables, countof(tables));
}
