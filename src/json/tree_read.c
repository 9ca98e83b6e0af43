/* SPDX-License-Identifier: Apache-2.0 */
/* From the tokens of a text to a tree: no recursion, and memory in proportion to the text. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "json/json.h"
#include "json/pull.h"
#include "json/tree.h"

enum {
	/* Keys last seen: most objects of a document have those of the others. */
	RECENT = 64,
	SPARE = 64 /* values that are asked for together */
};

struct key {
	const char *text;
	size_t len;
};

struct reading {
	struct bake_json_pull pull;
	struct bake_arena *arena;
	bool foreign;
	struct bake_json_node *spare; /* all zero */
	size_t spare_count;
	struct key key; /* of the value that comes next */
	struct key recent[RECENT];
	struct bake_json_node *open[BAKE_JSON_DEPTH_MAX + 1];
	size_t depth;
};

/* A key's text, which others may have, too. */
static enum bake_status read_key(
	struct reading *reading, const struct bake_pull_token *token, struct bake_error *err)
{
	struct bake_span text = token->text;
	size_t hash = text.len ? text.ptr[0] * 7U + text.ptr[text.len - 1] + text.len : 0;
	struct key *recent = &reading->recent[hash % RECENT];

	if (text.len > JSON_KEY_MAX)
		return bake_json_pull_error(&reading->pull, token->offset, "json.syntax", err,
			"a key of %zu bytes is too long", text.len);
	if (!token->escaped && recent->text && recent->len == text.len &&
		memcmp(recent->text, text.ptr, text.len) == 0) {
		reading->key = *recent;
		return BAKE_OK;
	}
	reading->key.text = bake_json_pull_copy(token, reading->arena);
	if (!reading->key.text)
		return bake_error_nomem(err);
	reading->key.len = strlen(reading->key.text);
	if (!token->escaped)
		*recent = reading->key;
	return BAKE_OK;
}

/* With a point, whatever the program's locale has there. */
static bool read_fraction(struct bake_span text, struct bake_arena *arena, double *out)
{
	char few[64];
	const char *copy = few;
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	if (text.len < sizeof(few)) {
		memcpy(few, text.ptr, text.len);
		few[text.len] = '\0';
	} else {
		copy = bake_arena_copy(arena, (const char *)text.ptr, text.len);
	}
	if (copy && c)
		*out = strtod_l(copy, NULL, c);
	if (c)
		freelocale(c);
	return copy && c;
}

static bool is_whole(struct bake_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.' || (text.ptr[i] | 0x20) == 'e')
			return false;
	}
	return true;
}

/* In [-2^63, 2^63). */
static bool read_integer(const struct bake_pull_token *token, int64_t *out)
{
	uint64_t size = token->u64;
	bool negative = token->text.ptr[0] == '-';

	if (token->kind == BAKE_PULL_NUMBER &&
		!(negative && bake_number_parse((const char *)token->text.ptr + 1,
				      token->text.len - 1, &size)))
		return false;
	if (size > (uint64_t)INT64_MAX + negative)
		return false;
	*out = negative ? (int64_t)(0 - size) : (int64_t)size;
	return true;
}

static enum bake_status read_number(struct reading *reading, const struct bake_pull_token *token,
	struct bake_json_node *node, struct bake_error *err)
{
	bool whole = is_whole(token->text);

	if (whole && read_integer(token, &node->integer)) {
		node->kind = JSON_INTEGER;
		return BAKE_OK;
	}
	if (whole && !reading->foreign)
		return bake_json_pull_error(&reading->pull, token->offset, "json.syntax", err,
			"'%s' does not fit into 64 bits",
			BAKE_SHOW_SPAN((const char *)token->text.ptr, token->text.len));
	node->kind = JSON_FRACTION;
	if (!read_fraction(token->text, reading->arena, &node->fraction))
		return bake_error_nomem(err);
	if (isinf(node->fraction))
		return bake_json_pull_error(&reading->pull, token->offset, "json.syntax", err,
			"'%s' is too large",
			BAKE_SHOW_SPAN((const char *)token->text.ptr, token->text.len));
	return BAKE_OK;
}

/* A number says more of itself when it is read. */
static enum json_kind kind_of(enum bake_pull_kind kind)
{
	static const enum json_kind kinds[] = {
		[BAKE_PULL_OBJECT] = JSON_OBJECT,
		[BAKE_PULL_ARRAY] = JSON_ARRAY,
		[BAKE_PULL_STRING] = JSON_STRING,
		[BAKE_PULL_TRUE] = JSON_TRUE,
		[BAKE_PULL_FALSE] = JSON_FALSE,
		[BAKE_PULL_NULL] = JSON_NULL,
	};

	return kinds[kind];
}

static enum bake_status fill(struct reading *reading, const struct bake_pull_token *token,
	struct bake_json_node *node, struct bake_error *err)
{
	if (token->kind == BAKE_PULL_U64 || token->kind == BAKE_PULL_NUMBER)
		return read_number(reading, token, node, err);
	if (token->kind != BAKE_PULL_STRING)
		return BAKE_OK;
	node->text = bake_json_pull_copy(token, reading->arena);
	return node->text ? BAKE_OK : bake_error_nomem(err);
}

static struct bake_json_node *new_node(struct reading *reading, enum json_kind kind)
{
	if (reading->spare_count == 0) {
		reading->spare = bake_arena_array(reading->arena, SPARE, sizeof(*reading->spare));
		if (!reading->spare)
			return NULL;
		reading->spare_count = SPARE;
	}
	reading->spare_count--;
	return json_begin(reading->arena, reading->spare++, kind);
}

static enum bake_status add(struct reading *reading, const struct bake_pull_token *token,
	struct json_tree *tree, struct bake_error *err)
{
	struct bake_json_node *node = new_node(reading, kind_of(token->kind));

	if (!node)
		return bake_error_nomem(err);
	BAKE_TRY(fill(reading, token, node, err));
	node->offset = (uint32_t)token->offset;
	if (reading->depth == 0) {
		tree->root = node;
	} else {
		struct bake_json_node *owner = reading->open[reading->depth - 1];

		if (owner->kind == JSON_OBJECT) {
			node->key = reading->key.text;
			node->key_len = (uint32_t)reading->key.len & JSON_KEY_MAX;
		}
		json_link(owner, node);
	}
	if (json_is_list(node))
		reading->open[reading->depth++] = node;
	return BAKE_OK;
}

/* An object is whole: its keys are told apart. */
static enum bake_status close_object(struct reading *reading, struct bake_error *err)
{
	struct bake_json_node *object = reading->open[--reading->depth];
	struct bake_json_node *twin;

	if (!json_sort(reading->arena, object, &twin))
		return bake_error_nomem(err);
	if (!twin)
		return BAKE_OK;
	return bake_json_pull_error(&reading->pull, twin->offset, "json.duplicate-key", err,
		"the key '%s' stands there twice", BAKE_SHOW(twin->key));
}

static enum bake_status take(struct reading *reading, const struct bake_pull_token *token,
	struct json_tree *tree, struct bake_error *err)
{
	if (token->kind == BAKE_PULL_KEY)
		return read_key(reading, token, err);
	if (token->kind == BAKE_PULL_END_OBJECT)
		return close_object(reading, err);
	if (token->kind == BAKE_PULL_END_ARRAY) {
		reading->depth--;
		return BAKE_OK;
	}
	return add(reading, token, tree, err);
}

enum bake_status json_tree_read(struct json_tree *tree, struct bake_span text, const char *name,
	bool foreign, struct bake_error *err)
{
	struct reading reading = {.arena = &tree->arena, .foreign = foreign};
	struct bake_pull_token token;

	bake_json_pull_init(&reading.pull, text, name);
	/* Places in the text are kept in 32 bits. */
	if (text.len > UINT32_MAX)
		return bake_json_pull_error(&reading.pull, 0, "json.syntax", err,
			"a document of %zu bytes is too large", text.len);
	for (;;) {
		BAKE_TRY(bake_json_pull_next(&reading.pull, &token, err));
		if (token.kind == BAKE_PULL_END)
			return BAKE_OK;
		BAKE_TRY(take(&reading, &token, tree, err));
	}
}
