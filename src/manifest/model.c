/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "base/units.h"
#include "manifest/conversion.h"
#include "manifest/fields.h"
#include "manifest/nunchaku.h"

struct reading {
	struct bake_arena *arena;
	struct bake_model model;
	struct bake_manifest_file *files;
};

/* A field that is a copied text of at most max bytes. */
#define TEXT_FIELD(member, max)                                                                    \
	static enum bake_status read_##member(                                                     \
		const struct bake_json *value, void *out, struct bake_error *err)                  \
	{                                                                                          \
		struct reading *reading = out;                                                     \
		return bake_json_copy(value, max, reading->arena, &reading->model.member, err);    \
	}

/* A field that is a list of copied texts. */
#define LIST_FIELD(member, counter, max)                                                           \
	static enum bake_status read_##member(                                                     \
		const struct bake_json *value, void *out, struct bake_error *err)                  \
	{                                                                                          \
		struct reading *reading = out;                                                     \
		return bake_json_copy_list(value, max, reading->arena, &reading->model.member,     \
			&reading->model.counter, err);                                             \
	}

TEXT_FIELD(title, BAKE_TITLE_MAX)
TEXT_FIELD(description, BAKE_TEXT_MAX)
TEXT_FIELD(role, BAKE_NAME_MAX)
TEXT_FIELD(category, BAKE_NAME_MAX)
TEXT_FIELD(group, BAKE_NAME_MAX)
TEXT_FIELD(license, BAKE_NAME_MAX)
TEXT_FIELD(support, BAKE_NAME_MAX)
LIST_FIELD(include, include_count, BAKE_PATH_MAX)
LIST_FIELD(exclude, exclude_count, BAKE_PATH_MAX)
LIST_FIELD(tags, tag_count, BAKE_NAME_MAX)
LIST_FIELD(aliases, alias_count, BAKE_NAME_MAX)

static enum bake_status read_source(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_source(value, false, reading->arena, &reading->model.source, err);
}

static enum bake_status read_variant(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_variant(
		value, BAKE_JSON_REFUSE_UNKNOWN, reading->arena, &reading->model.variant, err);
}

static enum bake_status read_convert(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_conversion_read(value, reading->arena, &reading->model.convert, err);
}

static enum bake_status read_mirrors(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_urls(
		value, reading->arena, &reading->model.mirrors, &reading->model.mirror_count, err);
}

static enum bake_status read_path(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_path(value, reading->arena, &reading->model.path, err);
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

static enum bake_status read_priority(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(value, 1000, &((struct reading *)out)->model.priority, err);
}

static enum bake_status read_layer(const struct bake_json *value, void *out, struct bake_error *err)
{
	uint64_t layer;

	BAKE_TRY(bake_json_u64(value, BAKE_LAYERS, &layer, err));
	if (layer == 0)
		return bake_json_error(
			value, "json.range", err, "0 is not between 1 and %d", BAKE_LAYERS);
	((struct reading *)out)->model.layer = (unsigned)layer;
	return BAKE_OK;
}

static enum bake_status read_min_ram(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (!bake_bytes_parse(text, &reading->model.min_ram_bytes) ||
		reading->model.min_ram_bytes >= BAKE_SIZE_MAX)
		return bake_json_error(value, "json.size", err,
			"'%s' is not a size such as \"4GB\"", BAKE_SHOW(text));
	return BAKE_OK;
}

struct file_reading {
	struct bake_arena *arena;
	struct bake_manifest_file file;
};

static enum bake_status read_file_name(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	return bake_field_source_path(value, reading->arena, &reading->file.name, err);
}

static enum bake_status read_save_as(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	return bake_field_source_path(value, reading->arena, &reading->file.save_as, err);
}

static enum bake_status read_size(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct file_reading *reading = out;

	reading->file.has_size = true;
	return bake_json_u64(value, BAKE_SIZE_MAX - 1, &reading->file.size, err);
}

static enum bake_status read_sha256(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_field_sha256(value, &((struct file_reading *)out)->file.sha256, err);
}

static enum bake_status read_file(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"name", read_file_name, true},
		{"save_as", read_save_as, false},
		{"size", read_size, false},
		{"sha256", read_sha256, false},
	};
	struct reading *reading = out;
	struct file_reading file = {.arena = reading->arena};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &file, err));
	reading->files[reading->model.file_count++] = file.file;
	return BAKE_OK;
}

static enum bake_status read_files(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	size_t count = bake_json_count(value);

	reading->files = bake_arena_array(reading->arena, count, sizeof(*reading->files));
	if (!reading->files)
		return bake_error_nomem(err);
	reading->model.files = reading->files;
	BAKE_TRY(bake_json_each_element(value, read_file, reading, err));
	if (count == 0)
		return bake_json_error(value, "manifest.files", err, "the list is empty");
	return BAKE_OK;
}

/* Which image layer a model goes to when the manifest does not say: what changes least first. */
static unsigned layer_of_role(const char *role)
{
	static const char *const second[] = {
		"transformer", "chat", "vision", "embedding", "llm", "language", "text", "mmproj"};

	if (role && strcmp(role, "base") == 0)
		return 1;
	for (size_t i = 0; role && i < countof(second); i++) {
		if (strcmp(role, second[i]) == 0)
			return 2;
	}
	return 3;
}

/* "org/name" becomes "org--name", as the Hub's own cache writes it. */
static char *default_path(struct bake_arena *arena, const struct bake_model *model)
{
	const char *slash = strchr(model->source.location, '/');
	const char *from = model->source.location;
	char *path;

	if (model->source.kind != BAKE_SOURCE_HUB || !slash)
		return bake_arena_text(
			arena, model->source.kind == BAKE_SOURCE_HUB ? from : model->id);
	path = bake_arena_alloc(arena, strlen(from) + 2);
	if (path) {
		size_t head = (size_t)(slash - from);

		memcpy(path, from, head);
		memcpy(path + head, "--", 2);
		memcpy(path + head + 2, slash + 1, strlen(slash + 1));
	}
	return path;
}

static enum bake_status fill_defaults(const struct bake_json *value, struct bake_arena *arena,
	struct bake_model *model, struct bake_error *err)
{
	struct bake_relpath path;

	if (!model->title)
		model->title = model->id;
	if (!model->layer)
		model->layer = layer_of_role(model->role);
	if (!model->path)
		model->path = default_path(arena, model);
	if (!model->path)
		return bake_error_nomem(err);
	if (bake_relpath_parse_model(model->path, &path, err) == BAKE_OK)
		return BAKE_OK;
	bake_json_blame(value, err);
	return bake_error_hint(err, "give it another \"path\"");
}

static enum bake_status place_files(
	struct bake_arena *arena, struct bake_model *model, struct bake_error *err)
{
	struct bake_placed_file *placed =
		bake_arena_array(arena, model->file_count, sizeof(*placed));

	if (!placed)
		return bake_error_nomem(err);
	model->placed = placed;
	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_manifest_file *file = &model->files[i];

		placed[i] = (struct bake_placed_file){
			.path = bake_arena_join(
				arena, model->path, file->save_as ? file->save_as : file->name),
			.size = file->size,
			.has_size = file->has_size,
			.sha256 = file->sha256};
		if (!placed[i].path)
			return bake_error_nomem(err);
	}
	return BAKE_OK;
}

/* A variant that is written must not contradict the file's own name; one that is not written is
 * read from it. */
static enum bake_status settle_variant(const struct bake_json *value, struct bake_arena *arena,
	struct bake_model *model, struct bake_error *err)
{
	struct bake_nunchaku_name name;
	struct bake_variant *variant = &model->variant;

	if (model->file_count != 1 || !bake_nunchaku_parse(model->files[0].name, &name))
		return BAKE_OK;
	if ((variant->precision && strcmp(variant->precision, name.precision) != 0) ||
		(variant->rank && variant->rank != name.rank) ||
		(variant->steps && variant->steps != name.steps))
		return bake_json_error(value, "manifest.variant", err,
			"the variant (%s, rank %u, %u steps) is not the file's (%s, rank %u, %u "
			"steps)",
			variant->precision ? BAKE_SHOW(variant->precision) : name.precision,
			variant->rank ? variant->rank : name.rank, variant->steps, name.precision,
			name.rank, name.steps);
	variant->rank = name.rank;
	variant->steps = name.steps;
	variant->precision = bake_arena_text(arena, name.precision);
	return variant->precision ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status check_shape(
	const struct bake_json *value, const struct bake_model *model, struct bake_error *err)
{
	bool patterns = model->include_count || model->exclude_count;

	if (model->file_count && patterns)
		return bake_json_error(value, "manifest.files", err,
			"give either \"files\" or \"include\" and \"exclude\"");
	if (model->convert && model->source.kind == BAKE_SOURCE_FILE)
		return bake_json_error(value, "manifest.convert", err,
			"a file source is not converted: give what bake-convert made of it");
	if (model->source.kind != BAKE_SOURCE_URL)
		return BAKE_OK;
	if (patterns)
		return bake_json_error(value, "manifest.files", err,
			"a url source has no listing to include from: give \"files\"");
	if (bake_text_ends(model->source.location, "/") ? !model->file_count
							: model->file_count > 1)
		return bake_json_error(value, "manifest.files", err,
			"a url that ends in \"/\" needs \"files\"; another one is a single file");
	return BAKE_OK;
}

enum bake_status bake_model_read(const struct bake_json *value, struct bake_arena *arena,
	struct bake_model *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"title", read_title, false},
		{"description", read_description, false},
		{"role", read_role, false},
		{"category", read_category, false},
		{"group", read_group, false},
		{"license", read_license, false},
		{"support", read_support, false},
		{"source", read_source, true},
		{"mirrors", read_mirrors, false},
		{"include", read_include, false},
		{"exclude", read_exclude, false},
		{"files", read_files, false},
		{"convert", read_convert, false},
		{"path", read_path, false},
		{"variant", read_variant, false},
		{"required", read_required, false},
		{"default", read_default, false},
		{"priority", read_priority, false},
		{"layer", read_layer, false},
		{"min_ram", read_min_ram, false},
		{"tags", read_tags, false},
		{"aliases", read_aliases, false},
	};
	struct reading reading = {.arena = arena, .model = {.required = true}};

	BAKE_TRY(bake_field_id(value, value->key, err));
	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &reading, err));
	reading.model.id = bake_arena_text(arena, value->key);
	if (!reading.model.id)
		return bake_error_nomem(err);
	BAKE_TRY(check_shape(value, &reading.model, err));
	BAKE_TRY(settle_variant(value, arena, &reading.model, err));
	BAKE_TRY(fill_defaults(value, arena, &reading.model, err));
	BAKE_TRY(place_files(arena, &reading.model, err));
	*out = reading.model;
	return BAKE_OK;
}
