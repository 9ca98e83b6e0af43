/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the place of a model when something went wrong on the way. */
#include "unit/rows.h"

#include <string.h>

#include "format/sniff.h"

enum kind {
	NOTHING,
	POINTER,
	HTML,
	ARCHIVE
};

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct sniff_row {
	const char *name;
	const char *bytes;
	size_t len;
	enum kind want;
} sniffs[] = {
	{"LFS pointer",
		BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"),
		POINTER},
	{"LFS pointer of another version", BYTES("version https://git-lfs.github.com/spec/v2\n"),
		POINTER},
	{"LFS pointer of old", BYTES("version https://hawser.github.com/spec/v1\n"), POINTER},
	{"HTML 5", BYTES("<!DOCTYPE html>\n<html>"), HTML},
	{"small letters", BYTES("<!doctype HTML><title>x"), HTML},
	{"no declaration", BYTES("<html lang=\"en\">"), HTML},
	{"no html", BYTES("<head><title>Login"), HTML},
	{"a comment first", BYTES("<!-- portal --><html>"), HTML},
	{"blanks first", BYTES(" \r\n\t\v\f<HTML>"), HTML},
	{"byte order mark first", BYTES("\xef\xbb\xbf\n<!DOCTYPE html>"), HTML},
	{"zip", BYTES("PK\3\4\24"), ARCHIVE},
	{"empty zip", BYTES("PK\5\6\0"), ARCHIVE},
	{"gzip", BYTES("\x1f\x8b\10"), ARCHIVE},
	{"bzip2", BYTES("BZh91AY"), ARCHIVE},
	{"xz", BYTES("\xfd\x37zXZ\0"), ARCHIVE},
	{"zstd", BYTES("\x28\xb5\x2f\xfd"), ARCHIVE},
	{"7z", BYTES("7z\xbc\xaf\x27\x1c"), ARCHIVE},
	{"rar", BYTES("Rar!\x1a\7\1\0"), ARCHIVE},

	{"nothing", BYTES(""), NOTHING},
	{"cut zip", BYTES("PK\3"), NOTHING},
	{"blanks alone", BYTES("   \n"), NOTHING},
	{"byte order mark alone", BYTES("\xef\xbb\xbf"), NOTHING},
	{"GGUF", BYTES("GGUF\x03\0\0\0"), NOTHING},
	{"safetensors", BYTES("\x40\0\0\0\0\0\0\0{\"__metadata__\""), NOTHING},
	{"JSON", BYTES("{\"a\": \"<html>\"}"), NOTHING},
	{"XML", BYTES("<?xml version=\"1.0\"?><html>"), NOTHING},
	{"HTML further on", BYTES("x<html>"), NOTHING},
	{"NUL first", BYTES("\0<html>"), NOTHING},
	{"cut HTML", BYTES("<htm"), NOTHING},
	{"cut pointer", BYTES("version https://git-lfs.github.com/spec/"), NOTHING},
	{"another version line", BYTES("version 1\n"), NOTHING},
	{"pointer behind a blank", BYTES(" version https://git-lfs.github.com/spec/v1\n"), NOTHING},
};

static void try_sniff(void **state)
{
	const struct sniff_row *row = *state;
	struct bake_span head = bake_span(row->bytes, row->len);
	const char *hint = NULL;
	const char *what = bake_sniff_describe(head, &hint);

	assert_int_equal(bake_sniff_is_lfs_pointer(head), row->want == POINTER);
	assert_int_equal(bake_sniff_is_html(head), row->want == HTML);
	assert_int_equal(what != NULL, row->want != NOTHING);
	assert_int_equal(hint != NULL, row->want != NOTHING);
	if (row->want == POINTER)
		assert_non_null(strstr(what, "LFS pointer"));
	if (row->want == ARCHIVE)
		assert_non_null(strstr(what, "archive"));
	if (row->want == HTML)
		assert_non_null(strstr(what, "HTML"));
}

/* No byte behind the end is looked at: the row's bytes, cut anywhere, are never over-read. */
static void cut_anywhere(void)
{
	static const char text[] = "version https://git-lfs.github.com/spec/v1";

	for (size_t len = 0; len < sizeof(text); len++) {
		_cleanup_free_ char *copy = len ? malloc(len) : NULL;

		if (len) {
			assert_non_null(copy);
			memcpy(copy, text, len);
		}
		assert_int_equal(bake_sniff_is_lfs_pointer(bake_span(copy, len)), len >= 41);
		assert_false(bake_sniff_is_html(bake_span(copy, len)));
	}
}

static const struct scenario others[] = {{"cut anywhere", cut_anywhere}};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(sniffs, try_sniff),
		ROWS(others, play_scenario),
	};

	return run_rows("format/sniff", tables, countof(tables));
}
