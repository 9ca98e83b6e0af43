/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/kv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"

static const struct bake_kv_type types_known[] = {
	{"f16", 1, 2},
	{"bf16", 1, 2},
	{"f32", 1, 4},
	{"f8", 1, 1},
	{"q8_0", 32, 34},
	{"q5_1", 32, 24},
	{"q5_0", 32, 22},
	{"q4_1", 32, 20},
	{"q4_0", 32, 18},
	{"iq4_nl", 32, 18},
};

const char bake_kv_type_names[] = "f16, bf16, f32, f8, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl";

/* What configurations and other engines call them. */
static const struct {
	const char *name;
	const char *means;
} spellings[] = {
	{"fp16", "f16"},
	{"float16", "f16"},
	{"half", "f16"},
	{"bfloat16", "bf16"},
	{"fp32", "f32"},
	{"float32", "f32"},
	{"fp8", "f8"},
	{"fp8_e4m3", "f8"},
	{"fp8_e5m2", "f8"},
	{"f8_e4m3", "f8"},
	{"f8_e5m2", "f8"},
	{"float8_e4m3fn", "f8"},
	{"float8_e5m2", "f8"},
	{"int8", "f8"},
};

const struct bake_kv_type *bake_kv_type_find(const char *name)
{
	for (size_t i = 0; i < countof(spellings); i++) {
		if (strcasecmp(name, spellings[i].name) == 0)
			name = spellings[i].means;
	}
	for (size_t i = 0; i < countof(types_known); i++) {
		if (strcasecmp(name, types_known[i].name) == 0)
			return &types_known[i];
	}
	return NULL;
}

uint64_t bake_kv_type_bytes(const struct bake_kv_type *type, uint64_t elements)
{
	uint64_t blocks = elements / type->block + (elements % type->block ? 1 : 0);

	return bake_u64_mul_capped(blocks, type->bytes);
}

/* The facts as this file wants them. */
struct shape {
	uint64_t layers;
	uint64_t run; /* layers that are run and have a cache of their own: the first ones */
	uint64_t kv_heads;
	uint64_t key_dim;
	uint64_t value_dim;
	uint64_t latent;
	uint64_t window;
	const struct bake_arch_fact *heads_of;
	const struct bake_arch_fact *window_of;
	const struct bake_arch_fact *recurrent_of;
	bool may_recur; /* some layers are recurrent, and no fact says which */
};

static bool unknown(struct bake_kv *kv, const char *why)
{
	kv->known = false;
	(void)snprintf(kv->because, sizeof(kv->because), "%s", why);
	return false;
}

/* A list with an element per layer, NULL when there is none. False when it is of another length. */
static bool read_list(const struct bake_arch *arch, enum bake_arch_field field, uint64_t layers,
	const struct bake_arch_fact **out, struct bake_kv *kv)
{
	const struct bake_arch_fact *fact = bake_arch_get(arch, field);

	if (fact && (fact->kind != BAKE_ARCH_LIST || fact->list_count != layers))
		return unknown(kv, "a list per layer is of another length than num_layers says");
	*out = fact;
	return true;
}

/* Elements of keys and values: of a latent for both, or per head. */
static bool read_dims(const struct bake_arch *arch, struct shape *shape, struct bake_kv *kv)
{
	uint64_t rank = bake_arch_u64(arch, BAKE_ARCH_KV_LORA_RANK, 0);
	uint64_t rope = bake_arch_u64(arch, BAKE_ARCH_QK_ROPE_HEAD_DIM, 0);

	if (rank) {
		kv->latent = true;
		shape->latent = bake_u64_add_capped(rank, rope);
		return rope || unknown(kv, "qk_rope_head_dim is not known: a latent is "
					   "kv_lora_rank and that");
	}
	shape->kv_heads = bake_arch_u64(arch, BAKE_ARCH_NUM_KV_HEADS, 0);
	shape->key_dim = bake_arch_u64(arch, BAKE_ARCH_HEAD_DIM, 0);
	shape->value_dim = bake_arch_u64(arch, BAKE_ARCH_VALUE_HEAD_DIM, shape->key_dim);
	if (!shape->kv_heads && !shape->heads_of)
		return unknown(kv, "num_kv_heads is not known");
	return shape->key_dim || unknown(kv, "head_dim is not known");
}

static bool has_no_attention(const struct bake_arch *arch)
{
	return !bake_arch_u64(arch, BAKE_ARCH_NUM_KV_HEADS, 0) &&
	       !bake_arch_u64(arch, BAKE_ARCH_NUM_ATTENTION_HEADS, 0) &&
	       !bake_arch_get(arch, BAKE_ARCH_KV_HEADS_PER_LAYER) &&
	       bake_arch_get(arch, BAKE_ARCH_SSM_STATE_SIZE);
}

static bool read_shape(const struct bake_arch *arch, struct shape *shape, struct bake_kv *kv)
{
	uint64_t behind;

	kv->layers = shape->layers = bake_arch_u64(arch, BAKE_ARCH_NUM_LAYERS, 0);
	if (!shape->layers)
		return unknown(kv, "num_layers is not known");
	if (shape->layers > BAKE_KV_LAYERS_MAX)
		return unknown(kv, "num_layers is larger than any model's");
	kv->nextn_layers = bake_arch_u64(arch, BAKE_ARCH_NEXTN_PREDICT_LAYERS, 0);
	kv->shared_layers = bake_arch_u64(arch, BAKE_ARCH_SHARED_KV_LAYERS, 0);
	behind = bake_u64_add_capped(kv->nextn_layers, kv->shared_layers);
	if (behind >= shape->layers)
		return unknown(kv, "as many layers are said to have no cache as there are");
	shape->run = shape->layers - behind;
	shape->window = bake_arch_u64(arch, BAKE_ARCH_SLIDING_WINDOW, 0);
	return read_list(arch, BAKE_ARCH_KV_HEADS_PER_LAYER, shape->layers, &shape->heads_of, kv) &&
	       read_list(arch, BAKE_ARCH_SLIDING_WINDOW_PER_LAYER, shape->layers, &shape->window_of,
		       kv) &&
	       read_list(arch, BAKE_ARCH_RECURRENT_PER_LAYER, shape->layers, &shape->recurrent_of,
		       kv);
}

static uint64_t per_layer(const struct bake_arch_fact *list, uint64_t layer, uint64_t otherwise)
{
	return list ? list->list[layer] : otherwise;
}

/* Counts a layer with those that are alike. */
static bool add_layer(struct bake_kv *kv, const struct bake_kv_group *like)
{
	for (size_t i = 0; i < kv->group_count; i++) {
		struct bake_kv_group *group = &kv->groups[i];

		if (group->keys != like->keys || group->values != like->values ||
			group->window != like->window)
			continue;
		group->layers++;
		return true;
	}
	if (kv->group_count == BAKE_KV_GROUPS_MAX)
		return unknown(kv, "the layers are of more kinds than any model's");
	kv->groups[kv->group_count] = *like;
	kv->groups[kv->group_count++].layers = 1;
	return true;
}

static bool read_layer(const struct shape *shape, uint64_t layer, struct bake_kv *kv)
{
	uint64_t heads = per_layer(shape->heads_of, layer, shape->kv_heads);
	struct bake_kv_group like = {
		.keys = bake_u64_mul_capped(heads, shape->key_dim),
		.values = bake_u64_mul_capped(heads, shape->value_dim),
		.window = per_layer(shape->window_of, layer, shape->window),
	};
	bool recurrent = per_layer(shape->recurrent_of, layer, 0) != 0;

	if (recurrent)
		kv->recurrent_min++;
	if (recurrent || (shape->may_recur && (!shape->heads_of || !heads)))
		kv->recurrent_max++;
	if (recurrent || (shape->heads_of && !heads))
		return true;
	if (kv->latent) {
		like.keys = shape->latent;
		like.values = 0;
	}
	return add_layer(kv, &like);
}

static void read_state(const struct bake_arch *arch, struct bake_kv *kv)
{
	uint64_t kernel = bake_arch_u64(arch, BAKE_ARCH_CONV_KERNEL, 0);
	uint64_t inner = bake_arch_u64(arch, BAKE_ARCH_SSM_INNER_SIZE, 0);
	uint64_t state = bake_arch_u64(arch, BAKE_ARCH_SSM_STATE_SIZE, 0);
	uint64_t groups = bake_arch_u64(arch, BAKE_ARCH_SSM_GROUP_COUNT, 0);
	uint64_t width = bake_u64_mul_capped(bake_u64_mul_capped(2, groups), state);

	kv->state_known = kernel && inner && state;
	if (!kv->state_known) {
		(void)snprintf(kv->state_because, sizeof(kv->state_because),
			"of conv_kernel, ssm_inner_size and ssm_state_size not all are known");
		return;
	}
	kv->state_elements = bake_u64_add_capped(
		bake_u64_mul_capped(kernel - 1, bake_u64_add_capped(inner, width)),
		bake_u64_mul_capped(state, inner));
	(void)snprintf(kv->state_because, sizeof(kv->state_because),
		"(%" PRIu64 " - 1) x (%" PRIu64 " + 2 x %" PRIu64 " x %" PRIu64 ") + %" PRIu64
		" x %" PRIu64 " elements of f32 a layer and sequence",
		kernel, inner, groups, state, state, inner);
}

/* "36 of 36 layers, 8 x 64 keys and values". */
static void explain(const struct bake_arch *arch, struct bake_kv *kv)
{
	const struct bake_kv_group *group = &kv->groups[0];
	uint64_t cached = 0;
	uint64_t windowed = 0;

	for (size_t i = 0; i < kv->group_count; i++) {
		cached += kv->groups[i].layers;
		windowed += kv->groups[i].window ? kv->groups[i].layers : 0;
	}
	if (!cached)
		(void)snprintf(kv->because, sizeof(kv->because), "no layer has attention");
	else if (kv->latent)
		(void)snprintf(kv->because, sizeof(kv->because),
			"MLA: one latent of %" PRIu64 " + %" PRIu64 " elements a token in %" PRIu64
			" of %" PRIu64 " layers",
			bake_arch_u64(arch, BAKE_ARCH_KV_LORA_RANK, 0),
			bake_arch_u64(arch, BAKE_ARCH_QK_ROPE_HEAD_DIM, 0), cached, kv->layers);
	else if (kv->group_count == 1)
		(void)snprintf(kv->because, sizeof(kv->because),
			"%" PRIu64 " keys and %" PRIu64 " values a token in %" PRIu64 " of %" PRIu64
			" layers",
			group->keys, group->values, cached, kv->layers);
	else
		(void)snprintf(kv->because, sizeof(kv->because),
			"%zu kinds of layers; %" PRIu64 " of %" PRIu64 " have a cache, %" PRIu64
			" of them with a window",
			kv->group_count, cached, kv->layers, windowed);
}

void bake_kv_read(const struct bake_arch *arch, struct bake_kv *out)
{
	const struct bake_arch_fact *causal = bake_arch_get(arch, BAKE_ARCH_CAUSAL);
	struct shape shape = {.layers = 0};

	memset(out, 0, sizeof(*out));
	out->causal = !causal || causal->u64;
	out->known = true;
	if (!out->causal) {
		(void)snprintf(out->because, sizeof(out->because), "an encoder keeps no cache");
		return;
	}
	read_state(arch, out);
	if (!read_shape(arch, &shape, out))
		return;
	if (has_no_attention(arch) && !shape.recurrent_of) {
		out->recurrent_min = out->recurrent_max = shape.run;
		(void)snprintf(out->because, sizeof(out->because), "no layer has attention");
		return;
	}
	if (!read_dims(arch, &shape, out))
		return;
	shape.may_recur =
		!shape.recurrent_of && bake_arch_get(arch, BAKE_ARCH_SSM_STATE_SIZE) != NULL;
	for (uint64_t i = 0; i < shape.run; i++) {
		if (!read_layer(&shape, i, out))
			return;
	}
	explain(arch, out);
}

static uint64_t group_token_bytes(const struct bake_kv_group *group, struct bake_kv_types types)
{
	uint64_t bytes = bake_u64_add_capped(bake_kv_type_bytes(types.key, group->keys),
		bake_kv_type_bytes(types.value, group->values));

	return bake_u64_mul_capped(bytes, group->layers);
}

uint64_t bake_kv_token_bytes_min(const struct bake_kv *kv, struct bake_kv_types types)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < kv->group_count; i++) {
		if (!kv->groups[i].window)
			bytes = bake_u64_add_capped(
				bytes, group_token_bytes(&kv->groups[i], types));
	}
	return bytes;
}

uint64_t bake_kv_token_bytes_max(const struct bake_kv *kv, struct bake_kv_types types)
{
	return bake_kv_bytes(kv, types, 1, NULL, NULL);
}

uint64_t bake_kv_bytes(const struct bake_kv *kv, struct bake_kv_types types, uint64_t tokens,
	bake_kv_window_fn *keep, const void *context)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < kv->group_count; i++) {
		const struct bake_kv_group *group = &kv->groups[i];
		uint64_t kept = group->window && keep
					? bake_u64_min(tokens, keep(context, group->window))
					: tokens;

		bytes = bake_u64_add_capped(
			bytes, bake_u64_mul_capped(group_token_bytes(group, types), kept));
	}
	return bytes;
}

uint64_t bake_kv_state_bytes(const struct bake_kv *kv, uint64_t layers, uint64_t sequences)
{
	uint64_t layer = bake_u64_mul_capped(kv->state_elements, BAKE_KV_STATE_BYTES);

	return bake_u64_mul_capped(bake_u64_mul_capped(layer, layers), sequences);
}

uint64_t bake_kv_window_max(const struct bake_kv *kv)
{
	uint64_t window = 0;

	for (size_t i = 0; i < kv->group_count; i++)
		window = bake_u64_max(window, kv->groups[i].window);
	return window;
}

bool bake_kv_types_divide(const struct bake_kv *kv, struct bake_kv_types types, uint64_t head_dim)
{
	for (size_t i = 0; i < kv->group_count; i++) {
		if (kv->groups[i].keys % types.key->block ||
			kv->groups[i].values % types.value->block)
			return false;
	}
	return !head_dim ||
	       (head_dim % types.key->block == 0 && head_dim % types.value->block == 0);
}
