/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each layer does: attention to everything, attention within a window, a recurrent state, or
 * neither. Families of models say it in a dozen ways, of which the first that is there is taken.
 */
#include <stdio.h>
#include <string.h>

#include "arch/config.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

enum kind {
	FULL,
	SLIDING,
	RECURRENT,
	NEITHER
};

struct layers {
	const struct bake_arch_config *config;
	enum kind kinds[BAKE_ARCH_LIST_MAX];
	size_t count; /* without those that predict further tokens */
	uint64_t window;
	char window_source[BAKE_ARCH_TEXT_MAX];
	char source[BAKE_ARCH_TEXT_MAX]; /* of the kinds; "": the model has no such thing */
};

static bool type_is(const struct layers *layers, const char *type)
{
	return bake_text_equal(layers->config->arch->facts[BAKE_ARCH_MODEL_TYPE].text, type);
}

static void decide(struct layers *layers, const char *source)
{
	(void)snprintf(layers->source, sizeof(layers->source), "%s", source);
}

/* The words for kinds of layers; what is not here is attention to everything. */
static enum kind kind_of(const char *word)
{
	static const struct {
		const char *word;
		enum kind kind;
	} words[] = {
		{"sliding_attention", SLIDING},
		{"chunked_attention", SLIDING},
		{"local", SLIDING},
		{"local_attention", SLIDING},
		{"linear_attention", RECURRENT},
		{"mamba", RECURRENT},
		{"mamba2", RECURRENT},
		{"recurrent", RECURRENT},
		{"conv", RECURRENT},
		{"moe", NEITHER},
		{"mlp", NEITHER},
	};

	for (size_t i = 0; i < countof(words); i++) {
		if (strcmp(word, words[i].word) == 0)
			return words[i].kind;
	}
	return FULL;
}

static void fill(struct layers *layers, enum kind kind)
{
	for (size_t i = 0; i < layers->count; i++)
		layers->kinds[i] = kind;
}

struct naming {
	struct layers *layers;
	size_t count;
	bool bad;
};

static enum bake_status take_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct naming *naming = out;
	const char *word = bake_arch_config_string(value);

	(void)err;
	if (!word || naming->count == naming->layers->count) {
		naming->bad = true;
		return BAKE_OK;
	}
	naming->layers->kinds[naming->count++] = kind_of(word);
	return BAKE_OK;
}

/* RecurrentGemma's pattern is repeated, and all its attention is within the window. */
static void repeat(struct layers *layers, size_t count)
{
	for (size_t i = count; i < layers->count; i++)
		layers->kinds[i] = layers->kinds[i % count];
	for (size_t i = 0; i < layers->count && layers->window; i++)
		layers->kinds[i] = layers->kinds[i] == FULL ? SLIDING : layers->kinds[i];
}

/* "layer_types": ["sliding_attention", "full_attention", ...] */
static enum bake_status by_names(struct layers *layers, struct bake_error *err)
{
	static const struct {
		const char *key;
		bool repeated;
	} lists[] = {
		{"layer_types", false},
		{"layers_block_type", false},
		{"attention_layers", false},
		{"block_types", true},
		{"_block_types", true},
	};
	struct bake_arch_value value;

	for (size_t i = 0; i < countof(lists); i++) {
		struct naming naming = {.layers = layers};

		if (!bake_arch_config_text_value(layers->config, lists[i].key, &value) ||
			!bake_json_is_array(&value.json))
			continue;
		BAKE_TRY(bake_json_each_element(&value.json, take_name, &naming, err));
		if (!naming.bad && naming.count &&
			(lists[i].repeated || naming.count == layers->count)) {
			if (lists[i].repeated)
				repeat(layers, naming.count);
			decide(layers, value.source);
			return BAKE_OK;
		}
		fill(layers, FULL);
		BAKE_TRY(bake_arch_warn(layers->config->arch, err,
			"%s is left out: it does not name %zu layers", value.source,
			layers->count));
	}
	return BAKE_OK;
}

/* "M-M*-": a letter for each layer; "LLLG" is repeated. */
static enum bake_status by_letters(struct layers *layers, struct bake_error *err)
{
	static const char *const keys[] = {"hybrid_override_pattern", "sliding_window_pattern"};
	struct bake_arch_value value;

	(void)err;
	for (size_t i = 0; i < countof(keys); i++) {
		const char *text;
		size_t len;

		if (!bake_arch_config_text_value(layers->config, keys[i], &value))
			continue;
		text = bake_arch_config_string(&value.json);
		len = text ? strlen(text) : 0;
		if (!len || strspn(text, "M*-ELG") != len)
			continue;
		for (size_t at = 0; at < layers->count; at++) {
			char letter = text[at % len];

			layers->kinds[at] = letter == 'M'		     ? RECURRENT
					    : letter == 'L'		     ? SLIDING
					    : letter == '-' || letter == 'E' ? NEITHER
									     : FULL;
		}
		decide(layers, value.source);
		return BAKE_OK;
	}
	return BAKE_OK;
}

struct marking {
	struct layers *layers;
	uint64_t first; /* the number of the first layer */
};

static enum bake_status mark_attention(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct marking *marking = out;
	uint64_t at = 0;
	bool text;

	(void)err;
	if (bake_arch_config_number(value, &at, &text) && at >= marking->first &&
		at - marking->first < marking->layers->count)
		marking->layers->kinds[at - marking->first] = FULL;
	return BAKE_OK;
}

/* The numbers of the layers with attention; the others are recurrent. */
static enum bake_status by_numbers(struct layers *layers, struct bake_error *err)
{
	static const struct {
		const char *key;
		uint64_t first;
	} lists[] = {
		{"attn_layer_indices", 0},
		{"full_attn_idxs", 0},
		{"linear_attn_config.full_attn_layers", 1},
	};
	struct bake_arch_value value;

	for (size_t i = 0; i < countof(lists); i++) {
		struct marking marking = {.layers = layers, .first = lists[i].first};

		if (!bake_arch_config_text_value(layers->config, lists[i].key, &value) ||
			!bake_json_is_array(&value.json))
			continue;
		fill(layers, RECURRENT);
		decide(layers, value.source);
		return bake_json_each_element(&value.json, mark_attention, &marking, err);
	}
	return BAKE_OK;
}

static void every(struct layers *layers, uint64_t period, uint64_t offset, enum kind others)
{
	for (size_t i = 0; i < layers->count; i++)
		layers->kinds[i] = i % period == offset ? FULL : others;
}

/* One in so many has full attention: the last of each period, or the one at an offset. */
static enum bake_status by_period(struct layers *layers, struct bake_error *err)
{
	static const struct {
		const char *key;
		const char *offset_key; /* NULL: the last */
		enum kind others;
	} periods[] = {
		{"attn_layer_period", "attn_layer_offset", RECURRENT},
		{"full_attention_interval", NULL, RECURRENT},
		{"sliding_window_pattern", NULL, SLIDING},
		{"_sliding_window_pattern", NULL, SLIDING},
		{"no_rope_layer_interval", NULL, SLIDING},
	};
	struct bake_arch_value value;

	for (size_t i = 0; i < countof(periods); i++) {
		uint64_t period = 0;
		uint64_t offset;
		bool text;

		if (!bake_arch_config_text_value(layers->config, periods[i].key, &value) ||
			!bake_arch_config_number(&value.json, &period, &text) || !period ||
			(periods[i].others == SLIDING && !layers->window))
			continue;
		offset = period - 1;
		if (periods[i].offset_key)
			BAKE_TRY(bake_arch_config_u64(layers->config, periods[i].offset_key,
				BAKE_ARCH_LAYERS_MAX, &offset, err));
		every(layers, period, offset, periods[i].others);
		decide(layers, value.source);
		return BAKE_OK;
	}
	return BAKE_OK;
}

/* Layers before that one see everything, when windows are used at all. */
static enum bake_status by_first_window(struct layers *layers, struct bake_error *err)
{
	struct bake_arch_value value;
	uint64_t first = 0;
	bool text;

	(void)err;
	if (!layers->window || !bake_arch_config_flag(layers->config, "use_sliding_window", true) ||
		!bake_arch_config_text_value(layers->config, "max_window_layers", &value) ||
		!bake_arch_config_number(&value.json, &first, &text))
		return BAKE_OK;
	for (size_t i = 0; i < layers->count; i++)
		layers->kinds[i] = i < first ? FULL : SLIDING;
	decide(layers, value.source);
	return BAKE_OK;
}

/* What the code of a family does when its files do not say. */
static enum bake_status by_family(struct layers *layers, struct bake_error *err)
{
	static const struct {
		const char *type;
		uint64_t period; /* 0: recurrent throughout */
	} families[] = {
		{"gemma2", 2},
		{"gpt_oss", 2},
		{"gemma3", 6},
		{"gemma3_text", 6},
		{"gemma3n", 5},
		{"gemma3n_text", 5},
		{"cohere2", 4},
		{"llama4", 4},
		{"llama4_text", 4},
		{"mamba", 0},
		{"mamba2", 0},
		{"falcon_mamba", 0},
		{"rwkv", 0},
		{"rwkv5", 0},
		{"rwkv6", 0},
		{"rwkv7", 0},
	};

	(void)err;
	for (size_t i = 0; i < countof(families); i++) {
		if (!type_is(layers, families[i].type) || (families[i].period && !layers->window))
			continue;
		if (families[i].period)
			every(layers, families[i].period, families[i].period - 1, SLIDING);
		else
			fill(layers, RECURRENT);
		decide(layers, "derived:model_type");
	}
	return BAKE_OK;
}

static enum bake_status by_window(struct layers *layers, struct bake_error *err)
{
	(void)err;
	if (!layers->window)
		return BAKE_OK;
	fill(layers, SLIDING);
	decide(layers, layers->window_source);
	return BAKE_OK;
}

/* A window that is null where the text model has its fields is none, whatever the root says. */
static enum bake_status read_window(struct layers *layers, struct bake_error *err)
{
	/* Of vision models window_size is something else. */
	static const char *const keys[] = {"sliding_window", "sliding_window_size",
		"attention_window_size", "attention_chunk_size", NULL};
	static const char *const neo_keys[] = {"window_size", NULL};
	const struct bake_arch_config *config = layers->config;
	struct bake_arch_want want = {
		.name = "sliding_window",
		.keys = type_is(layers, "gpt_neo") ? neo_keys : keys,
		.max = BAKE_ARCH_TOKENS_MAX,
	};
	struct bake_arch_taken taken;

	layers->window = 0;
	if (bake_arch_config_flag(config, "use_sliding_window", false))
		return BAKE_OK;
	for (size_t i = 0; i < config->scope_count && !layers->window; i++) {
		struct bake_json null;

		BAKE_TRY(bake_arch_config_take(config, &config->scopes[i], &want, &taken, err));
		if (taken.found) {
			layers->window = taken.u64;
			(void)snprintf(layers->window_source, sizeof(layers->window_source), "%s",
				taken.value.source);
		} else if (bake_json_find(&config->scopes[i].object, keys[0], &null)) {
			break;
		}
	}
	return BAKE_OK;
}

static bool has(const struct layers *layers, enum kind kind)
{
	for (size_t i = 0; i < layers->count; i++) {
		if (layers->kinds[i] == kind)
			return true;
	}
	return false;
}

/* Sets a list: one value for a kind of layer, another for the others. Layers that predict further
 * tokens have full attention. */
static enum bake_status set_by_kind(const struct layers *layers, enum bake_arch_field field,
	const uint64_t values[NEITHER + 1], struct bake_error *err)
{
	struct bake_arch *arch = layers->config->arch;
	size_t count = (size_t)bake_arch_u64(arch, BAKE_ARCH_NUM_LAYERS, 0);
	uint64_t list[BAKE_ARCH_LIST_MAX];

	if (count > countof(list))
		return BAKE_OK;
	for (size_t i = 0; i < count; i++)
		list[i] = values[i < layers->count ? layers->kinds[i] : FULL];
	return bake_arch_set_layers(arch, field, list, count, layers->source, err);
}

static enum bake_status set_windows(const struct layers *layers, struct bake_error *err)
{
	const uint64_t values[] = {[SLIDING] = layers->window, [NEITHER] = 0};

	if (!has(layers, SLIDING))
		return BAKE_OK;
	if (!layers->window)
		return bake_arch_warn(layers->config->arch, err,
			"sliding_window is not known, though %s has such layers", layers->source);
	BAKE_TRY(bake_arch_set_u64(layers->config->arch, BAKE_ARCH_SLIDING_WINDOW, layers->window,
		layers->window_source, err));
	return set_by_kind(layers, BAKE_ARCH_SLIDING_WINDOW_PER_LAYER, values, err);
}

/* A size that files give as the product of two. */
static enum bake_status read_inner_size(const struct layers *layers, struct bake_error *err)
{
	static const char *const products[][2] = {
		{"linear_num_value_heads", "linear_value_head_dim"},
		{"mamba_n_heads", "mamba_d_head"},
		{"mamba_num_heads", "mamba_head_dim"},
		{"linear_attn_config.num_heads", "linear_attn_config.head_dim"},
		{"mamba_expand", "hidden_size"},
		{"expand", "hidden_size"},
	};
	static const struct bake_arch_row rows[] = {
		{BAKE_ARCH_SSM_INNER_SIZE, 0, BAKE_ARCH_WIDTH_MAX, 0,
			{"mamba_d_ssm", "d_inner", "lru_width"}},
	};
	const struct bake_arch_config *config = layers->config;

	BAKE_TRY(bake_arch_config_rows(
		config, config->scopes, config->scope_count, rows, countof(rows), err));
	for (size_t i = 0; i < countof(products); i++) {
		char source[BAKE_ARCH_TEXT_MAX];
		uint64_t a;
		uint64_t b;

		BAKE_TRY(
			bake_arch_config_u64(config, products[i][0], BAKE_ARCH_WIDTH_MAX, &a, err));
		BAKE_TRY(
			bake_arch_config_u64(config, products[i][1], BAKE_ARCH_WIDTH_MAX, &b, err));
		if (!a || !b)
			continue;
		(void)snprintf(
			source, sizeof(source), "derived:%s*%s", products[i][0], products[i][1]);
		return bake_arch_set_u64(
			config->arch, BAKE_ARCH_SSM_INNER_SIZE, a * b, source, err);
	}
	return BAKE_OK;
}

static enum bake_status read_state(const struct layers *layers, struct bake_error *err)
{
	static const struct bake_arch_row rows[] = {
		{BAKE_ARCH_CONV_KERNEL, 0, 65536, 0,
			{"linear_conv_kernel_dim", "mamba_d_conv", "conv_kernel",
				"conv_kernel_size", "d_conv", "conv_L_cache", "conv1d_width",
				"linear_attn_config.short_conv_kernel_size"}},
		{BAKE_ARCH_SSM_STATE_SIZE, 0, BAKE_ARCH_WIDTH_MAX, 0,
			{"linear_key_head_dim", "mamba_d_state", "ssm_state_size", "state_size",
				"d_state", "linear_attn_config.head_dim"}},
		{BAKE_ARCH_SSM_GROUP_COUNT, 0, BAKE_ARCH_HEADS_MAX, 0,
			{"linear_num_key_heads", "mamba_n_groups", "mamba_ngroups", "n_groups",
				"ngroups", "linear_attn_config.num_heads"}},
	};
	const struct bake_arch_config *config = layers->config;

	BAKE_TRY(bake_arch_config_rows(
		config, config->scopes, config->scope_count, rows, countof(rows), err));
	return read_inner_size(layers, err);
}

static enum bake_status set_recurrent(const struct layers *layers, struct bake_error *err)
{
	static const uint64_t recurrent[] = {[RECURRENT] = 1, [NEITHER] = 0};
	struct bake_arch *arch = layers->config->arch;
	uint64_t heads = bake_arch_u64(arch, BAKE_ARCH_NUM_ATTENTION_HEADS, 0);
	const uint64_t kv[] = {
		[FULL] = bake_arch_u64(arch, BAKE_ARCH_NUM_KV_HEADS, heads),
		[SLIDING] = bake_arch_u64(arch, BAKE_ARCH_NUM_KV_HEADS, heads),
		[NEITHER] = 0,
	};

	if (!has(layers, RECURRENT) && !has(layers, NEITHER))
		return BAKE_OK;
	if (kv[FULL])
		BAKE_TRY(set_by_kind(layers, BAKE_ARCH_KV_HEADS_PER_LAYER, kv, err));
	if (!has(layers, RECURRENT))
		return BAKE_OK;
	BAKE_TRY(set_by_kind(layers, BAKE_ARCH_RECURRENT_PER_LAYER, recurrent, err));
	return read_state(layers, err);
}

/* A list that files give for other layers than there are helps nobody. */
static enum bake_status check_lists(const struct layers *layers, struct bake_error *err)
{
	static const enum bake_arch_field lists[] = {
		BAKE_ARCH_KV_HEADS_PER_LAYER, BAKE_ARCH_INTERMEDIATE_SIZE_PER_LAYER};
	struct bake_arch *arch = layers->config->arch;

	for (size_t i = 0; i < countof(lists); i++) {
		struct bake_arch_fact *fact = &arch->facts[lists[i]];

		if (!fact->known || fact->list_count == layers->count)
			continue;
		fact->known = false;
		BAKE_TRY(bake_arch_warn(arch, err,
			"%s is left out: %s has %zu elements for %zu layers",
			bake_arch_field_name(lists[i]), fact->source, fact->list_count,
			layers->count));
	}
	return BAKE_OK;
}

/* Attention and a recurrent state in one layer: the record has no word for that. */
static enum bake_status warn_of_both(const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const types[] = {"falcon_h1", "zamba", "zamba2", "hymba"};

	for (size_t i = 0; i < countof(types); i++) {
		if (bake_text_equal(config->arch->facts[BAKE_ARCH_MODEL_TYPE].text, types[i]))
			return bake_arch_warn(config->arch, err,
				"layers with both attention and a recurrent state count as "
				"attention");
	}
	return BAKE_OK;
}

enum bake_status bake_arch_config_layers(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static enum bake_status (*const ways[])(struct layers * layers, struct bake_error * err) = {
		by_names, by_letters, by_numbers, by_period, by_first_window, by_family, by_window};
	uint64_t all = bake_arch_u64(config->arch, BAKE_ARCH_NUM_LAYERS, 0);
	uint64_t more = bake_arch_u64(config->arch, BAKE_ARCH_NEXTN_PREDICT_LAYERS, 0);
	struct layers layers = {.config = config};

	BAKE_TRY(read_window(&layers, err));
	BAKE_TRY(warn_of_both(config, err));
	if (all <= more || all - more > countof(layers.kinds)) {
		if (!layers.window)
			return BAKE_OK;
		return bake_arch_set_u64(config->arch, BAKE_ARCH_SLIDING_WINDOW, layers.window,
			layers.window_source, err);
	}
	layers.count = (size_t)(all - more);
	BAKE_TRY(check_lists(&layers, err));
	for (size_t i = 0; i < countof(ways) && !layers.source[0]; i++)
		BAKE_TRY(ways[i](&layers, err));
	if (!layers.source[0])
		return BAKE_OK;
	BAKE_TRY(set_windows(&layers, err));
	return set_recurrent(&layers, err);
}
