/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that is answered from, at one moment: the index, what of it is there, the settings, and the
 * replies made of them. Immutable but for replies that are made when first asked for; a request holds
 * on to the one it began with, whatever replaces it.
 */
#ifndef SERVE_SNAPSHOT_H
#define SERVE_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/server.h"
#include "serve/document.h"
#include "serve/local.h"
#include "serve/settings.h"

enum bake_view {
	BAKE_VIEW_INFO,	  /* /model-info */
	BAKE_VIEW_OPENAI, /* /v1/models */
	BAKE_VIEW_OLLAMA, /* /api/tags */
	BAKE_VIEWS
};

struct bake_snapshot {
	atomic_uint uses;
	struct bake_buf text; /* model-info.json */
	struct bake_index *index;
	struct bake_arena arena;
	struct bake_document document;
	struct bake_local local;
	struct bake_api api;
	bool changed; /* something is not as the index says: api counts, not the document's values */
	struct bake_settings settings;
	bool stale;
	struct bake_buf info;
	struct bake_place *slices; /* of info, by document.models */
	pthread_mutex_t lock;	   /* of the views that are not made yet */
	struct bake_http_entity *views[BAKE_VIEWS];
	struct bake_buf texts[BAKE_VIEWS]; /* of those but the first, which is info */
};

struct bake_snapshot_from {
	struct bake_span text;
	const char *name; /* for messages */
	int models;	  /* directories; -1: none */
	int fallback;
	struct bake_settings settings;
	bool stale;
};

enum bake_status bake_snapshot_make(const struct bake_snapshot_from *from,
	struct bake_snapshot **out, struct bake_error *err) BAKE_CHECKED;
struct bake_snapshot *bake_snapshot_hold(struct bake_snapshot *snapshot);
void bake_snapshot_drop(void *pointer);

/* The view, made when it is not there yet; NULL when that fails. It lives as long as the snapshot. */
struct bake_http_entity *bake_snapshot_view(struct bake_snapshot *snapshot, enum bake_view view);

/* What is answered, for the writers of the document. */
struct bake_document_now bake_snapshot_now(const struct bake_snapshot *snapshot);

/* The model of that id, and its state; NULL when there is none. */
const struct bake_index_model *bake_snapshot_find(
	const struct bake_snapshot *snapshot, const char *id, enum bake_local_state *out_state);

/* The text of a model in the reply to /model-info; empty: there is none. */
struct bake_span bake_snapshot_model_text(const struct bake_snapshot *snapshot, const char *id);

#endif
