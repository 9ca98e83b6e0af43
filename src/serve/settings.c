/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/settings.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "json/json.h"

struct reading {
	const struct bake_settings_bounds *bounds;
	struct bake_settings settings;
	char *note;
};

/* null is what clients send for what they leave as it is. */
static enum bake_status read_steps(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	int64_t steps;

	if (bake_json_is_null(value))
		return BAKE_OK;
	BAKE_TRY(bake_json_i64(value, INT64_MIN, INT64_MAX, &steps, err));
	if (steps >= 1 && steps <= reading->bounds->steps_max)
		reading->settings.default_steps = (uint32_t)steps;
	else
		(void)snprintf(reading->note, BAKE_SETTINGS_NOTE_MAX,
			"default_steps %" PRId64 " ignored: 1 to %" PRIu32 " are supported", steps,
			reading->bounds->steps_max);
	return BAKE_OK;
}

static enum bake_status read_rank(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	int64_t rank;

	if (bake_json_is_null(value))
		return BAKE_OK;
	BAKE_TRY(bake_json_i64(value, INT64_MIN, INT64_MAX, &rank, err));
	for (size_t i = 0; i < reading->bounds->rank_count; i++) {
		if (reading->bounds->ranks[i] == rank) {
			reading->settings.default_rank = (uint32_t)rank;
			return BAKE_OK;
		}
	}
	(void)snprintf(reading->note, BAKE_SETTINGS_NOTE_MAX,
		"default_rank %" PRId64 " ignored: it is not supported", rank);
	return BAKE_OK;
}

static enum bake_status read_switch(
	const struct bake_json *value, enum bake_setting *out, struct bake_error *err)
{
	bool on;

	if (bake_json_is_null(value))
		return BAKE_OK;
	BAKE_TRY(bake_json_bool(value, &on, err));
	*out = on ? BAKE_SETTING_TRUE : BAKE_SETTING_FALSE;
	return BAKE_OK;
}

static enum bake_status read_offload(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_switch(value, &((struct reading *)out)->settings.enable_cpu_offload, err);
}

static enum bake_status read_memory(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_switch(value, &((struct reading *)out)->settings.memory_optimization, err);
}

enum bake_status bake_settings_read(struct bake_span body,
	const struct bake_settings_bounds *bounds, struct bake_settings *settings,
	char note[BAKE_SETTINGS_NOTE_MAX], struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"default_steps", read_steps, false},
		{"default_rank", read_rank, false},
		{"enable_cpu_offload", read_offload, false},
		{"memory_optimization", read_memory, false},
	};
	struct reading reading = {.bounds = bounds, .settings = *settings, .note = note};
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	note[0] = '\0';
	BAKE_TRY(bake_json_open_foreign(body, "body", &doc, err));
	root = bake_json_root(doc);
	BAKE_TRY(bake_json_read_object(
		&root, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &reading, err));
	*settings = reading.settings;
	return BAKE_OK;
}

void bake_settings_fit(struct bake_settings *settings, const struct bake_settings_bounds *bounds)
{
	bool known = false;

	if (settings->default_steps > bounds->steps_max)
		settings->default_steps = 0;
	for (size_t i = 0; i < bounds->rank_count; i++)
		known = known || bounds->ranks[i] == settings->default_rank;
	if (!known)
		settings->default_rank = 0;
}
