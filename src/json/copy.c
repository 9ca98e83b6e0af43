/* SPDX-License-Identifier: Apache-2.0 */
/* A value of a document, written as it stands there. The reader's depth bounds the recursion. */
#include "json/document.h"

static void write_node(struct bake_json_writer *writer, const struct bake_json_node *node);

static void write_members(struct bake_json_writer *writer, const struct bake_json_node *object)
{
	bake_json_object(writer);
	for (const struct bake_json_node *at = object->list->first; at; at = at->next) {
		bake_json_key(writer, at->key);
		write_node(writer, at);
	}
	bake_json_end_object(writer);
}

static void write_elements(struct bake_json_writer *writer, const struct bake_json_node *array)
{
	bake_json_array(writer);
	for (const struct bake_json_node *at = array->list->first; at; at = at->next)
		write_node(writer, at);
	bake_json_end_array(writer);
}

static void write_node(struct bake_json_writer *writer, const struct bake_json_node *node)
{
	switch ((enum json_kind)node->kind) {
	case JSON_OBJECT:
		write_members(writer, node);
		break;
	case JSON_ARRAY:
		write_elements(writer, node);
		break;
	case JSON_STRING:
		bake_json_write_text(writer, node->text);
		break;
	case JSON_INTEGER:
		bake_json_write_i64(writer, node->integer);
		break;
	case JSON_FRACTION:
		bake_json_write_f64(writer, node->fraction);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		bake_json_write_bool(writer, node->kind == JSON_TRUE);
		break;
	case JSON_NULL:
		bake_json_write_null(writer);
		break;
	}
}

void bake_json_write_value(struct bake_json_writer *writer, const struct bake_json *value)
{
	write_node(writer, value->node);
}
