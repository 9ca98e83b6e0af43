/* SPDX-License-Identifier: Apache-2.0 */
/* What the fields are called in JSON, and of which kind they are. */
#include "arch/record.h"

struct field {
	const char *name;
	enum bake_arch_kind kind; /* most are numbers */
};

static const struct field fields[BAKE_ARCH_FIELDS] = {
	[BAKE_ARCH_MODEL_TYPE] = {"model_type", BAKE_ARCH_TEXT},
	[BAKE_ARCH_ARCHITECTURE] = {"architecture", BAKE_ARCH_TEXT},
	[BAKE_ARCH_NUM_LAYERS] = {"num_layers", BAKE_ARCH_U64},
	[BAKE_ARCH_NUM_ENCODER_LAYERS] = {"num_encoder_layers", BAKE_ARCH_U64},
	[BAKE_ARCH_NUM_ATTENTION_HEADS] = {"num_attention_heads", BAKE_ARCH_U64},
	[BAKE_ARCH_NUM_KV_HEADS] = {"num_kv_heads", BAKE_ARCH_U64},
	[BAKE_ARCH_HIDDEN_SIZE] = {"hidden_size", BAKE_ARCH_U64},
	[BAKE_ARCH_HEAD_DIM] = {"head_dim", BAKE_ARCH_U64},
	[BAKE_ARCH_VALUE_HEAD_DIM] = {"value_head_dim", BAKE_ARCH_U64},
	[BAKE_ARCH_INTERMEDIATE_SIZE] = {"intermediate_size", BAKE_ARCH_U64},
	[BAKE_ARCH_CONTEXT_LENGTH] = {"context_length", BAKE_ARCH_U64},
	[BAKE_ARCH_MAX_POSITION_EMBEDDINGS] = {"max_position_embeddings", BAKE_ARCH_U64},
	[BAKE_ARCH_SEQ_LENGTH] = {"seq_length", BAKE_ARCH_U64},
	[BAKE_ARCH_MAX_GENERATION_TOKENS] = {"max_generation_tokens", BAKE_ARCH_U64},
	[BAKE_ARCH_MAX_LENGTH] = {"max_length", BAKE_ARCH_U64},
	[BAKE_ARCH_ROPE_THETA] = {"rope_theta", BAKE_ARCH_F64},
	[BAKE_ARCH_ROPE_SCALING] = {"rope_scaling", BAKE_ARCH_JSON},
	[BAKE_ARCH_VOCAB_SIZE] = {"vocab_size", BAKE_ARCH_U64},
	[BAKE_ARCH_PARAMS_BILLION] = {"params_billion", BAKE_ARCH_F64},
	[BAKE_ARCH_WEIGHT_PRECISION] = {"weight_precision", BAKE_ARCH_TEXT},
	[BAKE_ARCH_KV_PRECISION] = {"kv_precision", BAKE_ARCH_TEXT},
	[BAKE_ARCH_CAUSAL] = {"causal", BAKE_ARCH_BOOL},
	[BAKE_ARCH_TIE_WORD_EMBEDDINGS] = {"tie_word_embeddings", BAKE_ARCH_BOOL},
	[BAKE_ARCH_NUM_EXPERTS] = {"num_experts", BAKE_ARCH_U64},
	[BAKE_ARCH_NUM_EXPERTS_PER_TOKEN] = {"num_experts_per_token", BAKE_ARCH_U64},
	[BAKE_ARCH_NUM_SHARED_EXPERTS] = {"num_shared_experts", BAKE_ARCH_U64},
	[BAKE_ARCH_KV_LORA_RANK] = {"kv_lora_rank", BAKE_ARCH_U64},
	[BAKE_ARCH_Q_LORA_RANK] = {"q_lora_rank", BAKE_ARCH_U64},
	[BAKE_ARCH_QK_ROPE_HEAD_DIM] = {"qk_rope_head_dim", BAKE_ARCH_U64},
	[BAKE_ARCH_QK_NOPE_HEAD_DIM] = {"qk_nope_head_dim", BAKE_ARCH_U64},
	[BAKE_ARCH_SLIDING_WINDOW] = {"sliding_window", BAKE_ARCH_U64},
	[BAKE_ARCH_SHARED_KV_LAYERS] = {"shared_kv_layers", BAKE_ARCH_U64},
	[BAKE_ARCH_NEXTN_PREDICT_LAYERS] = {"nextn_predict_layers", BAKE_ARCH_U64},
	[BAKE_ARCH_CONV_KERNEL] = {"conv_kernel", BAKE_ARCH_U64},
	[BAKE_ARCH_SSM_INNER_SIZE] = {"ssm_inner_size", BAKE_ARCH_U64},
	[BAKE_ARCH_SSM_STATE_SIZE] = {"ssm_state_size", BAKE_ARCH_U64},
	[BAKE_ARCH_SSM_GROUP_COUNT] = {"ssm_group_count", BAKE_ARCH_U64},
	[BAKE_ARCH_KV_HEADS_PER_LAYER] = {"kv_heads_per_layer", BAKE_ARCH_LIST},
	[BAKE_ARCH_SLIDING_WINDOW_PER_LAYER] = {"sliding_window_per_layer", BAKE_ARCH_LIST},
	[BAKE_ARCH_RECURRENT_PER_LAYER] = {"recurrent_per_layer", BAKE_ARCH_LIST},
	[BAKE_ARCH_INTERMEDIATE_SIZE_PER_LAYER] = {"intermediate_size_per_layer", BAKE_ARCH_LIST},
	[BAKE_ARCH_IN_CHANNELS] = {"in_channels", BAKE_ARCH_U64},
	[BAKE_ARCH_OUT_CHANNELS] = {"out_channels", BAKE_ARCH_U64},
	[BAKE_ARCH_LATENT_CHANNELS] = {"latent_channels", BAKE_ARCH_U64},
	[BAKE_ARCH_PATCH_SIZE] = {"patch_size", BAKE_ARCH_U64},
	[BAKE_ARCH_JOINT_ATTENTION_DIM] = {"joint_attention_dim", BAKE_ARCH_U64},
	[BAKE_ARCH_CROSS_ATTENTION_DIM] = {"cross_attention_dim", BAKE_ARCH_U64},
	[BAKE_ARCH_LAYERS_PER_BLOCK] = {"layers_per_block", BAKE_ARCH_U64},
	[BAKE_ARCH_BLOCK_OUT_CHANNELS] = {"block_out_channels", BAKE_ARCH_LIST},
};

static const struct field vision_fields[BAKE_VISION_FIELDS] = {
	[BAKE_VISION_IMAGE_SIZE] = {"image_size", BAKE_ARCH_U64},
	[BAKE_VISION_MIN_PIXELS] = {"min_pixels", BAKE_ARCH_U64},
	[BAKE_VISION_MAX_PIXELS] = {"max_pixels", BAKE_ARCH_U64},
	[BAKE_VISION_PATCH_SIZE] = {"patch_size", BAKE_ARCH_U64},
	[BAKE_VISION_HIDDEN_SIZE] = {"hidden_size", BAKE_ARCH_U64},
	[BAKE_VISION_NUM_LAYERS] = {"num_layers", BAKE_ARCH_U64},
	[BAKE_VISION_NUM_HEADS] = {"num_heads", BAKE_ARCH_U64},
	[BAKE_VISION_INTERMEDIATE_SIZE] = {"intermediate_size", BAKE_ARCH_U64},
	[BAKE_VISION_PROJECTION_DIM] = {"projection_dim", BAKE_ARCH_U64},
	[BAKE_VISION_SPATIAL_MERGE_SIZE] = {"spatial_merge_size", BAKE_ARCH_U64},
	[BAKE_VISION_WINDOW_SIZE] = {"window_size", BAKE_ARCH_U64},
	[BAKE_VISION_PROJECTOR_TYPE] = {"projector_type", BAKE_ARCH_TEXT},
};

const char *bake_arch_field_name(enum bake_arch_field field)
{
	return (unsigned)field < BAKE_ARCH_FIELDS ? fields[field].name : NULL;
}

const char *bake_arch_vision_field_name(enum bake_arch_vision_field field)
{
	return (unsigned)field < BAKE_VISION_FIELDS ? vision_fields[field].name : NULL;
}

enum bake_arch_kind bake_arch_field_kind(enum bake_arch_field field)
{
	return fields[field].kind;
}

enum bake_arch_kind bake_arch_vision_field_kind(enum bake_arch_vision_field field)
{
	return vision_fields[field].kind;
}
