/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "digest/hasher.h"
#include "serve/views.h"

enum {
	ARENA_BYTES_MAX = 64 * 1024 * 1024
};

struct bake_document_now bake_snapshot_now(const struct bake_snapshot *snapshot)
{
	return (struct bake_document_now){
		.index = snapshot->index,
		.local = &snapshot->local,
		.api = snapshot->changed ? &snapshot->api : NULL,
		.settings = &snapshot->settings,
		.stale = snapshot->stale,
	};
}

static bool same_ranks(const struct bake_api *api, const struct bake_document *document)
{
	return api->rank_count == document->rank_count &&
	       (!api->rank_count || memcmp(api->ranks, document->ranks,
					    api->rank_count * sizeof(*api->ranks)) == 0) &&
	       api->default_rank == document->numbers[BAKE_MEMBER_DEFAULT_RANK];
}

/*
 * Of which group the index's first members speak is not written in it. It is the one by whose rule
 * they come out as they are; first tries all of them in the front, and at last none.
 */
static void find_rule(struct bake_index *index, const struct bake_document *document)
{
	size_t count = index->selection_count;
	struct bake_api api;

	for (size_t i = 0; i < count; i++) {
		struct bake_selection first = index->selections[i];

		index->selections[i] = index->selections[0];
		index->selections[0] = first;
		first.max_steps = (uint32_t)document->numbers[BAKE_MEMBER_MAX_STEPS];
		index->selections[0].max_steps = first.max_steps;
		bake_api_compute(index, &api);
		if (same_ranks(&api, document))
			return;
	}
	index->selection_count = 0;
}

/* Models that are there, whatever the index says, are those that count from here on. */
static void apply_local(struct bake_snapshot *snapshot)
{
	struct bake_index *index = snapshot->index;

	find_rule(index, &snapshot->document);
	for (size_t i = 0; i < index->model_count; i++) {
		bool usable = bake_local_usable(snapshot->local.states[i]);

		snapshot->changed = snapshot->changed || usable != index->models[i].baked;
		index->models[i].baked = usable;
	}
	bake_api_compute(index, &snapshot->api);
}

static enum bake_status write_info(struct bake_snapshot *snapshot, struct bake_error *err)
{
	const struct bake_document_now now = bake_snapshot_now(snapshot);

	snapshot->slices = bake_arena_array(
		&snapshot->arena, snapshot->document.model_count, sizeof(*snapshot->slices));
	if (!snapshot->slices)
		return bake_error_nomem(err);
	return bake_document_write(
		&snapshot->document, &now, &snapshot->info, snapshot->slices, err);
}

static enum bake_status make_entity(
	struct bake_span bytes, struct bake_http_entity **out, struct bake_error *err)
{
	struct bake_digest digest;
	struct bake_http_entity_is is = {
		.bytes = bytes, .type = "application/json", .compress = true};

	BAKE_TRY(bake_digest_of(bytes, &digest, err));
	is.digest = BAKE_HEX(&digest);
	return bake_http_entity_new(&is, out, err);
}

static enum bake_status fill(struct bake_snapshot *snapshot, const struct bake_snapshot_from *from,
	struct bake_error *err)
{
	struct bake_settings_bounds bounds;

	bake_buf_add(&snapshot->text, from->text.ptr, from->text.len);
	BAKE_TRY(bake_buf_status(&snapshot->text, "index", err));
	BAKE_TRY(bake_index_parse(
		bake_buf_span(&snapshot->text), from->name, &snapshot->index, err));
	BAKE_TRY(bake_document_read(
		bake_buf_span(&snapshot->text), &snapshot->arena, &snapshot->document, err));
	bounds = bake_document_bounds(&snapshot->document);
	bake_settings_fit(&snapshot->settings, &bounds);
	if (!bake_local_look(snapshot->index, NULL, from->models, from->fallback, &snapshot->local))
		return bake_error_nomem(err);
	apply_local(snapshot);
	BAKE_TRY(write_info(snapshot, err));
	return make_entity(bake_buf_span(&snapshot->info), &snapshot->views[BAKE_VIEW_INFO], err);
}

enum bake_status bake_snapshot_make(
	const struct bake_snapshot_from *from, struct bake_snapshot **out, struct bake_error *err)
{
	struct bake_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return bake_error_nomem(err);
	atomic_init(&snapshot->uses, 1);
	(void)pthread_mutex_init(&snapshot->lock, NULL);
	snapshot->text = (struct bake_buf)BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	snapshot->info = (struct bake_buf)BAKE_BUF_INIT(BAKE_HTTP_REPLY_MAX);
	snapshot->arena = (struct bake_arena)BAKE_ARENA_INIT(ARENA_BYTES_MAX);
	snapshot->settings = from->settings;
	snapshot->stale = from->stale;
	if (fill(snapshot, from, err) != BAKE_OK) {
		bake_snapshot_drop(snapshot);
		return err->status;
	}
	*out = snapshot;
	return BAKE_OK;
}

struct bake_snapshot *bake_snapshot_hold(struct bake_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->uses, 1, memory_order_relaxed);
	return snapshot;
}

void bake_snapshot_drop(void *pointer)
{
	struct bake_snapshot *snapshot = pointer;

	if (!snapshot || atomic_fetch_sub(&snapshot->uses, 1) != 1)
		return;
	for (size_t i = 0; i < BAKE_VIEWS; i++) {
		bake_http_entity_free(&snapshot->views[i]);
		bake_buf_release(&snapshot->texts[i]);
	}
	bake_local_release(&snapshot->local);
	bake_index_free(&snapshot->index);
	bake_arena_release(&snapshot->arena);
	bake_buf_release(&snapshot->info);
	bake_buf_release(&snapshot->text);
	(void)pthread_mutex_destroy(&snapshot->lock);
	free(snapshot);
}

static void make_view(struct bake_snapshot *snapshot, enum bake_view view)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_buf *text = &snapshot->texts[view];

	*text = (struct bake_buf)BAKE_BUF_INIT(BAKE_HTTP_REPLY_MAX);
	if (view == BAKE_VIEW_OPENAI)
		bake_view_openai(snapshot, text);
	else
		bake_view_ollama(snapshot, text);
	if (bake_buf_status(text, "reply", &ignored) != BAKE_OK ||
		make_entity(bake_buf_span(text), &snapshot->views[view], &ignored) != BAKE_OK)
		bake_buf_release(text);
}

struct bake_http_entity *bake_snapshot_view(struct bake_snapshot *snapshot, enum bake_view view)
{
	struct bake_http_entity *entity;

	if (view == BAKE_VIEW_INFO)
		return snapshot->views[view];
	(void)pthread_mutex_lock(&snapshot->lock);
	if (!snapshot->views[view])
		make_view(snapshot, view);
	entity = snapshot->views[view];
	(void)pthread_mutex_unlock(&snapshot->lock);
	return entity;
}

const struct bake_index_model *bake_snapshot_find(
	const struct bake_snapshot *snapshot, const char *id, enum bake_local_state *out_state)
{
	const struct bake_index_model *model = bake_index_find(snapshot->index, id);

	if (model)
		*out_state = snapshot->local.states[model - snapshot->index->models];
	return model;
}

struct bake_span bake_snapshot_model_text(const struct bake_snapshot *snapshot, const char *id)
{
	const struct bake_document *document = &snapshot->document;
	const struct bake_document_model *model = bake_document_find(document, id);
	const struct bake_place *slice;

	if (!model)
		return bake_span(NULL, 0);
	slice = &snapshot->slices[model - document->models];
	return bake_span(snapshot->info.ptr + slice->at, slice->len);
}
