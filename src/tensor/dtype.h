/* SPDX-License-Identifier: Apache-2.0 */
/* The element types of safetensors files. */
#ifndef TENSOR_DTYPE_H
#define TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the reference's enumeration: its writer puts larger ones first. */
enum bake_dtype {
	BAKE_DTYPE_NONE,
	BAKE_DTYPE_BOOL,
	BAKE_DTYPE_F4,
	BAKE_DTYPE_F6_E2M3,
	BAKE_DTYPE_F6_E3M2,
	BAKE_DTYPE_U8,
	BAKE_DTYPE_I8,
	BAKE_DTYPE_F8_E5M2,
	BAKE_DTYPE_F8_E4M3,
	BAKE_DTYPE_F8_E8M0,
	BAKE_DTYPE_F8_E4M3FNUZ,
	BAKE_DTYPE_F8_E5M2FNUZ,
	BAKE_DTYPE_I16,
	BAKE_DTYPE_U16,
	BAKE_DTYPE_F16,
	BAKE_DTYPE_BF16,
	BAKE_DTYPE_I32,
	BAKE_DTYPE_U32,
	BAKE_DTYPE_F32,
	BAKE_DTYPE_C64,
	BAKE_DTYPE_F64,
	BAKE_DTYPE_I64,
	BAKE_DTYPE_U64,
	BAKE_DTYPES
};

/* By its name in a header, exactly: "BF16". BAKE_DTYPE_NONE when there is none of that name. */
enum bake_dtype bake_dtype_find(const char *name, size_t len);

const char *bake_dtype_name(enum bake_dtype dtype);
unsigned bake_dtype_bits(enum bake_dtype dtype);

/* Whether it holds floating-point numbers. */
bool bake_dtype_is_float(enum bake_dtype dtype);

/* Bytes of that many elements. False when they overflow or fill no whole number of bytes. */
bool bake_dtype_bytes(enum bake_dtype dtype, uint64_t elements, uint64_t *out_bytes);

#endif
