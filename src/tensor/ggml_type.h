/* SPDX-License-Identifier: Apache-2.0 */
/* The tensor types of GGUF files: ids, blocks and bytes as ggml has them. */
#ifndef TENSOR_GGML_TYPE_H
#define TENSOR_GGML_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bake_ggml_type {
	uint32_t id;
	const char *name;     /* as ggml prints it: "q4_K" */
	uint32_t block;	      /* elements that are stored together */
	uint32_t block_bytes; /* what they take */
	bool removed;	      /* no reader has it any more; block and block_bytes are 0 */
};

/* The type of that id; NULL when no version of ggml knew it. Removed types are found, too. */
const struct bake_ggml_type *bake_ggml_type_find(uint32_t id);

/* The type of that name, in any case; NULL when there is none. Removed ones are not found. */
const struct bake_ggml_type *bake_ggml_type_named(const char *name);

/* Whether values of the type are blocks of quants rather than single numbers. */
bool bake_ggml_type_is_quantized(const struct bake_ggml_type *type);

/*
 * Bytes of a tensor with that many elements, rows being row elements long. False when the type is
 * removed, a row is no whole number of blocks, or the product overflows.
 */
bool bake_ggml_type_bytes(
	const struct bake_ggml_type *type, uint64_t row, uint64_t elements, uint64_t *out_bytes);

/* general.file_type as a label, "Q4_K_M": llama.cpp's list (llama_ftype), not ggml's. NULL when
 * the number means nothing. The flag 1024 ("guessed") is ignored. */
const char *bake_gguf_file_type_label(uint64_t file_type);

#endif
