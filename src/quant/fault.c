/* SPDX-License-Identifier: Apache-2.0 */
/* Where a fault is, once a kernel said that there is one. */
#include <math.h>

#include "quant/half.h"
#include "quant/kernels.h"

static enum bake_quant_fault_kind nonfinite_kind(float value)
{
	uint32_t rest = bits_of(value) & 0x7fffffff;

	if (rest > 0x7f800000)
		return BAKE_QUANT_FAULT_NAN;
	return rest == 0x7f800000 ? BAKE_QUANT_FAULT_INF : BAKE_QUANT_FAULT_NONE;
}

/* The first that is not finite; else the largest, of which the scale may be too large. */
static struct bake_quant_fault find_in(const float *from, size_t count)
{
	struct bake_quant_fault most = {BAKE_QUANT_FAULT_SCALE, 0};

	for (size_t i = 0; i < count; i++) {
		enum bake_quant_fault_kind kind = nonfinite_kind(from[i]);

		if (kind != BAKE_QUANT_FAULT_NONE)
			return (struct bake_quant_fault){kind, i};
		if (fabsf(from[i]) > fabsf(from[most.index]))
			most.index = i;
	}
	return most;
}

struct bake_quant_fault bake_quant_find_fault(uint32_t type, const float *from, size_t count)
{
	bool plain = type == BAKE_QUANT_F32 || type == BAKE_QUANT_F16 || type == BAKE_QUANT_BF16;
	size_t step = plain ? 1 : QUANT_BLOCK;
	uint8_t block[4 * QUANT_BLOCK];

	for (size_t at = 0; at < count; at += step) {
		struct bake_quant_fault fault;

		if (bake_quant_scalar.encode[type](from + at, step, block))
			continue;
		fault = find_in(from + at, step);
		if (plain && fault.kind == BAKE_QUANT_FAULT_SCALE)
			fault.kind = BAKE_QUANT_FAULT_VALUE;
		fault.index += at;
		return fault;
	}
	return (struct bake_quant_fault){BAKE_QUANT_FAULT_NONE, 0};
}
