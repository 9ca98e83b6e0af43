/* SPDX-License-Identifier: Apache-2.0 */
/* Any values to every type, and any blocks back: each instruction set as plain C does it. */
#include "fuzz/fuzz.h"
#include "quant/quant.h"
#include "tensor/ggml_type.h"

enum {
	COUNT_MAX = 1024, /* elements */
};

static bool same(const float *a, const float *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool equal = memcmp(a + i, b + i, sizeof(*a)) == 0;

		if (!equal && !(__builtin_isnan(a[i]) && __builtin_isnan(b[i])))
			return false;
	}
	return true;
}

static void encode(uint32_t id, enum bake_quant_isa isa, const float *values, size_t count)
{
	static uint8_t blocks[2][COUNT_MAX * sizeof(float)];
	const struct bake_ggml_type *type = bake_ggml_type_find(id);
	struct bake_quant_fault fault[2];
	bool good[2];

	count = count / type->block * type->block;
	for (unsigned side = 0; side < 2; side++) {
		CLAIM(bake_quant_use(side ? isa : BAKE_QUANT_SCALAR));
		CLAIM(bake_quant_encode(id, values, count, blocks[side], true, &fault[side]));
	}
	CLAIM(memcmp(blocks[0], blocks[1], count / type->block * type->block_bytes) == 0);
	for (unsigned side = 0; side < 2; side++) {
		CLAIM(bake_quant_use(side ? isa : BAKE_QUANT_SCALAR));
		good[side] =
			bake_quant_encode(id, values, count, blocks[side], false, &fault[side]);
		CLAIM(good[side] == (fault[side].kind == BAKE_QUANT_FAULT_NONE));
		CLAIM(good[side] || fault[side].index < count);
	}
	CLAIM(good[0] == good[1] && fault[0].kind == fault[1].kind &&
		fault[0].index == fault[1].index);
}

static void decode(uint32_t id, enum bake_quant_isa isa, const uint8_t *data, size_t size)
{
	static float values[2][COUNT_MAX];
	const struct bake_ggml_type *type = bake_ggml_type_find(id);
	size_t count = size / type->block_bytes * type->block;

	count = (count < COUNT_MAX ? count : COUNT_MAX) / type->block * type->block;
	for (unsigned side = 0; side < 2; side++) {
		CLAIM(bake_quant_use(side ? isa : BAKE_QUANT_SCALAR));
		CLAIM(bake_quant_decode(id, data, count, values[side]));
	}
	CLAIM(same(values[0], values[1], count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static float values[COUNT_MAX];
	size_t count = size / sizeof(float) < COUNT_MAX ? size / sizeof(float) : COUNT_MAX;

	if (count)
		memcpy(values, data, count * sizeof(float));
	for (unsigned isa = 0; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_isa_runs(isa))
			continue;
		for (uint32_t id = 0; bake_ggml_type_find(id); id++) {
			if (bake_quant_can_encode(id))
				encode(id, isa, values, count);
			if (bake_quant_can_decode(id))
				decode(id, isa, data, size);
		}
	}
	return 0;
}
