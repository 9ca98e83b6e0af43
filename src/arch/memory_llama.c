/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llama.cpp, and Ollama, which runs it with num_ctx times the parallel requests. All layers are on
 * the GPU. Of its buffers for computing only the sizes of the tensors in them are known, not which
 * share memory: the least is the largest of them, the most is their sum.
 */
#include <inttypes.h>

#include "arch/memory_parts.h"
#include "base/num.h"

#define MIB ((uint64_t)1 << 20)

enum {
	BATCH = 2048,
	UBATCH = 512,
	PAD = 32, /* of the cache, in tokens */
	PAD_FLASH = 256,
	TOKEN_BYTES = 96 /* of the vocabulary, for each token's record and hash entry */
};

bool bake_memory_flash(const struct bake_memory_wish *wish, struct bake_kv_types types)
{
	if (wish->flash_attention != BAKE_MEMORY_AUTO)
		return wish->flash_attention == BAKE_MEMORY_ON;
	return wish->engine == BAKE_ENGINE_LLAMA_CPP || types.value->block > 1;
}

/* What is run, in the engine's units. */
struct run {
	bool flash;
	uint64_t tokens; /* of the whole cache, padded */
	uint64_t pad;
	uint64_t sequences;
	uint64_t batch;
	uint64_t ubatch;
};

static struct run run_of(const struct bake_memory_wish *wish, const struct bake_memory *memory)
{
	struct run run = {
		.flash = bake_memory_flash(wish, memory->types),
		.tokens = memory->context,
		.sequences = memory->sequences,
		.batch = wish->batch ? wish->batch : BATCH,
	};

	run.pad = run.flash ? PAD_FLASH : PAD;
	if (wish->engine == BAKE_ENGINE_OLLAMA)
		run.tokens = bake_u64_mul_capped(run.tokens, run.sequences);
	run.tokens = bake_memory_pad(run.tokens, run.pad);
	run.ubatch = bake_u64_min(wish->ubatch ? wish->ubatch : UBATCH, run.batch);
	if (run.tokens) {
		run.batch = bake_u64_min(run.batch, run.tokens);
		run.ubatch = bake_u64_min(run.ubatch, run.tokens);
	}
	return run;
}

/* The embedding is looked up on the processor; the output's matrix, a copy of it when the model has
 * none of its own, multiplies on the GPU. */
static void add_weights(const struct bake_memory_model *model, struct bake_memory *memory)
{
	const struct bake_weights *weights = model->weights;
	uint64_t bytes = bake_weights_all_bytes(weights);
	uint64_t embedding = bake_u64_min(weights->embedding_bytes, bytes);

	if (!bake_weights_any(weights)) {
		bake_memory_add_unknown(memory, "weights", "there are no tensors to count");
		return;
	}
	bake_memory_add(memory, "weights", bytes - embedding, bytes - embedding,
		"%" PRIu64 " bytes of tensors without the token embedding", bytes);
	if (embedding && !weights->has_output)
		bake_memory_add(memory, "output", embedding, embedding,
			"a copy of the token embedding: the model has no output of its own");
	if (embedding)
		bake_memory_add_host(
			memory, "token embedding", embedding, "looked up on the processor");
	if (model->projector && model->projector->tensors)
		bake_memory_add(memory, "projector", model->projector->bytes,
			model->projector->bytes, "the tensors of the mmproj file beside the model");
}

static uint64_t keep_window(const void *context, uint64_t window)
{
	const struct run *run = context;

	return bake_memory_pad(
		bake_u64_add_capped(bake_u64_mul_capped(window, run->sequences), run->batch),
		run->pad);
}

static void add_cache(const struct run *run, struct bake_memory *memory)
{
	const struct bake_kv *kv = &memory->kv;
	uint64_t max;

	if (!kv->known) {
		bake_memory_add_unknown(memory, "kv cache", "%s", kv->because);
		return;
	}
	if (!run->tokens && kv->group_count) {
		bake_memory_add_unknown(memory, "kv cache", "no context length is known or given");
		return;
	}
	max = bake_kv_bytes(kv, memory->types, run->tokens, NULL, NULL);
	bake_memory_add(memory, "kv cache",
		bake_kv_bytes(kv, memory->types, run->tokens, keep_window, run), max,
		"%" PRIu64 " tokens in %s%s%s: %s", run->tokens, memory->types.key->name,
		memory->types.value == memory->types.key ? "" : " and ",
		memory->types.value == memory->types.key ? "" : memory->types.value->name,
		kv->because);
	if (bake_kv_window_max(kv))
		bake_memory_note(memory,
			"windows: at the least a layer keeps %" PRIu64
			" tokens of the largest window (window x sequences + batch, padded), at "
			"the most all (--swa-full)",
			keep_window(run, bake_kv_window_max(kv)));
	if (kv->latent)
		bake_memory_note(memory, "builds that unfold the latent of MLA into keys and "
					 "values per head need many times as much cache");
}

/* Bytes of rows of f32, a row per token of the step. */
static uint64_t rows(uint64_t elements, uint64_t tokens)
{
	return bake_u64_mul_capped(bake_u64_mul_capped(elements, 4), tokens);
}

/* Input of a step: token, position and output ids, embedding, and the mask over the cache. */
static uint64_t input_bytes(const struct run *run, uint64_t hidden, uint64_t tokens)
{
	return rows(bake_u64_add_capped(bake_u64_add_capped(hidden, run->tokens), 3), tokens);
}

static uint64_t attention_bytes(const struct run *run, uint64_t heads, uint64_t hidden)
{
	uint64_t scores = bake_u64_mul_capped(run->tokens, run->ubatch);

	scores = run->flash ? bake_u64_mul_capped(scores, 2) /* the mask as f16 */
			    : bake_u64_mul_capped(bake_u64_mul_capped(scores, heads), 4);
	return bake_u64_add_capped(scores, rows(hidden, run->ubatch));
}

static void add_compute(
	const struct bake_memory_model *model, const struct run *run, struct bake_memory *memory)
{
	const struct bake_arch *arch = model->arch;
	uint64_t hidden = bake_arch_u64(arch, BAKE_ARCH_HIDDEN_SIZE, 0);
	uint64_t heads = bake_arch_u64(arch, BAKE_ARCH_NUM_ATTENTION_HEADS, 0);
	uint64_t inner = bake_arch_u64(arch, BAKE_ARCH_INTERMEDIATE_SIZE, 0);
	uint64_t vocab = bake_arch_u64(arch, BAKE_ARCH_VOCAB_SIZE, 0);
	uint64_t used = bake_arch_u64(arch, BAKE_ARCH_NUM_EXPERTS_PER_TOKEN, 1);
	uint64_t attention = attention_bytes(run, heads, hidden);
	uint64_t output = rows(vocab, run->ubatch);
	uint64_t ffn = bake_u64_add_capped(hidden, bake_u64_mul_capped(2, inner));
	uint64_t min;
	uint64_t max;

	if (!hidden || !vocab || !run->tokens || (!heads && !run->flash)) {
		bake_memory_add_unknown(memory, "compute buffer", "%s is not known",
			!hidden	 ? "hidden_size"
			: !vocab ? "vocab_size"
			: !heads ? "num_attention_heads"
				 : "the context length");
		return;
	}
	min = bake_u64_max(bake_u64_max(attention, rows(ffn, run->ubatch)), output);
	min = bake_u64_add_capped(min, rows(hidden, run->ubatch));
	ffn = bake_u64_add_capped(
		hidden, bake_u64_mul_capped(bake_u64_mul_capped(2, inner), used ? used : 1));
	max = bake_u64_max(attention, rows(ffn, run->ubatch));
	max = bake_u64_add_capped(max, input_bytes(run, hidden, run->batch));
	max = bake_u64_add_capped(max, output);
	bake_memory_add(memory, "compute buffer", min, bake_u64_max(min, max),
		"steps of %" PRIu64 " tokens (%" PRIu64
		" at once), flash attention %s: input, the larger "
		"of attention and feed-forward, and %" PRIu64 " logits a token",
		run->batch, run->ubatch, run->flash ? "on" : "off", vocab);
}

/* What a process with a GPU takes before it does anything, by other estimators' measure. */
static void add_process(
	const struct bake_memory_model *model, const struct run *run, struct bake_memory *memory)
{
	uint64_t vocab = bake_arch_u64(model->arch, BAKE_ARCH_VOCAB_SIZE, 0);
	uint64_t host = bake_u64_add_capped(bake_u64_mul_capped(vocab, TOKEN_BYTES),
		bake_u64_mul_capped(bake_u64_mul_capped(vocab, 4), run->sequences));

	bake_memory_add(memory, "driver and context", 250 * MIB, 500 * MIB,
		"assumed: what a CUDA process takes by itself");
	bake_memory_add_host(memory, "process", bake_u64_add_capped(host, 159 * MIB),
		"assumed 150 MiB, 9 MiB for loading and scheduling, the vocabulary, and a row of "
		"logits a sequence");
}

void bake_memory_llama(const struct bake_memory_model *model, const struct bake_memory_wish *wish,
	struct bake_memory *memory)
{
	struct run run = run_of(wish, memory);

	add_weights(model, memory);
	add_cache(&run, memory);
	bake_memory_add_state(memory, run.sequences);
	add_compute(model, &run, memory);
	bake_memory_add_vision(model, wish, memory);
	add_process(model, &run, memory);
	bake_memory_note(memory, "all layers are on the GPU");
	bake_memory_note(memory, "flash attention is %s%s", run.flash ? "on" : "off",
		wish->flash_attention == BAKE_MEMORY_AUTO ? ", the engine's default" : "");
	if (!run.flash && memory->types.value->block > 1)
		bake_memory_note(memory, "warning: values in %s need flash attention",
			memory->types.value->name);
	if (wish->engine == BAKE_ENGINE_OLLAMA)
		bake_memory_note(memory,
			"num_ctx %" PRIu64 " x %" PRIu64 " parallel requests = %" PRIu64
			" tokens of cache",
			memory->context, run.sequences, run.tokens);
	else if (run.sequences > 1)
		bake_memory_note(memory,
			"-c is shared by %" PRIu64 " sequences: %" PRIu64 " tokens for each",
			run.sequences, memory->context / run.sequences);
}
