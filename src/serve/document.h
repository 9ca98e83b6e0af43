/* SPDX-License-Identifier: Apache-2.0 */
/* Where in the text of an index the values are that the server answers otherwise: those that depend
 * on what is there now, and on settings. */
#ifndef SERVE_DOCUMENT_H
#define SERVE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "index/api.h"
#include "serve/local.h"
#include "serve/settings.h"

/* The members of the root that matter. */
enum bake_member {
	BAKE_MEMBER_MODEL_NAME,
	BAKE_MEMBER_MODEL_VERSION,
	BAKE_MEMBER_RANKS,
	BAKE_MEMBER_STEPS,
	BAKE_MEMBER_DEFAULT_RANK,
	BAKE_MEMBER_DEFAULT_STEPS,
	BAKE_MEMBER_MAX_STEPS,
	BAKE_MEMBER_GPU_MEMORY,
	BAKE_MEMBER_BASE,
	BAKE_MEMBER_NUNCHAKU,
	BAKE_MEMBER_CONFIG,
	BAKE_MEMBER_STALE,
	BAKE_MEMBER_GENERATED_AT,
	BAKE_MEMBERS
};

const char *bake_member_name(enum bake_member member);

/* A value in the text. */
struct bake_place {
	size_t at;
	size_t len; /* 0: it is not there */
};

struct bake_document_model {
	const char *id;		  /* NULL: it has none */
	size_t begin;		  /* of the object */
	size_t end;		  /* behind it */
	struct bake_place status; /* its value */
	struct bake_place problem;
	const char *hub;	   /* of its source: the repository; NULL: it is another */
	const char *commit;	   /* NULL: not known */
	struct bake_place source;  /* its value */
	struct bake_place runtime; /* of its architecture: what was measured */
};

struct bake_document {
	struct bake_span text;
	size_t begin; /* behind the root's brace */
	struct bake_place members[BAKE_MEMBERS];
	uint64_t numbers[BAKE_MEMBERS]; /* of those that are one number; 0: not */
	uint32_t ranks[BAKE_API_LIST_MAX];
	size_t rank_count;
	char generated_at[40];
	struct bake_document_model *models;
	size_t model_count;
};

/* text has passed bake_index_parse: no key stands twice, the root is an object. It is borrowed; the
 * models are the arena's. */
enum bake_status bake_document_read(struct bake_span text, struct bake_arena *arena,
	struct bake_document *out, struct bake_error *err) BAKE_CHECKED;

/* What settings of it may be; borrows its ranks. */
struct bake_settings_bounds bake_document_bounds(const struct bake_document *document);

/* The model of that id; NULL: there is none. */
const struct bake_document_model *bake_document_find(
	const struct bake_document *document, const char *id);

/* What is answered now. */
struct bake_document_now {
	const struct bake_index *index; /* with models[i].baked: whether it can be used */
	const struct bake_local *local;
	const struct bake_api *api; /* NULL: as the index says */
	const struct bake_settings *settings;
	bool stale;
};

/* The reply to GET /model-info. slices[i] receives where in it document->models[i] is. */
enum bake_status bake_document_write(const struct bake_document *document,
	const struct bake_document_now *now, struct bake_buf *out, struct bake_place *slices,
	struct bake_error *err) BAKE_CHECKED;

/* Its "model_config" alone. */
enum bake_status bake_document_write_config(const struct bake_document *document,
	const struct bake_document_now *now, struct bake_buf *out,
	struct bake_error *err) BAKE_CHECKED;

#endif
