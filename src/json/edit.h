/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document that is changed in places and written out again: what is not changed keeps its meaning,
 * the order of its members, and its place. Values are cursors of an open document (see json.h) and
 * stay what they are after a change, but for those below what was replaced or removed.
 */
#ifndef JSON_EDIT_H
#define JSON_EDIT_H

#include "json/json.h"
#include "json/writer.h"

/* Sets a member to a copy of value, which may be of another document. A new member comes last. */
enum bake_status bake_json_set(const struct bake_json *object, const char *key,
	const struct bake_json *value, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_json_set_text(const struct bake_json *object, const char *key,
	const char *text, struct bake_error *err) BAKE_CHECKED;

/* Removes a member; nothing when there is none. */
void bake_json_unset(const struct bake_json *object, const char *key);

/* The member, made as an empty object or array when there is none or it is null. json.type when it is
 * something else. *out is a cursor whose parent is object. */
enum bake_status bake_json_make_object(const struct bake_json *object, const char *key,
	struct bake_json *out, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_json_make_array(const struct bake_json *object, const char *key,
	struct bake_json *out, struct bake_error *err) BAKE_CHECKED;

/* Adds at the end. */
enum bake_status bake_json_add(const struct bake_json *array, const struct bake_json *value,
	struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_json_add_text(
	const struct bake_json *array, const char *text, struct bake_error *err) BAKE_CHECKED;

/* Removes all elements. */
void bake_json_clear(const struct bake_json *array);

/* The element at index, which must be less than the count. */
struct bake_json bake_json_element(const struct bake_json *array, size_t index);

/* Whether both have the same meaning: the order of members does not matter. */
bool bake_json_equal(const struct bake_json *a, const struct bake_json *b);

/* The whole document as text, with the newline at its end. */
enum bake_status bake_json_write_doc(
	const struct bake_json_doc *doc, struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

#endif
