/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model remembers of the tokens it has seen, by layer: keys and values of each token where
 * there is full attention, of the last ones where there is a window, a state of fixed size where a
 * layer is recurrent, and nothing where a layer uses the cache of another or is not run.
 */
#ifndef ARCH_KV_H
#define ARCH_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"

enum {
	BAKE_KV_GROUPS_MAX = 64,
	BAKE_KV_LAYERS_MAX = 8192, /* sixteen times what llama.cpp loads */
	BAKE_KV_STATE_BYTES = 4,   /* of an element of recurrent state: f32 */
	BAKE_KV_TEXT = 240
};

/* How elements of the cache are stored: block of them in bytes. */
struct bake_kv_type {
	const char *name; /* as the engines call it: "q8_0" */
	uint32_t block;
	uint32_t bytes;
};

/* By name, in any case; "fp16", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2" and the like
 * are found, too. NULL when there is none. */
const struct bake_kv_type *bake_kv_type_find(const char *name);

/* The names for a message: "f16, bf16, ...". */
extern const char bake_kv_type_names[];

/* Bytes of a row of elements, whole blocks. Saturates, as all that follows. */
uint64_t bake_kv_type_bytes(const struct bake_kv_type *type, uint64_t elements);

/* Layers that are alike. */
struct bake_kv_group {
	uint64_t layers;
	uint64_t keys;	 /* elements per token */
	uint64_t values; /* 0 with MLA: the one latent stands for both */
	uint64_t window; /* tokens that are seen; 0: all */
};

struct bake_kv {
	bool known;		    /* whether the groups are all there is */
	bool causal;		    /* false: an encoder, which keeps nothing */
	bool latent;		    /* MLA */
	char because[BAKE_KV_TEXT]; /* how it follows from the facts, or which are missing */
	struct bake_kv_group groups[BAKE_KV_GROUPS_MAX];
	size_t group_count;
	uint64_t layers;
	uint64_t nextn_layers;	/* at the end, not run */
	uint64_t shared_layers; /* before those, with the cache of others */
	uint64_t recurrent_min; /* layers that are recurrent for certain */
	uint64_t recurrent_max; /* with those that may be: the facts do not say */
	bool state_known;
	uint64_t state_elements; /* of a recurrent layer, for each sequence */
	char state_because[BAKE_KV_TEXT];
};

void bake_kv_read(const struct bake_arch *arch, struct bake_kv *out);

/* The types of keys and of values. */
struct bake_kv_types {
	const struct bake_kv_type *key;
	const struct bake_kv_type *value;
};

/* What one more token takes: in layers with full attention only, or in all. */
uint64_t bake_kv_token_bytes_min(const struct bake_kv *kv, struct bake_kv_types types);
uint64_t bake_kv_token_bytes_max(const struct bake_kv *kv, struct bake_kv_types types);

/* Tokens that an engine keeps of a window. */
typedef uint64_t bake_kv_window_fn(const void *context, uint64_t window);

/* The cache with tokens in layers of full attention, and what keep says in those with a window.
 * A NULL keep: tokens there, too. */
uint64_t bake_kv_bytes(const struct bake_kv *kv, struct bake_kv_types types, uint64_t tokens,
	bake_kv_window_fn *keep, const void *context);

/* Recurrent state of that many layers for that many sequences. */
uint64_t bake_kv_state_bytes(const struct bake_kv *kv, uint64_t layers, uint64_t sequences);

/* The largest window of any layer; 0: there is none. */
uint64_t bake_kv_window_max(const struct bake_kv *kv);

/* Whether every row of keys and values is whole blocks: else engines refuse the type. */
bool bake_kv_types_divide(const struct bake_kv *kv, struct bake_kv_types types, uint64_t head_dim);

#endif
