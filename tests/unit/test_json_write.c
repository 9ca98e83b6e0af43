/* SPDX-License-Identifier: Apache-2.0 */
/* The one form in which we write JSON, byte for byte. */
#include "unit/capture.h"
#include "unit/rows.h"
#include "unit/scratch.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/json.h"
#include "json/writer.h"

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void write_nothing(struct bake_json_writer *writer)
{
	bake_json_object(writer);
	bake_json_end_object(writer);
}

static void write_members(struct bake_json_writer *writer)
{
	bake_json_object(writer);
	bake_json_put_text(writer, "text", "a");
	bake_json_put_text(writer, "absent", NULL);
	bake_json_put_u64(writer, "zero", 0);
	bake_json_put_u64(writer, "most", UINT64_MAX);
	bake_json_put_bool(writer, "yes", true);
	bake_json_put_bool(writer, "no", false);
	bake_json_key(writer, "null");
	bake_json_write_null(writer);
	bake_json_end_object(writer);
}

static void write_nested(struct bake_json_writer *writer)
{
	bake_json_object(writer);
	bake_json_key(writer, "a");
	bake_json_array(writer);
	bake_json_object(writer);
	bake_json_put_u64(writer, "b", 1);
	bake_json_end_object(writer);
	bake_json_array(writer);
	bake_json_end_array(writer);
	bake_json_write_u64(writer, 2);
	bake_json_end_array(writer);
	bake_json_key(writer, "c");
	bake_json_object(writer);
	bake_json_end_object(writer);
	bake_json_end_object(writer);
}

static void write_lines(struct bake_json_writer *writer)
{
	bake_json_array(writer);
	bake_json_object_line(writer);
	bake_json_put_text(writer, "a", "x");
	bake_json_key(writer, "b");
	bake_json_array(writer);
	bake_json_write_u64(writer, 1);
	bake_json_object(writer);
	bake_json_end_object(writer);
	bake_json_array_line(writer);
	bake_json_write_bool(writer, true);
	bake_json_end_array(writer);
	bake_json_end_array(writer);
	bake_json_put_u64(writer, "c", 2);
	bake_json_end_object(writer);
	bake_json_array_line(writer);
	bake_json_end_array(writer);
	bake_json_object(writer);
	bake_json_put_u64(writer, "d", 3);
	bake_json_end_object(writer);
	bake_json_end_array(writer);
}

static void write_lists(struct bake_json_writer *writer)
{
	static const char *const list[] = {"x", "y"};

	bake_json_object(writer);
	bake_json_put_list(writer, "two", list, 2);
	bake_json_put_list(writer, "none", NULL, 0);
	bake_json_end_object(writer);
}

static void write_escapes(struct bake_json_writer *writer)
{
	bake_json_object(writer);
	bake_json_put_text(writer, "q\"k", "a\"b\\c/d");
	bake_json_put_text(writer, "controls", "\n\t\r\b\f\x01\x1f\x7f");
	/* U+0080, U+009B, U+202E, U+2066, and the neighbours U+00A0 and U+202F, which only show */
	bake_json_put_text(
		writer, "obeyed", "\xc2\x80\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xc2\xa0\xe2\x80\xaf");
	bake_json_put_text(writer, "utf-8", "\xc3\xa4\xf0\x9f\x98\x80");
	bake_json_put_text(writer, "empty", "");
	bake_json_end_object(writer);
}

/* Names of files are any bytes: a stray one, one cut off, an overlong form, a surrogate. */
static void write_no_utf8(struct bake_json_writer *writer)
{
	bake_json_array_line(writer);
	bake_json_write_text(writer, "a\xff"
				     "b");
	bake_json_write_text(writer, "\xc3\xa4\xc3");
	bake_json_write_text(writer, "\xc0\xaf");
	bake_json_write_text(writer, "\xed\xa0\x80");
	bake_json_end_array(writer);
}

static void write_splices(struct bake_json_writer *writer)
{
	bake_json_object(writer);
	bake_json_splice(writer, "");
	bake_json_put_u64(writer, "a", 1);
	bake_json_splice(writer, "\"b\": 2, \"c\": 3");
	bake_json_put_u64(writer, "d", 4);
	bake_json_end_object(writer);
}

static void write_first_splice(struct bake_json_writer *writer)
{
	bake_json_object(writer);
	bake_json_splice(writer, "\"b\": 2");
	bake_json_splice(writer, "");
	bake_json_put_u64(writer, "c", 3);
	bake_json_end_object(writer);
}

#define NUMBERS "[-9223372036854775808, 0.1, 0.3333333333333333, 1000000, -2.5e-300, 0, null, null]"

static void write_numbers(struct bake_json_writer *writer)
{
	bake_json_array_line(writer);
	bake_json_write_i64(writer, INT64_MIN);
	bake_json_write_f64(writer, 0.1);
	bake_json_write_f64(writer, 1.0 / 3);
	bake_json_write_f64(writer, 1000000);
	bake_json_write_f64(writer, -2.5e-300);
	bake_json_write_f64(writer, -0.0);
	bake_json_write_f64(writer, (double)INFINITY);
	bake_json_write_f64(writer, (double)NAN);
	bake_json_end_array(writer);
}

#define COPIED                                                                                     \
	"{\"z\": [1, -9223372036854775808, 2.5, true, false, null], \"a\": {}, \"t\": \"x\\n\"}"

/* A value of a document, on a line and spread out. */
static void write_copies(struct bake_json_writer *writer)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;

	assert_int_equal(bake_json_open(bake_span_text(COPIED), "c", &doc, &err), BAKE_OK);
	root = bake_json_root(doc);
	bake_json_object(writer);
	bake_json_key(writer, "line");
	bake_json_array_line(writer);
	bake_json_write_value(writer, &root);
	bake_json_end_array(writer);
	bake_json_key(writer, "spread");
	bake_json_write_value(writer, &root);
	bake_json_end_object(writer);
}

static const struct write_row {
	const char *name;
	void (*write)(struct bake_json_writer *writer);
	const char *want;
} writes[] = {
	{"nothing", write_nothing, "{}\n"},
	{"numbers", write_numbers, NUMBERS "\n"},
	{"copies", write_copies,
		"{\n  \"line\": [" COPIED "],\n  \"spread\": {\n    \"z\": [\n      1,\n"
		"      -9223372036854775808,\n      2.5,\n      true,\n      false,\n      null\n"
		"    ],\n    \"a\": {},\n    \"t\": \"x\\n\"\n  }\n}\n"},
	{"members", write_members,
		"{\n"
		"  \"text\": \"a\",\n"
		"  \"zero\": 0,\n"
		"  \"most\": 18446744073709551615,\n"
		"  \"yes\": true,\n"
		"  \"no\": false,\n"
		"  \"null\": null\n"
		"}\n"},
	{"nested", write_nested,
		"{\n"
		"  \"a\": [\n"
		"    {\n"
		"      \"b\": 1\n"
		"    },\n"
		"    [],\n"
		"    2\n"
		"  ],\n"
		"  \"c\": {}\n"
		"}\n"},
	{"one line", write_lines,
		"[\n"
		"  {\"a\": \"x\", \"b\": [1, {}, [true]], \"c\": 2},\n"
		"  [],\n"
		"  {\n"
		"    \"d\": 3\n"
		"  }\n"
		"]\n"},
	{"lists", write_lists,
		"{\n"
		"  \"two\": [\"x\", \"y\"],\n"
		"  \"none\": []\n"
		"}\n"},
	{"escapes", write_escapes,
		"{\n"
		"  \"q\\\"k\": \"a\\\"b\\\\c/d\",\n"
		"  \"controls\": \"\\n\\t\\u000d\\u0008\\u000c\\u0001\\u001f\\u007f\",\n"
		"  \"obeyed\": \"\\u0080\\u009b\\u202e\\u2066\xc2\xa0\xe2\x80\xaf\",\n"
		"  \"utf-8\": \"\xc3\xa4\xf0\x9f\x98\x80\",\n"
		"  \"empty\": \"\"\n"
		"}\n"},
	{"what is not UTF-8", write_no_utf8,
		"[\"a" BAD "b\", \"\xc3\xa4" BAD "\", \"" BAD BAD "\", \"" BAD BAD BAD "\"]\n"},
	{"spliced members", write_splices,
		"{\n"
		"  \"a\": 1,\n"
		"  \"b\": 2, \"c\": 3,\n"
		"  \"d\": 4\n"
		"}\n"},
	{"spliced first", write_first_splice,
		"{\n"
		"  \"b\": 2,\n"
		"  \"c\": 3\n"
		"}\n"},
};

static void try_write(void **state)
{
	const struct write_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(4096);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	row->write(&writer);
	bake_json_finish(&writer);
	check_status(bake_buf_status(&buf, "json", &err), &err, BAKE_OK, NULL);
	assert_string_equal(buf.ptr, row->want);
	if (!strstr(row->want, "18446744073709551615")) /* past what JSON readers hold */
		check_status(bake_json_open(bake_buf_span(&buf), "written", &doc, &err), &err,
			BAKE_OK, NULL);
}

static void a_full_buffer_is_found_out_at_the_end(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(10);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);
	struct bake_error err = BAKE_ERROR_INIT;

	write_nested(&writer);
	bake_json_finish(&writer);
	check_status(bake_buf_status(&buf, "json", &err), &err, BAKE_ERR_DATA, "data.too-large");
}

/* What is written in two branches and appended is what one writer writes. */
static void branches_are_one_text(void)
{
	_cleanup_(bake_buf_release) struct bake_buf whole = BAKE_BUF_INIT(4096);
	_cleanup_(bake_buf_release) struct bake_buf joined = BAKE_BUF_INIT(4096);
	struct bake_json_writer one = BAKE_JSON_WRITER_INIT(&whole);
	struct bake_json_writer many = BAKE_JSON_WRITER_INIT(&joined);

	bake_json_array(&one);
	bake_json_array(&many);
	for (uint64_t i = 0; i < 3; i++) {
		_cleanup_(bake_buf_release) struct bake_buf apart = BAKE_BUF_INIT(4096);
		struct bake_json_writer branch = bake_json_branch(&many, &apart, i == 0);

		for (uint64_t j = 0; i < 2 && j < 2; j++) { /* the third is empty */
			bake_json_object_line(&one);
			bake_json_put_u64(&one, "n", 2 * i + j);
			bake_json_end_object(&one);
			bake_json_object_line(&branch);
			bake_json_put_u64(&branch, "n", 2 * i + j);
			bake_json_end_object(&branch);
		}
		bake_json_append(&many, &apart);
	}
	bake_json_end_array(&one);
	bake_json_end_array(&many);
	assert_string_equal(
		whole.ptr, "[\n  {\"n\": 0},\n  {\"n\": 1},\n  {\"n\": 2},\n  {\"n\": 3}\n]");
	assert_string_equal(joined.ptr, whole.ptr);
}

static void nothing_appended_is_an_empty_array(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(4096);
	_cleanup_(bake_buf_release) struct bake_buf apart = BAKE_BUF_INIT(4096);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);

	bake_json_array(&writer);
	bake_json_append(&writer, &apart);
	bake_json_end_array(&writer);
	assert_string_equal(buf.ptr, "[]");
}

static int make_locale(void *context)
{
	return execlp("localedef", "localedef", "-i", "de_DE", "-f", "UTF-8", (const char *)context,
		(char *)NULL);
}

/* As a program in Germany has it, where a point is a comma. */
static void a_point_is_one_in_every_locale(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(1000);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);
	char directory[SCRATCH_PATH];
	char path[SCRATCH_PATH + 20];
	struct captured made;
	char text[20];

	(void)close(scratch_open(directory));
	(void)snprintf(path, sizeof(path), "%s/de_DE.UTF-8", directory);
	capture(&made, make_locale, path);
	assert_int_equal(made.code, 0); /* Debian's package locales has what it needs */
	assert_int_equal(setenv("LOCPATH", directory, 1), 0);
	assert_non_null(setlocale(LC_NUMERIC, "de_DE.UTF-8"));
	(void)snprintf(text, sizeof(text), "%.1f", 2.5);
	assert_string_equal(text, "2,5");
	write_numbers(&writer);
	assert_non_null(setlocale(LC_NUMERIC, "C"));
	assert_string_equal(buf.ptr, NUMBERS);
}

static const struct scenario others[] = {
	{"a point is one in every locale", a_point_is_one_in_every_locale},
	{"branches are one text", branches_are_one_text},
	{"nothing appended is an empty array", nothing_appended_is_an_empty_array},
	{"a full buffer is found out at the end", a_full_buffer_is_found_out_at_the_end},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(writes, try_write),
		ROWS(others, play_scenario),
	};

	return run_rows("json/write", tables, countof(tables));
}
