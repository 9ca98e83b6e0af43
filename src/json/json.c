/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "json/locate.h"

struct bake_json_doc {
	struct bake_span text;
	char name[256]; /* for messages; a longer one is cut */
	json_t *root;
};

/* Deepest nesting of brackets outside strings. Counted before parsing: the parser recurses. */
static size_t depth_of(struct bake_span text)
{
	size_t depth = 0;
	size_t deepest = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{'))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!quoted && (c == ']' || c == '}') && depth)
			depth--;
	}
	return deepest;
}

/* Jansson reads over a NUL byte behind a number. No JSON has one anywhere. */
static enum bake_status refuse_nul(struct bake_span text, const char *name, struct bake_error *err)
{
	const uint8_t *nul = text.len ? memchr(text.ptr, 0, text.len) : NULL;
	uint32_t line = 1;

	if (!nul)
		return BAKE_OK;
	for (const uint8_t *at = text.ptr; at < nul; at++)
		line += *at == '\n';
	bake_error_set(err, BAKE_ERR_DATA, "json.syntax", "%s:%" PRIu32 ": a NUL byte",
		BAKE_SHOW(name), line);
	err->detail = line;
	return err->status;
}

static enum bake_status open_text(struct bake_span text, const char *name, bool foreign,
	struct bake_json_doc **out, struct bake_error *err)
{
	struct bake_json_doc *doc;
	json_error_t why;
	json_t *root;

	if (depth_of(text) > BAKE_JSON_DEPTH_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "json.depth", "%s: nested deeper than %d",
			BAKE_SHOW(name), BAKE_JSON_DEPTH_MAX);
	BAKE_TRY(refuse_nul(text, name, err));
	root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!root && foreign && json_error_code(&why) == json_error_numeric_overflow)
		root = json_loadb((const char *)text.ptr, text.len,
			JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &why);
	if (!root) {
		bool duplicate = json_error_code(&why) == json_error_duplicate_key;

		bake_error_set(err, BAKE_ERR_DATA, duplicate ? "json.duplicate-key" : "json.syntax",
			"%s:%d:%d: %s", BAKE_SHOW(name), why.line, why.column, BAKE_SHOW(why.text));
		err->detail = why.line > 0 ? (uint32_t)why.line : 0;
		return err->status;
	}
	doc = calloc(1, sizeof(*doc));
	if (!doc) {
		json_decref(root);
		return bake_error_nomem(err);
	}
	doc->text = text;
	doc->root = root;
	(void)snprintf(doc->name, sizeof(doc->name), "%s", name);
	*out = doc;
	return BAKE_OK;
}

enum bake_status bake_json_open(
	struct bake_span text, const char *name, struct bake_json_doc **out, struct bake_error *err)
{
	return open_text(text, name, false, out, err);
}

enum bake_status bake_json_open_foreign(
	struct bake_span text, const char *name, struct bake_json_doc **out, struct bake_error *err)
{
	return open_text(text, name, true, out, err);
}

void bake_json_close(struct bake_json_doc **doc)
{
	if (*doc)
		json_decref((*doc)->root);
	free(*doc);
	*doc = NULL;
}

struct bake_json bake_json_root(const struct bake_json_doc *doc)
{
	return (struct bake_json){.doc = doc, .node = doc->root};
}

/* A key as a JSON Pointer writes it: "~" and "/" escaped (RFC 6901, 3). Cut where room ends. */
static void escape_key(const char *key, char *out, size_t room)
{
	size_t used = 0;

	for (; *key && used + 3 <= room; key++) {
		char c = *key;

		if (c == '~' || c == '/') {
			out[used++] = '~';
			c = c == '~' ? '0' : '1';
		}
		out[used++] = c;
	}
	out[used] = '\0';
}

/* The pointer of value, as text for people and as steps for the search of its line. */
static void describe(const struct bake_json *value, char *pointer, size_t room, unsigned *out_line)
{
	struct bake_json_step steps[BAKE_JSON_DEPTH_MAX + 1];
	size_t count = 0;
	size_t used = 0;

	for (const struct bake_json *at = value; at->parent && count < countof(steps);
		at = at->parent)
		steps[count++] = (struct bake_json_step){.key = at->key, .index = at->index};
	pointer[0] = '\0';
	for (size_t i = count; i-- > 0 && used < room;) {
		char step[BAKE_SHOWN_MAX + 24];
		int put;

		if (steps[i].key)
			escape_key(steps[i].key, step, sizeof(step));
		else
			(void)snprintf(step, sizeof(step), "%zu", steps[i].index);
		put = snprintf(pointer + used, room - used, "/%s", BAKE_SHOW(step));
		used += put > 0 ? (size_t)put : 0;
	}
	*out_line = bake_json_locate(value->doc->text, steps, count);
}

enum bake_status bake_json_blame(const struct bake_json *value, struct bake_error *err)
{
	char pointer[300];
	unsigned line;

	describe(value, pointer, sizeof(pointer), &line);
	bake_error_wrap(
		err, "%s:%u: %s", BAKE_SHOW(value->doc->name), line, pointer[0] ? pointer : "/");
	err->detail = line;
	return err->status;
}

enum bake_status bake_json_error(const struct bake_json *value, const char *id,
	struct bake_error *err, const char *format, ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	bake_error_set(err, BAKE_ERR_DATA, id, "%s", what);
	return bake_json_blame(value, err);
}

static const char *type_name(const json_t *node)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer",
		[JSON_REAL] = "a fraction",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return names[json_typeof(node)];
}

static enum bake_status mistyped(
	const struct bake_json *value, const char *wanted, struct bake_error *err)
{
	return bake_json_error(
		value, "json.type", err, "expected %s, got %s", wanted, type_name(value->node));
}

static const char *field_name(const void *context, size_t index)
{
	return ((const struct bake_json_field *)context)[index].name;
}

static enum bake_status unknown_field(const struct bake_json *value,
	const struct bake_json_field *fields, size_t count, struct bake_error *err)
{
	const char *near = bake_text_nearest(value->key, count, field_name, fields);

	bake_json_error(
		value, "json.unknown-field", err, "unknown field '%s'", BAKE_SHOW(value->key));
	if (near)
		return bake_error_hint(err, "did you mean \"%s\"?", near);
	return bake_error_hint(err, "fields of your own may be named \"x-...\"");
}

/* The field of that name, or count when there is none. */
static size_t field_of(const char *key, const struct bake_json_field *fields, size_t count)
{
	size_t i = 0;

	while (i < count && strcmp(fields[i].name, key) != 0)
		i++;
	return i;
}

/* The object's member at an iterator position. */
static struct bake_json member_at(const struct bake_json *object, void *iterator)
{
	return (struct bake_json){
		.doc = object->doc,
		.node = json_object_iter_value(iterator),
		.parent = object,
		.key = json_object_iter_key(iterator),
	};
}

static void *first_member(const struct bake_json *object)
{
	return json_object_iter(object->node);
}

static void *next_member(const struct bake_json *object, void *iterator)
{
	return json_object_iter_next(object->node, iterator);
}

enum bake_status bake_json_read_object(const struct bake_json *object,
	const struct bake_json_field *fields, size_t count, enum bake_json_unknown unknown,
	void *out, struct bake_error *err)
{
	if (!json_is_object((const json_t *)object->node))
		return mistyped(object, "an object", err);
	for (void *at = first_member(object); at; at = next_member(object, at)) {
		struct bake_json value = member_at(object, at);
		size_t field = field_of(value.key, fields, count);

		if (field < count) {
			BAKE_TRY(fields[field].read(&value, out, err));
			continue;
		}
		if (unknown == BAKE_JSON_REFUSE_UNKNOWN && !bake_text_starts(value.key, "x-"))
			return unknown_field(&value, fields, count, err);
	}
	for (size_t i = 0; i < count; i++) {
		if (fields[i].required && !json_object_get(object->node, fields[i].name))
			return bake_json_error(object, "json.missing-field", err,
				"field \"%s\" is missing", fields[i].name);
	}
	return BAKE_OK;
}

enum bake_status bake_json_each_member(const struct bake_json *object,
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err),
	void *out, struct bake_error *err)
{
	if (!json_is_object((const json_t *)object->node))
		return mistyped(object, "an object", err);
	for (void *at = first_member(object); at; at = next_member(object, at)) {
		struct bake_json value = member_at(object, at);

		BAKE_TRY(read(&value, out, err));
	}
	return BAKE_OK;
}

enum bake_status bake_json_each_element(const struct bake_json *array,
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err),
	void *out, struct bake_error *err)
{
	if (!json_is_array((const json_t *)array->node))
		return mistyped(array, "an array", err);
	for (size_t i = 0; i < json_array_size(array->node); i++) {
		struct bake_json value = {
			.doc = array->doc,
			.node = json_array_get(array->node, i),
			.parent = array,
			.index = i,
		};

		BAKE_TRY(read(&value, out, err));
	}
	return BAKE_OK;
}

size_t bake_json_count(const struct bake_json *value)
{
	if (json_is_array((const json_t *)value->node))
		return json_array_size(value->node);
	return json_object_size(value->node);
}

bool bake_json_find(const struct bake_json *object, const char *key, struct bake_json *out)
{
	json_t *node = json_object_get(object->node, key);

	if (!node)
		return false;
	*out = (struct bake_json){.doc = object->doc, .node = node, .parent = object, .key = key};
	return true;
}

bool bake_json_is_object(const struct bake_json *value)
{
	return json_is_object((const json_t *)value->node);
}

bool bake_json_is_array(const struct bake_json *value)
{
	return json_is_array((const json_t *)value->node);
}

bool bake_json_is_string(const struct bake_json *value)
{
	return json_is_string((const json_t *)value->node);
}

bool bake_json_is_null(const struct bake_json *value)
{
	return json_is_null((const json_t *)value->node);
}

bool bake_json_is_bool(const struct bake_json *value)
{
	return json_is_boolean((const json_t *)value->node);
}

bool bake_json_is_integer(const struct bake_json *value)
{
	return json_is_integer((const json_t *)value->node);
}

bool bake_json_is_number(const struct bake_json *value)
{
	return json_is_number((const json_t *)value->node);
}

enum bake_status bake_json_string(
	const struct bake_json *value, const char **out, struct bake_error *err)
{
	if (!json_is_string((const json_t *)value->node))
		return mistyped(value, "a string", err);
	*out = json_string_value(value->node);
	return BAKE_OK;
}

enum bake_status bake_json_bool(const struct bake_json *value, bool *out, struct bake_error *err)
{
	if (!json_is_boolean((const json_t *)value->node))
		return mistyped(value, "true or false", err);
	*out = json_is_true((const json_t *)value->node);
	return BAKE_OK;
}

enum bake_status bake_json_u64(
	const struct bake_json *value, uint64_t max, uint64_t *out, struct bake_error *err)
{
	json_int_t number;

	if (!json_is_integer((const json_t *)value->node))
		return mistyped(value, "an integer", err);
	number = json_integer_value(value->node);
	if (number < 0 || (uint64_t)number > max)
		return bake_json_error(value, "json.range", err,
			"%" JSON_INTEGER_FORMAT " is not between 0 and %" PRIu64, number, max);
	*out = (uint64_t)number;
	return BAKE_OK;
}

enum bake_status bake_json_i64(const struct bake_json *value, int64_t min, int64_t max,
	int64_t *out, struct bake_error *err)
{
	json_int_t number;

	if (!json_is_integer((const json_t *)value->node))
		return mistyped(value, "an integer", err);
	number = json_integer_value(value->node);
	if (number < min || number > max)
		return bake_json_error(value, "json.range", err,
			"%" JSON_INTEGER_FORMAT " is not between %" PRIi64 " and %" PRIi64, number,
			min, max);
	*out = number;
	return BAKE_OK;
}

enum bake_status bake_json_f64(const struct bake_json *value, double *out, struct bake_error *err)
{
	if (!json_is_number((const json_t *)value->node))
		return mistyped(value, "a number", err);
	*out = json_number_value(value->node);
	return BAKE_OK;
}

/* Why text cannot stand in a document of ours, NULL when it can. */
static const char *text_fault(const char *text, size_t max)
{
	if (text[0] == '\0')
		return "is empty";
	if (strlen(text) > max)
		return "is too long";
	for (size_t i = 0, size; text[i]; i += size) {
		if (bake_utf8_hostile(text + i, &size))
			return "has a control or invisible character";
	}
	return NULL;
}

enum bake_status bake_json_copy(const struct bake_json *value, size_t max, struct bake_arena *arena,
	const char **out, struct bake_error *err)
{
	const char *text = "";
	const char *fault;
	const char *copy;

	BAKE_TRY(bake_json_string(value, &text, err));
	fault = text_fault(text, max);
	if (fault)
		return bake_json_error(value, "json.text", err, "'%s' %s", BAKE_SHOW(text), fault);
	copy = bake_arena_text(arena, text);
	if (!copy)
		return bake_error_nomem(err);
	*out = copy;
	return BAKE_OK;
}

struct copied_list {
	struct bake_arena *arena;
	const char **list;
	size_t count;
	size_t max;
};

static enum bake_status copy_element(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct copied_list *copied = out;

	BAKE_TRY(bake_json_copy(
		value, copied->max, copied->arena, &copied->list[copied->count], err));
	copied->count++;
	return BAKE_OK;
}

enum bake_status bake_json_copy_list(const struct bake_json *value, size_t max,
	struct bake_arena *arena, const char *const **out, size_t *out_count,
	struct bake_error *err)
{
	struct copied_list copied = {.arena = arena, .max = max};

	copied.list = bake_arena_array(arena, bake_json_count(value), sizeof(*copied.list));
	if (!copied.list)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_each_element(value, copy_element, &copied, err));
	*out = copied.list;
	*out_count = copied.count;
	return BAKE_OK;
}
