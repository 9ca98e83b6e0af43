/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights from float32 into ggml's types and back, byte for byte as ggml's reference does it when
 * no multiplication and addition are fused. Which instructions compute it is chosen at run time and
 * makes no difference to the bytes. Everything here can be called from any thread.
 */
#ifndef QUANT_QUANT_H
#define QUANT_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ids of src/tensor/ggml_type.h that are read here; those up to Q8_0, and BF16, are written. */
enum bake_quant_type {
	BAKE_QUANT_F32 = 0,
	BAKE_QUANT_F16 = 1,
	BAKE_QUANT_Q4_0 = 2,
	BAKE_QUANT_Q4_1 = 3,
	BAKE_QUANT_Q5_0 = 6,
	BAKE_QUANT_Q5_1 = 7,
	BAKE_QUANT_Q8_0 = 8,
	BAKE_QUANT_Q2_K = 10,
	BAKE_QUANT_Q3_K = 11,
	BAKE_QUANT_Q4_K = 12,
	BAKE_QUANT_Q5_K = 13,
	BAKE_QUANT_Q6_K = 14,
	BAKE_QUANT_Q8_K = 15,
	BAKE_QUANT_IQ4_NL = 20,
	BAKE_QUANT_IQ4_XS = 23,
	BAKE_QUANT_F64 = 28,
	BAKE_QUANT_BF16 = 30,
};

enum bake_quant_fault_kind {
	BAKE_QUANT_FAULT_NONE,
	BAKE_QUANT_FAULT_NAN,	/* the element is not a number */
	BAKE_QUANT_FAULT_INF,	/* the element is infinite */
	BAKE_QUANT_FAULT_SCALE, /* the block's scale or minimum is beyond float16 */
	BAKE_QUANT_FAULT_VALUE, /* the element is beyond the type, and would become infinite */
};

struct bake_quant_fault {
	enum bake_quant_fault_kind kind;
	size_t index; /* of the element: of a scale, the one of the largest magnitude in the block */
};

bool bake_quant_can_encode(uint32_t ggml_type);
bool bake_quant_can_decode(uint32_t ggml_type);

/*
 * Writes count values, a whole number of blocks, as the type. False on the first fault, which is
 * in *out_fault; what is written then is worth nothing. With allow_nonfinite nothing is a fault, and
 * blocks that hold one get the bytes that the reference writes on x86-64. False with the kind NONE:
 * the type is not written here, or count is no whole number of its blocks. to needs no alignment.
 */
bool bake_quant_encode(uint32_t ggml_type, const float *from, size_t count, void *to,
	bool allow_nonfinite, struct bake_quant_fault *out_fault);

/* Reads count values, a whole number of blocks. False when the type is not read here, or count is
 * no whole number of its blocks. from needs no alignment. */
bool bake_quant_decode(uint32_t ggml_type, const void *from, size_t count, float *to);

/* The eight-bit floats of the Open Compute Project: E4M3 has no infinity and 448 as its largest
 * (safetensors: F8_E4M3), E5M2 is the upper half of a float16. All are exact in float16, too. */
float bake_f8_e4m3_to_f32(uint8_t bits);
float bake_f8_e5m2_to_f32(uint8_t bits);
void bake_f8_e4m3_decode(const uint8_t *from, size_t count, float *to);
void bake_f8_e5m2_decode(const uint8_t *from, size_t count, float *to);

/* What computes. The best that the machine has is used unless told otherwise. */
enum bake_quant_isa {
	BAKE_QUANT_SCALAR,
	BAKE_QUANT_AVX2, /* with F16C, which has been there as long */
	BAKE_QUANT_AVX512,
	BAKE_QUANT_NEON,
	BAKE_QUANT_ISAS,
};

const char *bake_quant_isa_name(enum bake_quant_isa isa);

/* Whether this program has it, and this machine with its operating system runs it. */
bool bake_quant_isa_runs(enum bake_quant_isa isa);

/* For tests: from now on, in all threads. False when it does not run here. The environment variable
 * BAKE_SIMD (scalar, avx2, avx512, neon) does so for a program; what does not run is not heeded. */
bool bake_quant_use(enum bake_quant_isa isa);
enum bake_quant_isa bake_quant_used(void);

#endif
