/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what is known, and what somebody will miss. Nothing here is guessed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch/record.h"
#include "base/cleanup.h"
#include "base/text.h"

static bool known(const struct bake_arch *arch, enum bake_arch_field field)
{
	return bake_arch_get(arch, field) != NULL;
}

static enum bake_status copy_number(struct bake_arch *arch, enum bake_arch_field to,
	enum bake_arch_field from, struct bake_error *err)
{
	char source[BAKE_ARCH_TEXT_MAX];

	if (known(arch, to) || !known(arch, from))
		return BAKE_OK;
	(void)snprintf(source, sizeof(source), "derived:%s", bake_arch_field_name(from));
	return bake_arch_set_u64(arch, to, arch->facts[from].u64, source, err);
}

/* A part that makes images: its heads are no heads of a cache. */
static bool makes_images(const struct bake_arch *arch)
{
	return known(arch, BAKE_ARCH_IN_CHANNELS) || known(arch, BAKE_ARCH_LATENT_CHANNELS);
}

static enum bake_status derive_heads(struct bake_arch *arch, struct bake_error *err)
{
	uint64_t heads = bake_arch_u64(arch, BAKE_ARCH_NUM_ATTENTION_HEADS, 0);
	uint64_t hidden = bake_arch_u64(arch, BAKE_ARCH_HIDDEN_SIZE, 0);
	struct bake_arch_fact *value_dim = &arch->facts[BAKE_ARCH_VALUE_HEAD_DIM];
	uint64_t kv;

	if (makes_images(arch))
		return BAKE_OK;
	BAKE_TRY(copy_number(arch, BAKE_ARCH_NUM_KV_HEADS, BAKE_ARCH_NUM_ATTENTION_HEADS, err));
	kv = bake_arch_u64(arch, BAKE_ARCH_NUM_KV_HEADS, 0);
	if (heads && kv && !known(arch, BAKE_ARCH_KV_HEADS_PER_LAYER) && heads % kv)
		BAKE_TRY(bake_arch_warn(arch, err,
			"num_attention_heads (%" PRIu64 ") is no multiple of num_kv_heads (%" PRIu64
			")",
			heads, kv));
	if (!known(arch, BAKE_ARCH_HEAD_DIM) && heads && hidden) {
		if (hidden % heads)
			return bake_arch_warn(arch, err,
				"head_dim is not known: hidden_size (%" PRIu64
				") is no multiple of num_attention_heads (%" PRIu64 ")",
				hidden, heads);
		BAKE_TRY(bake_arch_set_u64(arch, BAKE_ARCH_HEAD_DIM, hidden / heads,
			"derived:hidden_size/num_attention_heads", err));
	}
	if (value_dim->known && value_dim->u64 == bake_arch_u64(arch, BAKE_ARCH_HEAD_DIM, 0))
		value_dim->known = false; /* said by head_dim */
	return BAKE_OK;
}

/* Keys and values are of the type that the weights were made in, unless somebody says otherwise; of
 * a GGUF file that is the runtime's choice. */
static enum bake_status derive_kv_precision(struct bake_arch *arch, struct bake_error *err)
{
	const struct bake_arch_fact *weights = bake_arch_get(arch, BAKE_ARCH_WEIGHT_PRECISION);

	if (known(arch, BAKE_ARCH_KV_PRECISION) || !weights || makes_images(arch) ||
		(known(arch, BAKE_ARCH_CAUSAL) && !arch->facts[BAKE_ARCH_CAUSAL].u64) ||
		!bake_text_starts(weights->source, "config:"))
		return BAKE_OK;
	if (strcmp(weights->text, "bf16") != 0 && strcmp(weights->text, "fp16") != 0 &&
		strcmp(weights->text, "fp32") != 0)
		return BAKE_OK;
	return bake_arch_set_text(arch, BAKE_ARCH_KV_PRECISION, bake_span_text(weights->text),
		"derived:weight_precision", err);
}

static bool from_config(const struct bake_arch *arch)
{
	for (size_t i = 0; i < arch->source_count; i++) {
		if (bake_text_starts(arch->sources[i], "config:"))
			return true;
	}
	return false;
}

/* Layers without attention have no heads. */
static bool is_recurrent(const struct bake_arch *arch)
{
	const struct bake_arch_fact *fact = bake_arch_get(arch, BAKE_ARCH_RECURRENT_PER_LAYER);

	for (size_t i = 0; fact && i < fact->list_count; i++) {
		if (!fact->list[i])
			return false;
	}
	return fact != NULL;
}

/* What an estimate of memory needs. */
static enum bake_status warn_of_missing(struct bake_arch *arch, struct bake_error *err)
{
	static const enum bake_arch_field always[] = {BAKE_ARCH_NUM_LAYERS, BAKE_ARCH_HIDDEN_SIZE};
	static const enum bake_arch_field of_attention[] = {
		BAKE_ARCH_NUM_ATTENTION_HEADS, BAKE_ARCH_CONTEXT_LENGTH};

	for (size_t i = 0; i < countof(always); i++) {
		if (!known(arch, always[i]))
			BAKE_TRY(bake_arch_warn(
				arch, err, "%s is not known", bake_arch_field_name(always[i])));
	}
	for (size_t i = 0; i < countof(of_attention) && !is_recurrent(arch); i++) {
		if (!known(arch, of_attention[i]))
			BAKE_TRY(bake_arch_warn(arch, err, "%s is not known",
				bake_arch_field_name(of_attention[i])));
	}
	if (!from_config(arch))
		return BAKE_OK;
	if (!known(arch, BAKE_ARCH_CAUSAL))
		BAKE_TRY(bake_arch_warn(
			arch, err, "causal is not known: whether the model keeps keys and values"));
	if (!known(arch, BAKE_ARCH_KV_PRECISION) && !is_recurrent(arch))
		BAKE_TRY(bake_arch_warn(arch, err, "kv_precision is not known"));
	return BAKE_OK;
}

/* Only of models of text: projectors, parts of pipelines and the pipelines have other fields. */
static bool is_text_model(const struct bake_arch *arch)
{
	if (arch->component_count || makes_images(arch))
		return false;
	if (known(arch, BAKE_ARCH_CAUSAL))
		return arch->facts[BAKE_ARCH_CAUSAL].u64 != 0;
	return known(arch, BAKE_ARCH_MODEL_TYPE) || known(arch, BAKE_ARCH_NUM_LAYERS);
}

static bool has_vision(const struct bake_arch *arch)
{
	return arch->vision[BAKE_VISION_NUM_LAYERS].known ||
	       arch->vision[BAKE_VISION_PROJECTOR_TYPE].known;
}

static enum bake_status finish_one(struct bake_arch *arch, struct bake_error *err)
{
	BAKE_TRY(derive_heads(arch, err));
	BAKE_TRY(copy_number(
		arch, BAKE_ARCH_CONTEXT_LENGTH, BAKE_ARCH_MAX_POSITION_EMBEDDINGS, err));
	BAKE_TRY(copy_number(arch, BAKE_ARCH_CONTEXT_LENGTH, BAKE_ARCH_SEQ_LENGTH, err));
	BAKE_TRY(derive_kv_precision(arch, err));
	if (!is_text_model(arch) ||
		(has_vision(arch) && !known(arch, BAKE_ARCH_NUM_LAYERS) && !from_config(arch)))
		return BAKE_OK;
	return warn_of_missing(arch, err);
}

enum bake_status bake_arch_finish(struct bake_arch *arch, struct bake_error *err)
{
	for (size_t i = 0; i < arch->component_count; i++) {
		if (arch->components[i].arch)
			BAKE_TRY(finish_one(arch->components[i].arch, err));
	}
	return finish_one(arch, err);
}
