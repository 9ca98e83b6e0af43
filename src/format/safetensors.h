/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a safetensors file (huggingface/safetensors, README "Format"). A pure function over
 * the file's beginning and its length, with the rules of the reference implementation.
 */
#ifndef FORMAT_SAFETENSORS_H
#define FORMAT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "tensor/dtype.h"

enum {
	BAKE_ST_HEADER_MAX = 100000000, /* bytes of JSON, as the reference has it */
	BAKE_ST_TENSORS_MAX = 1000000,
	BAKE_ST_METADATA_MAX = 65536,
	BAKE_ST_RANK_MAX = 64
};

struct bake_st_tensor {
	const char *name;
	enum bake_dtype dtype;
	uint32_t rank;
	const uint64_t *shape; /* the last dimension is the row: the reverse of GGUF */
	uint64_t elements;
	uint64_t begin; /* from the start of the data */
	uint64_t end;
};

struct bake_st_metadata {
	const char *key;
	const char *value;
};

struct bake_safetensors {
	struct bake_arena arena;	/* owns everything below; nothing is borrowed */
	struct bake_st_tensor *tensors; /* by offset: contiguous from 0 to data_bytes */
	size_t tensor_count;
	struct bake_st_metadata *metadata; /* __metadata__, in document order */
	size_t metadata_count;
	uint64_t header_bytes; /* of the JSON, without the eight bytes of its length */
	uint64_t data_offset;  /* 8 + header_bytes */
	uint64_t data_bytes;
	const char **warnings; /* what is odd and still read, in printable ASCII */
	size_t warning_count;
};

/*
 * head is the beginning of the file of file_bytes, or all of it. When the header goes on behind
 * head, the status is BAKE_OK, *out stays NULL and *out_need is how many bytes head must have.
 *
 * Errors are BAKE_ERR_DATA: st.header (length, JSON, UTF-8, a tensor described twice or wrongly),
 * st.dtype, st.shape, st.offsets (the tensor in the message), st.limit, st.truncated (the file is
 * shorter than its tensors). Policy and integrity are the caller's: see format/sniff.h.
 */
enum bake_status bake_safetensors_parse(struct bake_span head, uint64_t file_bytes,
	const char *name, uint64_t *out_need, struct bake_safetensors **out,
	struct bake_error *err) BAKE_CHECKED;
void bake_safetensors_free(struct bake_safetensors **file);

/* The value of that key of __metadata__; NULL when there is none. */
const char *bake_safetensors_metadata(const struct bake_safetensors *file, const char *key);

#endif
