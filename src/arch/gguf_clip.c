/* SPDX-License-Identifier: Apache-2.0 */
/* Projectors (mmproj): GGUF files of architecture clip. */
#include "arch/gguf_facts.h"

#include <string.h>

#include "base/cleanup.h"

static const struct row {
	enum bake_arch_vision_field field;
	const char *suffix;
} rows[] = {
	{BAKE_VISION_IMAGE_SIZE, "clip.vision.image_size"},
	{BAKE_VISION_MIN_PIXELS, "clip.vision.image_min_pixels"},
	{BAKE_VISION_MAX_PIXELS, "clip.vision.image_max_pixels"},
	{BAKE_VISION_PATCH_SIZE, "clip.vision.patch_size"},
	{BAKE_VISION_HIDDEN_SIZE, "clip.vision.embedding_length"},
	{BAKE_VISION_NUM_LAYERS, "clip.vision.block_count"},
	{BAKE_VISION_NUM_HEADS, "clip.vision.attention.head_count"},
	{BAKE_VISION_INTERMEDIATE_SIZE, "clip.vision.feed_forward_length"},
	{BAKE_VISION_PROJECTION_DIM, "clip.vision.projection_dim"},
	{BAKE_VISION_PROJECTION_DIM, "clip.audio.projection_dim"},
	{BAKE_VISION_SPATIAL_MERGE_SIZE, "clip.vision.spatial_merge_size"},
	{BAKE_VISION_WINDOW_SIZE, "clip.vision.window_size"},
};

/* Keys of a projector's kind: a text, or from before there was one, a flag. */
static const char *const type_keys[] = {
	"clip.projector_type", "clip.vision.projector_type", "clip.audio.projector_type"};
static const struct flag {
	const char *suffix;
	const char *type;
} flags[] = {
	{"clip.has_minicpmv_projector", "resampler"},
	{"clip.has_glm_projector", "adapter"},
	{"clip.has_qwen2vl_merger", "qwen2vl_merger"},
	{"clip.has_llava_projector", "mlp"},
};

static enum bake_status set_type(
	const struct bake_gguf_in *in, struct bake_span *out, struct bake_error *err)
{
	struct bake_gguf_source room;
	bool said = false;

	*out = bake_span(NULL, 0);
	for (size_t i = 0; i < countof(type_keys) && !said; i++) {
		BAKE_TRY(bake_gguf_in_text(in, type_keys[i], out, &said, err));
		if (said)
			BAKE_TRY(bake_arch_set_vision_text(in->arch, BAKE_VISION_PROJECTOR_TYPE,
				*out, bake_gguf_in_source(in, type_keys[i], &room), err));
	}
	for (size_t i = 0; i < countof(flags) && !said; i++) {
		if (!bake_gguf_bool(in->gguf, flags[i].suffix, &said) || !said)
			continue;
		*out = bake_span_text(flags[i].type);
		BAKE_TRY(bake_arch_set_vision_text(in->arch, BAKE_VISION_PROJECTOR_TYPE, *out,
			bake_gguf_in_source(in, flags[i].suffix, &room), err));
	}
	return BAKE_OK;
}

/* Of LLaVA's projectors the key has the width of CLIP's own projection (768), which nobody uses:
 * what comes out is as wide as the last matrix. */
static enum bake_status set_llava_width(
	const struct bake_gguf_in *in, struct bake_span type, struct bake_error *err)
{
	static const char *const last[] = {"mm.2.weight", "mm.0.weight"};

	if (type.len != 3 || memcmp(type.ptr, "mlp", 3) != 0)
		return BAKE_OK;
	for (size_t i = 0; i < countof(last); i++) {
		const struct bake_gguf_tensor *tensor = bake_gguf_find_tensor(in->gguf, last[i]);

		if (tensor && tensor->dim_count == 2 && tensor->dims[1] > 0)
			return bake_arch_set_vision_u64(in->arch, BAKE_VISION_PROJECTION_DIM,
				tensor->dims[1], "tensors", err);
	}
	return BAKE_OK;
}

enum bake_status bake_gguf_read_clip(struct bake_gguf_in *in, struct bake_error *err)
{
	struct bake_gguf_source room;
	struct bake_span type;
	uint64_t value;
	bool said;

	BAKE_TRY(set_type(in, &type, err));
	BAKE_TRY(set_llava_width(in, type, err));
	for (size_t i = 0; i < countof(rows); i++) {
		BAKE_TRY(bake_gguf_in_number(
			in, rows[i].suffix, BAKE_GGUF_COUNT_MAX, &value, &said, err));
		if (said && value == 0)
			BAKE_TRY(bake_gguf_in_complain(in, rows[i].suffix, err, "is 0"));
		else if (said)
			BAKE_TRY(bake_arch_set_vision_u64(in->arch, rows[i].field, value,
				bake_gguf_in_source(in, rows[i].suffix, &room), err));
	}
	return BAKE_OK;
}
