/* SPDX-License-Identifier: Apache-2.0 */
/* A document that is changed in places keeps the rest: its order, its numbers, its meaning. */
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

#include "json/edit.h"

static struct bake_error err;

static void put_text(const struct bake_json *root)
{
	assert_int_equal(bake_json_set_text(root, "b", "new", &err), BAKE_OK);
}

static void put_new(const struct bake_json *root)
{
	assert_int_equal(bake_json_set_text(root, "z", "new", &err), BAKE_OK);
}

static void put_own(const struct bake_json *root)
{
	struct bake_json value;

	assert_true(bake_json_find(root, "b", &value));
	assert_int_equal(bake_json_set(root, "c", &value, &err), BAKE_OK);
}

static void drop(const struct bake_json *root)
{
	bake_json_unset(root, "b");
	bake_json_unset(root, "none");
}

static void make_object(const struct bake_json *root)
{
	struct bake_json made;

	assert_int_equal(bake_json_make_object(root, "b", &made, &err), BAKE_OK);
	assert_int_equal(bake_json_set_text(&made, "x", "y", &err), BAKE_OK);
}

static void make_array(const struct bake_json *root)
{
	struct bake_json made;

	assert_int_equal(bake_json_make_array(root, "b", &made, &err), BAKE_OK);
	assert_int_equal(bake_json_add_text(&made, "x", &err), BAKE_OK);
	assert_int_equal(bake_json_add(&made, root, &err), BAKE_OK);
	bake_json_clear(&made);
	assert_int_equal(bake_json_add_text(&made, "y", &err), BAKE_OK);
}

static void make_wrong(const struct bake_json *root)
{
	struct bake_json made;
	enum bake_status status = bake_json_make_object(root, "b", &made, &err);

	check_status(status, &err, BAKE_ERR_DATA, "json.type");
	err = BAKE_ERROR_INIT;
}

static void nothing(const struct bake_json *root)
{
	(void)root;
}

static const struct edit_row {
	const char *name;
	const char *before;
	void (*edit)(const struct bake_json *root);
	const char *after;
} edits[] = {
	{"nothing", "{\"z\":1e-05,\"a\":9007199254740993,\"m\":[0.1,-3,null,true,\"\\u00e9\"]}",
		nothing,
		"{\n  \"z\": 1e-05,\n  \"a\": 9007199254740993,\n  \"m\": [\n    0.1,\n    -3,\n"
		"    null,\n    true,\n    \"\xc3\xa9\"\n  ]\n}\n"},
	{"a text in its place", "{\"a\":1,\"b\":2,\"c\":3}", put_text,
		"{\n  \"a\": 1,\n  \"b\": \"new\",\n  \"c\": 3\n}\n"},
	{"a new one last", "{\"b\":1,\"a\":2}", put_new,
		"{\n  \"b\": 1,\n  \"a\": 2,\n  \"z\": \"new\"\n}\n"},
	{"a copy of its own", "{\"b\":[1],\"c\":2}", put_own,
		"{\n  \"b\": [\n    1\n  ],\n  \"c\": [\n    1\n  ]\n}\n"},
	{"one less", "{\"a\":1,\"b\":2,\"c\":3}", drop, "{\n  \"a\": 1,\n  \"c\": 3\n}\n"},
	{"an object for null", "{\"b\":null,\"a\":1}", make_object,
		"{\n  \"b\": {\n    \"x\": \"y\"\n  },\n  \"a\": 1\n}\n"},
	{"an object for nothing", "{\"a\":1}", make_object,
		"{\n  \"a\": 1,\n  \"b\": {\n    \"x\": \"y\"\n  }\n}\n"},
	{"an object that is there", "{\"b\":{\"w\":1,\"x\":2}}", make_object,
		"{\n  \"b\": {\n    \"w\": 1,\n    \"x\": \"y\"\n  }\n}\n"},
	{"an array", "{\"b\":[1,2]}", make_array, "{\n  \"b\": [\n    \"y\"\n  ]\n}\n"},
	{"no object for a text", "{\"b\":\"text\"}", make_wrong, "{\n  \"b\": \"text\"\n}\n"},
};

static void try_edit(void **state)
{
	const struct edit_row *row = *state;
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(10000);
	struct bake_json root;

	err = BAKE_ERROR_INIT;
	assert_int_equal(bake_json_open(bake_span_text(row->before), "test", &doc, &err), BAKE_OK);
	root = bake_json_root(doc);
	row->edit(&root);
	assert_int_equal(bake_json_write_doc(doc, &text, &err), BAKE_OK);
	assert_string_equal(text.ptr, row->after);
}

static const struct equal_row {
	const char *name;
	const char *a;
	const char *b;
	bool want;
} equals[] = {
	{"another order", "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
	{"another order of elements", "[1,2]", "[2,1]", false},
	{"another kind of number", "[1]", "[1.0]", false},
	{"one more", "{\"a\":1}", "{\"a\":1,\"b\":2}", false},
	{"the same", "[null,\"x\",{}]", "[ null, \"\\u0078\", { } ]", true},
};

static void try_equal(void **state)
{
	const struct equal_row *row = *state;
	_cleanup_(bake_json_close) struct bake_json_doc *a = NULL;
	_cleanup_(bake_json_close) struct bake_json_doc *b = NULL;
	struct bake_json roots[2];

	err = BAKE_ERROR_INIT;
	assert_int_equal(bake_json_open(bake_span_text(row->a), "a", &a, &err), BAKE_OK);
	assert_int_equal(bake_json_open(bake_span_text(row->b), "b", &b, &err), BAKE_OK);
	roots[0] = bake_json_root(a);
	roots[1] = bake_json_root(b);
	assert_int_equal(bake_json_equal(&roots[0], &roots[1]), row->want);
}

static void check_members(const struct bake_json *root, int first, int last)
{
	char key[16];
	struct bake_json found;
	const char *text = NULL;

	for (int i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(bake_json_find(root, key, &found), i >= first && i < last);
		if (i < first || i >= last)
			continue;
		assert_int_equal(bake_json_string(&found, &text, &err), BAKE_OK);
		assert_string_equal(text, key);
	}
	assert_int_equal(bake_json_count(root), last - first);
}

/* More than are gone through one by one: put in, replaced, and taken out again. */
static void many_members(void)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	char text[2000] = "{";
	char key[16];
	struct bake_json root;

	err = BAKE_ERROR_INIT;
	for (int i = 30; i < 60; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, sizeof(text) - used, "%s\"k%d\":\"k%d\"",
			i > 30 ? "," : "", i, i);
	}
	text[strlen(text)] = '}';
	assert_int_equal(bake_json_open(bake_span_text(text), "many", &doc, &err), BAKE_OK);
	root = bake_json_root(doc);
	check_members(&root, 30, 60);
	for (int i = 99; i >= 0; i--) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(bake_json_set_text(&root, key, key, &err), BAKE_OK);
	}
	check_members(&root, 0, 100);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		bake_json_unset(&root, key);
		check_members(&root, i + 1, 100);
	}
	assert_int_equal(bake_json_set_text(&root, "k0", "k0", &err), BAKE_OK);
	check_members(&root, 0, 1);
}

static void elements_by_place(void)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;
	char text[16];
	const char *got = NULL;

	err = BAKE_ERROR_INIT;
	assert_int_equal(bake_json_open(bake_span_text("[\"0\",\"1\"]"), "a", &doc, &err), BAKE_OK);
	root = bake_json_root(doc);
	for (int i = 2; i < 100; i++) {
		struct bake_json element = bake_json_element(&root, (size_t)i - 1);

		(void)snprintf(text, sizeof(text), "%d", i - 1);
		assert_int_equal(bake_json_string(&element, &got, &err), BAKE_OK);
		assert_string_equal(got, text);
		(void)snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(bake_json_add_text(&root, text, &err), BAKE_OK);
	}
	bake_json_clear(&root);
	assert_int_equal(bake_json_count(&root), 0);
	assert_int_equal(bake_json_add_text(&root, "x", &err), BAKE_OK);
	root = bake_json_element(&root, 0);
	assert_int_equal(bake_json_string(&root, &got, &err), BAKE_OK);
	assert_string_equal(got, "x");
}

/* What was put in has no place in the text: its line is that of what it was put into. */
static void a_complaint_about_what_is_new(void)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;
	struct bake_json made;
	struct bake_json value;
	uint64_t number = 0;

	err = BAKE_ERROR_INIT;
	assert_int_equal(
		bake_json_open(bake_span_text("\n{\n\"a\":\n{}}"), "doc", &doc, &err), BAKE_OK);
	root = bake_json_root(doc);
	assert_true(bake_json_find(&root, "a", &made));
	assert_int_equal(bake_json_set_text(&made, "b", "text", &err), BAKE_OK);
	assert_true(bake_json_find(&made, "b", &value));
	check_status(bake_json_u64(&value, 1, &number, &err), &err, BAKE_ERR_DATA, "json.type");
	assert_non_null(strstr(err.message, "doc:4: /a/b: expected an integer, got a string"));
}

static const struct scenario scenarios[] = {
	{"many members", many_members},
	{"elements by their places", elements_by_place},
	{"a complaint about what is new", a_complaint_about_what_is_new},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(scenarios, play_scenario),
		ROWS(edits, try_edit),
		ROWS(equals, try_equal),
	};

	return run_rows("json/edit", tables, countof(tables));
}
