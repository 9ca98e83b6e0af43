/* SPDX-License-Identifier: Apache-2.0 */
/* The reply to GET /model-info. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "json/writer.h"
#include "manifest/nunchaku.h"
#include "serve/document.h"
#include "serve/edit.h"
#include "serve/scrub.h"

static void put_text(struct bake_buf *out, const char *text)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(out);

	bake_json_write_text(&writer, text);
}

static void put_number(struct bake_buf *out, uint64_t number)
{
	if (number)
		bake_buf_addf(out, "%llu", (unsigned long long)number);
	else
		bake_buf_text(out, "null");
}

static void put_list(struct bake_buf *out, const uint32_t *list, size_t count)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(out);

	bake_json_array_line(&writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_u64(&writer, list[i]);
	bake_json_end_array(&writer);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As the index has it: names of files, sorted. */
static void put_nunchaku(struct bake_buf *out, const struct bake_index *index)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(out);
	struct bake_nunchaku_name ignored;
	_cleanup_free_ const char **names = NULL;
	size_t room = 0;
	size_t count = 0;

	for (size_t i = 0; i < index->model_count; i++) {
		const struct bake_index_model *model = &index->models[i];

		for (size_t k = 0; model->baked && k < model->file_count; k++) {
			if (!bake_nunchaku_parse(model->files[k].path, &ignored))
				continue;
			if (!bake_grow((void **)&names, &room, count + 1, sizeof(*names))) {
				out->nomem = true;
				return;
			}
			names[count++] = base_name(model->files[k].path);
		}
	}
	if (count)
		qsort(names, count, sizeof(*names), compare_text);
	bake_json_array_line(&writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_text(&writer, names[i]);
	bake_json_end_array(&writer);
}

static uint64_t default_rank(
	const struct bake_document *document, const struct bake_document_now *now)
{
	if (now->settings->default_rank)
		return now->settings->default_rank;
	return now->api ? now->api->default_rank : document->numbers[BAKE_MEMBER_DEFAULT_RANK];
}

static uint64_t default_steps(
	const struct bake_document *document, const struct bake_document_now *now)
{
	if (now->settings->default_steps)
		return now->settings->default_steps;
	return now->api ? now->api->default_steps : document->numbers[BAKE_MEMBER_DEFAULT_STEPS];
}

/* One member of model_config as it is now; false: as the index has it. */
static bool put_config_value(struct bake_buf *out, const char *key,
	const struct bake_document *document, const struct bake_document_now *now)
{
	const struct bake_settings *settings = now->settings;

	if (strcmp(key, "default_steps") == 0)
		put_number(out, default_steps(document, now));
	else if (strcmp(key, "default_rank") == 0)
		put_number(out, default_rank(document, now));
	else if (strcmp(key, "supported_ranks") == 0 && now->api)
		put_list(out, now->api->ranks, now->api->rank_count);
	else if (strcmp(key, "enable_cpu_offload") == 0 && settings->enable_cpu_offload)
		bake_buf_text(
			out, settings->enable_cpu_offload == BAKE_SETTING_TRUE ? "true" : "false");
	else if (strcmp(key, "memory_optimization") == 0 && settings->memory_optimization)
		bake_buf_text(
			out, settings->memory_optimization == BAKE_SETTING_TRUE ? "true" : "false");
	else
		return false;
	return true;
}

struct config {
	struct bake_buf *out;
	const struct bake_document *document;
	const struct bake_document_now *now;
	bool any;
	bool has[4];
};

static const char *const config_keys[] = {
	"default_steps", "default_rank", "enable_cpu_offload", "memory_optimization"};

static void put_key(struct config *config, const char *key)
{
	bake_buf_text(config->out, config->any ? ", " : "");
	put_text(config->out, key);
	bake_buf_text(config->out, ": ");
	config->any = true;
}

static enum bake_status copy_config(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct config *config = out;
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(config->out);

	(void)err;
	put_key(config, value->key);
	for (size_t i = 0; i < countof(config_keys); i++)
		config->has[i] = config->has[i] || strcmp(config_keys[i], value->key) == 0;
	if (!put_config_value(config->out, value->key, config->document, config->now))
		bake_json_write_value(&writer, value);
	return BAKE_OK;
}

enum bake_status bake_document_write_config(const struct bake_document *document,
	const struct bake_document_now *now, struct bake_buf *out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct config config = {.out = out, .document = document, .now = now};
	struct bake_place place = document->members[BAKE_MEMBER_CONFIG];
	struct bake_json root;

	bake_buf_text(out, "{");
	if (place.len && document->text.ptr[place.at] == '{') {
		BAKE_TRY(bake_json_open_foreign(
			bake_span(document->text.ptr + place.at, place.len), "index", &doc, err));
		root = bake_json_root(doc);
		BAKE_TRY(bake_json_each_member(&root, copy_config, &config, err));
	}
	for (size_t i = 0; i < countof(config_keys); i++) {
		/* What was set, but is not in the index. */
		bool wanted[] = {now->settings->default_steps != 0,
			now->settings->default_rank != 0,
			now->settings->enable_cpu_offload != BAKE_SETTING_AS_IS,
			now->settings->memory_optimization != BAKE_SETTING_AS_IS};

		if (config.has[i] || !wanted[i])
			continue;
		put_key(&config, config_keys[i]);
		(void)put_config_value(out, config_keys[i], document, now);
	}
	bake_buf_text(out, "}");
	return bake_buf_status(out, "reply", err);
}

/* Whether a member is answered otherwise than the index has it. */
static bool changes(
	unsigned member, const struct bake_document *document, const struct bake_document_now *now)
{
	const struct bake_place *place = &document->members[member];

	switch ((enum bake_member)member) {
	case BAKE_MEMBER_RANKS:
	case BAKE_MEMBER_STEPS:
	case BAKE_MEMBER_BASE:
	case BAKE_MEMBER_NUNCHAKU:
		return now->api || !place->len;
	case BAKE_MEMBER_DEFAULT_RANK:
	case BAKE_MEMBER_DEFAULT_STEPS:
	case BAKE_MEMBER_CONFIG:
	case BAKE_MEMBER_GPU_MEMORY:
	case BAKE_MEMBER_STALE:
		return true;
	case BAKE_MEMBER_MODEL_NAME:
	case BAKE_MEMBER_MODEL_VERSION:
	case BAKE_MEMBER_MAX_STEPS:
		return !place->len;
	case BAKE_MEMBER_GENERATED_AT:
	case BAKE_MEMBERS:
		break;
	}
	return false;
}

static enum bake_status put_member(struct bake_buf *out, unsigned member,
	const struct bake_document *document, const struct bake_document_now *now,
	struct bake_error *err)
{
	const struct bake_api nothing = {.rank_count = 0};
	const struct bake_api *api = now->api ? now->api : &nothing;

	switch ((enum bake_member)member) {
	case BAKE_MEMBER_RANKS:
		put_list(out, api->ranks, api->rank_count);
		break;
	case BAKE_MEMBER_STEPS:
		put_list(out, api->steps, api->step_count);
		break;
	case BAKE_MEMBER_BASE:
		bake_buf_text(out, api->base_model_available ? "true" : "false");
		break;
	case BAKE_MEMBER_NUNCHAKU:
		put_nunchaku(out, now->index);
		break;
	case BAKE_MEMBER_DEFAULT_RANK:
		put_number(out, default_rank(document, now));
		break;
	case BAKE_MEMBER_DEFAULT_STEPS:
		put_number(out, default_steps(document, now));
		break;
	case BAKE_MEMBER_CONFIG:
		return bake_document_write_config(document, now, out, err);
	case BAKE_MEMBER_GPU_MEMORY:
		bake_buf_text(out, "\"N/A\""); /* nothing is loaded: this is no inference server */
		break;
	case BAKE_MEMBER_STALE:
		bake_buf_text(out, now->stale ? "true" : "false");
		break;
	case BAKE_MEMBER_MAX_STEPS:
		bake_buf_text(out, "null");
		break;
	case BAKE_MEMBER_MODEL_NAME:
	case BAKE_MEMBER_MODEL_VERSION:
	case BAKE_MEMBER_GENERATED_AT:
	case BAKE_MEMBERS:
		bake_buf_text(out, "\"\"");
		break;
	}
	return BAKE_OK;
}

/* Values in their places; those that the index has not at its beginning. */
static enum bake_status edit_members(struct bake_edits *edits, const struct bake_document *document,
	const struct bake_document_now *now, struct bake_error *err)
{
	for (unsigned i = 0; i < BAKE_MEMBERS; i++) {
		const struct bake_place *place = &document->members[i];

		if (!place->len || !changes(i, document, now))
			continue;
		bake_edits_begin(edits, place->at, place->len);
		BAKE_TRY(put_member(&edits->texts, i, document, now, err));
		bake_edits_end(edits);
	}
	bake_edits_begin(edits, document->begin, 0);
	for (unsigned i = 0; i < BAKE_MEMBERS; i++) {
		if (document->members[i].len || !changes(i, document, now))
			continue;
		bake_buf_addf(&edits->texts, "\n  \"%s\": ", bake_member_name((enum bake_member)i));
		BAKE_TRY(put_member(&edits->texts, i, document, now, err));
		bake_buf_text(&edits->texts, ",");
	}
	bake_edits_end(edits);
	return BAKE_OK;
}

static enum bake_local_state state_of(const struct bake_document_now *now, const char *id)
{
	const struct bake_index_model *model = id ? bake_index_find(now->index, id) : NULL;

	return model ? now->local->states[model - now->index->models] : BAKE_LOCAL_MISSING;
}

static void edit_model(struct bake_edits *edits, const struct bake_document_model *model,
	enum bake_local_state state)
{
	const char *problem = bake_local_problem(state);

	if (model->status.len) {
		bake_edits_begin(edits, model->status.at, model->status.len);
		put_text(&edits->texts, bake_local_state_name(state));
		if (problem && !model->problem.len) {
			bake_buf_text(&edits->texts, ", \"problem\": ");
			put_text(&edits->texts, problem);
		}
		bake_edits_end(edits);
	} else if (model->id) { /* not empty, so that a comma is right */
		bake_edits_begin(edits, model->begin + 1, 0);
		bake_buf_text(&edits->texts, "\"status\": ");
		put_text(&edits->texts, bake_local_state_name(state));
		bake_buf_text(&edits->texts, ", ");
		bake_edits_end(edits);
	}
}

static enum bake_status put_measured(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	(void)err;
	/* The arguments of a server may have its key among them. */
	if (strcmp(value->key, "extra_args_snapshot") == 0)
		return BAKE_OK;
	bake_json_key(out, value->key);
	bake_scrub_value(out, value);
	return BAKE_OK;
}

static enum bake_status put_clean(const struct bake_json *value, void *out, struct bake_error *err)
{
	if (!bake_json_is_object(value)) {
		bake_scrub_value(out, value);
		return BAKE_OK;
	}
	bake_json_object_line(out);
	BAKE_TRY(bake_json_each_member(value, put_measured, out, err));
	bake_json_end_object(out);
	return BAKE_OK;
}

/* Whether there is nothing in it to hide, which is the usual: then it need not be read. */
static bool is_clean(struct bake_span text)
{
	_cleanup_(bake_buf_release) struct bake_buf scrubbed = BAKE_BUF_INIT(text.len + 1);

	if (memchr(text.ptr, '\\', text.len) ||
		memmem(text.ptr, text.len, "extra_args_snapshot", strlen("extra_args_snapshot")))
		return false;
	bake_scrub(text, &scrubbed);
	return scrubbed.len == text.len && memcmp(scrubbed.ptr, text.ptr, text.len) == 0;
}

/* A URL may have somebody's password or a signature in it, a path says where things are: neither is
 * repeated. What is written in the document may be escaped: so the value is read. */
static enum bake_status edit_clean(
	struct bake_edits *edits, struct bake_place place, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf list = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX + 3);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(&edits->texts);
	struct bake_json root;

	if (!place.len || is_clean(bake_span(edits->document.ptr + place.at, place.len)))
		return BAKE_OK;
	bake_buf_text(&list, "[");
	bake_buf_add(&list, edits->document.ptr + place.at, place.len);
	bake_buf_text(&list, "]");
	BAKE_TRY(bake_buf_status(&list, "index", err));
	BAKE_TRY(bake_json_open_foreign(bake_buf_span(&list), "index", &doc, err));
	root = bake_json_root(doc);
	bake_edits_begin(edits, place.at, place.len);
	BAKE_TRY(bake_json_each_element(&root, put_clean, &writer, err));
	bake_edits_end(edits);
	return BAKE_OK;
}

enum bake_status bake_document_write(const struct bake_document *document,
	const struct bake_document_now *now, struct bake_buf *out, struct bake_place *slices,
	struct bake_error *err)
{
	_cleanup_(bake_edits_release) struct bake_edits edits = BAKE_EDITS_INIT(document->text);

	BAKE_TRY(edit_members(&edits, document, now, err));
	for (size_t i = 0; i < document->model_count; i++) {
		edit_model(&edits, &document->models[i], state_of(now, document->models[i].id));
		BAKE_TRY(edit_clean(&edits, document->models[i].source, err));
		BAKE_TRY(edit_clean(&edits, document->models[i].runtime, err));
	}
	BAKE_TRY(bake_edits_apply(&edits, out, err));
	for (size_t i = 0; i < document->model_count; i++) {
		slices[i].at = bake_edits_moved(&edits, document->models[i].begin);
		slices[i].len = bake_edits_moved(&edits, document->models[i].end) - slices[i].at;
	}
	return BAKE_OK;
}
