/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the parts of the GGUF reader look into a file. A key that is absent says nothing; one with a
 * value that makes no sense is a warning, and then says nothing either. A failure is only of memory.
 */
#ifndef ARCH_GGUF_FACTS_H
#define ARCH_GGUF_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/record.h"
#include "format/gguf.h"

enum {
	BAKE_GGUF_TYPE_MAX = 64,		  /* bytes of an architecture's name */
	BAKE_GGUF_KEY_ROOM = 160,		  /* for one of our keys, with its architecture */
	BAKE_GGUF_COUNT_MAX = 0x7fffffff,	  /* of anything: what is larger, no engine reads */
	BAKE_GGUF_BLOCKS_MAX = BAKE_ARCH_LIST_MAX /* llama.cpp has 512 */
};

/* What the tensors say. */
struct bake_gguf_tensors {
	bool whole; /* all tensors are in this file: it is no part of several */
	uint64_t elements;
	uint64_t blocks;		   /* 1 + the largest N of "blk.N." and its likes */
	const struct bake_ggml_type *main; /* the type with most bytes; NULL when there is none */
	const struct bake_gguf_tensor *embedding; /* "token_embd.weight", NULL when not here */
	bool has_output;
};

struct bake_gguf_in {
	struct bake_arch *arch;
	const struct bake_gguf *gguf;
	const char *path;
	char type[BAKE_GGUF_TYPE_MAX + 1]; /* general.architecture; "" when there is none */
	uint64_t blocks;		   /* block_count: elements of lists; 0: not known */
	struct bake_gguf_tensors tensors;
};

/* A key of a table: "attention.head_count" behind the architecture, or a whole one ("general.",
 * "tokenizer.", "clip."). */
const struct bake_gguf_kv *bake_gguf_in_find(const struct bake_gguf_in *in, const char *suffix);
bool bake_gguf_in_has(const struct bake_gguf_in *in, const char *suffix);

/* "gguf:PATH:KEY" for it. */
struct bake_gguf_source {
	char text[BAKE_ARCH_TEXT_MAX + 1];
};
const char *bake_gguf_in_source(
	const struct bake_gguf_in *in, const char *suffix, struct bake_gguf_source *out);

/* A warning about the key, which exists: "PATH: KEY is 0". */
enum bake_status bake_gguf_in_complain(const struct bake_gguf_in *in, const char *suffix,
	struct bake_error *err, const char *format, ...) BAKE_PRINTF(4, 5);

/* A number from 0 to max. */
enum bake_status bake_gguf_in_number(const struct bake_gguf_in *in, const char *suffix,
	uint64_t max, uint64_t *out, bool *out_said, struct bake_error *err) BAKE_CHECKED;

/* A finite number. One stored in single precision is read as the shortest decimal that means it. */
enum bake_status bake_gguf_in_real(const struct bake_gguf_in *in, const char *suffix, double *out,
	bool *out_said, struct bake_error *err) BAKE_CHECKED;

enum bake_status bake_gguf_in_text(const struct bake_gguf_in *in, const char *suffix,
	struct bake_span *out, bool *out_said, struct bake_error *err) BAKE_CHECKED;

/* A number for the model, or one for each block. */
struct bake_gguf_layers {
	bool said;
	const char *suffix; /* the key */
	uint64_t most;	    /* the number, or the largest of the list */
	uint64_t *list;	    /* in->blocks elements in the record's arena; NULL: one for all */
};
enum bake_status bake_gguf_in_layers(const struct bake_gguf_in *in, const char *suffix,
	uint64_t max, struct bake_gguf_layers *out, struct bake_error *err) BAKE_CHECKED;

/* The parts. */
void bake_gguf_sum_tensors(const struct bake_gguf *gguf, struct bake_gguf_tensors *out);
enum bake_status bake_gguf_read_layers(
	struct bake_gguf_in *in, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_gguf_read_rope(struct bake_gguf_in *in, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_gguf_read_clip(struct bake_gguf_in *in, struct bake_error *err) BAKE_CHECKED;

#endif
