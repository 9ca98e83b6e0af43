/* SPDX-License-Identifier: Apache-2.0 */
/* Positions by rotation: their base, and how they are stretched. */
#include <string.h>

#include "arch/config.h"
#include "base/cleanup.h"
#include "base/text.h"

#define THETA_MAX 1e15

static enum bake_status read_theta(const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const keys[] = {"rope_theta", "rope_parameters.rope_theta",
		"rope_parameters.full_attention.rope_theta", "rotary_emb_base", "rope_base",
		"attn_config.rope_theta"};
	struct bake_arch_value value;
	double theta = 0;

	for (size_t i = 0; i < countof(keys); i++) {
		uint64_t whole = 0;
		bool text = false;

		if (!bake_arch_config_text_value(config, keys[i], &value))
			continue;
		if (bake_json_is_number(&value.json))
			BAKE_TRY(bake_json_f64(&value.json, &theta, err));
		else if (bake_arch_config_number(&value.json, &whole, &text))
			theta = (double)whole;
		if (text)
			BAKE_TRY(bake_arch_warn(
				config->arch, err, "%s is a number in a string", value.source));
		if (theta > 0 && theta <= THETA_MAX)
			return bake_arch_set_f64(
				config->arch, BAKE_ARCH_ROPE_THETA, theta, value.source, err);
		BAKE_TRY(bake_arch_warn(config->arch, err,
			"rope_theta is left out: %s is no positive number", value.source));
		theta = 0;
	}
	return BAKE_OK;
}

/* Of old and new spellings one. NULL: positions are not stretched. */
static const char *scaling_type(
	const struct bake_arch_config *config, const struct bake_arch_scope *scaling)
{
	struct bake_arch_value value;
	const char *type = NULL;

	if (bake_arch_config_find(config, scaling, "rope_type", &value) ||
		bake_arch_config_find(config, scaling, "type", &value))
		type = bake_arch_config_string(&value.json);
	if (!type || !type[0] || strcmp(type, "default") == 0 || strcmp(type, "mrope") == 0)
		return NULL;
	return strcmp(type, "su") == 0 ? "longrope" : type;
}

/* The other settings, as they are. */
static enum bake_status copy_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	static const char *const said[] = {"rope_type", "type", "factor", "rope_theta",
		"original_max_position_embeddings", "mrope_section", "original_context_length"};

	(void)err;
	for (size_t i = 0; i < countof(said); i++) {
		if (strcmp(value->key, said[i]) == 0)
			return BAKE_OK;
	}
	if (bake_json_is_null(value))
		return BAKE_OK;
	bake_json_key(out, value->key);
	bake_json_write_value(out, value);
	return BAKE_OK;
}

static enum bake_status write_scaling(const struct bake_arch_config *config,
	const struct bake_arch_scope *scaling, const char *type, struct bake_buf *line,
	struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(line);
	struct bake_arch_value value;
	uint64_t tokens = 0;
	bool text;

	bake_json_object(&writer);
	bake_json_put_text(&writer, "type", type);
	if (bake_arch_config_find(config, scaling, "factor", &value) &&
		bake_json_is_number(&value.json)) {
		bake_json_key(&writer, "factor");
		bake_json_write_value(&writer, &value.json);
	}
	if ((bake_arch_config_find(config, scaling, "original_max_position_embeddings", &value) ||
		    bake_arch_config_text_value(
			    config, "original_max_position_embeddings", &value)) &&
		bake_arch_config_number(&value.json, &tokens, &text) &&
		tokens <= BAKE_ARCH_TOKENS_MAX)
		bake_json_put_u64(&writer, "original_context_length", tokens);
	BAKE_TRY(bake_json_each_member(&scaling->object, copy_member, &writer, err));
	bake_json_end_object(&writer);
	return BAKE_OK;
}

static enum bake_status read_scaling(const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const keys[] = {
		"rope_scaling", "rope_parameters.full_attention", "rope_parameters"};
	struct bake_arch_value value;

	for (size_t i = 0; i < countof(keys); i++) {
		_cleanup_(bake_buf_release) struct bake_buf line =
			BAKE_BUF_INIT(BAKE_ARCH_JSON_MAX);
		struct bake_arch_scope scaling = {.prefix = ""};
		const char *type;

		if (!bake_arch_config_text_value(config, keys[i], &value) ||
			!bake_json_is_object(&value.json))
			continue;
		scaling.object = value.json;
		type = scaling_type(config, &scaling);
		if (!type)
			continue;
		BAKE_TRY(write_scaling(config, &scaling, type, &line, err));
		if (line.nomem)
			return bake_error_nomem(err);
		if (line.full)
			return bake_arch_warn(config->arch, err,
				"rope_scaling is left out: %s is too long", value.source);
		return bake_arch_set_json(
			config->arch, BAKE_ARCH_ROPE_SCALING, line.ptr, value.source, err);
	}
	return BAKE_OK;
}

enum bake_status bake_arch_config_rope(
	const struct bake_arch_config *config, struct bake_error *err)
{
	BAKE_TRY(read_theta(config, err));
	return read_scaling(config, err);
}
