/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/quant.h"

#include "quant/kernels.h"
#include "tensor/ggml_type.h"

enum {
	/* Elements between two looks at faults: so much is searched again when there is one. */
	PIECE = 64 * 1024,
};

bool bake_quant_can_encode(uint32_t ggml_type)
{
	return ggml_type < QUANT_TYPES && bake_quant_scalar.encode[ggml_type];
}

bool bake_quant_can_decode(uint32_t ggml_type)
{
	return ggml_type < QUANT_TYPES && bake_quant_scalar.decode[ggml_type];
}

bool bake_quant_encode(uint32_t ggml_type, const float *from, size_t count, void *to,
	bool allow_nonfinite, struct bake_quant_fault *out_fault)
{
	const struct bake_ggml_type *type = bake_ggml_type_find(ggml_type);
	bake_quant_encoder *encode;
	uint8_t *next = to;

	*out_fault = (struct bake_quant_fault){BAKE_QUANT_FAULT_NONE, 0};
	if (!bake_quant_can_encode(ggml_type) || count % type->block)
		return false;
	encode = bake_quant_find_encoder(ggml_type);
	for (size_t at = 0; at < count;) {
		size_t piece = count - at < PIECE ? count - at : PIECE;

		if (!encode(from + at, piece, next) && !allow_nonfinite) {
			*out_fault = bake_quant_find_fault(ggml_type, from + at, piece);
			out_fault->index += at;
			return false;
		}
		next += piece / type->block * type->block_bytes;
		at += piece;
	}
	return true;
}

bool bake_quant_decode(uint32_t ggml_type, const void *from, size_t count, float *to)
{
	const struct bake_ggml_type *type = bake_ggml_type_find(ggml_type);

	if (!bake_quant_can_decode(ggml_type) || count % type->block)
		return false;
	bake_quant_find_decoder(ggml_type)(from, count, to);
	return true;
}
