/* SPDX-License-Identifier: Apache-2.0 */
/* A piece of a tensor from one type to another, by way of float32. */
#ifndef CONVERT_NUMBERS_H
#define CONVERT_NUMBERS_H

#include "convert/plan.h"
#include "quant/quant.h"

/* The scale of a tensor, read. */
struct bake_scale_values {
	enum bake_scale_kind kind;
	const float *values;
	uint64_t row;	  /* elements of the tensor that one index of its first dimension has */
	uint64_t columns; /* of blocks: how many a row of them has */
};

struct bake_numbers {
	const struct bake_convert_item *item;
	struct bake_scale_values scale;
	uint64_t first; /* element that the piece begins with: the first of a block of both types */
	uint64_t count; /* elements; whole blocks of both types */
	const uint8_t *in;
	uint8_t *out;
	bool allow_nonfinite;
};

/* What is wrong with an element, and which: of the whole tensor. */
struct bake_numbers_fault {
	const char *what; /* NULL: nothing */
	uint64_t element;
};

/* Whether values of the type can be read as float32. */
bool bake_numbers_readable(struct bake_convert_type type);

/* Fills out with the item's type. scratch has BAKE_NUMBERS_STEP floats. */
enum {
	BAKE_NUMBERS_STEP = 4096 /* what stays in the nearest cache; a multiple of every block */
};
void bake_numbers_convert(
	const struct bake_numbers *numbers, float *scratch, struct bake_numbers_fault *fault);

/* Reads all of a small float tensor. */
void bake_numbers_read(struct bake_convert_type type, const uint8_t *in, size_t count, float *out);

#endif
