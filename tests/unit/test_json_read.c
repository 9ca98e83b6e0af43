/* SPDX-License-Identifier: Apache-2.0 */
/* What the strict reader refuses, and where it says the fault is. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/* Text with its length, which may hold NUL bytes. */
#define TEXT(literal) (literal), sizeof(literal) - 1

#define OPEN8	"[[[[[[[["
#define CLOSE8	"]]]]]]]]"
#define OPEN32	OPEN8 OPEN8 OPEN8 OPEN8
#define CLOSE32 CLOSE8 CLOSE8 CLOSE8 CLOSE8
#define KEYS                                                                                       \
	"\"k0\":0,\"k9\":0,\"k1\":0,\"k8\":0,\"k2\":0,\"k7\":0,\"k3\":0,\"k6\":0,\"k4\":0,\"k5\":" \
	"0,"                                                                                       \
	"\"j0\":0,\"j9\":0,\"j1\":0,\"j8\":0,\"j2\":0,\"j7\":0,\"j3\":0,"
#define OBJECT8 "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"

static const struct open_row {
	const char *name;
	const char *text;
	size_t len;
	const char *id; /* NULL: good */
	uint32_t line;
} opens[] = {
	{"an object", TEXT("{}"), NULL, 0},
	{"an array", TEXT(" \t\r\n[1, 2.5, -3e2, \"x\", true, false, null]\n"), NULL, 0},
	{"32 deep", TEXT(OPEN32 CLOSE32), NULL, 0},
	{"brackets in strings are not nesting", TEXT("[\"" OPEN32 OPEN32 "\\\"[\"]"), NULL, 0},
	{"a pair of surrogates", TEXT("[\"\\ud83d\\ude00\"]"), NULL, 0},
	{"the same key in two objects", TEXT("[{\"a\":1},{\"a\":2}]"), NULL, 0},

	{"33 deep", TEXT("[" OPEN32 CLOSE32 "]"), "json.depth", 1},
	{"33 deep in objects", TEXT(OBJECT8 OBJECT8 OBJECT8 OBJECT8 OBJECT8), "json.depth", 1},
	{"deep and never closed", TEXT("{\"a\":" OPEN32 OPEN32), "json.depth", 1},
	{"duplicate key", TEXT("{\"a\": 1,\n\"b\": 2,\n\"a\": 3}"), "json.duplicate-key", 3},
	{"duplicate key deeper", TEXT("{\"x\": [{\"a\":1,\n\"a\":1}]}"), "json.duplicate-key", 2},
	{"duplicate key by an escape", TEXT("{\"a\": 1, \"\\u0061\": 2}"), "json.duplicate-key", 1},
	{"duplicate key among many", TEXT("{" KEYS "\"zz\":1,\n\"k7\":2,\n\"a\":3}"),
		"json.duplicate-key", 2},
	{"many keys", TEXT("{" KEYS "\"zz\":1}"), NULL, 0},
	{"a prefix of a key", TEXT("{" KEYS "\"k\":1,\"k77\":2}"), NULL, 0},
	{"empty", TEXT(""), "json.syntax", 1},
	{"blank", TEXT(" \n "), "json.syntax", 2},
	{"a bare string", TEXT("\"a\""), "json.syntax", 1},
	{"a bare number", TEXT("1"), "json.syntax", 1},
	{"2^63", TEXT("[\n9223372036854775808]"), "json.syntax", 2},
	{"2^64", TEXT("[18446744073709551616]"), "json.syntax", 1},
	{"1e999", TEXT("[1e999]"), "json.syntax", 1},
	{"-1e999", TEXT("[-1e999]"), "json.syntax", 1},
	{"NaN", TEXT("[NaN]"), "json.syntax", 1},
	{"Infinity", TEXT("[Infinity]"), "json.syntax", 1},
	{"leading zero", TEXT("[01]"), "json.syntax", 1},
	{"leading plus", TEXT("[+1]"), "json.syntax", 1},
	{"point without digits", TEXT("[1.]"), "json.syntax", 1},
	{"hexadecimal", TEXT("[0x10]"), "json.syntax", 1},
	{"trailing comma in an array", TEXT("[1,]"), "json.syntax", 1},
	{"trailing comma in an object", TEXT("{\"a\":1,}"), "json.syntax", 1},
	{"missing comma", TEXT("[1 2]"), "json.syntax", 1},
	{"key without quotes", TEXT("{a: 1}"), "json.syntax", 1},
	{"single quotes", TEXT("['a']"), "json.syntax", 1},
	{"line comment", TEXT("{} // a"), "json.syntax", 1},
	{"block comment", TEXT("{/* a */}"), "json.syntax", 1},
	{"hash comment", TEXT("# a\n{}"), "json.syntax", 1},
	{"byte order mark", TEXT("\xef\xbb\xbf{}"), "json.syntax", 1},
	{"UTF-16", TEXT("\xff\xfe{\0}\0"), "json.syntax", 1},
	{"trailing text", TEXT("{}\nx"), "json.syntax", 2},
	{"two values", TEXT("{}{}"), "json.syntax", 1},
	{"NUL behind the value", TEXT("{}\0"), "json.syntax", 1},
	{"NUL behind a number", TEXT("[1,\n2\0,3]"), "json.syntax", 2},
	{"never closed", TEXT("{\"a\": [1, 2"), "json.syntax", 1},
	{"closed by the wrong bracket", TEXT("[1}"), "json.syntax", 1},
	{"string never closed", TEXT("[\"abc"), "json.syntax", 1},
	{"newline in a string", TEXT("[\"a\nb\"]"), "json.syntax", 1},
	{"tab in a string", TEXT("[\"a\tb\"]"), "json.syntax", 1},
	{"NUL in a string", TEXT("[\"a\0b\"]"), "json.syntax", 1},
	{"NUL escaped in a string", TEXT("[\"a\\u0000b\"]"), "json.syntax", 1},
	{"NUL escaped in a key", TEXT("{\"a\\u0000\": 1}"), "json.syntax", 1},
	{"unknown escape", TEXT("[\"\\x41\"]"), "json.syntax", 1},
	{"lone high surrogate", TEXT("[\"\\ud83d\"]"), "json.syntax", 1},
	{"lone low surrogate", TEXT("[\"\\ude00\"]"), "json.syntax", 1},
	{"surrogates the wrong way round", TEXT("[\"\\ude00\\ud83d\"]"), "json.syntax", 1},
	{"invalid UTF-8", TEXT("[\"\xff\"]"), "json.syntax", 1},
	{"overlong UTF-8", TEXT("[\"\xc0\xaf\"]"), "json.syntax", 1},
	{"surrogate in UTF-8", TEXT("[\"\xed\xa0\x80\"]"), "json.syntax", 1},
	{"cut UTF-8", TEXT("[\"\xe2\x82\"]"), "json.syntax", 1},
	{"capital literal", TEXT("[True]"), "json.syntax", 1},
	{"hostile bytes are escaped", TEXT("[\x1b]0;x\x07]"), "json.syntax", 1},
};

static void try_open(void **state)
{
	const struct open_row *row = *state;
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_json_open(bake_span(row->text, row->len), "doc.json", &doc, &err), &err,
		row->id ? BAKE_ERR_DATA : BAKE_OK, row->id);
	assert_int_equal(doc != NULL, row->id == NULL);
	if (!row->id)
		return;
	assert_int_equal(strncmp(err.message, "doc.json:", 9), 0);
	assert_int_equal(err.detail, row->line);
}

/* A small schema: what the rows below are read with. */
struct taken {
	uint64_t size;
	bool flag;
	const char *text;
	const char *const *list;
	size_t count;
	struct bake_arena arena;
};

static enum bake_status read_size(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(value, 1000, &((struct taken *)out)->size, err);
}

static enum bake_status read_flag(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct taken *)out)->flag, err);
}

static enum bake_status read_text(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct taken *taken = out;

	return bake_json_copy(value, 8, &taken->arena, &taken->text, err);
}

static enum bake_status read_list(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct taken *taken = out;

	return bake_json_copy_list(value, 8, &taken->arena, &taken->list, &taken->count, err);
}

static const struct bake_json_field entry_fields[] = {
	{"size", read_size, true},
	{"flag", read_flag, false},
	{"text", read_text, false},
	{"list", read_list, false},
};

static enum bake_status read_entry(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_read_object(
		value, entry_fields, countof(entry_fields), BAKE_JSON_REFUSE_UNKNOWN, out, err);
}

static enum bake_status read_entries(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_each_element(value, read_entry, out, err);
}

static enum bake_status read_named(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_each_member(value, read_entry, out, err);
}

static const struct bake_json_field root_fields[] = {
	{"entries", read_entries, false},
	{"named", read_named, false},
};

static enum bake_status read_all(const char *text, enum bake_json_unknown unknown,
	struct taken *taken, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	BAKE_TRY(bake_json_open(bake_span_text(text), "doc.json", &doc, err));
	root = bake_json_root(doc);
	return bake_json_read_object(&root, root_fields, countof(root_fields), unknown, taken, err);
}

static const struct refuse_row {
	const char *name;
	const char *text;
	const char *id;
	uint32_t line;
	const char *where;
} refusals[] = {
	{"root of another type", "[]", "json.type", 1, ": /: expected an object, got an array"},
	{"object for an array", "{\n \"entries\": {}}", "json.type", 2,
		": /entries: expected an array, got an object"},
	{"element of another type", "{\"entries\": [\n{\"size\":1},\n7]}", "json.type", 3,
		": /entries/1: expected an object, got an integer"},
	{"string for an integer", "{\"entries\":[\n\n{\"size\":\n\"1\"}]}", "json.type", 4,
		": /entries/0/size: expected an integer, got a string"},
	{"fraction for an integer", "{\"entries\":[{\"size\": 1.0}]}", "json.type", 1,
		": /entries/0/size: expected an integer, got a fraction"},
	{"exponent for an integer", "{\"entries\":[{\"size\": 1e2}]}", "json.type", 1,
		"a fraction"},
	{"null for an integer", "{\"entries\":[{\"size\": null}]}", "json.type", 1, "got null"},
	{"true for an integer", "{\"entries\":[{\"size\": true}]}", "json.type", 1, "got true"},
	{"too great", "{\"entries\":[{\"size\": 1001}]}", "json.range", 1,
		": /entries/0/size: 1001 is not between 0 and 1000"},
	{"negative", "{\"entries\":[{\"size\": -1}]}", "json.range", 1, "-1 is not between"},
	{"-2^63", "{\"entries\":[{\"size\": -9223372036854775808}]}", "json.range", 1,
		"-9223372036854775808 is not between"},
	{"2^63 - 1", "{\"entries\":[{\"size\": 9223372036854775807}]}", "json.range", 1,
		"9223372036854775807 is not between"},
	{"integer for a flag", "{\"entries\":[{\"size\":1,\"flag\":1}]}", "json.type", 1,
		": /entries/0/flag: expected true or false, got an integer"},
	{"string for a flag", "{\"entries\":[{\"size\":1,\"flag\":\"true\"}]}", "json.type", 1,
		"got a string"},
	{"null for a text", "{\"entries\":[{\"size\":1,\"text\":null}]}", "json.type", 1,
		": /entries/0/text: expected a string, got null"},
	{"empty text", "{\"entries\":[{\"size\":1,\"text\":\"\"}]}", "json.text", 1, "is empty"},
	{"text too long", "{\"entries\":[{\"size\":1,\"text\":\"123456789\"}]}", "json.text", 1,
		"is too long"},
	{"newline in a text", "{\"entries\":[{\"size\":1,\"text\":\"a\\nb\"}]}", "json.text", 1,
		"'a\\x0ab' has a control or invisible character"},
	{"escape in a text", "{\"entries\":[{\"size\":1,\"text\":\"\\u001b\"}]}", "json.text", 1,
		"control"},
	{"override in a text", "{\"entries\":[{\"size\":1,\"text\":\"a\\u202e\"}]}", "json.text", 1,
		"control or invisible"},
	{"element of a list", "{\"entries\":[{\"size\":1,\n\"list\":[\"a\",\n\"\"]}]}", "json.text",
		3, ": /entries/0/list/1: "},
	{"object for a list", "{\"entries\":[{\"size\":1,\"list\":{\"a\":1}}]}", "json.type", 1,
		": /entries/0/list: expected an array"},
	{"missing field", "{\"entries\":[{\"size\":1},\n{}]}", "json.missing-field", 2,
		": /entries/1: field \"size\" is missing"},
	{"unknown field", "{\"entries\":[{\"size\":1,\n\"sise\":2}]}", "json.unknown-field", 2,
		": /entries/0/sise: unknown field 'sise'"},
	{"unknown field at the root", "{\"Entries\":[]}", "json.unknown-field", 1, ": /Entries: "},
	{"hostile field", "{\"\\u001b[2J\":1}", "json.unknown-field", 1, "\\x1b[2J"},
	{"a slash in a key (RFC 6901, 3)", "{\"named\":{\"a/b\":{}}}", "json.missing-field", 1,
		": /named/a~1b: "},
	{"a tilde in a key (RFC 6901, 3)", "{\"named\":{\"a~b\":{}}}", "json.missing-field", 1,
		": /named/a~0b: "},
	{"key with a blank", "{\"named\":{\"a b\":{}}}", "json.missing-field", 1, ": /named/a b: "},
	{"same names elsewhere before",
		"{\"named\":{\"size\":{\"size\":1},\n\"x\":{\"size\":2,\n\"flag\":0}}}",
		"json.type", 3, ": /named/x/flag: "},
	{"strings that look like structure",
		"{\"named\":{\"}\":{\"size\":1,\"text\":\"]},\\\"x\"},\n\"x\":{\"size\":\nnull}}}",
		"json.type", 3, ": /named/x/size: "},
};

static void try_refusal(void **state)
{
	const struct refuse_row *row = *state;
	struct taken taken = {.arena = BAKE_ARENA_INIT(10000)};
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status = read_all(row->text, BAKE_JSON_REFUSE_UNKNOWN, &taken, &err);

	bake_arena_release(&taken.arena);
	check_status(status, &err, BAKE_ERR_DATA, row->id);
	if (!strstr(err.message, row->where))
		print_error("message: %s\n", err.message);
	assert_non_null(strstr(err.message, row->where));
	assert_int_equal(err.detail, row->line);
	assert_int_equal(strncmp(err.message, "doc.json:", 9), 0);
}

static void good_values_are_taken(void)
{
	struct taken taken = {.arena = BAKE_ARENA_INIT(10000)};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(read_all("{\"entries\": [{\"size\": 1000, \"flag\": true, \"x-mine\": {}, "
			      "\"text\": \"\\u00e4\\ud83d\\ude00\", \"list\": [\"a\", \"b\"]}]}",
			     BAKE_JSON_REFUSE_UNKNOWN, &taken, &err),
		&err, BAKE_OK, NULL);
	assert_int_equal(taken.size, 1000);
	assert_true(taken.flag);
	assert_string_equal(taken.text, "\xc3\xa4\xf0\x9f\x98\x80");
	assert_int_equal(taken.count, 2);
	assert_string_equal(taken.list[0], "a");
	assert_string_equal(taken.list[1], "b");
	bake_arena_release(&taken.arena);
}

static void a_slip_is_hinted_at(void)
{
	struct taken taken = {.arena = BAKE_ARENA_INIT(10000)};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(read_all("{\"entires\":[]}", BAKE_JSON_REFUSE_UNKNOWN, &taken, &err), &err,
		BAKE_ERR_DATA, "json.unknown-field");
	assert_string_equal(err.hint, "did you mean \"entries\"?");
	err = BAKE_ERROR_INIT;
	check_status(read_all("{\"zzz\":[]}", BAKE_JSON_REFUSE_UNKNOWN, &taken, &err), &err,
		BAKE_ERR_DATA, "json.unknown-field");
	assert_non_null(strstr(err.hint, "x-"));
}

static void newer_fields_can_be_ignored(void)
{
	struct taken taken = {.arena = BAKE_ARENA_INIT(10000)};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(
		read_all("{\"newer\": 1, \"named\": {}}", BAKE_JSON_IGNORE_UNKNOWN, &taken, &err),
		&err, BAKE_OK, NULL);
}

static void the_arena_is_a_ceiling(void)
{
	struct taken taken = {.arena = BAKE_ARENA_INIT(0)};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(read_all("{\"entries\":[{\"size\":1,\"text\":\"abc\"}]}",
			     BAKE_JSON_REFUSE_UNKNOWN, &taken, &err),
		&err, BAKE_ERR_RESOURCES, "sys.memory");
}

static void values_can_be_asked_for(void)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;
	struct bake_json value;
	const char *text = NULL;

	check_status(bake_json_open(bake_span_text("{\"s\":\"x\",\"n\":null,\"a\":[1,2]}"), "d",
			     &doc, &err),
		&err, BAKE_OK, NULL);
	root = bake_json_root(doc);
	assert_true(bake_json_is_object(&root));
	assert_int_equal(bake_json_count(&root), 3);
	assert_false(bake_json_find(&root, "none", &value));
	assert_true(bake_json_find(&root, "s", &value));
	assert_true(bake_json_is_string(&value));
	assert_int_equal(bake_json_count(&value), 0);
	assert_false(bake_json_find(&value, "s", &root));
	check_status(bake_json_string(&value, &text, &err), &err, BAKE_OK, NULL);
	assert_string_equal(text, "x");
	assert_true(bake_json_find(&root, "n", &value));
	assert_true(bake_json_is_null(&value));
	assert_true(bake_json_find(&root, "a", &value));
	assert_true(bake_json_is_array(&value));
	assert_int_equal(bake_json_count(&value), 2);
}

static void documents_of_others_have_huge_integers(void)
{
	static const char text[] = "{\"huge\": 1000000000000000019884624838656, \"small\": -7}";
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;
	struct bake_json value;
	double number = 0;
	int64_t integer = 0;

	check_status(bake_json_open(bake_span_text(text), "d", &doc, &err), &err, BAKE_ERR_DATA,
		"json.syntax");
	err = BAKE_ERROR_INIT;
	check_status(
		bake_json_open_foreign(bake_span_text(text), "d", &doc, &err), &err, BAKE_OK, NULL);
	root = bake_json_root(doc);
	assert_true(bake_json_find(&root, "huge", &value));
	assert_true(bake_json_is_number(&value));
	check_status(bake_json_f64(&value, &number, &err), &err, BAKE_OK, NULL);
	assert_true(number == 1e30);
	assert_true(bake_json_find(&root, "small", &value));
	assert_true(bake_json_is_integer(&value));
	bake_json_close(&doc);
	check_status(bake_json_open_foreign(bake_span_text("[-7, 1e999]"), "d", &doc, &err), &err,
		BAKE_ERR_DATA, "json.syntax");
	err = BAKE_ERROR_INIT;
	check_status(
		bake_json_open_foreign(bake_span_text("{\"i\": -7, \"b\": true}"), "d", &doc, &err),
		&err, BAKE_OK, NULL);
	root = bake_json_root(doc);
	assert_true(bake_json_find(&root, "i", &value));
	assert_true(bake_json_is_integer(&value));
	check_status(bake_json_i64(&value, -7, 0, &integer, &err), &err, BAKE_OK, NULL);
	assert_int_equal(integer, -7);
	check_status(
		bake_json_i64(&value, -6, 0, &integer, &err), &err, BAKE_ERR_DATA, "json.range");
	err = BAKE_ERROR_INIT;
	assert_true(bake_json_find(&root, "b", &value));
	assert_true(bake_json_is_bool(&value));
	check_status(bake_json_f64(&value, &number, &err), &err, BAKE_ERR_DATA, "json.type");
}

/* Complaints in a document as deep as may be, with keys as long as may be. */
static void long_pointers_are_cut(void)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json cursors[BAKE_JSON_DEPTH_MAX + 1];
	struct bake_error err = BAKE_ERROR_INIT;
	char text[8000];
	char key[151];
	size_t used = 0;
	const char *got;

	memset(key, 'k', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	for (int i = 0; i < BAKE_JSON_DEPTH_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "{\"%s\":\n", key);
	used += (size_t)snprintf(text + used, sizeof(text) - used, "1");
	for (int i = 0; i < BAKE_JSON_DEPTH_MAX; i++)
		text[used++] = '}';
	check_status(bake_json_open(bake_span(text, used), "d", &doc, &err), &err, BAKE_OK, NULL);
	cursors[0] = bake_json_root(doc);
	for (int i = 0; i < BAKE_JSON_DEPTH_MAX; i++)
		assert_true(bake_json_find(&cursors[i], key, &cursors[i + 1]));
	check_status(bake_json_string(&cursors[BAKE_JSON_DEPTH_MAX], &got, &err), &err,
		BAKE_ERR_DATA, "json.type");
	assert_int_equal(err.detail, BAKE_JSON_DEPTH_MAX + 1);
	assert_non_null(strstr(err.message, "expected a string"));
}

/* Keys: short ones, one of them empty; those of one length with the same letter at the beginning, in the
 * middle and at the end; and long ones that differ where none of eight letters at those places is. */
static const char *key_of(unsigned name, unsigned style, char *out, size_t room)
{
	const char one = (char)('a' + name % 5);
	const char two = (char)('a' + name / 5);

	if (style == 0)
		(void)snprintf(
			out, room, "%.*s", name != 1, (const char[]){(char)('a' + name), '\0'});
	else if (style == 1)
		(void)snprintf(out, room, "a%cb%cc", one, two);
	else
		(void)snprintf(out, room, "beginning.%c%c...middle.....%c%c......the end", one, two,
			two, one);
	return out;
}

/* An object of count members, of which the one at twin, when there is one, is called as the first. */
static enum bake_status open_keys(size_t count, size_t twin, unsigned style, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;
	char text[2000] = "{";
	char key[50];
	size_t used = 1;

	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s\":0",
			i ? "," : "", key_of(i == twin ? 0 : (unsigned)i, style, key, sizeof(key)));
	(void)snprintf(text + used, sizeof(text) - used, "}");
	BAKE_TRY(bake_json_open(bake_span_text(text), "t.json", &doc, err));
	root = bake_json_root(doc);
	for (unsigned i = 0; i < 25; i++) {
		struct bake_json value;

		assert_int_equal(bake_json_find(&root, key_of(i, style, key, sizeof(key)), &value),
			i < count);
	}
	return BAKE_OK;
}

static void every_two_keys_are_compared(void)
{
	for (size_t count = 2; count < 24; count++) {
		for (size_t twin = 1; twin <= count; twin++) {
			for (unsigned style = 0; style < 3; style++) {
				struct bake_error err = BAKE_ERROR_INIT;

				check_status(open_keys(count, twin, style, &err), &err,
					twin < count ? BAKE_ERR_DATA : BAKE_OK,
					"json.duplicate-key");
			}
		}
	}
}

static const struct scenario others[] = {
	{"every two keys are compared", every_two_keys_are_compared},
	{"good values are taken", good_values_are_taken},
	{"a slip is hinted at", a_slip_is_hinted_at},
	{"newer fields can be ignored", newer_fields_can_be_ignored},
	{"the arena is a ceiling", the_arena_is_a_ceiling},
	{"values can be asked for", values_can_be_asked_for},
	{"documents of others have huge integers", documents_of_others_have_huge_integers},
	{"long pointers are cut", long_pointers_are_cut},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(opens, try_open),
		ROWS(refusals, try_refusal),
		ROWS(others, play_scenario),
	};

	return run_rows("json/read", tables, countof(tables));
}
