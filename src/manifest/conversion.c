/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/conversion.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "manifest/fields.h"

enum bake_status bake_conversion_type(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_conversion_reading *reading = out;

	return bake_json_copy(value, 16, reading->arena, &reading->how.type, err);
}

enum bake_status bake_conversion_input(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_conversion_reading *reading = out;

	return bake_field_path(value, reading->arena, &reading->how.input, err);
}

enum bake_status bake_conversion_arch(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_conversion_reading *reading = out;

	return bake_json_copy(
		value, BAKE_NAME_MAX, reading->arena, &reading->how.architecture, err);
}

enum bake_status bake_conversion_keep(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_conversion_reading *reading = out;

	return bake_json_copy_list(value, BAKE_PATH_MAX, reading->arena, &reading->how.keep,
		&reading->how.keep_count, err);
}

enum bake_status bake_conversion_strict(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct bake_conversion_reading *)out)->how.strict, err);
}

/* The first member of both: what reads the ways reads it. */
struct output_reading {
	struct bake_conversion_reading how;
	struct bake_manifest_output *output;
};

static enum bake_status read_save_as(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct output_reading *reading = out;
	const char **name = &reading->output->save_as;

	BAKE_TRY(bake_field_path(value, reading->how.arena, name, err));
	if (bake_text_ends(*name, ".gguf") || bake_text_ends(*name, ".safetensors"))
		return BAKE_OK;
	return bake_json_error(value, "manifest.convert", err,
		"'%s' ends in neither \".gguf\" nor \".safetensors\"", BAKE_SHOW(*name));
}

static enum bake_status read_size(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct output_reading *reading = out;

	return bake_json_u64(value, BAKE_SIZE_MAX - 1, &reading->output->size, err);
}

static enum bake_status read_sha256(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_field_sha256(value, &((struct output_reading *)out)->output->sha256, err);
}

enum bake_status bake_conversion_read(const struct bake_json *value, struct bake_arena *arena,
	const struct bake_manifest_output **out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"type", bake_conversion_type, true},
		{"save_as", read_save_as, true},
		{"size", read_size, true},
		{"sha256", read_sha256, true},
		{"input", bake_conversion_input, false},
		{"arch", bake_conversion_arch, false},
		{"keep", bake_conversion_keep, false},
		{"strict", bake_conversion_strict, false},
	};
	struct output_reading reading = {.how = {.arena = arena},
		.output = bake_arena_alloc(arena, sizeof(*reading.output))};

	if (!reading.output)
		return bake_error_nomem(err);
	*reading.output = (struct bake_manifest_output){.size = 0};
	if (bake_json_read_object(value, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN,
		    &reading, err) != BAKE_OK)
		return bake_error_hint(err, "bake-convert prints the size and the sha256");
	reading.output->how = reading.how.how;
	*out = reading.output;
	return BAKE_OK;
}

void bake_conversion_put(struct bake_json_writer *writer, const struct bake_conversion *how)
{
	bake_json_put_text(writer, "type", how->type);
	bake_json_put_text(writer, "input", how->input);
	bake_json_put_text(writer, "arch", how->architecture);
	if (how->keep_count)
		bake_json_put_list(writer, "keep", how->keep, how->keep_count);
	if (how->strict)
		bake_json_put_bool(writer, "strict", true);
}
