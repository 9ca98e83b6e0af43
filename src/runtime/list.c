/* SPDX-License-Identifier: Apache-2.0 */
/* What the index says, as it says it. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "json/pull.h"
#include "runtime/inner.h"

size_t bake_runtime_model_count(const struct bake_runtime *runtime)
{
	return runtime->index->model_count;
}

const char *bake_runtime_model_id(const struct bake_runtime *runtime, size_t at)
{
	return at < runtime->index->model_count ? runtime->index->models[at].id : NULL;
}

const char *bake_runtime_info_json(const struct bake_runtime *runtime, size_t *out_len)
{
	if (out_len)
		*out_len = runtime->text.len;
	return runtime->text.ptr;
}

static const char *id_at(const void *context, size_t at)
{
	return ((const struct bake_index *)context)->models[at].id;
}

enum bake_status bake_runtime_find(const struct bake_runtime *runtime, const char *id,
	const struct bake_index_model **out, struct bake_error *err)
{
	const struct bake_index *index = runtime->index;
	const struct bake_index_model *model = id ? bake_index_find(index, id) : NULL;
	const char *near;

	if (model) {
		*out = model;
		return BAKE_OK;
	}
	id = id ? id : "";
	bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model", "the index has no model '%s'",
		BAKE_SHOW(id));
	near = bake_text_nearest(id, index->model_count, id_at, index);
	return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
}

/* Past the object that token begins. Whether its member "id" is id. */
static enum bake_status skip_entry(
	struct bake_json_pull *pull, const char *id, bool *out_is_it, struct bake_error *err)
{
	struct bake_pull_token token;
	bool is_it = false;

	for (;;) {
		bool is_id;

		BAKE_TRY(bake_json_pull_next(pull, &token, err));
		if (token.kind == BAKE_PULL_END_OBJECT)
			break;
		is_id = bake_json_pull_says(&token, "id");
		if (!is_id) {
			BAKE_TRY(bake_json_pull_skip(pull, &token, err));
			continue;
		}
		BAKE_TRY(bake_json_pull_next(pull, &token, err));
		is_it = token.kind == BAKE_PULL_STRING && bake_json_pull_says(&token, id);
		BAKE_TRY(bake_json_pull_skip(pull, &token, err));
	}
	*out_is_it = is_it;
	return BAKE_OK;
}

/* The reader stands before the array of models. */
static enum bake_status find_entry(
	struct bake_json_pull *pull, const char *id, struct bake_span *out, struct bake_error *err)
{
	struct bake_pull_token token;

	BAKE_TRY(bake_json_pull_next(pull, &token, err));
	while (token.kind == BAKE_PULL_ARRAY || token.kind == BAKE_PULL_OBJECT) {
		size_t begin;
		bool is_it;

		BAKE_TRY(bake_json_pull_next(pull, &token, err));
		if (token.kind != BAKE_PULL_OBJECT)
			break;
		begin = token.offset;
		BAKE_TRY(skip_entry(pull, id, &is_it, err));
		if (!is_it)
			continue;
		*out = bake_span(pull->text.ptr + begin, pull->at - begin);
		return BAKE_OK;
	}
	return bake_error_set(
		err, BAKE_ERR_DATA, "json.value", "the index has no entry '%s'", BAKE_SHOW(id));
}

static enum bake_status find_models(
	struct bake_json_pull *pull, const char *id, struct bake_span *out, struct bake_error *err)
{
	struct bake_pull_token token;

	BAKE_TRY(bake_json_pull_next(pull, &token, err));
	for (;;) {
		BAKE_TRY(bake_json_pull_next(pull, &token, err));
		if (token.kind != BAKE_PULL_KEY)
			return bake_error_set(
				err, BAKE_ERR_DATA, "json.value", "the index has no models");
		if (bake_json_pull_says(&token, "models"))
			return find_entry(pull, id, out, err);
		BAKE_TRY(bake_json_pull_skip(pull, &token, err));
	}
}

enum bake_status bake_runtime_model_json(const struct bake_runtime *runtime, const char *model,
	char **out_text, struct bake_error *err)
{
	const struct bake_index_model *known;
	struct bake_json_pull pull;
	struct bake_span entry = {NULL, 0};
	char *text;

	err = RUNTIME_ERR(err);
	BAKE_TRY(bake_runtime_find(runtime, model, &known, err));
	bake_json_pull_init(&pull, bake_buf_span(&runtime->text), BAKE_INDEX_NAME);
	BAKE_TRY(find_models(&pull, model, &entry, err));
	text = strndup((const char *)entry.ptr, entry.len);
	if (!text)
		return bake_error_nomem(err);
	*out_text = text;
	return BAKE_OK;
}
