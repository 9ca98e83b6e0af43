/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of a lock, whole or one layer's slice of it. */
#include "json/writer.h"
#include "manifest/conversion.h"
#include "manifest/fields.h"
#include "manifest/lock.h"

static void write_file(struct bake_json_writer *writer, const struct bake_lock_file *file)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "path", file->path);
	bake_json_put_text(writer, "name", file->name);
	bake_json_put_u64(writer, "size", file->size);
	bake_json_put_text(writer, "sha256", BAKE_HEX(&file->sha256));
	if (file->git_sha1.kind)
		bake_json_put_text(writer, "git_sha1", BAKE_HEX(&file->git_sha1));
	bake_json_end_object(writer);
}

static void write_files(
	struct bake_json_writer *writer, const struct bake_lock_file *files, size_t count)
{
	bake_json_key(writer, "files");
	bake_json_array(writer);
	for (size_t i = 0; i < count; i++)
		write_file(writer, &files[i]);
	bake_json_end_array(writer);
}

/* What decides whether a model is fetched, and what fetching it takes. */
static void write_choice(struct bake_json_writer *writer, const struct bake_lock_model *model)
{
	bake_json_put_u64(writer, "layer", model->layer);
	bake_json_put_text(writer, "group", model->group);
	bake_json_put_bool(writer, "required", model->required);
	if (model->is_default)
		bake_json_put_bool(writer, "default", true);
	if (model->gated)
		bake_json_put_bool(writer, "gated", true);
	if (model->complete)
		bake_json_put_bool(writer, "complete", true);
	if (model->alias_count)
		bake_json_put_list(writer, "aliases", model->aliases, model->alias_count);
}

static void write_model(struct bake_json_writer *writer, const struct bake_lock_model *model)
{
	bake_json_key(writer, model->id);
	bake_json_object(writer);
	bake_source_write(writer, "source", &model->source);
	bake_json_put_text(writer, "spec_sha256", BAKE_HEX(&model->spec));
	write_choice(writer, model);
	if (model->mirror_count)
		bake_json_put_list(writer, "mirrors", model->mirrors, model->mirror_count);
	if (model->convert) {
		bake_json_key(writer, "convert");
		bake_json_object(writer);
		bake_conversion_put(writer, model->convert);
		write_files(writer, model->sources, model->source_count);
		bake_json_end_object(writer);
	}
	write_files(writer, model->files, model->file_count);
	bake_json_end_object(writer);
}

static bool in_slice(const struct bake_lock *lock, const char *name, unsigned slice)
{
	const struct bake_lock_model *model = bake_lock_find(lock, name);

	if (!model)
		model = bake_lock_find_unlocked(lock, name);
	return !slice || (model && model->layer == slice);
}

/* A profile stays in a slice even when nothing of it is left: that it exists decides what is
 * fetched by default. */
static void write_profiles(
	struct bake_json_writer *writer, const struct bake_lock *lock, unsigned slice)
{
	bake_json_key(writer, "profiles");
	bake_json_object(writer);
	for (size_t i = 0; i < lock->profile_count; i++) {
		const struct bake_profile *profile = &lock->profiles[i];

		bake_json_key(writer, profile->name);
		bake_json_array_line(writer);
		for (size_t k = 0; k < profile->model_count; k++) {
			if (in_slice(lock, profile->models[k], slice))
				bake_json_write_text(writer, profile->models[k]);
		}
		bake_json_end_array(writer);
	}
	bake_json_end_object(writer);
}

/* What the lock lacks, so that nobody takes it for the whole. */
static void write_unlocked(
	struct bake_json_writer *writer, const struct bake_lock *lock, unsigned slice)
{
	bool any = false;

	for (size_t i = 0; i < lock->unlocked_count; i++) {
		const struct bake_lock_model *model = &lock->unlocked[i];

		if (slice && model->layer != slice)
			continue;
		if (!any) {
			bake_json_key(writer, "unlocked");
			bake_json_object(writer);
		}
		any = true;
		bake_json_key(writer, model->id);
		bake_json_object(writer);
		if (model->source.kind && !slice)
			bake_source_write(writer, "was", &model->source);
		write_choice(writer, model);
		bake_json_end_object(writer);
	}
	if (any)
		bake_json_end_object(writer);
}

enum bake_status bake_lock_write(
	const struct bake_lock *lock, unsigned slice, struct bake_buf *out, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);

	bake_json_object(&writer);
	bake_json_put_text(&writer, "schema", BAKE_LOCK_SCHEMA);
	bake_json_put_text(&writer, "name", lock->name);
	if (slice)
		bake_json_put_u64(&writer, "slice", slice);
	else
		bake_json_put_text(&writer, "manifest_sha256", BAKE_HEX(&lock->manifest_sha256));
	if (lock->profile_count)
		write_profiles(&writer, lock, slice);
	write_unlocked(&writer, lock, slice);
	bake_json_key(&writer, "models");
	bake_json_object(&writer);
	for (size_t i = 0; i < lock->model_count; i++) {
		if (!slice || lock->models[i].layer == slice)
			write_model(&writer, &lock->models[i]);
	}
	bake_json_end_object(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return bake_buf_status(out, "lock", err);
}
