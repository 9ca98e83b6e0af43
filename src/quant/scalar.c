/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/kernels.h"

const struct bake_quant_kernels bake_quant_scalar = {
	.encode =
		{
			[BAKE_QUANT_F32] = bake_quant_encode_f32,
			[BAKE_QUANT_F16] = bake_quant_encode_f16,
			[BAKE_QUANT_BF16] = bake_quant_encode_bf16,
			[BAKE_QUANT_Q4_0] = bake_quant_encode_q4_0,
			[BAKE_QUANT_Q4_1] = bake_quant_encode_q4_1,
			[BAKE_QUANT_Q5_0] = bake_quant_encode_q5_0,
			[BAKE_QUANT_Q5_1] = bake_quant_encode_q5_1,
			[BAKE_QUANT_Q8_0] = bake_quant_encode_q8_0,
		},
	.decode =
		{
			[BAKE_QUANT_F32] = bake_quant_decode_f32,
			[BAKE_QUANT_F64] = bake_quant_decode_f64,
			[BAKE_QUANT_F16] = bake_quant_decode_f16,
			[BAKE_QUANT_BF16] = bake_quant_decode_bf16,
			[BAKE_QUANT_Q4_0] = bake_quant_decode_q4_0,
			[BAKE_QUANT_Q4_1] = bake_quant_decode_q4_1,
			[BAKE_QUANT_Q5_0] = bake_quant_decode_q5_0,
			[BAKE_QUANT_Q5_1] = bake_quant_decode_q5_1,
			[BAKE_QUANT_Q8_0] = bake_quant_decode_q8_0,
			[BAKE_QUANT_IQ4_NL] = bake_quant_decode_iq4_nl,
			[BAKE_QUANT_Q2_K] = bake_quant_decode_q2_k,
			[BAKE_QUANT_Q3_K] = bake_quant_decode_q3_k,
			[BAKE_QUANT_Q4_K] = bake_quant_decode_q4_k,
			[BAKE_QUANT_Q5_K] = bake_quant_decode_q5_k,
			[BAKE_QUANT_Q6_K] = bake_quant_decode_q6_k,
			[BAKE_QUANT_Q8_K] = bake_quant_decode_q8_k,
			[BAKE_QUANT_IQ4_XS] = bake_quant_decode_iq4_xs,
		},
};
