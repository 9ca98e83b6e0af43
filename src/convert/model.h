/* SPDX-License-Identifier: Apache-2.0 */
/* A model that is to be converted: its files, and the tensors that are in them. */
#ifndef CONVERT_MODEL_H
#define CONVERT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "ops/model_header.h"
#include "tensor/dtype.h"
#include "tensor/ggml_type.h"

enum {
	/* A model's shards are hundreds at most; each is a descriptor. */
	BAKE_CONVERT_FILES_MAX = 1024
};

/* An element type as both formats know it. */
struct bake_convert_type {
	const struct bake_ggml_type *ggml; /* NULL: GGUF has no such type */
	enum bake_dtype dtype;		   /* NONE: safetensors has no such type */
};

struct bake_convert_type bake_convert_type_of_dtype(enum bake_dtype dtype);
struct bake_convert_type bake_convert_type_of_ggml(const struct bake_ggml_type *ggml);

/* Same bytes for the same values. */
bool bake_convert_type_equal(struct bake_convert_type a, struct bake_convert_type b);

/* Elements that are stored together, and their bytes. */
uint32_t bake_convert_type_block(struct bake_convert_type type);
uint32_t bake_convert_type_block_bytes(struct bake_convert_type type);

enum {
	BAKE_CONVERT_TYPE_TEXT = 24
};

/* "BF16", "Q4_0", "Q4_K". Returns text. */
const char *bake_convert_type_name(
	struct bake_convert_type type, char text[BAKE_CONVERT_TYPE_TEXT]);
#define BAKE_TYPE_NAME(type) bake_convert_type_name((type), (char[BAKE_CONVERT_TYPE_TEXT]){0})

struct bake_convert_file {
	const char *path; /* for opening it, and for messages */
	int fd;
	uint64_t bytes;
	struct bake_model_header header;
};

struct bake_convert_tensor {
	const char *name; /* UTF-8; shown only through BAKE_SHOW */
	struct bake_convert_type type;
	uint32_t rank;
	const uint64_t *shape; /* as PyTorch prints it: the last dimension is the row */
	uint64_t elements;
	uint64_t row; /* 1 of a scalar */
	size_t file;
	uint64_t offset; /* in the file */
	uint64_t bytes;
};

struct bake_convert_model {
	struct bake_arena arena;
	enum bake_weights_format format;
	const char *path; /* what was opened: the only file, the index, the first part */
	const char *stem; /* path without what says that it is this format, or a part */
	struct bake_convert_file *files;
	size_t file_count;
	struct bake_convert_tensor *tensors; /* by file, then by offset */
	size_t tensor_count;
	const struct bake_convert_tensor **by_name; /* sorted, all different */
	uint64_t bytes;				    /* of all files */
};

/*
 * path is a file of weights, the index of shards, a part of a split GGUF file (then all parts are
 * opened), or a directory with one of these. Errors: convert.format, convert.part, convert.several,
 * convert.nothing, those of the files' readers and of shards.
 */
enum bake_status bake_convert_model_open(
	const char *path, struct bake_convert_model **out, struct bake_error *err) BAKE_CHECKED;
void bake_convert_model_close(struct bake_convert_model **model);

/* Whether a file of that name is a model by itself: no shard, and the first part of a split. format
 * ("gguf", "safetensors") may be NULL for any. */
bool bake_convert_is_candidate(const char *path, const char *format);

/* The tensor of that name; NULL when there is none. */
const struct bake_convert_tensor *bake_convert_model_find(
	const struct bake_convert_model *model, const char *name);

/* The first file's metadata; NULL of another format. */
const struct bake_gguf *bake_convert_model_gguf(const struct bake_convert_model *model);

#endif
