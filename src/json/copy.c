/* SPDX-License-Identifier: Apache-2.0 */
/* A value of a document, written as it stands there. The reader's depth bounds the recursion. */
#include <jansson.h>

#include "json/json.h"

static void write_node(struct bake_json_writer *writer, json_t *node);

static void write_members(struct bake_json_writer *writer, json_t *object)
{
	bake_json_object(writer);
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		bake_json_key(writer, json_object_iter_key(at));
		write_node(writer, json_object_iter_value(at));
	}
	bake_json_end_object(writer);
}

static void write_elements(struct bake_json_writer *writer, json_t *array)
{
	bake_json_array(writer);
	for (size_t i = 0; i < json_array_size(array); i++)
		write_node(writer, json_array_get(array, i));
	bake_json_end_array(writer);
}

static void write_node(struct bake_json_writer *writer, json_t *node)
{
	switch (json_typeof(node)) {
	case JSON_OBJECT:
		write_members(writer, node);
		break;
	case JSON_ARRAY:
		write_elements(writer, node);
		break;
	case JSON_STRING:
		bake_json_write_text(writer, json_string_value(node));
		break;
	case JSON_INTEGER:
		bake_json_write_i64(writer, json_integer_value(node));
		break;
	case JSON_REAL:
		bake_json_write_f64(writer, json_real_value(node));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		bake_json_write_bool(writer, json_is_true(node));
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
