/* SPDX-License-Identifier: Apache-2.0 */
/* What is cut out of an index before it is parsed. */
#include "unit/rows.h"

#include <string.h>

#include "index/outline.h"

static const struct row {
	const char *name;
	const char *document;
	const char *want;  /* the outline */
	const char *parts; /* with blanks between them */
	bool odd;
} outlines[] = {
	{"an architecture", "{\"models\": [{\"architecture\": {\"a\": 1}, \"id\": \"x\"}]}",
		"{\"models\": [{\"architecture\": 0, \"id\": \"x\"}]}", "{\"a\": 1}", false},
	{"two models", "{\"models\":[{\"memory\":{}},{\"runtime\":{\"b\":[{}]}}]}",
		"{\"models\":[{\"memory\":0},{\"runtime\":1}]}", "{} {\"b\":[{}]}", false},
	{"braces and quotes in strings",
		"{\"models\":[{\"weights\":{\"a}\\\"}\":\"\\\\\"},\"id\":\"}\"}]}",
		"{\"models\":[{\"weights\":0,\"id\":\"}\"}]}", "{\"a}\\\"}\":\"\\\\\"}", false},
	{"lines are joined", "{\n  \"models\": [\n    {\n      \"id\": \"a  b\"\n    }\n  ]\n}\n",
		"{\"models\": [{\"id\": \"a  b\"}]}", "", false},
	{"a line end in a string stays, to be refused", "{\"models\":[{\"id\":\"a\n  b\"}]}",
		"{\"models\":[{\"id\":\"a\n  b\"}]}", "", false},
	{"not in models", "{\"other\":[{\"weights\":{}}],\"weights\":{}}",
		"{\"other\":[{\"weights\":{}}],\"weights\":{}}", "", false},
	{"models that are no list", "{\"models\":{\"weights\":{}}}",
		"{\"models\":{\"weights\":{}}}", "", false},
	{"deeper in a model", "{\"models\":[{\"other\":{\"weights\":{}}}]}",
		"{\"models\":[{\"other\":{\"weights\":{}}}]}", "", false},
	{"what nobody reads", "{\"models\":[{\"source\":{\"weights\":{}}}]}",
		"{\"models\":[{\"source\":0}]}", "{\"weights\":{}}", false},
	{"a value of that name", "{\"models\":[{\"id\":\"weights\"}]}",
		"{\"models\":[{\"id\":\"weights\"}]}", "", false},
	{"a number is odd", "{\"models\":[{\"weights\":0}]}", "{\"models\":[{\"weights\":0}]}", "",
		true},
	{"a list is odd", "{\"models\":[{\"memory\":[]}]}", "{\"models\":[{\"memory\":[]}]}", "",
		true},
	{"an object without an end",
		"{\"models\":[{\"weights\":{\"a\":", /* is the parser's to refuse */
		"{\"models\":[{\"weights\":{\"a\":", "", false},
	{"a string without an end", "{\"models\":[{\"weights\":{\"a",
		"{\"models\":[{\"weights\":{\"a", "", false},
	{"a backslash at the end", "{\"mod\\", "{\"mod\\", "", false},
	{"too many ends", "]}]}{\"models\"", "]}]}{\"models\"", "", false},
	{"nothing", "", "", "", false},
};

static void try_outline(void **state)
{
	const struct row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_outline outline;
	struct bake_buf parts = BAKE_BUF_INIT(1024);

	check_status(bake_outline_make(bake_span_text(row->document), &outline, &err), &err,
		BAKE_OK, NULL);
	for (size_t i = 0; i < outline.count; i++) {
		bake_buf_text(&parts, i ? " " : "");
		bake_buf_add(&parts, outline.parts[i].ptr, outline.parts[i].len);
	}
	assert_string_equal(outline.text.ptr ? outline.text.ptr : "", row->want);
	assert_string_equal(parts.ptr ? parts.ptr : "", row->parts);
	assert_int_equal(outline.odd, row->odd);
	bake_buf_release(&parts);
	bake_outline_release(&outline);
}

int main(void)
{
	const struct rows tables[] = {ROWS(outlines, try_outline)};

	return run_rows("index/outline", tables, countof(tables));
}
