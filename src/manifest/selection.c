/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "json/writer.h"
#include "manifest/fields.h"

enum {
	CONFIG_BYTES_MAX = 4096
};

struct reading {
	struct bake_arena *arena;
	struct bake_selection selection;
	struct bake_json_writer *config;
};

static enum bake_status read_ranks(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_ranks(value, reading->arena, &reading->selection.ranks,
		&reading->selection.rank_count, err);
}

static enum bake_status read_prefer(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_field_variants(value, BAKE_JSON_REFUSE_UNKNOWN, reading->arena,
		&reading->selection.prefer, &reading->selection.prefer_count, err);
}

static enum bake_status read_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_json_copy(value, BAKE_TITLE_MAX, reading->arena, &reading->selection.name, err);
}

static enum bake_status read_version(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_json_copy(
		value, BAKE_NAME_MAX, reading->arena, &reading->selection.version, err);
}

static enum bake_status read_max_steps(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	uint64_t steps;

	BAKE_TRY(bake_json_u64(value, 1000000, &steps, err));
	reading->selection.max_steps = (uint32_t)steps;
	return BAKE_OK;
}

/* What the index itself says in model_config cannot be said twice. */
static enum bake_status check_own_name(const struct bake_json *value, struct bake_error *err)
{
	static const char *const names[] = {
		"model_id", "default_steps", "default_rank", "max_steps", "supported_ranks"};

	for (size_t i = 0; i < countof(names); i++) {
		if (strcmp(value->key, names[i]) == 0)
			return bake_json_error(value, "json.name", err,
				"'%s' is computed and cannot be set", names[i]);
	}
	return BAKE_OK;
}

/* Settings handed on to the server as they are: booleans, integers and texts. */
static enum bake_status read_setting(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	struct bake_error ignored = BAKE_ERROR_INIT;
	const char *text;
	uint64_t number;
	bool flag;

	BAKE_TRY(bake_field_id(value, value->key, err));
	BAKE_TRY(check_own_name(value, err));
	bake_json_key(reading->config, value->key);
	if (bake_json_bool(value, &flag, &ignored) == BAKE_OK) {
		bake_json_write_bool(reading->config, flag);
	} else if (bake_json_u64(value, UINT32_MAX, &number, &ignored) == BAKE_OK) {
		bake_json_write_u64(reading->config, number);
	} else {
		BAKE_TRY(bake_json_copy(value, BAKE_TITLE_MAX, reading->arena, &text, err));
		bake_json_write_text(reading->config, text);
	}
	return BAKE_OK;
}

/* Kept as the text of its members, which the index puts into model_config. */
static enum bake_status read_config(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(CONFIG_BYTES_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);
	struct reading *reading = out;

	reading->config = &writer;
	bake_json_object_line(&writer);
	BAKE_TRY(bake_json_each_member(value, read_setting, reading, err));
	bake_json_end_object(&writer);
	if (bake_buf_status(&buf, "config", err) != BAKE_OK)
		return bake_json_blame(value, err);
	reading->selection.config = bake_arena_copy(reading->arena, buf.ptr + 1, buf.len - 2);
	return reading->selection.config ? BAKE_OK : bake_error_nomem(err);
}

enum bake_status bake_selection_read(const struct bake_json *value, struct bake_arena *arena,
	struct bake_selection *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"ranks", read_ranks, false},
		{"prefer", read_prefer, false},
		{"name", read_name, false},
		{"version", read_version, false},
		{"max_steps", read_max_steps, false},
		{"config", read_config, false},
	};
	struct reading reading = {.arena = arena, .selection = {.config = ""}};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &reading, err));
	reading.selection.group = bake_arena_text(arena, value->key);
	if (!reading.selection.group)
		return bake_error_nomem(err);
	*out = reading.selection;
	return BAKE_OK;
}
