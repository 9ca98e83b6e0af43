/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an index back. Unknown keys are of a newer minor version: ignored. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "index/index.h"
#include "index/outline.h"
#include "json/json.h"
#include "manifest/fields.h"

enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024,
	FILES_MAX = 200000
};

struct file_reading {
	struct bake_arena *arena;
	struct bake_index_file file;
};

static enum bake_status read_file_path(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	return bake_field_path(value, reading->arena, &reading->file.path, err);
}

static enum bake_status read_size(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(
		value, BAKE_SIZE_MAX - 1, &((struct file_reading *)out)->file.size, err);
}

static enum bake_status read_sha256(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_field_sha256(value, &((struct file_reading *)out)->file.sha256, err);
}

/* The whole document. */
struct whole {
	struct bake_index *index;
	struct bake_outline outline;
};

struct reading {
	struct bake_arena *arena;
	const struct bake_outline *outline;
	struct bake_index_model model;
};

/* In the place of each part stands its number in the outline. Another value was never cut: it is no
 * object, or its name was written with escapes, and then it is nobody's. */
static enum bake_status read_part(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	uint64_t number;
	unsigned part = 0;

	if (bake_json_is_object(value))
		return BAKE_OK;
	if (!reading->outline->count ||
		bake_json_u64(value, reading->outline->count - 1, &number, err) != BAKE_OK) {
		*err = BAKE_ERROR_INIT;
		return bake_json_error(value, "json.type", err, "expected an object");
	}
	while (strcmp(bake_index_part_name((enum bake_index_part)part), value->key) != 0)
		part++;
	reading->model.parts[part] = reading->outline->parts[number];
	return BAKE_OK;
}

static enum bake_status read_file(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"path", read_file_path, true},
		{"size", read_size, true},
		{"sha256", read_sha256, true},
	};
	struct reading *reading = out;
	struct file_reading file = {.arena = reading->arena};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &file, err));
	reading->model.files[reading->model.file_count++] = file.file;
	reading->model.bytes = bake_u64_add_capped(reading->model.bytes, file.file.size);
	return BAKE_OK;
}

static enum bake_status read_files(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	size_t count = bake_json_count(value);

	if (count > FILES_MAX)
		return bake_json_error(value, "json.range", err, "more than %d files", FILES_MAX);
	reading->model.files =
		bake_arena_array(reading->arena, count, sizeof(*reading->model.files));
	if (!reading->model.files)
		return bake_error_nomem(err);
	return bake_json_each_element(value, read_file, reading, err);
}

#define TEXT_FIELD(member, max)                                                                    \
	static enum bake_status read_##member(                                                     \
		const struct bake_json *value, void *out, struct bake_error *err)                  \
	{                                                                                          \
		struct reading *reading = out;                                                     \
		return bake_json_copy(value, max, reading->arena, &reading->model.member, err);    \
	}

TEXT_FIELD(title, BAKE_TITLE_MAX)
TEXT_FIELD(description, BAKE_TEXT_MAX)
TEXT_FIELD(role, BAKE_NAME_MAX)
TEXT_FIELD(category, BAKE_NAME_MAX)
TEXT_FIELD(group, BAKE_NAME_MAX)
TEXT_FIELD(format, BAKE_NAME_MAX)
TEXT_FIELD(quantization, BAKE_NAME_MAX)
TEXT_FIELD(license, BAKE_NAME_MAX)

static enum bake_status read_id(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	BAKE_TRY(bake_json_copy(value, BAKE_NAME_MAX, reading->arena, &reading->model.id, err));
	return bake_field_id(value, reading->model.id, err);
}

static enum bake_status read_path(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_path(value, reading->arena, &reading->model.path, err);
}

static enum bake_status read_variant(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_variant(
		value, BAKE_JSON_IGNORE_UNKNOWN, reading->arena, &reading->model.variant, err);
}

struct entry_reading {
	struct bake_arena *arena;
	struct bake_index_variant variant;
};

static enum bake_status read_variant_path(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct entry_reading *reading = out;

	return bake_field_path(value, reading->arena, &reading->variant.path, err);
}

/* A variant, and its file. */
static enum bake_status read_one_variant(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {{"path", read_variant_path, true}};
	struct reading *reading = out;
	struct entry_reading entry = {.arena = reading->arena};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &entry, err));
	BAKE_TRY(bake_field_variant(
		value, BAKE_JSON_IGNORE_UNKNOWN, reading->arena, &entry.variant.is, err));
	reading->model.variants[reading->model.variant_count++] = entry.variant;
	return BAKE_OK;
}

static enum bake_status read_variants(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	size_t count = bake_json_count(value);

	if (count > BAKE_INDEX_VARIANTS_MAX)
		return bake_json_error(
			value, "json.range", err, "more than %d variants", BAKE_INDEX_VARIANTS_MAX);
	reading->model.variants =
		bake_arena_array(reading->arena, count, sizeof(*reading->model.variants));
	if (!reading->model.variants)
		return bake_error_nomem(err);
	return bake_json_each_element(value, read_one_variant, reading, err);
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

static enum bake_status read_executable(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct reading *)out)->model.executable_code, err);
}

static enum bake_status read_tags(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_json_copy_list(value, BAKE_NAME_MAX, reading->arena, &reading->model.tags,
		&reading->model.tag_count, err);
}

static enum bake_status read_min_ram(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(
		value, BAKE_SIZE_MAX - 1, &((struct reading *)out)->model.min_ram_bytes, err);
}

static enum bake_status read_priority(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(value, 1000, &((struct reading *)out)->model.priority, err);
}

static enum bake_status read_aggregate(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_field_sha256(value, &((struct reading *)out)->model.aggregate, err);
}

static enum bake_status read_status(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	reading->model.baked = strcmp(text, "baked") == 0;
	if (reading->model.baked || strcmp(text, "missing") == 0)
		return BAKE_OK;
	return bake_json_error(value, "json.value", err, "expected \"baked\" or \"missing\"");
}

/* Each variant is another file of the model. */
static enum bake_status mark_variants(
	const struct bake_json *value, struct bake_index_model *model, struct bake_error *err)
{
	for (size_t i = 0; i < model->variant_count; i++) {
		const char *path = model->variants[i].path;
		size_t k = 0;

		while (k < model->file_count && strcmp(model->files[k].path, path) != 0)
			k++;
		if (k == model->file_count)
			return bake_json_error(value, "index.variants", err,
				"variant '%s' is none of the files", BAKE_SHOW(path));
		if (model->files[k].is_variant)
			return bake_json_error(value, "index.variants", err,
				"variant '%s' is there twice", BAKE_SHOW(path));
		model->files[k].is_variant = true;
	}
	return BAKE_OK;
}

static enum bake_status check_files(const struct bake_index_model *model, struct bake_error *err)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(SIZE_MAX);
	const char **paths = bake_arena_room(&scratch, model->file_count, sizeof(*paths));

	if (!paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < model->file_count; i++)
		paths[i] = model->files[i].path;
	return bake_relpath_check_set(paths, model->file_count, &scratch, err);
}

static enum bake_status read_model(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"id", read_id, true},
		{"title", read_title, false},
		{"description", read_description, false},
		{"tags", read_tags, false},
		{"min_ram_bytes", read_min_ram, false},
		{"role", read_role, false},
		{"category", read_category, false},
		{"group", read_group, false},
		{"variant", read_variant, false},
		{"variants", read_variants, false},
		{"format", read_format, false},
		{"quantization", read_quantization, false},
		{"required", read_required, true},
		{"default", read_default, false},
		{"status", read_status, true},
		{"path", read_path, true},
		{"files", read_files, true},
		{"aggregate_sha256", read_aggregate, false},
		{"license", read_license, false},
		{"priority", read_priority, false},
		{"executable_code", read_executable, false},
		{"architecture", read_part, false},
		{"weights", read_part, false},
		{"projector_weights", read_part, false},
		{"component_weights", read_part, false},
		{"memory", read_part, false},
		{"runtime", read_part, false},
	};
	const struct whole *whole = out;
	struct bake_index *index = whole->index;
	struct reading reading = {.arena = &index->arena, .outline = &whole->outline};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &reading, err));
	if (check_files(&reading.model, err) != BAKE_OK)
		return bake_error_wrap(err, "model '%s'", BAKE_SHOW(reading.model.id));
	BAKE_TRY(mark_variants(value, &reading.model, err));
	index->models[index->model_count++] = reading.model;
	return BAKE_OK;
}

static enum bake_status read_models(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_index *index = ((const struct whole *)out)->index;
	size_t count = bake_json_count(value);

	if (count > BAKE_MODELS_MAX)
		return bake_json_error(
			value, "json.range", err, "more than %d models", BAKE_MODELS_MAX);
	index->models = bake_arena_array(&index->arena, count, sizeof(*index->models));
	if (!index->models)
		return bake_error_nomem(err);
	return bake_json_each_element(value, read_model, out, err);
}

struct rule_reading {
	struct bake_arena *arena;
	struct bake_selection rule;
};

static enum bake_status read_ranks(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct rule_reading *reading = out;

	return bake_field_ranks(
		value, reading->arena, &reading->rule.ranks, &reading->rule.rank_count, err);
}

static enum bake_status read_prefer(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct rule_reading *reading = out;

	return bake_field_variants(value, BAKE_JSON_IGNORE_UNKNOWN, reading->arena,
		&reading->rule.prefer, &reading->rule.prefer_count, err);
}

static enum bake_status read_rule(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"ranks", read_ranks, false},
		{"prefer", read_prefer, false},
	};
	struct bake_index *index = out;
	struct rule_reading reading = {.arena = &index->arena, .rule = {.config = ""}};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &reading, err));
	reading.rule.group = bake_arena_text(&index->arena, value->key);
	if (!reading.rule.group)
		return bake_error_nomem(err);
	index->selections[index->selection_count++] = reading.rule;
	return BAKE_OK;
}

static enum bake_status read_selected(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_index *index = ((const struct whole *)out)->index;

	index->selections =
		bake_arena_array(&index->arena, bake_json_count(value), sizeof(*index->selections));
	if (!index->selections)
		return bake_error_nomem(err);
	return bake_json_each_member(value, read_rule, index, err);
}

static enum bake_status read_schema(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	(void)out;
	return bake_field_schema(value, BAKE_INDEX_SCHEMA, err);
}

static enum bake_status read_lock_sha256(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_field_sha256(value, &((const struct whole *)out)->index->lock_sha256, err);
}

static enum bake_status read_manifest_name(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_index *index = ((const struct whole *)out)->index;

	return bake_json_copy(value, BAKE_NAME_MAX, &index->arena, &index->manifest_name, err);
}

static enum bake_status read_manifest(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {{"name", read_manifest_name, false}};

	return bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, out, err);
}

static int compare_id(const void *a, const void *b)
{
	return strcmp(
		((const struct bake_index_model *)a)->id, ((const struct bake_index_model *)b)->id);
}

static enum bake_status read_text(
	struct whole *whole, struct bake_span text, const char *document, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"schema", read_schema, true},
		{"manifest", read_manifest, false},
		{"lock_sha256", read_lock_sha256, false},
		{"selected", read_selected, false},
		{"models", read_models, true},
	};
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	BAKE_TRY(bake_json_open(text, document, &doc, err));
	root = bake_json_root(doc);
	return bake_json_read_object(
		&root, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, whole, err);
}

/* Parses the document's outline; what that cut is kept with the index. Of a document that is wrong,
 * all is parsed again: it knows its lines. */
static enum bake_status read_whole(
	struct whole *whole, struct bake_span text, const char *document, struct bake_error *err)
{
	struct bake_error why = BAKE_ERROR_INIT;
	char *kept = malloc(text.len + 1);

	if (!kept)
		return bake_error_nomem(err);
	if (text.len)
		memcpy(kept, text.ptr, text.len);
	whole->index->text = kept;
	BAKE_TRY(bake_outline_make(bake_span(kept, text.len), &whole->outline, err));
	if (whole->outline.odd)
		bake_error_set(&why, BAKE_ERR_DATA, "json.type", "a part is no object");
	else if (read_text(whole, bake_buf_span(&whole->outline.text), document, &why) == BAKE_OK)
		return BAKE_OK;
	whole->outline.count = 0;
	whole->index->model_count = 0;
	whole->index->selection_count = 0;
	BAKE_TRY(read_text(whole, text, document, err));
	*err = why;
	return err->status;
}

static void release(struct whole *whole)
{
	bake_outline_release(&whole->outline);
	bake_index_free(&whole->index);
}

enum bake_status bake_index_parse(struct bake_span text, const char *document,
	struct bake_index **out, struct bake_error *err)
{
	_cleanup_(release) struct whole whole = {.index = calloc(1, sizeof(*whole.index))};
	struct bake_index *index = whole.index;

	if (!index)
		return bake_error_nomem(err);
	index->arena.max = ARENA_BYTES_MAX;
	BAKE_TRY(read_whole(&whole, text, document, err));
	if (index->model_count)
		qsort(index->models, index->model_count, sizeof(*index->models), compare_id);
	for (size_t i = 1; i < index->model_count; i++) {
		if (compare_id(&index->models[i - 1], &index->models[i]) == 0)
			return bake_error_set(err, BAKE_ERR_DATA, "manifest.duplicate-name",
				"%s: two models are called '%s'", BAKE_SHOW(document),
				BAKE_SHOW(index->models[i].id));
	}
	*out = index;
	whole.index = NULL;
	return BAKE_OK;
}
