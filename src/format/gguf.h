/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a GGUF file (ggml docs/gguf.md, versions 1 to 3): its metadata and where its
 * tensors are. A pure function over the file's beginning and its length: nothing that is declared
 * is believed before there are bytes for it, and no array is copied.
 */
#ifndef FORMAT_GGUF_H
#define FORMAT_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "tensor/ggml_type.h"

/* Ceilings. What real files have is far below. */
enum {
	BAKE_GGUF_HEADER_MAX = 256 * 1024 * 1024, /* bytes before the data; 4 MB is much */
	BAKE_GGUF_KEYS_MAX = 65536,
	BAKE_GGUF_TENSORS_MAX = 1000000,
	BAKE_GGUF_KEY_MAX = 65535, /* bytes, as the specification says */
	BAKE_GGUF_STRING_MAX = 64 * 1024 * 1024,
	BAKE_GGUF_NAME_MAX = 1024,	       /* of a tensor; ggml itself: 63 */
	BAKE_GGUF_ALIGNMENT_MAX = 1024 * 1024, /* ggml has none; a power of two */
	BAKE_GGUF_DIMS_MAX = 5,		       /* ggml reads 4; files of video models have 5 */
	BAKE_GGUF_DIMS_GGML = 4
};

enum bake_gguf_kind {
	BAKE_GGUF_U8,
	BAKE_GGUF_I8,
	BAKE_GGUF_U16,
	BAKE_GGUF_I16,
	BAKE_GGUF_U32,
	BAKE_GGUF_I32,
	BAKE_GGUF_F32,
	BAKE_GGUF_BOOL,
	BAKE_GGUF_STRING,
	BAKE_GGUF_ARRAY,
	BAKE_GGUF_U64,
	BAKE_GGUF_I64,
	BAKE_GGUF_F64,
	BAKE_GGUF_KINDS
};

struct bake_gguf_kv {
	struct bake_span key; /* valid UTF-8; may be shown only through BAKE_SHOW_SPAN */
	enum bake_gguf_kind kind;
	enum bake_gguf_kind element; /* of an array, else as kind */
	uint64_t count;		     /* elements of an array, else 1 */
	struct bake_span bytes;	     /* the value: a string's text, an array's elements as stored */
	uint64_t offset;	     /* of the key-value pair in the file */
};

struct bake_gguf_tensor {
	struct bake_span name;
	uint32_t dim_count;
	uint64_t dims[BAKE_GGUF_DIMS_MAX]; /* dims[0] is the row; those past dim_count are 1 */
	uint64_t elements;
	uint32_t type_id;
	const struct bake_ggml_type *type; /* NULL only when tolerated (unknown, or removed): its
					      bytes are then the distance to the next tensor */
	uint64_t bytes;
	uint64_t offset; /* from data_offset */
};

struct bake_gguf_name; /* how pairs and tensors are found by name */

struct bake_gguf {
	struct bake_arena arena; /* owns the arrays; texts are borrowed from the bytes parsed */
	uint32_t version;
	bool big_endian; /* numbers are read accordingly */
	uint32_t alignment;
	struct bake_gguf_kv *keys; /* in file order */
	size_t key_count;
	struct bake_gguf_tensor *tensors; /* in file order, which is the order of the data */
	size_t tensor_count;
	uint64_t header_bytes; /* up to the end of the last tensor's description */
	uint64_t data_offset;  /* where tensors count from: padded only when there are any */
	uint64_t data_bytes;   /* of all tensors, padding between them included */
	uint64_t file_bytes;
	const char **warnings; /* what is odd and still read, in printable ASCII */
	size_t warning_count;
	const struct bake_gguf_name *keys_by_name; /* NULL: those who look for one see them all */
	const struct bake_gguf_name *tensors_by_name;
};

enum bake_gguf_mode {
	BAKE_GGUF_STRICT,   /* accept what ggml loads, and tensors that end within the file */
	BAKE_GGUF_TOLERANT, /* also version 1, big-endian files and types nobody knows yet, with a
			       warning each: for looking at, not for loading */
};

/*
 * head is the beginning of the file of file_bytes, or all of it. When the header goes on behind
 * head, the status is BAKE_OK, *out stays NULL and *out_need is how many bytes head must have at
 * least (never more than file_bytes, never more than BAKE_GGUF_HEADER_MAX). head must outlive *out.
 *
 * Errors are BAKE_ERR_DATA with the offset and, where there is one, the key or tensor in the
 * message: gguf.magic (the legacy formats ggml, ggmf and ggjt are named), gguf.version (also
 * big-endian), gguf.count, gguf.key, gguf.string, gguf.type (of a value), gguf.array,
 * gguf.alignment, gguf.tensor (name, dimensions, type), gguf.bounds, gguf.limit, gguf.truncated.
 */
enum bake_status bake_gguf_parse(struct bake_span head, uint64_t file_bytes, const char *name,
	enum bake_gguf_mode mode, uint64_t *out_need, struct bake_gguf **out,
	struct bake_error *err) BAKE_CHECKED;
void bake_gguf_free(struct bake_gguf **gguf);

/* The pair of that key; NULL when there is none. */
const struct bake_gguf_kv *bake_gguf_find(const struct bake_gguf *gguf, const char *key);

/* The tensor of that name; NULL when there is none. */
const struct bake_gguf_tensor *bake_gguf_find_tensor(
	const struct bake_gguf *gguf, const char *name);

/* Element at of a number, a bool or an array of those, as an unsigned number. False when it is no
 * integer or negative. */
bool bake_gguf_u64_at(
	const struct bake_gguf *gguf, const struct bake_gguf_kv *kv, uint64_t at, uint64_t *out);
bool bake_gguf_f64_at(
	const struct bake_gguf *gguf, const struct bake_gguf_kv *kv, uint64_t at, double *out);

/* By key, the only element. False when the key is absent or of another kind. */
bool bake_gguf_u64(const struct bake_gguf *gguf, const char *key, uint64_t *out);
bool bake_gguf_f64(const struct bake_gguf *gguf, const char *key, double *out);
bool bake_gguf_bool(const struct bake_gguf *gguf, const char *key, bool *out);
bool bake_gguf_text(const struct bake_gguf *gguf, const char *key, struct bake_span *out);

/* "PREFIX-00002-of-00003.gguf": number counts from 1. False when path is not so named. The prefix
 * is path's beginning of out_prefix_len bytes. */
bool bake_gguf_split_name(
	const char *path, size_t *out_prefix_len, uint32_t *out_number, uint32_t *out_count);

#endif
