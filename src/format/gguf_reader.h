/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place in a GGUF header that is being read. Inside format only. What reads returns false when
 * it cannot go on: then either status is a failure, or need says how long head must be.
 */
#ifndef FORMAT_GGUF_READER_H
#define FORMAT_GGUF_READER_H

#include "format/gguf.h"

/* The least that a pair and a tensor's description take: from version 2 on, and in version 1. */
enum {
	BAKE_GGUF_KV_BYTES_MIN = 8 + 1 + 4 + 1,
	BAKE_GGUF_KV_BYTES_MIN_V1 = 4 + 1 + 4 + 1,
	BAKE_GGUF_TENSOR_BYTES_MIN = 8 + 0 + 4 + 4 + 8,
	BAKE_GGUF_TENSOR_BYTES_MIN_V1 = 4 + 0 + 4 + 4 + 8
};

/* What is odd. Each is said once, of the first one that is so. */
enum bake_gguf_oddity {
	BAKE_GGUF_ODD_VERSION,
	BAKE_GGUF_ODD_ENDIAN,
	BAKE_GGUF_ODD_ALIGNMENT,
	BAKE_GGUF_ODD_NAME,
	BAKE_GGUF_ODD_DIMS,
	BAKE_GGUF_ODD_TYPE,
	BAKE_GGUF_ODD_EMPTY,
	BAKE_GGUF_ODD_NONE,
	BAKE_GGUF_ODD_TAIL,
	BAKE_GGUF_ODDITIES
};

enum {
	BAKE_GGUF_WARNING_MAX = 400
};

struct bake_gguf_reader {
	struct bake_span head; /* never longer than the file */
	uint64_t file_bytes;
	const char *file; /* its name, for messages */
	enum bake_gguf_mode mode;
	uint64_t at;	  /* read up to here: at most head.len and BAKE_GGUF_HEADER_MAX */
	const char *what; /* "key" or "tensor" when whose is what is being read, else NULL */
	struct bake_span whose;
	struct bake_gguf *gguf;
	struct {
		uint64_t count;
		char first[BAKE_GGUF_WARNING_MAX];
	} oddities[BAKE_GGUF_ODDITIES];
	enum bake_status status;
	uint64_t need;
	struct bake_error *err;
};

/* The failure is at that offset of the file. Always false. */
bool bake_gguf_refuse(struct bake_gguf_reader *reader, uint64_t offset, const char *id,
	const char *format, ...) BAKE_PRINTF(4, 5);
bool bake_gguf_refuse_memory(struct bake_gguf_reader *reader);

void bake_gguf_warn(struct bake_gguf_reader *reader, enum bake_gguf_oddity oddity,
	const char *format, ...) BAKE_PRINTF(3, 4);

/* The next len bytes. */
bool bake_gguf_take(struct bake_gguf_reader *reader, uint64_t len, struct bake_span *out);

/* That the next len bytes are in head, without taking them. */
bool bake_gguf_expect(struct bake_gguf_reader *reader, uint64_t len);

bool bake_gguf_take_u32(struct bake_gguf_reader *reader, uint32_t *out);
bool bake_gguf_take_u64(struct bake_gguf_reader *reader, uint64_t *out);

/* A length, a count or a dimension: 64 bits, but 32 in version 1. */
bool bake_gguf_take_size(struct bake_gguf_reader *reader, uint64_t *out);

/* A string of at most max bytes; a longer one fails with id. */
bool bake_gguf_take_string(
	struct bake_gguf_reader *reader, uint64_t max, const char *id, struct bake_span *out);

/* That name is UTF-8 without NUL; else fails with id. */
bool bake_gguf_check_name(
	struct bake_gguf_reader *reader, uint64_t offset, const char *id, struct bake_span name);

/* All pairs, then all tensors; the counts are in gguf, and backed by that many least bytes. */
bool bake_gguf_read_keys(struct bake_gguf_reader *reader);
bool bake_gguf_read_tensors(struct bake_gguf_reader *reader);

/* Where the tensors are, and that they are within the file. */
bool bake_gguf_lay_out(struct bake_gguf_reader *reader);

/* An unsigned number of width bytes (1, 2, 4 or 8) in the file's byte order. */
uint64_t bake_gguf_number(const uint8_t *bytes, size_t width, bool big_endian);

/* Bytes of a value or element; 0 of those that vary. */
size_t bake_gguf_kind_bytes(enum bake_gguf_kind kind);

struct bake_gguf_name {
	uint64_t hash;
	const struct bake_span *name;
	size_t index;
};

/*
 * Sorts names, whose name and index are set. *out_again becomes the smallest index of a name that
 * an earlier one has, too; count when all differ.
 */
void bake_gguf_sort_names(struct bake_gguf_name *names, size_t count, size_t *out_again);

/* The entry of that name among sorted ones, or NULL. */
const struct bake_gguf_name *bake_gguf_search_names(
	const struct bake_gguf_name *names, size_t count, struct bake_span name);

#endif
