/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a model fits: what an engine needs for its weights, its cache and its work, part by part,
 * each with what it is reckoned from. A part that cannot be told is unknown with the reason, never 0,
 * and the total is then "at least". Arithmetic saturates: a hostile model is merely too large.
 */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/kv.h"
#include "arch/weights.h"
#include "json/writer.h"

enum bake_engine {
	BAKE_ENGINE_LLAMA_CPP,
	BAKE_ENGINE_OLLAMA,
	BAKE_ENGINE_VLLM,
	BAKE_ENGINE_DIFFUSERS,
	BAKE_ENGINES
};

const char *bake_engine_name(enum bake_engine engine);

/* What is asked about; everything is borrowed. */
struct bake_memory_model {
	const struct bake_arch *arch;
	const struct bake_weights *weights;
	const struct bake_weights *projector;	      /* mmproj; NULL: none */
	const struct bake_weights *component_weights; /* of arch->components[i]; NULL: none */
	const char *format; /* "gguf", "safetensors", "diffusers", "transformers"; NULL: unknown */
};

/* The engine that such a model is usually run with. */
enum bake_engine bake_engine_usual(const struct bake_memory_model *model);

enum bake_memory_switch {
	BAKE_MEMORY_AUTO,
	BAKE_MEMORY_OFF,
	BAKE_MEMORY_ON
};

/* How it is run. Zero and NULL: the engine's default. */
struct bake_memory_wish {
	enum bake_engine engine;
	/* Tokens, as the engine's own option counts them: llama.cpp -c (all sequences together),
	 * Ollama num_ctx and vLLM --max-model-len (each sequence). */
	uint64_t context;
	uint64_t sequences; /* at the same time: -np, OLLAMA_NUM_PARALLEL, --max-num-seqs */
	uint64_t batch;	    /* tokens of a step: -b, --max-num-batched-tokens */
	uint64_t ubatch;    /* llama.cpp and Ollama: tokens of a physical step, -ub */
	struct bake_kv_types types;
	enum bake_memory_switch flash_attention;
	uint64_t gpu_memory; /* bytes; 0: none is named */
	uint32_t gpu_share;  /* vLLM: --gpu-memory-utilization in thousandths */
	uint64_t block_size; /* vLLM: tokens of a page */
	bool offload;	     /* diffusers: one component at a time is on the GPU */
};

enum {
	BAKE_MEMORY_PARTS_MAX = 40,
	BAKE_MEMORY_NOTES_MAX = 24,
	BAKE_MEMORY_NAME = 64
};

struct bake_memory_part {
	char name[BAKE_MEMORY_NAME]; /* "weights", "kv cache" */
	bool host;		     /* in the machine's memory, not the GPU's */
	bool known;		     /* else min and max are 0 and because says what is missing */
	uint64_t min;		     /* bytes */
	uint64_t max;
	char because[BAKE_KV_TEXT];
};

struct bake_memory {
	enum bake_engine engine;
	struct bake_memory_part parts[BAKE_MEMORY_PARTS_MAX];
	size_t part_count;
	char notes[BAKE_MEMORY_NOTES_MAX][BAKE_KV_TEXT]; /* assumptions and warnings */
	size_t note_count;
	struct bake_kv kv;
	struct bake_kv_types types;
	bool known; /* all parts on the GPU are */
	uint64_t min;
	uint64_t max;
	uint64_t host_max;
	uint64_t context;	/* as in the wish; 0: not known */
	uint64_t context_model; /* what the model was made for; 0: not known */
	uint64_t sequences;
	uint64_t budget; /* of the GPU's memory, what the engine uses; 0: none is named */
	/* vLLM, when a GPU is named: what is left for pages, before what is unknown */
	uint64_t pool_bytes;
	uint64_t pool_tokens;
	uint64_t concurrency; /* sequences of the whole context at the same time, in hundredths */
};

void bake_memory_estimate(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, struct bake_memory *out);

enum bake_memory_verdict {
	BAKE_MEMORY_FITS,
	BAKE_MEMORY_MAY_FIT, /* the least does; the most does not, or something is unknown */
	BAKE_MEMORY_NO_FIT
};

/* Against memory->budget, which must not be 0. */
enum bake_memory_verdict bake_memory_verdict(const struct bake_memory *memory);
const char *bake_memory_verdict_name(enum bake_memory_verdict verdict);

/*
 * The largest of something that fits: for certain by what is known, and with windows kept short and
 * the least of everything. 0: not even 1.
 */
struct bake_memory_solution {
	uint64_t sure;
	uint64_t perhaps;
	uint64_t limit; /* searched up to this */
};

/* wish->gpu_memory must be named. limit is the largest tried. Of context, wish->context does not
 * count; of sequences, wish->context is each sequence's (llama.cpp's -c is a multiple of it). */
struct bake_memory_solution bake_memory_solve_context(
	const struct bake_memory_model *model, const struct bake_memory_wish *wish, uint64_t limit);
struct bake_memory_solution bake_memory_solve_sequences(
	const struct bake_memory_model *model, const struct bake_memory_wish *wish, uint64_t limit);

/* The cache's type when none is asked for: the file's own, or 16 bits. Never NULL. */
const struct bake_kv_type *bake_memory_kv_type(const struct bake_arch *arch);

/*
 * What of it depends on no engine, for an index, as a value: {"weights_bytes", "kv_dtype",
 * "kv_bytes_per_token", "kv_bytes_per_token_min", "sliding_window", "recurrent_state_bytes",
 * "kv_unknown"}. A token takes the first of the two in the window, the second beyond it.
 */
void bake_memory_write_facts(const struct bake_arch *arch, const struct bake_weights *weights,
	struct bake_json_writer *writer);

/* The members of a report: parts, totals, verdict, assumptions. */
void bake_memory_write(const struct bake_memory *memory, struct bake_json_writer *writer);

#endif
