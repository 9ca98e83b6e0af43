/* SPDX-License-Identifier: Apache-2.0 */
/* What models need: figures that engines' logs and other calculators have shown. */
#include "unit/rows.h"

#include <math.h>
#include <string.h>

#include "arch/calculator.h"
#include "arch/kv.h"
#include "arch/memory.h"
#include "base/buf.h"
#include "base/num.h"

#define GIB ((uint64_t)1 << 30)
#define MIB ((uint64_t)1 << 20)

enum {
	LAYERS = 96
};

/* A model in a row of a table. Lists are made by the numbers: every Nth layer is otherwise. */
struct made {
	uint64_t layers, heads, kv_heads, head_dim, hidden, inner, vocab, context;
	uint64_t window, full_every; /* every Nth layer has full attention; 0: as window says */
	uint64_t attention_every;    /* the other layers are recurrent; 0: none are */
	uint64_t rank, rope;	     /* MLA */
	uint64_t shared, nextn;
	uint64_t kernel, ssm_inner, ssm_state, ssm_groups;
	bool encoder;
	uint64_t window_list_count; /* not that of the layers; 0: it is */
};

struct model {
	struct bake_arch *arch;
	struct bake_weights weights;
	uint64_t windows[LAYERS];
	uint64_t recurrent[LAYERS];
	struct bake_memory_model as;
};

static void put(struct bake_arch *arch, enum bake_arch_field field, uint64_t value)
{
	if (value)
		arch->facts[field] = (struct bake_arch_fact){
			.known = true, .kind = BAKE_ARCH_U64, .u64 = value, .source = "test"};
}

static void put_list(
	struct bake_arch *arch, enum bake_arch_field field, const uint64_t *list, uint64_t count)
{
	arch->facts[field] = (struct bake_arch_fact){.known = true,
		.kind = BAKE_ARCH_LIST,
		.list = list,
		.list_count = count,
		.source = "test"};
}

static void make_lists(const struct made *made, struct model *out)
{
	for (uint64_t i = 0; i < LAYERS; i++) {
		bool full = made->full_every && (i + 1) % made->full_every == 0;

		out->windows[i] = full ? 0 : made->window;
		out->recurrent[i] = made->attention_every && (i + 1) % made->attention_every != 0;
	}
	if (made->full_every)
		put_list(out->arch, BAKE_ARCH_SLIDING_WINDOW_PER_LAYER, out->windows,
			made->window_list_count ? made->window_list_count : made->layers);
	if (made->attention_every)
		put_list(out->arch, BAKE_ARCH_RECURRENT_PER_LAYER, out->recurrent, made->layers);
}

static void make(const struct made *made, struct model *out)
{
	struct bake_error err = BAKE_ERROR_INIT;
	const struct {
		enum bake_arch_field field;
		uint64_t value;
	} facts[] = {
		{BAKE_ARCH_NUM_LAYERS, made->layers},
		{BAKE_ARCH_NUM_ATTENTION_HEADS, made->heads},
		{BAKE_ARCH_NUM_KV_HEADS, made->kv_heads},
		{BAKE_ARCH_HEAD_DIM, made->head_dim},
		{BAKE_ARCH_HIDDEN_SIZE, made->hidden},
		{BAKE_ARCH_INTERMEDIATE_SIZE, made->inner},
		{BAKE_ARCH_VOCAB_SIZE, made->vocab},
		{BAKE_ARCH_CONTEXT_LENGTH, made->context},
		{BAKE_ARCH_SLIDING_WINDOW, made->window},
		{BAKE_ARCH_KV_LORA_RANK, made->rank},
		{BAKE_ARCH_QK_ROPE_HEAD_DIM, made->rope},
		{BAKE_ARCH_SHARED_KV_LAYERS, made->shared},
		{BAKE_ARCH_NEXTN_PREDICT_LAYERS, made->nextn},
		{BAKE_ARCH_CONV_KERNEL, made->kernel},
		{BAKE_ARCH_SSM_INNER_SIZE, made->ssm_inner},
		{BAKE_ARCH_SSM_STATE_SIZE, made->ssm_state},
		{BAKE_ARCH_SSM_GROUP_COUNT, made->ssm_groups},
	};

	memset(out, 0, sizeof(*out));
	assert_int_equal(bake_arch_new(&out->arch, &err), BAKE_OK);
	for (size_t i = 0; i < countof(facts); i++)
		put(out->arch, facts[i].field, facts[i].value);
	if (made->encoder)
		out->arch->facts[BAKE_ARCH_CAUSAL] =
			(struct bake_arch_fact){.known = true, .kind = BAKE_ARCH_BOOL};
	make_lists(made, out);
	out->as = (struct bake_memory_model){.arch = out->arch, .weights = &out->weights};
}

static void weigh(struct model *model, uint64_t bytes, uint64_t embedding, bool has_output)
{
	model->weights.bytes = bytes;
	model->weights.tensors = 100;
	model->weights.embedding_bytes = embedding;
	model->weights.has_output = has_output;
}

/* clang-format off */
#define GPT_OSS(n) .layers = (n), .heads = 64, .kv_heads = 8, .head_dim = 64, .hidden = 2880, \
	.inner = 2880, .vocab = 201088, .context = 131072, .window = 128, .full_every = 2
/* clang-format on */

/* Bytes of a token with everything kept, and of the layers without a window. */
static const struct token_row {
	const char *name;
	struct made made;
	const char *type;
	uint64_t max;
	uint64_t min;
} token_rows[] = {
	{"gpt-oss-120b", {GPT_OSS(36)}, "bf16", 73728, 36864},
	{"gpt-oss-20b", {GPT_OSS(24)}, "f16", 49152, 24576},
	{"gemma-4-31b with one shape", {.layers = 60, .kv_heads = 16, .head_dim = 256}, "bf16",
		983040, 983040},
	{"deepseek-v3 has 576 elements a layer",
		{.layers = 61, .kv_heads = 128, .head_dim = 128, .rank = 512, .rope = 64}, "bf16",
		UINT64_C(61) * 576 * 2, UINT64_C(61) * 576 * 2},
	{"the latent in q8_0", {.layers = 1, .rank = 512, .rope = 64}, "q8_0", 612, 612},
	{"q8_0 is 34/32", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "q8_0", 2176, 2176},
	{"q4_0 is 18/32", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "q4_0", 1152, 1152},
	{"q4_1", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "q4_1", 1280, 1280},
	{"q5_0", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "q5_0", 1408, 1408},
	{"q5_1", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "Q5_1", 1536, 1536},
	{"iq4_nl", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "iq4_nl", 1152, 1152},
	{"f32", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "float32", 8192, 8192},
	{"fp8", {.layers = 1, .kv_heads = 8, .head_dim = 128}, "fp8_e4m3", 2048, 2048},
	{"all layers have the window",
		{.layers = 32, .kv_heads = 8, .head_dim = 128, .window = 4096}, "f16", 131072, 0},
	{"layers that share are not counted",
		{.layers = 30, .kv_heads = 2, .head_dim = 256, .shared = 10}, "f16", 40960, 40960},
	{"multi-token prediction is not counted",
		{.layers = 47, .kv_heads = 8, .head_dim = 128, .nextn = 1}, "f16", 188416, 188416},
	{"recurrent layers are not counted",
		{.layers = 48,
			.kv_heads = 2,
			.head_dim = 256,
			.attention_every = 4,
			.kernel = 4,
			.ssm_inner = 4096,
			.ssm_state = 128,
			.ssm_groups = 16},
		"f16", 24576, 24576},
	{"an encoder keeps nothing",
		{.layers = 12, .kv_heads = 12, .head_dim = 64, .encoder = true}, "f16", 0, 0},
	{"a hostile number of heads",
		{.layers = 8192, .kv_heads = UINT64_MAX, .head_dim = UINT64_MAX}, "f16", UINT64_MAX,
		UINT64_MAX},
};

static void try_token(void **state)
{
	const struct token_row *row = *state;
	const struct bake_kv_type *type = bake_kv_type_find(row->type);
	struct bake_kv_types types = {type, type};
	struct model model;
	struct bake_kv kv;

	make(&row->made, &model);
	assert_non_null(type);
	bake_kv_read(model.arch, &kv);
	assert_true(kv.known);
	assert_true(kv.because[0]);
	assert_int_equal(bake_kv_token_bytes_max(&kv, types), row->max);
	assert_int_equal(bake_kv_token_bytes_min(&kv, types), row->min);
	bake_arch_free(&model.arch);
}

/* What is not known is said, not 0. */
static const struct unknown_row {
	const char *name;
	struct made made;
	const char *word; /* in the reason */
} unknown_rows[] = {
	{"no layers", {.kv_heads = 8, .head_dim = 64}, "num_layers"},
	{"no heads", {.layers = 8, .head_dim = 64}, "num_kv_heads"},
	{"no size of a head", {.layers = 8, .kv_heads = 8}, "head_dim"},
	{"half of MLA", {.layers = 8, .kv_heads = 8, .head_dim = 64, .rank = 512},
		"qk_rope_head_dim"},
	{"too many layers", {.layers = UINT64_MAX, .kv_heads = 8, .head_dim = 64}, "larger"},
	{"a list that is too short",
		{.layers = 8,
			.kv_heads = 8,
			.head_dim = 64,
			.window = 8,
			.full_every = 2,
			.window_list_count = 7},
		"another length"},
	{"nobody has a cache",
		{.layers = 8, .kv_heads = 8, .head_dim = 64, .shared = UINT64_MAX, .nextn = 1},
		"no cache"},
};

static void try_unknown(void **state)
{
	const struct unknown_row *row = *state;
	struct bake_memory_wish wish = {.engine = BAKE_ENGINE_LLAMA_CPP, .context = 1024};
	struct bake_memory memory;
	struct model model;

	make(&row->made, &model);
	weigh(&model, GIB, 0, true);
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_false(memory.known);
	assert_false(memory.kv.known);
	assert_non_null(strstr(memory.kv.because, row->word));
	assert_true(memory.min >= GIB);
	memory.budget = UINT64_MAX;
	assert_int_equal(bake_memory_verdict(&memory), BAKE_MEMORY_MAY_FIT);
	bake_arch_free(&model.arch);
}

static const struct bake_memory_part *part_of(const struct bake_memory *memory, const char *name)
{
	for (size_t i = 0; i < memory->part_count; i++) {
		if (strcmp(memory->parts[i].name, name) == 0)
			return &memory->parts[i];
	}
	return NULL;
}

/* The cache as the engines make it. */
static const struct cache_row {
	const char *name;
	struct made made;
	struct bake_memory_wish wish;
	uint64_t max;
	uint64_t min;
} cache_rows[] = {
	/* 12 layers of 131072 tokens, and 12 of 128 + 2048 rounded up to 2304 */
	{"gpt-oss-20b in llama.cpp: 6 GiB in full, 3.05 with windows", {GPT_OSS(24)},
		{.engine = BAKE_ENGINE_LLAMA_CPP, .context = 131072}, 6 * GIB,
		3 * GIB + UINT64_C(12) * 2048 * 2304},
	{"the context is the model's", {GPT_OSS(24)}, {.engine = BAKE_ENGINE_LLAMA_CPP}, 6 * GIB,
		3 * GIB + UINT64_C(12) * 2048 * 2304},
	{"a window for each sequence", {GPT_OSS(24)},
		{.engine = BAKE_ENGINE_LLAMA_CPP, .context = 131072, .sequences = 4}, 6 * GIB,
		3 * GIB + UINT64_C(12) * 2048 * 2560},
	{"rounded up to 256 tokens", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_LLAMA_CPP, .context = 1000}, UINT64_C(256) * 1024,
		UINT64_C(256) * 1024},
	{"to 32 without flash attention", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_LLAMA_CPP,
			.context = 1000,
			.flash_attention = BAKE_MEMORY_OFF},
		UINT64_C(256) * 1024, UINT64_C(256) * 1024},
	{"1001 tokens without flash attention", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_LLAMA_CPP,
			.context = 1025,
			.flash_attention = BAKE_MEMORY_OFF},
		UINT64_C(256) * 1056, UINT64_C(256) * 1056},
	{"llama.cpp shares -c", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_LLAMA_CPP, .context = 4096, .sequences = 4},
		UINT64_C(256) * 4096, UINT64_C(256) * 4096},
	{"Ollama multiplies num_ctx", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_OLLAMA, .context = 4096, .sequences = 4},
		UINT64_C(256) * 16384, UINT64_C(256) * 16384},
	{"Ollama's default below 24 GiB", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_OLLAMA, .gpu_memory = 16 * GIB}, UINT64_C(256) * 4096,
		UINT64_C(256) * 4096},
	{"Ollama's default from 24 GiB on", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_OLLAMA, .gpu_memory = 24 * GIB}, UINT64_C(256) * 32768,
		UINT64_C(256) * 32768},
	{"Ollama's default from 48 GiB on", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_OLLAMA, .gpu_memory = 48 * GIB}, UINT64_C(256) * 262144,
		UINT64_C(256) * 262144},
	{"vLLM reserves for one sequence", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_VLLM, .context = 4096, .sequences = 256},
		UINT64_C(256) * 4096, UINT64_C(256) * 4096},
	{"vLLM in whole pages", {.layers = 1, .kv_heads = 1, .head_dim = 64},
		{.engine = BAKE_ENGINE_VLLM, .context = 4097}, UINT64_C(256) * 4112,
		UINT64_C(256) * 4112},
	/* ceil((128 - 1 + 2048) / 16) + 1 pages */
	{"vLLM's windows", {GPT_OSS(24)}, {.engine = BAKE_ENGINE_VLLM, .context = 131072}, 6 * GIB,
		3 * GIB + UINT64_C(12) * 2048 * 2192},
};

static void try_cache(void **state)
{
	const struct cache_row *row = *state;
	const struct bake_memory_part *part;
	struct bake_memory memory;
	struct model model;

	make(&row->made, &model);
	bake_memory_estimate(&model.as, &row->wish, &memory);
	part = part_of(&memory, "kv cache");
	assert_non_null(part);
	assert_true(part->known);
	assert_int_equal(part->max, row->max);
	assert_int_equal(part->min, row->min);
	bake_arch_free(&model.arch);
}

/* 5.38 GiB, as vLLM's log said, are 78,384 tokens of gpt-oss-120b. */
static void vllm_counts_pages(void)
{
	struct bake_memory_wish wish = {.engine = BAKE_ENGINE_VLLM,
		.context = 39192,
		.gpu_share = 1000,
		.gpu_memory = 60 * GIB + UINT64_C(5779095552)};
	struct bake_memory memory;
	struct model model;

	make(&(struct made){GPT_OSS(36)}, &model);
	weigh(&model, 60 * GIB, GIB, true);
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(memory.pool_bytes, UINT64_C(5779095552));
	assert_int_equal(memory.pool_tokens, 78384);
	assert_int_equal(memory.concurrency, 199); /* 39192 is no whole number of pages */
	assert_false(memory.known);		   /* nobody knows the activations */
	wish.gpu_share = 0;
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(memory.budget, bake_u64_scale(wish.gpu_memory, 9, 10));
	assert_int_equal(bake_memory_verdict(&memory), BAKE_MEMORY_NO_FIT);
	bake_arch_free(&model.arch);
}

static void llama_puts_the_embedding_beside(void)
{
	struct bake_memory_wish wish = {.engine = BAKE_ENGINE_LLAMA_CPP, .context = 4096};
	struct bake_memory tied;
	struct bake_memory own;
	struct model model;

	make(&(struct made){GPT_OSS(24)}, &model);
	weigh(&model, 10 * GIB, GIB, false);
	bake_memory_estimate(&model.as, &wish, &tied);
	model.weights.has_output = true;
	bake_memory_estimate(&model.as, &wish, &own);
	assert_int_equal(part_of(&tied, "weights")->max, 9 * GIB);
	assert_int_equal(part_of(&tied, "output")->max, GIB);
	assert_null(part_of(&own, "output"));
	assert_true(part_of(&own, "token embedding")->host);
	assert_int_equal(tied.max - own.max, GIB);
	assert_true(own.known);
	assert_true(own.min < own.max);
	bake_arch_free(&model.arch);
}

/* 201088 logits of 512 tokens are 392.75 MiB: no buffer is smaller. */
static void llama_computes(void)
{
	struct bake_memory_wish wish = {.engine = BAKE_ENGINE_LLAMA_CPP, .context = 131072};
	const struct bake_memory_part *part;
	struct bake_memory memory;
	struct model model;
	uint64_t flash;

	make(&(struct made){GPT_OSS(24)}, &model);
	bake_memory_estimate(&model.as, &wish, &memory);
	part = part_of(&memory, "compute buffer");
	assert_true(part->known);
	assert_int_equal(part->min, UINT64_C(201088) * 512 * 4 + UINT64_C(2880) * 512 * 4);
	flash = part->max;
	wish.flash_attention = BAKE_MEMORY_OFF;
	bake_memory_estimate(&model.as, &wish, &memory);
	/* scores of 64 heads over the whole context: 16 GiB */
	assert_int_equal(
		part_of(&memory, "compute buffer")->min, 16 * GIB + 2 * UINT64_C(2880) * 512 * 4);
	assert_true(part_of(&memory, "compute buffer")->max > flash);
	bake_arch_free(&model.arch);
}

static void state_is_of_each_sequence(void)
{
	struct bake_memory_wish wish = {
		.engine = BAKE_ENGINE_LLAMA_CPP, .context = 8192, .sequences = 3};
	/* 36 of 48 layers, 3 x (4096 + 2 x 16 x 128) + 128 x 4096 elements of 4 bytes */
	uint64_t state = UINT64_C(36) * (3 * 8192 + 128 * 4096) * 4;
	struct made made = {.layers = 48,
		.kv_heads = 2,
		.head_dim = 256,
		.attention_every = 4,
		.kernel = 4,
		.ssm_inner = 4096,
		.ssm_state = 128,
		.ssm_groups = 16};
	struct bake_memory memory;
	struct model model;

	make(&made, &model);
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(part_of(&memory, "recurrent state")->min, 3 * state);
	assert_int_equal(part_of(&memory, "recurrent state")->max, 3 * state);
	model.arch->facts[BAKE_ARCH_SSM_INNER_SIZE].known = false;
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_false(part_of(&memory, "recurrent state")->known);
	bake_arch_free(&model.arch);
	/* Nothing but state: the context does not count. */
	made.kv_heads = made.head_dim = made.attention_every = 0;
	make(&made, &model);
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(part_of(&memory, "kv cache")->max, 0);
	assert_int_equal(part_of(&memory, "recurrent state")->min, state / 36 * 48 * 3);
	bake_arch_free(&model.arch);
}

/* The sizes of Qwen-Image: 57,699,249,390 bytes, of which the transformer is 40.9 GB. */
static void diffusers_adds_or_takes_the_heaviest(void)
{
	struct bake_arch_component components[] = {
		{.name = "scheduler"},
		{.name = "text_encoder", .class_name = "Qwen2_5_VLForConditionalGeneration"},
		{.name = "transformer", .class_name = "QwenImageTransformer2DModel"},
		{.name = "vae"},
	};
	const struct bake_weights weights[] = {
		{.bytes = 0},
		{.bytes = UINT64_C(16584414544), .tensors = 729},
		{.bytes = UINT64_C(40861027880), .tensors = 1933},
		{.bytes = UINT64_C(253806966), .tensors = 194},
	};
	struct bake_memory_wish wish = {.engine = BAKE_ENGINE_DIFFUSERS};
	struct bake_memory memory;
	struct model model;

	make(&(struct made){.layers = 60}, &model);
	weigh(&model, UINT64_C(57699249390), 0, false);
	model.arch->components = components;
	model.arch->component_count = countof(components);
	model.as.component_weights = weights;
	assert_int_equal(bake_engine_usual(&model.as), BAKE_ENGINE_DIFFUSERS);
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(memory.max, UINT64_C(57699249390));
	assert_int_equal(part_of(&memory, "transformer")->max, UINT64_C(40861027880));
	assert_null(part_of(&memory, "scheduler"));
	assert_false(part_of(&memory, "activations")->known);
	assert_false(memory.known);
	wish.offload = true;
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(memory.max, UINT64_C(40861027880));
	assert_int_equal(memory.host_max, UINT64_C(57699249390));
	model.arch->component_count = 0;
	bake_arch_free(&model.arch);
}

/* The answer fits, and one more step does not. */
static void context_is_solved(void)
{
	struct bake_memory_wish wish = {.engine = BAKE_ENGINE_LLAMA_CPP, .gpu_memory = 16 * GIB};
	struct bake_memory_solution solution;
	struct bake_memory memory;
	struct model model;

	make(&(struct made){GPT_OSS(24)}, &model);
	weigh(&model, 12 * GIB, GIB, true);
	solution = bake_memory_solve_context(&model.as, &wish, 131072);
	assert_true(solution.sure > 0 && solution.sure < solution.perhaps);
	assert_true(solution.perhaps <= 131072);
	wish.context = solution.sure;
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(bake_memory_verdict(&memory), BAKE_MEMORY_FITS);
	wish.context = solution.sure + 1;
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(bake_memory_verdict(&memory), BAKE_MEMORY_MAY_FIT);
	weigh(&model, 64 * GIB, GIB, true);
	solution = bake_memory_solve_context(&model.as, &wish, 131072);
	assert_int_equal(solution.sure, 0);
	assert_int_equal(solution.perhaps, 0);
	bake_arch_free(&model.arch);
}

static void sequences_are_solved(void)
{
	struct bake_memory_wish wish = {
		.engine = BAKE_ENGINE_OLLAMA, .context = 8192, .gpu_memory = 24 * GIB};
	struct bake_memory_solution solution;
	struct bake_memory memory;
	struct model model;

	make(&(struct made){GPT_OSS(24)}, &model);
	weigh(&model, 12 * GIB, GIB, true);
	solution = bake_memory_solve_sequences(&model.as, &wish, 1024);
	wish.sequences = solution.sure;
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(bake_memory_verdict(&memory), BAKE_MEMORY_FITS);
	wish.sequences++;
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(bake_memory_verdict(&memory), BAKE_MEMORY_MAY_FIT);
	/* vLLM: whole contexts in what is left of 0.9 of the GPU, by the most a token takes */
	wish = (struct bake_memory_wish){
		.engine = BAKE_ENGINE_VLLM, .context = 8192, .gpu_memory = 24 * GIB};
	solution = bake_memory_solve_sequences(&model.as, &wish, 1024);
	assert_int_equal(solution.sure, (24 * GIB / 10 * 9 - 12 * GIB) / (UINT64_C(8192) * 49152));
	bake_arch_free(&model.arch);
}

static void near(double got, double want, double by)
{
	if (!(fabs(got - want) <= by))
		fail_msg("%.6f is not %.6f", got, want);
}

/* The vectors of the calculator's own tests. */
static void the_calculator_is_theirs(void)
{
	struct bake_calculator_input input = {
		.params_billion = 8,
		.parameter_bytes = bake_calculator_parameter_bytes("FP8", NULL),
		.layers = 36,
		.kv_heads = 8,
		.head_dim = 128,
		.kv_bytes = bake_calculator_kv_bytes("fp8", NULL),
		.context_k = 8,
		.batch = 1,
		.profile = {"test", 1.5, 1.0, 1.10},
	};
	struct bake_calculator_estimate estimate = bake_calculator_estimate(&input);
	struct bake_calculator_context context = bake_calculator_solve(&input, 12);

	near(estimate.weights_gib, 7.45058, 0.000005);
	near(estimate.kv_gib, 0.5625, 0);
	near(estimate.total_gib, 11.5644, 0.00005);
	near(context.context_k, 13.6, 0.05);
	near(context.context_tokens, context.context_k * 1024, 0);
	assert_true(context.total_gib <= 12 && context.total_gib > 11.999);
	near(bake_calculator_solve(&input, 2).context_k, 0, 0);
	near(bake_calculator_solve(&input, 4096).context_k, 256, 0.01);
}

static void the_calculator_knows_its_names(void)
{
	static const struct {
		const char *name;
		double weights, cache;
	} rows[] = {
		{"fp16", 2, 2},
		{"bf16", 2, 2},
		{"fp8", 1, 1},
		{"mxfp8", 1, 2},
		{"int8", 1, 2},
		{"int4", 0.55, 2},
		{"fp4", 0.5, 2},
		{"mxfp4", 0.5, 2},
		{"f16", 2, 2},
		{"Q4_K_M", 1, 2},
	};
	bool known;

	for (size_t i = 0; i < countof(rows); i++) {
		near(bake_calculator_parameter_bytes(rows[i].name, &known), rows[i].weights, 0);
		assert_int_equal(known, strcmp(rows[i].name, "Q4_K_M") != 0);
		near(bake_calculator_kv_bytes(rows[i].name, NULL), rows[i].cache, 0);
	}
	assert_null(bake_calculator_profile("auto"));
	near(bake_calculator_profile("ada_16gb")->frag_factor, 1.12, 0);
	near(bake_calculator_profile("hopper_80gb")->overhead_gib, 2, 0);
	near(bake_calculator_profile("studio_dual")->vision_gib, 1, 0);
}

static void facts_are_written(void)
{
	struct bake_buf text = BAKE_BUF_INIT(4096);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct model model;

	make(&(struct made){GPT_OSS(24)}, &model);
	weigh(&model, 1000, 0, true);
	bake_memory_write_facts(model.arch, &model.weights, &writer);
	assert_string_equal(text.ptr,
		"{\n  \"weights_bytes\": 1000,\n  \"kv_dtype\": \"f16\",\n"
		"  \"kv_bytes_per_token\": 49152,\n  \"kv_bytes_per_token_min\": 24576,\n"
		"  \"sliding_window\": 128\n}");
	bake_buf_release(&text);
	bake_arch_free(&model.arch);
}

/* No sum wraps around, and no loop runs as long as a number says. */
static void hostile_numbers_are_merely_large(void)
{
	static const struct made made = {.layers = 96,
		.heads = UINT64_MAX,
		.kv_heads = UINT64_MAX,
		.head_dim = UINT64_MAX,
		.hidden = UINT64_MAX,
		.inner = UINT64_MAX,
		.vocab = UINT64_MAX,
		.context = UINT64_MAX,
		.window = UINT64_MAX,
		.full_every = 2,
		.attention_every = 2,
		.kernel = UINT64_MAX,
		.ssm_inner = UINT64_MAX,
		.ssm_state = UINT64_MAX,
		.ssm_groups = UINT64_MAX};
	struct bake_memory memory;
	struct model model;

	make(&made, &model);
	weigh(&model, UINT64_MAX, UINT64_MAX, false);
	for (unsigned engine = 0; engine < BAKE_ENGINES; engine++) {
		struct bake_memory_wish wish = {.engine = (enum bake_engine)engine,
			.sequences = UINT64_MAX,
			.batch = UINT64_MAX,
			.gpu_memory = GIB};

		bake_memory_estimate(&model.as, &wish, &memory);
		assert_int_equal(memory.max, UINT64_MAX);
		assert_int_equal(bake_memory_verdict(&memory), BAKE_MEMORY_NO_FIT);
		(void)bake_memory_solve_context(&model.as, &wish, UINT64_MAX);
		(void)bake_memory_solve_sequences(&model.as, &wish, UINT64_MAX);
	}
	bake_arch_free(&model.arch);
}

static void images_are_counted(void)
{
	struct bake_memory_wish wish = {.engine = BAKE_ENGINE_VLLM, .context = 1024};
	struct bake_memory memory;
	struct model model;
	struct bake_arch_fact *vision;

	make(&(struct made){.layers = 1, .kv_heads = 1, .head_dim = 64}, &model);
	vision = model.arch->vision;
	vision[BAKE_VISION_IMAGE_SIZE] = (struct bake_arch_fact){.known = true, .u64 = 448};
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_false(part_of(&memory, "images")->known);
	vision[BAKE_VISION_PATCH_SIZE] = (struct bake_arch_fact){.known = true, .u64 = 14};
	vision[BAKE_VISION_NUM_HEADS] = (struct bake_arch_fact){.known = true, .u64 = 16};
	bake_memory_estimate(&model.as, &wish, &memory);
	assert_int_equal(part_of(&memory, "images")->max, UINT64_C(1024) * 1024 * 16 * 4);
	assert_int_equal(part_of(&memory, "images")->min, 0);
	bake_arch_free(&model.arch);
}

static const struct scenario scenarios[] = {
	{"5.38 GiB of pages are 78384 tokens of gpt-oss-120b", vllm_counts_pages},
	{"the embedding is copied when there is no output", llama_puts_the_embedding_beside},
	{"llama.cpp's buffers", llama_computes},
	{"recurrent state", state_is_of_each_sequence},
	{"components and their heaviest", diffusers_adds_or_takes_the_heaviest},
	{"the largest context", context_is_solved},
	{"the most sequences", sequences_are_solved},
	{"11.5644 GiB and 13.6 k", the_calculator_is_theirs},
	{"precisions and profiles", the_calculator_knows_its_names},
	{"facts for an index", facts_are_written},
	{"hostile numbers", hostile_numbers_are_merely_large},
	{"images", images_are_counted},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(token_rows, try_token),
		ROWS(unknown_rows, try_unknown),
		ROWS(cache_rows, try_cache),
		ROWS(scenarios, play_scenario),
	};

	return run_rows("arch_memory", tables, countof(tables));
}
