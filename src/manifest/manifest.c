/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/conversion.h"
#include "manifest/manifest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/named.h"
#include "base/text.h"
#include "digest/hasher.h"
#include "json/json.h"
#include "json/writer.h"
#include "manifest/fields.h"
#include "manifest/model.h"
#include "manifest/paths.h"
#include "manifest/selection.h"

/* A manifest of the largest size, parsed, stays well below. */
enum {
	ARENA_BYTES_MAX = 64 * 1024 * 1024,
	SCRATCH_BYTES = 320 /* that a model needs while it is told from the others */
};

static enum bake_status read_schema(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	(void)out;
	return bake_field_schema(value, BAKE_MANIFEST_SCHEMA, err);
}

static enum bake_status read_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;

	BAKE_TRY(bake_json_copy(value, BAKE_NAME_MAX, &manifest->arena, &manifest->name, err));
	return bake_field_id(value, manifest->name, err);
}

static enum bake_status read_title(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;

	return bake_json_copy(value, BAKE_TITLE_MAX, &manifest->arena, &manifest->title, err);
}

static enum bake_status read_model(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;

	BAKE_TRY(bake_model_read(
		value, &manifest->arena, &manifest->models[manifest->model_count], err));
	manifest->model_count++;
	return BAKE_OK;
}

static enum bake_status read_models(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;
	size_t count = bake_json_count(value);

	if (count > BAKE_MODELS_MAX)
		return bake_json_error(
			value, "json.range", err, "more than %d models", BAKE_MODELS_MAX);
	manifest->models = bake_arena_array(&manifest->arena, count, sizeof(*manifest->models));
	if (!manifest->models)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_each_member(value, read_model, manifest, err));
	if (count == 0)
		return bake_json_error(value, "manifest.models", err, "there are no models");
	return BAKE_OK;
}

static enum bake_status read_profile(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;
	struct bake_profile *profile = &manifest->profiles[manifest->profile_count];

	BAKE_TRY(bake_field_id(value, value->key, err));
	profile->name = bake_arena_text(&manifest->arena, value->key);
	if (!profile->name)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_copy_list(value, BAKE_NAME_MAX, &manifest->arena, &profile->models,
		&profile->model_count, err));
	manifest->profile_count++;
	return BAKE_OK;
}

static enum bake_status read_profiles(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;

	manifest->profiles = bake_arena_array(
		&manifest->arena, bake_json_count(value), sizeof(*manifest->profiles));
	if (!manifest->profiles)
		return bake_error_nomem(err);
	return bake_json_each_member(value, read_profile, manifest, err);
}

static enum bake_status read_selection(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;

	BAKE_TRY(bake_selection_read(
		value, &manifest->arena, &manifest->selections[manifest->selection_count], err));
	manifest->selection_count++;
	return BAKE_OK;
}

static enum bake_status read_selections(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_manifest *manifest = out;

	manifest->selections = bake_arena_array(
		&manifest->arena, bake_json_count(value), sizeof(*manifest->selections));
	if (!manifest->selections)
		return bake_error_nomem(err);
	return bake_json_each_member(value, read_selection, manifest, err);
}

static const char *model_id(const void *context, size_t index)
{
	return ((const struct bake_manifest *)context)->models[index].id;
}

/* The cursor of root.outer.inner, for a complaint found after reading. */
static enum bake_status complain(const struct bake_json *root, const char *outer, const char *inner,
	const char *id, struct bake_error *err, const char *what, const char *name)
{
	struct bake_json section = *root;
	struct bake_json value = *root;

	assert(name);
	if (bake_json_find(root, outer, &section))
		value = section;
	if (inner)
		(void)bake_json_find(&section, inner, &value);
	return bake_json_error(&value, id, err, "%s '%s'", what, BAKE_SHOW(name));
}

static enum bake_status check_profiles(
	const struct bake_json *root, const struct bake_manifest *manifest, struct bake_error *err)
{
	for (size_t i = 0; i < manifest->profile_count; i++) {
		const struct bake_profile *profile = &manifest->profiles[i];

		for (size_t k = 0; k < profile->model_count; k++) {
			const char *name = profile->models[k];
			const char *near;

			if (bake_manifest_find(manifest, name))
				continue;
			complain(root, "profiles", profile->name, "manifest.unknown-model", err,
				"there is no model", name);
			near = bake_text_nearest(name, manifest->model_count, model_id, manifest);
			return near ? bake_error_hint(err, "did you mean \"%s\"?", near)
				    : err->status;
		}
	}
	return BAKE_OK;
}

/* A model supports another one, not itself. */
static enum bake_status check_support(
	const struct bake_json *root, const struct bake_manifest *manifest, struct bake_error *err)
{
	for (size_t i = 0; i < manifest->model_count; i++) {
		const struct bake_model *model = &manifest->models[i];
		const struct bake_model *support =
			model->support ? bake_manifest_find(manifest, model->support) : NULL;
		const char *near;

		if (!model->support || (support && support != model))
			continue;
		complain(root, "models", model->id, "manifest.unknown-model", err,
			support ? "a model cannot support itself:" : "there is no model",
			model->support);
		near = bake_text_nearest(model->support, manifest->model_count, model_id, manifest);
		return near && !support ? bake_error_hint(err, "did you mean \"%s\"?", near)
					: err->status;
	}
	return BAKE_OK;
}

/* Ids and aliases are one space of names. */
static enum bake_status check_names(const struct bake_json *root,
	const struct bake_manifest *manifest, struct bake_arena *scratch, struct bake_error *err)
{
	struct bake_named *names;
	size_t count = manifest->model_count;
	size_t used = 0;

	for (size_t i = 0; i < manifest->model_count; i++)
		count += manifest->models[i].alias_count;
	names = bake_arena_room(scratch, count, sizeof(*names));
	if (!names)
		return bake_error_nomem(err);
	for (size_t i = 0; i < manifest->model_count; i++) {
		const struct bake_model *model = &manifest->models[i];

		names[used++] = bake_named(model->id, i);
		for (size_t k = 0; k < model->alias_count; k++)
			names[used++] = bake_named(model->aliases[k], i);
	}
	bake_named_sort(names, used, scratch);
	for (size_t i = 1; i < used; i++) {
		if (bake_named_same(&names[i - 1], &names[i]))
			return complain(root, "models", NULL, "manifest.duplicate-name", err,
				"two models are named", names[i].text);
	}
	return BAKE_OK;
}

static enum bake_status check_selections(
	const struct bake_json *root, const struct bake_manifest *manifest, struct bake_error *err)
{
	for (size_t i = 0; i < manifest->selection_count; i++) {
		const char *group = manifest->selections[i].group;
		bool found = false;

		for (size_t k = 0; k < manifest->model_count && !found; k++)
			found = manifest->models[k].group &&
				strcmp(manifest->models[k].group, group) == 0;
		if (!found)
			return complain(root, "selection", group, "manifest.unknown-group", err,
				"no model is of group", group);
	}
	return BAKE_OK;
}

/* What collides is seen here, before anybody is asked for anything. */
static enum bake_status check_paths(const struct bake_json *root,
	const struct bake_manifest *manifest, struct bake_arena *scratch, struct bake_error *err)
{
	struct bake_json models = *root;

	if (bake_manifest_check_paths(manifest, scratch, err) == BAKE_OK)
		return BAKE_OK;
	(void)bake_json_find(root, "models", &models);
	bake_json_blame(&models, err);
	return bake_error_hint(err, "give one of the models another \"path\", or one of the files "
				    "another \"save_as\"");
}

/* What is only right together. */
static enum bake_status check_document(
	const struct bake_json *root, const struct bake_manifest *manifest, struct bake_error *err)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(ARENA_BYTES_MAX);

	scratch.expected = manifest->model_count * SCRATCH_BYTES;
	BAKE_TRY(check_names(root, manifest, &scratch, err));
	BAKE_TRY(check_profiles(root, manifest, err));
	BAKE_TRY(check_support(root, manifest, err));
	BAKE_TRY(check_selections(root, manifest, err));
	return check_paths(root, manifest, &scratch, err);
}

static enum bake_status read_document(
	const struct bake_json *root, struct bake_manifest *manifest, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"schema", read_schema, true},
		{"name", read_name, true},
		{"title", read_title, false},
		{"models", read_models, true},
		{"profiles", read_profiles, false},
		{"selection", read_selections, false},
	};

	BAKE_TRY(bake_json_read_object(
		root, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, manifest, err));
	if (!manifest->title)
		manifest->title = manifest->name;
	return check_document(root, manifest, err);
}

enum bake_status bake_manifest_read(struct bake_span text, const char *document,
	struct bake_manifest **out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = calloc(1, sizeof(*manifest));
	struct bake_json root;

	if (!manifest)
		return bake_error_nomem(err);
	manifest->arena.max = ARENA_BYTES_MAX;
	manifest->arena.expected = text.len;
	BAKE_TRY(bake_json_open(text, document, &doc, err));
	root = bake_json_root(doc);
	BAKE_TRY(read_document(&root, manifest, err));
	*out = manifest;
	manifest = NULL;
	return BAKE_OK;
}

enum bake_status bake_manifest_parse(struct bake_span text, const char *document,
	struct bake_manifest **out, struct bake_error *err)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;

	BAKE_TRY(bake_manifest_read(text, document, &manifest, err));
	BAKE_TRY(bake_digest_of(text, &manifest->sha256, err));
	*out = manifest;
	manifest = NULL;
	return BAKE_OK;
}

void bake_manifest_free(struct bake_manifest **manifest)
{
	if (*manifest)
		bake_arena_release(&(*manifest)->arena);
	free(*manifest);
	*manifest = NULL;
}

const struct bake_model *bake_manifest_find(const struct bake_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->model_count; i++) {
		const struct bake_model *model = &manifest->models[i];

		if (strcmp(model->id, name) == 0)
			return model;
		for (size_t k = 0; k < model->alias_count; k++) {
			if (strcmp(model->aliases[k], name) == 0)
				return model;
		}
	}
	return NULL;
}

static void write_files(struct bake_json_writer *writer, const struct bake_model *model)
{
	bake_json_key(writer, "files");
	bake_json_array(writer);
	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_manifest_file *file = &model->files[i];

		bake_json_object_line(writer);
		bake_json_put_text(writer, "name", file->name);
		bake_json_put_text(writer, "save_as", file->save_as);
		if (file->has_size)
			bake_json_put_u64(writer, "size", file->size);
		if (file->sha256.kind)
			bake_json_put_text(writer, "sha256", BAKE_HEX(&file->sha256));
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void write_convert(
	struct bake_json_writer *writer, const struct bake_manifest_output *output)
{
	bake_json_key(writer, "convert");
	bake_json_object(writer);
	bake_conversion_put(writer, &output->how);
	bake_json_put_text(writer, "save_as", output->save_as);
	bake_json_put_u64(writer, "size", output->size);
	bake_json_put_text(writer, "sha256", BAKE_HEX(&output->sha256));
	bake_json_end_object(writer);
}

enum bake_status bake_model_spec_digest(
	const struct bake_model *model, struct bake_digest *out, struct bake_error *err)
{
	static const char *const kinds[] = {
		[BAKE_SOURCE_HUB] = "hub", [BAKE_SOURCE_URL] = "url", [BAKE_SOURCE_FILE] = "file"};
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(ARENA_BYTES_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);

	bake_json_object(&writer);
	bake_json_put_text(&writer, kinds[model->source.kind], model->source.location);
	bake_json_put_text(&writer, "revision", model->source.revision);
	bake_json_put_text(&writer, "path", model->path);
	bake_json_put_list(&writer, "include", model->include, model->include_count);
	bake_json_put_list(&writer, "exclude", model->exclude, model->exclude_count);
	write_files(&writer, model);
	if (model->convert)
		write_convert(&writer, model->convert);
	bake_json_end_object(&writer);
	BAKE_TRY(bake_buf_status(&buf, "model", err));
	return bake_digest_of(bake_buf_span(&buf), out, err);
}
