/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies and queries of bake-serve, and an index that is answered from. */
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "json/json.h"
#include "serve/document.h"
#include "serve/estimate.h"
#include "serve/scrub.h"
#include "serve/settings.h"

static void try_settings(struct bake_span text)
{
	static const uint32_t ranks[] = {32, 128};
	const struct bake_settings_bounds bounds = {50, ranks, 2};
	struct bake_settings settings = {.default_steps = 7};
	struct bake_error err = BAKE_ERROR_INIT;
	char note[BAKE_SETTINGS_NOTE_MAX];

	if (!succeeded(bake_settings_read(text, &bounds, &settings, note, &err), &err))
		CLAIM(settings.default_steps == 7 && !settings.default_rank);
	CLAIM(settings.default_steps >= 1 && settings.default_steps <= 50);
	CLAIM(!settings.default_rank || settings.default_rank == 32 ||
		settings.default_rank == 128);
}

static void try_query(struct bake_span text)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_estimate_query query;

	if (succeeded(bake_estimate_parse(text, &query, &err), &err))
		CLAIM(query.model[0] && query.gpu_share <= 1000 &&
			query.context <= BAKE_ESTIMATE_TOKENS_MAX);
}

static void try_scrub(struct bake_span text)
{
	_cleanup_(bake_buf_release) struct bake_buf out = BAKE_BUF_INIT((size_t)1 << 24);

	bake_scrub(text, &out);
	CLAIM(out.len <= text.len);
	if (out.len)
		CLAIM(out.ptr[0] != '/' || out.len == 1 || out.ptr[1] <= ' ' || text.ptr[0] == '/');
}

static void claim_reply(struct bake_span text)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;
	struct bake_json member;

	CLAIM(bake_json_open_foreign(text, "reply", &doc, &err) == BAKE_OK);
	root = bake_json_root(doc);
	for (unsigned i = 0; i < BAKE_MEMBER_GENERATED_AT; i++)
		CLAIM(bake_json_find(&root, bake_member_name((enum bake_member)i), &member));
}

/* What can be read is answered, and the answer is JSON with the keys that it must have. */
static void try_document(struct bake_span text)
{
	_cleanup_(bake_buf_release) struct bake_buf out = BAKE_BUF_INIT((size_t)1 << 26);
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT((size_t)1 << 26);
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	const struct bake_settings settings = {.default_steps = 4};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_document document;
	struct bake_local local;
	struct bake_place *slices;

	if (!succeeded(bake_index_parse(text, "fuzz", &index, &err), &err))
		return;
	/* Parts that the index keeps as text are looked at here for the first time. */
	if (!succeeded(bake_document_read(text, &arena, &document, &err), &err))
		return;
	CLAIM(document.model_count == index->model_count);
	CLAIM(bake_local_look(index, NULL, -1, -1, &local));
	slices = bake_arena_array(&arena, document.model_count, sizeof(*slices));
	CLAIM(slices);
	if (succeeded(bake_document_write(&document,
			      &(struct bake_document_now){
				      .index = index, .local = &local, .settings = &settings},
			      &out, slices, &err),
		    &err))
		claim_reply(bake_buf_span(&out));
	bake_local_release(&local);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size);
	struct bake_span span = bake_span(text, size);

	try_settings(span);
	try_query(span);
	try_scrub(span);
	try_document(span);
	return 0;
}
