/* SPDX-License-Identifier: Apache-2.0 */
/* The part that looks at images, and what the preprocessor makes of an image. */
#include <string.h>

#include "arch/config.h"
#include "base/cleanup.h"
#include "base/text.h"

#define WIDTH 1, BAKE_ARCH_WIDTH_MAX

/* Where embed_dim and hidden_size stand together (Qwen2-VL), the latter is what comes out. */
static const struct bake_arch_row tower_rows[] = {
	{BAKE_VISION_IMAGE_SIZE, WIDTH, 0, {"image_size", "img_size"}},
	{BAKE_VISION_PATCH_SIZE, 1, 65536, 0,
		{"patch_size", "patch_embed_size", "vision_patch_size", "spatial_patch_size"}},
	{BAKE_VISION_HIDDEN_SIZE, WIDTH, 0,
		{"embed_dim", "hidden_size", "width", "vision_hidden_size"}},
	{BAKE_VISION_NUM_LAYERS, 1, BAKE_ARCH_LAYERS_MAX, 0,
		{"num_hidden_layers", "depth", "layers", "n_layers", "num_layers"}},
	{BAKE_VISION_NUM_HEADS, 1, BAKE_ARCH_HEADS_MAX, 0,
		{"num_attention_heads", "num_heads", "heads", "attention_heads"}},
	{BAKE_VISION_INTERMEDIATE_SIZE, WIDTH, 0, {"intermediate_size"}},
	{BAKE_VISION_PROJECTION_DIM, WIDTH, 0,
		{"out_hidden_size", "output_dim", "vision_output_dim", "projection_dim",
			"vision_projection_dim"}},
	{BAKE_VISION_SPATIAL_MERGE_SIZE, 1, 65536, 0, {"spatial_merge_size"}},
	{BAKE_VISION_WINDOW_SIZE, 0, BAKE_ARCH_WIDTH_MAX, 0, {"window_size"}},
};

/* A tower whose settings are the document itself: it has patches and no words. */
static bool is_tower(const struct bake_arch_config *config)
{
	struct bake_arch_value value;

	return bake_arch_config_find(config, &config->root, "patch_size", &value) &&
	       bake_arch_config_find(config, &config->root, "image_size", &value) &&
	       !bake_arch_config_find(config, &config->root, "vocab_size", &value);
}

static bool find_tower(const struct bake_arch_config *config, struct bake_arch_scope *out)
{
	static const char *const places[][2] = {
		{"vision_config", "vision_config."},
		{"visual", "visual."},
		{"thinker_config.vision_config", "thinker_config.vision_config."},
		{"vision_tower_config", "vision_tower_config."},
		{"vision_encoder_config", "vision_encoder_config."},
	};

	for (size_t i = 0; i < countof(places); i++) {
		out->prefix = places[i][1];
		if (bake_arch_config_object(config, places[i][0], out))
			return true;
	}
	*out = config->root;
	return is_tower(config);
}

static enum bake_status read_projection(const struct bake_arch_config *config,
	const struct bake_arch_scope *tower, struct bake_error *err)
{
	static const struct bake_arch_row out_rows[] = {
		{BAKE_VISION_PROJECTION_DIM, WIDTH, 0, {"hidden_size"}},
	};
	struct bake_arch_value value;

	if (!bake_arch_config_find(config, tower, "embed_dim", &value))
		return BAKE_OK;
	return bake_arch_config_vision_rows(config, tower, out_rows, countof(out_rows), err);
}

static enum bake_status read_projector(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const keys[] = {
		"mm_projector_type", "projector_type", "projector_config.projector_type"};
	struct bake_arch_value value;

	for (size_t i = 0; i < countof(keys); i++) {
		const char *text;

		if (!bake_arch_config_find(config, &config->root, keys[i], &value))
			continue;
		text = bake_arch_config_string(&value.json);
		if (text && text[0])
			return bake_arch_set_vision_text(config->arch, BAKE_VISION_PROJECTOR_TYPE,
				bake_span_text(text), value.source, err);
	}
	return BAKE_OK;
}

enum bake_status bake_arch_config_vision(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static const struct bake_arch_row beside_rows[] = {
		{BAKE_VISION_HIDDEN_SIZE, WIDTH, 0, {"mm_hidden_size"}},
	};
	struct bake_arch_scope tower;

	if (find_tower(config, &tower)) {
		BAKE_TRY(bake_arch_config_vision_rows(
			config, &tower, tower_rows, countof(tower_rows), err));
		BAKE_TRY(read_projection(config, &tower, err));
	}
	BAKE_TRY(bake_arch_config_vision_rows(
		config, &config->root, beside_rows, countof(beside_rows), err));
	return read_projector(config, err);
}

/* Images are cut to a size, or have any within bounds: newer files put the bounds into "size",
 * which counts pixels only with these preprocessors. */
enum bake_status bake_arch_read_preprocessor(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err)
{
	static const struct bake_arch_row bounds[] = {
		{BAKE_VISION_MIN_PIXELS, 0, BAKE_ARCH_PIXELS_MAX, 0, {"min_pixels"}},
		{BAKE_VISION_MAX_PIXELS, 0, BAKE_ARCH_PIXELS_MAX, 0, {"max_pixels"}},
		{BAKE_VISION_PATCH_SIZE, 1, 65536, 0, {"patch_size"}},
		{BAKE_VISION_SPATIAL_MERGE_SIZE, 1, 65536, 0, {"merge_size"}},
	};
	static const struct bake_arch_row edges[] = {
		{BAKE_VISION_MIN_PIXELS, 0, BAKE_ARCH_PIXELS_MAX, 0, {"size.shortest_edge"}},
		{BAKE_VISION_MAX_PIXELS, 0, BAKE_ARCH_PIXELS_MAX, 0, {"size.longest_edge"}},
	};
	static const struct bake_arch_row sizes[] = {
		{BAKE_VISION_IMAGE_SIZE, WIDTH, 0, {"crop_size.height", "size.height"}},
	};
	_cleanup_(bake_arch_config_release) struct bake_arch_config config = {.doc = NULL};
	struct bake_arch_value value;
	const char *type = NULL;

	BAKE_TRY(bake_arch_config_open(arch, "config", text, path, &config, err));
	if (bake_arch_config_find(&config, &config.root, "image_processor_type", &value))
		type = bake_arch_config_string(&value.json);
	BAKE_TRY(bake_arch_config_vision_rows(&config, &config.root, bounds, countof(bounds), err));
	if (type && bake_text_starts(type, "Qwen"))
		BAKE_TRY(bake_arch_config_vision_rows(
			&config, &config.root, edges, countof(edges), err));
	if (arch->vision[BAKE_VISION_MAX_PIXELS].known)
		return BAKE_OK;
	return bake_arch_config_vision_rows(&config, &config.root, sizes, countof(sizes), err);
}
