/* SPDX-License-Identifier: Apache-2.0 */
/* An index from a manifest, its lock, and what of it is there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "digest/aggregate.h"
#include "index/index.h"
#include "index/names.h"
#include "manifest/nunchaku.h"

enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024
};

/* The path within the model's own directory. Registries know a model by that directory, wherever it
 * lies: their digest has no more than this of a path. */
static const char *within(const char *directory, const char *path)
{
	size_t len = directory ? strlen(directory) : 0;

	return len && strncmp(path, directory, len) == 0 && path[len] == '/' ? path + len + 1
									     : path;
}

static enum bake_status take_files(struct bake_arena *arena, const struct bake_lock_model *locked,
	struct bake_index_model *model, struct bake_error *err)
{
	struct bake_aggregate_file *parts;

	model->file_count = locked->file_count;
	model->files = bake_arena_array(arena, locked->file_count, sizeof(*model->files));
	parts = bake_arena_array(arena, locked->file_count, sizeof(*parts));
	if (!model->files || !parts)
		return bake_error_nomem(err);
	for (size_t i = 0; i < locked->file_count; i++) {
		const struct bake_lock_file *file = &locked->files[i];

		model->files[i] = (struct bake_index_file){
			.path = file->path, .size = file->size, .sha256 = file->sha256};
		parts[i] = (struct bake_aggregate_file){
			.path = within(model->path, file->path), .sha256 = &model->files[i].sha256};
		model->bytes = bake_u64_add_capped(model->bytes, file->size);
	}
	return bake_aggregate_sha256(parts, locked->file_count, &model->aggregate, err);
}

static bool is_language_model(const char *path)
{
	return bake_text_ends(path, ".gguf") && !bake_names_is_projector(path);
}

static bool is_nunchaku(const char *path)
{
	struct bake_nunchaku_name ignored;

	return bake_nunchaku_parse(path, &ignored);
}

/* The one file of which is() holds; NULL when there is none, or several. */
static const struct bake_lock_file *only_file(
	const struct bake_lock_model *locked, bool (*is)(const char *path))
{
	const struct bake_lock_file *found = NULL;

	for (size_t i = 0; i < locked->file_count; i++) {
		if (!is(locked->files[i].path))
			continue;
		if (found)
			return NULL;
		found = &locked->files[i];
	}
	return found;
}

/* The file that is the model: the only one, the only GGUF that is not a projector beside it, or the
 * only Nunchaku file. In a diffusers tree that one is a part. */
static const struct bake_lock_file *main_file(
	const struct bake_lock_model *locked, const char *format)
{
	const struct bake_lock_file *found;

	if (locked->file_count == 1)
		return &locked->files[0];
	found = only_file(locked, is_language_model);
	if (found || bake_text_equal(format, "diffusers"))
		return found;
	return only_file(locked, is_nunchaku);
}

static enum bake_status read_name(struct bake_arena *arena, const struct bake_nunchaku_name *name,
	struct bake_variant *out, struct bake_error *err)
{
	const char *precision = bake_arena_text(arena, name->precision);

	if (!precision)
		return bake_error_nomem(err);
	*out = (struct bake_variant){precision, name->rank, name->steps};
	return BAKE_OK;
}

/* What all variants have in common; NULL when there is no such thing. */
static const char *common_precision(const struct bake_index_model *model)
{
	const char *precision = model->variant_count ? model->variants[0].is.precision : NULL;

	for (size_t i = 1; i < model->variant_count; i++) {
		if (!bake_text_equal(precision, model->variants[i].is.precision))
			return NULL;
	}
	return precision;
}

/* Nunchaku files that an include pattern brought together: each is the model, of its own variant. */
static enum bake_status take_variants(struct bake_arena *arena,
	const struct bake_lock_model *locked, struct bake_index_model *model,
	struct bake_error *err)
{
	struct bake_index_variant *list =
		bake_arena_array(arena, locked->file_count, sizeof(*list));
	struct bake_nunchaku_name name;
	size_t count = 0;

	if (!list)
		return bake_error_nomem(err);
	for (size_t i = 0; i < locked->file_count; i++) {
		if (!bake_nunchaku_parse(locked->files[i].path, &name))
			continue;
		if (count == BAKE_INDEX_VARIANTS_MAX)
			return bake_error_set(err, BAKE_ERR_DATA, "index.variants",
				"model '%s' has more than %d variants", BAKE_SHOW(model->id),
				BAKE_INDEX_VARIANTS_MAX);
		list[count].path = locked->files[i].path;
		BAKE_TRY(read_name(arena, &name, &list[count].is, err));
		count++;
	}
	model->variants = list;
	model->variant_count = count;
	if (count) /* their names say what they are */
		model->variant = (struct bake_variant){NULL, 0, 0};
	model->quantization = common_precision(model);
	return BAKE_OK;
}

/* What the files' names know and the manifest did not say. */
static enum bake_status take_names(struct bake_arena *arena, const struct bake_lock_model *locked,
	struct bake_index_model *model, struct bake_error *err)
{
	const struct bake_lock_file *file;
	struct bake_nunchaku_name name;

	model->format = bake_names_format(model->files, model->file_count);
	file = main_file(locked, model->format);
	if (file) {
		model->path = file->path;
		model->quantization = bake_names_quantization(file->name);
		if (bake_nunchaku_parse(file->name, &name))
			BAKE_TRY(read_name(arena, &name, &model->variant, err));
	} else if (locked->file_count > 1 && !bake_text_equal(model->format, "diffusers")) {
		BAKE_TRY(take_variants(arena, locked, model, err));
	}
	if (model->variant.precision)
		model->quantization = model->variant.precision;
	return BAKE_OK;
}

static enum bake_status build_model(struct bake_arena *arena, const struct bake_model *from,
	const struct bake_lock_model *locked, bool baked, struct bake_index_model *model,
	struct bake_error *err)
{
	*model = (struct bake_index_model){
		.id = from->id,
		.title = from->title,
		.description = from->description,
		.role = from->role,
		.category = from->category,
		.group = from->group,
		.license = from->license,
		.path = from->path,
		.variant = from->variant,
		.source = locked ? locked->source : from->source,
		.tags = from->tags,
		.tag_count = from->tag_count,
		.min_ram_bytes = from->min_ram_bytes,
		.priority = from->priority,
		.required = from->required,
		.is_default = from->is_default,
		.baked = locked && baked,
		.gated = locked && locked->gated,
	};
	if (!locked)
		return BAKE_OK;
	BAKE_TRY(take_files(arena, locked, model, err));
	return take_names(arena, locked, model, err);
}

static int compare_id(const void *a, const void *b)
{
	return strcmp(
		((const struct bake_index_model *)a)->id, ((const struct bake_index_model *)b)->id);
}

enum bake_status bake_index_build(const struct bake_manifest *manifest,
	const struct bake_lock *lock, const bool *baked, int64_t generated_at,
	struct bake_index **out, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = calloc(1, sizeof(*index));

	assert(manifest->sha256.kind != BAKE_DIGEST_NONE);
	if (!index)
		return bake_error_nomem(err);
	index->arena.max = ARENA_BYTES_MAX;
	index->manifest_name = manifest->name;
	index->manifest_title = manifest->title;
	index->manifest_sha256 = manifest->sha256;
	index->lock_sha256 = lock->sha256;
	index->generated_at = generated_at;
	index->selections = manifest->selections;
	index->selection_count = manifest->selection_count;
	index->models =
		bake_arena_array(&index->arena, manifest->model_count, sizeof(*index->models));
	if (!index->models)
		return bake_error_nomem(err);
	for (size_t i = 0; i < manifest->model_count; i++) {
		const struct bake_model *model = &manifest->models[i];
		const struct bake_lock_model *locked = bake_lock_find(lock, model->id);
		bool there = locked && baked[locked - lock->models];

		BAKE_TRY(build_model(&index->arena, model, locked, there,
			&index->models[index->model_count], err));
		index->model_count++;
	}
	qsort(index->models, index->model_count, sizeof(*index->models), compare_id);
	*out = index;
	index = NULL;
	return BAKE_OK;
}

void bake_index_free(struct bake_index **index)
{
	if (*index) {
		bake_arena_release(&(*index)->arena);
		free((*index)->text);
	}
	free(*index);
	*index = NULL;
}
