/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/quant.h"

#include "quant/kernels.h"
#include "quant/stream.h"
#include "tensor/ggml_type.h"

enum {
	/* Elements between two looks at faults: so much is searched again when there is one. */
	PIECE = 64 * 1024,
	/* Elements of a piece that is made in the cache and written past it. */
	STREAMED = 2048,
	/* Bytes of output from which on that pays: they would not stay in a cache anyway. */
	STREAM_FROM = 16 * 1024 * 1024,
};

struct encoding {
	const struct bake_ggml_type *type;
	bake_quant_encoder *encode;
};

/* One piece, as usual or past the cache. */
static bool encode_piece(
	const struct encoding *how, const float *from, size_t count, uint8_t *to, bool stream)
{
	uint8_t cached[STREAMED * sizeof(float)] __attribute__((aligned(64)));
	bool good = true;

	if (!stream)
		return how->encode(from, count, to);
	for (size_t at = 0; at < count; at += STREAMED) {
		size_t step = count - at < STREAMED ? count - at : STREAMED;
		size_t bytes = step / how->type->block * how->type->block_bytes;

		good &= how->encode(from + at, step, cached);
		quant_stream(to, cached, bytes);
		to += bytes;
	}
	return good;
}

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
	struct encoding how = {.type = type};
	uint8_t *next = to;
	bool stream;

	*out_fault = (struct bake_quant_fault){BAKE_QUANT_FAULT_NONE, 0};
	if (!bake_quant_can_encode(ggml_type) || count % type->block)
		return false;
	how.encode = bake_quant_find_encoder(ggml_type);
	/* Blocks are small beside what they are made of: only plain numbers gain. */
	stream = type->block == 1 && count >= STREAM_FROM / type->block_bytes;
	for (size_t at = 0; at < count;) {
		size_t piece = count - at < PIECE ? count - at : PIECE;

		if (!encode_piece(&how, from + at, piece, next, stream) && !allow_nonfinite) {
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
	float cached[STREAMED] __attribute__((aligned(64)));
	const uint8_t *next = from;
	bake_quant_decoder *decode;

	if (!bake_quant_can_decode(ggml_type) || count % type->block)
		return false;
	decode = bake_quant_find_decoder(ggml_type);
	/* float32 is copied, and the library's copy goes past the cache of itself. */
	if (count < STREAM_FROM / sizeof(float) || ggml_type == BAKE_QUANT_F32) {
		decode(from, count, to);
		return true;
	}
	for (size_t at = 0; at < count; at += STREAMED) {
		size_t step = count - at < STREAMED ? count - at : STREAMED;

		decode(next, step, cached);
		quant_stream((uint8_t *)(to + at), (const uint8_t *)cached, step * sizeof(float));
		next += step / type->block * type->block_bytes;
	}
	return true;
}
