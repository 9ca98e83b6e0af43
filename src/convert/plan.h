/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of each tensor, and the header of the file that it goes into. A plan is a function of
 * the model's headers and the options: it reads no weights, and the same input gives the same plan.
 * The tensors keep the order that they have in the source.
 */
#ifndef CONVERT_PLAN_H
#define CONVERT_PLAN_H

#include "base/buf.h"
#include "convert/companion.h"
#include "convert/family.h"
#include "convert/model.h"

enum {
	BAKE_CONVERT_RANK_MAX = 5,   /* 3-D convolutions have five dimensions, all else fewer */
	BAKE_CONVERT_NAME_GGML = 63, /* bytes of a tensor's name that ggml reads */
	BAKE_CONVERT_ALIGNMENT = 32,
	BAKE_CONVERT_ALIGNMENT_MAX = 64 * 1024 /* of a GGUF file that is requantised */
};

enum bake_convert_action {
	BAKE_CONVERT_COPY,    /* the bytes as they are */
	BAKE_CONVERT_CAST,    /* to another type, but not the one asked for */
	BAKE_CONVERT_CONVERT, /* to the type asked for, which the source may have already */
	BAKE_CONVERT_DROP     /* it is not in the output */
};

/* "copy", "cast", "convert", "drop". */
const char *bake_convert_action_name(enum bake_convert_action action);

struct bake_convert_item {
	const struct bake_convert_tensor *from;
	const char *name; /* in the output */
	enum bake_convert_action action;
	bool fallback; /* rows are no whole blocks of the type asked for */
	bool reshaped; /* to rows of 256 */
	struct bake_convert_type to;
	const char *why; /* a phrase, for people */
	uint32_t rank;
	const uint64_t *shape; /* as written, the last dimension is the row */
	uint64_t bytes;
	uint64_t offset; /* from the start of the output's data */
	struct bake_scale scale;
};

struct bake_convert_options {
	enum bake_weights_format format;     /* of the output */
	const struct bake_ggml_type *target; /* what is quantised becomes this */
	const char *architecture;	     /* NULL: it is detected */
	const char *const *keep;	     /* patterns of names that are not quantised */
	size_t keep_count;
	const char *const *drop; /* patterns of names that are left out */
	size_t drop_count;
	const char *const *meta; /* "KEY=VALUE", added */
	size_t meta_count;
	bool strict; /* a fallback is a failure */
	bool allow_requantize;
	bool allow_nonfinite;
	bool container_only;
};

struct bake_convert_plan {
	struct bake_arena arena;
	const struct bake_convert_model *model; /* borrowed */
	struct bake_convert_options options;	/* borrowed */
	const struct bake_family *family;	/* NULL: none is known */
	const char *architecture;		/* NULL: none is written */
	struct bake_family_prefix prefix;	/* taken off the names */
	struct bake_convert_item *items;	/* one for each tensor of the model, in its order */
	size_t item_count;
	size_t written; /* tensors in the output */
	size_t converted;
	size_t fallbacks;
	size_t dropped;
	size_t long_names; /* ggml does not read them */
	size_t wide_ranks; /* tensors of five dimensions: likewise */
	uint64_t alignment;
	uint64_t data_bytes; /* with the padding behind the last tensor */
	struct bake_buf header;
};

/* Errors: those of family.h and companion.h, and convert.option, convert.type, convert.fallback,
 * convert.requantized, convert.nothing, convert.limit, convert.metadata. */
enum bake_status bake_convert_plan_make(const struct bake_convert_model *model,
	const struct bake_convert_options *options, struct bake_convert_plan **out,
	struct bake_error *err) BAKE_CHECKED;
void bake_convert_plan_free(struct bake_convert_plan **plan);

/* Bytes of the whole output. */
uint64_t bake_convert_plan_bytes(const struct bake_convert_plan *plan);

/* Zeros behind the item's data, up to the next one's. */
uint64_t bake_convert_padding(const struct bake_convert_plan *plan, uint64_t bytes);

#endif
