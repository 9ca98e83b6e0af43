/* SPDX-License-Identifier: Apache-2.0 */
/* Values of configuration documents, with their sources. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arch/config.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

enum {
	KEY_MAX = 128 /* a step of the dotted paths, which are ours */
};

enum bake_status bake_arch_config_open(struct bake_arch *arch, const char *kind,
	struct bake_span text, const char *path, struct bake_arch_config *out,
	struct bake_error *err)
{
	struct bake_arch_config config = {.arch = arch, .kind = kind, .path = path};
	char source[BAKE_ARCH_TEXT_MAX];
	enum bake_status status;

	BAKE_TRY(bake_json_open_foreign(text, path, &config.doc, err));
	config.root = (struct bake_arch_scope){bake_json_root(config.doc), ""};
	(void)snprintf(source, sizeof(source), "%s:%s", kind, path);
	if (bake_json_is_object(&config.root.object))
		status = bake_arch_add_source(arch, source, err);
	else
		status = bake_json_error(
			&config.root.object, "json.type", err, "expected an object");
	if (status != BAKE_OK) {
		bake_json_close(&config.doc);
		return status;
	}
	config.scopes[0] = config.root;
	config.scope_count = 1;
	*out = config;
	return BAKE_OK;
}

void bake_arch_config_release(struct bake_arch_config *config)
{
	bake_json_close(&config->doc);
}

/* Follows a dotted path. The cursors' parents are not kept: nothing complains about them. */
static bool follow(struct bake_json at, const char *dotted, struct bake_json *out)
{
	for (;;) {
		char key[KEY_MAX];
		size_t len = strcspn(dotted, ".");
		struct bake_json next;

		if (len >= sizeof(key))
			return false;
		memcpy(key, dotted, len);
		key[len] = '\0';
		if (!bake_json_find(&at, key, &next) || bake_json_is_null(&next))
			return false;
		next.parent = NULL;
		next.key = NULL;
		at = next;
		if (!dotted[len])
			break;
		dotted += len + 1;
	}
	*out = at;
	return true;
}

bool bake_arch_config_object(
	const struct bake_arch_config *config, const char *dotted, struct bake_arch_scope *out)
{
	struct bake_json value;

	if (!follow(config->root.object, dotted, &value) || !bake_json_is_object(&value))
		return false;
	out->object = value;
	return true;
}

bool bake_arch_config_find(const struct bake_arch_config *config,
	const struct bake_arch_scope *scope, const char *dotted, struct bake_arch_value *out)
{
	if (!follow(scope->object, dotted, &out->json))
		return false;
	(void)snprintf(out->source, sizeof(out->source), "%s:%s:%s%s", config->kind, config->path,
		scope->prefix, dotted);
	return true;
}

bool bake_arch_config_text_value(
	const struct bake_arch_config *config, const char *dotted, struct bake_arch_value *out)
{
	for (size_t i = 0; i < config->scope_count; i++) {
		if (bake_arch_config_find(config, &config->scopes[i], dotted, out))
			return true;
	}
	return false;
}

bool bake_arch_config_flag(const struct bake_arch_config *config, const char *key, bool value)
{
	struct bake_arch_value found;
	struct bake_error err = BAKE_ERROR_INIT;
	bool flag = false;

	return bake_arch_config_text_value(config, key, &found) && bake_json_is_bool(&found.json) &&
	       bake_json_bool(&found.json, &flag, &err) == BAKE_OK && flag == value;
}

const char *bake_arch_config_string(const struct bake_json *value)
{
	struct bake_error err = BAKE_ERROR_INIT;
	const char *text = NULL;

	if (!bake_json_is_string(value) || bake_json_string(value, &text, &err) != BAKE_OK)
		return NULL;
	return text;
}

bool bake_arch_config_number(const struct bake_json *value, uint64_t *out, bool *out_text)
{
	struct bake_error err = BAKE_ERROR_INIT;
	const char *text = bake_arch_config_string(value);
	double number = 0;
	int64_t whole = 0;

	*out_text = text != NULL;
	if (text)
		return bake_number_parse(text, strlen(text), out);
	if (bake_json_is_integer(value)) {
		if (bake_json_i64(value, INT64_MIN, INT64_MAX, &whole, &err) != BAKE_OK ||
			whole < 0)
			return false;
		*out = (uint64_t)whole;
		return true;
	}
	if (!bake_json_is_number(value) || bake_json_f64(value, &number, &err) != BAKE_OK)
		return false;
	if (!(number >= 0 && number <= (double)BAKE_SIZE_MAX) || (double)(uint64_t)number != number)
		return false;
	*out = (uint64_t)number;
	return true;
}

/* What a value is in a warning, which shows no more than its beginning. */
static void describe(const struct bake_json *value, struct bake_buf *text)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(text);

	if (bake_json_is_object(value) || bake_json_is_array(value))
		bake_buf_text(text, bake_json_is_object(value) ? "an object" : "a list");
	else
		bake_json_write_value(&writer, value);
}

static enum bake_status refuse(const struct bake_arch_config *config,
	const struct bake_arch_want *want, const struct bake_arch_value *value,
	struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(4096);

	describe(&value->json, &text);
	return bake_arch_warn(config->arch, err,
		"%s is left out: %s is %s, not a number from %" PRIu64 " to %" PRIu64, want->name,
		value->source,
		text.ptr ? BAKE_SHOW_SPAN(text.ptr, bake_u64_min(text.len, 40)) : "long text",
		want->min, want->max);
}

/* One number within the range. *out_none: it is 0, and that means none. */
static bool plausible(const struct bake_json *json, const struct bake_arch_want *want,
	uint64_t *out, bool *out_text)
{
	return bake_arch_config_number(json, out, out_text) && *out <= want->max &&
	       *out >= want->min;
}

struct listing {
	const struct bake_arch_want *want;
	struct bake_arch_taken *taken;
	bool bad;
};

static enum bake_status take_element(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct listing *listing = out;
	struct bake_arch_taken *taken = listing->taken;
	uint64_t number = 0;
	bool text;

	(void)err;
	if (taken->list_count == countof(taken->list) ||
		!bake_arch_config_number(value, &number, &text) || number > listing->want->max) {
		listing->bad = true;
		return BAKE_OK;
	}
	taken->list[taken->list_count++] = number;
	taken->u64 = bake_u64_max(taken->u64, number);
	return BAKE_OK;
}

/* An array: the largest of its numbers. */
static enum bake_status take_list(const struct bake_arch_want *want, struct bake_arch_taken *taken,
	bool *out_good, struct bake_error *err)
{
	struct listing listing = {.want = want, .taken = taken};

	taken->list_count = 0;
	taken->u64 = 0;
	BAKE_TRY(bake_json_each_element(&taken->value.json, take_element, &listing, err));
	*out_good = !listing.bad && taken->list_count && taken->u64 >= want->min;
	if (!*out_good)
		taken->list_count = 0;
	return BAKE_OK;
}

enum bake_status bake_arch_config_take(const struct bake_arch_config *config,
	const struct bake_arch_scope *scope, const struct bake_arch_want *want,
	struct bake_arch_taken *out, struct bake_error *err)
{
	out->found = false;
	out->list_count = 0;
	for (size_t i = 0; want->keys[i] && !out->found; i++) {
		bool text = false;
		bool good = false;

		if (!bake_arch_config_find(config, scope, want->keys[i], &out->value))
			continue;
		if (want->list && bake_json_is_array(&out->value.json))
			BAKE_TRY(take_list(want, out, &good, err));
		else
			good = plausible(&out->value.json, want, &out->u64, &text);
		if (good && text)
			BAKE_TRY(bake_arch_warn(config->arch, err, "%s is a number in a string",
				out->value.source));
		if (!good)
			BAKE_TRY(refuse(config, want, &out->value, err));
		out->found = good && out->u64 != 0;
	}
	return BAKE_OK;
}

enum bake_status bake_arch_config_u64(const struct bake_arch_config *config, const char *key,
	uint64_t max, uint64_t *out, struct bake_error *err)
{
	const char *const keys[] = {key, NULL};
	struct bake_arch_want want = {.name = key, .keys = keys, .max = max};
	struct bake_arch_taken taken;

	*out = 0;
	for (size_t i = 0; i < config->scope_count && !*out; i++) {
		BAKE_TRY(bake_arch_config_take(config, &config->scopes[i], &want, &taken, err));
		*out = taken.found ? taken.u64 : 0;
	}
	return BAKE_OK;
}

static enum bake_status read_row(const struct bake_arch_config *config,
	const struct bake_arch_scope *scope, const struct bake_arch_row *row,
	struct bake_error *err)
{
	struct bake_arch_want want = {
		.name = bake_arch_field_name(row->field),
		.keys = row->keys,
		.min = row->min,
		.max = row->max,
		.list = true,
	};
	struct bake_arch_taken taken;

	if (config->arch->facts[row->field].known)
		return BAKE_OK;
	BAKE_TRY(bake_arch_config_take(config, scope, &want, &taken, err));
	if (!taken.found)
		return BAKE_OK;
	if (taken.list_count && row->list_field)
		BAKE_TRY(bake_arch_set_layers(config->arch, row->list_field, taken.list,
			taken.list_count, taken.value.source, err));
	return bake_arch_set_u64(config->arch, row->field, taken.u64, taken.value.source, err);
}

enum bake_status bake_arch_config_rows(const struct bake_arch_config *config,
	const struct bake_arch_scope *scopes, size_t scope_count, const struct bake_arch_row *rows,
	size_t row_count, struct bake_error *err)
{
	for (size_t i = 0; i < row_count; i++) {
		for (size_t s = 0; s < scope_count; s++)
			BAKE_TRY(read_row(config, &scopes[s], &rows[i], err));
	}
	return BAKE_OK;
}

enum bake_status bake_arch_config_vision_rows(const struct bake_arch_config *config,
	const struct bake_arch_scope *scope, const struct bake_arch_row *rows, size_t row_count,
	struct bake_error *err)
{
	for (size_t i = 0; i < row_count; i++) {
		const struct bake_arch_row *row = &rows[i];
		struct bake_arch_want want = {
			.name = bake_arch_vision_field_name(row->field),
			.keys = row->keys,
			.min = row->min,
			.max = row->max,
			.list = true,
		};
		struct bake_arch_taken taken;

		if (config->arch->vision[row->field].known)
			continue;
		BAKE_TRY(bake_arch_config_take(config, scope, &want, &taken, err));
		if (taken.found)
			BAKE_TRY(bake_arch_set_vision_u64(
				config->arch, row->field, taken.u64, taken.value.source, err));
	}
	return BAKE_OK;
}

const char *bake_arch_precision(const char *dtype)
{
	static const char *const names[][2] = {
		{"bfloat16", "bf16"},
		{"float16", "fp16"},
		{"half", "fp16"},
		{"float32", "fp32"},
		{"float", "fp32"},
		{"float64", "fp64"},
		{"double", "fp64"},
		{"float8_e4m3fn", "fp8_e4m3"},
		{"float8_e4m3fnuz", "fp8_e4m3"},
		{"float8_e5m2", "fp8_e5m2"},
		{"fp8", "fp8_e4m3"},
		{"f16", "fp16"},
		{"f32", "fp32"},
		{"f64", "fp64"},
		{"f8_e4m3", "fp8_e4m3"},
		{"f8_e5m2", "fp8_e5m2"},
	};

	if (strncmp(dtype, "torch.", 6) == 0)
		dtype += 6;
	for (size_t i = 0; i < countof(names); i++) {
		if (strcasecmp(dtype, names[i][0]) == 0)
			return names[i][1];
	}
	return dtype[0] && strcasecmp(dtype, "auto") != 0 ? dtype : NULL;
}
