/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of diffusers' pipelines: transformers, UNets, autoencoders; and the list of parts. */
#include <stdio.h>
#include <string.h>

#include "arch/config.h"
#include "base/cleanup.h"
#include "base/text.h"

#define WIDTH  1, BAKE_ARCH_WIDTH_MAX
#define HEADS  1, BAKE_ARCH_HEADS_MAX
#define LAYERS 1, BAKE_ARCH_LAYERS_MAX

static const struct bake_arch_row common_rows[] = {
	{BAKE_ARCH_IN_CHANNELS, WIDTH, 0, {"in_channels"}},
	{BAKE_ARCH_OUT_CHANNELS, WIDTH, 0, {"out_channels"}},
	{BAKE_ARCH_LATENT_CHANNELS, WIDTH, 0, {"latent_channels", "z_dim"}},
	{BAKE_ARCH_PATCH_SIZE, 1, 65536, 0, {"patch_size"}},
	{BAKE_ARCH_JOINT_ATTENTION_DIM, WIDTH, 0, {"joint_attention_dim"}},
	{BAKE_ARCH_CROSS_ATTENTION_DIM, WIDTH, 0, {"cross_attention_dim"}},
	{BAKE_ARCH_LAYERS_PER_BLOCK, LAYERS, 0, {"layers_per_block", "num_res_blocks"}},
};

static const struct bake_arch_row transformer_rows[] = {
	{BAKE_ARCH_NUM_LAYERS, LAYERS, 0, {"num_layers", "n_layers", "depth"}},
	{BAKE_ARCH_NUM_ATTENTION_HEADS, HEADS, 0, {"num_attention_heads", "n_heads"}},
	{BAKE_ARCH_HEAD_DIM, 1, BAKE_ARCH_HEAD_DIM_MAX, 0, {"attention_head_dim"}},
	{BAKE_ARCH_HIDDEN_SIZE, WIDTH, 0, {"hidden_size", "inner_dim", "dim"}},
	{BAKE_ARCH_INTERMEDIATE_SIZE, WIDTH, 0, {"ffn_dim"}},
};

/* Blocks for two streams, then for one: Flux and its relatives. */
static enum bake_status add_single_layers(
	const struct bake_arch_config *config, struct bake_error *err)
{
	struct bake_arch_value value;
	uint64_t both;
	uint64_t single;
	char source[BAKE_ARCH_TEXT_MAX + 32];

	BAKE_TRY(bake_arch_config_u64(config, "num_layers", BAKE_ARCH_LAYERS_MAX, &both, err));
	BAKE_TRY(bake_arch_config_u64(
		config, "num_single_layers", BAKE_ARCH_LAYERS_MAX, &single, err));
	if (!both || !single || !bake_arch_config_find(config, &config->root, "num_layers", &value))
		return BAKE_OK;
	(void)snprintf(source, sizeof(source), "%s+num_single_layers", value.source);
	return bake_arch_set_u64(config->arch, BAKE_ARCH_NUM_LAYERS, both + single, source, err);
}

static enum bake_status read_transformer(
	const struct bake_arch_config *config, struct bake_error *err)
{
	uint64_t heads;
	uint64_t width;

	BAKE_TRY(add_single_layers(config, err));
	BAKE_TRY(bake_arch_config_rows(
		config, &config->root, 1, transformer_rows, countof(transformer_rows), err));
	heads = bake_arch_u64(config->arch, BAKE_ARCH_NUM_ATTENTION_HEADS, 0);
	width = bake_arch_u64(config->arch, BAKE_ARCH_HEAD_DIM, 0);
	if (!heads || !width)
		return BAKE_OK;
	return bake_arch_set_u64(config->arch, BAKE_ARCH_HIDDEN_SIZE, heads * width,
		"derived:num_attention_heads*attention_head_dim", err);
}

static enum bake_status read_block_channels(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const keys[] = {"block_out_channels", NULL};
	struct bake_arch_want want = {
		.name = keys[0], .keys = keys, .min = 1, .max = BAKE_ARCH_WIDTH_MAX, .list = true};
	struct bake_arch_taken taken;

	BAKE_TRY(bake_arch_config_take(config, &config->root, &want, &taken, err));
	if (!taken.found || !taken.list_count)
		return BAKE_OK;
	return bake_arch_set_list(config->arch, BAKE_ARCH_BLOCK_OUT_CHANNELS, taken.list,
		taken.list_count, taken.value.source, err);
}

enum bake_status bake_arch_config_diffusers(
	const struct bake_arch_config *config, struct bake_error *err)
{
	struct bake_arch_value value;
	const char *name = NULL;

	if (bake_arch_config_find(config, &config->root, "_class_name", &value))
		name = bake_arch_config_string(&value.json);
	if (!name || !name[0])
		return bake_arch_warn(config->arch, err, "%s is no name of a class", value.source);
	BAKE_TRY(bake_arch_set_text(
		config->arch, BAKE_ARCH_ARCHITECTURE, bake_span_text(name), value.source, err));
	if (bake_text_ends(name, "Scheduler"))
		return BAKE_OK;
	BAKE_TRY(bake_arch_set_bool(config->arch, BAKE_ARCH_CAUSAL, false, value.source, err));
	BAKE_TRY(bake_arch_config_rows(
		config, &config->root, 1, common_rows, countof(common_rows), err));
	BAKE_TRY(read_block_channels(config, err));
	if (strstr(name, "Transformer"))
		BAKE_TRY(read_transformer(config, err));
	return bake_arch_config_quantization(config, err);
}

/* The two texts of ["transformers", "Qwen2Tokenizer"]; nulls mean that the part is not there. */
struct pair {
	const char *text[2];
	size_t count;
};

static enum bake_status take_text(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct pair *pair = out;

	(void)err;
	if (pair->count < countof(pair->text))
		pair->text[pair->count] = bake_arch_config_string(value);
	pair->count++;
	return BAKE_OK;
}

struct listing {
	struct bake_arch *arch;
	const char *path;
};

/* "image_encoder": [null, null] and settings such as "force_zeros": true are no parts. */
static enum bake_status take_component(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	const struct listing *listing = out;
	struct bake_arch *arch = listing->arch;
	struct bake_arch_component part = {.arch = NULL};
	struct pair pair = {.count = 0};

	if (value->key[0] == '_' || !value->key[0] || !bake_json_is_array(value))
		return BAKE_OK;
	BAKE_TRY(bake_json_each_element(value, take_text, &pair, err));
	if (pair.count != 2 || !pair.text[1] || !pair.text[1][0])
		return BAKE_OK;
	if (arch->component_count == BAKE_ARCH_COMPONENTS_MAX)
		return bake_arch_warn(arch, err, "%s has more than %d components", listing->path,
			BAKE_ARCH_COMPONENTS_MAX);
	part.name = bake_arch_printable(arch, bake_span_text(value->key));
	part.class_name = bake_arch_printable(arch, bake_span_text(pair.text[1]));
	if (pair.text[0] && pair.text[0][0])
		part.library = bake_arch_printable(arch, bake_span_text(pair.text[0]));
	if (!part.name || !part.class_name || (pair.text[0] && pair.text[0][0] && !part.library))
		return bake_error_nomem(err);
	arch->components[arch->component_count++] = part;
	return BAKE_OK;
}

enum bake_status bake_arch_read_model_index(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err)
{
	_cleanup_(bake_arch_config_release) struct bake_arch_config config = {.doc = NULL};
	struct listing listing = {.arch = arch, .path = path};
	struct bake_arch_value value;
	const char *name = NULL;

	BAKE_TRY(bake_arch_config_open(arch, "config", text, path, &config, err));
	if (bake_arch_config_find(&config, &config.root, "_class_name", &value))
		name = bake_arch_config_string(&value.json);
	if (name && name[0])
		BAKE_TRY(bake_arch_set_text(
			arch, BAKE_ARCH_ARCHITECTURE, bake_span_text(name), value.source, err));
	if (arch->component_count)
		return BAKE_OK; /* the first list stays, as everything does */
	arch->components =
		bake_arena_array(&arch->arena, BAKE_ARCH_COMPONENTS_MAX, sizeof(*arch->components));
	if (!arch->components)
		return bake_error_nomem(err);
	return bake_json_each_member(&config.root.object, take_component, &listing, err);
}
