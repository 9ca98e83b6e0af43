/* SPDX-License-Identifier: Apache-2.0 */
/* What differs from layer to layer in a GGUF file: heads, feed-forward widths, layers without
 * attention, windows. */
#include "arch/gguf_facts.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

/* What llama.cpp takes for granted of an architecture when its file does not say it. */
static const struct assumed {
	const char *type;
	uint64_t window_period; /* every Nth layer attends to all; 0: nothing is assumed */
	uint64_t window;	/* when the file has none; 0: nothing is assumed */
	uint64_t full_interval; /* every Nth layer has attention at all */
} assumptions[] = {
	{"llama4", 4, 8192, 0},
	{"gemma2", 2, 0, 0},
	{"gemma3", 6, 0, 0},
	{"gemma3n", 5, 0, 0},
	{"cohere2", 4, 0, 0},
	{"gpt-oss", 2, 0, 0},
	{"qwen3next", 0, 0, 4},
	{"qwen35", 0, 0, 4},
	{"qwen35moe", 0, 0, 4},
};

static const struct assumed *assumed_of(const struct bake_gguf_in *in)
{
	static const struct assumed nothing = {NULL, 0, 0, 0};

	for (size_t i = 0; i < countof(assumptions); i++)
		if (strcmp(assumptions[i].type, in->type) == 0)
			return &assumptions[i];
	return &nothing;
}

static const char *assumed_source(const struct bake_gguf_in *in, struct bake_gguf_source *out)
{
	(void)snprintf(out->text, sizeof(out->text), "derived:architecture %s", in->type);
	return out->text;
}

/* Layers, as they are said. */
struct layers {
	struct bake_gguf_layers heads;
	struct bake_gguf_layers kv_heads;
	struct bake_gguf_layers widths;
	uint64_t *recurrent; /* NULL: none, or not known */
	const char *recurrent_source;
	struct bake_gguf_source source; /* its text */
};

/* A zero for each block. */
static enum bake_status new_list(
	const struct bake_gguf_in *in, uint64_t **out, struct bake_error *err)
{
	*out = bake_arena_array(&in->arch->arena, (size_t)in->blocks, sizeof(**out));
	return *out ? BAKE_OK : bake_error_nomem(err);
}

/* Sets the scalar, and the list when there is one. A width of 0 is a layer that has none. */
static enum bake_status set_both(const struct bake_gguf_in *in, enum bake_arch_field scalar,
	enum bake_arch_field list, const struct bake_gguf_layers *said, struct bake_error *err)
{
	struct bake_gguf_source room;
	const char *source = bake_gguf_in_source(in, said->suffix, &room);

	if (!said->said || said->most == 0)
		return BAKE_OK;
	BAKE_TRY(bake_arch_set_u64(in->arch, scalar, said->most, source, err));
	if (!said->list)
		return BAKE_OK;
	return bake_arch_set_layers(in->arch, list, said->list, (size_t)in->blocks, source, err);
}

/* Whether the model has layers with a state instead of keys and values. */
static bool has_state(const struct bake_gguf_in *in)
{
	static const char *const keys[] = {"ssm.conv_kernel", "ssm.state_size", "shortconv.l_cache",
		"wkv.head_size", "kda.head_dim"};

	for (size_t i = 0; i < countof(keys); i++)
		if (bake_gguf_in_has(in, keys[i]))
			return true;
	return false;
}

/* Layers of multi-token prediction come last and have attention. */
static uint64_t main_layers(const struct bake_gguf_in *in)
{
	uint64_t predicting = bake_arch_u64(in->arch, BAKE_ARCH_NEXTN_PREDICT_LAYERS, 0);

	return in->blocks > predicting ? in->blocks - predicting : 0;
}

/* A layer without keys and values is recurrent, but for Nemotron-H, where it is that only if it has
 * no feed-forward network either. */
static enum bake_status recurrent_by_heads(
	const struct bake_gguf_in *in, struct layers *layers, struct bake_error *err)
{
	const uint64_t *widths =
		bake_text_starts(in->type, "nemotron_h") ? layers->widths.list : NULL;

	BAKE_TRY(new_list(in, &layers->recurrent, err));
	layers->recurrent_source =
		bake_gguf_in_source(in, layers->kv_heads.suffix, &layers->source);
	for (uint64_t i = 0; i < in->blocks; i++)
		layers->recurrent[i] = layers->kv_heads.list[i] == 0 && !(widths && widths[i] > 0);
	return BAKE_OK;
}

static enum bake_status recurrent_by_interval(const struct bake_gguf_in *in, struct layers *layers,
	uint64_t interval, struct bake_error *err)
{
	uint64_t all = main_layers(in);

	BAKE_TRY(new_list(in, &layers->recurrent, err));
	for (uint64_t i = 0; i < all; i++)
		layers->recurrent[i] = (i + 1) % interval != 0;
	return BAKE_OK;
}

static enum bake_status recurrent_all(
	const struct bake_gguf_in *in, struct layers *layers, struct bake_error *err)
{
	BAKE_TRY(new_list(in, &layers->recurrent, err));
	layers->recurrent_source = bake_gguf_in_source(in, layers->heads.suffix, &layers->source);
	for (uint64_t i = 0; i < in->blocks; i++)
		layers->recurrent[i] = 1;
	return BAKE_OK;
}

static bool has_zero(const struct bake_gguf_layers *said, uint64_t count)
{
	for (uint64_t i = 0; said->list && i < count; i++)
		if (said->list[i] == 0)
			return true;
	return false;
}

static enum bake_status find_recurrent(
	const struct bake_gguf_in *in, struct layers *layers, struct bake_error *err)
{
	static const char interval_key[] = "full_attention_interval";
	struct bake_gguf_layers flags;
	uint64_t interval = 0;
	bool said;

	if (in->blocks == 0 || !has_state(in))
		return BAKE_OK;
	if (layers->heads.said && layers->heads.most == 0)
		return recurrent_all(in, layers, err);
	BAKE_TRY(bake_gguf_in_layers(in, "attention.recurrent_layers", 1, &flags, err));
	if (flags.list) {
		layers->recurrent = flags.list;
		layers->recurrent_source = bake_gguf_in_source(in, flags.suffix, &layers->source);
		return BAKE_OK;
	}
	if (has_zero(&layers->kv_heads, in->blocks))
		return recurrent_by_heads(in, layers, err);
	BAKE_TRY(
		bake_gguf_in_number(in, interval_key, BAKE_GGUF_BLOCKS_MAX, &interval, &said, err));
	layers->recurrent_source = bake_gguf_in_source(in, interval_key, &layers->source);
	if (said && interval == 0)
		return bake_gguf_in_complain(in, interval_key, err, "is 0");
	if (!said) {
		interval = assumed_of(in)->full_interval;
		layers->recurrent_source = assumed_source(in, &layers->source);
	}
	return interval > 0 ? recurrent_by_interval(in, layers, interval, err) : BAKE_OK;
}

/* Heads of keys and values by layer: as the file lists them, else all alike but for recurrent
 * layers, which have none. Without a key of their own they are as many as there are heads. */
static enum bake_status set_kv_heads(
	const struct bake_gguf_in *in, const struct layers *layers, struct bake_error *err)
{
	const struct bake_gguf_layers *said =
		layers->kv_heads.said ? &layers->kv_heads : &layers->heads;
	uint64_t *list;

	if (layers->kv_heads.said || said->list)
		BAKE_TRY(set_both(
			in, BAKE_ARCH_NUM_KV_HEADS, BAKE_ARCH_KV_HEADS_PER_LAYER, said, err));
	if (said->list || !layers->recurrent || said->most == 0)
		return BAKE_OK;
	BAKE_TRY(new_list(in, &list, err));
	for (uint64_t i = 0; i < in->blocks; i++)
		list[i] = layers->recurrent[i] ? 0 : said->most;
	return bake_arch_set_layers(in->arch, BAKE_ARCH_KV_HEADS_PER_LAYER, list,
		(size_t)in->blocks, layers->recurrent_source, err);
}

/* A head count of 0 is a model without attention, or a fault. */
static enum bake_status check_heads(
	const struct bake_gguf_in *in, const struct layers *layers, struct bake_error *err)
{
	const struct bake_gguf_layers *said = &layers->heads;

	if (has_state(in))
		return BAKE_OK;
	if (said->said && said->most == 0)
		BAKE_TRY(bake_gguf_in_complain(in, said->suffix, err, "is 0"));
	said = &layers->kv_heads;
	if (said->said && said->most == 0)
		BAKE_TRY(bake_gguf_in_complain(in, said->suffix, err, "is 0"));
	return BAKE_OK;
}

/* Which layers have a window. */
struct pattern {
	uint64_t *list; /* 1: this one has; NULL: all have, or nothing is known */
	const char *source;
	struct bake_gguf_source room; /* its text */
};

static enum bake_status find_pattern(
	const struct bake_gguf_in *in, struct pattern *out, struct bake_error *err)
{
	static const char key[] = "attention.sliding_window_pattern";
	struct bake_gguf_layers said;
	uint64_t period;

	BAKE_TRY(bake_gguf_in_layers(in, key, BAKE_GGUF_COUNT_MAX, &said, err));
	out->source = bake_gguf_in_source(in, key, &out->room);
	out->list = said.list;
	if (said.list)
		return BAKE_OK;
	period = said.most;
	if (!said.said) {
		period = assumed_of(in)->window_period;
		out->source = assumed_source(in, &out->room);
	}
	if (in->blocks == 0 || period == 0)
		return BAKE_OK; /* llama.cpp: of a period of 0 all layers have a window */
	BAKE_TRY(new_list(in, &out->list, err));
	for (uint64_t i = 0; i < in->blocks; i++)
		out->list[i] = i % period < period - 1;
	return BAKE_OK;
}

/* A window that some layers have. When none has it, the model has none. */
static enum bake_status set_window(
	const struct bake_gguf_in *in, uint64_t window, const char *source, struct bake_error *err)
{
	struct pattern pattern;
	bool any = false;

	BAKE_TRY(find_pattern(in, &pattern, err));
	for (uint64_t i = 0; pattern.list && i < in->blocks; i++) {
		any = any || pattern.list[i];
		pattern.list[i] = pattern.list[i] ? window : 0;
	}
	if (pattern.list && !any)
		return BAKE_OK;
	BAKE_TRY(bake_arch_set_u64(in->arch, BAKE_ARCH_SLIDING_WINDOW, window, source, err));
	if (!pattern.list)
		return BAKE_OK;
	return bake_arch_set_layers(in->arch, BAKE_ARCH_SLIDING_WINDOW_PER_LAYER, pattern.list,
		(size_t)in->blocks, pattern.source, err);
}

static enum bake_status read_windows(const struct bake_gguf_in *in, struct bake_error *err)
{
	struct bake_gguf_layers said;
	struct bake_gguf_source room;
	uint64_t assumed = assumed_of(in)->window;

	BAKE_TRY(bake_gguf_in_layers(
		in, "attention.sliding_window", BAKE_GGUF_COUNT_MAX, &said, err));
	if (said.list)
		return set_both(in, BAKE_ARCH_SLIDING_WINDOW, BAKE_ARCH_SLIDING_WINDOW_PER_LAYER,
			&said, err);
	if (said.said && said.most > 0)
		return set_window(in, said.most, bake_gguf_in_source(in, said.suffix, &room), err);
	if (!said.said && assumed > 0)
		return set_window(in, assumed, assumed_source(in, &room), err);
	return BAKE_OK;
}

enum bake_status bake_gguf_read_layers(struct bake_gguf_in *in, struct bake_error *err)
{
	struct layers layers = {.recurrent = NULL};
	struct bake_gguf_source room;

	BAKE_TRY(bake_gguf_in_layers(
		in, "attention.head_count", BAKE_GGUF_COUNT_MAX, &layers.heads, err));
	BAKE_TRY(bake_gguf_in_layers(
		in, "attention.head_count_kv", BAKE_GGUF_COUNT_MAX, &layers.kv_heads, err));
	BAKE_TRY(bake_gguf_in_layers(
		in, "feed_forward_length", BAKE_GGUF_COUNT_MAX, &layers.widths, err));
	BAKE_TRY(check_heads(in, &layers, err));
	BAKE_TRY(find_recurrent(in, &layers, err));
	if (layers.heads.most > 0)
		BAKE_TRY(bake_arch_set_u64(in->arch, BAKE_ARCH_NUM_ATTENTION_HEADS,
			layers.heads.most, bake_gguf_in_source(in, layers.heads.suffix, &room),
			err));
	BAKE_TRY(set_kv_heads(in, &layers, err));
	BAKE_TRY(set_both(in, BAKE_ARCH_INTERMEDIATE_SIZE, BAKE_ARCH_INTERMEDIATE_SIZE_PER_LAYER,
		&layers.widths, err));
	if (layers.recurrent)
		BAKE_TRY(bake_arch_set_layers(in->arch, BAKE_ARCH_RECURRENT_PER_LAYER,
			layers.recurrent, (size_t)in->blocks, layers.recurrent_source, err));
	return read_windows(in, err);
}
