/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "json/document.h"

static enum bake_status open_text(struct bake_span text, const char *name, bool foreign,
	struct bake_json_doc **out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = calloc(1, sizeof(*doc));

	if (!doc)
		return bake_error_nomem(err);
	doc->tree = calloc(1, sizeof(*doc->tree));
	if (!doc->tree)
		return bake_error_nomem(err);
	doc->tree->arena = (struct bake_arena)BAKE_ARENA_INIT(SIZE_MAX);
	doc->tree->arena.expected = text.len; /* the texts alone; the nodes are as much again */
	doc->text = text;
	(void)snprintf(doc->name, sizeof(doc->name), "%s", name);
	BAKE_TRY(json_tree_read(doc->tree, text, name, foreign, err));
	*out = doc;
	doc = NULL;
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
	if (*doc && (*doc)->tree) {
		bake_arena_release(&(*doc)->tree->arena);
		free((*doc)->tree);
	}
	free(*doc);
	*doc = NULL;
}

struct bake_json bake_json_root(const struct bake_json_doc *doc)
{
	return (struct bake_json){.doc = doc, .node = doc->tree->root};
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

/* The line of value, or of what it was put into. */
static unsigned line_of(const struct bake_json *value)
{
	struct bake_span text = value->doc->text;
	unsigned line = 1;

	while (value->node->offset == JSON_NOWHERE && value->parent)
		value = value->parent;
	for (size_t i = 0; i < value->node->offset && i < text.len; i++)
		line += text.ptr[i] == '\n';
	return line;
}

/* The pointer of value, for people. */
static void describe(const struct bake_json *value, char *pointer, size_t room)
{
	const struct bake_json *steps[BAKE_JSON_DEPTH_MAX + 1];
	size_t count = 0;
	size_t used = 0;

	for (const struct bake_json *at = value; at->parent && count < countof(steps);
		at = at->parent)
		steps[count++] = at;
	pointer[0] = '\0';
	for (size_t i = count; i-- > 0 && used < room;) {
		char step[BAKE_SHOWN_MAX + 24];
		int put;

		if (steps[i]->key)
			escape_key(steps[i]->key, step, sizeof(step));
		else
			(void)snprintf(step, sizeof(step), "%zu", steps[i]->index);
		put = snprintf(pointer + used, room - used, "/%s", BAKE_SHOW(step));
		used += put > 0 ? (size_t)put : 0;
	}
}

enum bake_status bake_json_blame(const struct bake_json *value, struct bake_error *err)
{
	char pointer[300];
	unsigned line = line_of(value);

	describe(value, pointer, sizeof(pointer));
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

static const char *type_name(const struct bake_json_node *node)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer",
		[JSON_FRACTION] = "a fraction",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return names[node->kind];
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

/* The field of that name, or count when there is none. Members mostly come in the order of the
 * fields: it is looked for from the one behind the last on. */
static size_t field_of(
	const char *key, const struct bake_json_field *fields, size_t count, size_t from)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = from + i < count ? from + i : from + i - count;

		if (fields[at].name[0] == key[0] && strcmp(fields[at].name, key) == 0)
			return at;
	}
	return count;
}

static struct bake_json member_of(const struct bake_json *object, struct bake_json_node *node)
{
	return (struct bake_json){
		.doc = object->doc, .node = node, .parent = object, .key = node->key};
}

enum bake_status bake_json_read_object(const struct bake_json *object,
	const struct bake_json_field *fields, size_t count, enum bake_json_unknown unknown,
	void *out, struct bake_error *err)
{
	size_t next = 0;

	if (!bake_json_is_object(object))
		return mistyped(object, "an object", err);
	for (struct bake_json_node *at = object->node->list->first; at; at = at->next) {
		struct bake_json value = member_of(object, at);
		size_t field = field_of(value.key, fields, count, next);

		if (field < count) {
			next = field + 1;
			BAKE_TRY(fields[field].read(&value, out, err));
			continue;
		}
		if (unknown == BAKE_JSON_REFUSE_UNKNOWN && !bake_text_starts(value.key, "x-"))
			return unknown_field(&value, fields, count, err);
	}
	for (size_t i = 0; i < count; i++) {
		if (fields[i].required && !json_member(object->node, fields[i].name))
			return bake_json_error(object, "json.missing-field", err,
				"field \"%s\" is missing", fields[i].name);
	}
	return BAKE_OK;
}

enum bake_status bake_json_each_member(const struct bake_json *object,
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err),
	void *out, struct bake_error *err)
{
	if (!bake_json_is_object(object))
		return mistyped(object, "an object", err);
	for (struct bake_json_node *at = object->node->list->first; at; at = at->next) {
		struct bake_json value = member_of(object, at);

		BAKE_TRY(read(&value, out, err));
	}
	return BAKE_OK;
}

enum bake_status bake_json_each_element(const struct bake_json *array,
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err),
	void *out, struct bake_error *err)
{
	size_t index = 0;

	if (!bake_json_is_array(array))
		return mistyped(array, "an array", err);
	for (struct bake_json_node *at = array->node->list->first; at; at = at->next) {
		struct bake_json value = {
			.doc = array->doc, .node = at, .parent = array, .index = index++};

		BAKE_TRY(read(&value, out, err));
	}
	return BAKE_OK;
}

size_t bake_json_count(const struct bake_json *value)
{
	return json_is_list(value->node) ? value->node->list->count : 0;
}

bool bake_json_find(const struct bake_json *object, const char *key, struct bake_json *out)
{
	struct bake_json_node *node = json_member(object->node, key);

	if (!node)
		return false;
	*out = (struct bake_json){.doc = object->doc, .node = node, .parent = object, .key = key};
	return true;
}

bool bake_json_is_object(const struct bake_json *value)
{
	return value->node->kind == JSON_OBJECT;
}

bool bake_json_is_array(const struct bake_json *value)
{
	return value->node->kind == JSON_ARRAY;
}

bool bake_json_is_string(const struct bake_json *value)
{
	return value->node->kind == JSON_STRING;
}

bool bake_json_is_null(const struct bake_json *value)
{
	return value->node->kind == JSON_NULL;
}

bool bake_json_is_bool(const struct bake_json *value)
{
	return value->node->kind == JSON_TRUE || value->node->kind == JSON_FALSE;
}

bool bake_json_is_integer(const struct bake_json *value)
{
	return value->node->kind == JSON_INTEGER;
}

bool bake_json_is_number(const struct bake_json *value)
{
	return bake_json_is_integer(value) || value->node->kind == JSON_FRACTION;
}

enum bake_status bake_json_string(
	const struct bake_json *value, const char **out, struct bake_error *err)
{
	if (!bake_json_is_string(value))
		return mistyped(value, "a string", err);
	*out = value->node->text;
	return BAKE_OK;
}

enum bake_status bake_json_bool(const struct bake_json *value, bool *out, struct bake_error *err)
{
	if (!bake_json_is_bool(value))
		return mistyped(value, "true or false", err);
	*out = value->node->kind == JSON_TRUE;
	return BAKE_OK;
}

enum bake_status bake_json_u64(
	const struct bake_json *value, uint64_t max, uint64_t *out, struct bake_error *err)
{
	int64_t number;

	if (!bake_json_is_integer(value))
		return mistyped(value, "an integer", err);
	number = value->node->integer;
	if (number < 0 || (uint64_t)number > max)
		return bake_json_error(value, "json.range", err,
			"%" PRIi64 " is not between 0 and %" PRIu64, number, max);
	*out = (uint64_t)number;
	return BAKE_OK;
}

enum bake_status bake_json_i64(const struct bake_json *value, int64_t min, int64_t max,
	int64_t *out, struct bake_error *err)
{
	int64_t number;

	if (!bake_json_is_integer(value))
		return mistyped(value, "an integer", err);
	number = value->node->integer;
	if (number < min || number > max)
		return bake_json_error(value, "json.range", err,
			"%" PRIi64 " is not between %" PRIi64 " and %" PRIi64, number, min, max);
	*out = number;
	return BAKE_OK;
}

enum bake_status bake_json_f64(const struct bake_json *value, double *out, struct bake_error *err)
{
	if (!bake_json_is_number(value))
		return mistyped(value, "a number", err);
	*out = bake_json_is_integer(value) ? (double)value->node->integer : value->node->fraction;
	return BAKE_OK;
}

/* Why text cannot stand in a document of ours, NULL when it can. */
static const char *text_fault(const char *text, size_t len, size_t max)
{
	if (len == 0)
		return "is empty";
	if (len > max)
		return "is too long";
	for (size_t i = bake_text_plain(text, len), size; i < len; i += size) {
		size = 1;
		if ((text[i] < ' ' || text[i] > '~') && bake_utf8_hostile(text + i, &size))
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
	size_t len;

	BAKE_TRY(bake_json_string(value, &text, err));
	len = strlen(text);
	fault = text_fault(text, len, max);
	if (fault)
		return bake_json_error(value, "json.text", err, "'%s' %s", BAKE_SHOW(text), fault);
	copy = bake_arena_copy(arena, text, len);
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
