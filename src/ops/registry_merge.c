/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/registry_merge.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "json/edit.h"
#include "ops/registry.h"

struct merging {
	struct bake_json old;		       /* the record that is there */
	struct bake_json sources;	       /* its field_sources */
	const struct bake_json *fresh_sources; /* NULL: it names none */
	bool all_manual; /* the whole record was written by hand: "source": "manual" */
	size_t changed;
	const char *under; /* the object that is merged: "vision"; NULL: the record */
	const struct bake_json *into;
};

static bool is_manual(const struct merging *merging, const char *field)
{
	const char *source = bake_registry_text(&merging->sources, field);

	if (source)
		return bake_text_starts(source, BAKE_SOURCE_MANUAL);
	return merging->all_manual;
}

/* "num_layers", and "vision.num_layers" below an object. */
static const char *field_name(
	const struct merging *merging, const char *key, char *room, size_t size)
{
	if (!merging->under)
		return key;
	(void)snprintf(room, size, "%s.%s", merging->under, key);
	return room;
}

static enum bake_status take_source(
	struct merging *merging, const char *field, struct bake_error *err)
{
	const char *source =
		merging->fresh_sources ? bake_registry_text(merging->fresh_sources, field) : NULL;

	if (!source || bake_text_equal(source, bake_registry_text(&merging->sources, field)))
		return BAKE_OK;
	merging->changed++;
	return bake_json_set_text(&merging->sources, field, source, err);
}

static enum bake_status merge_value(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct merging *merging = out;
	char room[160];
	const char *field = field_name(merging, value->key, room, sizeof(room));
	struct bake_json was;
	bool there = bake_json_find(merging->into, value->key, &was) && !bake_json_is_null(&was);

	if (bake_json_is_null(value)) /* it is not known */
		return BAKE_OK;
	if (there && (is_manual(merging, field) ||
			     (merging->under && is_manual(merging, merging->under))))
		return BAKE_OK;
	if (!there || !bake_json_equal(&was, value)) {
		BAKE_TRY(bake_json_set(merging->into, value->key, value, err));
		merging->changed++;
	}
	return take_source(merging, field, err);
}

static enum bake_status unite(const struct bake_json *value, void *out, struct bake_error *err)
{
	const struct bake_json *array = out;
	const char *text;

	if (!bake_json_is_string(value))
		return BAKE_OK;
	BAKE_TRY(bake_json_string(value, &text, err));
	return bake_registry_unite(array, text, err);
}

enum bake_status bake_registry_unite(
	const struct bake_json *array, const char *text, struct bake_error *err)
{
	for (size_t i = 0; i < bake_json_count(array); i++) {
		struct bake_json element = bake_json_element(array, i);
		const char *own = NULL;

		if (bake_json_is_string(&element))
			BAKE_TRY(bake_json_string(&element, &own, err));
		if (own && strcmp(own, text) == 0)
			return BAKE_OK;
	}
	return bake_json_add_text(array, text, err);
}

static enum bake_status merge_list(
	struct merging *merging, const struct bake_json *fresh, struct bake_error *err)
{
	struct bake_json list;
	size_t before;

	BAKE_TRY(bake_json_make_array(&merging->old, fresh->key, &list, err));
	before = bake_json_count(&list);
	BAKE_TRY(bake_json_each_element(fresh, unite, &list, err));
	merging->changed += bake_json_count(&list) - before;
	return BAKE_OK;
}

/* An object that is merged by its members; rope_scaling and the like are one value. */
static enum bake_status merge_object(
	struct merging *merging, const struct bake_json *fresh, struct bake_error *err)
{
	struct bake_json into;
	struct bake_json was;
	enum bake_status status;

	/* A person may have put something else there. */
	if (bake_json_find(&merging->old, fresh->key, &was) && !bake_json_is_null(&was) &&
		!bake_json_is_object(&was))
		return merge_value(fresh, merging, err);
	BAKE_TRY(bake_json_make_object(&merging->old, fresh->key, &into, err));
	merging->under = fresh->key;
	merging->into = &into;
	status = bake_json_each_member(fresh, merge_value, merging, err);
	merging->under = NULL;
	merging->into = &merging->old;
	if (status != BAKE_OK)
		return status;
	return take_source(merging, fresh->key, err);
}

static enum bake_status merge_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct merging *merging = out;

	if (strcmp(value->key, "field_sources") == 0)
		return BAKE_OK; /* they follow their values */
	if (strcmp(value->key, "sources") == 0 || strcmp(value->key, "warnings") == 0)
		return merge_list(merging, value, err);
	if (strcmp(value->key, "vision") == 0 || strcmp(value->key, "quantization") == 0)
		return merge_object(merging, value, err);
	return merge_value(value, merging, err);
}

enum bake_status bake_registry_merge(const struct bake_json *holder, const struct bake_json *fresh,
	const char *now, size_t *out_changed, struct bake_error *err)
{
	struct merging merging = {.changed = 0};
	struct bake_json fresh_sources;
	struct bake_json list;
	const char *whole;

	BAKE_TRY(bake_json_make_object(holder, "architecture", &merging.old, err));
	BAKE_TRY(bake_json_make_object(&merging.old, "field_sources", &merging.sources, err));
	/* What cannot be merged is found before anything is. */
	BAKE_TRY(bake_json_make_array(&merging.old, "sources", &list, err));
	BAKE_TRY(bake_json_make_array(&merging.old, "warnings", &list, err));
	if (bake_json_find(fresh, "field_sources", &fresh_sources))
		merging.fresh_sources = &fresh_sources;
	whole = bake_registry_text(&merging.old, "source");
	merging.all_manual = whole && strcmp(whole, BAKE_SOURCE_MANUAL) == 0;
	merging.into = &merging.old;
	BAKE_TRY(bake_json_each_member(fresh, merge_member, &merging, err));
	if (merging.changed && now)
		BAKE_TRY(bake_json_set_text(&merging.old, "collected_at", now, err));
	*out_changed = merging.changed;
	return BAKE_OK;
}
