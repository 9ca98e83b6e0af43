/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a safetensors file: what the reference refuses is refused, and said where. */
#include "unit/rows.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/safetensors.h"

#define TENSOR(name, dtype, shape, begin, end)                                                     \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin      \
	"," #end "]}"
#define A "{" TENSOR("a", "F32", "[2]", 0, 8) "}"

#define D8	    "1,1,1,1,1,1,1,1,"
#define D56	    D8 D8 D8 D8 D8 D8 D8
#define DEEP(c)	    c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define META(value) "{\"__metadata__\":" value "}"

/* The file of that header and as many bytes of data. */
static struct bake_span file_of(struct bake_buf *buf, const char *json, size_t len, size_t data)
{
	uint64_t length = htole64(len);

	bake_buf_add(buf, &length, sizeof(length));
	bake_buf_add(buf, json, len);
	for (size_t i = 0; i < data; i++)
		bake_buf_add(buf, "\x7f", 1);
	return bake_buf_span(buf);
}

static enum bake_status parse(struct bake_span bytes, uint64_t file_bytes,
	struct bake_safetensors **out, struct bake_error *err)
{
	uint64_t need = 0;
	enum bake_status status =
		bake_safetensors_parse(bytes, file_bytes, "m.safetensors", &need, out, err);

	if (status == BAKE_OK && !*out)
		assert_in_range(need, bytes.len + 1, file_bytes);
	return status;
}

static const struct good_row {
	const char *name;
	const char *json;
	size_t data;
	size_t tensors;
	size_t metadata;
	const char *order;   /* names by offset */
	const char *warning; /* NULL: none */
} goods[] = {
	{"one tensor", A, 8, 1, 0, "a", NULL},
	{"written in another order",
		"{" TENSOR("a", "U8", "[3]", 8, 11) "," TENSOR("b", "F64", "[1]", 0, 8) "}", 11, 2,
		0, "ba", NULL},
	{"sorted by begin, then by end",
		"{" TENSOR("a", "U8", "[3]", 0, 3) "," TENSOR("b", "U8", "[0]", 0, 0) "}", 3, 2, 0,
		"ba", "1 tensor without elements"},
	{"a scalar", "{" TENSOR("a", "F16", "[]", 0, 2) "}", 2, 1, 0, "a", NULL},
	{"zero elements", "{" TENSOR("a", "F32", "[4,0,2]", 0, 0) "}", 0, 1, 0, "a",
		"1 tensor without elements"},
	{"many of zero elements in one place",
		"{" TENSOR("b", "F32", "[0]", 0, 0) "," TENSOR("a", "I8", "[0]", 0, 0) "," TENSOR(
			"c", "I8", "[1]", 0, 1) "}",
		1, 3, 0, "bac", "2 tensors without elements"},
	{"zero times more than can be", "{" TENSOR("a", "U8", "[0,18446744073709551615]", 0, 0) "}",
		0, 1, 0, "a", "1 tensor without elements"},
	{"no tensors", "{}", 0, 0, 0, "", "it has no tensors"},
	{"metadata alone", META("{\"format\":\"pt\"}"), 0, 0, 1, "", "it has no tensors"},
	{"empty metadata", META("{}"), 0, 0, 0, "", "it has no tensors"},
	{"blanks behind", A "   \n\t\r ", 8, 1, 0, "a", NULL},
	{"blanks in front", " \n" A, 8, 1, 0, "a", "the header begins with blanks"},
	{"blanks everywhere",
		"{ \"a\" : { \"dtype\" : \"U8\" , \"shape\" : [ 1 , 1 ] ,\n"
		"\"data_offsets\" : [ 0 , 1 ] } }",
		1, 1, 0, "a", NULL},
	{"fields in another order",
		"{\"a\":{\"data_offsets\":[0,1],\"shape\":[1],\"dtype\":"
		"\"BOOL\"}}",
		1, 1, 0, "a", NULL},
	{"escapes in names",
		"{\"\\u0061\":{\"d\\u0074ype\":\"\\u0055\\u0038\",\"shape\":[1],"
		"\"data_offsets\":[0,1]}}",
		1, 1, 0, "a", NULL},
	{"an empty name", "{" TENSOR("", "U8", "[1]", 0, 1) "}", 1, 1, 0, "", NULL},
	{"a name that is a path", "{" TENSOR("../../x", "U8", "[1]", 0, 1) "}", 1, 1, 0, "../../x",
		NULL},
	{"a name of many bytes", "{" TENSOR("\xe2\x82\xac", "U8", "[1]", 0, 1) "}", 1, 1, 0,
		"\xe2\x82\xac", NULL},
	{"data of no alignment",
		"{" TENSOR("a", "U8", "[1]", 0, 1) "," TENSOR("b", "F64", "[1]", 1, 9) "}", 9, 2, 0,
		"ab", NULL},
	{"two four-bit numbers", "{" TENSOR("a", "F4", "[2]", 0, 1) "}", 1, 1, 0, "a", NULL},
	{"four six-bit numbers", "{" TENSOR("a", "F6_E2M3", "[4]", 0, 3) "}", 3, 1, 0, "a", NULL},
	{"64 dimensions", "{" TENSOR("a", "U8", "[" D56 "1,1,1,1,1,1,1,1]", 0, 1) "}", 1, 1, 0, "a",
		NULL},
};

static void try_good(void **state)
{
	const struct good_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(65536);
	_cleanup_(bake_buf_release) struct bake_buf order = BAKE_BUF_INIT(65536);
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	size_t len = strlen(row->json);
	struct bake_span bytes = file_of(&buf, row->json, len, row->data);
	uint64_t at = 0;

	check_status(parse(bytes, bytes.len, &file, &err), &err, BAKE_OK, NULL);
	assert_non_null(file);
	assert_int_equal(file->tensor_count, row->tensors);
	assert_int_equal(file->metadata_count, row->metadata);
	assert_int_equal(file->header_bytes, len);
	assert_int_equal(file->data_offset, len + 8);
	assert_int_equal(file->data_bytes, row->data);
	for (size_t i = 0; i < file->tensor_count; i++) {
		bake_buf_text(&order, file->tensors[i].name);
		assert_int_equal(file->tensors[i].begin, at);
		at = file->tensors[i].end;
	}
	assert_int_equal(at, row->data);
	bake_buf_text(&order, "");
	assert_string_equal(order.ptr ? order.ptr : "", row->order);
	assert_int_equal(file->warning_count, row->warning ? 1 : 0);
	if (row->warning)
		assert_string_equal(file->warnings[0], row->warning);
}

/* No file that ends before its end is taken, be it known how long it should be or not. */
static void try_truncated(void **state)
{
	const struct good_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(65536);
	struct bake_span bytes = file_of(&buf, row->json, strlen(row->json), row->data);

	for (size_t len = 0; len < bytes.len; len++) {
		_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
		_cleanup_free_ void *copy = malloc(len ? len : 1);
		struct bake_error err = BAKE_ERROR_INIT;

		assert_non_null(copy);
		memcpy(copy, bytes.ptr, len);
		assert_int_equal(parse(bake_span(copy, len), len, &file, &err), BAKE_ERR_DATA);
		check_status(err.status, &err, BAKE_ERR_DATA,
			len < bytes.len - row->data ? "st.header" : "st.truncated");
		assert_null(file);
		err = BAKE_ERROR_INIT;
		/* The beginning alone: more is asked for, or the header is all that is needed. */
		check_status(
			parse(bake_span(copy, len), bytes.len, &file, &err), &err, BAKE_OK, NULL);
		assert_int_equal(file != NULL, len >= bytes.len - row->data);
	}
}

static const struct bad_row {
	const char *name;
	const char *json;
	size_t data;
	const char *id;
	const char *says; /* in the message */
} bads[] = {
	{"empty header", "", 0, "st.header", "the text ends"},
	{"one byte", "{", 0, "st.header", "m.safetensors:1: expected a key"},
	{"blanks", "    ", 0, "st.header", "(byte 12)"},
	{"an array", "[]", 0, "st.header", "the header is an array"},
	{"a string", "\"a\"", 0, "st.header", "expected '{'"},
	{"invalid UTF-8 in a name", "{" TENSOR("\xff", "U8", "[1]", 0, 1) "}", 1, "st.header",
		"not UTF-8 (byte 10)"},
	{"invalid UTF-8 in metadata", META("{\"a\":\"\xc0\xaf\"}"), 0, "st.header", "not UTF-8"},
	{"NUL in a name", "{" TENSOR("a\\u0000", "U8", "[1]", 0, 1) "}", 1, "st.header",
		"an escape that means nothing (byte 11)"},
	{"bytes behind the object", A "x", 8, "st.header", "expected nothing more, got 'x'"},
	{"a second object", A "{}", 8, "st.header", "expected nothing more"},
	{"deep nesting", "{\"a\":" DEEP("["), 0, "st.header", "not described by an object"},
	{"deep nesting in an unknown key", "{\"a\":{\"x\":" DEEP("[") DEEP("]") "}}", 0,
		"st.header", "tensor 'a': unknown key 'x'"},
	{"a tensor twice",
		"{" TENSOR("a", "U8", "[1]", 0, 1) "," TENSOR("b", "U8", "[1]", 1, 2) "," TENSOR(
			"a", "U8", "[1]", 2, 3) "}",
		3, "st.header", "tensor 'a' stands twice"},
	{"a tensor twice by an escape",
		"{" TENSOR("a", "U8", "[1]", 0, 1) "," TENSOR("\\u0061", "U8", "[1]", 1, 2) "}", 2,
		"st.header", "tensor 'a' stands twice"},
	{"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "st.header",
		"__metadata__ stands twice"},
	{"a key of metadata twice", META("{\"a\":\"1\",\"a\":\"2\"}"), 0, "st.header",
		"__metadata__ 'a' stands twice"},
	{"a field twice",
		"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":"
		"[0,1]}}",
		1, "st.header", "tensor 'a': its dtype stands twice"},
	{"metadata of a number", META("{\"a\":1}"), 0, "st.header",
		"'a' is an integer, not a string"},
	{"metadata of an object", META("{\"a\":{}}"), 0, "st.header", "'a' is an object"},
	{"metadata of null", META("{\"a\":null}"), 0, "st.header", "'a' is null"},
	{"metadata is a list", META("[]"), 0, "st.header", "__metadata__ is an array"},
	{"metadata is null", META("null"), 0, "st.header", "__metadata__ is null"},
	{"a tensor is a number", "{\"a\":1}", 0, "st.header", "tensor 'a': not described"},
	{"a field too many",
		"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],"
		"\"strides\":[1]}}",
		1, "st.header", "tensor 'a': unknown key 'strides' (byte 60)"},
	{"no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "st.header",
		"tensor 'a'"},
	{"no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "st.header",
		"tensor 'a'"},
	{"no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "st.header", "tensor 'a'"},
	{"nothing described", "{\"a\":{}}", 0, "st.header", "tensor 'a'"},

	{"unknown dtype", "{" TENSOR("a", "F33", "[1]", 0, 4) "}", 4, "st.dtype",
		"tensor 'a': unknown dtype 'F33' (byte 22)"},
	{"small letters", "{" TENSOR("a", "f32", "[1]", 0, 4) "}", 4, "st.dtype", "'f32'"},
	{"empty dtype", "{" TENSOR("a", "", "[1]", 0, 4) "}", 4, "st.dtype", "unknown dtype ''"},
	{"dtype is a number", "{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
		"st.dtype", "tensor 'a'"},
	{"hostile dtype", "{" TENSOR("a", "\xe2\x80\xae", "[1]", 0, 4) "}", 4, "st.dtype",
		"'\\xe2\\x80\\xae'"},

	{"shape is a number", "{" TENSOR("a", "U8", "1", 0, 1) "}", 1, "st.shape", "tensor 'a'"},
	{"shape is null", "{" TENSOR("a", "U8", "null", 0, 1) "}", 1, "st.shape", "tensor 'a'"},
	{"negative dimension", "{" TENSOR("a", "U8", "[-1]", 0, 1) "}", 1, "st.shape",
		"tensor 'a': a dimension"},
	{"fraction in a shape", "{" TENSOR("a", "U8", "[1.0]", 0, 1) "}", 1, "st.shape",
		"tensor 'a'"},
	{"exponent in a shape", "{" TENSOR("a", "U8", "[1e0]", 0, 1) "}", 1, "st.shape",
		"tensor 'a'"},
	{"dimension of 2^64", "{" TENSOR("a", "U8", "[18446744073709551616]", 0, 1) "}", 1,
		"st.shape", "tensor 'a'"},
	{"nested shape", "{" TENSOR("a", "U8", "[[1]]", 0, 1) "}", 1, "st.shape", "tensor 'a'"},
	{"product overflow", "{" TENSOR("a", "U8", "[4294967296,4294967296]", 0, 0) "}", 0,
		"st.shape", "tensor 'a': its dimensions multiply"},
	{"product overflow back to the size",
		"{" TENSOR("a", "U8", "[2,9223372036854775809]", 0, 2) "}", 2, "st.shape",
		"tensor 'a'"},
	{"bits overflow", "{" TENSOR("a", "F64", "[288230376151711744]", 0, 0) "}", 0, "st.shape",
		"tensor 'a'"},
	{"odd count of four bits", "{" TENSOR("a", "F4", "[3]", 0, 2) "}", 2, "st.shape",
		"whole number of bytes"},
	{"three six-bit numbers", "{" TENSOR("a", "F6_E3M2", "[3]", 0, 3) "}", 3, "st.shape",
		"tensor 'a'"},
	{"65 dimensions", "{" TENSOR("a", "U8", "[" D56 "1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1,
		"st.limit", "tensor 'a'"},

	{"offsets swapped", "{" TENSOR("a", "U8", "[1]", 1, 0) "}", 1, "st.offsets",
		"tensor 'a': ends before it begins"},
	{"negative offset", "{" TENSOR("a", "U8", "[1]", -1, 0) "}", 1, "st.offsets", "tensor 'a'"},
	{"fraction as offset", "{" TENSOR("a", "U8", "[1]", 0, 1.0) "}", 1, "st.offsets",
		"tensor 'a'"},
	{"string as offset", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,\"1\"]}}",
		1, "st.offsets", "tensor 'a'"},
	{"one offset", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1]}}", 1,
		"st.offsets", "tensor 'a': its data_offsets are not two"},
	{"three offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1,
		"st.offsets", "tensor 'a': its data_offsets are not two"},
	{"offsets are a number", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":1}}", 1,
		"st.offsets", "tensor 'a'"},
	{"not at 0", "{" TENSOR("a", "U8", "[1]", 1, 2) "}", 2, "st.offsets",
		"tensor 'a': begins at 1 of the data, which begins at 0"},
	{"overlap", "{" TENSOR("a", "U8", "[2]", 0, 2) "," TENSOR("b", "U8", "[2]", 1, 3) "}", 3,
		"st.offsets", "tensor 'b': begins at 1 of the data, the one before ends at 2"},
	{"the same bytes twice",
		"{" TENSOR("a", "U8", "[2]", 0, 2) "," TENSOR("b", "U8", "[2]", 0, 2) "}", 2,
		"st.offsets", "tensor 'b'"},
	{"gap", "{" TENSOR("a", "U8", "[2]", 0, 2) "," TENSOR("b", "U8", "[2]", 3, 5) "}", 5,
		"st.offsets", "tensor 'b': begins at 3"},
	{"smaller than its shape", "{" TENSOR("a", "F32", "[2]", 0, 4) "}", 4, "st.offsets",
		"tensor 'a': 4 bytes are described, its shape takes 8"},
	{"bytes behind the last", A, 9, "st.offsets", "1 bytes behind the last tensor 'a'"},
	{"bytes and no tensors", "{}", 4, "st.offsets", "4 bytes behind"},
	{"end far behind the file",
		"{" TENSOR("a", "U8", "[1152921504606846976]", 0, 1152921504606846976) "}", 1,
		"st.truncated", "tensor 'a'"},

	{"a byte is missing", A, 7, "st.truncated", "tensor 'a': ends at 8 of the data"},
	{"all bytes are missing", A, 0, "st.truncated", "tensor 'a'"},
};

static void try_bad(void **state)
{
	const struct bad_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(65536);
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span bytes = file_of(&buf, row->json, strlen(row->json), row->data);

	check_status(parse(bytes, bytes.len, &file, &err), &err, BAKE_ERR_DATA, row->id);
	assert_null(file);
	assert_int_equal(strncmp(err.message, "m.safetensors", 13), 0);
	if (!strstr(err.message, row->says))
		print_error("\"%s\" is not in \"%s\"\n", row->says, err.message);
	assert_non_null(strstr(err.message, row->says));
}

static const struct length_row {
	const char *name;
	uint64_t length;
	uint64_t file_bytes;
	const char *id; /* NULL: more is asked for */
	uint64_t need;
} lengths[] = {
	{"header of 2^64-1", UINT64_MAX, 100, "st.header", 0},
	{"header of 2^64-8", UINT64_MAX - 7, 100, "st.header", 0},
	{"header of 2^63", (uint64_t)1 << 63, 100, "st.header", 0},
	{"header over the limit", 100000001, UINT64_MAX, "st.header", 0},
	{"header at the limit", 100000000, UINT64_MAX, NULL, 100000008},
	{"header at the limit, file too short", 100000000, 100000007, "st.header", 0},
	{"header longer than the file", 93, 100, "st.header", 0},
	{"header as long as the file", 92, 100, NULL, 100},
};

static void try_length(void **state)
{
	const struct length_row *row = *state;
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t length = htole64(row->length);
	uint64_t need = 0;
	enum bake_status got = bake_safetensors_parse(
		bake_span(&length, sizeof(length)), row->file_bytes, "m", &need, &file, &err);

	check_status(got, &err, row->id ? BAKE_ERR_DATA : BAKE_OK, row->id);
	assert_null(file);
	assert_int_equal(need, row->need);
}

static void what_is_in_it(void)
{
	static const char json[] = "{\"__metadata__\":{\"format\":\"pt\",\"config\":\"{\\\"a\\\": "
				   "1}\",\"\":\"\"}," TENSOR("w", "BF16", "[2,3]", 0, 12) "}";
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(65536);
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span bytes = file_of(&buf, json, sizeof(json) - 1, 12);

	check_status(parse(bytes, bytes.len, &file, &err), &err, BAKE_OK, NULL);
	/* Nothing is borrowed. */
	memset(buf.ptr, 'x', buf.len);
	assert_int_equal(file->tensors[0].dtype, BAKE_DTYPE_BF16);
	assert_int_equal(file->tensors[0].rank, 2);
	assert_int_equal(file->tensors[0].shape[0], 2);
	assert_int_equal(file->tensors[0].shape[1], 3);
	assert_int_equal(file->tensors[0].elements, 6);
	assert_int_equal(file->tensors[0].end, 12);
	assert_string_equal(file->metadata[0].key, "format");
	assert_string_equal(bake_safetensors_metadata(file, "config"), "{\"a\": 1}");
	assert_string_equal(bake_safetensors_metadata(file, ""), "");
	assert_null(bake_safetensors_metadata(file, "Format"));
}

/* As many entries of that value as keys of a header. */
static struct bake_span many(struct bake_buf *buf, const char *value, size_t count)
{
	_cleanup_(bake_buf_release) struct bake_buf json = BAKE_BUF_INIT(100000000);

	bake_buf_text(&json, "{");
	for (size_t i = 0; i < count; i++)
		bake_buf_addf(&json, "%s\"%zu\":%s", i ? "," : "", i, value);
	bake_buf_text(&json, "}");
	return file_of(buf, json.ptr, json.len, 0);
}

static void limits(void)
{
	static const char empty[] = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(200000000);
	_cleanup_(bake_safetensors_free) struct bake_safetensors *file = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span bytes = many(&buf, empty, BAKE_ST_TENSORS_MAX);

	check_status(parse(bytes, bytes.len, &file, &err), &err, BAKE_OK, NULL);
	assert_int_equal(file->tensor_count, BAKE_ST_TENSORS_MAX);
	bake_safetensors_free(&file);
	bake_buf_clear(&buf);
	bytes = many(&buf, empty, BAKE_ST_TENSORS_MAX + 1);
	check_status(parse(bytes, bytes.len, &file, &err), &err, BAKE_ERR_DATA, "st.limit");
}

static const struct scenario others[] = {
	{"what is in it", what_is_in_it},
	{"a million tensors, and one more", limits},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(goods, try_good),
		ROWS(goods, try_truncated),
		ROWS(bads, try_bad),
		ROWS(lengths, try_length),
		ROWS(others, play_scenario),
	};

	return run_rows("format/safetensors", tables, countof(tables));
}
