/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/estimate.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"

static const char *const engine_words[] = {
	"auto", "llama.cpp", "ollama", "vllm", "diffusers", NULL};
static const char *const flash_words[] = {"auto", "off", "on", NULL};
static const char *const solve_words[] = {"nothing", "context", "batch", NULL};
static const char *const flag_words[] = {"0", "1", NULL};

enum kind {
	NUMBER,
	BYTES,
	SHARE,
	WORD
};

#define AT(member) offsetof(struct bake_estimate_query, member)

static const struct {
	const char *name;
	enum kind kind;
	size_t at;
	uint64_t max;
	const char *const *words;
} parameters[] = {
	{"engine", WORD, AT(engine), 0, engine_words},
	{"context", NUMBER, AT(context), BAKE_ESTIMATE_TOKENS_MAX, NULL},
	{"parallel", NUMBER, AT(parallel), BAKE_ESTIMATE_SEQUENCES_MAX, NULL},
	{"batch", NUMBER, AT(batch), BAKE_ESTIMATE_TOKENS_MAX, NULL},
	{"ubatch", NUMBER, AT(ubatch), BAKE_ESTIMATE_TOKENS_MAX, NULL},
	{"flash_attention", WORD, AT(flash_attention), 0, flash_words},
	{"offload", WORD, AT(offload), 0, flag_words},
	{"gpu_memory", BYTES, AT(gpu_memory), 0, NULL},
	{"gpu_memory_utilization", SHARE, AT(gpu_share), 0, NULL},
	{"block_size", NUMBER, AT(block_size), 4096, NULL},
	{"solve", WORD, AT(solve), 0, solve_words},
	{"beyond", WORD, AT(beyond), 0, flag_words},
	{"layers", NUMBER, AT(layers), BAKE_KV_LAYERS_MAX, NULL},
	{"kv_heads", NUMBER, AT(kv_heads), BAKE_ESTIMATE_TOKENS_MAX, NULL},
	{"head_dim", NUMBER, AT(head_dim), BAKE_ESTIMATE_TOKENS_MAX, NULL},
};

/* The others, and all together for finding what is none. */
static const char *const known[] = {"engine", "context", "parallel", "batch", "ubatch",
	"flash_attention", "offload", "gpu_memory", "gpu_memory_utilization", "block_size", "solve",
	"beyond", "layers", "kv_heads", "head_dim", "model", "kv_dtype", "profile", NULL};

static enum bake_status bad(const char *name, const char *value, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "%s: '%s' is no value of it",
		name, BAKE_SHOW(value));
}

/* "0.9", "0.85", "1": thousandths. */
static bool parse_share(const char *text, uint64_t *out)
{
	const char *point = strchr(text, '.');
	char digits[8] = "000";
	size_t len = point ? strlen(point + 1) : 0;
	uint64_t whole;
	uint64_t part;

	if (len > 3 ||
		!bake_number_parse(text, point ? (size_t)(point - text) : strlen(text), &whole))
		return false;
	if (len)
		memcpy(digits, point + 1, len);
	if (!bake_number_parse(digits, 3, &part) || whole > 1 || (point && !len))
		return false;
	*out = whole * 1000 + part;
	return *out >= 1 && *out <= 1000;
}

static bool parse_word(const char *text, const char *const *words, uint64_t *out)
{
	for (uint64_t i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool parse_value(size_t row, const char *text, uint64_t *out)
{
	switch (parameters[row].kind) {
	case NUMBER:
		return bake_number_parse(text, strlen(text), out) && *out >= 1 &&
		       *out <= parameters[row].max;
	case BYTES:
		return bake_bytes_parse(text, out) && *out >= 1;
	case SHARE:
		return parse_share(text, out);
	case WORD:
		return parse_word(text, parameters[row].words, out);
	}
	return false;
}

static enum bake_status parse_types(
	const char *text, struct bake_kv_types *out, struct bake_error *err)
{
	const char *comma = strchr(text, ',');
	_cleanup_free_ char *key = strndup(text, comma ? (size_t)(comma - text) : strlen(text));

	if (!key)
		return bake_error_nomem(err);
	out->key = bake_kv_type_find(key);
	out->value = comma ? bake_kv_type_find(comma + 1) : out->key;
	return out->key && out->value ? BAKE_OK : bad("kv_dtype", text, err);
}

/* *out_there: whether the parameter is given, with a value that can be read. */
static enum bake_status find(struct bake_span query, const char *name,
	char value[BAKE_HTTP_QUERY_VALUE_MAX + 1], bool *out_there, struct bake_error *err)
{
	bool is_bad;

	*out_there = bake_http_query_find(query, name, value, &is_bad);
	if (is_bad)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"%s stands twice or cannot be read", name);
	*out_there = *out_there && value[0];
	return BAKE_OK;
}

static enum bake_status parse_texts(
	struct bake_span query, struct bake_estimate_query *out, struct bake_error *err)
{
	char value[BAKE_HTTP_QUERY_VALUE_MAX + 1];
	bool there;

	BAKE_TRY(find(query, "model", out->model, &there, err));
	if (!there)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.arguments", "which model? model=ID names it");
	BAKE_TRY(find(query, "kv_dtype", value, &there, err));
	if (there)
		BAKE_TRY(parse_types(value, &out->types, err));
	BAKE_TRY(find(query, "profile", value, &there, err));
	if (there && strlen(value) >= sizeof(out->profile))
		return bad("profile", value, err);
	if (there)
		memcpy(out->profile, value, strlen(value) + 1);
	return BAKE_OK;
}

static enum bake_status conflict(const char *what, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict", "%s", what);
}

static enum bake_status check_query(const struct bake_estimate_query *query, struct bake_error *err)
{
	if (query->solve && !query->gpu_memory)
		return conflict("solve needs gpu_memory", err);
	if (query->solve == BAKE_ESTIMATE_CONTEXT && query->context)
		return conflict("solve=context finds the context: it takes none", err);
	if (query->solve == BAKE_ESTIMATE_SEQUENCES && query->parallel)
		return conflict("solve=batch finds the sequences: it takes no parallel", err);
	if (query->profile[0] && (query->engine || query->solve == BAKE_ESTIMATE_SEQUENCES))
		return conflict("profile is a calculator of its own", err);
	return BAKE_OK;
}

enum bake_status bake_estimate_parse(
	struct bake_span query, struct bake_estimate_query *out, struct bake_error *err)
{
	char value[BAKE_HTTP_QUERY_VALUE_MAX + 1];
	bool there;

	*out = (struct bake_estimate_query){.engine = 0};
	if (!bake_http_query_known(query, known))
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.option",
			"there is a parameter that /estimate does not have");
	BAKE_TRY(parse_texts(query, out, err));
	for (size_t i = 0; i < countof(parameters); i++) {
		uint64_t *number = (uint64_t *)(void *)((char *)out + parameters[i].at);

		BAKE_TRY(find(query, parameters[i].name, value, &there, err));
		if (there && !parse_value(i, value, number))
			return bad(parameters[i].name, value, err);
	}
	return check_query(out, err);
}

/* Everything the index has of a model, parsed: large, so on the heap. */
struct facts {
	struct bake_arch *arch;
	struct bake_weights weights;
	struct bake_weights projector;
	struct bake_weights components[BAKE_MEMORY_PARTS_MAX];
	struct bake_memory memory;
	struct bake_memory_solution solution;
};

static void free_facts(struct facts **facts)
{
	if (*facts)
		bake_arch_free(&(*facts)->arch);
	free(*facts);
}

static void override(struct bake_arch *arch, enum bake_arch_field field,
	enum bake_arch_field per_layer, uint64_t value)
{
	if (!value)
		return;
	arch->facts[field] = (struct bake_arch_fact){
		.known = true, .kind = BAKE_ARCH_U64, .u64 = value, .source = "option"};
	arch->facts[per_layer].known = false;
}

static void override_all(struct bake_arch *arch, const struct bake_estimate_query *query)
{
	override(arch, BAKE_ARCH_NUM_LAYERS, BAKE_ARCH_KV_HEADS_PER_LAYER, query->layers);
	if (query->layers) {
		arch->facts[BAKE_ARCH_SLIDING_WINDOW_PER_LAYER].known = false;
		arch->facts[BAKE_ARCH_RECURRENT_PER_LAYER].known = false;
	}
	override(arch, BAKE_ARCH_NUM_KV_HEADS, BAKE_ARCH_KV_HEADS_PER_LAYER, query->kv_heads);
	override(arch, BAKE_ARCH_HEAD_DIM, BAKE_ARCH_VALUE_HEAD_DIM, query->head_dim);
}

static enum bake_status read_facts(const struct bake_index_model *model,
	const struct bake_estimate_query *query, struct facts *facts, struct bake_error *err)
{
	BAKE_TRY(bake_index_read_arch(model, &facts->arch, err));
	if (!facts->arch)
		BAKE_TRY(bake_arch_new(&facts->arch, err));
	BAKE_TRY(bake_index_read_weights(model, BAKE_INDEX_WEIGHTS, &facts->weights, err));
	BAKE_TRY(bake_index_read_weights(
		model, BAKE_INDEX_PROJECTOR_WEIGHTS, &facts->projector, err));
	if (facts->arch->component_count <= countof(facts->components))
		BAKE_TRY(bake_index_read_component_weights(
			model, facts->arch, facts->components, err));
	override_all(facts->arch, query);
	return BAKE_OK;
}

static uint64_t limit_of(
	const struct bake_memory_model *model, const struct bake_memory_wish *wish, bool beyond)
{
	uint64_t own = bake_arch_u64(model->arch, BAKE_ARCH_CONTEXT_LENGTH, 0);
	uint64_t limit = own && !beyond ? own : BAKE_ESTIMATE_TOKENS_MAX;

	/* -c of llama.cpp is for all its sequences. */
	if (own && wish->engine == BAKE_ENGINE_LLAMA_CPP && wish->sequences)
		limit = bake_u64_mul_capped(limit, wish->sequences);
	return bake_u64_min(limit, BAKE_ESTIMATE_TOKENS_MAX);
}

static enum bake_status solve_for(const struct bake_memory_model *model,
	struct bake_memory_wish *wish, const struct bake_estimate_query *query, struct facts *facts,
	struct bake_error *err)
{
	struct bake_memory_solution *solution = &facts->solution;
	uint64_t each = query->context ? query->context : facts->memory.context_model;
	uint64_t found;

	if (facts->memory.engine == BAKE_ENGINE_DIFFUSERS)
		return conflict("solve is for models that keep a cache of tokens", err);
	if (!facts->memory.kv.known)
		return bake_error_set(err, BAKE_ERR_DATA, "estimate.unknown",
			"nothing can be solved: %s", facts->memory.kv.because);
	if (query->solve == BAKE_ESTIMATE_SEQUENCES && !each)
		return bake_error_set(err, BAKE_ERR_DATA, "estimate.unknown",
			"nothing can be solved: the model's context length is not known");
	if (query->solve == BAKE_ESTIMATE_CONTEXT)
		*solution = bake_memory_solve_context(
			model, wish, limit_of(model, wish, query->beyond != 0));
	else
		*solution = bake_memory_solve_sequences(model, wish, BAKE_ESTIMATE_SEQUENCES_MAX);
	found = bake_u64_max(solution->sure ? solution->sure : solution->perhaps, 1);
	if (query->solve == BAKE_ESTIMATE_CONTEXT)
		wish->context = found;
	else
		wish->sequences = found;
	if (query->solve == BAKE_ESTIMATE_SEQUENCES && wish->engine == BAKE_ENGINE_LLAMA_CPP)
		wish->context = bake_u64_mul_capped(each, found);
	bake_memory_estimate(model, wish, &facts->memory);
	return BAKE_OK;
}

static void put_solution(struct bake_json_writer *writer, const struct bake_estimate_query *query,
	const struct bake_memory_solution *solution)
{
	if (!query->solve)
		return;
	bake_json_key(writer, "solve");
	bake_json_object(writer);
	bake_json_put_text(
		writer, "what", query->solve == BAKE_ESTIMATE_CONTEXT ? "context" : "sequences");
	bake_json_put_u64(writer, "sure", solution->sure);
	bake_json_put_u64(writer, "perhaps", solution->perhaps);
	bake_json_put_u64(writer, "limit", solution->limit);
	bake_json_end_object(writer);
}

/* As the command says it: a GPU that has not enough is the answer no. */
static void put_outcome(struct bake_json_writer *writer, const struct bake_memory *memory)
{
	bool fits = !memory->budget || bake_memory_verdict(memory) != BAKE_MEMORY_NO_FIT;

	bake_json_put_bool(writer, "ok", fits);
	if (fits)
		return;
	bake_json_put_text(writer, "error", "estimate.no-fit");
	bake_json_put_text(writer, "message", "it does not fit");
	bake_json_put_u64(writer, "exit_code", (uint64_t)bake_exit_code(BAKE_ERR_NOSPACE));
}

void bake_estimate_write_facts(const struct bake_arch *arch, struct bake_json_writer *writer)
{
	static const enum bake_arch_field used[] = {
		BAKE_ARCH_NUM_LAYERS,
		BAKE_ARCH_NUM_ATTENTION_HEADS,
		BAKE_ARCH_NUM_KV_HEADS,
		BAKE_ARCH_HEAD_DIM,
		BAKE_ARCH_VALUE_HEAD_DIM,
		BAKE_ARCH_HIDDEN_SIZE,
		BAKE_ARCH_INTERMEDIATE_SIZE,
		BAKE_ARCH_VOCAB_SIZE,
		BAKE_ARCH_CONTEXT_LENGTH,
		BAKE_ARCH_KV_LORA_RANK,
		BAKE_ARCH_QK_ROPE_HEAD_DIM,
		BAKE_ARCH_SLIDING_WINDOW,
		BAKE_ARCH_SHARED_KV_LAYERS,
		BAKE_ARCH_NEXTN_PREDICT_LAYERS,
		BAKE_ARCH_CONV_KERNEL,
		BAKE_ARCH_SSM_INNER_SIZE,
		BAKE_ARCH_SSM_STATE_SIZE,
		BAKE_ARCH_SSM_GROUP_COUNT,
		BAKE_ARCH_NUM_EXPERTS_PER_TOKEN,
	};

	bake_json_object(writer);
	for (size_t i = 0; i < countof(used); i++) {
		const struct bake_arch_fact *fact = bake_arch_get(arch, used[i]);

		if (!fact)
			continue;
		bake_json_key(writer, bake_arch_field_name(used[i]));
		bake_json_object_line(writer);
		bake_json_put_u64(writer, "value", fact->u64);
		bake_json_put_text(writer, "source", fact->source);
		bake_json_end_object(writer);
	}
	bake_json_end_object(writer);
}

static enum bake_status report(const struct bake_index_model *model,
	const struct bake_estimate_query *query, struct facts *facts, struct bake_buf *out,
	struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	const struct bake_memory_model asked = {
		.arch = facts->arch,
		.weights = &facts->weights,
		.projector = &facts->projector,
		.component_weights = facts->arch->component_count <= countof(facts->components)
					     ? facts->components
					     : NULL,
		.format = model->format,
	};
	struct bake_memory_wish wish = {
		.engine = query->engine ? (enum bake_engine)(query->engine - 1)
					: bake_engine_usual(&asked),
		.context = query->context,
		.sequences = query->parallel,
		.batch = query->batch,
		.ubatch = query->ubatch,
		.types = query->types,
		.flash_attention = (enum bake_memory_switch)query->flash_attention,
		.gpu_memory = query->gpu_memory,
		.gpu_share = (uint32_t)query->gpu_share,
		.block_size = query->block_size,
		.offload = query->offload != 0,
	};

	bake_memory_estimate(&asked, &wish, &facts->memory);
	if (query->solve)
		BAKE_TRY(solve_for(&asked, &wish, query, facts, err));
	bake_json_object(&writer);
	put_outcome(&writer, &facts->memory);
	bake_json_put_text(&writer, "model", model->id);
	bake_memory_write(&facts->memory, &writer);
	put_solution(&writer, query, &facts->solution);
	bake_json_key(&writer, "facts");
	bake_estimate_write_facts(facts->arch, &writer);
	bake_json_put_list(&writer, "sources", facts->arch->sources, facts->arch->source_count);
	bake_json_put_list(&writer, "warnings", facts->arch->warnings, facts->arch->warning_count);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return bake_buf_status(out, "reply", err);
}

enum bake_status bake_estimate_write(const struct bake_snapshot *snapshot,
	const struct bake_estimate_query *query, struct bake_buf *out, struct bake_error *err)
{
	_cleanup_(free_facts) struct facts *facts = calloc(1, sizeof(*facts));
	const struct bake_index_model *model = bake_index_find(snapshot->index, query->model);

	if (!facts)
		return bake_error_nomem(err);
	if (!model)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.unknown-model",
			"there is no model '%s'", BAKE_SHOW(query->model));
	BAKE_TRY(read_facts(model, query, facts, err));
	if (query->profile[0])
		return bake_estimate_calculate(query, facts->arch, &facts->weights, out, err);
	return report(model, query, facts, out, err);
}
