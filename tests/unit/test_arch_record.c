/* SPDX-License-Identifier: Apache-2.0 */
/* The record: the first value stays, what it cannot hold is a warning, and reading what was written
 * gives the same record. */
#include "unit/rows.h"

#include <math.h>
#include <string.h>

#include "arch/record.h"
#include "base/num.h"

static void write_to(const struct bake_arch *arch, struct bake_buf *text)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(text);

	bake_arch_write(arch, &writer);
	assert_false(text->full || text->nomem);
}

static enum bake_status parse_text(const char *text, struct bake_arch **out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	BAKE_TRY(bake_json_open(bake_span_text(text), "r.json", &doc, err));
	root = bake_json_root(doc);
	return bake_arch_parse(&root, out, err);
}

#define OK(call) assert_int_equal((call), BAKE_OK)

#define RECORD()                                                                                   \
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;                                   \
	struct bake_error err = BAKE_ERROR_INIT;                                                   \
	OK(bake_arch_new(&arch, &err))

static void first_wins(void)
{
	RECORD();
	assert_true(bake_arch_is_empty(arch));
	assert_null(bake_arch_get(arch, BAKE_ARCH_NUM_LAYERS));
	assert_int_equal(bake_arch_u64(arch, BAKE_ARCH_NUM_LAYERS, 7), 7);
	OK(bake_arch_set_u64(arch, BAKE_ARCH_NUM_LAYERS, 28, "config:c.json:n", &err));
	OK(bake_arch_set_u64(arch, BAKE_ARCH_NUM_LAYERS, 29, "gguf:m.gguf:n", &err));
	assert_int_equal(bake_arch_u64(arch, BAKE_ARCH_NUM_LAYERS, 7), 28);
	assert_string_equal(bake_arch_get(arch, BAKE_ARCH_NUM_LAYERS)->source, "config:c.json:n");
	assert_false(bake_arch_is_empty(arch));
	assert_int_equal(arch->warning_count, 0);
}

static void names_of_fields(void)
{
	for (unsigned i = 0; i < BAKE_ARCH_FIELDS; i++) {
		assert_non_null(bake_arch_field_name(i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(bake_arch_field_name(i), bake_arch_field_name(j));
	}
	for (unsigned i = 0; i < BAKE_VISION_FIELDS; i++)
		assert_non_null(bake_arch_vision_field_name(i));
	assert_string_equal(bake_arch_field_name(BAKE_ARCH_NUM_LAYERS), "num_layers");
	assert_string_equal(bake_arch_field_name(BAKE_ARCH_FIELDS - 1), "block_out_channels");
	assert_null(bake_arch_field_name(BAKE_ARCH_FIELDS));
	assert_null(bake_arch_vision_field_name(BAKE_VISION_FIELDS));
}

static void what_cannot_be_held(void)
{
	static const uint64_t large[] = {1, UINT64_MAX};
	static uint64_t many[BAKE_ARCH_LIST_MAX + 1];
	const char *deep = "{\"a\": [[[[[[[[1]]]]]]]]}";
	RECORD();
	OK(bake_arch_set_u64(arch, BAKE_ARCH_NUM_LAYERS, BAKE_SIZE_MAX + 1, "s", &err));
	OK(bake_arch_set_f64(arch, BAKE_ARCH_ROPE_THETA, (double)NAN, "s", &err));
	OK(bake_arch_set_f64(arch, BAKE_ARCH_PARAMS_BILLION, (double)INFINITY, "s", &err));
	OK(bake_arch_set_text(arch, BAKE_ARCH_MODEL_TYPE, bake_span_text(""), "s", &err));
	OK(bake_arch_set_json(arch, BAKE_ARCH_ROPE_SCALING, deep, "s", &err));
	OK(bake_arch_set_json(arch, BAKE_ARCH_ROPE_SCALING, "{\"a\": \"\xc2\x85\"}", "t", &err));
	OK(bake_arch_set_list(arch, BAKE_ARCH_KV_HEADS_PER_LAYER, large, 2, "s", &err));
	OK(bake_arch_set_list(
		arch, BAKE_ARCH_BLOCK_OUT_CHANNELS, many, BAKE_ARCH_LIST_MAX + 1, "s", &err));
	OK(bake_arch_set_list(arch, BAKE_ARCH_BLOCK_OUT_CHANNELS, many, 0, "s", &err));
	OK(bake_arch_set_vision_u64(arch, BAKE_VISION_IMAGE_SIZE, UINT64_MAX, "s", &err));
	assert_true(bake_arch_is_empty(arch));
	assert_int_equal(arch->warning_count, 10);
	assert_string_equal(arch->warnings[0], "num_layers of s is too large");
	assert_string_equal(arch->warnings[4], "rope_scaling of s is nested too deep");
	OK(bake_arch_set_u64(arch, BAKE_ARCH_NUM_LAYERS, BAKE_SIZE_MAX, "s", &err));
	assert_int_equal(bake_arch_u64(arch, BAKE_ARCH_NUM_LAYERS, 0), BAKE_SIZE_MAX);
}

static void text_is_printable(void)
{
	char lengthy[3000];
	RECORD();
	memset(lengthy, '\n', sizeof(lengthy));
	OK(bake_arch_set_text(
		arch, BAKE_ARCH_MODEL_TYPE, bake_span("a\x1b[31m\0b\xff", 9), "s\n", &err));
	OK(bake_arch_set_text(
		arch, BAKE_ARCH_ARCHITECTURE, bake_span(lengthy, sizeof(lengthy)), "s", &err));
	OK(bake_arch_warn(arch, &err, "bad %s", "\xf0\x9f"));
	assert_string_equal(arch->facts[BAKE_ARCH_MODEL_TYPE].text, "a\\x1b[31m\\x00b\\xff");
	assert_string_equal(arch->facts[BAKE_ARCH_MODEL_TYPE].source, "s\\x0a");
	assert_int_equal(strlen(arch->facts[BAKE_ARCH_ARCHITECTURE].text), BAKE_ARCH_TEXT_MAX);
	assert_string_equal(arch->warnings[0], "bad \\xf0\\x9f");
}

static void each_once_and_not_too_many(void)
{
	RECORD();
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 1000; i++)
			OK(bake_arch_warn(arch, &err, "warning %u", i % 70));
		for (unsigned i = 0; i < 10; i++)
			OK(bake_arch_add_source(arch, i % 2 ? "config:a" : "config:b", &err));
	}
	assert_int_equal(arch->warning_count, BAKE_ARCH_WARNINGS_MAX);
	assert_string_equal(
		arch->warnings[BAKE_ARCH_WARNINGS_MAX - 1], "there are more than are kept");
	assert_int_equal(arch->source_count, 2);
	assert_string_equal(arch->sources[0], "config:b");
}

static void layers_that_are_equal(void)
{
	static const uint64_t equal[] = {8, 8, 8};
	static const uint64_t none[] = {0, 0};
	static const uint64_t differ[] = {8, 0, 8};
	RECORD();
	OK(bake_arch_set_layers(arch, BAKE_ARCH_KV_HEADS_PER_LAYER, equal, 3, "s", &err));
	OK(bake_arch_set_layers(arch, BAKE_ARCH_RECURRENT_PER_LAYER, none, 2, "s", &err));
	OK(bake_arch_set_layers(arch, BAKE_ARCH_KV_HEADS_PER_LAYER, equal, 0, "s", &err));
	assert_true(bake_arch_is_empty(arch));
	OK(bake_arch_set_layers(arch, BAKE_ARCH_RECURRENT_PER_LAYER, equal, 3, "s", &err));
	OK(bake_arch_set_layers(arch, BAKE_ARCH_KV_HEADS_PER_LAYER, differ, 3, "s", &err));
	assert_int_equal(arch->facts[BAKE_ARCH_RECURRENT_PER_LAYER].list_count, 3);
	assert_int_equal(arch->facts[BAKE_ARCH_KV_HEADS_PER_LAYER].list[1], 0);
	assert_int_equal(arch->warning_count, 0);
}

static void quantization_is_completed(void)
{
	struct bake_arch_quantization first = {
		.method = "gptq", .bits = 4, .source = "config:c:quantization_config"};
	struct bake_arch_quantization other = {.method = "awq", .group_size = 64, .source = "o"};
	struct bake_arch_quantization second = {
		.method = "gptq", .bits = 8, .group_size = -1, .label = "int4", .source = "s"};
	RECORD();
	OK(bake_arch_set_quantization(arch, &first, &err));
	OK(bake_arch_set_quantization(arch, &other, &err));
	OK(bake_arch_set_quantization(arch, &second, &err));
	assert_string_equal(arch->quantization.method, "gptq");
	assert_string_equal(arch->quantization.label, "int4");
	assert_string_equal(arch->quantization.source, "config:c:quantization_config");
	assert_int_equal(arch->quantization.bits, 4);
	assert_int_equal(arch->quantization.group_size, -1);
}

static const struct scenario setting[] = {
	{"the first value of a field stays", first_wins},
	{"fields have names, each its own", names_of_fields},
	{"what a record cannot hold is a warning", what_cannot_be_held},
	{"text is printable ASCII", text_is_printable},
	{"warnings and sources are kept once and are bounded", each_once_and_not_too_many},
	{"lists of equal layers are not kept", layers_that_are_equal},
	{"a second description of the same quantization completes it", quantization_is_completed},
};

#define FULL                                                                                       \
	"{\n  \"model_type\": \"qwen2\",\n  \"num_layers\": 3,\n  \"rope_theta\": 1000000.5,\n"    \
	"  \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"s\": [1.5, -2, null, true]},\n" \
	"  \"causal\": true,\n  \"kv_heads_per_layer\": [8, 0, 8],\n"                              \
	"  \"vision\": {\n    \"image_size\": 448,\n    \"projector_type\": \"mlp\"\n  },\n"       \
	"  \"quantization\": {\n    \"method\": \"gptq\",\n    \"label\": \"int4\",\n"             \
	"    \"bits\": 4,\n    \"group_size\": -1,\n    \"rank\": 32,\n"                           \
	"    \"details\": {\"sym\": true}\n  },\n"                                                 \
	"  \"components\": [\n    {\n      \"name\": \"vae\",\n      \"library\": "                \
	"\"diffusers\",\n"                                                                         \
	"      \"class_name\": \"AutoencoderKL\",\n      \"architecture\": {\n"                    \
	"        \"latent_channels\": 4,\n        \"field_sources\": {\n"                          \
	"          \"latent_channels\": \"config:vae/config.json:latent_channels\"\n        },\n"  \
	"        \"sources\": [],\n        \"warnings\": []\n      }\n    },\n"                    \
	"    {\n      \"name\": \"tokenizer\"\n    }\n  ],\n"                                      \
	"  \"field_sources\": {\n    \"model_type\": \"a\",\n    \"num_layers\": \"b\",\n"         \
	"    \"rope_theta\": \"c\",\n    \"rope_scaling\": \"d\",\n    \"causal\": \"e\",\n"       \
	"    \"kv_heads_per_layer\": \"f\",\n    \"vision.image_size\": \"g\",\n"                  \
	"    \"vision.projector_type\": \"h\",\n    \"quantization\": \"i\"\n  },\n"               \
	"  \"sources\": [\n    \"config:config.json\"\n  ],\n"                                     \
	"  \"warnings\": [\n    \"w\"\n  ]\n}"

#define ENDS "\"field_sources\": {}, \"sources\": [], \"warnings\": []}"

struct round_trip {
	const char *name;
	const char *text;
	const char *want; /* NULL: as text */
};

static const struct round_trip trips[] = {
	{"everything", FULL, NULL},
	{"nothing", "{\n  \"field_sources\": {},\n  \"sources\": [],\n  \"warnings\": []\n}", NULL},
	{"what is not known is ignored", "{\"later\": [1], \"vision\": {\"later\": 1}, " ENDS,
		"{\n  \"field_sources\": {},\n  \"sources\": [],\n  \"warnings\": []\n}"},
	{"a whole number is a number",
		"{\"rope_theta\": 10000.0, \"field_sources\": {\"rope_theta\": \"s\"}}",
		"{\n  \"rope_theta\": 10000,\n  \"field_sources\": {\n    \"rope_theta\": \"s\"\n"
		"  },\n  \"sources\": [],\n  \"warnings\": []\n}"},
};

static void try_round_trip(void **state)
{
	const struct round_trip *row = *state;
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	_cleanup_(bake_arch_free) struct bake_arch *again = NULL;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(100000);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT(100000);
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(parse_text(row->text, &arch, &err), &err, BAKE_OK, NULL);
	write_to(arch, &text);
	assert_string_equal(text.ptr, row->want ? row->want : row->text);
	check_status(parse_text(text.ptr, &again, &err), &err, BAKE_OK, NULL);
	write_to(again, &second);
	assert_string_equal(text.ptr, second.ptr);
}

struct refusal {
	const char *name;
	const char *text;
	const char *id;
};

#define SOURCED(name, value) "{\"" name "\": " value ", \"field_sources\": {\"" name "\": \"s\"}}"

static const struct refusal refusals[] = {
	{"no object", "[]", "json.type"},
	{"a number as text", SOURCED("num_layers", "\"28\""), "json.type"},
	{"a fraction", SOURCED("num_layers", "28.0"), "json.type"},
	{"a negative number", SOURCED("num_layers", "-1"), "json.range"},
	{"a number past 2^53", SOURCED("num_layers", "9007199254740993"), "json.range"},
	{"null", SOURCED("num_layers", "null"), "json.type"},
	{"text with a control character", SOURCED("model_type", "\"a\\u001b\""), "json.text"},
	{"a flag that is a number", SOURCED("causal", "1"), "json.type"},
	{"an object that is a text", SOURCED("rope_scaling", "\"yarn\""), "json.type"},
	{"a list that is a number", SOURCED("kv_heads_per_layer", "8"), "json.type"},
	{"an empty list", SOURCED("kv_heads_per_layer", "[]"), "json.range"},
	{"a list of texts", SOURCED("kv_heads_per_layer", "[\"8\"]"), "json.type"},
	{"no source", "{\"num_layers\": 1, \"field_sources\": {}}", "json.missing-field"},
	{"no sources", "{\"num_layers\": 1}", "json.missing-field"},
	{"a quantization without a method",
		"{\"quantization\": {}, \"field_sources\": {\"quantization\": \"s\"}}",
		"json.missing-field"},
	{"a component without a name", "{\"components\": [{}]}", "json.missing-field"},
	{"a component that is none", "{\"components\": [1]}", "json.type"},
	{"a component of a wrong record",
		"{\"components\": [{\"name\": \"a\", \"architecture\": 1}]}", "json.type"},
	{"warnings that are none", "{\"warnings\": [1]}", "json.type"},
};

static void try_refusal(void **state)
{
	const struct refusal *row = *state;
	struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(parse_text(row->text, &arch, &err), &err, BAKE_ERR_DATA, row->id);
	assert_null(arch);
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(setting, play_scenario),
		ROWS(trips, try_round_trip),
		ROWS(refusals, try_refusal),
	};

	return run_rows("arch/record", tables, countof(tables));
}
