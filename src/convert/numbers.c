/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/numbers.h"

#include <string.h>

#include "base/num.h"
#include "format/values.h"

static void decode(struct bake_convert_type type, const uint8_t *in, size_t count, float *out)
{
	if (type.dtype == BAKE_DTYPE_F8_E4M3)
		bake_f8_e4m3_decode(in, count, out);
	else if (type.dtype == BAKE_DTYPE_F8_E5M2)
		bake_f8_e5m2_decode(in, count, out);
	else
		(void)bake_quant_decode(type.ggml->id, in, count, out);
}

bool bake_numbers_readable(struct bake_convert_type type)
{
	return type.dtype == BAKE_DTYPE_F8_E4M3 || type.dtype == BAKE_DTYPE_F8_E5M2 ||
	       (type.ggml && bake_quant_can_decode(type.ggml->id));
}

void bake_numbers_read(struct bake_convert_type type, const uint8_t *in, size_t count, float *out)
{
	decode(type, in, count, out);
}

static void multiply(float *values, size_t count, float by)
{
	for (size_t i = 0; i < count; i++)
		values[i] *= by;
}

/* How many elements from element on have the same scale, and which. */
static uint64_t run_of(const struct bake_scale_values *scale, uint64_t element, float *out)
{
	uint64_t row = element / scale->row;
	uint64_t column = element % scale->row;
	uint64_t rest = scale->row - column;

	if (scale->kind == BAKE_SCALE_ROWS) {
		*out = scale->values[row];
		return rest;
	}
	*out = scale->values[row / BAKE_SCALE_BLOCK * scale->columns + column / BAKE_SCALE_BLOCK];
	return bake_u64_min(rest, BAKE_SCALE_BLOCK - column % BAKE_SCALE_BLOCK);
}

static void scale(
	const struct bake_scale_values *scale, uint64_t first, size_t count, float *values)
{
	if (scale->kind == BAKE_SCALE_NONE)
		return;
	if (scale->kind == BAKE_SCALE_ONE) {
		multiply(values, count, scale->values[0]);
		return;
	}
	for (size_t at = 0; at < count;) {
		float by;
		size_t run = (size_t)bake_u64_min(run_of(scale, first + at, &by), count - at);

		multiply(values + at, run, by);
		at += run;
	}
}

static const char *describe(enum bake_quant_fault_kind kind)
{
	static const char *const texts[] = {
		[BAKE_QUANT_FAULT_NONE] = "cannot be converted",
		[BAKE_QUANT_FAULT_NAN] = "is NaN",
		[BAKE_QUANT_FAULT_INF] = "is infinite",
		[BAKE_QUANT_FAULT_SCALE] = "is too large for the scale of its block",
		[BAKE_QUANT_FAULT_VALUE] = "is too large for the type",
	};

	return texts[kind];
}

/* The bytes stay; whether they are numbers is looked at all the same. */
static void copy(const struct bake_numbers *numbers, struct bake_numbers_fault *fault)
{
	const struct bake_convert_type type = numbers->item->from->type;
	struct bake_values values;
	size_t len = (size_t)(numbers->count / bake_convert_type_block(type) *
			      bake_convert_type_block_bytes(type));
	bool looked_at = type.dtype != BAKE_DTYPE_NONE ? bake_values_init_dtype(&values, type.dtype)
						       : bake_values_init_ggml(&values, type.ggml);

	memcpy(numbers->out, numbers->in, len);
	if (numbers->allow_nonfinite || !looked_at)
		return;
	bake_values_scan(&values, bake_span(numbers->in, len));
	if (values.nan == 0 && values.inf == 0)
		return;
	fault->what = values.nan ? "is NaN" : "is infinite";
	fault->element = numbers->first + values.first * bake_convert_type_block(type);
}

void bake_numbers_convert(
	const struct bake_numbers *numbers, float *scratch, struct bake_numbers_fault *fault)
{
	const struct bake_convert_item *item = numbers->item;
	const struct bake_convert_type from = item->from->type;
	const uint8_t *in = numbers->in;
	uint8_t *out = numbers->out;

	if (bake_convert_type_equal(from, item->to) && item->scale.kind == BAKE_SCALE_NONE) {
		copy(numbers, fault);
		return;
	}
	for (uint64_t at = 0; at < numbers->count; at += BAKE_NUMBERS_STEP) {
		size_t count = (size_t)bake_u64_min(numbers->count - at, BAKE_NUMBERS_STEP);
		struct bake_quant_fault wrong = {.kind = BAKE_QUANT_FAULT_NONE};

		decode(from, in, count, scratch);
		scale(&numbers->scale, numbers->first + at, count, scratch);
		if (!bake_quant_encode(item->to.ggml->id, scratch, count, out,
			    numbers->allow_nonfinite, &wrong)) {
			fault->what = describe(wrong.kind);
			fault->element = numbers->first + at + wrong.index;
			return;
		}
		in += count / bake_convert_type_block(from) * bake_convert_type_block_bytes(from);
		out += count / item->to.ggml->block * item->to.ggml->block_bytes;
	}
}
