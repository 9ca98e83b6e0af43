/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of the instruction sets, as quant.c finds them. */
#ifndef QUANT_KERNELS_H
#define QUANT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quant/quant.h"

enum {
	QUANT_BLOCK = 32,	/* elements of the blocks that are written */
	QUANT_SUPERBLOCK = 256, /* of the K-quants and IQ4_XS */
	QUANT_TYPES = BAKE_QUANT_BF16 + 1,
};

/* Writes count values, whole blocks, faulty or not. False: at least one is faulty. */
typedef bool bake_quant_encoder(const float *from, size_t count, uint8_t *to);

typedef void bake_quant_decoder(const uint8_t *from, size_t count, float *to);

/* By type. What an instruction set has not, a lesser one does. */
struct bake_quant_kernels {
	bake_quant_encoder *encode[QUANT_TYPES];
	bake_quant_decoder *decode[QUANT_TYPES];
};

/* All that there is, in plain C: the measure of the others, and what they leave the strange blocks
 * to (not finite, too large, too small for a reciprocal). */
extern const struct bake_quant_kernels bake_quant_scalar;

/* NULL in programs for other machines. */
extern const struct bake_quant_kernels *const bake_quant_avx2;
extern const struct bake_quant_kernels *const bake_quant_avx512;
extern const struct bake_quant_kernels *const bake_quant_neon;

/* scalar_encode.c */
bake_quant_encoder bake_quant_encode_f32, bake_quant_encode_f16, bake_quant_encode_bf16,
	bake_quant_encode_q4_0, bake_quant_encode_q4_1, bake_quant_encode_q5_0,
	bake_quant_encode_q5_1, bake_quant_encode_q8_0;

/* scalar_decode.c */
bake_quant_decoder bake_quant_decode_f32, bake_quant_decode_f64, bake_quant_decode_f16,
	bake_quant_decode_bf16, bake_quant_decode_q4_0, bake_quant_decode_q4_1,
	bake_quant_decode_q5_0, bake_quant_decode_q5_1, bake_quant_decode_q8_0,
	bake_quant_decode_iq4_nl;

/* scalar_superblocks.c */
bake_quant_decoder bake_quant_decode_q2_k, bake_quant_decode_q3_k, bake_quant_decode_q4_k,
	bake_quant_decode_q5_k, bake_quant_decode_q6_k, bake_quant_decode_q8_k,
	bake_quant_decode_iq4_xs;

/* fault.c: the first fault among count values that are to become the type. */
struct bake_quant_fault bake_quant_find_fault(uint32_t type, const float *from, size_t count);

/* use.c */
bake_quant_encoder *bake_quant_find_encoder(uint32_t type);
bake_quant_decoder *bake_quant_find_decoder(uint32_t type);

#endif
