/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "catalog/family.h"
#include "catalog/groups.h"
#include "index/names.h"
#include "manifest/paths.h"

enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024
};

static bool is_tagged(const struct bake_catalog_entry *entry, const char *tag)
{
	for (size_t i = 0; i < entry->tag_count; i++) {
		if (strcasecmp(entry->tags[i], tag) == 0)
			return true;
	}
	return false;
}

static void describe_model(struct bake_catalog_entry *entry, const struct bake_model *model)
{
	entry->model = model;
	entry->id = model->id;
	entry->title = model->title;
	entry->description = model->description;
	entry->role = model->role;
	entry->category = model->category;
	entry->license = model->license;
	entry->tags = model->tags;
	entry->tag_count = model->tag_count;
	entry->aliases = model->aliases;
	entry->alias_count = model->alias_count;
	entry->min_ram_bytes = model->min_ram_bytes;
	entry->priority = model->priority;
	entry->required = model->required;
	entry->is_default = model->is_default;
}

static void describe_indexed(struct bake_catalog_entry *entry, const struct bake_index_model *model)
{
	entry->id = model->id;
	entry->title = model->title ? model->title : model->id;
	entry->description = model->description;
	entry->role = model->role;
	entry->category = model->category;
	entry->license = model->license;
	entry->tags = model->tags;
	entry->tag_count = model->tag_count;
	entry->min_ram_bytes = model->min_ram_bytes;
	entry->priority = model->priority;
	entry->required = model->required;
	entry->is_default = model->is_default;
}

/* The pins of a model, when they answer the manifest as it is now. */
static const struct bake_lock_model *pins_of(
	const struct bake_lock *lock, const struct bake_model *model)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_digest spec;
	size_t first = 0;
	size_t end = lock ? lock->model_count : 0;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		int order = strcmp(lock->models[middle].id, model->id);

		if (order < 0)
			first = middle + 1;
		else if (order > 0)
			end = middle;
		else if (bake_model_spec_digest(model, &spec, &ignored) == BAKE_OK &&
			 bake_digest_equal(&spec, &lock->models[middle].spec))
			return &lock->models[middle];
		else
			return NULL;
	}
	return NULL;
}

static struct bake_catalog_file *make_files(struct bake_arena *arena,
	struct bake_catalog_entry *entry, size_t count, struct bake_error *err)
{
	struct bake_catalog_file *files = bake_arena_array(arena, count, sizeof(*files));

	if (!files) {
		bake_error_nomem(err);
		return NULL;
	}
	entry->files = files;
	entry->file_count = count;
	return files;
}

static enum bake_status take_locked(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_lock_model *locked, struct bake_error *err)
{
	struct bake_catalog_file *files = make_files(arena, entry, locked->file_count, err);

	if (!files)
		return err->status;
	for (size_t i = 0; i < locked->file_count; i++)
		files[i] = (struct bake_catalog_file){.path = locked->files[i].path,
			.size = locked->files[i].size,
			.has_size = true,
			.sha256 = locked->files[i].sha256};
	entry->locked = locked;
	return BAKE_OK;
}

static enum bake_status take_indexed(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_index_model *indexed, struct bake_error *err)
{
	struct bake_catalog_file *files = make_files(arena, entry, indexed->file_count, err);

	if (!files)
		return err->status;
	for (size_t i = 0; i < indexed->file_count; i++)
		files[i] = (struct bake_catalog_file){.path = indexed->files[i].path,
			.size = indexed->files[i].size,
			.has_size = true,
			.sha256 = indexed->files[i].sha256};
	return BAKE_OK;
}

/* Files that the manifest names one by one. Without names there are none. */
static enum bake_status take_named(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_model *model, struct bake_error *err)
{
	struct bake_catalog_file *files = make_files(arena, entry, model->file_count, err);

	if (!files)
		return err->status;
	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_manifest_file *file = &model->files[i];

		files[i] = (struct bake_catalog_file){
			.path = bake_arena_join(
				arena, model->path, file->save_as ? file->save_as : file->name),
			.size = file->size,
			.has_size = file->has_size,
			.sha256 = file->sha256};
		if (!files[i].path)
			return bake_error_nomem(err);
	}
	return BAKE_OK;
}

/* The one file of a URL that ends in its name. */
static enum bake_status take_url(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_model *model, struct bake_error *err)
{
	size_t len;
	const char *at = bake_url_file_name(model->source.location, &len);
	const char *name = at ? bake_arena_copy(arena, at, len) : NULL;
	struct bake_catalog_file *files;

	if (!at)
		return BAKE_OK;
	files = name ? make_files(arena, entry, 1, err) : NULL;
	if (!files)
		return bake_error_nomem(err);
	files[0] = (struct bake_catalog_file){.path = bake_arena_join(arena, model->path, name)};
	return files[0].path ? BAKE_OK : bake_error_nomem(err);
}

static void sum_up(struct bake_catalog_entry *entry)
{
	bool digests = entry->file_count > 0;

	entry->size_known = entry->file_count > 0;
	for (size_t i = 0; i < entry->file_count; i++) {
		entry->bytes = bake_u64_add_capped(entry->bytes, entry->files[i].size);
		entry->size_known = entry->size_known && entry->files[i].has_size;
		digests = digests && entry->files[i].sha256.kind != BAKE_DIGEST_NONE;
	}
	if (!entry->size_known)
		entry->bytes = 0;
	if (entry->locked)
		entry->pins = BAKE_PINS_LOCK;
	else if (digests)
		entry->pins = BAKE_PINS_DIGEST;
}

/* The name that says most of a model's weights: of its largest file that is no projector. */
static const char *main_name(const struct bake_catalog_entry *entry)
{
	const struct bake_catalog_file *main = NULL;

	for (size_t i = 0; i < entry->file_count; i++) {
		const struct bake_catalog_file *file = &entry->files[i];

		if (!bake_names_is_projector(file->path) && (!main || file->size > main->size))
			main = file;
	}
	return main ? main->path : NULL;
}

/* As an index says from the headers, else as the names say. A label in the name at the source
 * counts, too: a file may be saved under another one. */
static void name_format(struct bake_catalog_entry *entry)
{
	struct bake_index_file few[8];
	size_t count = entry->file_count < countof(few) ? entry->file_count : countof(few);
	const char *name = main_name(entry);
	const char *slash = name ? strrchr(name, '/') : NULL;

	if (entry->indexed) {
		entry->format = entry->indexed->format;
		entry->quantization = entry->indexed->quantization;
	}
	for (size_t i = 0; i < count; i++)
		few[i] = (struct bake_index_file){.path = entry->files[i].path};
	if (!entry->format)
		entry->format = bake_names_format(few, count);
	if (!entry->quantization && entry->model && entry->model->variant.precision)
		entry->quantization = entry->model->variant.precision;
	if (!entry->quantization && name)
		entry->quantization = bake_names_quantization(slash ? slash + 1 : name);
	if (!entry->quantization && entry->model && entry->model->file_count == 1)
		entry->quantization = bake_names_quantization(entry->model->files[0].name);
}

/* Members of a group are chosen by the group's rule, not by their quantization. */
static enum bake_status name_family(
	struct bake_arena *arena, struct bake_catalog_entry *entry, struct bake_error *err)
{
	if (entry->model && entry->model->group)
		return BAKE_OK;
	entry->family = bake_arena_copy(arena, entry->id, bake_family_len(entry->id));
	return entry->family ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status finish(
	struct bake_arena *arena, struct bake_catalog_entry *entry, struct bake_error *err)
{
	sum_up(entry);
	name_format(entry);
	if (entry->min_ram_bytes == 0 && entry->indexed)
		entry->min_ram_bytes = entry->indexed->min_ram_bytes;
	entry->group = bake_groups_of(entry->category, entry->role);
	entry->recommended = entry->is_default || is_tagged(entry, "recommended") ||
			     is_tagged(entry, "essential");
	entry->key = entry->id;
	return name_family(arena, entry, err);
}

static enum bake_status add_model(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_catalog_source *source, const struct bake_model *model,
	struct bake_error *err)
{
	const struct bake_lock_model *locked = pins_of(source->lock, model);

	entry->source = source;
	describe_model(entry, model);
	if (source->index)
		entry->indexed = bake_index_find(source->index, model->id);
	if (locked)
		BAKE_TRY(take_locked(arena, entry, locked, err));
	else if (model->file_count > 0)
		BAKE_TRY(take_named(arena, entry, model, err));
	else if (entry->indexed && entry->indexed->file_count > 0)
		BAKE_TRY(take_indexed(arena, entry, entry->indexed, err));
	else if (model->source.kind == BAKE_SOURCE_URL)
		BAKE_TRY(take_url(arena, entry, model, err));
	return finish(arena, entry, err);
}

static enum bake_status add_indexed(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_catalog_source *source, const struct bake_index_model *model,
	struct bake_error *err)
{
	entry->source = source;
	entry->indexed = model;
	describe_indexed(entry, model);
	BAKE_TRY(take_indexed(arena, entry, model, err));
	return finish(arena, entry, err);
}

static enum bake_status add_source(struct bake_catalog *catalog,
	const struct bake_catalog_source *source, struct bake_error *err)
{
	size_t count =
		source->manifest ? source->manifest->model_count : source->index->model_count;

	for (size_t i = 0; i < count; i++) {
		struct bake_catalog_entry *entry = &catalog->entries[catalog->entry_count];

		if (source->manifest)
			BAKE_TRY(add_model(
				&catalog->arena, entry, source, &source->manifest->models[i], err));
		else
			BAKE_TRY(add_indexed(
				&catalog->arena, entry, source, &source->index->models[i], err));
		catalog->entry_count++;
	}
	return BAKE_OK;
}

static int compare_ids(const void *a, const void *b)
{
	const struct bake_catalog_entry *const *x = a;
	const struct bake_catalog_entry *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static enum bake_status qualify(
	struct bake_arena *arena, struct bake_catalog_entry *entry, struct bake_error *err)
{
	entry->key = bake_arena_join(arena, entry->source->name, entry->id);
	return entry->key ? BAKE_OK : bake_error_nomem(err);
}

/* Ids are of one manifest: where two manifests have the same, each says whose it is. */
static enum bake_status make_keys(struct bake_catalog *catalog, struct bake_error *err)
{
	size_t count = catalog->entry_count;
	struct bake_catalog_entry **by_id =
		bake_arena_array(&catalog->arena, count, sizeof(struct bake_catalog_entry *));

	if (!by_id)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		by_id[i] = &catalog->entries[i];
	qsort(by_id, count, sizeof(*by_id), compare_ids);
	for (size_t i = 0; i < count; i++) {
		bool met = (i > 0 && compare_ids(&by_id[i - 1], &by_id[i]) == 0) ||
			   (i + 1 < count && compare_ids(&by_id[i], &by_id[i + 1]) == 0);

		if (met)
			BAKE_TRY(qualify(&catalog->arena, by_id[i], err));
	}
	return BAKE_OK;
}

static int order(bool a_first, bool b_first)
{
	return (a_first ? 0 : 1) - (b_first ? 0 : 1);
}

static int order_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_entries(const void *a, const void *b)
{
	const struct bake_catalog_entry *x = a;
	const struct bake_catalog_entry *y = b;
	int by = order_u64(x->group, y->group);

	if (!by && bake_groups_is_other(x->group))
		by = strcasecmp(bake_catalog_group_word(x), bake_catalog_group_word(y));
	if (!by) /* 0, no priority, comes last */
		by = order_u64(x->priority - 1, y->priority - 1);
	if (!by)
		by = order(x->is_default, y->is_default);
	if (!by)
		by = order(x->recommended, y->recommended);
	if (!by)
		by = strcasecmp(x->title, y->title);
	return by ? by : strcmp(x->key, y->key);
}

static enum bake_status build(struct bake_catalog *catalog,
	const struct bake_catalog_source *sources, size_t count, struct bake_error *err)
{
	size_t entries = 0;

	for (size_t i = 0; i < count; i++)
		entries += sources[i].manifest ? sources[i].manifest->model_count
					       : sources[i].index->model_count;
	if (entries > BAKE_CATALOG_ENTRIES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
			"the manifests have %zu models together, more than %d", entries,
			BAKE_CATALOG_ENTRIES_MAX);
	catalog->sources = bake_arena_array(&catalog->arena, count, sizeof(*catalog->sources));
	catalog->entries = bake_arena_array(&catalog->arena, entries, sizeof(*catalog->entries));
	if (!catalog->sources || !catalog->entries)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		catalog->sources[i] = sources[i];
		BAKE_TRY(add_source(catalog, &catalog->sources[i], err));
	}
	catalog->source_count = count;
	BAKE_TRY(make_keys(catalog, err));
	qsort(catalog->entries, catalog->entry_count, sizeof(*catalog->entries), compare_entries);
	return BAKE_OK;
}

enum bake_status bake_catalog_build(const struct bake_catalog_source *sources, size_t count,
	struct bake_catalog **out, struct bake_error *err)
{
	_cleanup_(bake_catalog_free) struct bake_catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		return bake_error_nomem(err);
	catalog->arena.max = ARENA_BYTES_MAX;
	BAKE_TRY(build(catalog, sources, count, err));
	*out = catalog;
	catalog = NULL;
	return BAKE_OK;
}

void bake_catalog_free(struct bake_catalog **catalog)
{
	if (*catalog)
		bake_arena_release(&(*catalog)->arena);
	free(*catalog);
	*catalog = NULL;
}

static bool is_named(const struct bake_catalog_entry *entry, const char *name)
{
	if (strcmp(entry->key, name) == 0 || strcmp(entry->id, name) == 0)
		return true;
	for (size_t i = 0; i < entry->alias_count; i++) {
		if (strcmp(entry->aliases[i], name) == 0)
			return true;
	}
	return false;
}

const struct bake_catalog_entry *bake_catalog_find(
	const struct bake_catalog *catalog, const char *name, size_t *out_others)
{
	const struct bake_catalog_entry *found = NULL;
	size_t others = 0;

	for (size_t i = 0; i < catalog->entry_count; i++) {
		if (!is_named(&catalog->entries[i], name))
			continue;
		if (found)
			others++;
		else
			found = &catalog->entries[i];
	}
	if (out_others)
		*out_others = others;
	return found;
}

const char *bake_catalog_pins_name(enum bake_catalog_pins pins)
{
	static const char *const names[] = {[BAKE_PINS_NONE] = "none",
		[BAKE_PINS_DIGEST] = "manifest",
		[BAKE_PINS_LOCK] = "lock"};

	return names[pins];
}

const char *bake_catalog_state_name(enum bake_catalog_state state)
{
	static const char *const names[] = {[BAKE_CATALOG_UNKNOWN] = "unknown",
		[BAKE_CATALOG_ABSENT] = "absent",
		[BAKE_CATALOG_PARTIAL] = "partial",
		[BAKE_CATALOG_INSTALLED] = "installed"};

	return names[state];
}
