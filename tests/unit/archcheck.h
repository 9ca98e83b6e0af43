/* SPDX-License-Identifier: Apache-2.0 */
/* Records compared with what is wanted, by the names that they are written with. */
#ifndef UNIT_ARCHCHECK_H
#define UNIT_ARCHCHECK_H

#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

#include "arch/arch.h"

/* The value at a dotted path as text, strings without their quotes; "" when there is none. */
static inline void value_text(
	const struct bake_json *root, const char *dotted, struct bake_buf *out)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(out);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json at[8] = {*root};
	const char *text = NULL;
	char key[64];
	size_t depth = 0;

	for (size_t len; *dotted; dotted += len + (dotted[len] != '\0')) {
		len = strcspn(dotted, ".");
		assert_true(len < sizeof(key) && depth + 1 < countof(at));
		memcpy(key, dotted, len);
		key[len] = '\0';
		/* "field_sources" has dots in its names */
		if (depth == 1 && bake_json_find(&at[depth], dotted, &at[depth + 1]))
			len = strlen(dotted);
		else if (!bake_json_find(&at[depth], key, &at[depth + 1]))
			return;
		depth++;
	}
	if (bake_json_is_string(&at[depth])) {
		assert_int_equal(bake_json_string(&at[depth], &text, &err), BAKE_OK);
		bake_buf_text(out, text);
	} else {
		bake_json_write_value(&writer, &at[depth]);
	}
}

/* want: "num_layers=28;sliding_window=;vision.patch_size=14": after "=" what is written, nothing
 * when the field is absent. "warnings" counts. The record is also the same when it is read back. */
static inline void check_record(const struct bake_arch *arch, const char *want)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_arch_free) struct bake_arch *again = NULL;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(1 << 24);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT(1 << 24);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_json_writer rewriter = BAKE_JSON_WRITER_INIT(&second);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;
	bool good = true;

	bake_arch_write(arch, &writer);
	check_status(
		bake_json_open(bake_buf_span(&text), "record", &doc, &err), &err, BAKE_OK, NULL);
	root = bake_json_root(doc);
	check_status(bake_arch_parse(&root, &again, &err), &err, BAKE_OK, NULL);
	bake_arch_write(again, &rewriter);
	assert_string_equal(text.ptr, second.ptr);
	while (*want) {
		_cleanup_(bake_buf_release) struct bake_buf got = BAKE_BUF_INIT(1 << 20);
		size_t len = strcspn(want, ";");
		size_t name = strcspn(want, "=");
		char path[128];

		assert_true(name < len && name < sizeof(path));
		memcpy(path, want, name);
		path[name] = '\0';
		if (strcmp(path, "warnings") == 0)
			bake_buf_addf(&got, "%zu", arch->warning_count);
		else
			value_text(&root, path, &got);
		if (got.len != len - name - 1 ||
			(got.len && memcmp(got.ptr, want + name + 1, got.len) != 0)) {
			print_error("%s is '%s', wanted '%.*s'\n", path, got.ptr ? got.ptr : "",
				(int)(len - name - 1), want + name + 1);
			good = false;
		}
		want += len + (want[len] != '\0');
	}
	if (!good)
		print_error("%s\n", text.ptr);
	assert_true(good);
}

#endif
