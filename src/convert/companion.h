/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors that only mean something beside another one: the scales of F8 weights, by which these must
 * be multiplied, and what packed four-bit weights are made of, which cannot be converted.
 */
#ifndef CONVERT_COMPANION_H
#define CONVERT_COMPANION_H

#include "convert/model.h"

enum bake_scale_kind {
	BAKE_SCALE_NONE,
	BAKE_SCALE_ONE,	   /* one number for all */
	BAKE_SCALE_ROWS,   /* one for each index of the first dimension */
	BAKE_SCALE_BLOCKS, /* one for each 128 by 128 elements */
};

enum {
	BAKE_SCALE_BLOCK = 128
};

struct bake_scale {
	enum bake_scale_kind kind;
	const struct bake_convert_tensor *tensor; /* NULL: none */
};

/*
 * Whether all of the model's tensors can be read as numbers: BAKE_ERR_DATA convert.packed names what
 * they are packed by and what to convert instead, convert.scale a companion whose meaning is not
 * known. Reads small tensors that say what their neighbour is.
 */
enum bake_status bake_companions_check(
	const struct bake_convert_model *model, struct bake_error *err) BAKE_CHECKED;

/* Whether tensor is the companion of another one, or a marker: it is no weight. */
bool bake_companion_is(
	const struct bake_convert_model *model, const struct bake_convert_tensor *tensor);

/* The scale of an F8 tensor. BAKE_ERR_DATA convert.scale when its shape fits nothing known. */
enum bake_status bake_companion_scale(const struct bake_convert_model *model,
	const struct bake_convert_tensor *tensor, struct bake_scale *out,
	struct bake_error *err) BAKE_CHECKED;

/* What the tensors are packed by, "GPTQ"; NULL when they are not. *out_tensor shows it. */
const char *bake_companion_packed(
	const struct bake_convert_model *model, const struct bake_convert_tensor **out_tensor);

#endif
