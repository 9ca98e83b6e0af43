/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table is what the loader of ComfyUI-GGUF and its converter agree on. Order matters: sdxl
 * before sd1, whose keys it has too.
 */
#include "convert/family.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct bake_family families[] = {
	{
		.name = "flux",
		.title = "Flux",
		.sets = {KEYS("double_blocks.0.img_attn.proj.weight")},
		.banned = "transformer_blocks.0.attn.norm_added_k.weight",
		.keep = KEYS("txt_in.", "img_in.", "time_in.", "vector_in.", "guidance_in.",
			"final_layer."),
	},
	{
		.name = "sd3",
		.title = "Stable Diffusion 3",
		.sets = {KEYS("joint_blocks.0.x_block.attn.qkv.weight")},
		.banned = "transformer_blocks.0.attn.add_q_proj.weight",
		.keep = KEYS("final_layer.", "time_text_embed.", "context_embedder.", "t_embedder.",
			"y_embedder.", "x_embedder."),
		.exactly = KEYS("proj_out.weight", "pos_embed"),
	},
	{
		.name = "aura",
		.title = "AuraFlow",
		.sets = {KEYS("double_layers.3.modX.1.weight")},
		.banned = "joint_transformer_blocks.3.ff_context.out_projection.weight",
		.keep = KEYS("t_embedder.", "init_x_linear."),
		.exactly = KEYS("modF.1.weight", "cond_seq_linear.weight", "final_linear.weight",
			"positional_encoding", "register_tokens"),
	},
	{
		.name = "hidream",
		.title = "HiDream",
		.sets = {KEYS("caption_projection.0.linear.weight",
			"double_stream_blocks.0.block.ff_i.shared_experts.w3.weight")},
		.keep = KEYS("p_embedder.", "t_embedder.", "x_embedder.", "final_layer.",
			".ff_i.gate.weight", "caption_projection."),
		.wide = KEYS(".ff_i.gate.weight", "img_emb.emb_pos"),
	},
	{
		.name = "cosmos",
		/* Anima is Cosmos-Predict2 with an adapter, whose embedding must stay as it is. */
		.title = "Cosmos or Anima",
		.sets = {KEYS("blocks.0.mlp.layer1.weight",
			"blocks.0.adaln_modulation_cross_attn.1.weight")},
		.keep = KEYS("p_embedder.", "t_embedder.", "t_embedding_norm.", "x_embedder.",
			"pos_embedder.", "final_layer.", "llm_adapter."),
		.wide = KEYS("pos_embedder"),
		.drop = KEYS("_extra_state", "accum_"),
	},
	{
		.name = "ltxv",
		.title = "LTX-Video",
		.sets = {KEYS("adaln_single.emb.timestep_embedder.linear_2.weight",
				 "transformer_blocks.27.scale_shift_table",
				 "caption_projection.linear_2.weight"),
			KEYS("adaln_single.emb.timestep_embedder.linear_2.weight",
				"transformer_blocks.47.scale_shift_table", "patchify_proj.weight")},
		.keep = KEYS("adaln_single.", "caption_projection.", "patchify_proj.", "proj_out.",
			"scale_shift_table"),
		.wide = KEYS("scale_shift_table"),
	},
	{
		.name = "hyvid",
		.title = "HunyuanVideo",
		.sets = {KEYS("double_blocks.0.img_attn_proj.weight",
			"txt_in.individual_token_refiner.blocks.1.self_attn_qkv.weight")},
		.keep = KEYS("txt_in.", "img_in.", "time_in.", "vector_in.", "guidance_in.",
			"final_layer."),
	},
	{
		.name = "wan",
		.title = "Wan",
		.sets = {KEYS("blocks.0.self_attn.norm_q.weight", "text_embedding.2.weight",
			"head.modulation")},
		.keep = KEYS("modulation.", "patch_embedding.", "text_embedding.",
			"time_projection.", "time_embedding.", "img_emb.", "head."),
		.wide = KEYS(".modulation"),
	},
	{
		.name = "sdxl",
		.title = "Stable Diffusion XL",
		.sets = {KEYS("down_blocks.0.downsamplers.0.conv.weight",
				 "add_embedding.linear_1.weight"),
			KEYS("input_blocks.3.0.op.weight", "input_blocks.6.0.op.weight",
				"output_blocks.2.2.conv.weight", "output_blocks.5.2.conv.weight"),
			KEYS("label_emb.0.0.weight")},
		.keep = KEYS("class_embedding.", "time_embedding.", "add_embedding.", "time_embed.",
			"label_emb.", "conv_in.", "conv_out."),
		.exactly = KEYS("input_blocks.0.0.weight", "out.2.weight"),
		.reshapes = true,
	},
	{
		.name = "sd1",
		.title = "Stable Diffusion 1",
		.sets = {KEYS("down_blocks.0.downsamplers.0.conv.weight"),
			KEYS("input_blocks.3.0.op.weight", "input_blocks.6.0.op.weight",
				"input_blocks.9.0.op.weight", "output_blocks.2.1.conv.weight",
				"output_blocks.5.2.conv.weight", "output_blocks.8.2.conv.weight")},
		.keep = KEYS("class_embedding.", "time_embedding.", "add_embedding.", "time_embed.",
			"label_emb.", "conv_in.", "conv_out."),
		.exactly = KEYS("input_blocks.0.0.weight", "out.2.weight"),
		.reshapes = true,
	},
	{
		.name = "lumina2",
		.title = "Lumina 2 or Z-Image",
		.sets = {KEYS("cap_embedder.1.weight", "context_refiner.0.attention.qkv.weight")},
		.keep = KEYS("t_embedder.", "x_embedder.", "final_layer.", "cap_embedder.",
			"context_refiner.", "noise_refiner."),
	},
	{
		/* It has Flux's banned key, too: that one counts only when nothing else matches. */
		.name = "qwen_image",
		.title = "Qwen-Image",
		.sets = {KEYS("time_text_embed.timestep_embedder.linear_2.weight",
			"transformer_blocks.0.attn.norm_added_q.weight",
			"transformer_blocks.0.img_mlp.net.0.proj.weight")},
		.keep = KEYS("img_in.", "txt_in.", "time_text_embed.", "norm_out.", "proj_out."),
	},
};

struct bake_family_prefix bake_family_prefix_of(const struct bake_convert_model *model)
{
	static const char *const any[] = {"model.diffusion_model.", "model."};
	static const char whole[] = "net.";
	bool all = model->tensor_count > 0;

	for (size_t p = 0; p < countof(any); p++) {
		for (size_t i = 0; i < model->tensor_count; i++) {
			if (bake_text_starts(model->tensors[i].name, any[p]))
				return (struct bake_family_prefix){any[p], strlen(any[p])};
		}
	}
	for (size_t i = 0; i < model->tensor_count; i++)
		all = all && bake_text_starts(model->tensors[i].name, whole);
	return all ? (struct bake_family_prefix){whole, strlen(whole)}
		   : (struct bake_family_prefix){"", 0};
}

const char *bake_family_strip(struct bake_family_prefix prefix, const char *name)
{
	return strncmp(name, prefix.text, prefix.len) == 0 ? name + prefix.len : NULL;
}

const struct bake_family *bake_family_named(const char *name)
{
	for (size_t i = 0; i < countof(families); i++) {
		if (strcmp(families[i].name, name) == 0)
			return &families[i];
	}
	return NULL;
}

void bake_family_list(char *text, size_t room)
{
	size_t len = 0;

	for (size_t i = 0; i < countof(families) && len < room; i++)
		len += (size_t)snprintf(
			text + len, room - len, "%s%s", i ? ", " : "", families[i].name);
}

static const struct bake_convert_tensor *find(
	const struct bake_convert_model *model, struct bake_family_prefix prefix, const char *key)
{
	char name[160];

	(void)snprintf(name, sizeof(name), "%s%s", prefix.text, key);
	return bake_convert_model_find(model, name);
}

static bool has_all(const struct bake_convert_model *model, struct bake_family_prefix prefix,
	const char *const *keys)
{
	for (; *keys; keys++) {
		if (!find(model, prefix, *keys))
			return false;
	}
	return true;
}

static bool matches(const struct bake_convert_model *model, struct bake_family_prefix prefix,
	const struct bake_family *family)
{
	for (size_t s = 0; family->sets[s]; s++) {
		if (has_all(model, prefix, family->sets[s]))
			return true;
	}
	return false;
}

/* Mage-Flow has Qwen-Image's names and other widths; no loader of GGUF files reads it. */
static bool is_mage_flow(const struct bake_convert_model *model, struct bake_family_prefix prefix)
{
	const struct bake_convert_tensor *norm = find(model, prefix, "txt_norm.weight");
	const struct bake_convert_tensor *out = find(model, prefix, "proj_out.weight");

	return norm && out && norm->rank == 1 && norm->shape[0] == 2560 && out->rank == 2 &&
	       out->shape[0] == 128;
}

/* By the ends of names that language models and text encoders have in their Hugging Face form. */
static bool is_language_model(const struct bake_convert_model *model)
{
	static const char *const endings[] = {
		"embed_tokens.weight",
		"lm_head.weight",
		"layers.0.self_attn.q_proj.weight",
		"layers.0.self_attn.qkv_proj.weight",
		"wte.weight",
		"word_embeddings.weight",
		"layer.0.SelfAttention.q.weight",
		"token_embedding.weight",
		"query_key_value.weight",
	};

	for (size_t i = 0; i < model->tensor_count; i++) {
		for (size_t e = 0; e < countof(endings); e++) {
			if (bake_text_ends(model->tensors[i].name, endings[e]))
				return true;
		}
	}
	return false;
}

static enum bake_status nothing_known(const struct bake_convert_model *model,
	struct bake_family_prefix prefix, struct bake_error *err)
{
	char list[200];

	for (size_t i = 0; i < countof(families); i++) {
		if (!families[i].banned || !find(model, prefix, families[i].banned))
			continue;
		bake_error_set(err, BAKE_ERR_DATA, "convert.diffusers",
			"%s is %s in diffusers form (tensor '%s'): its tensors are named and cut "
			"otherwise than loaders of GGUF files want them",
			BAKE_SHOW(model->path), families[i].title, families[i].banned);
		return bake_error_hint(
			err, "convert the single-file checkpoint of the original repository");
	}
	if (is_language_model(model)) {
		bake_error_set(err, BAKE_ERR_DATA, "convert.llm",
			"%s is a language model or text encoder: a GGUF file of it needs the "
			"tokenizer, other names and permuted weights, which is no conversion of "
			"the container",
			BAKE_SHOW(model->path));
		return bake_error_hint(err, "use llama.cpp's convert_hf_to_gguf.py, then "
					    "bake-convert -q on its GGUF file");
	}
	bake_family_list(list, sizeof(list));
	bake_error_set(err, BAKE_ERR_DATA, "convert.architecture",
		"%s is no model whose architecture is known", BAKE_SHOW(model->path));
	return bake_error_hint(err, "give it with --arch (%s), or --container-only", list);
}

enum bake_status bake_family_detect(const struct bake_convert_model *model,
	struct bake_family_prefix prefix, const struct bake_family **out, struct bake_error *err)
{
	for (size_t i = 0; i < countof(families); i++) {
		if (!matches(model, prefix, &families[i]) ||
			(families[i].banned && find(model, prefix, families[i].banned)))
			continue;
		if (strcmp(families[i].name, "qwen_image") == 0 && is_mage_flow(model, prefix)) {
			bake_error_set(err, BAKE_ERR_DATA, "convert.architecture",
				"%s is Mage-Flow, which no loader of GGUF files reads",
				BAKE_SHOW(model->path));
			return bake_error_hint(err, "--arch converts it all the same");
		}
		*out = &families[i];
		return BAKE_OK;
	}
	return nothing_known(model, prefix, err);
}

static bool has_part(const char *const *parts, const char *name)
{
	for (; parts && *parts; parts++) {
		if (strstr(name, *parts))
			return true;
	}
	return false;
}

bool bake_family_keeps(const struct bake_family *family, const char *name)
{
	for (const char *const *whole = family->exactly; whole && *whole; whole++) {
		if (strcmp(name, *whole) == 0)
			return true;
	}
	return has_part(family->keep, name);
}

bool bake_family_widens(const struct bake_family *family, const char *name)
{
	return has_part(family->wide, name);
}

bool bake_family_drops(const struct bake_family *family, const char *name)
{
	return has_part(family->drop, name);
}
