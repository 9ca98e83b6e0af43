/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a document is made of, for this module only: values in lists, all in one arena. A tree is read
 * by any number of threads, and changed by one.
 */
#ifndef JSON_TREE_H
#define JSON_TREE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_INTEGER,
	JSON_FRACTION,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct bake_json_node {
	struct bake_json_node *next; /* in the same list */
	const char *key;	     /* of a member, else NULL */
	union {
		int64_t integer;
		double fraction;
		const char *text;
		struct json_list *list;
	};
	uint32_t offset; /* of its first byte in the text; JSON_NOWHERE: it was put in later */
	uint32_t key_len : 28;
	uint32_t kind : 4; /* enum json_kind */
};

/* A document of many megabytes is some hundred thousand of these. */
static_assert(sizeof(struct bake_json_node) <= 32, "a value takes 32 bytes");

#define JSON_NOWHERE UINT32_MAX

enum {
	JSON_KEY_MAX = (1 << 28) - 1
};

/* A place in a table: of a member with a number made of its key, by which most keys differ. */
struct json_slot {
	uint64_t mark;
	struct bake_json_node *node;
};

/* What an object or an array has, in the order of the document. */
struct json_list {
	struct bake_json_node *first;
	struct bake_json_node *last;
	size_t count;
	struct json_slot *table; /* members by mark and key, elements by place; NULL: not made */
	size_t room;		 /* of table */
};

struct json_tree {
	struct bake_arena arena;
	struct bake_json_node *root;
};

/* Reads text as bake_json_open says; foreign: as bake_json_open_foreign does. */
enum bake_status json_tree_read(struct json_tree *tree, struct bake_span text, const char *name,
	bool foreign, struct bake_error *err) BAKE_CHECKED;

bool json_is_list(const struct bake_json_node *node);

/* The member of that name, NULL when there is none or object is no object. */
struct bake_json_node *json_member(const struct bake_json_node *object, const char *key);

/* A new value outside of all lists. NULL: no memory. */
struct bake_json_node *json_new(struct bake_arena *arena, enum json_kind kind);

/* The same of a node that is there, and all zero. */
struct bake_json_node *json_begin(
	struct bake_arena *arena, struct bake_json_node *node, enum json_kind kind);

/* Puts node at the end of a list; a member has its key already. Then the list is to be sorted, once
 * for all that were put there. */
void json_link(struct bake_json_node *owner, struct bake_json_node *node);

/* Makes members of an object found fast when they are many. *out is then the later one of two that have
 * the same key, or NULL. False: no memory. */
bool json_sort(
	struct bake_arena *arena, struct bake_json_node *object, struct bake_json_node **out);

/* Both, for one that is put in later. The object has none of that key. */
bool json_append(
	struct bake_arena *arena, struct bake_json_node *list, struct bake_json_node *node);

/* The element at index, which is less than the count. NULL: no memory. */
struct bake_json_node *json_element(
	struct bake_arena *arena, const struct bake_json_node *array, size_t index);

/* Takes the member out. */
void json_remove(struct bake_json_node *object, struct bake_json_node *member);

#endif
