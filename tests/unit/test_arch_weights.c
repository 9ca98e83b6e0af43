/* SPDX-License-Identifier: Apache-2.0 */
/* What the tensors of a model are together. */
#include "unit/rows.h"

#include <string.h>

#include "arch/weights.h"
#include "base/num.h"
#include "unit/gguf_maker.h"

#define DIMS(...) (uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

/* One tensor of 96 elements, and what is said of it. */
static const struct tensor_row {
	const char *name;
	enum bake_dtype dtype;
	uint64_t packed_bits;
	uint64_t parameters;
	uint64_t layers; /* 0: in no block */
	bool embedding;
	bool output;
} tensors[] = {
	{"model.layers.3.mlp.up_proj.weight", BAKE_DTYPE_BF16, 0, 96, 4, false, false},
	{"h.0.attn.c_attn.weight", BAKE_DTYPE_F32, 0, 96, 1, false, false},
	{"transformer.h.11.ln_1.weight", BAKE_DTYPE_F32, 0, 96, 12, false, false},
	{"visual.blocks.31.norm1.weight", BAKE_DTYPE_BF16, 0, 96, 32, false, false},
	{"transformer_blocks.59.attn.to_q.weight", BAKE_DTYPE_BF16, 0, 96, 60, false, false},
	{"encoder.layer.11.output.dense.bias", BAKE_DTYPE_F32, 0, 96, 12, false, false},
	{"encoder.block.2.layer.9.SelfAttention.q.weight", BAKE_DTYPE_F32, 0, 96, 3, false, false},
	{"blk.5.ffn_gate_exps.weight", BAKE_DTYPE_F16, 0, 96, 6, false, false},
	{"model.layers.65535.x", BAKE_DTYPE_BF16, 0, 96, 65536, false, false},
	{"model.layers.65536.x", BAKE_DTYPE_BF16, 0, 96, 0, false, false},
	{"model.layers.18446744073709551617.x", BAKE_DTYPE_BF16, 0, 96, 0, false, false},
	{"model.layers.-1.x", BAKE_DTYPE_BF16, 0, 96, 0, false, false},
	{"model.layers..x", BAKE_DTYPE_BF16, 0, 96, 0, false, false},
	{"model.layers.3", BAKE_DTYPE_BF16, 0, 96, 0, false, false},
	{"model.players.3.x", BAKE_DTYPE_BF16, 0, 96, 0, false, false},
	{"norm.0.weight", BAKE_DTYPE_F32, 0, 96, 0, false, false},
	{"h", BAKE_DTYPE_F32, 0, 96, 0, false, false},
	{"", BAKE_DTYPE_F32, 0, 96, 0, false, false},

	{"model.embed_tokens.weight", BAKE_DTYPE_BF16, 0, 96, 0, true, false},
	{"transformer.wte.weight", BAKE_DTYPE_BF16, 0, 96, 0, true, false},
	{"token_embd.weight", BAKE_DTYPE_BF16, 0, 96, 0, true, false},
	{"embed_tokens.weight_scale", BAKE_DTYPE_F32, 0, 0, 0, false, false},
	{"reembed_tokens.weight", BAKE_DTYPE_BF16, 0, 96, 0, false, false},
	{"lm_head.weight", BAKE_DTYPE_BF16, 0, 96, 0, false, true},
	{"output.weight", BAKE_DTYPE_BF16, 0, 96, 0, false, true},
	{"encoder.output.weight", BAKE_DTYPE_BF16, 0, 96, 0, false, false},

	{"l.qweight", BAKE_DTYPE_I32, 4, 768, 0, false, false},
	{"l.qweight", BAKE_DTYPE_I32, 8, 384, 0, false, false},
	{"l.qweight", BAKE_DTYPE_I32, 3, 1024, 0, false, false},
	{"l.qweight", BAKE_DTYPE_I32, 0, 96, 0, false, false},
	{"l.qweight", BAKE_DTYPE_I8, 4, 192, 0, false, false},
	{"l.weight_packed", BAKE_DTYPE_I32, 4, 768, 0, false, false},
	{"l.weight", BAKE_DTYPE_U8, 4, 192, 0, false, false},
	{"l.weight", BAKE_DTYPE_I8, 8, 96, 0, false, false},
	{"l.weight", BAKE_DTYPE_BF16, 4, 96, 0, false, false},
	{"l.bias", BAKE_DTYPE_I32, 4, 96, 0, false, false},
	{"l.qweight", BAKE_DTYPE_I32, 64, 96, 0, false, false},

	{"l.scales", BAKE_DTYPE_F16, 4, 0, 0, false, false},
	{"scales", BAKE_DTYPE_F16, 4, 0, 0, false, false},
	{"l.qzeros", BAKE_DTYPE_I32, 4, 0, 0, false, false},
	{"l.g_idx", BAKE_DTYPE_I32, 4, 0, 0, false, false},
	{"l.weight_scale", BAKE_DTYPE_F32, 0, 0, 0, false, false},
	{"l.weight_scale_inv", BAKE_DTYPE_F32, 0, 0, 0, false, false},
	{"l.input_scale", BAKE_DTYPE_F32, 0, 0, 0, false, false},
	{"l.weight.absmax", BAKE_DTYPE_U8, 4, 0, 0, false, false},
	{"l.weight.quant_map", BAKE_DTYPE_F32, 4, 0, 0, false, false},
	{"l.weight.quant_state.bitsandbytes__nf4", BAKE_DTYPE_U8, 4, 0, 0, false, false},
	{"l.SCB", BAKE_DTYPE_F32, 8, 0, 0, false, false},
	{"l.wscales", BAKE_DTYPE_BF16, 4, 0, 0, false, false},
	{"l.wzeros", BAKE_DTYPE_BF16, 4, 0, 0, false, false},
	{"l.smooth_factor", BAKE_DTYPE_BF16, 4, 0, 0, false, false},
	{"l.smooth_factor_orig", BAKE_DTYPE_BF16, 4, 0, 0, false, false},
	{"l.upscales", BAKE_DTYPE_F16, 4, 96, 0, false, false},
	{"l.proj_down", BAKE_DTYPE_BF16, 4, 96, 0, false, false},
};

static struct bake_st_tensor tensor_of(const char *name, enum bake_dtype dtype, uint64_t elements)
{
	struct bake_st_tensor tensor = {.name = name, .dtype = dtype, .elements = elements};

	assert_true(bake_dtype_bytes(dtype, elements, &tensor.end));
	return tensor;
}

static void add_one(struct bake_weights *weights, struct bake_st_tensor tensor, uint64_t bits)
{
	struct bake_safetensors file = {.tensors = &tensor, .tensor_count = 1};

	bake_weights_add_safetensors(weights, &file, bits);
}

static void try_tensor(void **state)
{
	static struct bake_weights weights;
	const struct tensor_row *row = *state;
	struct bake_st_tensor tensor = tensor_of(row->name, row->dtype, 96);

	weights = (struct bake_weights){0};
	add_one(&weights, tensor, row->packed_bits);
	assert_int_equal(weights.tensors, 1);
	assert_int_equal(weights.bytes, tensor.end);
	assert_int_equal(weights.parameters, row->parameters);
	assert_int_equal(weights.layers, row->layers);
	assert_int_equal(weights.layer_bytes_max, row->layers ? tensor.end : 0);
	assert_int_equal(weights.embedding_bytes, row->embedding ? tensor.end : 0);
	assert_int_equal(weights.has_output, row->output);
	assert_int_equal(weights.type_count, 1);
	assert_string_equal(bake_weights_main_type(&weights), bake_dtype_name(row->dtype));
	assert_int_equal(weights.types[0].elements, 96);
}

static void gguf_file(void)
{
	static struct bake_weights weights;
	_cleanup_(gguf_maker_release) struct gguf_maker maker = GGUF_MAKER_INIT;
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span file;
	uint64_t need;

	gguf_tensor(&maker, "token_embd.weight", 1, DIMS(256, 4));	      /* 2048 bytes */
	gguf_tensor(&maker, "blk.0.attn_q.weight", 12, DIMS(256, 4));	      /* 576 */
	gguf_tensor(&maker, "blk.0.attn_norm.weight", 0, DIMS(256));	      /* 1024 */
	gguf_tensor(&maker, "blk.1.ffn_up_exps.weight", 12, DIMS(256, 4, 8)); /* 4608 */
	gguf_tensor_at(&maker, "output.weight", 99, DIMS(64), 8256);
	maker.data_bytes = 8256 + 100;
	file = gguf_finish(&maker);
	check_status(bake_gguf_parse(file, file.len, "m", BAKE_GGUF_TOLERANT, &need, &gguf, &err),
		&err, BAKE_OK, NULL);
	weights = (struct bake_weights){0};
	bake_weights_add_gguf(&weights, gguf);
	assert_int_equal(weights.tensors, 5);
	assert_int_equal(weights.bytes, 2048 + 576 + 1024 + 4608 + 100);
	assert_int_equal(weights.parameters, 1024 + 1024 + 256 + 8192 + 64);
	assert_int_equal(weights.layers, 2);
	assert_int_equal(weights.layer_bytes_max, 4608);
	assert_int_equal(weights.embedding_bytes, 2048);
	assert_true(weights.has_output);
	assert_int_equal(weights.type_count, 4);
	assert_string_equal(weights.types[0].name, "q4_K");
	assert_int_equal(weights.types[0].tensors, 2);
	assert_int_equal(weights.types[0].bytes, 5184);
	assert_string_equal(weights.types[1].name, "f16");
	assert_string_equal(weights.types[2].name, "f32");
	assert_string_equal(weights.types[3].name, "unknown");
}

/* A block in two shards is one block; the stacks of two parts of a model are not mixed. */
static void blocks_and_shards(void)
{
	static struct bake_weights first;
	static struct bake_weights second;

	first = second = (struct bake_weights){0};
	add_one(&first, tensor_of("model.layers.0.a.weight", BAKE_DTYPE_BF16, 100), 0);
	add_one(&first, tensor_of("model.layers.1.a.weight", BAKE_DTYPE_BF16, 60), 0);
	add_one(&second, tensor_of("model.layers.1.b.weight", BAKE_DTYPE_BF16, 60), 0);
	add_one(&second, tensor_of("visual.blocks.1.a.weight", BAKE_DTYPE_F32, 30), 0);
	add_one(&second, tensor_of("lm_head.weight", BAKE_DTYPE_F32, 30), 0);
	bake_weights_add(&first, &second);
	assert_int_equal(first.layer_bytes_max, 240);
	assert_int_equal(first.layers, 2);
	assert_int_equal(first.tensors, 5);
	assert_int_equal(first.bytes, 2 * 220 + 4 * 60);
	assert_int_equal(first.parameters, 280);
	assert_true(first.has_output);
	assert_int_equal(first.type_count, 2);
	assert_string_equal(bake_weights_main_type(&first), "BF16");
	assert_int_equal(first.types[0].elements, 220);
}

static void more_blocks_than_are_weighed(void)
{
	static struct bake_weights weights;
	char name[64];

	weights = (struct bake_weights){0};
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "layers.%u.weight", i);
		add_one(&weights, tensor_of(name, BAKE_DTYPE_F32, 10), 0);
	}
	assert_int_equal(weights.layers, 3000);
	assert_int_equal(weights.layer_bytes_max, 40);
	assert_int_equal(weights.bytes, 120000);
}

static void sums_saturate(void)
{
	static struct bake_weights weights;
	struct bake_st_tensor huge = {.name = "layers.0.qweight",
		.dtype = BAKE_DTYPE_I32,
		.elements = UINT64_MAX / 2,
		.end = UINT64_MAX - 1};

	weights = (struct bake_weights){0};
	add_one(&weights, huge, 1);
	add_one(&weights, huge, 1);
	assert_true(weights.bytes == UINT64_MAX);
	assert_true(weights.parameters == UINT64_MAX);
	assert_true(weights.layer_bytes_max == UINT64_MAX);
	assert_true(weights.types[0].bytes == UINT64_MAX);
	bake_weights_add(&weights, &weights);
	assert_true(weights.bytes == UINT64_MAX);
}

static enum bake_status read_text(
	const char *text, struct bake_weights *out, struct bake_error *err)
{
	struct bake_json_doc *doc = NULL;
	struct bake_json root;
	enum bake_status status;

	assert_int_equal(bake_json_open(bake_span_text(text), "w.json", &doc, err), BAKE_OK);
	root = bake_json_root(doc);
	status = bake_weights_parse(&root, out, err);
	bake_json_close(&doc);
	return status;
}

static void what_is_written_is_read(void)
{
	static const char want[] = "{\n"
				   "  \"bytes\": 584,\n"
				   "  \"parameters\": 146,\n"
				   "  \"tensors\": 3,\n"
				   "  \"types\": {\"F32\": 464, \"BF16\": 120},\n"
				   "  \"layers\": 1,\n"
				   "  \"layer_bytes_max\": 120,\n"
				   "  \"embedding_bytes\": 344,\n"
				   "  \"has_output\": true\n"
				   "}\n";
	static struct bake_weights weights;
	static struct bake_weights again;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(4096);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_error err = BAKE_ERROR_INIT;

	weights = again = (struct bake_weights){0};
	add_one(&weights, tensor_of("layers.0.weight", BAKE_DTYPE_BF16, 60), 0);
	add_one(&weights, tensor_of("embed_tokens.weight", BAKE_DTYPE_F32, 86), 0);
	add_one(&weights, tensor_of("lm_head.weight_scale", BAKE_DTYPE_F32, 30), 0);
	weights.has_output = true;
	bake_weights_write(&weights, &writer);
	bake_json_finish(&writer);
	assert_string_equal(text.ptr, want);
	check_status(read_text(text.ptr, &again, &err), &err, BAKE_OK, NULL);
	assert_int_equal(again.bytes, 584);
	assert_int_equal(again.parameters, 146);
	assert_int_equal(again.tensors, 3);
	assert_int_equal(again.layers, 1);
	assert_int_equal(again.layer_bytes_max, 120);
	assert_int_equal(again.embedding_bytes, 344);
	assert_true(again.has_output);
	assert_int_equal(again.type_count, 2);
	assert_string_equal(again.types[1].name, "BF16");
	assert_int_equal(again.types[1].bytes, 120);
}

static void sums_beyond_json(void)
{
	static struct bake_weights weights;
	static struct bake_weights again;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(4096);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_error err = BAKE_ERROR_INIT;

	weights = again = (struct bake_weights){.bytes = UINT64_MAX, .parameters = UINT64_MAX};
	bake_weights_write(&weights, &writer);
	bake_json_finish(&writer);
	check_status(read_text(text.ptr, &again, &err), &err, BAKE_OK, NULL);
	assert_true(again.bytes == BAKE_SIZE_MAX);
}

#define START "{\"bytes\": 1, \"parameters\": 1, \"tensors\": 1, \"types\": "

static const struct text_row {
	const char *name;
	const char *text;
	const char *id; /* NULL: good */
} texts[] = {
	{"no types", START "{}}", NULL},
	{"more than is known", START "{}, \"later\": [1]}", NULL},
	{"types of both formats", START "{\"q4_K\": 1, \"BF16\": 2, \"unknown\": 3}}", NULL},
	{"type of no format", START "{\"q4_k\": 1}}", "json.value"},
	{"type that is gone", START "{\"q4_2\": 1}}", "json.value"},
	{"bytes of a type as text", START "{\"BF16\": \"1\"}}", "json.type"},
	{"negative", START "{\"BF16\": -1}}", "json.range"},
	{"no bytes", "{\"parameters\": 1, \"tensors\": 1, \"types\": {}}", "json.missing-field"},
	{"no object", "[]", "json.type"},
	{"types no object", START "[]}", "json.type"},
	{"has_output of 1", START "{}, \"has_output\": 1}", "json.type"},
};

static void try_text(void **state)
{
	static struct bake_weights weights;
	const struct text_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;

	weights = (struct bake_weights){.tensors = 77};
	check_status(read_text(row->text, &weights, &err), &err, row->id ? BAKE_ERR_DATA : BAKE_OK,
		row->id);
	assert_int_equal(weights.tensors, row->id ? 77 : 1);
}

static void no_weights(void)
{
	static const struct bake_weights none;

	assert_null(bake_weights_main_type(&none));
}

static const struct scenario others[] = {
	{"a GGUF file", gguf_file},
	{"blocks and shards", blocks_and_shards},
	{"more blocks than are weighed", more_blocks_than_are_weighed},
	{"sums saturate", sums_saturate},
	{"what is written is read", what_is_written_is_read},
	{"sums beyond JSON", sums_beyond_json},
	{"no weights", no_weights},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(tensors, try_tensor),
		ROWS(texts, try_text),
		ROWS(others, play_scenario),
	};

	return run_rows("arch/weights", tables, countof(tables));
}
