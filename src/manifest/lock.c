/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/lock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "digest/hasher.h"
#include "json/json.h"
#include "manifest/conversion.h"
#include "manifest/fields.h"

/* What a lock of the largest size needs when parsed. */
enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024
};

struct file_reading {
	struct bake_arena *arena;
	struct bake_lock_file file;
};

static enum bake_status read_file_path(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	return bake_field_path(value, reading->arena, &reading->file.path, err);
}

static enum bake_status read_file_name(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	return bake_field_source_path(value, reading->arena, &reading->file.name, err);
}

static enum bake_status read_size(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(
		value, BAKE_SIZE_MAX - 1, &((struct file_reading *)out)->file.size, err);
}

static enum bake_status read_hex(const struct bake_json *value, enum bake_digest_kind kind,
	struct bake_digest *out, struct bake_error *err)
{
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (bake_digest_parse_hex(kind, text, out, err) != BAKE_OK)
		return bake_json_blame(value, err);
	return BAKE_OK;
}

static enum bake_status read_sha256(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	return read_hex(value, BAKE_DIGEST_SHA256, &reading->file.sha256, err);
}

static enum bake_status read_git_sha1(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	return read_hex(value, BAKE_DIGEST_GIT_SHA1, &reading->file.git_sha1, err);
}

struct reading {
	struct bake_arena *arena;
	struct bake_lock_model model;
};

static enum bake_status read_file(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"path", read_file_path, true},
		{"name", read_file_name, true},
		{"size", read_size, true},
		{"sha256", read_sha256, false},
		{"git_sha1", read_git_sha1, false},
	};
	struct reading *reading = out;
	struct file_reading file = {.arena = reading->arena};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &file, err));
	if (!file.file.sha256.kind) {
		bake_json_error(
			value, "pin.missing", err, "'%s' has no sha256", BAKE_SHOW(file.file.path));
		return bake_error_hint(err, "run bake-lock to pin it");
	}
	reading->model.files[reading->model.file_count++] = file.file;
	return BAKE_OK;
}

static enum bake_status read_files(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	size_t count = bake_json_count(value);

	if (count > BAKE_LOCK_FILES_MAX)
		return bake_json_error(
			value, "json.range", err, "more than %d files", BAKE_LOCK_FILES_MAX);
	reading->model.files =
		bake_arena_array(reading->arena, count, sizeof(*reading->model.files));
	if (!reading->model.files)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_each_element(value, read_file, reading, err));
	if (count == 0)
		return bake_json_error(value, "lock.files", err, "a model without files");
	return BAKE_OK;
}

struct convert_reading {
	struct bake_conversion_reading how; /* first: what reads the ways reads it */
	struct reading files;
};

static enum bake_status read_sources(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_files(value, &((struct convert_reading *)out)->files, err);
}

static enum bake_status read_convert(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"type", bake_conversion_type, true},
		{"input", bake_conversion_input, false},
		{"arch", bake_conversion_arch, false},
		{"keep", bake_conversion_keep, false},
		{"strict", bake_conversion_strict, false},
		{"files", read_sources, true},
	};
	struct reading *reading = out;
	struct convert_reading convert = {
		.how = {.arena = reading->arena}, .files = {.arena = reading->arena}};
	struct bake_conversion *how = bake_arena_alloc(reading->arena, sizeof(*how));

	if (!how)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &convert, err));
	*how = convert.how.how;
	reading->model.convert = how;
	reading->model.sources = convert.files.model.files;
	reading->model.source_count = convert.files.model.file_count;
	return BAKE_OK;
}

static enum bake_status read_source(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_source(value, true, reading->arena, &reading->model.source, err);
}

static enum bake_status read_spec(const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_hex(value, BAKE_DIGEST_SHA256, &((struct reading *)out)->model.spec, err);
}

static enum bake_status read_layer_number(
	const struct bake_json *value, unsigned *out, struct bake_error *err)
{
	uint64_t layer;

	BAKE_TRY(bake_json_u64(value, BAKE_LAYERS, &layer, err));
	if (layer == 0)
		return bake_json_error(
			value, "json.range", err, "0 is not between 1 and %d", BAKE_LAYERS);
	*out = (unsigned)layer;
	return BAKE_OK;
}

static enum bake_status read_layer(const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_layer_number(value, &((struct reading *)out)->model.layer, err);
}

static enum bake_status read_group(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_json_copy(value, BAKE_NAME_MAX, reading->arena, &reading->model.group, err);
}

static enum bake_status read_aliases(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_json_copy_list(value, BAKE_NAME_MAX, reading->arena, &reading->model.aliases,
		&reading->model.alias_count, err);
}

static enum bake_status read_mirrors(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_urls(
		value, reading->arena, &reading->model.mirrors, &reading->model.mirror_count, err);
}

static enum bake_status read_required(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct reading *)out)->model.required, err);
}

static enum bake_status read_default(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct reading *)out)->model.is_default, err);
}

static enum bake_status read_gated(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct reading *)out)->model.gated, err);
}

static enum bake_status read_complete(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct reading *)out)->model.complete, err);
}

/* One model, as fields describe it, under its id. */
static enum bake_status read_entry(const struct bake_json *value,
	const struct bake_json_field *fields, size_t count, struct bake_lock *lock,
	struct bake_lock_model *out, struct bake_error *err)
{
	struct reading reading = {.arena = &lock->arena};

	BAKE_TRY(bake_field_id(value, value->key, err));
	BAKE_TRY(bake_json_read_object(
		value, fields, count, BAKE_JSON_REFUSE_UNKNOWN, &reading, err));
	reading.model.id = bake_arena_text(&lock->arena, value->key);
	if (!reading.model.id)
		return bake_error_nomem(err);
	*out = reading.model;
	return BAKE_OK;
}

static enum bake_status read_model(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"source", read_source, true},
		{"spec_sha256", read_spec, true},
		{"layer", read_layer, true},
		{"group", read_group, false},
		{"aliases", read_aliases, false},
		{"mirrors", read_mirrors, false},
		{"required", read_required, true},
		{"default", read_default, false},
		{"gated", read_gated, false},
		{"complete", read_complete, false},
		{"convert", read_convert, false},
		{"files", read_files, true},
	};
	struct bake_lock *lock = out;
	struct bake_lock_model *model = &lock->models[lock->model_count];

	BAKE_TRY(read_entry(value, fields, countof(fields), lock, model, err));
	if (model->convert && (model->file_count != 1 || model->source.kind == BAKE_SOURCE_FILE))
		return bake_json_error(value, "lock.convert", err,
			"a conversion makes one file, and not from a file source");
	lock->model_count++;
	return BAKE_OK;
}

static enum bake_status read_was(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_source(value, true, reading->arena, &reading->model.source, err);
}

static enum bake_status read_unlocked_model(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"layer", read_layer, true},
		{"group", read_group, false},
		{"aliases", read_aliases, false},
		{"required", read_required, true},
		{"default", read_default, false},
		{"was", read_was, false},
	};
	struct bake_lock *lock = out;

	BAKE_TRY(read_entry(
		value, fields, countof(fields), lock, &lock->unlocked[lock->unlocked_count], err));
	lock->unlocked_count++;
	return BAKE_OK;
}

static enum bake_status read_unlocked(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_lock *lock = out;
	size_t count = bake_json_count(value);

	if (count > BAKE_MODELS_MAX)
		return bake_json_error(
			value, "json.range", err, "more than %d models", BAKE_MODELS_MAX);
	lock->unlocked = bake_arena_array(&lock->arena, count, sizeof(*lock->unlocked));
	if (!lock->unlocked)
		return bake_error_nomem(err);
	return bake_json_each_member(value, read_unlocked_model, lock, err);
}

static enum bake_status read_models(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_lock *lock = out;
	size_t count = bake_json_count(value);

	if (count > BAKE_MODELS_MAX)
		return bake_json_error(
			value, "json.range", err, "more than %d models", BAKE_MODELS_MAX);
	lock->models = bake_arena_array(&lock->arena, count, sizeof(*lock->models));
	if (!lock->models)
		return bake_error_nomem(err);
	return bake_json_each_member(value, read_model, lock, err);
}

static enum bake_status read_profile(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_lock *lock = out;
	struct bake_profile *profile = &lock->profiles[lock->profile_count];

	BAKE_TRY(bake_field_id(value, value->key, err));
	profile->name = bake_arena_text(&lock->arena, value->key);
	if (!profile->name)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_copy_list(
		value, BAKE_NAME_MAX, &lock->arena, &profile->models, &profile->model_count, err));
	lock->profile_count++;
	return BAKE_OK;
}

static enum bake_status read_profiles(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_lock *lock = out;

	lock->profiles =
		bake_arena_array(&lock->arena, bake_json_count(value), sizeof(*lock->profiles));
	if (!lock->profiles)
		return bake_error_nomem(err);
	return bake_json_each_member(value, read_profile, lock, err);
}

static enum bake_status read_schema(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	(void)out;
	return bake_field_schema(value, BAKE_LOCK_SCHEMA, err);
}

static enum bake_status read_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_lock *lock = out;

	BAKE_TRY(bake_json_copy(value, BAKE_NAME_MAX, &lock->arena, &lock->name, err));
	return bake_field_id(value, lock->name, err);
}

static enum bake_status read_manifest_sha256(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_hex(
		value, BAKE_DIGEST_SHA256, &((struct bake_lock *)out)->manifest_sha256, err);
}

static enum bake_status read_slice(const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_layer_number(value, &((struct bake_lock *)out)->slice, err);
}

static enum bake_status read_document(
	const struct bake_json *root, struct bake_lock *lock, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"schema", read_schema, true},
		{"name", read_name, true},
		{"manifest_sha256", read_manifest_sha256, false},
		{"slice", read_slice, false},
		{"profiles", read_profiles, false},
		{"unlocked", read_unlocked, false},
		{"models", read_models, true},
	};

	BAKE_TRY(bake_json_read_object(
		root, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, lock, err));
	if (!lock->slice && !lock->manifest_sha256.kind)
		return bake_json_error(
			root, "json.missing-field", err, "field \"manifest_sha256\" is missing");
	bake_lock_sort(lock);
	if (bake_lock_check(lock, err) != BAKE_OK)
		return bake_json_blame(root, err);
	return BAKE_OK;
}

enum bake_status bake_lock_parse(
	struct bake_span text, const char *document, struct bake_lock **out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_lock_free) struct bake_lock *lock = calloc(1, sizeof(*lock));
	struct bake_json root;

	if (!lock)
		return bake_error_nomem(err);
	lock->arena.max = ARENA_BYTES_MAX;
	BAKE_TRY(bake_digest_of(text, &lock->sha256, err));
	BAKE_TRY(bake_json_open(text, document, &doc, err));
	root = bake_json_root(doc);
	BAKE_TRY(read_document(&root, lock, err));
	*out = lock;
	lock = NULL;
	return BAKE_OK;
}

void bake_lock_free(struct bake_lock **lock)
{
	if (*lock)
		bake_arena_release(&(*lock)->arena);
	free(*lock);
	*lock = NULL;
}

static const struct bake_lock_model *find(
	const struct bake_lock_model *models, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		const struct bake_lock_model *model = &models[i];

		if (strcmp(model->id, name) == 0)
			return model;
		for (size_t k = 0; k < model->alias_count; k++) {
			if (strcmp(model->aliases[k], name) == 0)
				return model;
		}
	}
	return NULL;
}

const struct bake_lock_model *bake_lock_find(const struct bake_lock *lock, const char *name)
{
	return find(lock->models, lock->model_count, name);
}

const struct bake_lock_model *bake_lock_find_unlocked(
	const struct bake_lock *lock, const char *name)
{
	return find(lock->unlocked, lock->unlocked_count, name);
}
