/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/entry.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "catalog/groups.h"
#include "index/names.h"
#include "manifest/paths.h"

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

static struct bake_placed_file *make_files(struct bake_arena *arena,
	struct bake_catalog_entry *entry, size_t count, struct bake_error *err)
{
	struct bake_placed_file *files = bake_arena_array(arena, count, sizeof(*files));

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
	struct bake_placed_file *files = make_files(arena, entry, locked->file_count, err);

	if (!files)
		return err->status;
	for (size_t i = 0; i < locked->file_count; i++)
		files[i] = (struct bake_placed_file){.path = locked->files[i].path,
			.size = locked->files[i].size,
			.has_size = true,
			.sha256 = locked->files[i].sha256};
	entry->locked = locked;
	return BAKE_OK;
}

static enum bake_status take_indexed(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_index_model *indexed, struct bake_error *err)
{
	struct bake_placed_file *files = make_files(arena, entry, indexed->file_count, err);

	if (!files)
		return err->status;
	for (size_t i = 0; i < indexed->file_count; i++)
		files[i] = (struct bake_placed_file){.path = indexed->files[i].path,
			.size = indexed->files[i].size,
			.has_size = true,
			.sha256 = indexed->files[i].sha256};
	return BAKE_OK;
}

/* Files that the manifest names one by one. */
static void take_named(struct bake_catalog_entry *entry, const struct bake_model *model)
{
	entry->files = model->placed;
	entry->file_count = model->file_count;
}

/* The one file of a URL that ends in its name. */
static enum bake_status take_url(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_model *model, struct bake_error *err)
{
	size_t len;
	const char *at = bake_url_file_name(model->source.location, &len);
	const char *name = at ? bake_arena_copy(arena, at, len) : NULL;
	struct bake_placed_file *files;

	if (!at)
		return BAKE_OK;
	files = name ? make_files(arena, entry, 1, err) : NULL;
	if (!files)
		return bake_error_nomem(err);
	files[0] = (struct bake_placed_file){.path = bake_arena_join(arena, model->path, name)};
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
	const struct bake_placed_file *main = NULL;

	for (size_t i = 0; i < entry->file_count; i++) {
		const struct bake_placed_file *file = &entry->files[i];

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

static void finish(struct bake_catalog_entry *entry)
{
	sum_up(entry);
	name_format(entry);
	if (entry->min_ram_bytes == 0 && entry->indexed)
		entry->min_ram_bytes = entry->indexed->min_ram_bytes;
	entry->group = bake_groups_of(entry->category, entry->role);
	entry->recommended = entry->is_default || is_tagged(entry, "recommended") ||
			     is_tagged(entry, "essential");
	entry->key = entry->id;
}

enum bake_status bake_catalog_fill_model(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_model *model, struct bake_error *err)
{
	const struct bake_catalog_source *source = entry->source;
	const struct bake_lock_model *locked = pins_of(source->lock, model);

	describe_model(entry, model);
	if (source->index)
		entry->indexed = bake_index_find(source->index, model->id);
	if (locked)
		BAKE_TRY(take_locked(arena, entry, locked, err));
	else if (model->file_count > 0)
		take_named(entry, model);
	else if (entry->indexed && entry->indexed->file_count > 0)
		BAKE_TRY(take_indexed(arena, entry, entry->indexed, err));
	else if (model->source.kind == BAKE_SOURCE_URL)
		BAKE_TRY(take_url(arena, entry, model, err));
	finish(entry);
	return BAKE_OK;
}

enum bake_status bake_catalog_fill_indexed(struct bake_arena *arena,
	struct bake_catalog_entry *entry, const struct bake_index_model *model,
	struct bake_error *err)
{
	entry->indexed = model;
	describe_indexed(entry, model);
	BAKE_TRY(take_indexed(arena, entry, model, err));
	finish(entry);
	return BAKE_OK;
}
