/* SPDX-License-Identifier: Apache-2.0 */
/* "STEM.safetensors.index.json": which file of a sharded model has which tensor. */
#ifndef FORMAT_SHARDS_H
#define FORMAT_SHARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "format/safetensors.h"

enum {
	BAKE_SHARDS_BYTES_MAX = 128 * 1024 * 1024, /* of the document */
	BAKE_SHARDS_MAX = 65536			   /* files */
};

struct bake_shard_entry {
	const char *tensor;
	size_t file; /* in files */
};

struct bake_shards {
	struct bake_arena arena;
	const char **files; /* plain names beside the index, sorted, each once */
	size_t file_count;
	struct bake_shard_entry *entries; /* sorted by file, then tensor */
	size_t entry_count;
	uint64_t total_size; /* bytes of all tensors, when has_total_size */
	bool has_total_size;
	const char **warnings;
	size_t warning_count;
};

/* Errors are BAKE_ERR_DATA: json.*, shard.index (no weight_map, a value that is no text),
 * shard.path (a file that is no plain name), shard.limit. A total_size that is no integer is a
 * warning. */
enum bake_status bake_shards_parse(struct bake_span text, const char *name,
	struct bake_shards **out, struct bake_error *err) BAKE_CHECKED;
void bake_shards_free(struct bake_shards **shards);

/* Whether a file's name is that of a shard index: "model.safetensors.index.json", or of a variant,
 * "model.safetensors.index.fp16.json". */
bool bake_shards_is_index(const char *path);

/*
 * Compares with the headers of the files: headers[i] belongs to files[i]. BAKE_ERR_DATA:
 * shard.missing-tensor (mapped to a file that has it not), shard.extra-tensor (in a file, and not
 * mapped to it), shard.duplicate (in two files). *out_stale_size: total_size is not the sum of the
 * files' tensors. Whether that is an error is the caller's: indexes of quantised models are stale.
 */
enum bake_status bake_shards_check(const struct bake_shards *shards, const char *name,
	const struct bake_safetensors *const *headers, bool *out_stale_size,
	struct bake_error *err) BAKE_CHECKED;

#endif
