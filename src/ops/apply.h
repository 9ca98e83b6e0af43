/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing down how an engine is to run a model. One number of tokens for each sequence has three
 * names: vLLM's --max-model-len, Ollama's num_ctx, and llama.cpp's -c, which counts all sequences
 * together and so is a multiple of it.
 */
#ifndef OPS_APPLY_H
#define OPS_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/memory.h"
#include "base/arena.h"
#include "base/error.h"

struct bake_apply_options {
	const char *model; /* id, or name of the registry's entry */
	const char *models_dir;
	const char *registry_path; /* write into its entry; NULL: beside the index */
	bool has_engine;	   /* else the registry's entry says which */
	enum bake_engine engine;
	uint64_t context;    /* tokens of each sequence; 0: not given */
	uint64_t sequences;  /* 0: not given */
	uint32_t gpu_share;  /* of vLLM, in thousandths; 0: not given */
	uint64_t gpu_memory; /* bytes; the largest context that fits is found. 0: none is */
	bool dry_run;
};

struct bake_apply_report {
	struct bake_arena arena;
	enum bake_engine engine;
	const char *path;    /* of the document */
	const char **before; /* the engine's arguments: "--max-model-len 4096" */
	size_t before_count;
	const char **after;
	size_t after_count;
	uint64_t context; /* 0: not set */
	uint64_t sequences;
	bool solved;  /* context was found, not given */
	bool changed; /* the document is another than before; written, but in a dry run */
};

/* *out is to be released whatever happens. estimate.no-fit when no context fits the GPU. */
enum bake_status bake_apply(const struct bake_apply_options *options, struct bake_apply_report *out,
	struct bake_error *err) BAKE_CHECKED;
void bake_apply_report_release(struct bake_apply_report *report);

#endif
