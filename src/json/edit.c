/* SPDX-License-Identifier: Apache-2.0 */
#include "json/edit.h"

#include <jansson.h>

/* The object takes node over, also when it fails. */
static enum bake_status put(
	const struct bake_json *object, const char *key, json_t *node, struct bake_error *err)
{
	if (!json_is_object((const json_t *)object->node)) {
		json_decref(node);
		return bake_json_error(object, "json.type", err, "expected an object");
	}
	return json_object_set_new(object->node, key, node) == 0 ? BAKE_OK : bake_error_nomem(err);
}

enum bake_status bake_json_set(const struct bake_json *object, const char *key,
	const struct bake_json *value, struct bake_error *err)
{
	return put(object, key, json_deep_copy(value->node), err);
}

enum bake_status bake_json_set_text(
	const struct bake_json *object, const char *key, const char *text, struct bake_error *err)
{
	return put(object, key, json_string(text), err);
}

void bake_json_unset(const struct bake_json *object, const char *key)
{
	(void)json_object_del(object->node, key);
}

static enum bake_status make(const struct bake_json *object, const char *key, json_t *empty,
	struct bake_json *out, struct bake_error *err)
{
	struct bake_json found;

	if (!empty)
		return bake_error_nomem(err);
	if (bake_json_find(object, key, &found) && !bake_json_is_null(&found)) {
		bool same = json_typeof((json_t *)found.node) == json_typeof(empty);

		json_decref(empty);
		if (!same)
			return bake_json_error(
				&found, "json.type", err, "another kind of value is expected here");
	} else {
		BAKE_TRY(put(object, key, empty, err));
	}
	(void)bake_json_find(object, key, out);
	return BAKE_OK;
}

enum bake_status bake_json_make_object(const struct bake_json *object, const char *key,
	struct bake_json *out, struct bake_error *err)
{
	return make(object, key, json_object(), out, err);
}

enum bake_status bake_json_make_array(const struct bake_json *object, const char *key,
	struct bake_json *out, struct bake_error *err)
{
	return make(object, key, json_array(), out, err);
}

enum bake_status bake_json_add(
	const struct bake_json *array, const struct bake_json *value, struct bake_error *err)
{
	return json_array_append_new(array->node, json_deep_copy(value->node)) == 0
		       ? BAKE_OK
		       : bake_error_nomem(err);
}

enum bake_status bake_json_add_text(
	const struct bake_json *array, const char *text, struct bake_error *err)
{
	return json_array_append_new(array->node, json_string(text)) == 0 ? BAKE_OK
									  : bake_error_nomem(err);
}

void bake_json_clear(const struct bake_json *array)
{
	(void)json_array_clear(array->node);
}

struct bake_json bake_json_element(const struct bake_json *array, size_t index)
{
	return (struct bake_json){
		.doc = array->doc,
		.node = json_array_get(array->node, index),
		.parent = array,
		.index = index,
	};
}

bool bake_json_equal(const struct bake_json *a, const struct bake_json *b)
{
	return json_equal(a->node, b->node) == 1;
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
