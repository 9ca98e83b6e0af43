/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/document.h"

#include <string.h>

#include "base/cleanup.h"
#include "json/pull.h"

static const char *const member_names[BAKE_MEMBERS] = {
	[BAKE_MEMBER_MODEL_NAME] = "model_name",
	[BAKE_MEMBER_MODEL_VERSION] = "model_version",
	[BAKE_MEMBER_RANKS] = "supported_ranks",
	[BAKE_MEMBER_STEPS] = "supported_steps",
	[BAKE_MEMBER_DEFAULT_RANK] = "default_rank",
	[BAKE_MEMBER_DEFAULT_STEPS] = "default_steps",
	[BAKE_MEMBER_MAX_STEPS] = "max_steps",
	[BAKE_MEMBER_GPU_MEMORY] = "gpu_memory_usage",
	[BAKE_MEMBER_BASE] = "base_model_available",
	[BAKE_MEMBER_NUNCHAKU] = "nunchaku_models",
	[BAKE_MEMBER_CONFIG] = "model_config",
	[BAKE_MEMBER_STALE] = "stale",
	[BAKE_MEMBER_GENERATED_AT] = "generated_at",
};

const char *bake_member_name(enum bake_member member)
{
	return member_names[member];
}

struct reading {
	struct bake_json_pull pull;
	struct bake_document *document;
	struct bake_arena *arena;
	size_t room;
};

/* The value behind a key that was just read, which is skipped. */
static enum bake_status read_place(struct bake_json_pull *pull, struct bake_pull_token *out_value,
	struct bake_place *out, struct bake_error *err)
{
	BAKE_TRY(bake_json_pull_next(pull, out_value, err));
	BAKE_TRY(bake_json_pull_skip(pull, out_value, err));
	*out = (struct bake_place){out_value->offset, pull->at - out_value->offset};
	return BAKE_OK;
}

static enum bake_status keep_text(struct reading *reading, const struct bake_pull_token *value,
	const char **out, struct bake_error *err)
{
	if (value->kind != BAKE_PULL_STRING)
		return BAKE_OK;
	*out = bake_json_pull_copy(value, reading->arena);
	return *out ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status read_source_member(struct reading *reading,
	struct bake_document_model *model, const struct bake_pull_token *key,
	struct bake_error *err)
{
	struct bake_pull_token value;
	struct bake_place ignored;

	BAKE_TRY(read_place(&reading->pull, &value, &ignored, err));
	if (bake_json_pull_says(key, "hub"))
		return keep_text(reading, &value, &model->hub, err);
	if (bake_json_pull_says(key, "commit"))
		return keep_text(reading, &value, &model->commit, err);
	return BAKE_OK;
}

static enum bake_status read_source(
	struct reading *reading, struct bake_document_model *model, struct bake_error *err)
{
	struct bake_pull_token token;

	size_t begin;

	BAKE_TRY(bake_json_pull_next(&reading->pull, &token, err));
	begin = token.offset;
	if (token.kind != BAKE_PULL_OBJECT) {
		BAKE_TRY(bake_json_pull_skip(&reading->pull, &token, err));
		model->source = (struct bake_place){begin, reading->pull.at - begin};
		return BAKE_OK;
	}
	for (;;) {
		BAKE_TRY(bake_json_pull_next(&reading->pull, &token, err));
		if (token.kind != BAKE_PULL_KEY)
			break;
		BAKE_TRY(read_source_member(reading, model, &token, err));
	}
	model->source = (struct bake_place){begin, reading->pull.at - begin};
	return BAKE_OK;
}

static enum bake_status read_architecture(
	struct reading *reading, struct bake_document_model *model, struct bake_error *err)
{
	struct bake_pull_token token;
	struct bake_pull_token value;
	struct bake_place place;

	BAKE_TRY(bake_json_pull_next(&reading->pull, &token, err));
	if (token.kind != BAKE_PULL_OBJECT)
		return bake_json_pull_skip(&reading->pull, &token, err);
	for (;;) {
		BAKE_TRY(bake_json_pull_next(&reading->pull, &token, err));
		if (token.kind != BAKE_PULL_KEY)
			return BAKE_OK;
		BAKE_TRY(read_place(&reading->pull, &value, &place, err));
		if (bake_json_pull_says(&token, "runtime"))
			model->runtime = place;
	}
}

static enum bake_status read_model(
	struct reading *reading, struct bake_document_model *model, struct bake_error *err)
{
	struct bake_json_pull *pull = &reading->pull;
	struct bake_pull_token token;
	struct bake_pull_token value;
	struct bake_place place;

	model->begin = pull->at - 1;
	for (;;) {
		BAKE_TRY(bake_json_pull_next(pull, &token, err));
		if (token.kind != BAKE_PULL_KEY)
			break;
		if (bake_json_pull_says(&token, "source")) {
			BAKE_TRY(read_source(reading, model, err));
			continue;
		}
		if (bake_json_pull_says(&token, "architecture")) {
			BAKE_TRY(read_architecture(reading, model, err));
			continue;
		}
		BAKE_TRY(read_place(pull, &value, &place, err));
		if (bake_json_pull_says(&token, "status"))
			model->status = place;
		else if (bake_json_pull_says(&token, "problem"))
			model->problem = place;
		else if (bake_json_pull_says(&token, "id"))
			BAKE_TRY(keep_text(reading, &value, &model->id, err));
	}
	model->end = pull->at;
	return BAKE_OK;
}

/* More room, from the arena: what was there is given up. */
static struct bake_document_model *add_model(struct reading *reading)
{
	struct bake_document *document = reading->document;
	struct bake_document_model *moved;

	if (document->model_count == reading->room) {
		reading->room = reading->room ? 2 * reading->room : 64;
		moved = bake_arena_array(reading->arena, reading->room, sizeof(*moved));
		if (!moved)
			return NULL;
		if (document->model_count)
			memcpy(moved, document->models, document->model_count * sizeof(*moved));
		document->models = moved;
	}
	return &document->models[document->model_count++];
}

static enum bake_status read_models(struct reading *reading, struct bake_error *err)
{
	struct bake_pull_token token;

	BAKE_TRY(bake_json_pull_next(&reading->pull, &token, err));
	if (token.kind != BAKE_PULL_ARRAY)
		return bake_json_pull_skip(&reading->pull, &token, err);
	for (;;) {
		struct bake_document_model *model;

		BAKE_TRY(bake_json_pull_next(&reading->pull, &token, err));
		if (token.kind == BAKE_PULL_END_ARRAY)
			return BAKE_OK;
		if (token.kind != BAKE_PULL_OBJECT) {
			BAKE_TRY(bake_json_pull_skip(&reading->pull, &token, err));
			continue;
		}
		model = add_model(reading);
		if (!model)
			return bake_error_nomem(err);
		BAKE_TRY(read_model(reading, model, err));
	}
}

/* Ranks are a list of numbers; others in it are passed over. */
static void read_ranks(struct bake_document *document)
{
	struct bake_place place = document->members[BAKE_MEMBER_RANKS];
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_pull_token token;
	struct bake_json_pull pull;

	if (!place.len || document->text.ptr[place.at] != '[')
		return;
	bake_json_pull_init(&pull, bake_span(document->text.ptr + place.at, place.len), "index");
	while (bake_json_pull_next(&pull, &token, &ignored) == BAKE_OK &&
		token.kind != BAKE_PULL_END) {
		if (token.kind == BAKE_PULL_U64 && token.u64 <= UINT32_MAX &&
			document->rank_count < BAKE_API_LIST_MAX)
			document->ranks[document->rank_count++] = (uint32_t)token.u64;
	}
}

static void take_value(
	struct bake_document *document, unsigned member, const struct bake_pull_token *value)
{
	if (value->kind == BAKE_PULL_U64)
		document->numbers[member] = value->u64;
	if (member == BAKE_MEMBER_GENERATED_AT && value->kind == BAKE_PULL_STRING &&
		!value->escaped && value->text.len < sizeof(document->generated_at)) {
		memcpy(document->generated_at, value->text.ptr, value->text.len);
		document->generated_at[value->text.len] = '\0';
	}
}

static enum bake_status read_member(
	struct reading *reading, const struct bake_pull_token *key, struct bake_error *err)
{
	struct bake_document *document = reading->document;
	struct bake_pull_token value;
	struct bake_place place;
	unsigned member = 0;

	if (bake_json_pull_says(key, "models"))
		return read_models(reading, err);
	while (member < BAKE_MEMBERS && !bake_json_pull_says(key, member_names[member]))
		member++;
	BAKE_TRY(read_place(&reading->pull, &value, &place, err));
	if (member < BAKE_MEMBERS) {
		document->members[member] = place;
		take_value(document, member, &value);
	}
	return BAKE_OK;
}

struct bake_settings_bounds bake_document_bounds(const struct bake_document *document)
{
	uint64_t steps_max = document->numbers[BAKE_MEMBER_MAX_STEPS];

	return (struct bake_settings_bounds){
		.steps_max = steps_max && steps_max <= UINT32_MAX ? (uint32_t)steps_max
								  : BAKE_SETTINGS_STEPS_MAX,
		.ranks = document->ranks,
		.rank_count = document->rank_count,
	};
}

const struct bake_document_model *bake_document_find(
	const struct bake_document *document, const char *id)
{
	for (size_t i = 0; i < document->model_count; i++) {
		if (document->models[i].id && strcmp(document->models[i].id, id) == 0)
			return &document->models[i];
	}
	return NULL;
}

enum bake_status bake_document_read(struct bake_span text, struct bake_arena *arena,
	struct bake_document *out, struct bake_error *err)
{
	struct bake_document document = {.text = text};
	struct reading reading = {.document = &document, .arena = arena};
	struct bake_pull_token token;

	bake_json_pull_init(&reading.pull, text, "index");
	BAKE_TRY(bake_json_pull_next(&reading.pull, &token, err));
	document.begin = reading.pull.at;
	for (;;) {
		BAKE_TRY(bake_json_pull_next(&reading.pull, &token, err));
		if (token.kind != BAKE_PULL_KEY)
			break;
		BAKE_TRY(read_member(&reading, &token, err));
	}
	read_ranks(&document);
	*out = document;
	return BAKE_OK;
}
