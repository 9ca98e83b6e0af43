/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of transformers: what the fields are called by whom. Configurations of models that
 * also look or listen have the text model's in an object of its own, which then beats the root.
 */
#include "arch/config.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

#define WIDTH	      1, BAKE_ARCH_WIDTH_MAX
#define HEADS	      1, BAKE_ARCH_HEADS_MAX
#define LAYERS	      1, BAKE_ARCH_LAYERS_MAX
#define TOKENS	      1, BAKE_ARCH_TOKENS_MAX
/* 0 is how these say that there is none. */
#define MAYBE_WIDTH   0, BAKE_ARCH_WIDTH_MAX
#define MAYBE_EXPERTS 0, BAKE_ARCH_EXPERTS_MAX
#define MAYBE_LAYERS  0, BAKE_ARCH_LAYERS_MAX

/* The decoder's own key comes first: encoder-decoders save the encoder's under the common one. */
static const struct bake_arch_row text_rows[] = {
	{BAKE_ARCH_NUM_LAYERS, LAYERS, 0,
		{"num_decoder_layers", "decoder_layers", "num_hidden_layers", "n_layers", "n_layer",
			"num_layers", "num_transformer_layers", "depth"}},
	{BAKE_ARCH_NUM_ENCODER_LAYERS, MAYBE_LAYERS, 0, {"encoder_layers", "num_encoder_layers"}},
	{BAKE_ARCH_NUM_ATTENTION_HEADS, HEADS, 0,
		{"decoder_attention_heads", "num_attention_heads", "n_head", "n_heads", "num_heads",
			"num_query_heads"}},
	{BAKE_ARCH_NUM_KV_HEADS, HEADS, BAKE_ARCH_KV_HEADS_PER_LAYER,
		{"n_head_kv", "num_kv_heads", "num_key_value_heads",
			"num_key_value_heads_per_layer", "multi_query_group_num",
			"num_attention_groups", "attn_config.kv_n_heads", "multi_query_heads"}},
	{BAKE_ARCH_HIDDEN_SIZE, WIDTH, 0,
		{"hidden_size", "n_embd", "d_model", "dim", "model_dim", "embed_dim"}},
	{BAKE_ARCH_HEAD_DIM, 1, BAKE_ARCH_HEAD_DIM_MAX, 0,
		{"head_dim", "hidden_size_per_head", "kv_channels", "attention_head_dim", "d_kv"}},
	{BAKE_ARCH_VALUE_HEAD_DIM, 0, BAKE_ARCH_HEAD_DIM_MAX, 0, {"v_head_dim"}},
	{BAKE_ARCH_INTERMEDIATE_SIZE, WIDTH, BAKE_ARCH_INTERMEDIATE_SIZE_PER_LAYER,
		{"intermediate_size", "n_inner", "ffn_hidden_size", "decoder_ffn_dim", "ffn_dim",
			"d_ff", "hidden_dim", "mlp_hidden_size", "feed_forward_hidden_size",
			"ffn_config.ffn_hidden_size"}},
	{BAKE_ARCH_CONTEXT_LENGTH, TOKENS, 0,
		{"context_length", "context_window", "model_max_length"}},
	{BAKE_ARCH_MAX_POSITION_EMBEDDINGS, TOKENS, 0,
		{"max_position_embeddings", "n_ctx", "n_positions", "max_seq_len",
			"max_target_positions", "max_sequence_length", "max_seq_length", "seq_len",
			"max_context_length"}},
	{BAKE_ARCH_SEQ_LENGTH, TOKENS, 0, {"seq_length"}},
	{BAKE_ARCH_MAX_GENERATION_TOKENS, 0, BAKE_ARCH_TOKENS_MAX, 0, {"max_new_tokens"}},
	{BAKE_ARCH_MAX_LENGTH, 0, BAKE_ARCH_TOKENS_MAX, 0, {"max_length"}},
	{BAKE_ARCH_VOCAB_SIZE, 1, BAKE_ARCH_VOCAB_MAX, 0,
		{"vocab_size", "padded_vocab_size", "n_vocab"}},
	{BAKE_ARCH_NUM_EXPERTS, MAYBE_EXPERTS, 0,
		{"num_experts", "moe_num_experts", "n_routed_experts", "num_local_experts",
			"ffn_config.moe_num_experts"}},
	{BAKE_ARCH_NUM_EXPERTS_PER_TOKEN, MAYBE_EXPERTS, 0,
		{"num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_topk",
			"moe_top_k", "moe_k", "ffn_config.moe_top_k"}},
	{BAKE_ARCH_NUM_SHARED_EXPERTS, MAYBE_EXPERTS, 0,
		{"n_shared_experts", "num_shared_experts", "moe_num_shared_experts",
			"num_shared_expert"}},
	{BAKE_ARCH_KV_LORA_RANK, MAYBE_WIDTH, 0, {"kv_lora_rank"}},
	{BAKE_ARCH_Q_LORA_RANK, MAYBE_WIDTH, 0, {"q_lora_rank"}},
	{BAKE_ARCH_QK_ROPE_HEAD_DIM, MAYBE_WIDTH, 0, {"qk_rope_head_dim"}},
	{BAKE_ARCH_QK_NOPE_HEAD_DIM, MAYBE_WIDTH, 0, {"qk_nope_head_dim"}},
	{BAKE_ARCH_SHARED_KV_LAYERS, MAYBE_LAYERS, 0, {"num_kv_shared_layers"}},
	{BAKE_ARCH_NEXTN_PREDICT_LAYERS, MAYBE_LAYERS, 0,
		{"num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules"}},
};

/* The scopes of text fields: the text model's own object, then the root. */
static void choose_scopes(struct bake_arch_config *config)
{
	static const char *const nested[][2] = {
		{"text_config", "text_config."},
		{"llm_config", "llm_config."},
		{"language_config", "language_config."},
		{"thinker_config.text_config", "thinker_config.text_config."},
		{"decoder", "decoder."},
	};

	for (size_t i = 0; i < countof(nested); i++) {
		struct bake_arch_scope scope = {.prefix = nested[i][1]};

		if (!bake_arch_config_object(config, nested[i][0], &scope))
			continue;
		config->scopes[0] = scope;
		config->scopes[1] = config->root;
		config->scope_count = 2;
		return;
	}
}

static enum bake_status set_value_text(const struct bake_arch_config *config,
	enum bake_arch_field field, const struct bake_arch_value *value, struct bake_error *err)
{
	const char *text = bake_arch_config_string(&value->json);

	if (!text)
		return bake_arch_warn(config->arch, err, "%s is left out: %s is no string",
			bake_arch_field_name(field), value->source);
	return bake_arch_set_text(config->arch, field, bake_span_text(text), value->source, err);
}

/* architectures[0] */
static enum bake_status first_text(const struct bake_json *value, void *out, struct bake_error *err)
{
	const char **first = out;

	(void)err;
	if (!*first)
		*first = bake_arch_config_string(value);
	return BAKE_OK;
}

static enum bake_status read_identity(const struct bake_arch_config *config, struct bake_error *err)
{
	struct bake_arch_value value;
	const char *first = NULL;

	if (bake_arch_config_find(config, &config->root, "model_type", &value) ||
		bake_arch_config_text_value(config, "model_type", &value))
		BAKE_TRY(set_value_text(config, BAKE_ARCH_MODEL_TYPE, &value, err));
	if (!bake_arch_config_find(config, &config->root, "architectures", &value) &&
		!bake_arch_config_text_value(config, "architectures", &value))
		return BAKE_OK;
	if (bake_json_is_array(&value.json))
		BAKE_TRY(bake_json_each_element(&value.json, first_text, &first, err));
	if (!first)
		return BAKE_OK;
	return bake_arch_set_text(
		config->arch, BAKE_ARCH_ARCHITECTURE, bake_span_text(first), value.source, err);
}

static bool type_is(const struct bake_arch_config *config, const char *type)
{
	return bake_text_equal(config->arch->facts[BAKE_ARCH_MODEL_TYPE].text, type);
}

/* Of encoder-decoders the common key counts the encoder's layers, and an encoder that was cut out
 * of one has no others. */
static enum bake_status read_encoder(const struct bake_arch_config *config, struct bake_error *err)
{
	static const struct bake_arch_row alone[] = {
		{BAKE_ARCH_NUM_LAYERS, LAYERS, 0, {"encoder_layers", "num_layers"}},
	};
	static const struct bake_arch_row beside[] = {
		{BAKE_ARCH_NUM_ENCODER_LAYERS, LAYERS, 0, {"encoder_layers", "num_layers"}},
	};
	const char *name = config->arch->facts[BAKE_ARCH_ARCHITECTURE].text;

	if (name && bake_text_ends(name, "EncoderModel"))
		return bake_arch_config_rows(
			config, config->scopes, config->scope_count, alone, 1, err);
	if (bake_arch_config_flag(config, "is_encoder_decoder", true))
		return bake_arch_config_rows(
			config, config->scopes, config->scope_count, beside, 1, err);
	return BAKE_OK;
}

/* One head of keys and values for all: Falcon before its new architecture, and GPTBigCode. Their
 * files may name as many as there are heads all the same. */
static enum bake_status read_multi_query(
	const struct bake_arch_config *config, struct bake_error *err)
{
	struct bake_arch_value value;

	if (!bake_arch_config_flag(config, "multi_query", true) ||
		bake_arch_config_flag(config, "new_decoder_architecture", true) ||
		!bake_arch_config_text_value(config, "multi_query", &value))
		return BAKE_OK;
	return bake_arch_set_u64(config->arch, BAKE_ARCH_NUM_KV_HEADS, 1, value.source, err);
}

/* Latent attention (MLA): a key has a part with and one without position. */
static enum bake_status read_latent(const struct bake_arch_config *config, struct bake_error *err)
{
	uint64_t rope;
	uint64_t nope;
	uint64_t rank;

	BAKE_TRY(bake_arch_config_u64(config, "kv_lora_rank", BAKE_ARCH_WIDTH_MAX, &rank, err));
	BAKE_TRY(bake_arch_config_u64(
		config, "qk_rope_head_dim", BAKE_ARCH_HEAD_DIM_MAX, &rope, err));
	BAKE_TRY(bake_arch_config_u64(
		config, "qk_nope_head_dim", BAKE_ARCH_HEAD_DIM_MAX, &nope, err));
	if (!rank || !rope || !nope)
		return BAKE_OK;
	return bake_arch_set_u64(config->arch, BAKE_ARCH_HEAD_DIM, rope + nope,
		"derived:qk_nope_head_dim+qk_rope_head_dim", err);
}

/* Qwen's first models store the width of two matrices side by side (modeling_qwen.py halves it). */
static enum bake_status read_double_width(
	const struct bake_arch_config *config, struct bake_error *err)
{
	uint64_t width;

	if (!type_is(config, "qwen"))
		return BAKE_OK;
	BAKE_TRY(bake_arch_config_u64(
		config, "intermediate_size", BAKE_ARCH_WIDTH_MAX, &width, err));
	if (width < 2)
		return BAKE_OK;
	return bake_arch_set_u64(config->arch, BAKE_ARCH_INTERMEDIATE_SIZE, width / 2,
		"derived:intermediate_size/2", err);
}

/* What follows from the kind of model when nothing is written. */
static enum bake_status read_feed_forward(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const four_times[] = {"gpt2", "gptj", "gpt_bigcode", "gpt_neo",
		"codegen", "bloom", "falcon", "RefinedWeb", "RefinedWebModel"};
	uint64_t hidden = bake_arch_u64(config->arch, BAKE_ARCH_HIDDEN_SIZE, 0);
	uint64_t ratio;

	if (bake_arch_get(config->arch, BAKE_ARCH_INTERMEDIATE_SIZE) || !hidden)
		return BAKE_OK;
	BAKE_TRY(bake_arch_config_u64(config, "expansion_ratio", 1024, &ratio, err));
	if (ratio)
		return bake_arch_set_u64(config->arch, BAKE_ARCH_INTERMEDIATE_SIZE, ratio * hidden,
			"derived:expansion_ratio*hidden_size", err);
	for (size_t i = 0; i < countof(four_times); i++) {
		if (type_is(config, four_times[i]))
			return bake_arch_set_u64(config->arch, BAKE_ARCH_INTERMEDIATE_SIZE,
				4 * hidden, "derived:4*hidden_size", err);
	}
	return BAKE_OK;
}

/* Files count the layers that are run; the record and GGUF also those that predict further tokens,
 * which are stored like the others. */
static enum bake_status add_predicting_layers(
	const struct bake_arch_config *config, struct bake_error *err)
{
	struct bake_arch_fact *layers = &config->arch->facts[BAKE_ARCH_NUM_LAYERS];
	const struct bake_arch_fact *more = &config->arch->facts[BAKE_ARCH_NEXTN_PREDICT_LAYERS];
	char source[2 * BAKE_ARCH_TEXT_MAX];
	const char *key;

	if (!layers->known || !more->known)
		return BAKE_OK;
	key = strrchr(more->source, ':');
	layers->u64 += more->u64;
	(void)snprintf(source, sizeof(source), "%s+%s", layers->source, key ? key + 1 : "");
	layers->source = bake_arch_printable(config->arch, bake_span_text(source));
	return layers->source ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status read_numbers(const struct bake_arch_config *config, struct bake_error *err)
{
	bool counted = bake_arch_get(config->arch, BAKE_ARCH_NUM_LAYERS) != NULL;

	BAKE_TRY(read_encoder(config, err));
	BAKE_TRY(read_multi_query(config, err));
	BAKE_TRY(read_latent(config, err));
	BAKE_TRY(read_double_width(config, err));
	BAKE_TRY(bake_arch_config_rows(
		config, config->scopes, config->scope_count, text_rows, countof(text_rows), err));
	BAKE_TRY(read_feed_forward(config, err));
	return counted ? BAKE_OK : add_predicting_layers(config, err);
}

static enum bake_status read_flags(const struct bake_arch_config *config, struct bake_error *err)
{
	static const char tie[] = "tie_word_embeddings";
	struct bake_arch_value value;
	bool flag = false;

	if (!bake_arch_config_text_value(config, tie, &value) || !bake_json_is_bool(&value.json))
		return BAKE_OK;
	BAKE_TRY(bake_json_bool(&value.json, &flag, err));
	return bake_arch_set_bool(
		config->arch, BAKE_ARCH_TIE_WORD_EMBEDDINGS, flag, value.source, err);
}

static enum bake_status read_params(const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const keys[] = {"model_size_in_billions", "params_billions"};
	struct bake_arch_value value;
	double number = 0;

	for (size_t i = 0; i < countof(keys); i++) {
		if (!bake_arch_config_text_value(config, keys[i], &value) ||
			!bake_json_is_number(&value.json))
			continue;
		BAKE_TRY(bake_json_f64(&value.json, &number, err));
		if (number > 0)
			return bake_arch_set_f64(
				config->arch, BAKE_ARCH_PARAMS_BILLION, number, value.source, err);
	}
	return BAKE_OK;
}

/* The root's type first: what is nested may be a default that nobody looked at. */
static enum bake_status read_precision(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const keys[] = {"torch_dtype", "dtype", "text_config.torch_dtype",
		"text_config.dtype", "llm_config.torch_dtype", "thinker_config.torch_dtype",
		"thinker_config.text_config.torch_dtype", "vision_config.torch_dtype",
		"vision_config.dtype"};
	static const char *const cache_keys[] = {"kv_cache_dtype", "kv_cache_type", "cache_dtype"};
	struct bake_arch_value value;
	const char *name;

	for (size_t i = 0; i < countof(cache_keys); i++) {
		if (!bake_arch_config_text_value(config, cache_keys[i], &value))
			continue;
		name = bake_arch_config_string(&value.json);
		name = name ? bake_arch_precision(name) : NULL;
		if (name)
			BAKE_TRY(bake_arch_set_text(config->arch, BAKE_ARCH_KV_PRECISION,
				bake_span_text(name), value.source, err));
	}
	for (size_t i = 0; i < countof(keys); i++) {
		if (!bake_arch_config_find(config, &config->root, keys[i], &value))
			continue;
		name = bake_arch_config_string(&value.json);
		name = name ? bake_arch_precision(name) : NULL;
		if (name)
			return bake_arch_set_text(config->arch, BAKE_ARCH_WEIGHT_PRECISION,
				bake_span_text(name), value.source, err);
	}
	return BAKE_OK;
}

static enum bake_status read_transformers(struct bake_arch_config *config, struct bake_error *err)
{
	choose_scopes(config);
	BAKE_TRY(read_identity(config, err));
	BAKE_TRY(read_numbers(config, err));
	BAKE_TRY(read_flags(config, err));
	BAKE_TRY(read_params(config, err));
	BAKE_TRY(bake_arch_config_rope(config, err));
	BAKE_TRY(bake_arch_config_layers(config, err));
	BAKE_TRY(bake_arch_config_causal(config, err));
	BAKE_TRY(bake_arch_config_vision(config, err));
	BAKE_TRY(bake_arch_config_quantization(config, err));
	return read_precision(config, err);
}

enum bake_status bake_arch_config_read(struct bake_arch *arch, const char *kind,
	struct bake_span text, const char *path, struct bake_error *err)
{
	_cleanup_(bake_arch_config_release) struct bake_arch_config config = {.doc = NULL};
	struct bake_arch_value class_name;

	BAKE_TRY(bake_arch_config_open(arch, kind, text, path, &config, err));
	if (bake_arch_config_find(&config, &config.root, "_class_name", &class_name))
		return bake_arch_config_diffusers(&config, err);
	return read_transformers(&config, err);
}

enum bake_status bake_arch_read_config(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err)
{
	return bake_arch_config_read(arch, "config", text, path, err);
}
