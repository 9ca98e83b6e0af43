/* SPDX-License-Identifier: Apache-2.0 */
/* Shard indexes: what they may say, and what they say against what is in the files. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/shards.h"

static const struct index_row {
	const char *name;
	const char *text;
	const char *want; /* "file: tensor tensor; file: ..." */
	uint64_t total_size;
	bool has_total_size;
	const char *warning;
} indexes[] = {
	{"as it is written",
		"{\"metadata\": {\"total_size\": 24}, \"weight_map\": {\"a\": "
		"\"m-00001-of-00002.safetensors\", \"b\": \"m-00002-of-00002.safetensors\"}}\n",
		"m-00001-of-00002.safetensors: a; m-00002-of-00002.safetensors: b; ", 24, true,
		NULL},
	{"sorted by file, then tensor",
		"{\"weight_map\":{\"z\":\"2\",\"c\":\"1\",\"a\":\"2\",\"b\":\"1\"}}",
		"1: b c; 2: a z; ", 0, false, NULL},
	{"more fields",
		"{\"x\":[{\"weight_map\":1}],\"metadata\":{\"total_parameters\":3,\"y\":{\"total_"
		"size\":1},\"total_size\":4},\"weight_map\":{\"a\":\"f\"},\"z\":null}",
		"f: a; ", 4, true, NULL},
	{"total_size of 2^64-1",
		"{\"metadata\":{\"total_size\":18446744073709551615},\"weight_map\":{\"a\":\"f\"}}",
		"f: a; ", UINT64_MAX, true, NULL},
	{"total_size with a point",
		"{\"metadata\":{\"total_size\":4.0},\"weight_map\":{\"a\":\"f\"}}", "f: a; ", 0,
		false, "its total_size is no integer"},
	{"total_size is a text",
		"{\"metadata\":{\"total_size\":\"4\"},\"weight_map\":{\"a\":\"f\"}}", "f: a; ", 0,
		false, "its total_size is no integer"},
	{"total_size is negative",
		"{\"metadata\":{\"total_size\":-1},\"weight_map\":{\"a\":\"f\"}}", "f: a; ", 0,
		false, "its total_size is no integer"},
	{"total_size is a list",
		"{\"metadata\":{\"total_size\":[1,{}]},\"weight_map\":{\"a\":\"f\"}}", "f: a; ", 0,
		false, "its total_size is no integer"},
	{"no metadata", "{\"weight_map\":{\"a\":\"f\"}}", "f: a; ", 0, false, NULL},
	{"metadata is null", "{\"metadata\":null,\"weight_map\":{\"a\":\"f\"}}", "f: a; ", 0, false,
		"its metadata is no object"},
	{"an empty map", "{\"weight_map\":{}}", "", 0, false, "its weight_map is empty"},
	{"escapes", "{\"weight\\u005fmap\":{\"\\u0061\":\"\\u0066\",\"b\":\"f\"}}", "f: a b; ", 0,
		false, NULL},
	{"a tensor's name is a path", "{\"weight_map\":{\"../a\":\"f\"}}", "f: ../a; ", 0, false,
		NULL},
};

static void try_index(void **state)
{
	const struct index_row *row = *state;
	_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
	_cleanup_(bake_buf_release) struct bake_buf got = BAKE_BUF_INIT(65536);
	struct bake_error err = BAKE_ERROR_INIT;
	size_t at = 0;

	check_status(bake_shards_parse(bake_span_text(row->text), "i.json", &shards, &err), &err,
		BAKE_OK, NULL);
	bake_buf_text(&got, "");
	for (size_t i = 0; i < shards->file_count; i++) {
		bake_buf_addf(&got, "%s:", shards->files[i]);
		for (; at < shards->entry_count && shards->entries[at].file == i; at++)
			bake_buf_addf(&got, " %s", shards->entries[at].tensor);
		bake_buf_text(&got, "; ");
	}
	assert_int_equal(at, shards->entry_count);
	assert_string_equal(got.ptr ? got.ptr : "", row->want);
	assert_int_equal(shards->has_total_size, row->has_total_size);
	assert_int_equal(shards->total_size, row->total_size);
	assert_int_equal(shards->warning_count, row->warning ? 1 : 0);
	if (row->warning)
		assert_string_equal(shards->warnings[0], row->warning);
}

/* No index that ends before its end is taken. */
static void try_truncated(void **state)
{
	const struct index_row *row = *state;
	size_t whole = strlen(row->text);

	while (row->text[whole - 1] != '}')
		whole--;
	for (size_t len = 0; len < whole; len++) {
		_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
		_cleanup_free_ void *copy = malloc(len ? len : 1);
		struct bake_error err = BAKE_ERROR_INIT;

		assert_non_null(copy);
		memcpy(copy, row->text, len);
		check_status(bake_shards_parse(bake_span(copy, len), "i.json", &shards, &err), &err,
			BAKE_ERR_DATA, "json.syntax");
		assert_null(shards);
	}
}

#define MAP(members) "{\"weight_map\":{" members "}}"

static const struct bad_row {
	const char *name;
	const char *text;
	const char *id;
	const char *says;
} bads[] = {
	{"not JSON", "weights", "json.syntax", "i.json:1: "},
	{"a comma too many", MAP("\"a\":\"f\","), "json.syntax", "expected a key"},
	{"text behind", MAP("\"a\":\"f\"") "\n{}", "json.syntax", "i.json:2: "},
	{"deep", "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "json.depth", "deeper than 32"},
	{"an array", "[]", "shard.index", "an object"},
	{"an empty object", "{}", "shard.index", "no weight_map"},
	{"weight_map is null", "{\"weight_map\":null}", "shard.index", "weight_map is no object"},
	{"weight_map is a list", "{\"weight_map\":[\"a\"]}", "shard.index", "weight_map"},
	{"weight_map further in", "{\"x\":{\"weight_map\":{}}}", "shard.index", "no weight_map"},
	{"a file is a number", MAP("\"a\":\"f\",\n\"b\":1"), "shard.index",
		"i.json:2: the file of tensor 'b' is an integer"},
	{"a file is null", MAP("\"a\":null"), "shard.index", "tensor 'a' is null"},
	{"a file is an object", MAP("\"a\":{}"), "shard.index", "tensor 'a' is an object"},
	{"weight_map twice", "{\"weight_map\":{},\"weight_map\":{}}", "json.duplicate-key",
		"'weight_map' stands twice"},
	{"metadata twice", "{\"metadata\":{},\"metadata\":{},\"weight_map\":{}}",
		"json.duplicate-key", "'metadata'"},
	{"total_size twice", "{\"metadata\":{\"total_size\":1,\"total_size\":2},\"weight_map\":{}}",
		"json.duplicate-key", "'total_size'"},
	{"a tensor twice in one file", MAP("\"a\":\"f\",\"a\":\"f\""), "json.duplicate-key",
		"tensor 'a' stands twice"},
	{"a tensor in two files", MAP("\"a\":\"f\",\"b\":\"f\",\"a\":\"g\""), "json.duplicate-key",
		"tensor 'a' stands twice"},
	{"a file above", MAP("\"a\":\"../f\""), "shard.path", "'../f' is no plain file name"},
	{"a file below", MAP("\"a\":\"d/f\""), "shard.path", "'d/f'"},
	{"an absolute file", MAP("\"a\":\"/etc/passwd\""), "shard.path", "'/etc/passwd'"},
	{"a backslash", MAP("\"a\":\"..\\\\f\""), "shard.path", "f' is no plain file name"},
	{"the directory", MAP("\"a\":\".\""), "shard.path", "'.'"},
	{"the directory above", MAP("\"a\":\"..\""), "shard.path", "'..'"},
	{"above by an escape", MAP("\"a\":\"\\u002e\\u002e\\u002ff\""), "shard.path", "'../f'"},
	{"no name", MAP("\"a\":\"\""), "shard.path", "''"},
	{"a drive", MAP("\"a\":\"C:f\""), "shard.path", "'C:f'"},
	{"a line in a name", MAP("\"a\":\"f\\ng\""), "shard.path", "'f\\x0ag'"},
	{"NUL in a name", MAP("\"a\":\"f\\u0000\""), "json.syntax", "means nothing"},
};

static void try_bad(void **state)
{
	const struct bad_row *row = *state;
	_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_shards_parse(bake_span_text(row->text), "i.json", &shards, &err), &err,
		BAKE_ERR_DATA, row->id);
	assert_null(shards);
	if (!strstr(err.message, row->says))
		print_error("\"%s\" is not in \"%s\"\n", row->says, err.message);
	assert_non_null(strstr(err.message, row->says));
}

static const struct name_row {
	const char *name;
	const char *path;
	bool want;
} names[] = {
	{"transformers", "model.safetensors.index.json", true},
	{"diffusers", "transformer/diffusion_pytorch_model.safetensors.index.json", true},
	{"of a variant", "model.fp16.safetensors.index.json", true},
	{"of a variant, behind", "model.safetensors.index.fp16.json", true},
	{"of a variant, between", "unet/diffusion_pytorch_model.safetensors.fp16.index.json", true},
	{"of two variants", "model.safetensors.index.a.b.json", false},
	{"of an empty variant", "model.safetensors.index..json", false},
	{"of an empty variant, between", "model.safetensors..index.json", false},
	{"a file beside it", "model.safetensors.json", false},
	{"another ending", "model.safetensors.index.json.bak", false},
	{"the weights", "model-00001-of-00002.safetensors", false},
	{"no stem", ".safetensors.index.json", false},
	{"no stem in a directory", "a/.safetensors.index.json", false},
	{"of pickles", "pytorch_model.bin.index.json", false},
	{"a directory", "model.safetensors.index.json/", false},
	{"empty", "", false},
};

static void try_name(void **state)
{
	const struct name_row *row = *state;

	assert_int_equal(bake_shards_is_index(row->path), row->want);
}

/* Files a, b, ... with tensors of one byte, whose names are one letter each. */
static const struct check_row {
	const char *name;
	const char *index;
	const char *files[3];
	const char *id;
	const char *says;
	bool stale;
} checks[] = {
	{"complete", MAP("\"x\":\"a\",\"y\":\"b\",\"z\":\"a\""), {"zx", "y"}, NULL, NULL, false},
	{"with its size",
		"{\"metadata\":{\"total_size\":3},\"weight_map\":{\"x\":\"a\",\"y\":"
		"\"b\",\"z\":\"a\"}}",
		{"zx", "y"}, NULL, NULL, false},
	{"a stale size", "{\"metadata\":{\"total_size\":4},\"weight_map\":{\"x\":\"a\"}}", {"x"},
		NULL, NULL, true},
	{"an empty map", MAP(""), {NULL}, NULL, NULL, false},
	{"one is missing", MAP("\"x\":\"a\",\"y\":\"a\""), {"y"}, "shard.missing-tensor",
		"i: tensor 'x' is not in 'a'", false},
	{"the last is missing", MAP("\"x\":\"a\",\"y\":\"a\""), {"x"}, "shard.missing-tensor",
		"tensor 'y' is not in 'a'", false},
	{"an empty file", MAP("\"x\":\"a\",\"y\":\"b\""), {"x", ""}, "shard.missing-tensor",
		"tensor 'y' is not in 'b'", false},
	{"in another file", MAP("\"w\":\"a\",\"x\":\"b\",\"y\":\"b\""), {"wx", "y"},
		"shard.missing-tensor", "tensor 'x' is not in 'b'", false},
	{"the files are swapped", MAP("\"x\":\"a\",\"y\":\"b\""), {"y", "x"},
		"shard.missing-tensor", "tensor 'x' is not in 'a'", false},
	{"one too many", MAP("\"x\":\"a\""), {"xy"}, "shard.extra-tensor",
		"tensor 'y' of 'a' is not in the index", false},
	{"one too many in front", MAP("\"x\":\"a\""), {"xw"}, "shard.extra-tensor",
		"tensor 'w' of 'a'", false},
	{"in two files, the second", MAP("\"x\":\"a\",\"y\":\"b\""), {"x", "xy"}, "shard.duplicate",
		"tensor 'x' is in 'a' and in 'b'", false},
	{"in two files, the first", MAP("\"x\":\"a\",\"y\":\"b\""), {"xy", "y"}, "shard.duplicate",
		"tensor 'y' is in 'b' and in 'a'", false},
	{"in two files and unknown", MAP("\"x\":\"a\",\"y\":\"b\""), {"xz", "yz"},
		"shard.extra-tensor", "tensor 'z' of 'a'", false},
};

static struct bake_safetensors *header_of(const char *tensors)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(65536);
	struct bake_safetensors *header = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	size_t count = strlen(tensors);
	uint64_t need = 0;

	bake_buf_add(&buf, "\0\0\0\0\0\0\0\0{", 9);
	for (size_t i = 0; i < count; i++)
		bake_buf_addf(&buf,
			"%s\"%c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
			i ? "," : "", tensors[i], i, i + 1);
	bake_buf_text(&buf, "}");
	buf.ptr[0] = (char)((buf.len - 8) & 0xff);
	buf.ptr[1] = (char)((buf.len - 8) >> 8);
	assert_int_equal(bake_safetensors_parse(
				 bake_buf_span(&buf), buf.len + count, "s", &need, &header, &err),
		BAKE_OK);
	return header;
}

static void try_check(void **state)
{
	const struct check_row *row = *state;
	_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
	struct bake_safetensors *headers[3] = {NULL};
	struct bake_error err = BAKE_ERROR_INIT;
	bool stale = false;

	assert_int_equal(
		bake_shards_parse(bake_span_text(row->index), "i", &shards, &err), BAKE_OK);
	for (size_t i = 0; i < countof(headers) && row->files[i]; i++)
		headers[i] = header_of(row->files[i]);
	check_status(bake_shards_check(shards, "i", (const struct bake_safetensors *const *)headers,
			     &stale, &err),
		&err, row->id ? BAKE_ERR_DATA : BAKE_OK, row->id);
	if (row->id && !strstr(err.message, row->says))
		print_error("\"%s\" is not in \"%s\"\n", row->says, err.message);
	if (row->id)
		assert_non_null(strstr(err.message, row->says));
	assert_int_equal(stale, row->stale);
	for (size_t i = 0; i < countof(headers); i++)
		bake_safetensors_free(&headers[i]);
}

/* An index of as many entries, each in the next of so many files. */
static void write_index(struct bake_buf *buf, size_t entries, size_t files)
{
	bake_buf_clear(buf);
	bake_buf_text(buf, "{\"weight_map\":{");
	for (size_t i = 0; i < entries; i++)
		bake_buf_addf(buf, "%s\"%zu\":\"f%zu\"", i ? "," : "", i, i % files);
	bake_buf_text(buf, "}}");
}

static void limits(void)
{
	static const struct {
		size_t entries;
		size_t files;
		bool good;
	} tries[] = {
		{1000000, BAKE_SHARDS_MAX, true},
		{1000001, 1, false},
		{BAKE_SHARDS_MAX + 1, BAKE_SHARDS_MAX + 1, false},
	};
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(100000000);

	for (size_t i = 0; i < countof(tries); i++) {
		_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
		struct bake_error err = BAKE_ERROR_INIT;

		write_index(&buf, tries[i].entries, tries[i].files);
		check_status(bake_shards_parse(bake_buf_span(&buf), "i", &shards, &err), &err,
			tries[i].good ? BAKE_OK : BAKE_ERR_DATA, "shard.limit");
		if (tries[i].good)
			assert_int_equal(shards->file_count, tries[i].files);
	}
}

static void too_large(void)
{
	struct bake_shards *shards = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	/* Its length is looked at first: there need be no bytes. */
	check_status(bake_shards_parse(
			     bake_span("{", (size_t)BAKE_SHARDS_BYTES_MAX + 1), "i", &shards, &err),
		&err, BAKE_ERR_DATA, "shard.limit");
}

static const struct scenario others[] = {
	{"a million tensors, and one more", limits},
	{"a document too large", too_large},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(indexes, try_index),
		ROWS(indexes, try_truncated),
		ROWS(bads, try_bad),
		ROWS(names, try_name),
		ROWS(checks, try_check),
		ROWS(others, play_scenario),
	};

	return run_rows("format/shards", tables, countof(tables));
}
