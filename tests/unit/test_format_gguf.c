/* SPDX-License-Identifier: Apache-2.0 */
/* The GGUF header reader: what it takes, what it refuses, and where it says that the fault is. */
#include "unit/rows.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "format/gguf.h"
#include "unit/gguf_maker.h"

#define DIMS(...) (uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

/* The file that most rows change in one place. Where things are in it: */
enum {
	VERSION = 4,
	TENSORS = 8,
	KEYS = 16,
	ALIGNMENT = 24, /* general.alignment = u32 32 */
	ALIGNMENT_KIND = 49,
	ALIGNMENT_VALUE = 53,
	FLAG = 57, /* a.flag = bool 1 */
	FLAG_KIND = 71,
	FLAG_VALUE = 75,
	LIST = 76, /* a.list = [i32 4, 2] */
	LIST_ELEMENT = 94,
	LIST_COUNT = 98,
	NAME = 114, /* a.name = "demo" */
	NAME_LENGTH = 132,
	TEXTS = 144, /* a.texts = ["x", "yz"] */
	TEXTS_ELEMENT = 163,
	TEXTS_COUNT = 167,
	TEXTS_SECOND = 184,
	FIRST = 194, /* t.a: q4_0 32 x 2 at 0: 36 bytes */
	FIRST_RANK = 205,
	FIRST_DIM = 209,
	FIRST_DIM_1 = 217,
	FIRST_TYPE = 225,
	FIRST_OFFSET = 229,
	SECOND = 237, /* t.b: f32 3 at 64: 12 bytes */
	SECOND_DIM = 252,
	SECOND_TYPE = 260,
	SECOND_OFFSET = 264,
	HEADER = 272,
	DATA = 288,
	FILE_BYTES = 364
};

static void add_base(struct gguf_maker *maker)
{
	gguf_u32(maker, "general.alignment", 32);
	gguf_bool(maker, "a.flag", true);
	gguf_numbers(maker, "a.list", BAKE_GGUF_I32, DIMS(4, 2));
	gguf_text(maker, "a.name", "demo");
	gguf_texts(maker, "a.texts", (const char *const[]){"x", "yz"}, 2);
	gguf_tensor(maker, "t.a", 2, DIMS(32, 2));
	gguf_tensor(maker, "t.b", 0, DIMS(3));
}

/* Parses a copy that ends where it ends, so that reading on is seen. The caller frees *out_copy,
 * from which *out borrows. */
static enum bake_status parse(struct bake_span head, uint64_t file_bytes, enum bake_gguf_mode mode,
	uint64_t *out_need, uint8_t **out_copy, struct bake_gguf **out, struct bake_error *err)
{
	*out_copy = malloc(head.len + 1);
	assert_non_null(*out_copy);
	if (head.len)
		memcpy(*out_copy, head.ptr, head.len);
	*out_copy = realloc(*out_copy, head.len ? head.len : 1);
	assert_non_null(*out_copy);
	return bake_gguf_parse(
		bake_span(*out_copy, head.len), file_bytes, "m.gguf", mode, out_need, out, err);
}

static void check_refused(struct bake_span file, enum bake_gguf_mode mode, const char *id,
	uint64_t at, const char *text)
{
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	_cleanup_free_ uint8_t *copy = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t need = 0;
	char offset[64];
	enum bake_status status = parse(file, file.len, mode, &need, &copy, &gguf, &err);

	check_status(status, &err, BAKE_ERR_DATA, id);
	assert_null(gguf);
	(void)snprintf(offset, sizeof(offset), "m.gguf: at byte %" PRIu64 ": ", at);
	if (strncmp(err.message, offset, strlen(offset)) != 0 || !strstr(err.message, text))
		print_error("want '%s' and '%s': %s\n", offset, text, err.message);
	assert_memory_equal(err.message, offset, strlen(offset));
	assert_non_null(strstr(err.message, text));
}

/* Tensors are within the file, one behind the other. */
static void check_places(const struct bake_gguf *gguf)
{
	uint64_t last = 0;

	assert_true(gguf->header_bytes <= gguf->file_bytes);
	assert_true(gguf->tensor_count == 0 || gguf->data_offset <= gguf->file_bytes);
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct bake_gguf_tensor *tensor = &gguf->tensors[i];

		assert_true(tensor->offset >= last);
		assert_true(tensor->offset % gguf->alignment == 0);
		last = tensor->offset + tensor->bytes;
		assert_true(last >= tensor->offset);
		assert_true(last <= gguf->file_bytes - gguf->data_offset);
	}
	assert_int_equal(gguf->data_bytes, last);
}

#define U64_MAX UINT64_MAX
#define I64_MIN ((uint64_t)1 << 63)

/* One number of the file is another. */
static const struct bad_row {
	const char *name;
	struct {
		size_t at;
		size_t width;
		uint64_t value;
	} change;
	const char *id;
	uint64_t at;
	const char *text;
} bads[] = {
	{"no magic", {0, 4, 0}, "gguf.magic", 0, "\\x00\\x00\\x00\\x00"},
	{"ggml magic", {0, 4, 0x67676d6c}, "gguf.magic", 0, "legacy format ggml"},
	{"ggmf magic", {0, 4, 0x67676d66}, "gguf.magic", 0, "legacy format ggmf"},
	{"ggjt magic", {0, 4, 0x67676a74}, "gguf.magic", 0, "legacy format ggjt"},
	{"swapped magic", {0, 4, 0x47475546}, "gguf.magic", 0, "byte order"},
	{"version 0", {VERSION, 4, 0}, "gguf.version", 4, "version 0"},
	{"version 1", {VERSION, 4, 1}, "gguf.version", 4, "version 1"},
	{"version 4", {VERSION, 4, 4}, "gguf.version", 4, "version 4"},
	{"big-endian version", {VERSION, 4, 0x03000000}, "gguf.version", 4, "big-endian"},
	{"big-endian version 4", {VERSION, 4, 0x04000000}, "gguf.version", 4, "big-endian"},

	{"2^63 tensors", {TENSORS, 8, I64_MIN}, "gguf.count", 8, "9223372036854775808 tensors"},
	{"-1 tensors", {TENSORS, 8, U64_MAX}, "gguf.count", 8, ""},
	{"-1 keys", {KEYS, 8, U64_MAX}, "gguf.count", 8, ""},
	{"2^63 keys", {KEYS, 8, I64_MIN}, "gguf.count", 8, "9223372036854775808 keys"},
	{"more tensors than bytes", {TENSORS, 8, 12}, "gguf.count", 8, "12 tensors"},
	{"more keys than bytes", {KEYS, 8, 22}, "gguf.count", 8, "22 keys"},
	{"a tensor too many", {TENSORS, 8, 3}, "gguf.bounds", SECOND, ""},
	{"a key too many", {KEYS, 8, 6}, "gguf.tensor", 211, "a string of"},

	{"empty key", {FLAG, 8, 0}, "gguf.key", FLAG, "empty"},
	{"key of 2^64-1", {FLAG, 8, U64_MAX}, "gguf.key", FLAG, "18446744073709551615"},
	{"key of 65536", {FLAG, 8, 65536}, "gguf.key", FLAG, "65536"},
	{"key past the end", {FLAG, 8, 65535}, "gguf.truncated", FLAG + 8, "65535"},
	{"key not UTF-8", {FLAG + 9, 1, 0xff}, "gguf.key", FLAG, "'a\\xffflag': the name is not"},
	{"NUL in a key", {FLAG + 9, 1, 0}, "gguf.key", FLAG, "key 'a\\x00flag': a NUL"},
	{"key twice", {LIST + 10, 4, 0x67616c66}, "gguf.key", LIST, "key 'a.flag': stands"},
	{"value of type 13", {FLAG_KIND, 4, 13}, "gguf.type", FLAG_KIND, "'a.flag'"},
	{"value of type -1", {FLAG_KIND, 4, UINT32_MAX}, "gguf.type", FLAG_KIND, "4294967295"},
	{"bool of 2", {FLAG_VALUE, 1, 2}, "gguf.type", FLAG_VALUE, "key 'a.flag': a bool"},
	{"string of 2^64-1", {NAME_LENGTH, 8, U64_MAX}, "gguf.string", NAME_LENGTH, "'a.name'"},
	{"string of 64 MiB and one", {NAME_LENGTH, 8, BAKE_GGUF_STRING_MAX + 1}, "gguf.string",
		NAME_LENGTH, ""},
	{"string past the end", {NAME_LENGTH, 8, 225}, "gguf.truncated", 140, "224 are left"},
	{"array of 2^62", {LIST_COUNT, 8, (uint64_t)1 << 62}, "gguf.array", LIST_COUNT, "'a.list'"},
	{"array of 2^63", {LIST_COUNT, 8, I64_MIN}, "gguf.array", LIST_COUNT, ""},
	{"array past the end", {LIST_COUNT, 8, 65}, "gguf.truncated", 106, "260 bytes"},
	{"array of strings of 2^62", {TEXTS_COUNT, 8, (uint64_t)1 << 62}, "gguf.array", TEXTS_COUNT,
		"'a.texts'"},
	{"more strings than bytes", {TEXTS_COUNT, 8, 24}, "gguf.truncated", 175, "192 bytes"},
	{"string in an array of 2^64-1", {TEXTS_SECOND, 8, U64_MAX}, "gguf.string", TEXTS_SECOND,
		"'a.texts'"},
	{"array of arrays", {LIST_ELEMENT, 4, BAKE_GGUF_ARRAY}, "gguf.array", 94, "of arrays"},
	{"array of type 13", {LIST_ELEMENT, 4, 13}, "gguf.type", LIST_ELEMENT, "'a.list'"},
	{"array of bools of 4", {LIST_ELEMENT, 4, BAKE_GGUF_BOOL}, "gguf.type", 106,
		"neither 0 nor 1"},

	{"alignment 0", {ALIGNMENT_VALUE, 4, 0}, "gguf.alignment", ALIGNMENT, "0 is no power"},
	{"alignment 13", {ALIGNMENT_VALUE, 4, 13}, "gguf.alignment", ALIGNMENT, "13 is no"},
	{"alignment 2 MiB", {ALIGNMENT_VALUE, 4, 1 << 21}, "gguf.alignment", ALIGNMENT, ""},
	{"alignment 2^31", {ALIGNMENT_VALUE, 4, 1U << 31}, "gguf.alignment", ALIGNMENT, ""},
	{"alignment as i32", {ALIGNMENT_KIND, 4, BAKE_GGUF_I32}, "gguf.alignment", ALIGNMENT,
		"i32"},
	{"alignment as f32", {ALIGNMENT_KIND, 4, BAKE_GGUF_F32}, "gguf.alignment", ALIGNMENT,
		"key 'general.alignment': f32"},

	{"name of 1025", {FIRST, 8, 1025}, "gguf.tensor", FIRST, "1025"},
	{"name past the end", {SECOND, 8, 120}, "gguf.truncated", SECOND + 8, ""},
	{"name not UTF-8", {FIRST + 8, 1, 0xc0}, "gguf.tensor", FIRST, "'\\xc0.a': the name"},
	{"NUL in a name", {FIRST + 8, 1, 0}, "gguf.tensor", FIRST, "NUL"},
	{"name twice", {SECOND + 10, 1, 'a'}, "gguf.tensor", SECOND, "tensor 't.a': stands"},
	{"6 dimensions", {FIRST_RANK, 4, 6}, "gguf.tensor", FIRST_RANK, "6 dimensions"},
	{"2^32-1 dimensions", {FIRST_RANK, 4, UINT32_MAX}, "gguf.tensor", FIRST_RANK, "'t.a'"},
	{"dimension of -1", {FIRST_DIM, 8, U64_MAX}, "gguf.tensor", FIRST_DIM, "dimension 0"},
	{"dimension of -2^63", {FIRST_DIM_1, 8, I64_MIN}, "gguf.tensor", FIRST_DIM_1,
		"dimension 1"},
	{"dimension of 2^63-1", {FIRST_DIM, 8, INT64_MAX}, "gguf.tensor", FIRST_DIM, ""},
	{"product of 2^63", {FIRST_DIM_1, 8, (uint64_t)1 << 58}, "gguf.tensor", FIRST_DIM_1, ""},
	{"product at ggml's limit", {FIRST_DIM, 8, INT64_MAX / 2}, "gguf.tensor", FIRST_DIM_1, ""},
	{"product below it", {FIRST_DIM, 8, INT64_MAX / 2 - 1}, "gguf.tensor", FIRST_TYPE, ""},
	{"bytes over 2^64", {SECOND_DIM, 8, INT64_MAX - 1}, "gguf.tensor", SECOND_TYPE, "'t.b'"},
	{"row of half a block", {FIRST_DIM, 8, 48}, "gguf.tensor", FIRST_TYPE, "rows of 48"},
	{"row of 0 blocks and 31", {FIRST_DIM, 8, 31}, "gguf.tensor", FIRST_TYPE, "q4_0"},
	{"type 4, removed", {FIRST_TYPE, 4, 4}, "gguf.tensor", FIRST_TYPE,
		"type 4 q4_2 is removed, requantise from Q4_0"},
	{"type 33, removed", {FIRST_TYPE, 4, 33}, "gguf.tensor", FIRST_TYPE, "q4_0_8_8 is removed"},
	{"type 38, removed", {FIRST_TYPE, 4, 38}, "gguf.tensor", FIRST_TYPE, "iq4_nl_8_8"},
	{"type 43, unknown", {FIRST_TYPE, 4, 43}, "gguf.tensor", FIRST_TYPE, "type 43 is unknown"},
	{"type -1", {FIRST_TYPE, 4, UINT32_MAX}, "gguf.tensor", FIRST_TYPE, "4294967295"},

	{"first not at 0", {FIRST_OFFSET, 8, 32}, "gguf.bounds", FIRST, "tensor 't.a': its offset"},
	{"overlap", {SECOND_OFFSET, 8, 32}, "gguf.bounds", SECOND,
		"tensor 't.b': its offset is 32"},
	{"gap", {SECOND_OFFSET, 8, 96}, "gguf.bounds", SECOND, "offset is 96"},
	{"not aligned", {SECOND_OFFSET, 8, 36}, "gguf.bounds", SECOND, "offset is 36"},
	{"offset of -1", {SECOND_OFFSET, 8, U64_MAX}, "gguf.bounds", SECOND, ""},
	{"one element too many", {SECOND_DIM, 8, 4}, "gguf.bounds", SECOND, "16 bytes at 64"},
	{"past the file by far", {SECOND_DIM, 8, (uint64_t)1 << 60}, "gguf.bounds", SECOND, ""},
};

static void change(uint8_t *bytes, size_t at, size_t width, uint64_t value)
{
	for (size_t i = 0; i < width; i++)
		bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void try_bad(void **state)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	const struct bad_row *row = *state;
	struct bake_span file;

	add_base(&maker);
	file = gguf_finish(&maker);
	assert_int_equal(file.len, FILE_BYTES);
	change((uint8_t *)maker.file.ptr, row->change.at, row->change.width, row->change.value);
	check_refused(file, BAKE_GGUF_STRICT, row->id, row->at, row->text);
}

/* Files of their own. */
static void make_base(struct gguf_maker *maker)
{
	add_base(maker);
}

static void make_nothing(struct gguf_maker *maker)
{
	(void)maker;
}

static void make_metadata(struct gguf_maker *maker)
{
	gguf_text(maker, "general.architecture", "bert");
	gguf_number(maker, "n", BAKE_GGUF_U8, 1);
}

static void make_scalar(struct gguf_maker *maker)
{
	gguf_tensor(maker, "scalar", 0, NULL, 0);
}

static void make_empty_tensor(struct gguf_maker *maker)
{
	gguf_tensor(maker, "none", 2, DIMS(32, 0));
	gguf_tensor(maker, "some", 0, DIMS(1));
	gguf_tensor(maker, "none again", 0, DIMS(0));
}

static void make_long_name(struct gguf_maker *maker)
{
	char name[65] = "";

	memset(name, 'n', 64);
	gguf_tensor(maker, name, 0, DIMS(1));
	name[0] = 'm';
	gguf_tensor(maker, name, 0, DIMS(1));
	name[63] = '\0';
	gguf_tensor(maker, name, 0, DIMS(1));
}

static void make_name_of_63(struct gguf_maker *maker)
{
	char name[64] = "";

	memset(name, 'n', 63);
	gguf_tensor(maker, name, 0, DIMS(1));
}

static void make_alignment_1(struct gguf_maker *maker)
{
	maker->alignment = 1;
	gguf_u32(maker, "general.alignment", 1);
	gguf_tensor(maker, "a", 24, DIMS(3));
	gguf_tensor(maker, "b", 24, DIMS(3));
}

static void make_alignment_4(struct gguf_maker *maker)
{
	maker->alignment = 4;
	gguf_u32(maker, "general.alignment", 4);
	gguf_tensor(maker, "a", 24, DIMS(3));
	gguf_tensor(maker, "b", 24, DIMS(3));
}

static void make_alignment_64(struct gguf_maker *maker)
{
	maker->alignment = 64;
	gguf_u32(maker, "general.alignment", 64);
	gguf_tensor(maker, "a", 24, DIMS(3));
	gguf_tensor(maker, "b", 24, DIMS(3));
}

static void make_alignment_max(struct gguf_maker *maker)
{
	maker->alignment = BAKE_GGUF_ALIGNMENT_MAX;
	gguf_u32(maker, "general.alignment", BAKE_GGUF_ALIGNMENT_MAX);
	gguf_tensor(maker, "a", 24, DIMS(1));
}

static void make_tail(struct gguf_maker *maker)
{
	gguf_tensor(maker, "a", 0, DIMS(1));
	maker->data_bytes = 33;
}

static void make_padded_end(struct gguf_maker *maker)
{
	gguf_tensor(maker, "a", 0, DIMS(1));
	maker->data_bytes = 32;
}

static void make_empty_values(struct gguf_maker *maker)
{
	gguf_text(maker, "text", "");
	gguf_texts(maker, "texts", NULL, 0);
	gguf_numbers(maker, "numbers", BAKE_GGUF_F64, NULL, 0);
	gguf_tensor(maker, "", 0, DIMS(1));
}

static void make_old(struct gguf_maker *maker)
{
	maker->version = 1;
	add_base(maker);
}

static void make_version_2(struct gguf_maker *maker)
{
	maker->version = 2;
	add_base(maker);
}

static void make_big_endian(struct gguf_maker *maker)
{
	maker->big_endian = true;
	add_base(maker);
}

static void make_future_type(struct gguf_maker *maker)
{
	gguf_tensor_at(maker, "t.a", 99, DIMS(32, 2), 0);
	gguf_tensor_at(maker, "t.b", 0, DIMS(3), 64);
	gguf_tensor_at(maker, "t.c", 5, DIMS(3), 96);
	maker->data_bytes = 101;
}

static void make_bad_text(struct gguf_maker *maker)
{
	gguf_text(maker, "tokenizer.chat_template", "\x1b[31m\xff\n");
	gguf_tensor(maker, "a", 0, DIMS(1));
}

static const struct good_row {
	const char *name;
	void (*make)(struct gguf_maker *maker);
	bool tolerated; /* only: strict mode refuses it with this id */
	const char *id;
	const char *warning; /* the beginning of the only one, or NULL */
} goods[] = {
	{"the file the bad ones are made of", make_base, false, NULL, NULL},
	{"nothing at all", make_nothing, false, NULL, "no-tensors: "},
	{"metadata only", make_metadata, false, NULL, "no-tensors: "},
	{"version 2", make_version_2, false, NULL, NULL},
	{"scalar", make_scalar, false, NULL, NULL},
	{"tensors without elements", make_empty_tensor, false, NULL,
		"empty: tensor 'none' has no elements (and 1 more)"},
	{"name of 63 bytes", make_name_of_63, false, NULL, NULL},
	{"name of 64 bytes", make_long_name, false, NULL, "name-long: tensor 'nnnnn"},
	{"alignment 1", make_alignment_1, false, NULL, "alignment: 1 is no multiple of 8"},
	{"alignment 4", make_alignment_4, false, NULL, "alignment: 4 is no multiple of 8"},
	{"alignment 64", make_alignment_64, false, NULL, NULL},
	{"alignment 1 MiB", make_alignment_max, false, NULL, NULL},
	{"bytes behind the last tensor", make_tail, false, NULL, "tail: 1 bytes"},
	{"padding behind the last tensor", make_padded_end, false, NULL, NULL},
	{"empty text, arrays and name", make_empty_values, false, NULL, NULL},
	{"text with anything in it", make_bad_text, false, NULL, NULL},
	{"version 1", make_old, true, "gguf.version", "version: "},
	{"big-endian", make_big_endian, true, "gguf.version", "big-endian: "},
	{"types of the future and the past", make_future_type, true, "gguf.tensor",
		"type: tensor 't.a': type 99 is unknown (and 1 more)"},
};

static void check_good(const struct good_row *row, struct bake_span file, enum bake_gguf_mode mode)
{
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	_cleanup_free_ uint8_t *copy = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t need = 0;
	enum bake_status status = parse(file, file.len, mode, &need, &copy, &gguf, &err);

	if (row->tolerated && mode == BAKE_GGUF_STRICT) {
		check_status(status, &err, BAKE_ERR_DATA, row->id);
		return;
	}
	check_status(status, &err, BAKE_OK, NULL);
	assert_non_null(gguf);
	check_places(gguf);
	assert_int_equal(gguf->warning_count, row->warning ? 1 : 0);
	if (row->warning)
		assert_memory_equal(gguf->warnings[0], row->warning, strlen(row->warning));
}

static void try_good(void **state)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	const struct good_row *row = *state;
	struct bake_span file;

	row->make(&maker);
	file = gguf_finish(&maker);
	check_good(row, file, BAKE_GGUF_STRICT);
	check_good(row, file, BAKE_GGUF_TOLERANT);
}

/* A file cut anywhere is none. But for a last tensor of an unknown type, which goes to the end. */
static void try_cut(void **state)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	const struct good_row *row = *state;
	size_t whole;

	row->make(&maker);
	(void)gguf_finish(&maker);
	whole = maker.file.len;
	if (row->make == make_tail || row->make == make_padded_end)
		whole -= maker.data_bytes - 4;
	if (row->make == make_future_type)
		whole -= 5;
	for (size_t len = whole > 4096 ? whole - 4096 : 0; len < whole; len++) {
		for (unsigned mode = BAKE_GGUF_STRICT; mode <= BAKE_GGUF_TOLERANT; mode++) {
			_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
			_cleanup_free_ uint8_t *copy = NULL;
			struct bake_error err = BAKE_ERROR_INIT;
			uint64_t need = 0;

			assert_int_equal(
				parse(bake_span(maker.file.ptr, len), len,
					(enum bake_gguf_mode)mode, &need, &copy, &gguf, &err),
				BAKE_ERR_DATA);
			assert_null(gguf);
		}
	}
}

/* Of a head that ends anywhere within the header it is said how much more it must be, and what is
 * read in the end is the same. */
static void try_head(void **state)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	const struct good_row *row = *state;
	size_t whole;

	row->make(&maker);
	whole = gguf_finish(&maker).len;
	for (size_t first = 0; first <= whole && first < 4096; first++) {
		_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
		_cleanup_free_ uint8_t *copy = NULL;
		struct bake_error err = BAKE_ERROR_INIT;
		uint64_t need = first;

		for (size_t len = first; !gguf; len = need) {
			free(copy);
			assert_int_equal(parse(bake_span(maker.file.ptr, len), whole,
						 BAKE_GGUF_TOLERANT, &need, &copy, &gguf, &err),
				BAKE_OK);
			assert_true(gguf || need > len);
			assert_true(need <= whole);
		}
		check_places(gguf);
		assert_int_equal(gguf->tensor_count, maker.tensor_count);
	}
}

/* Whatever byte is another one, and whatever it is: no crash, and what is accepted is in the file. */
static void try_damage(void **state)
{
	static const uint8_t values[] = {0, 1, 2, 4, 8, 9, 0x20, 0x7f, 0x80, 0xff};
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	const struct good_row *row = *state;
	struct bake_span file;

	row->make(&maker);
	file = gguf_finish(&maker);
	for (size_t at = 0; at < file.len && at < 512; at++) {
		uint8_t was = (uint8_t)maker.file.ptr[at];

		for (size_t i = 0; i < countof(values); i++) {
			_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
			_cleanup_free_ uint8_t *copy = NULL;
			struct bake_error err = BAKE_ERROR_INIT;
			uint64_t need = 0;

			maker.file.ptr[at] = (char)values[i];
			if (parse(file, file.len, (enum bake_gguf_mode)(i % 2), &need, &copy, &gguf,
				    &err) == BAKE_OK) {
				assert_non_null(gguf);
				check_places(gguf);
			}
		}
		maker.file.ptr[at] = (char)was;
	}
}

static struct bake_gguf *open_made(struct gguf_maker *maker, enum bake_gguf_mode mode)
{
	struct bake_span file = gguf_finish(maker);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_gguf *gguf = NULL;
	uint64_t need;

	check_status(bake_gguf_parse(file, file.len, "m.gguf", mode, &need, &gguf, &err), &err,
		BAKE_OK, NULL);
	assert_non_null(gguf);
	return gguf;
}

static bool same(struct bake_span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.ptr, text, span.len) == 0;
}

/* The base file in whatever version and byte order. */
static void check_base(struct gguf_maker *maker, enum bake_gguf_mode mode)
{
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	const struct bake_gguf_kv *list;
	struct bake_span text;
	uint64_t number;
	bool flag = false;

	add_base(maker);
	gguf = open_made(maker, mode);
	assert_int_equal(gguf->key_count, 5);
	assert_int_equal(gguf->tensor_count, 2);
	assert_int_equal(gguf->version, maker->version);
	assert_int_equal(gguf->big_endian, maker->big_endian);
	assert_int_equal(gguf->alignment, 32);
	assert_true(bake_gguf_u64(gguf, "general.alignment", &number) && number == 32);
	assert_true(bake_gguf_bool(gguf, "a.flag", &flag) && flag);
	assert_true(bake_gguf_text(gguf, "a.name", &text) && same(text, "demo"));
	list = bake_gguf_find(gguf, "a.list");
	assert_non_null(list);
	assert_int_equal(list->count, 2);
	assert_true(bake_gguf_u64_at(gguf, list, 0, &number) && number == 4);
	assert_true(bake_gguf_u64_at(gguf, list, 1, &number) && number == 2);
	assert_false(bake_gguf_u64_at(gguf, list, 2, &number));
	assert_true(same(gguf->tensors[0].name, "t.a"));
	assert_int_equal(gguf->tensors[0].elements, 64);
	assert_int_equal(gguf->tensors[0].bytes, 36);
	assert_int_equal(gguf->tensors[0].dims[3], 1);
	assert_string_equal(gguf->tensors[0].type->name, "q4_0");
	assert_int_equal(gguf->tensors[1].offset, 64);
	assert_int_equal(gguf->data_bytes, 76);
	assert_ptr_equal(bake_gguf_find_tensor(gguf, "t.b"), &gguf->tensors[1]);
	assert_null(bake_gguf_find_tensor(gguf, "t.c"));
}

static void everything_is_read(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;

	check_base(&maker, BAKE_GGUF_STRICT);
}

static void version_1_is_read(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;

	maker.version = 1;
	check_base(&maker, BAKE_GGUF_TOLERANT);
}

static void big_endian_is_read(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;

	maker.big_endian = true;
	check_base(&maker, BAKE_GGUF_TOLERANT);
}

static void offsets_of_pairs(void)
{
	static const uint64_t want[] = {ALIGNMENT, FLAG, LIST, NAME, TEXTS};
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;

	add_base(&maker);
	gguf = open_made(&maker, BAKE_GGUF_STRICT);
	for (size_t i = 0; i < countof(want); i++)
		assert_int_equal(gguf->keys[i].offset, want[i]);
	assert_int_equal(gguf->header_bytes, HEADER);
	assert_int_equal(gguf->data_offset, DATA);
	assert_int_equal(gguf->file_bytes, FILE_BYTES);
}

/* The padding of the data is only there when there is data. */
static void no_tensors_no_padding(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;

	make_metadata(&maker);
	gguf = open_made(&maker, BAKE_GGUF_STRICT);
	assert_true(gguf->file_bytes % 32 != 0);
	assert_int_equal(gguf->data_offset, gguf->file_bytes);
	assert_int_equal(gguf->data_bytes, 0);
}

/* Numbers of each kind: what is read of them as u64 (else no) and as f64 (else no). */
static const struct number_row {
	const char *name;
	enum bake_gguf_kind kind;
	uint64_t bits;
	bool is_u64;
	uint64_t u64;
	bool is_f64;
	double f64;
} numbers[] = {
	{"u8", BAKE_GGUF_U8, 0xff, true, 255, true, 255},
	{"i8 of 127", BAKE_GGUF_I8, 0x7f, true, 127, true, 127},
	{"i8 of -7", BAKE_GGUF_I8, 0xf9, false, 0, true, -7},
	{"u16", BAKE_GGUF_U16, 0xfffe, true, 65534, true, 65534},
	{"i16 of -2", BAKE_GGUF_I16, 0xfffe, false, 0, true, -2},
	{"u32", BAKE_GGUF_U32, 0x80000001, true, 0x80000001, true, 2147483649.0},
	{"i32", BAKE_GGUF_I32, 12, true, 12, true, 12},
	{"i32 of -2^31", BAKE_GGUF_I32, 0x80000000, false, 0, true, -2147483648.0},
	{"f32", BAKE_GGUF_F32, 0x3fc00000, false, 0, true, 1.5},
	{"bool", BAKE_GGUF_BOOL, 1, true, 1, false, 0},
	{"u64", BAKE_GGUF_U64, 0x8000000000000005, true, 0x8000000000000005, true, 0x1p63},
	{"i64 of -1", BAKE_GGUF_I64, U64_MAX, false, 0, true, -1},
	{"i64", BAKE_GGUF_I64, 77, true, 77, true, 77},
	{"f64", BAKE_GGUF_F64, 0xbff8000000000000, false, 0, true, -1.5},
};

static void check_number(
	const struct number_row *row, const struct bake_gguf *gguf, const char *key)
{
	uint64_t u64 = 1;
	double f64 = 1;

	assert_int_equal(bake_gguf_u64(gguf, key, &u64), row->is_u64);
	assert_true(u64 == (row->is_u64 ? row->u64 : 1));
	assert_int_equal(bake_gguf_f64(gguf, key, &f64), row->is_f64);
	assert_true(f64 == (row->is_f64 ? row->f64 : 1));
}

static void try_number(void **state)
{
	const struct number_row *row = *state;

	for (unsigned big = 0; big < 2; big++) {
		_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
		_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
		uint64_t twice[] = {row->bits, row->bits};
		uint64_t u64 = 1;
		bool flag = false;

		maker.big_endian = big;
		gguf_number(&maker, "alone", row->kind, row->bits);
		gguf_numbers(&maker, "one", row->kind, twice, 1);
		gguf_numbers(&maker, "two", row->kind, twice, 2);
		gguf = open_made(&maker, BAKE_GGUF_TOLERANT);
		check_number(row, gguf, "alone");
		check_number(row, gguf, "one");
		assert_false(bake_gguf_u64(gguf, "two", &u64));
		assert_int_equal(
			bake_gguf_u64_at(gguf, bake_gguf_find(gguf, "two"), 1, &u64), row->is_u64);
		assert_false(bake_gguf_u64_at(gguf, bake_gguf_find(gguf, "two"), 2, &u64));
		assert_false(bake_gguf_u64_at(gguf, bake_gguf_find(gguf, "two"), U64_MAX, &u64));
		assert_int_equal(bake_gguf_bool(gguf, "alone", &flag), row->kind == BAKE_GGUF_BOOL);
	}
}

static void texts_are_no_numbers(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	struct bake_span text;
	uint64_t u64;
	double f64;
	bool flag;

	add_base(&maker);
	gguf = open_made(&maker, BAKE_GGUF_STRICT);
	assert_false(bake_gguf_u64(gguf, "a.name", &u64));
	assert_false(bake_gguf_f64(gguf, "a.name", &f64));
	assert_false(bake_gguf_bool(gguf, "a.name", &flag));
	assert_false(bake_gguf_u64_at(gguf, bake_gguf_find(gguf, "a.texts"), 0, &u64));
	assert_false(bake_gguf_text(gguf, "a.texts", &text));
	assert_false(bake_gguf_text(gguf, "a.flag", &text));
	assert_false(bake_gguf_text(gguf, "absent", &text));
	assert_false(bake_gguf_u64(gguf, "absent", &u64));
	assert_null(bake_gguf_find(gguf, ""));
	assert_null(bake_gguf_find(gguf, "a.nam"));
	assert_null(bake_gguf_find(gguf, "a.name2"));
}

static void every_name_is_found(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	char name[32];

	for (uint32_t i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "key.%" PRIu32, i);
		gguf_u32(&maker, name, i);
	}
	for (uint32_t i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "blk.%" PRIu32 ".weight", i);
		gguf_tensor(&maker, name, 0, DIMS(1));
	}
	gguf = open_made(&maker, BAKE_GGUF_STRICT);
	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t number = U64_MAX;

		(void)snprintf(name, sizeof(name), "key.%" PRIu32, i);
		assert_true(bake_gguf_u64(gguf, name, &number) && number == i);
		(void)snprintf(name, sizeof(name), "blk.%" PRIu32 ".weight", i);
		assert_ptr_equal(bake_gguf_find_tensor(gguf, name), &gguf->tensors[i]);
	}
	assert_null(bake_gguf_find(gguf, "key.3000"));
	/* Without what was sorted, the same is found. */
	gguf->keys_by_name = NULL;
	gguf->tensors_by_name = NULL;
	assert_ptr_equal(bake_gguf_find(gguf, "key.2999"), &gguf->keys[2999]);
	assert_ptr_equal(bake_gguf_find_tensor(gguf, "blk.7.weight"), &gguf->tensors[7]);
	assert_null(bake_gguf_find(gguf, "key.3000"));
	assert_null(bake_gguf_find_tensor(gguf, "key.1"));
}

/* Of several repeated names, the first repetition in the file is reported. */
static void first_repetition_is_named(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	struct bake_span file;

	gguf_u32(&maker, "x", 0); /* 24, of 17 bytes each */
	gguf_u32(&maker, "y", 0);
	gguf_u32(&maker, "z", 0);
	gguf_u32(&maker, "z", 0); /* 75 */
	gguf_u32(&maker, "x", 0);
	gguf_u32(&maker, "z", 0);
	file = gguf_finish(&maker);
	check_refused(file, BAKE_GGUF_STRICT, "gguf.key", 75, "key 'z'");
}

/* Two names with one FNV-1a hash are two names. */
static void names_with_one_hash(void)
{
	static const char first[] = "8yn0iYCKYHlIj4-BwPqk";
	static const char second[] = "GReLUrM4wMqfg9yzV3KQ";
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;

	assert_true(bake_text_hash(first, strlen(first)) == bake_text_hash(second, strlen(second)));
	gguf_u32(&maker, second, 2);
	gguf_u32(&maker, "other", 3);
	gguf_u32(&maker, first, 1);
	gguf_tensor(&maker, first, 0, DIMS(1));
	gguf_tensor(&maker, second, 0, DIMS(1));
	gguf = open_made(&maker, BAKE_GGUF_STRICT);
	assert_ptr_equal(bake_gguf_find(gguf, second), &gguf->keys[0]);
	assert_ptr_equal(bake_gguf_find(gguf, first), &gguf->keys[2]);
	assert_ptr_equal(bake_gguf_find_tensor(gguf, first), &gguf->tensors[0]);
	assert_ptr_equal(bake_gguf_find_tensor(gguf, second), &gguf->tensors[1]);
}

/* Counts that the file could hold and nobody reads. The file is longer than head. */
static void limits(void)
{
	static const struct {
		uint64_t tensors, keys;
		const char *id;
	} rows[] = {
		{BAKE_GGUF_TENSORS_MAX + 1, 0, "gguf.limit"},
		{0, BAKE_GGUF_KEYS_MAX + 1, "gguf.limit"},
		{BAKE_GGUF_TENSORS_MAX, BAKE_GGUF_KEYS_MAX, NULL},
		{I64_MIN, 0, "gguf.count"},
	};

	for (size_t i = 0; i < countof(rows); i++) {
		_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
		struct bake_error err = BAKE_ERROR_INIT;
		struct bake_gguf *gguf = NULL;
		struct bake_span head;
		uint64_t need = 0;

		maker.tensor_count = rows[i].tensors;
		maker.key_count = rows[i].keys;
		head = gguf_finish(&maker);
		check_status(bake_gguf_parse(head, (uint64_t)1 << 40, "m.gguf", BAKE_GGUF_STRICT,
				     &need, &gguf, &err),
			&err, rows[i].id ? BAKE_ERR_DATA : BAKE_OK, rows[i].id);
		assert_null(gguf);
		if (!rows[i].id)
			assert_int_equal(need, 24 + 24000000 + 65536 * 14);
	}
}

/* A header that goes on and on is given up, whatever the file's size. */
static void header_limit(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_gguf *gguf = NULL;
	struct bake_span head;
	uint64_t need = 0;

	for (unsigned i = 0; i < 5; i++) {
		char key[2] = {(char)('a' + i), '\0'};

		gguf_put_string(&maker, &maker.pairs, key, 1);
		gguf_put(&maker, &maker.pairs, BAKE_GGUF_STRING, 4);
		gguf_put(&maker, &maker.pairs, i == 0 ? BAKE_GGUF_STRING_MAX - 1000 : 0, 8);
	}
	maker.key_count = 5;
	head = gguf_finish(&maker);
	check_status(bake_gguf_parse(head, (uint64_t)1 << 40, "m.gguf", BAKE_GGUF_STRICT, &need,
			     &gguf, &err),
		&err, BAKE_OK, NULL);
	assert_null(gguf);
	assert_int_equal(need, 24 + 21 + BAKE_GGUF_STRING_MAX - 1000);
	/* An array that alone is too much is refused before anything of it is asked for. */
	gguf_maker_release(&maker);
	maker = (struct gguf_maker)GGUF_MAKER_INIT;
	gguf_numbers(&maker, "a", BAKE_GGUF_U8, NULL, 0);
	head = gguf_finish(&maker);
	change((uint8_t *)maker.file.ptr, head.len - 8, 8, BAKE_GGUF_HEADER_MAX);
	check_status(bake_gguf_parse(head, (uint64_t)1 << 40, "m.gguf", BAKE_GGUF_STRICT, &need,
			     &gguf, &err),
		&err, BAKE_ERR_DATA, "gguf.limit");
}

/* Sizes whose sum is near 2^64, in a file as large as can be: the second tensor ends a byte behind
 * it, and what comes then would begin at 0 again. */
static void sizes_near_the_end(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_gguf *gguf = NULL;
	struct bake_span head;
	uint64_t need = 0;
	uint64_t half = ((uint64_t)1 << 62) - 32;

	gguf_tensor_at(&maker, "a", 27, DIMS(half / 4), 0);
	gguf_tensor_at(&maker, "b", 27, DIMS(half / 4), half * 2);
	gguf_tensor_at(&maker, "c", 24, DIMS(32), half * 4);
	head = gguf_finish(&maker);
	check_status(
		bake_gguf_parse(head, UINT64_MAX, "m.gguf", BAKE_GGUF_STRICT, &need, &gguf, &err),
		&err, BAKE_ERR_DATA, "gguf.bounds");
	assert_non_null(strstr(err.message, "tensor 'b'"));
	assert_null(gguf);
}

/* Where a tensor of an unknown type ends is known by the next one only. */
static const struct place_row {
	const char *name;
	uint64_t first, second; /* the offsets; the file has 101 bytes of data */
	const char *tensor;	/* which is refused; NULL: good */
} places[] = {
	{"in the file", 0, 64, NULL},
	{"nothing between", 0, 0, NULL},
	{"not at the beginning", 32, 64, "tensor 'a'"},
	{"not aligned", 0, 65, "tensor 'b'"},
	{"past the end", 0, 128, "tensor 'a'"},
	{"at the end of numbers", 0, UINT64_MAX, "tensor 'a'"},
};

static void try_place(void **state)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	const struct place_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span file;
	uint64_t need = 0;

	gguf_tensor_at(&maker, "a", 99, DIMS(32, 2), row->first);
	gguf_tensor_at(&maker, "b", 98, DIMS(3), row->second);
	maker.data_bytes = 101;
	file = gguf_finish(&maker);
	check_status(
		bake_gguf_parse(file, file.len, "m.gguf", BAKE_GGUF_TOLERANT, &need, &gguf, &err),
		&err, row->tensor ? BAKE_ERR_DATA : BAKE_OK, "gguf.bounds");
	if (row->tensor) {
		assert_non_null(strstr(err.message, row->tensor));
		return;
	}
	check_places(gguf);
	assert_null(gguf->tensors[0].type);
	assert_int_equal(gguf->tensors[0].type_id, 99);
	assert_int_equal(gguf->tensors[0].bytes, row->second);
	assert_int_equal(gguf->tensors[1].bytes, 101 - row->second);
}

/* The data of the second begins before that of the first. */
static void unknown_type_backwards(void)
{
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	struct bake_span file;

	gguf_tensor_at(&maker, "f", 0, DIMS(8), 0);
	gguf_tensor_at(&maker, "a", 99, DIMS(32, 2), 32);
	gguf_tensor_at(&maker, "b", 0, DIMS(3), 0);
	maker.data_bytes = 101;
	file = gguf_finish(&maker);
	check_refused(file, BAKE_GGUF_TOLERANT, "gguf.bounds", 57, "tensor 'a': it begins at 32");
}

static const struct split_row {
	const char *name;
	bool good;
	size_t prefix;
	uint32_t number, count;
} splits[] = {
	{"m-00001-of-00003.gguf", true, 1, 1, 3},
	{"a/b/m-00003-of-00003.gguf", true, 5, 3, 3},
	{"m-00001-of-00002-00003-of-00004.gguf", true, 16, 3, 4},
	{"m-99999-of-99999.gguf", true, 1, 99999, 99999},
	{"m-00000-of-00003.gguf", false, 0, 0, 0},
	{"m-00004-of-00003.gguf", false, 0, 0, 0},
	{"m-0001-of-00003.gguf", false, 0, 0, 0},
	{"m-00001-of-00003.GGUF", false, 0, 0, 0},
	{"m-0000a-of-00003.gguf", false, 0, 0, 0},
	{"m-00001_of_00003.gguf", false, 0, 0, 0},
	{"m.00001-of-00003.gguf", false, 0, 0, 0},
	{"m-00001-of-00003.gguf.part", false, 0, 0, 0},
	{"-00001-of-00003.gguf", false, 0, 0, 0},
	{"d/-00001-of-00003.gguf", false, 0, 0, 0},
	{"m.gguf", false, 0, 0, 0},
	{"", false, 0, 0, 0},
};

static void try_split(void **state)
{
	const struct split_row *row = *state;
	size_t prefix = 0;
	uint32_t number = 0;
	uint32_t count = 0;

	assert_int_equal(bake_gguf_split_name(row->name, &prefix, &number, &count), row->good);
	assert_int_equal(prefix, row->prefix);
	assert_int_equal(number, row->number);
	assert_int_equal(count, row->count);
}

static const struct scenario others[] = {
	{"everything is read", everything_is_read},
	{"version 1 is read", version_1_is_read},
	{"big-endian is read", big_endian_is_read},
	{"offsets of pairs", offsets_of_pairs},
	{"no tensors, no padding", no_tensors_no_padding},
	{"texts are no numbers", texts_are_no_numbers},
	{"every name is found", every_name_is_found},
	{"the first repetition is named", first_repetition_is_named},
	{"unknown type backwards", unknown_type_backwards},
	{"names with one hash", names_with_one_hash},
	{"limits", limits},
	{"header limit", header_limit},
	{"sizes near the end of numbers", sizes_near_the_end},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(bads, try_bad),
		ROWS(goods, try_good),
		{"cut", goods, sizeof(goods[0]), countof(goods), try_cut},
		{"head", goods, sizeof(goods[0]), countof(goods), try_head},
		{"damage", goods, sizeof(goods[0]), countof(goods), try_damage},
		ROWS(numbers, try_number),
		ROWS(places, try_place),
		ROWS(splits, try_split),
		ROWS(others, play_scenario),
	};

	return run_rows("format/gguf", tables, countof(tables));
}
