/* SPDX-License-Identifier: Apache-2.0 */
/* One line of history. Token by token: a log of gigabytes has millions of them. */
#include "catalog/history.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "json/pull.h"

#define SCHEMA "bake.history/1"

struct parsing {
	struct bake_json_pull pull;
	struct bake_arena *arena;
	struct bake_history_record *record;
	bool ours;
	bool has_status;
	bool nomem;
};

static const char *copy(struct parsing *parsing, const struct bake_pull_token *token)
{
	const char *text = bake_json_pull_copy(token, parsing->arena);

	parsing->nomem = parsing->nomem || !text;
	return text;
}

static void take_schema(struct parsing *parsing, const struct bake_pull_token *token)
{
	parsing->ours = bake_json_pull_says(token, SCHEMA);
}

static void take_status(struct parsing *parsing, const struct bake_pull_token *token)
{
	static const char *const words[] = {
		[BAKE_HISTORY_DOWNLOADED] = "downloaded",
		[BAKE_HISTORY_FAILED] = "failed",
		[BAKE_HISTORY_CANCELLED] = "cancelled",
	};

	for (size_t i = 0; i < countof(words); i++) {
		if (bake_json_pull_says(token, words[i])) {
			parsing->record->outcome = (enum bake_history_outcome)i;
			parsing->has_status = true;
		}
	}
}

#define TAKE_TEXT(member)                                                                          \
	static void take_##member(struct parsing *parsing, const struct bake_pull_token *token)    \
	{                                                                                          \
		parsing->record->member = copy(parsing, token);                                    \
	}

TAKE_TEXT(time)
TAKE_TEXT(lock)
TAKE_TEXT(error)
TAKE_TEXT(message)
TAKE_TEXT(imported)

static const struct text_field {
	const char *name;
	void (*take)(struct parsing *parsing, const struct bake_pull_token *token);
} texts[] = {
	{"schema", take_schema},
	{"status", take_status},
	{"time", take_time},
	{"lock", take_lock},
	{"error", take_error},
	{"message", take_message},
	{"imported", take_imported},
};

static const struct number_field {
	const char *name;
	size_t at;
} numbers[] = {
	{"files", offsetof(struct bake_history_record, files)},
	{"bytes", offsetof(struct bake_history_record, bytes)},
	{"received", offsetof(struct bake_history_record, received)},
	{"cached", offsetof(struct bake_history_record, cached)},
	{"retries", offsetof(struct bake_history_record, retries)},
};

/* "12.345" in milliseconds; what has another form is not known. */
static void take_seconds(struct parsing *parsing, const struct bake_pull_token *token)
{
	const char *text = (const char *)token->text.ptr;
	const char *point = memchr(text, '.', token->text.len);
	size_t whole = point ? (size_t)(point - text) : token->text.len;
	uint64_t seconds;
	uint64_t ms = 0;

	if (!bake_number_parse(text, whole, &seconds) || seconds > UINT32_MAX)
		return;
	for (size_t i = 1; point && i <= 3; i++) {
		bool digit = whole + i < token->text.len && point[i] >= '0' && point[i] <= '9';

		ms = ms * 10 + (digit ? (uint64_t)(point[i] - '0') : 0);
	}
	parsing->record->ms = seconds * 1000 + ms;
	parsing->record->has_ms = true;
}

static enum bake_status take_models(struct parsing *parsing, struct bake_error *err)
{
	struct bake_history_record *record = parsing->record;
	struct bake_json_pull ahead = parsing->pull;
	struct bake_pull_token token;
	const char **list;
	size_t count = 0;

	for (;;) {
		BAKE_TRY(bake_json_pull_next(&ahead, &token, err));
		if (token.kind == BAKE_PULL_END_ARRAY)
			break;
		BAKE_TRY(bake_json_pull_skip(&ahead, &token, err));
		count++;
	}
	count = count < BAKE_HISTORY_MODELS_MAX ? count : BAKE_HISTORY_MODELS_MAX;
	list = bake_arena_array(parsing->arena, count, sizeof(*list));
	if (!list)
		return bake_error_nomem(err);
	record->models = list;
	record->model_count = 0;
	for (;;) {
		BAKE_TRY(bake_json_pull_next(&parsing->pull, &token, err));
		if (token.kind == BAKE_PULL_END_ARRAY)
			return BAKE_OK;
		if (token.kind == BAKE_PULL_STRING && record->model_count < count) {
			list[record->model_count] = copy(parsing, &token);
			record->model_count += list[record->model_count] != NULL;
		}
		BAKE_TRY(bake_json_pull_skip(&parsing->pull, &token, err));
	}
}

static enum bake_status take_member(struct parsing *parsing, const struct bake_pull_token *key,
	const struct bake_pull_token *value, struct bake_error *err)
{
	if (value->kind == BAKE_PULL_ARRAY && bake_json_pull_says(key, "models"))
		return take_models(parsing, err);
	for (size_t i = 0; value->kind == BAKE_PULL_STRING && i < countof(texts); i++) {
		if (bake_json_pull_says(key, texts[i].name))
			texts[i].take(parsing, value);
	}
	for (size_t i = 0; value->kind == BAKE_PULL_U64 && i < countof(numbers); i++) {
		if (bake_json_pull_says(key, numbers[i].name))
			memcpy((char *)parsing->record + numbers[i].at, &value->u64,
				sizeof(value->u64));
	}
	if ((value->kind == BAKE_PULL_NUMBER || value->kind == BAKE_PULL_U64) &&
		bake_json_pull_says(key, "seconds"))
		take_seconds(parsing, value);
	return bake_json_pull_skip(&parsing->pull, value, err);
}

static enum bake_status read_object(struct parsing *parsing, struct bake_error *err)
{
	struct bake_pull_token token;
	struct bake_pull_token value;

	for (;;) {
		BAKE_TRY(bake_json_pull_next(&parsing->pull, &token, err));
		if (token.kind == BAKE_PULL_END_OBJECT)
			return bake_json_pull_next(&parsing->pull, &token, err);
		BAKE_TRY(bake_json_pull_next(&parsing->pull, &value, err));
		BAKE_TRY(take_member(parsing, &token, &value, err));
	}
}

static bool is_blank(struct bake_span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r')
			return false;
	}
	return true;
}

enum bake_status bake_history_parse(struct bake_span line, struct bake_arena *arena,
	struct bake_history_record *out, enum bake_history_kind *kind, struct bake_error *err)
{
	struct bake_history_record record = {.outcome = BAKE_HISTORY_FAILED};
	struct parsing parsing = {.arena = arena, .record = &record};
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_pull_token token;

	*kind = BAKE_HISTORY_BLANK;
	if (is_blank(line))
		return BAKE_OK;
	*kind = BAKE_HISTORY_DAMAGED;
	bake_json_pull_init(&parsing.pull, line, "history");
	if (bake_json_pull_next(&parsing.pull, &token, &ignored) != BAKE_OK)
		return BAKE_OK;
	if (token.kind != BAKE_PULL_OBJECT) {
		if (bake_json_pull_skip(&parsing.pull, &token, &ignored) == BAKE_OK)
			*kind = BAKE_HISTORY_FOREIGN;
		return BAKE_OK;
	}
	if (read_object(&parsing, &ignored) != BAKE_OK)
		return ignored.status == BAKE_ERR_RESOURCES ? bake_error_nomem(err) : BAKE_OK;
	if (parsing.nomem)
		return bake_error_nomem(err);
	*kind = parsing.ours ? BAKE_HISTORY_DAMAGED : BAKE_HISTORY_FOREIGN;
	/* A line of ours has both, or it is not whole. */
	if (parsing.ours && parsing.has_status && record.time) {
		*kind = BAKE_HISTORY_RECORD;
		*out = record;
	}
	return BAKE_OK;
}
