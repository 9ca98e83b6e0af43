/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The architecture of a GGUF file. Keys stand behind the name of the architecture, "qwen2.", and
 * what they are called is the same for all (gguf-py, constants.py).
 */
#include "arch/config.h"
#include "arch/gguf_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

enum zero {
	ZERO_IS_NONE, /* the model has none of it */
	ZERO_IS_WRONG
};

/* The first key that is there. */
static const struct row {
	enum bake_arch_field field;
	enum zero zero;
	const char *suffixes[2];
} rows[] = {
	{BAKE_ARCH_CONTEXT_LENGTH, ZERO_IS_WRONG, {"context_length"}},
	{BAKE_ARCH_HIDDEN_SIZE, ZERO_IS_WRONG, {"embedding_length"}},
	{BAKE_ARCH_HEAD_DIM, ZERO_IS_NONE, {"attention.key_length_mla", "attention.key_length"}},
	{BAKE_ARCH_NUM_EXPERTS, ZERO_IS_NONE, {"expert_count"}},
	{BAKE_ARCH_NUM_EXPERTS_PER_TOKEN, ZERO_IS_NONE, {"expert_used_count"}},
	{BAKE_ARCH_NUM_SHARED_EXPERTS, ZERO_IS_NONE, {"expert_shared_count"}},
	{BAKE_ARCH_KV_LORA_RANK, ZERO_IS_NONE, {"attention.kv_lora_rank"}},
	{BAKE_ARCH_Q_LORA_RANK, ZERO_IS_NONE, {"attention.q_lora_rank"}},
	{BAKE_ARCH_SHARED_KV_LAYERS, ZERO_IS_NONE, {"attention.shared_kv_layers"}},
	{BAKE_ARCH_NEXTN_PREDICT_LAYERS, ZERO_IS_NONE, {"nextn_predict_layers"}},
	{BAKE_ARCH_CONV_KERNEL, ZERO_IS_NONE, {"ssm.conv_kernel", "shortconv.l_cache"}},
	{BAKE_ARCH_SSM_INNER_SIZE, ZERO_IS_NONE, {"ssm.inner_size"}},
	{BAKE_ARCH_SSM_STATE_SIZE, ZERO_IS_NONE, {"ssm.state_size", "wkv.head_size"}},
	{BAKE_ARCH_SSM_GROUP_COUNT, ZERO_IS_NONE, {"ssm.group_count"}},
};

static enum bake_status read_row(
	const struct bake_gguf_in *in, const struct row *row, struct bake_error *err)
{
	const char *suffix = row->suffixes[0];
	struct bake_gguf_source room;
	uint64_t value;
	bool said;

	if (row->suffixes[1] && !bake_gguf_in_has(in, suffix))
		suffix = row->suffixes[1];
	BAKE_TRY(bake_gguf_in_number(in, suffix, BAKE_GGUF_COUNT_MAX, &value, &said, err));
	if (!said || (value == 0 && row->zero == ZERO_IS_NONE))
		return BAKE_OK;
	if (value == 0)
		return bake_gguf_in_complain(in, suffix, err, "is 0");
	return bake_arch_set_u64(
		in->arch, row->field, value, bake_gguf_in_source(in, suffix, &room), err);
}

/* The name becomes part of keys and sources, so it has to be one. */
static enum bake_status read_type(struct bake_gguf_in *in, struct bake_error *err)
{
	static const char key[] = "general.architecture";
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	struct bake_gguf_source room;
	struct bake_span text;
	bool said;

	if (!bake_gguf_in_has(in, key))
		return bake_arch_warn(in->arch, err, "%s: %s is missing", BAKE_SHOW(in->path), key);
	BAKE_TRY(bake_gguf_in_text(in, key, &text, &said, err));
	if (!said)
		return BAKE_OK;
	if (text.len > BAKE_GGUF_TYPE_MAX || memchr(text.ptr, '\0', text.len))
		return bake_gguf_in_complain(in, key, err, "is no name");
	memcpy(in->type, text.ptr, text.len);
	if (strspn(in->type, allowed) != text.len) {
		in->type[0] = '\0';
		return bake_gguf_in_complain(in, key, err, "is no name");
	}
	return bake_arch_set_text(
		in->arch, BAKE_ARCH_MODEL_TYPE, text, bake_gguf_in_source(in, key, &room), err);
}

/* Blocks and layers. T5 has both an encoder's and a decoder's. */
static enum bake_status read_blocks(struct bake_gguf_in *in, struct bake_error *err)
{
	enum bake_arch_field field = BAKE_ARCH_NUM_LAYERS;
	struct bake_gguf_source room;
	const char *source = bake_gguf_in_source(in, "block_count", &room);
	uint64_t decoder;
	bool said;

	BAKE_TRY(bake_gguf_in_number(
		in, "block_count", BAKE_GGUF_BLOCKS_MAX, &in->blocks, &said, err));
	if (said && in->blocks == 0)
		BAKE_TRY(bake_gguf_in_complain(in, "block_count", err, "is 0"));
	if (!bake_gguf_in_has(in, "block_count") && in->tensors.whole) {
		in->blocks = in->tensors.blocks;
		source = "tensors";
	}
	if (strcmp(in->type, "t5") == 0)
		field = BAKE_ARCH_NUM_ENCODER_LAYERS;
	if (in->blocks > 0)
		BAKE_TRY(bake_arch_set_u64(in->arch, field, in->blocks, source, err));
	if (field == BAKE_ARCH_NUM_LAYERS)
		return BAKE_OK;
	decoder = in->blocks;
	BAKE_TRY(bake_gguf_in_number(
		in, "decoder_block_count", BAKE_GGUF_BLOCKS_MAX, &decoder, &said, err));
	if (said)
		source = bake_gguf_in_source(in, "decoder_block_count", &room);
	if (decoder == 0)
		return BAKE_OK;
	return bake_arch_set_u64(in->arch, BAKE_ARCH_NUM_LAYERS, decoder, source, err);
}

static enum bake_status read_vocabulary(const struct bake_gguf_in *in, struct bake_error *err)
{
	static const char tokens[] = "tokenizer.ggml.tokens";
	const struct bake_gguf_kv *kv = bake_gguf_in_find(in, tokens);
	const char *source;
	struct bake_gguf_source room;
	uint64_t size = 0;
	bool said;

	BAKE_TRY(bake_gguf_in_number(in, "vocab_size", BAKE_GGUF_COUNT_MAX, &size, &said, err));
	source = bake_gguf_in_source(in, "vocab_size", &room);
	if (size == 0 && kv && kv->kind == BAKE_GGUF_ARRAY) {
		size = kv->count;
		source = bake_gguf_in_source(in, tokens, &room);
	}
	if (size == 0 && in->tensors.embedding && in->tensors.embedding->dim_count == 2) {
		size = in->tensors.embedding->dims[1];
		source = "tensors";
	}
	if (size == 0 || size > BAKE_GGUF_COUNT_MAX)
		return BAKE_OK;
	return bake_arch_set_u64(in->arch, BAKE_ARCH_VOCAB_SIZE, size, source, err);
}

/* Models that make embeddings look both ways, or say how they pool. */
static enum bake_status read_causal(const struct bake_gguf_in *in, struct bake_error *err)
{
	static const char *const keys[] = {"attention.causal", "pooling_type"};
	struct bake_gguf_source room;
	uint64_t value;
	bool said;

	BAKE_TRY(bake_gguf_in_number(in, keys[0], 1, &value, &said, err));
	if (said)
		return bake_arch_set_bool(in->arch, BAKE_ARCH_CAUSAL, value != 0,
			bake_gguf_in_source(in, keys[0], &room), err);
	BAKE_TRY(bake_gguf_in_number(in, keys[1], BAKE_GGUF_COUNT_MAX, &value, &said, err));
	if (!said || value == 0)
		return BAKE_OK;
	return bake_arch_set_bool(
		in->arch, BAKE_ARCH_CAUSAL, false, bake_gguf_in_source(in, keys[1], &room), err);
}

/* Multi-head latent attention: a head's key is a part with rotary positions and one without. */
static enum bake_status read_latent(const struct bake_gguf_in *in, struct bake_error *err)
{
	static const char key[] = "rope.dimension_count";
	const struct bake_arch_fact *dim = bake_arch_get(in->arch, BAKE_ARCH_HEAD_DIM);
	struct bake_gguf_source room;
	uint64_t rope;
	bool said;

	if (!bake_arch_get(in->arch, BAKE_ARCH_KV_LORA_RANK))
		return BAKE_OK;
	BAKE_TRY(bake_gguf_in_number(in, key, BAKE_GGUF_COUNT_MAX, &rope, &said, err));
	if (!said || rope == 0)
		return BAKE_OK;
	BAKE_TRY(bake_arch_set_u64(in->arch, BAKE_ARCH_QK_ROPE_HEAD_DIM, rope,
		bake_gguf_in_source(in, key, &room), err));
	if (!dim || dim->u64 <= rope)
		return BAKE_OK;
	return bake_arch_set_u64(in->arch, BAKE_ARCH_QK_NOPE_HEAD_DIM, dim->u64 - rope,
		"derived:head_dim - qk_rope_head_dim", err);
}

static enum bake_status read_value_dim(const struct bake_gguf_in *in, struct bake_error *err)
{
	const char *suffix = "attention.value_length_mla";
	struct bake_gguf_source room;
	uint64_t value;
	bool said;

	if (!bake_gguf_in_has(in, suffix))
		suffix = "attention.value_length";
	BAKE_TRY(bake_gguf_in_number(in, suffix, BAKE_GGUF_COUNT_MAX, &value, &said, err));
	if (!said || value == 0 || value == bake_arch_u64(in->arch, BAKE_ARCH_HEAD_DIM, 0))
		return BAKE_OK;
	return bake_arch_set_u64(in->arch, BAKE_ARCH_VALUE_HEAD_DIM, value,
		bake_gguf_in_source(in, suffix, &room), err);
}

/*
 * The states of RWKV and of LFM2 in the terms of Mamba's, whose sizes are
 * (conv_kernel - 1) * (inner + 2 * groups * state) + state * inner: RWKV keeps token_shift_count
 * rows of the embedding and a matrix per head, LFM2 the last rows of its convolution.
 */
static enum bake_status read_state(const struct bake_gguf_in *in, struct bake_error *err)
{
	bool rwkv = bake_gguf_in_has(in, "wkv.head_size");
	struct bake_gguf_source room;
	uint64_t shifts;
	bool said;

	if (!rwkv && !bake_gguf_in_has(in, "shortconv.l_cache"))
		return BAKE_OK;
	if (bake_arch_get(in->arch, BAKE_ARCH_HIDDEN_SIZE))
		BAKE_TRY(bake_arch_set_u64(in->arch, BAKE_ARCH_SSM_INNER_SIZE,
			bake_arch_u64(in->arch, BAKE_ARCH_HIDDEN_SIZE, 0), "derived:hidden_size",
			err));
	BAKE_TRY(bake_gguf_in_number(
		in, "token_shift_count", BAKE_GGUF_COUNT_MAX - 1, &shifts, &said, err));
	if (!rwkv || !said)
		return BAKE_OK;
	return bake_arch_set_u64(in->arch, BAKE_ARCH_CONV_KERNEL, shifts + 1,
		bake_gguf_in_source(in, "token_shift_count", &room), err);
}

static enum bake_status read_parameters(const struct bake_gguf_in *in, struct bake_error *err)
{
	static const char key[] = "general.parameter_count";
	struct bake_gguf_source room;
	const char *source = bake_gguf_in_source(in, key, &room);
	uint64_t count;
	bool said;

	BAKE_TRY(bake_gguf_in_number(in, key, UINT64_MAX, &count, &said, err));
	if ((!said || count == 0) && in->tensors.whole) {
		count = in->tensors.elements;
		source = "tensors";
		said = count > 0;
	}
	if (!said || count == 0)
		return BAKE_OK;
	return bake_arch_set_f64(
		in->arch, BAKE_ARCH_PARAMS_BILLION, (double)count / 1e9, source, err);
}

/* The type's name as labels are written: "Q4_K". */
static void label_of(const struct bake_ggml_type *type, char *label, size_t room)
{
	(void)snprintf(label, room, "%s", type->name);
	for (char *at = label; *at; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
}

/* Bits a weight. Of a small model most bytes may be what was not quantized: they say nothing. */
static uint64_t bits_of(const struct bake_ggml_type *main, const char *label)
{
	if (!bake_ggml_type_is_quantized(main) && strcasecmp(label, main->name) != 0)
		return 0;
	return (uint64_t)main->block_bytes * 8 / main->block;
}

/* In how few bits: general.file_type says what the writer was asked for, and where it is missing
 * most of the bytes do. */
static enum bake_status read_quantization(const struct bake_gguf_in *in, struct bake_error *err)
{
	static const char key[] = "general.file_type";
	const struct bake_ggml_type *main = in->tensors.whole ? in->tensors.main : NULL;
	struct bake_arch_quantization found = {.method = "gguf"};
	struct bake_gguf_source room;
	char label[32];
	uint64_t type;
	bool said;

	BAKE_TRY(bake_gguf_in_number(in, key, UINT64_MAX, &type, &said, err));
	found.source = bake_gguf_in_source(in, key, &room);
	if (said)
		found.label = bake_gguf_file_type_label(type);
	if (said && !found.label)
		BAKE_TRY(bake_gguf_in_complain(in, key, err, "is %" PRIu64 ", not known", type));
	if (!found.label && main) {
		label_of(main, label, sizeof(label));
		found.label = label;
		found.source = "tensors";
	}
	if (main) {
		/* There is a label: general.file_type's, or the type's own. */
		found.bits = bits_of(main, found.label);
		found.group_size = main->block == 32 ? 32 : 0; /* larger blocks have parts */
		BAKE_TRY(bake_arch_set_text(in->arch, BAKE_ARCH_WEIGHT_PRECISION,
			bake_span_text(bake_arch_precision(main->name)), "tensors", err));
	}
	return found.label ? bake_arch_set_quantization(in->arch, &found, err) : BAKE_OK;
}

/* A language model's own. */
static enum bake_status read_model(struct bake_gguf_in *in, struct bake_error *err)
{
	BAKE_TRY(read_blocks(in, err));
	if (in->type[0] == '\0')
		return BAKE_OK;
	for (size_t i = 0; i < countof(rows); i++)
		BAKE_TRY(read_row(in, &rows[i], err));
	BAKE_TRY(read_value_dim(in, err));
	BAKE_TRY(read_latent(in, err));
	BAKE_TRY(read_state(in, err));
	BAKE_TRY(read_vocabulary(in, err));
	BAKE_TRY(read_causal(in, err));
	BAKE_TRY(bake_gguf_read_layers(in, err));
	BAKE_TRY(bake_gguf_read_rope(in, err));
	if (!in->tensors.embedding || !in->tensors.whole)
		return BAKE_OK;
	return bake_arch_set_bool(
		in->arch, BAKE_ARCH_TIE_WORD_EMBEDDINGS, !in->tensors.has_output, "tensors", err);
}

/* general.type: an adapter has its model's architecture, and is none. */
static enum bake_status read_kind(
	const struct bake_gguf_in *in, bool *out_model, struct bake_error *err)
{
	static const char *const others[] = {"adapter", "imatrix"};
	struct bake_span kind;
	bool said;

	*out_model = true;
	BAKE_TRY(bake_gguf_in_text(in, "general.type", &kind, &said, err));
	for (size_t i = 0; said && i < countof(others); i++) {
		if (kind.len != strlen(others[i]) || memcmp(kind.ptr, others[i], kind.len) != 0)
			continue;
		*out_model = false;
		return bake_gguf_in_complain(
			in, "general.type", err, "is %s: not a model", others[i]);
	}
	return BAKE_OK;
}

enum bake_status bake_arch_read_gguf(struct bake_arch *arch, const struct bake_gguf *gguf,
	const char *path, struct bake_error *err)
{
	struct bake_gguf_in in = {.arch = arch, .gguf = gguf, .path = path};
	char source[BAKE_ARCH_TEXT_MAX + 1];
	bool is_model;

	(void)snprintf(source, sizeof(source), "gguf:%s", path);
	BAKE_TRY(bake_arch_add_source(arch, source, err));
	bake_gguf_sum_tensors(gguf, &in.tensors);
	BAKE_TRY(read_type(&in, err));
	BAKE_TRY(read_quantization(&in, err));
	BAKE_TRY(read_kind(&in, &is_model, err));
	if (!is_model)
		return BAKE_OK;
	BAKE_TRY(read_parameters(&in, err));
	if (strcmp(in.type, "clip") == 0)
		return bake_gguf_read_clip(&in, err);
	return read_model(&in, err);
}
