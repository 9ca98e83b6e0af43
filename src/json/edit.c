/* SPDX-License-Identifier: Apache-2.0 */
#include "json/edit.h"

#include <string.h>

#include "json/document.h"

static struct bake_arena *arena_of(const struct bake_json *value)
{
	return &value->doc->tree->arena;
}

static struct bake_json_node *new_text(struct bake_arena *arena, const char *text)
{
	struct bake_json_node *node = json_new(arena, JSON_STRING);

	if (node)
		node->text = bake_arena_text(arena, text);
	return node && node->text ? node : NULL;
}

/* A value with all that is in it. Documents are as deep as their reader allows. */
static struct bake_json_node *copy(struct bake_arena *arena, const struct bake_json_node *node)
{
	struct bake_json_node *made;
	struct bake_json_node *twin;

	if (node->kind == JSON_STRING)
		return new_text(arena, node->text);
	made = json_new(arena, (enum json_kind)node->kind);
	if (!made)
		return NULL;
	if (node->kind == JSON_INTEGER)
		made->integer = node->integer;
	if (node->kind == JSON_FRACTION)
		made->fraction = node->fraction;
	if (!json_is_list(node))
		return made;
	for (const struct bake_json_node *at = node->list->first; at; at = at->next) {
		struct bake_json_node *part = copy(arena, at);

		if (!part)
			return NULL;
		part->key = at->key ? bake_arena_text(arena, at->key) : NULL;
		part->key_len = at->key_len;
		if (at->key && !part->key)
			return NULL;
		json_link(made, part);
	}
	return node->kind == JSON_ARRAY || json_sort(arena, made, &twin) ? made : NULL;
}

/* Puts node, which is in no list yet, into the object; NULL: there was no memory for it. */
static enum bake_status put(const struct bake_json *object, const char *key,
	struct bake_json_node *node, struct bake_error *err)
{
	struct bake_json_node *there;

	if (!bake_json_is_object(object))
		return bake_json_error(object, "json.type", err, "expected an object");
	if (!node)
		return bake_error_nomem(err);
	there = json_member(object->node, key);
	if (there) {
		node->next = there->next;
		node->key = there->key;
		node->key_len = there->key_len;
		*there = *node;
		return BAKE_OK;
	}
	node->key = bake_arena_text(arena_of(object), key);
	node->key_len = (uint32_t)strlen(key) & JSON_KEY_MAX;
	return node->key && json_append(arena_of(object), object->node, node)
		       ? BAKE_OK
		       : bake_error_nomem(err);
}

enum bake_status bake_json_set(const struct bake_json *object, const char *key,
	const struct bake_json *value, struct bake_error *err)
{
	return put(object, key, copy(arena_of(object), value->node), err);
}

enum bake_status bake_json_set_text(
	const struct bake_json *object, const char *key, const char *text, struct bake_error *err)
{
	return put(object, key, new_text(arena_of(object), text), err);
}

void bake_json_unset(const struct bake_json *object, const char *key)
{
	struct bake_json_node *member = json_member(object->node, key);

	if (member)
		json_remove(object->node, member);
}

static enum bake_status make(const struct bake_json *object, const char *key, enum json_kind kind,
	struct bake_json *out, struct bake_error *err)
{
	struct bake_json found;

	if (bake_json_find(object, key, &found) && !bake_json_is_null(&found)) {
		if (found.node->kind != kind)
			return bake_json_error(
				&found, "json.type", err, "another kind of value is expected here");
	} else {
		BAKE_TRY(put(object, key, json_new(arena_of(object), kind), err));
	}
	(void)bake_json_find(object, key, out);
	return BAKE_OK;
}

enum bake_status bake_json_make_object(const struct bake_json *object, const char *key,
	struct bake_json *out, struct bake_error *err)
{
	return make(object, key, JSON_OBJECT, out, err);
}

enum bake_status bake_json_make_array(const struct bake_json *object, const char *key,
	struct bake_json *out, struct bake_error *err)
{
	return make(object, key, JSON_ARRAY, out, err);
}

static enum bake_status add(
	const struct bake_json *array, struct bake_json_node *node, struct bake_error *err)
{
	if (!bake_json_is_array(array))
		return bake_json_error(array, "json.type", err, "expected an array");
	return node && json_append(arena_of(array), array->node, node) ? BAKE_OK
								       : bake_error_nomem(err);
}

enum bake_status bake_json_add(
	const struct bake_json *array, const struct bake_json *value, struct bake_error *err)
{
	return add(array, copy(arena_of(array), value->node), err);
}

enum bake_status bake_json_add_text(
	const struct bake_json *array, const char *text, struct bake_error *err)
{
	return add(array, new_text(arena_of(array), text), err);
}

void bake_json_clear(const struct bake_json *array)
{
	if (bake_json_is_array(array))
		*array->node->list = (struct json_list){0};
}

struct bake_json bake_json_element(const struct bake_json *array, size_t index)
{
	return (struct bake_json){
		.doc = array->doc,
		.node = json_element(arena_of(array), array->node, index),
		.parent = array,
		.index = index,
	};
}

static bool equal(const struct bake_json_node *a, const struct bake_json_node *b);

static bool equal_lists(const struct bake_json_node *a, const struct bake_json_node *b)
{
	const struct bake_json_node *other = b->list->first;

	if (a->list->count != b->list->count)
		return false;
	for (const struct bake_json_node *at = a->list->first; at; at = at->next) {
		if (a->kind == JSON_OBJECT)
			other = json_member(b, at->key);
		if (!other || !equal(at, other))
			return false;
		other = other->next;
	}
	return true;
}

static bool equal(const struct bake_json_node *a, const struct bake_json_node *b)
{
	if (a->kind != b->kind)
		return false;
	switch ((enum json_kind)a->kind) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return equal_lists(a, b);
	case JSON_STRING:
		return strcmp(a->text, b->text) == 0;
	case JSON_INTEGER:
		return a->integer == b->integer;
	case JSON_FRACTION:
		return a->fraction == b->fraction;
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		break;
	}
	return true;
}

bool bake_json_equal(const struct bake_json *a, const struct bake_json *b)
{
	return equal(a->node, b->node);
}

enum bake_status bake_json_write_doc(
	const struct bake_json_doc *doc, struct bake_buf *out, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	struct bake_json root = bake_json_root(doc);

	bake_json_write_value(&writer, &root);
	bake_json_finish(&writer);
	return bake_buf_status(out, "document", err);
}
