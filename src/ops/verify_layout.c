/* SPDX-License-Identifier: Apache-2.0 */
/* What a layout has around the files, verified: links lead where they should, texts say what they
 * should. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "digest/hasher.h"
#include "ops/placement.h"
#include "ops/verifying.h"
#include "store/arrange.h"

enum {
	TEXT_BYTES_MAX = 64 * 1024 * 1024 + 4096
};

static enum bake_status make_plan(const struct bake_lock *lock,
	const struct bake_verify_report *report, struct bake_layout_plan *plan,
	struct bake_error *err)
{
	_cleanup_free_ struct bake_relpath *places =
		calloc(report->file_count + 1, sizeof(*places));

	if (!places)
		return bake_error_nomem(err);
	for (size_t i = 0; i < report->model_count; i++) {
		const struct bake_verify_model *model = &report->models[i];

		if (model->expected || bake_verifying_any_there(report, model))
			BAKE_TRY(bake_placement_add(
				plan, bake_lock_find(lock, model->id), NULL, err));
	}
	for (size_t i = 0; i < report->file_count; i++)
		places[i] = report->files[i].path;
	return bake_layout_settle(plan, places, report->file_count, err);
}

/* Room for the entries behind the files, and for the model they are told of under. */
static enum bake_status make_room(
	struct bake_verify_report *report, size_t entries, const char *name, struct bake_error *err)
{
	struct bake_arena *arena = &report->arena;
	struct bake_file_check *files =
		bake_arena_array(arena, report->file_count + entries, sizeof(*files));
	struct bake_verify_model *models =
		bake_arena_array(arena, report->model_count + 1, sizeof(*models));

	if (!files || !models)
		return bake_error_nomem(err);
	memcpy(files, report->files, report->file_count * sizeof(*files));
	memcpy(models, report->models, report->model_count * sizeof(*models));
	models[report->model_count++] = (struct bake_verify_model){
		.id = name,
		.title = name,
		.first_file = report->file_count,
		.file_count = entries,
		.expected = true,
		.listed = true,
	};
	report->models = models;
	report->files = files;
	return BAKE_OK;
}

/* Of a text that says something else: what it is. */
static enum bake_status read_stale(int root, struct bake_file_check *check, struct bake_error *err)
{
	struct bake_check_options options = {.jobs = 1};

	return bake_store_check(root, check, 1, &options, err);
}

static void tell_link(const struct bake_error *why, struct bake_file_check *check)
{
	check->state = BAKE_FILE_WRONG_LINK;
	bake_error_set(&check->error, BAKE_ERR_INTEGRITY, "integrity.link", "%s", why->message);
}

static enum bake_status check_entry(int root, const struct bake_layout_entry *entry,
	struct bake_file_check *check, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TEXT_BYTES_MAX);
	enum bake_arrange_state state;
	struct bake_error why;
	bool known;

	BAKE_TRY(bake_arrange_text(root, entry, &text, &known, err));
	check->size = text.len;
	BAKE_TRY(bake_digest_of(bake_buf_span(&text), &check->sha256, err));
	BAKE_TRY(bake_arrange_look(root, entry, &state, &why, err));
	if (state == BAKE_ARRANGE_STALE)
		return read_stale(root, check, err);
	if (state == BAKE_ARRANGE_RIGHT)
		check->state = BAKE_FILE_RIGHT;
	else if (state == BAKE_ARRANGE_ABSENT)
		check->state = BAKE_FILE_MISSING;
	else if (entry->kind == BAKE_LAYOUT_LINK)
		tell_link(&why, check);
	else
		check->state = BAKE_FILE_WRONG_TYPE;
	return BAKE_OK;
}

enum bake_status bake_verifying_layout(enum bake_layout layout, const struct bake_lock *lock,
	int root, struct bake_verify_report *report, struct bake_error *err)
{
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(layout);

	BAKE_TRY(make_plan(lock, report, &plan, err));
	if (plan.count == 0)
		return BAKE_OK;
	BAKE_TRY(make_room(report, plan.count, bake_layout_names[layout], err));
	for (size_t i = 0; i < plan.count; i++) {
		struct bake_file_check *check = &report->files[report->file_count];
		const char *path = bake_arena_text(&report->arena, plan.entries[i].path.text);

		if (!path)
			return bake_error_nomem(err);
		check->path = (struct bake_relpath){path, plan.entries[i].path.len};
		BAKE_TRY(check_entry(root, &plan.entries[i], check, err));
		report->file_count++;
	}
	return BAKE_OK;
}
