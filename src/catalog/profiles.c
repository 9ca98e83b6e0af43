/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/profiles.h"

#include <string.h>

#include "base/num.h"

enum {
	ARENA_BYTES_MAX = 64 * 1024 * 1024
};

/* A profile names models by id or alias; the manifest was checked to have them. */
static const struct bake_catalog_entry *entry_of(const struct bake_catalog *catalog,
	const struct bake_catalog_source *source, const char *name)
{
	const struct bake_model *model = bake_manifest_find(source->manifest, name);

	for (size_t i = 0; i < catalog->entry_count; i++) {
		if (catalog->entries[i].model == model)
			return &catalog->entries[i];
	}
	return NULL;
}

static void add_up(struct bake_catalog_profile *profile, const struct bake_catalog_entry *entry)
{
	profile->entries[profile->entry_count++] = entry;
	profile->local_bytes = bake_u64_add_capped(profile->local_bytes, entry->local_bytes);
	if (entry->size_known)
		profile->bytes = bake_u64_add_capped(profile->bytes, entry->bytes);
	else
		profile->unknown++;
	if (entry->state == BAKE_CATALOG_INSTALLED)
		profile->installed++;
	else if (entry->state == BAKE_CATALOG_PARTIAL)
		profile->partial++;
}

static enum bake_status add_profile(const struct bake_catalog *catalog,
	const struct bake_catalog_source *source, const struct bake_profile *profile,
	struct bake_catalog_profiles *out, struct bake_error *err)
{
	struct bake_catalog_profile *item = &out->items[out->count];

	*item = (struct bake_catalog_profile){
		.name = profile->name, .key = profile->name, .source = source};
	item->entries = bake_arena_array(
		&out->arena, profile->model_count, sizeof(const struct bake_catalog_entry *));
	if (!item->entries)
		return bake_error_nomem(err);
	for (size_t i = 0; i < profile->model_count; i++) {
		const struct bake_catalog_entry *entry =
			entry_of(catalog, source, profile->models[i]);

		if (entry)
			add_up(item, entry);
	}
	out->count++;
	return BAKE_OK;
}

static size_t count_named(const struct bake_catalog_profiles *profiles, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < profiles->count; i++)
		count += strcmp(profiles->items[i].name, name) == 0 ? 1 : 0;
	return count;
}

static enum bake_status make_keys(struct bake_catalog_profiles *profiles, struct bake_error *err)
{
	for (size_t i = 0; i < profiles->count; i++) {
		struct bake_catalog_profile *item = &profiles->items[i];

		if (count_named(profiles, item->name) < 2)
			continue;
		item->key = bake_arena_join(&profiles->arena, item->source->name, item->name);
		if (!item->key)
			return bake_error_nomem(err);
	}
	return BAKE_OK;
}

enum bake_status bake_catalog_make_profiles(const struct bake_catalog *catalog,
	struct bake_catalog_profiles *out, struct bake_error *err)
{
	size_t count = 0;

	*out = (struct bake_catalog_profiles){.arena = BAKE_ARENA_INIT(ARENA_BYTES_MAX)};
	for (size_t i = 0; i < catalog->source_count; i++) {
		if (catalog->sources[i].manifest)
			count += catalog->sources[i].manifest->profile_count;
	}
	out->items = bake_arena_array(&out->arena, count, sizeof(*out->items));
	if (!out->items)
		return bake_error_nomem(err);
	for (size_t i = 0; i < catalog->source_count; i++) {
		const struct bake_manifest *manifest = catalog->sources[i].manifest;

		for (size_t k = 0; manifest && k < manifest->profile_count; k++)
			BAKE_TRY(add_profile(
				catalog, &catalog->sources[i], &manifest->profiles[k], out, err));
	}
	return make_keys(out, err);
}

void bake_catalog_release_profiles(struct bake_catalog_profiles *profiles)
{
	bake_arena_release(&profiles->arena);
	profiles->items = NULL;
	profiles->count = 0;
}

const struct bake_catalog_profile *bake_catalog_find_profile(
	const struct bake_catalog_profiles *profiles, const char *name, size_t *out_others)
{
	const struct bake_catalog_profile *found = NULL;
	size_t others = 0;

	for (size_t i = 0; i < profiles->count; i++) {
		const struct bake_catalog_profile *item = &profiles->items[i];

		if (strcmp(item->key, name) != 0 && strcmp(item->name, name) != 0)
			continue;
		if (found)
			others++;
		else
			found = item;
	}
	if (out_others)
		*out_others = others;
	return found;
}
