/* SPDX-License-Identifier: Apache-2.0 */
#include "json/tree.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Members up to which an object is gone through rather than searched. */
	FEW = 16
};

#define MIX UINT64_C(0x9e3779b97f4a7c15)

bool json_is_list(const struct bake_json_node *node)
{
	return node->kind == JSON_ARRAY || node->kind == JSON_OBJECT;
}

static int compare_key(const char *key, size_t len, const struct bake_json_node *node)
{
	if (len != node->key_len)
		return len < node->key_len ? -1 : 1;
	return memcmp(key, node->key, len);
}

static uint64_t eight_at(const char *text)
{
	uint64_t bytes;

	memcpy(&bytes, text, sizeof(bytes));
	return bytes;
}

/* Of the length, the beginning, the middle and the end of a key, however long that is. */
static uint64_t mark_of(const char *key, size_t len)
{
	const size_t size = sizeof(uint64_t);
	const unsigned char *letters = (const unsigned char *)key;
	uint64_t mark = len * MIX;

	if (len == 0)
		return mark;
	if (len < size)
		return (mark ^ ((uint64_t)letters[0] << 16 | (uint64_t)letters[len / 2] << 8 |
				       letters[len - 1])) *
		       MIX;
	mark = (mark ^ eight_at(key)) * MIX;
	mark = (mark ^ mark >> 32 ^ eight_at(key + (len - size) / 2)) * MIX;
	return (mark ^ mark >> 32 ^ eight_at(key + len - size)) * MIX;
}

/* The order of a table: by mark, then by key. */
static int compare_slot(uint64_t mark, const char *key, size_t len, const struct json_slot *slot)
{
	if (mark != slot->mark)
		return mark < slot->mark ? -1 : 1;
	return compare_key(key, len, slot->node);
}

/* The place of the first member in the table that is not before key. */
static size_t place_of(const struct json_list *list, size_t count, const char *key, size_t len)
{
	const uint64_t mark = mark_of(key, len);
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (compare_slot(mark, key, len, &list->table[middle]) > 0)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

struct bake_json_node *json_member(const struct bake_json_node *object, const char *key)
{
	const struct json_list *list = object->list;
	size_t len = strlen(key);
	size_t place;

	if (object->kind != JSON_OBJECT)
		return NULL;
	if (list->table) {
		place = place_of(list, list->count, key, len);
		return place < list->count && compare_key(key, len, list->table[place].node) == 0
			       ? list->table[place].node
			       : NULL;
	}
	for (struct bake_json_node *at = list->first; at; at = at->next) {
		if (compare_key(key, len, at) == 0)
			return at;
	}
	return NULL;
}

struct bake_json_node *json_new(struct bake_arena *arena, enum json_kind kind)
{
	struct bake_json_node *node = bake_arena_alloc(arena, sizeof(*node));

	return node ? json_begin(arena, node, kind) : NULL;
}

struct bake_json_node *json_begin(
	struct bake_arena *arena, struct bake_json_node *node, enum json_kind kind)
{
	node->kind = (unsigned)kind & 15U;
	node->offset = JSON_NOWHERE;
	if (json_is_list(node)) {
		node->list = bake_arena_alloc(arena, sizeof(*node->list));
		if (!node->list)
			return NULL;
	}
	return node;
}

/* Of the same key the earlier one first. */
static int compare_members(const void *a, const void *b)
{
	const struct json_slot *first = a;
	const struct json_slot *second = b;
	const struct bake_json_node *x = first->node;
	const struct bake_json_node *y = second->node;
	int order = compare_slot(first->mark, x->key, x->key_len, second);

	return order ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

static bool is_same_key(const struct bake_json_node *a, const struct bake_json_node *b)
{
	return compare_key(a->key, a->key_len, b) == 0;
}

/* Of 64 bits, one for each mark, most keys have one that none before them has. */
static struct bake_json_node *twin_of_few(const struct json_list *list)
{
	uint64_t seen = 0;

	for (struct bake_json_node *at = list->first; at; at = at->next) {
		const uint64_t bit = (uint64_t)1 << (mark_of(at->key, at->key_len) >> 58);
		const struct bake_json_node *other = seen & bit ? list->first : at;

		for (; other != at; other = other->next) {
			if (is_same_key(other, at))
				return at;
		}
		seen |= bit;
	}
	return NULL;
}

void json_link(struct bake_json_node *owner, struct bake_json_node *node)
{
	struct json_list *list = owner->list;

	node->next = NULL;
	if (list->last)
		list->last->next = node;
	else
		list->first = node;
	list->last = node;
	list->count++;
}

static struct json_slot slot_of(struct bake_json_node *node)
{
	return (struct json_slot){
		.mark = node->key ? mark_of(node->key, node->key_len) : 0, .node = node};
}

/* In the order of the list. */
static bool make_table(struct bake_arena *arena, struct json_list *list)
{
	size_t count = 0;

	list->table = bake_arena_room(arena, list->count, sizeof(*list->table));
	if (!list->table)
		return false;
	list->room = list->count;
	for (struct bake_json_node *at = list->first; at; at = at->next)
		list->table[count++] = slot_of(at);
	return true;
}

bool json_sort(struct bake_arena *arena, struct bake_json_node *object, struct bake_json_node **out)
{
	struct json_list *list = object->list;

	*out = list->count > FEW ? NULL : twin_of_few(list);
	if (list->count <= FEW)
		return true;
	if (!make_table(arena, list))
		return false;
	qsort(list->table, list->count, sizeof(*list->table), compare_members);
	for (size_t i = 1; i < list->count && !*out; i++) {
		const struct json_slot *slot = &list->table[i];

		if (slot[-1].mark == slot->mark && is_same_key(slot[-1].node, slot->node))
			*out = slot->node;
	}
	return true;
}

/* Room for one more in the table, and for as many again. */
static bool grow(struct bake_arena *arena, struct json_list *list)
{
	struct json_slot *sorted;

	if (list->count < list->room)
		return true;
	sorted = bake_arena_room(arena, list->room, 2 * sizeof(*sorted));
	if (!sorted)
		return false;
	memcpy(sorted, list->table, list->count * sizeof(*sorted));
	list->table = sorted;
	list->room *= 2;
	return true;
}

bool json_append(
	struct bake_arena *arena, struct bake_json_node *owner, struct bake_json_node *node)
{
	struct json_list *list = owner->list;
	size_t place;

	if (list->table) {
		if (!grow(arena, list))
			return false;
		place = owner->kind == JSON_ARRAY
				? list->count
				: place_of(list, list->count, node->key, node->key_len);
		memmove(list->table + place + 1, list->table + place,
			(list->count - place) * sizeof(*list->table));
		list->table[place] = slot_of(node);
	}
	json_link(owner, node);
	return true;
}

struct bake_json_node *json_element(
	struct bake_arena *arena, const struct bake_json_node *array, size_t index)
{
	struct json_list *list = array->list;

	return list->table || make_table(arena, list) ? list->table[index].node : NULL;
}

void json_remove(struct bake_json_node *object, struct bake_json_node *member)
{
	struct json_list *list = object->list;
	struct bake_json_node *before = NULL;
	size_t place;

	if (list->table) {
		place = place_of(list, list->count, member->key, member->key_len);
		memmove(list->table + place, list->table + place + 1,
			(list->count - place - 1) * sizeof(*list->table));
	}
	for (struct bake_json_node *at = list->first; at != member; at = at->next)
		before = at;
	if (before)
		before->next = member->next;
	else
		list->first = member->next;
	if (list->last == member)
		list->last = before;
	list->count--;
}
