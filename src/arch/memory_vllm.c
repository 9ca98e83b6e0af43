/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vLLM takes a share of the GPU, loads the weights, measures what a step needs, and makes pages of
 * the rest. The pages must hold one sequence of the whole context; how many more find room is
 * concurrency. --max-num-seqs limits that and reserves nothing.
 */
#include <inttypes.h>

#include "arch/memory_parts.h"
#include "base/num.h"

enum {
	SHARE = 900, /* thousandths */
	BLOCK = 16,
	BATCHED_TOKENS = 2048
};

struct pages {
	uint64_t block;
	uint64_t batched; /* tokens of a step, which come in before old ones can go */
	uint64_t length;
};

/* Tokens of whole pages; one page more, because a window seldom begins with one. */
static uint64_t keep_window(const void *context, uint64_t window)
{
	const struct pages *pages = context;
	uint64_t tokens = bake_u64_min(
		bake_u64_add_capped(window ? window - 1 : 0, pages->batched), pages->length);

	return bake_u64_add_capped(bake_memory_pad(tokens, pages->block), pages->block);
}

static void add_cache(const struct pages *pages, struct bake_memory *memory)
{
	const struct bake_kv *kv = &memory->kv;
	uint64_t tokens = bake_memory_pad(pages->length, pages->block);

	if (!kv->known) {
		bake_memory_add_unknown(memory, "kv cache", "%s", kv->because);
		return;
	}
	if (!tokens && kv->group_count) {
		bake_memory_add_unknown(memory, "kv cache", "no context length is known or given");
		return;
	}
	bake_memory_add(memory, "kv cache",
		bake_kv_bytes(kv, memory->types, tokens, keep_window, pages),
		bake_kv_bytes(kv, memory->types, tokens, NULL, NULL),
		"one sequence of %" PRIu64 " tokens in %s, in pages of %" PRIu64 ": %s", tokens,
		memory->types.key->name, pages->block, kv->because);
	if (bake_kv_window_max(kv))
		bake_memory_note(memory, "windows: at the least a layer keeps its window and a "
					 "step's tokens, at the most the whole context (mixed "
					 "layers without the hybrid cache manager)");
}

/* What the pages hold, by the most that a token takes. */
static void count_pages(const struct bake_memory_model *model, const struct pages *pages,
	struct bake_memory *memory)
{
	uint64_t token = bake_kv_token_bytes_max(&memory->kv, memory->types);
	uint64_t tokens = bake_memory_pad(pages->length, pages->block);
	uint64_t weights = bake_weights_all_bytes(model->weights);
	uint64_t blocks;

	if (!memory->budget || !bake_weights_any(model->weights))
		return;
	memory->pool_bytes = memory->budget - bake_u64_min(memory->budget, weights);
	if (!memory->kv.known || !token)
		return;
	blocks = memory->pool_bytes / bake_u64_mul_capped(token, pages->block);
	memory->pool_tokens = bake_u64_mul_capped(blocks, pages->block);
	if (tokens)
		memory->concurrency = bake_u64_scale(memory->pool_tokens, 100, tokens);
	bake_memory_note(memory, "pages and concurrency are at most this: what a step needs is "
				 "taken off first");
}

void bake_memory_vllm(const struct bake_memory_model *model, const struct bake_memory_wish *wish,
	struct bake_memory *memory)
{
	uint64_t share = wish->gpu_share ? wish->gpu_share : SHARE;
	uint64_t weights = bake_weights_all_bytes(model->weights);
	struct pages pages = {
		.block = wish->block_size ? wish->block_size : BLOCK,
		.batched = wish->batch ? wish->batch : BATCHED_TOKENS,
		.length = memory->context,
	};

	memory->budget = bake_u64_scale(wish->gpu_memory, share, 1000);
	if (bake_weights_any(model->weights))
		bake_memory_add(memory, "weights", weights, weights,
			"the bytes of %" PRIu64 " tensors", model->weights->tensors);
	else
		bake_memory_add_unknown(memory, "weights", "there are no tensors to count");
	add_cache(&pages, memory);
	bake_memory_add_state(memory, 1);
	bake_memory_add_vision(model, wish, memory);
	bake_memory_add_unknown(memory, "activations and CUDA graphs",
		"vLLM measures them when it starts: they depend on the step (%" PRIu64
		" tokens), the sequences and the kernels",
		pages.batched);
	count_pages(model, &pages, memory);
	if (wish->gpu_memory)
		bake_memory_note(memory,
			"gpu_memory_utilization %" PRIu64 ".%03" PRIu64
			" of the GPU's memory is used%s",
			share / 1000, share % 1000, wish->gpu_share ? "" : ", the default");
	bake_memory_note(memory, "--max-num-seqs reserves no cache: all sequences share the pages");
	bake_memory_note(memory, "one GPU: no tensor or pipeline parallelism");
}
