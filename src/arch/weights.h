/* SPDX-License-Identifier: Apache-2.0 */
/* What the tensors of a model's files are together: bytes and parameters, by type. */
#ifndef ARCH_WEIGHTS_H
#define ARCH_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/gguf.h"
#include "format/safetensors.h"
#include "json/json.h"
#include "json/writer.h"

enum {
	BAKE_WEIGHTS_TYPES_MAX = 64,
	BAKE_WEIGHTS_BLOCKS_MAX = 1024 /* what is beyond is not weighed; a power of two */
};

struct bake_weights_type {
	const char *name; /* as the format has it: "BF16", "q4_K"; static */
	uint64_t tensors;
	uint64_t bytes;
	uint64_t elements; /* as stored: of a packed int32 one, though it holds eight numbers */
};

/* Zero-initialised: no weights. */
struct bake_weights {
	struct bake_weights_type
		types[BAKE_WEIGHTS_TYPES_MAX]; /* by bytes, the most first, then name */
	size_t type_count;
	uint64_t bytes; /* of all tensors, without headers and padding */
	/* Of files that are not here and whose size is known, headers included: Git LFS pointers. Not
	 * in bytes, and not written. */
	uint64_t absent_bytes;
	uint64_t tensors;
	uint64_t parameters; /* without scales, zero points and the like; packed ones unpacked */
	uint64_t layer_bytes_max; /* of "blk.N.", "model.layers.N." and such, the heaviest one */
	uint64_t layers;	  /* numbered blocks: 1 + the largest N; 0: none are numbered */
	uint64_t embedding_bytes; /* the token embedding */
	bool has_output;	  /* a matrix of its own at the end: not tied to the embedding */
	struct {
		uint64_t name; /* hash of the block's name; 0: free */
		uint64_t bytes;
	} blocks[BAKE_WEIGHTS_BLOCKS_MAX]; /* a block may be in several files; not written */
};

/* Whether anything is known of the weights, and their bytes, wherever they are. */
bool bake_weights_any(const struct bake_weights *weights);
uint64_t bake_weights_all_bytes(const struct bake_weights *weights);

/* Adds a file. Sums saturate. packed_bits: bits of a quantised weight in an int32 (gptq, awq); 0
 * when nothing is packed. */
void bake_weights_add_gguf(struct bake_weights *weights, const struct bake_gguf *gguf);
void bake_weights_add_safetensors(
	struct bake_weights *weights, const struct bake_safetensors *file, uint64_t packed_bits);
void bake_weights_add(struct bake_weights *weights, const struct bake_weights *more);

/* The label of the type with most bytes; NULL when there are none. */
const char *bake_weights_main_type(const struct bake_weights *weights);

/* {"bytes", "parameters", "tensors", "types": {"q4_K": bytes, ...}, ...}. Parsing ignores members
 * it does not know; of the types it has the bytes only. */
void bake_weights_write(const struct bake_weights *weights, struct bake_json_writer *writer);
enum bake_status bake_weights_parse(const struct bake_json *value, struct bake_weights *out,
	struct bake_error *err) BAKE_CHECKED;

#endif
