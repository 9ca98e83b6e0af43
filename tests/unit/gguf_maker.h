/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes small GGUF files in memory, in every version and byte order, also wrong ones:
 *
 *	struct gguf_maker maker = GGUF_MAKER_INIT;
 *
 *	gguf_text(&maker, "general.architecture", "llama");
 *	gguf_u32(&maker, "llama.block_count", 2);
 *	gguf_tensor(&maker, "output.weight", 8, (uint64_t[]){32, 2}, 2);
 *	file = gguf_finish(&maker);
 *	gguf_maker_release(&maker);
 *
 * All pairs come before the first tensor. A test whose memory is short fails.
 */
#ifndef UNIT_GGUF_MAKER_H
#define UNIT_GGUF_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/gguf.h"

enum {
	GGUF_MAKER_MAX = 128 * 1024 * 1024
};

struct gguf_maker {
	struct bake_buf pairs;
	struct bake_buf tensors;
	struct bake_buf file;
	uint32_t version;
	bool big_endian;
	uint32_t alignment; /* of the data; gguf_u32 of general.alignment says it in the file */
	uint64_t key_count; /* as counted; may be changed before gguf_finish */
	uint64_t tensor_count;
	uint64_t data_bytes; /* where the data of the tensors so far ends */
};

#define GGUF_MAKER_INIT                                                                            \
	{                                                                                          \
		.pairs = BAKE_BUF_INIT(GGUF_MAKER_MAX), .tensors = BAKE_BUF_INIT(GGUF_MAKER_MAX),  \
		.file = BAKE_BUF_INIT(GGUF_MAKER_MAX), .version = 3, .alignment = 32,              \
	}

void gguf_maker_release(struct gguf_maker *maker);

void gguf_text(struct gguf_maker *maker, const char *key, const char *text);
void gguf_u32(struct gguf_maker *maker, const char *key, uint32_t value);
void gguf_f32(struct gguf_maker *maker, const char *key, float value);
void gguf_bool(struct gguf_maker *maker, const char *key, bool value);

/* A pair of any kind of number, from its bits. */
void gguf_number(
	struct gguf_maker *maker, const char *key, enum bake_gguf_kind kind, uint64_t bits);
void gguf_numbers(struct gguf_maker *maker, const char *key, enum bake_gguf_kind kind,
	const uint64_t *bits, size_t count);
void gguf_texts(struct gguf_maker *maker, const char *key, const char *const *texts, size_t count);

/* A tensor of a ggml type behind the others. What has no size takes no data. */
void gguf_tensor(struct gguf_maker *maker, const char *name, uint32_t type, const uint64_t *dims,
	uint32_t dim_count);

/* The same at an offset of its own; its data is not counted. */
void gguf_tensor_at(struct gguf_maker *maker, const char *name, uint32_t type, const uint64_t *dims,
	uint32_t dim_count, uint64_t offset);

/* The parts of the above, for what is not whole. */
void gguf_put(struct gguf_maker *maker, struct bake_buf *buf, uint64_t value, size_t width);
void gguf_put_string(struct gguf_maker *maker, struct bake_buf *buf, const char *text, size_t len);

/* The header and zeros for the data, up to the last byte of the last tensor. Owned by maker. */
struct bake_span gguf_finish(struct gguf_maker *maker);

#endif
