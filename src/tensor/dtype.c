/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/dtype.h"

#include <string.h>

static const struct {
	const char *name;
	unsigned bits;
	bool is_float;
} dtypes[BAKE_DTYPES] = {
	[BAKE_DTYPE_NONE] = {"", 0, false},
	[BAKE_DTYPE_BOOL] = {"BOOL", 8, false},
	[BAKE_DTYPE_F4] = {"F4", 4, true},
	[BAKE_DTYPE_F6_E2M3] = {"F6_E2M3", 6, true},
	[BAKE_DTYPE_F6_E3M2] = {"F6_E3M2", 6, true},
	[BAKE_DTYPE_U8] = {"U8", 8, false},
	[BAKE_DTYPE_I8] = {"I8", 8, false},
	[BAKE_DTYPE_F8_E5M2] = {"F8_E5M2", 8, true},
	[BAKE_DTYPE_F8_E4M3] = {"F8_E4M3", 8, true},
	[BAKE_DTYPE_F8_E8M0] = {"F8_E8M0", 8, true},
	[BAKE_DTYPE_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 8, true},
	[BAKE_DTYPE_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 8, true},
	[BAKE_DTYPE_I16] = {"I16", 16, false},
	[BAKE_DTYPE_U16] = {"U16", 16, false},
	[BAKE_DTYPE_F16] = {"F16", 16, true},
	[BAKE_DTYPE_BF16] = {"BF16", 16, true},
	[BAKE_DTYPE_I32] = {"I32", 32, false},
	[BAKE_DTYPE_U32] = {"U32", 32, false},
	[BAKE_DTYPE_F32] = {"F32", 32, true},
	[BAKE_DTYPE_C64] = {"C64", 64, true},
	[BAKE_DTYPE_F64] = {"F64", 64, true},
	[BAKE_DTYPE_I64] = {"I64", 64, false},
	[BAKE_DTYPE_U64] = {"U64", 64, false},
};

enum bake_dtype bake_dtype_find(const char *name, size_t len)
{
	for (unsigned i = BAKE_DTYPE_NONE + 1; i < BAKE_DTYPES; i++) {
		if (strlen(dtypes[i].name) == len && memcmp(dtypes[i].name, name, len) == 0)
			return (enum bake_dtype)i;
	}
	return BAKE_DTYPE_NONE;
}

const char *bake_dtype_name(enum bake_dtype dtype)
{
	return dtypes[dtype].name;
}

unsigned bake_dtype_bits(enum bake_dtype dtype)
{
	return dtypes[dtype].bits;
}

bool bake_dtype_is_float(enum bake_dtype dtype)
{
	return dtypes[dtype].is_float;
}

bool bake_dtype_bytes(enum bake_dtype dtype, uint64_t elements, uint64_t *out_bytes)
{
	uint64_t bits;

	if (__builtin_mul_overflow(elements, (uint64_t)dtypes[dtype].bits, &bits) || bits % 8)
		return false;
	*out_bytes = bits / 8;
	return true;
}
