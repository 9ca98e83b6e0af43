/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader: every value of whatever it accepts is visited, asked for as each type, and
 * written again; what is written is accepted. And it accepts what Jansson does, as the same values. */
#include <jansson.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "json/json.h"
#include "json/writer.h"

/* A complaint looks for its line from the beginning: enough of them for one input. */
enum {
	VISITS_MAX = 2000
};

struct visit {
	struct bake_json_writer *writer;
	struct bake_arena arena;
	unsigned depth;
	unsigned count;
};

static enum bake_status visit_value(
	const struct bake_json *value, void *out, struct bake_error *err);

/* A complaint names a line of the document. */
static bool taken(enum bake_status status, struct bake_error *err)
{
	CLAIM(status == BAKE_OK || status == BAKE_ERR_RESOURCES || err->detail >= 1);
	return succeeded(status, err);
}

static void visit_scalar(const struct bake_json *value, struct visit *visit)
{
	struct bake_error err = BAKE_ERROR_INIT;
	const char *text = "";
	const char *copy = NULL;
	uint64_t number = 0;
	bool flag = false;

	if (taken(bake_json_copy(value, 100, &visit->arena, &copy, &err), &err))
		keep_text(copy);
	if (taken(bake_json_string(value, &text, &err), &err)) {
		CLAIM(bake_json_is_string(value));
		bake_json_write_text(visit->writer, text);
	} else if (taken(bake_json_bool(value, &flag, &err), &err)) {
		bake_json_write_bool(visit->writer, flag);
	} else if (taken(bake_json_u64(value, INT64_MAX, &number, &err), &err)) {
		bake_json_write_u64(visit->writer, number);
	} else {
		bake_json_write_null(visit->writer);
	}
}

static enum bake_status visit_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct visit *visit = out;
	struct bake_json found;

	CLAIM(value->key && bake_json_find(value->parent, value->key, &found));
	CLAIM(found.node == value->node);
	bake_json_key(visit->writer, value->key);
	return visit_value(value, out, err);
}

static enum bake_status visit_container(
	const struct bake_json *value, struct visit *visit, struct bake_error *err)
{
	const char *const *list;
	size_t count;

	CLAIM(++visit->depth <= BAKE_JSON_DEPTH_MAX);
	if (bake_json_is_object(value)) {
		bake_json_object(visit->writer);
		CLAIM(bake_json_each_member(value, visit_member, visit, err) == BAKE_OK);
		bake_json_end_object(visit->writer);
	} else {
		bake_json_array_line(visit->writer);
		CLAIM(bake_json_each_element(value, visit_value, visit, err) == BAKE_OK);
		bake_json_end_array(visit->writer);
	}
	visit->depth--;
	if (visit->count < VISITS_MAX)
		keep(taken(bake_json_copy_list(value, 50, &visit->arena, &list, &count, err), err));
	return BAKE_OK;
}

static enum bake_status visit_value(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct visit *visit = out;

	if (bake_json_is_object(value) || bake_json_is_array(value))
		return visit_container(value, visit, err);
	CLAIM(bake_json_count(value) == 0);
	if (visit->count++ < VISITS_MAX)
		visit_scalar(value, visit);
	else
		bake_json_write_null(visit->writer);
	return BAKE_OK;
}

static enum bake_status compare(const struct bake_json *value, void *peer, struct bake_error *err);

static enum bake_status compare_member(
	const struct bake_json *value, void *iterator, struct bake_error *err)
{
	void **at = iterator;

	CLAIM(*at && strcmp(json_object_iter_key(*at), value->key) == 0);
	BAKE_TRY(compare(value, json_object_iter_value(*at), err));
	*at = json_object_iter_next((json_t *)at[1], *at);
	return BAKE_OK;
}

static enum bake_status compare_element(
	const struct bake_json *value, void *array, struct bake_error *err)
{
	return compare(value, json_array_get(array, value->index), err);
}

static enum bake_status compare_scalar(
	const struct bake_json *value, const json_t *peer, struct bake_error *err)
{
	const char *text = NULL;
	int64_t integer = 0;
	double number = 0;
	bool flag = false;

	CLAIM(bake_json_is_string(value) == json_is_string(peer));
	CLAIM(bake_json_is_integer(value) == json_is_integer(peer));
	CLAIM(bake_json_is_number(value) == json_is_number(peer));
	CLAIM(bake_json_is_bool(value) == json_is_boolean(peer));
	CLAIM(bake_json_is_null(value) == json_is_null(peer));
	if (json_is_string(peer)) {
		BAKE_TRY(bake_json_string(value, &text, err));
		CLAIM(strcmp(text, json_string_value(peer)) == 0);
	} else if (json_is_integer(peer)) {
		BAKE_TRY(bake_json_i64(value, INT64_MIN, INT64_MAX, &integer, err));
		CLAIM(integer == json_integer_value(peer));
	} else if (json_is_real(peer)) {
		BAKE_TRY(bake_json_f64(value, &number, err));
		CLAIM(number == json_real_value(peer));
	} else if (json_is_boolean(peer)) {
		BAKE_TRY(bake_json_bool(value, &flag, err));
		CLAIM(flag == json_is_true(peer));
	}
	return BAKE_OK;
}

static enum bake_status compare(const struct bake_json *value, void *peer, struct bake_error *err)
{
	void *at[2];

	CLAIM(bake_json_is_object(value) == json_is_object((json_t *)peer));
	CLAIM(bake_json_is_array(value) == json_is_array((json_t *)peer));
	if (json_is_object((json_t *)peer)) {
		at[0] = json_object_iter(peer);
		at[1] = peer;
		BAKE_TRY(bake_json_each_member(value, compare_member, at, err));
		CLAIM(!at[0]);
		return BAKE_OK;
	}
	if (!json_is_array((json_t *)peer))
		return compare_scalar(value, peer, err);
	CLAIM(bake_json_count(value) == json_array_size(peer));
	return bake_json_each_element(value, compare_element, peer, err);
}

/* It takes deeper documents, and reads over a NUL byte behind a number. */
static void check_peer(
	struct bake_span text, const struct bake_json_doc *doc, const struct bake_error *why)
{
	struct bake_error err = BAKE_ERROR_INIT;
	json_t *peer = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
	struct bake_json root;

	if (doc) {
		CLAIM(peer);
		root = bake_json_root(doc);
		CLAIM(compare(&root, peer, &err) == BAKE_OK);
	} else if (strcmp(why->id, "json.depth") != 0 &&
		   !(text.len && memchr(text.ptr, 0, text.len))) {
		CLAIM(!peer);
	}
	json_decref(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(64U << 20);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_json_close) struct bake_json_doc *again = NULL;
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);
	struct visit visit = {.writer = &writer, .arena = BAKE_ARENA_INIT(1U << 20)};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;
	enum bake_status status = bake_json_open(bake_span(data, size), "doc", &doc, &err);

	check_peer(bake_span(data, size), doc, &err);
	if (!succeeded(status, &err))
		return 0;
	root = bake_json_root(doc);
	CLAIM(visit_value(&root, &visit, &err) == BAKE_OK);
	bake_json_finish(&writer);
	bake_arena_release(&visit.arena);
	CLAIM(succeeded(bake_buf_status(&buf, "json", &err), &err));
	CLAIM(succeeded(bake_json_open(bake_buf_span(&buf), "again", &again, &err), &err));
	return 0;
}
