/* SPDX-License-Identifier: Apache-2.0 */
/* JSON token by token: what it is, what is refused, and that the reader of trees agrees. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json/json.h"
#include "json/pull.h"

/* Text with its length, which may hold NUL bytes. */
#define TEXT(literal) (literal), sizeof(literal) - 1

#define OPEN8	"[[[[[[[["
#define CLOSE8	"]]]]]]]]"
#define OPEN32	OPEN8 OPEN8 OPEN8 OPEN8
#define CLOSE32 CLOSE8 CLOSE8 CLOSE8 CLOSE8
#define OBJECT8 "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"

/* The tokens as text: k:key s:string u:integer n:number t f 0 { } [ ]. */
static enum bake_status spell(struct bake_span text, struct bake_buf *out, struct bake_error *err)
{
	static const char *const marks[] = {
		[BAKE_PULL_OBJECT] = "{",
		[BAKE_PULL_END_OBJECT] = "}",
		[BAKE_PULL_ARRAY] = "[",
		[BAKE_PULL_END_ARRAY] = "]",
		[BAKE_PULL_KEY] = "k:",
		[BAKE_PULL_STRING] = "s:",
		[BAKE_PULL_U64] = "u:",
		[BAKE_PULL_NUMBER] = "n:",
		[BAKE_PULL_TRUE] = "t",
		[BAKE_PULL_FALSE] = "f",
		[BAKE_PULL_NULL] = "0",
	};
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(1U << 20);
	struct bake_json_pull pull;
	struct bake_pull_token token = {.kind = BAKE_PULL_NULL};

	bake_buf_text(out, "");
	for (bake_json_pull_init(&pull, text, "doc.json");;) {
		BAKE_TRY(bake_json_pull_next(&pull, &token, err));
		if (token.kind == BAKE_PULL_END)
			break;
		assert_true(token.offset < text.len);
		bake_buf_addf(out, "%s%s", out->len ? " " : "", marks[token.kind]);
		if (token.kind == BAKE_PULL_KEY || token.kind == BAKE_PULL_STRING) {
			const char *copy = bake_json_pull_copy(&token, &arena);

			assert_non_null(copy);
			assert_true(bake_json_pull_says(&token, copy));
			bake_buf_text(out, copy);
		} else if (token.kind == BAKE_PULL_U64) {
			bake_buf_addf(out, "%llu", (unsigned long long)token.u64);
		} else if (token.kind == BAKE_PULL_NUMBER) {
			bake_buf_add(out, token.text.ptr, token.text.len);
		}
	}
	/* The end stays the end. */
	BAKE_TRY(bake_json_pull_next(&pull, &token, err));
	assert_int_equal(token.kind, BAKE_PULL_END);
	return BAKE_OK;
}

static const struct good_row {
	const char *name;
	const char *text;
	size_t len;
	const char *want;
	bool alone; /* the reader of trees refuses it */
} goods[] = {
	{"an object", TEXT("{}"), "{ }", false},
	{"an array", TEXT("[]"), "[ ]", false},
	{"every kind", TEXT(" \t\r\n[1, 2.5, -3e2, \"x\", true, false, null, {}]\n"),
		"[ u:1 n:2.5 n:-3e2 s:x t f 0 { } ]", false},
	{"members", TEXT("{\"a\":1,\"b\" : {\"c\":[]} , \"d\":\"e\"}"),
		"{ k:a u:1 k:b { k:c [ ] } k:d s:e }", false},
	{"objects in arrays in objects", TEXT("{\"a\":[{\"b\":[{}]},[]],\"c\":0}"),
		"{ k:a [ { k:b [ { } ] } [ ] ] k:c u:0 }", false},
	{"no blanks", TEXT("[1,[2,[3]],{\"a\":4}]"), "[ u:1 [ u:2 [ u:3 ] ] { k:a u:4 } ]", false},
	{"the same key in two objects", TEXT("[{\"a\":1},{\"a\":2}]"),
		"[ { k:a u:1 } { k:a u:2 } ]", false},
	{"an empty key", TEXT("{\"\":\"\"}"), "{ k: s: }", false},
	{"every escape", TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"]"), "[ s:\"\\/\b\f\n\r\tA ]",
		false},
	{"escapes of two, three bytes", TEXT("[\"\\u00e9\\u20AC\\uffff\"]"),
		"[ s:\xc3\xa9\xe2\x82\xac\xef\xbf\xbf ]", false},
	{"a pair of surrogates", TEXT("[\"\\ud83d\\uDE00!\"]"), "[ s:\xf0\x9f\x98\x80! ]", false},
	{"UTF-8", TEXT("[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]"),
		"[ s:\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 ]", false},
	{"an escaped key", TEXT("{\"\\u0061b\":1}"), "{ k:ab u:1 }", false},
	{"brackets in strings", TEXT("[\"" OPEN32 OPEN32 "\\\"[\"]"), "[ s:" OPEN32 OPEN32 "\"[ ]",
		false},
	{"zero", TEXT("[0]"), "[ u:0 ]", false},
	{"minus zero is no integer from 0 on", TEXT("[-0]"), "[ n:-0 ]", false},
	{"2^63-1", TEXT("[9223372036854775807]"), "[ u:9223372036854775807 ]", false},
	{"numbers that are none", TEXT("[1.0,1e0,0.5,0e1,-1,1E+2,1e-2,-0.0e-0]"),
		"[ n:1.0 n:1e0 n:0.5 n:0e1 n:-1 n:1E+2 n:1e-2 n:-0.0e-0 ]", false},
	{"2^63", TEXT("[9223372036854775808]"), "[ u:9223372036854775808 ]", true},
	{"2^64-1", TEXT("[18446744073709551615]"), "[ u:18446744073709551615 ]", true},
	{"2^64", TEXT("[18446744073709551616]"), "[ n:18446744073709551616 ]", true},
	{"1e999", TEXT("[1e999]"), "[ n:1e999 ]", true},
	{"a key twice", TEXT("{\"a\":1,\"a\":2}"), "{ k:a u:1 k:a u:2 }", true},
};

static bool tree_takes(struct bake_span text)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	return bake_json_open(text, "doc.json", &doc, &err) == BAKE_OK;
}

static void try_good(void **state)
{
	const struct good_row *row = *state;
	struct bake_span text = bake_span(row->text, row->len);
	_cleanup_(bake_buf_release) struct bake_buf got = BAKE_BUF_INIT(65536);
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(spell(text, &got, &err), &err, BAKE_OK, NULL);
	assert_string_equal(got.ptr, row->want);
	assert_int_equal(tree_takes(text), !row->alone);
}

/* Cut anywhere, it is refused, and no byte behind the end is looked at. */
static void try_truncated(void **state)
{
	const struct good_row *row = *state;
	size_t whole = row->len;

	while (row->text[whole - 1] == '\n')
		whole--;
	for (size_t len = 0; len < whole; len++) {
		_cleanup_(bake_buf_release) struct bake_buf got = BAKE_BUF_INIT(65536);
		_cleanup_free_ char *exact = malloc(len ? len : 1);
		struct bake_error err = BAKE_ERROR_INIT;

		assert_non_null(exact);
		memcpy(exact, row->text, len);
		check_status(spell(bake_span(exact, len), &got, &err), &err, BAKE_ERR_DATA,
			"json.syntax");
		assert_false(tree_takes(bake_span(exact, len)));
	}
}

static const struct bad_row {
	const char *name;
	const char *text;
	size_t len;
	uint32_t line;
	size_t byte; /* as the message says */
} bads[] = {
	{"empty", TEXT(""), 1, 0},
	{"blank", TEXT(" \n "), 2, 3},
	{"a bare string", TEXT("\"a\""), 1, 0},
	{"a bare number", TEXT("1"), 1, 0},
	{"a bare word", TEXT("true"), 1, 0},
	{"NaN", TEXT("[NaN]"), 1, 1},
	{"Infinity", TEXT("[Infinity]"), 1, 1},
	{"negative infinity", TEXT("[-Infinity]"), 1, 1},
	{"leading zero", TEXT("[01]"), 1, 1},
	{"negative leading zero", TEXT("[-00]"), 1, 1},
	{"leading plus", TEXT("[+1]"), 1, 1},
	{"leading point", TEXT("[.5]"), 1, 1},
	{"minus alone", TEXT("[-]"), 1, 1},
	{"two minuses", TEXT("[--1]"), 1, 1},
	{"point without digits", TEXT("[1.]"), 1, 1},
	{"exponent without digits", TEXT("[1e]"), 1, 1},
	{"exponent of a sign", TEXT("[1e+]"), 1, 1},
	{"point in an exponent", TEXT("[1e1.5]"), 1, 4},
	{"hexadecimal", TEXT("[0x10]"), 1, 2},
	{"letters behind a number", TEXT("[1a]"), 1, 2},
	{"letters behind a word", TEXT("[truex]"), 1, 5},
	{"half a word", TEXT("[tru]"), 1, 1},
	{"capital word", TEXT("[True]"), 1, 1},
	{"trailing comma in an array", TEXT("[1,]"), 1, 3},
	{"trailing comma in an object", TEXT("{\"a\":1,}"), 1, 7},
	{"leading comma in an array", TEXT("[,1]"), 1, 1},
	{"leading comma in an object", TEXT("{,\"a\":1}"), 1, 1},
	{"two commas", TEXT("[1,,2]"), 1, 3},
	{"missing comma", TEXT("[1 2]"), 1, 3},
	{"missing comma in an object", TEXT("{\"a\":1 \"b\":2}"), 1, 7},
	{"missing colon", TEXT("{\"a\" 1}"), 1, 5},
	{"missing value", TEXT("{\"a\":}"), 1, 5},
	{"comma for a colon", TEXT("{\"a\",1}"), 1, 4},
	{"colon in an array", TEXT("[\"a\":1]"), 1, 4},
	{"key without quotes", TEXT("{a: 1}"), 1, 1},
	{"a number as key", TEXT("{1: 1}"), 1, 1},
	{"single quotes", TEXT("['a']"), 1, 1},
	{"line comment", TEXT("{} // a"), 1, 3},
	{"block comment", TEXT("{/* a */}"), 1, 1},
	{"byte order mark", TEXT("\xef\xbb\xbf{}"), 1, 0},
	{"UTF-16", TEXT("\xff\xfe{\0}\0"), 1, 0},
	{"form feed as a blank", TEXT("[\f1]"), 1, 1},
	{"no-break space as a blank", TEXT("[\xc2\xa0]"), 1, 1},
	{"trailing text", TEXT("{}\nx"), 2, 3},
	{"two values", TEXT("{}{}"), 1, 2},
	{"a comma behind", TEXT("[],"), 1, 2},
	{"a bracket behind", TEXT("[]]"), 1, 2},
	{"NUL behind the value", TEXT("{}\0"), 1, 2},
	{"NUL behind a number", TEXT("[1\0,2]"), 1, 2},
	{"NUL in front", TEXT("\0{}"), 1, 0},
	{"never closed", TEXT("{\"a\":\n [1, 2"), 2, 12},
	{"array closed as an object", TEXT("[1}"), 1, 2},
	{"object closed as an array", TEXT("{\"a\":1]"), 1, 6},
	{"empty array closed as an object", TEXT("[}"), 1, 1},
	{"empty object closed as an array", TEXT("{]"), 1, 1},
	{"string never closed", TEXT("[\"abc"), 1, 1},
	{"string that ends in an escape", TEXT("[\"abc\\"), 1, 5},
	{"newline in a string", TEXT("[\"a\nb\"]"), 1, 3},
	{"tab in a string", TEXT("[\"a\tb\"]"), 1, 3},
	{"NUL in a string", TEXT("[\"a\0b\"]"), 1, 3},
	{"NUL escaped in a string", TEXT("[\"a\\u0000b\"]"), 1, 3},
	{"NUL escaped in a key", TEXT("{\"a\\u0000\": 1}"), 1, 3},
	{"unknown escape", TEXT("[\"\\x41\"]"), 1, 2},
	{"escape of NUL", TEXT("[\"\\\0\"]"), 1, 2},
	{"capital escape", TEXT("[\"\\N\"]"), 1, 2},
	{"three digits", TEXT("[\"\\u004\"]"), 1, 2},
	{"no digits", TEXT("[\"\\u00g0\"]"), 1, 2},
	{"blanks for digits", TEXT("[\"\\u 041\"]"), 1, 2},
	{"lone high surrogate", TEXT("[\"\\ud83d\"]"), 1, 2},
	{"high surrogate and a letter", TEXT("[\"\\ud83dx\\ude00\"]"), 1, 2},
	{"high surrogate and another escape", TEXT("[\"\\ud83d\\n12345\"]"), 1, 2},
	{"two high surrogates", TEXT("[\"\\ud83d\\ud83d\"]"), 1, 2},
	{"lone low surrogate", TEXT("[\"\\ude00\"]"), 1, 2},
	{"surrogates the wrong way round", TEXT("[\"\\ude00\\ud83d\"]"), 1, 2},
	{"invalid UTF-8", TEXT("[\"\xff\"]"), 1, 2},
	{"overlong UTF-8", TEXT("[\"\xc0\xaf\"]"), 1, 2},
	{"surrogate in UTF-8", TEXT("[\"\xed\xa0\x80\"]"), 1, 2},
	{"beyond Unicode", TEXT("[\"\xf4\x90\x80\x80\"]"), 1, 2},
	{"cut UTF-8", TEXT("[\"ab\xe2\x82\"]"), 1, 4},
	{"cut UTF-8 at the end", TEXT("[\"\xf0\x9f\x98"), 1, 2},
	{"invalid UTF-8 in a key", TEXT("{\"\x80\":1}"), 1, 2},
	{"invalid UTF-8 in what is skipped", TEXT("{\"a\":[{\"b\":\"\x80\"}]}"), 1, 12},
	{"hostile bytes are escaped", TEXT("[\x1b]0;x\x07]"), 1, 1},
};

static void try_bad(void **state)
{
	const struct bad_row *row = *state;
	struct bake_span text = bake_span(row->text, row->len);
	_cleanup_(bake_buf_release) struct bake_buf got = BAKE_BUF_INIT(65536);
	struct bake_error err = BAKE_ERROR_INIT;
	char beginning[32];
	char ending[32];

	check_status(spell(text, &got, &err), &err, BAKE_ERR_DATA, "json.syntax");
	(void)snprintf(beginning, sizeof(beginning), "doc.json:%u: ", row->line);
	(void)snprintf(ending, sizeof(ending), "(byte %zu)", row->byte);
	if (!strstr(err.message, ending))
		print_error("%s\n", err.message);
	assert_int_equal(strncmp(err.message, beginning, strlen(beginning)), 0);
	assert_non_null(strstr(err.message, ending));
	assert_int_equal(err.detail, row->line);
	assert_false(tree_takes(text));
}

static const struct depth_row {
	const char *name;
	const char *text;
	const char *id; /* NULL: good */
} depths[] = {
	{"32 deep", OPEN32 CLOSE32, NULL},
	{"33 deep", "[" OPEN32 CLOSE32 "]", "json.depth"},
	{"33 deep in objects", OBJECT8 OBJECT8 OBJECT8 OBJECT8 OBJECT8, "json.depth"},
	{"deep and never closed", "{\"a\":" OPEN32 OPEN32, "json.depth"},
	{"deep again and again", "[" OPEN8 CLOSE8 "," OPEN8 CLOSE8 "," OPEN8 CLOSE8 "]", NULL},
};

static void try_depth(void **state)
{
	const struct depth_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf got = BAKE_BUF_INIT(65536);
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(spell(bake_span_text(row->text), &got, &err), &err,
		row->id ? BAKE_ERR_DATA : BAKE_OK, row->id);
	assert_int_equal(tree_takes(bake_span_text(row->text)), row->id == NULL);
}

static const struct says_row {
	const char *name;
	const char *text; /* of the only element */
	const char *says;
	bool want;
} saids[] = {
	{"itself", "[\"dtype\"]", "dtype", true},
	{"with an escape", "[\"d\\u0074ype\"]", "dtype", true},
	{"only escapes", "[\"\\u20ac\\ud83d\\ude00\"]", "\xe2\x82\xac\xf0\x9f\x98\x80", true},
	{"less", "[\"dtyp\"]", "dtype", false},
	{"more", "[\"dtypes\"]", "dtype", false},
	{"less with an escape", "[\"d\\u0074yp\"]", "dtype", false},
	{"more with an escape", "[\"d\\u0074ypes\"]", "dtype", false},
	{"as it is spelled", "[\"d\\u0074ype\"]", "d\\u0074ype", false},
	{"part of a code point", "[\"\\u20ac\"]", "\xe2\x82", false},
	{"nothing", "[\"\"]", "", true},
};

static void try_says(void **state)
{
	const struct says_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json_pull pull;
	struct bake_pull_token token = {.kind = BAKE_PULL_END};

	bake_json_pull_init(&pull, bake_span_text(row->text), "doc.json");
	assert_int_equal(bake_json_pull_next(&pull, &token, &err), BAKE_OK);
	assert_int_equal(bake_json_pull_next(&pull, &token, &err), BAKE_OK);
	assert_int_equal(token.kind, BAKE_PULL_STRING);
	assert_int_equal(bake_json_pull_says(&token, row->says), row->want);
}

/* Past each kind of value, from its key and from its first token. */
static void past_values(void)
{
	static const char text[] =
		"{\"a\":{\"x\":[1,{}]},\"b\":[[],[2]],\"c\":\"s\",\"d\":null,\"e\":[]}";

	for (unsigned from_value = 0; from_value < 2; from_value++) {
		struct bake_error err = BAKE_ERROR_INIT;
		struct bake_pull_token token = {.kind = BAKE_PULL_END};
		struct bake_json_pull pull;
		unsigned keys = 0;

		bake_json_pull_init(&pull, bake_span_text(text), "doc.json");
		assert_int_equal(bake_json_pull_next(&pull, &token, &err), BAKE_OK);
		for (;;) {
			assert_int_equal(bake_json_pull_next(&pull, &token, &err), BAKE_OK);
			if (token.kind == BAKE_PULL_END_OBJECT)
				break;
			assert_int_equal(token.kind, BAKE_PULL_KEY);
			assert_int_equal(token.text.ptr[0], "abcde"[keys++]);
			if (from_value)
				assert_int_equal(bake_json_pull_next(&pull, &token, &err), BAKE_OK);
			assert_int_equal(bake_json_pull_skip(&pull, &token, &err), BAKE_OK);
		}
		assert_int_equal(keys, 5);
		assert_int_equal(bake_json_pull_next(&pull, &token, &err), BAKE_OK);
		assert_int_equal(token.kind, BAKE_PULL_END);
	}
}

static void an_error_stays(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_pull_token token = {.kind = BAKE_PULL_NULL};
	struct bake_json_pull pull;

	bake_json_pull_init(&pull, bake_span_text("[x,1]"), "doc.json");
	pull.id = "st.header";
	pull.offset = 8;
	assert_int_equal(bake_json_pull_next(&pull, &token, &err), BAKE_OK);
	check_status(bake_json_pull_next(&pull, &token, &err), &err, BAKE_ERR_DATA, "st.header");
	assert_non_null(strstr(err.message, "(byte 9)"));
	err = BAKE_ERROR_INIT;
	check_status(bake_json_pull_next(&pull, &token, &err), &err, BAKE_ERR_DATA, "st.header");
	/* Out values are stored only on success. */
	assert_int_equal(token.kind, BAKE_PULL_ARRAY);
}

static void a_full_arena(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(4);
	struct bake_pull_token token = {.kind = BAKE_PULL_STRING, .text = bake_span_text("abcdef")};

	assert_null(bake_json_pull_copy(&token, &arena));
	token.escaped = true;
	assert_null(bake_json_pull_copy(&token, &arena));
}

static const struct scenario others[] = {
	{"past values", past_values},
	{"an error stays", an_error_stays},
	{"a full arena", a_full_arena},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(goods, try_good),
		ROWS(goods, try_truncated),
		ROWS(bads, try_bad),
		ROWS(depths, try_depth),
		ROWS(saids, try_says),
		ROWS(others, play_scenario),
	};

	return run_rows("json/pull", tables, countof(tables));
}
