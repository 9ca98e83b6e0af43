/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/filter.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/words.h"

static bool has_tag(const struct bake_catalog_entry *entry, const char *tag)
{
	for (size_t i = 0; i < entry->tag_count; i++) {
		if (bake_words_equal(entry->tags[i], tag))
			return true;
	}
	return false;
}

static bool has_format(const struct bake_catalog_entry *entry, const char *format)
{
	return bake_words_equal(entry->format, format);
}

bool bake_catalog_shows(
	const struct bake_catalog_filter *filter, const struct bake_catalog_entry *entry)
{
	if (filter->recommended && !entry->recommended)
		return false;
	if (filter->installed && entry->state != BAKE_CATALOG_INSTALLED)
		return false;
	if (filter->category && !bake_catalog_is_category(entry, filter->category))
		return false;
	if (filter->format && !has_format(entry, filter->format))
		return false;
	if (filter->tag && !has_tag(entry, filter->tag))
		return false;
	return !filter->use || bake_catalog_is_for(entry, filter->use);
}

/* The values that a catalog has of one kind: for a guess at what was meant. */
struct values {
	const char **items;
	size_t count;
	size_t room;
};

static void add_value(struct values *values, const char *value)
{
	if (value && bake_grow((void **)&values->items, &values->room, values->count + 1,
			     sizeof(const char *)))
		values->items[values->count++] = value;
}

static const char *value_at(const void *context, size_t index)
{
	return ((const struct values *)context)->items[index];
}

typedef bool has_fn(const struct bake_catalog_entry *entry, const char *value);
typedef void add_fn(struct values *values, const struct bake_catalog_entry *entry);

static void add_category(struct values *values, const struct bake_catalog_entry *entry)
{
	add_value(values, bake_catalog_group_word(entry));
}

static void add_format(struct values *values, const struct bake_catalog_entry *entry)
{
	add_value(values, entry->format);
}

static void add_tags(struct values *values, const struct bake_catalog_entry *entry)
{
	for (size_t i = 0; i < entry->tag_count; i++)
		add_value(values, entry->tags[i]);
}

static void add_uses(struct values *values, const struct bake_catalog_entry *entry)
{
	add_category(values, entry);
	add_tags(values, entry);
}

static enum bake_status check(const struct bake_catalog *catalog, const char *what,
	const char *value, has_fn *has, add_fn *add, struct bake_error *err)
{
	struct values values = {.items = NULL};
	const char *near;

	for (size_t i = 0; value && i < catalog->entry_count; i++) {
		if (has(&catalog->entries[i], value))
			return BAKE_OK;
	}
	if (!value)
		return BAKE_OK;
	for (size_t i = 0; i < catalog->entry_count; i++)
		add(&values, &catalog->entries[i]);
	bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "no model has the %s '%s'", what,
		BAKE_SHOW(value));
	near = bake_text_nearest(value, values.count, value_at, &values);
	if (near)
		bake_error_hint(err, "did you mean \"%s\"?", BAKE_SHOW(near));
	free(values.items);
	return err->status;
}

enum bake_status bake_catalog_check_filter(const struct bake_catalog *catalog,
	const struct bake_catalog_filter *filter, struct bake_error *err)
{
	BAKE_TRY(check(catalog, "category", filter->category, bake_catalog_is_category,
		add_category, err));
	BAKE_TRY(check(catalog, "format", filter->format, has_format, add_format, err));
	BAKE_TRY(check(catalog, "tag", filter->tag, has_tag, add_tags, err));
	return check(catalog, "use", filter->use, bake_catalog_is_for, add_uses, err);
}
