/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How weights are quantised: the description within config.json, and those in files of their own.
 * Only a description of the cache says something about keys and values; weights in fewer bits leave
 * them as they are.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arch/config.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

enum {
	LABEL_MAX = 64,
	DETAIL_MAX = 4096 /* bytes of a setting; lists of modules are longer and left out */
};

/* A description while it is read. */
struct reading {
	const struct bake_arch_config *config;
	struct bake_arch_scope scope;
	struct bake_arch_quantization said;
	char label[LABEL_MAX];
	char method[LABEL_MAX];
};

static uint64_t number_at(const struct reading *reading, const char *key)
{
	struct bake_arch_value value;
	uint64_t number = 0;
	bool text;

	if (!bake_arch_config_find(reading->config, &reading->scope, key, &value) ||
		!bake_arch_config_number(&value.json, &number, &text) || number > BAKE_SIZE_MAX)
		return 0;
	return number;
}

static const char *text_at(const struct reading *reading, const char *key)
{
	struct bake_arch_value value;

	if (!bake_arch_config_find(reading->config, &reading->scope, key, &value))
		return NULL;
	return bake_arch_config_string(&value.json);
}

static bool flag_at(const struct reading *reading, const char *key)
{
	struct bake_arch_value value;
	struct bake_error err = BAKE_ERROR_INIT;
	bool flag = false;

	return bake_arch_config_find(reading->config, &reading->scope, key, &value) &&
	       bake_json_is_bool(&value.json) &&
	       bake_json_bool(&value.json, &flag, &err) == BAKE_OK && flag;
}

/* -1 is a whole column; 0 that nothing is said. */
static int64_t group_at(const struct reading *reading, const char *key)
{
	struct bake_arch_value value;
	struct bake_error err = BAKE_ERROR_INIT;
	int64_t group = 0;

	if (!bake_arch_config_find(reading->config, &reading->scope, key, &value))
		return 0;
	if (bake_json_is_integer(&value.json) &&
		bake_json_i64(&value.json, -1, -1, &group, &err) == BAKE_OK)
		return -1;
	return (int64_t)number_at(reading, key);
}

static void label(struct reading *reading, const char *text)
{
	(void)snprintf(reading->label, sizeof(reading->label), "%s", text);
	reading->said.label = reading->label;
}

static void label_bits(struct reading *reading, const char *prefix)
{
	char text[LABEL_MAX];

	if (!reading->said.bits)
		return;
	(void)snprintf(text, sizeof(text), "%s%u", prefix, (unsigned)reading->said.bits);
	label(reading, text);
}

/* gptq, awq, and whoever else names bits and groups */
static void read_integers(struct reading *reading)
{
	static const char *const bits[] = {"bits", "w_bit", "wbits", "nbits", "num_bits"};
	static const char *const groups[] = {"group_size", "q_group_size", "groupsize"};

	for (size_t i = 0; i < countof(bits) && !reading->said.bits; i++)
		reading->said.bits = number_at(reading, bits[i]);
	for (size_t i = 0; i < countof(groups) && !reading->said.group_size; i++)
		reading->said.group_size = group_at(reading, groups[i]);
	if (reading->said.bits > 64)
		reading->said.bits = 0;
	label_bits(reading, "int");
}

static void read_bitsandbytes(struct reading *reading)
{
	const char *type = text_at(reading, "bnb_4bit_quant_type");

	if (flag_at(reading, "load_in_4bit") || flag_at(reading, "_load_in_4bit")) {
		reading->said.bits = 4;
		label(reading, type && type[0] ? type : "fp4"); /* the library's default */
	} else if (flag_at(reading, "load_in_8bit") || flag_at(reading, "_load_in_8bit")) {
		reading->said.bits = 8;
		label(reading, "int8");
	}
}

static void read_fp8(struct reading *reading)
{
	const char *fmt = text_at(reading, "fmt");
	char text[LABEL_MAX];

	reading->said.bits = 8;
	(void)snprintf(text, sizeof(text), "fp8 %s", fmt && fmt[0] ? fmt : "e4m3");
	label(reading, text);
}

static void read_mxfp4(struct reading *reading)
{
	reading->said.bits = 4;
	reading->said.group_size = 32; /* of the format (OCP MX) */
	label(reading, "mxfp4");
}

/* Stops at the first group, which is the one of the linear layers. */
static enum bake_status first_group(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_arch_scope *group = out;

	(void)err;
	if (!group->prefix && bake_json_is_object(value)) {
		group->object = *value;
		group->object.parent = NULL;
		group->object.key = NULL;
		group->prefix = "";
	}
	return BAKE_OK;
}

/* "weights": {"num_bits": 8, "type": "float", "strategy": "channel", "group_size": null} */
static void read_weights(struct reading *reading, const struct bake_arch_scope *group)
{
	struct reading weights = {.config = reading->config, .scope = *group};
	const char *format = text_at(reading, "format");
	const char *type = text_at(&weights, "weights.type");
	const char *strategy = text_at(&weights, "weights.strategy");

	reading->said.bits = number_at(&weights, "weights.num_bits");
	reading->said.group_size = group_at(&weights, "weights.group_size");
	if (!reading->said.group_size && bake_text_equal(strategy, "channel"))
		reading->said.group_size = -1;
	if (reading->said.bits > 64)
		reading->said.bits = 0;
	if (!bake_text_equal(type, "float"))
		label_bits(reading, "int");
	else if (reading->said.bits == 8)
		label(reading, "fp8 e4m3");
	else if (format && bake_text_starts(format, "nvfp4"))
		label(reading, "nvfp4");
	else
		label_bits(reading, "fp");
}

static void read_groups(struct reading *reading)
{
	struct bake_arch_scope group = {.prefix = NULL};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_arch_value value;

	if (!bake_arch_config_find(reading->config, &reading->scope, "config_groups", &value) ||
		!bake_json_is_object(&value.json) ||
		bake_json_each_member(&value.json, first_group, &group, &err) != BAKE_OK ||
		!group.prefix)
		return;
	read_weights(reading, &group);
}

/* hf_quant_config.json has its settings in "quantization", config.json has them flat. */
static void read_modelopt(struct reading *reading)
{
	const char *algorithm = text_at(reading, "quantization.quant_algo");

	if (!algorithm)
		algorithm = text_at(reading, "quant_algo");
	reading->said.group_size = group_at(reading, "quantization.group_size");
	if (!reading->said.group_size)
		reading->said.group_size = group_at(reading, "group_size");
	if (!algorithm) {
		read_groups(reading);
	} else if (bake_text_starts(algorithm, "FP8")) {
		reading->said.bits = 8;
		label(reading, "fp8 e4m3");
	} else if (bake_text_starts(algorithm, "NVFP4")) {
		reading->said.bits = 4;
		label(reading, "nvfp4");
	} else if (bake_text_starts(algorithm, "W4")) {
		reading->said.bits = 4;
		label(reading, "int4");
	} else {
		label(reading, algorithm);
	}
}

static const struct {
	const char *method;
	void (*read)(struct reading *reading);
} methods[] = {
	{"gptq", read_integers},
	{"awq", read_integers},
	{"bitsandbytes", read_bitsandbytes},
	{"fp8", read_fp8},
	{"fbgemm_fp8", read_fp8},
	{"mxfp4", read_mxfp4},
	{"compressed-tensors", read_groups},
	{"modelopt", read_modelopt},
	{"modelopt_fp4", read_modelopt},
};

/* A setting that the record has no field for, if it is short. */
static enum bake_status copy_detail(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	static const char *const said[] = {
		"quant_method", "bits", "w_bit", "group_size", "q_group_size"};
	_cleanup_(bake_buf_release) struct bake_buf line = BAKE_BUF_INIT(DETAIL_MAX);
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(&line);

	for (size_t i = 0; i < countof(said); i++) {
		if (strcmp(value->key, said[i]) == 0)
			return BAKE_OK;
	}
	if (bake_json_is_null(value))
		return BAKE_OK;
	bake_json_write_value(&writer, value);
	if (line.nomem)
		return bake_error_nomem(err);
	if (line.full)
		return BAKE_OK;
	bake_json_key(out, value->key);
	bake_json_splice(out, line.ptr);
	return BAKE_OK;
}

static enum bake_status finish(
	struct reading *reading, const struct bake_arch_value *where, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf details = BAKE_BUF_INIT(BAKE_ARCH_JSON_MAX);
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(&details);

	for (size_t i = 0; i < countof(methods); i++) {
		if (strcmp(reading->method, methods[i].method) == 0)
			methods[i].read(reading);
	}
	if (!reading->said.bits && !reading->said.label)
		read_integers(reading);
	bake_json_object(&writer);
	BAKE_TRY(bake_json_each_member(&where->json, copy_detail, &writer, err));
	bake_json_end_object(&writer);
	if (details.nomem)
		return bake_error_nomem(err);
	if (!details.full && strcmp(details.ptr, "{}") != 0)
		reading->said.details = details.ptr;
	reading->said.method = reading->method;
	reading->said.source = where->source;
	return bake_arch_set_quantization(reading->config->arch, &reading->said, err);
}

/* "compressed_tensors" and "compressed-tensors" are one. */
static void spell_method(struct reading *reading, const char *method)
{
	size_t used = 0;

	for (; method[used] && used < sizeof(reading->method) - 1; used++) {
		char c = method[used];

		reading->method[used] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	reading->method[used] = '\0';
	if (strcmp(reading->method, "compressed_tensors") == 0)
		reading->method[sizeof("compressed") - 1] = '-';
}

static enum bake_status read_description(const struct bake_arch_config *config,
	const struct bake_arch_value *where, const char *method, struct bake_error *err)
{
	struct reading reading = {.config = config, .scope = {where->json, ""}};
	const char *named = text_at(&reading, "quant_method");

	if (!named && (flag_at(&reading, "load_in_4bit") || flag_at(&reading, "load_in_8bit")))
		named = "bitsandbytes";
	if (!named || !named[0])
		named = method;
	if (!named)
		return bake_arch_warn(config->arch, err,
			"the quantization is not known: %s names no quant_method", where->source);
	spell_method(&reading, named);
	return finish(&reading, where, err);
}

/* Keys and values in eight bits, when somebody stored scales for them. */
static enum bake_status read_cache(
	const struct bake_arch_config *config, const char *at, struct bake_error *err)
{
	struct bake_arch_value value;
	char key[LABEL_MAX + 32];
	const char *text;
	uint64_t bits = 0;
	bool quoted;

	(void)snprintf(key, sizeof(key), "%s.kv_cache_scheme.num_bits", at);
	if (bake_arch_config_find(config, &config->root, key, &value) &&
		bake_arch_config_number(&value.json, &bits, &quoted) && bits == 8) {
		(void)snprintf(key, sizeof(key), "%s.kv_cache_scheme.type", at);
		text = bake_arch_config_find(config, &config->root, key, &value)
			       ? bake_arch_config_string(&value.json)
			       : NULL;
		return bake_arch_set_text(config->arch, BAKE_ARCH_KV_PRECISION,
			bake_span_text(bake_text_equal(text, "float") ? "fp8_e4m3" : "int8"),
			value.source, err);
	}
	(void)snprintf(key, sizeof(key), "%s.kv_cache_quant_algo", at);
	text = bake_arch_config_find(config, &config->root, key, &value)
		       ? bake_arch_config_string(&value.json)
		       : NULL;
	if (!text || !text[0])
		return BAKE_OK;
	text = strcasecmp(text, "FP8") == 0 ? "fp8_e4m3" : text;
	return bake_arch_set_text(
		config->arch, BAKE_ARCH_KV_PRECISION, bake_span_text(text), value.source, err);
}

enum bake_status bake_arch_config_quantization(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const places[] = {"quantization_config", "compression_config",
		"text_config.quantization_config", "text_config.compression_config",
		"llm_config.quantization_config"};
	struct bake_arch_value value;

	for (size_t i = 0; i < countof(places); i++) {
		if (!bake_arch_config_find(config, &config->root, places[i], &value) ||
			!bake_json_is_object(&value.json))
			continue;
		BAKE_TRY(read_cache(config, places[i], err));
		return read_description(config, &value, NULL, err);
	}
	return BAKE_OK;
}

enum bake_status bake_arch_read_quantize(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err)
{
	static const char *const files[][2] = {
		{"hf_quant_config.json", "modelopt"},
		{"quantize_config.json", "gptq"},
		{"quant_config.json", "awq"},
	};
	_cleanup_(bake_arch_config_release) struct bake_arch_config config = {.doc = NULL};
	struct bake_arch_value value;
	const char *method = NULL;

	BAKE_TRY(bake_arch_config_open(arch, "config", text, path, &config, err));
	for (size_t i = 0; i < countof(files) && !method; i++) {
		if (bake_text_ends(path, files[i][0]))
			method = files[i][1];
	}
	value.json = config.root.object;
	(void)snprintf(value.source, sizeof(value.source), "config:%s", path);
	BAKE_TRY(read_cache(&config, "quantization", err));
	return read_description(&config, &value, method, err);
}
