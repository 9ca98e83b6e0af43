/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "format/sniff.h"
#include "fs/dir.h"
#include "fs/walk.h"
#include "fs/workdir.h"
#include "manifest/select.h"
#include "ops/document.h"
#include "ops/placement.h"
#include "ops/sidecar.h"
#include "ops/verifying.h"

enum {
	ARENA_BYTES_MAX = 512 * 1024 * 1024
};

static enum bake_status start_report(
	struct bake_verify_report *report, size_t models, size_t files, struct bake_error *err)
{
	report->arena.max = ARENA_BYTES_MAX;
	report->models = bake_arena_array(&report->arena, models, sizeof(*report->models));
	report->files = bake_arena_array(&report->arena, files, sizeof(*report->files));
	report->names = bake_arena_array(&report->arena, files, sizeof(*report->names));
	return report->models && report->files && report->names ? BAKE_OK : bake_error_nomem(err);
}

/* name: the path by which a loader knows the file; path: where it is in the layout. */
static enum bake_status add_file(struct bake_verify_report *report, const char *name,
	const char *path, uint64_t size, const struct bake_digest *sha256, struct bake_error *err)
{
	struct bake_file_check *file = &report->files[report->file_count];
	const char *copy = bake_arena_text(&report->arena, path);

	report->names[report->name_count] = bake_arena_text(&report->arena, name);
	if (!copy || !report->names[report->name_count])
		return bake_error_nomem(err);
	report->name_count++;
	BAKE_TRY(bake_relpath_parse_model(copy, &file->path, err));
	file->size = size;
	file->sha256 = *sha256;
	report->file_count++;
	return BAKE_OK;
}

static enum bake_status add_model(struct bake_verify_report *report, const char *id,
	const char *title, size_t files, bool expected, struct bake_error *err)
{
	struct bake_verify_model *model = &report->models[report->model_count++];

	*model = (struct bake_verify_model){
		.id = bake_arena_text(&report->arena, id),
		.title = bake_arena_text(&report->arena, title),
		.first_file = report->file_count,
		.file_count = files,
		.expected = expected,
		.listed = files > 0,
	};
	return model->id && model->title ? BAKE_OK : bake_error_nomem(err);
}

/* The file of a lock, where the layout has it. */
static enum bake_status add_locked(const struct bake_verify_options *options,
	struct bake_verify_report *report, const struct bake_lock_model *model,
	const struct bake_lock_file *locked, struct bake_error *err)
{
	struct bake_layout_file file = bake_placement_file(model, locked);
	struct bake_layout_place place;

	BAKE_TRY(bake_layout_place(options->layout, &file, &report->arena, &place, err));
	return add_file(report, locked->path, place.bytes.text, locked->size, &locked->sha256, err);
}

/* Whether the model is to be looked at. What the layout has no place for can only be missed when
 * it is expected. */
static bool concerns(
	const struct bake_verify_options *options, const struct bake_lock_model *model, bool chosen)
{
	if (chosen)
		return true;
	return !options->name_count &&
	       (options->layout != BAKE_LAYOUT_HF_CACHE || model->source.kind == BAKE_SOURCE_HUB);
}

static enum bake_status expect_lock(const struct bake_verify_options *options,
	struct bake_verify_report *report, struct bake_lock **out, struct bake_error *err)
{
	struct bake_lock *lock;
	_cleanup_free_ bool *chosen = NULL;
	struct bake_select select = {.names = options->names, .name_count = options->name_count};
	size_t files = 0;

	BAKE_TRY(bake_load_lock(options->lock_path, out, err));
	lock = *out;
	BAKE_TRY(bake_check_fresh_beside(lock, options->lock_path, err));
	chosen = calloc(lock->model_count + 1, sizeof(*chosen));
	if (!chosen)
		return bake_error_nomem(err);
	BAKE_TRY(bake_select_models(lock, &select, chosen, err));
	for (size_t i = 0; i < lock->model_count; i++)
		files += lock->models[i].file_count;
	BAKE_TRY(start_report(report, lock->model_count, files, err));
	for (size_t i = 0; i < lock->model_count; i++) {
		const struct bake_lock_model *model = &lock->models[i];

		if (!concerns(options, model, chosen[i]))
			continue;
		BAKE_TRY(
			add_model(report, model->id, model->id, model->file_count, chosen[i], err));
		for (size_t k = 0; k < model->file_count; k++)
			BAKE_TRY(add_locked(options, report, model, &model->files[k], err));
	}
	return BAKE_OK;
}

static const char *index_id(const void *context, size_t at)
{
	return ((const struct bake_index *)context)->models[at].id;
}

static enum bake_status check_names(const struct bake_verify_options *options,
	const struct bake_index *index, struct bake_error *err)
{
	for (size_t i = 0; i < options->name_count; i++) {
		const char *near;

		if (bake_index_find(index, options->names[i]))
			continue;
		bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model",
			"the index has no model '%s'", BAKE_SHOW(options->names[i]));
		near = bake_text_nearest(options->names[i], index->model_count, index_id, index);
		return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
	}
	return BAKE_OK;
}

static bool is_named(const struct bake_verify_options *options, const char *id)
{
	for (size_t i = 0; i < options->name_count; i++) {
		if (strcmp(options->names[i], id) == 0)
			return true;
	}
	return options->name_count == 0;
}

static enum bake_status expect_index(const struct bake_verify_options *options, const char *path,
	struct bake_verify_report *report, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	size_t files = 0;

	BAKE_TRY(bake_load_index(path, &index, err));
	BAKE_TRY(check_names(options, index, err));
	for (size_t i = 0; i < index->model_count; i++)
		files += index->models[i].file_count;
	BAKE_TRY(start_report(report, index->model_count, files, err));
	for (size_t i = 0; i < index->model_count; i++) {
		const struct bake_index_model *model = &index->models[i];
		bool expected = model->baked || model->required || options->name_count;

		if (!is_named(options, model->id))
			continue;
		BAKE_TRY(add_model(report, model->id, model->title ? model->title : model->id,
			model->file_count, expected, err));
		for (size_t k = 0; k < model->file_count; k++) {
			BAKE_TRY(add_file(report, model->files[k].path, model->files[k].path,
				model->files[k].size, &model->files[k].sha256, err));
			report->files[report->file_count - 1].may_execute = model->executable_code;
		}
	}
	return BAKE_OK;
}

/* The document that says what should be there. */
static enum bake_status expect(const struct bake_verify_options *options,
	struct bake_verify_report *report, struct bake_lock **out_lock, struct bake_error *err)
{
	_cleanup_free_ char *path = NULL;

	if (options->lock_path) {
		BAKE_TRY(expect_lock(options, report, out_lock, err));
	} else if (options->index_path) {
		BAKE_TRY(expect_index(options, options->index_path, report, err));
	} else {
		if (asprintf(&path, "%s/%s", options->models_dir, BAKE_INDEX_NAME) < 0)
			return bake_error_nomem(err);
		if (access(path, F_OK) != 0 && errno == ENOENT) {
			bake_error_set(err, BAKE_ERR_NOINPUT, "verify.no-index",
				"there is no %s in '%s'", BAKE_INDEX_NAME,
				BAKE_SHOW(options->models_dir));
			return bake_error_hint(err, "verify against a lock with -l LOCK; when the "
						    "models were baked, is a volume mounted over "
						    "them?");
		}
		BAKE_TRY(expect_index(options, path, report, err));
	}
	report->against =
		bake_arena_text(&report->arena, options->lock_path    ? options->lock_path
						: options->index_path ? options->index_path
								      : BAKE_INDEX_NAME);
	if (!report->against)
		return bake_error_nomem(err);
	if (report->file_count == 0)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "verify.nothing",
			"'%s' lists no files", BAKE_SHOW(report->against));
	return BAKE_OK;
}

/* A model that need not be there may be absent; half of one is broken. */
static bool excused(const struct bake_verify_model *model, const struct bake_file_check *file)
{
	return !model->expected && !model->present && file->state == BAKE_FILE_MISSING;
}

bool bake_verifying_any_there(
	const struct bake_verify_report *report, const struct bake_verify_model *model)
{
	for (size_t k = 0; k < model->file_count; k++) {
		if (report->files[model->first_file + k].state != BAKE_FILE_MISSING)
			return true;
	}
	return false;
}

static void sum_up(struct bake_verify_report *report)
{
	for (size_t i = 0; i < report->model_count; i++) {
		struct bake_verify_model *model = &report->models[i];

		model->present = bake_verifying_any_there(report, model);
		for (size_t k = 0; k < model->file_count; k++) {
			const struct bake_file_check *file = &report->files[model->first_file + k];

			if (file->state == BAKE_FILE_RIGHT) {
				model->bytes = bake_u64_add_capped(model->bytes, file->size);
				report->verified++;
			} else if (!excused(model, file)) {
				model->wrong++;
			}
		}
		if (model->expected && !model->listed)
			model->wrong++;
		report->wrong += model->wrong;
		report->broken += model->broken;
		report->verified_bytes = bake_u64_add_capped(report->verified_bytes, model->bytes);
	}
}

static int compare_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that are ours, at the top of a models directory: of files, and of nothing else. */
static bool is_reserved(const struct bake_walk_entry *entry)
{
	return entry->depth == 0 && (strcmp(entry->path, BAKE_INDEX_NAME) == 0 ||
					    strcmp(entry->path, BAKE_INDEX_RUNTIME_NAME) == 0);
}

/* A sidecar of a file that is listed: its path is that file's and an ending. */
static bool is_sidecar(int root, const char *path, const char *const *known, size_t count)
{
	_cleanup_free_ char *of = NULL;

	if (!bake_text_ends(path, BAKE_SIDECAR_ENDING))
		return false;
	of = strndup(path, strlen(path) - strlen(BAKE_SIDECAR_ENDING));
	return of && bake_sidecar_is_for(of) &&
	       bsearch(&of, known, count, sizeof(*known), compare_path) &&
	       bake_sidecar_is(root, path);
}

static bool is_extra(
	int root, const struct bake_walk_entry *entry, const char *const *known, size_t count)
{
	if (is_reserved(entry))
		return !S_ISREG(entry->mode);
	return !S_ISDIR(entry->mode) &&
	       !bsearch(&entry->path, known, count, sizeof(*known), compare_path) &&
	       !(S_ISREG(entry->mode) && is_sidecar(root, entry->path, known, count));
}

static enum bake_status add_extra(
	struct bake_verify_report *report, const char *path, struct bake_error *err)
{
	report->extras[report->extra_count] = bake_arena_text(&report->arena, path);
	if (!report->extras[report->extra_count])
		return bake_error_nomem(err);
	report->extra_count++;
	return BAKE_OK;
}

/* What is in .bake, of which a fetch that came to its end leaves nothing. */
struct leftovers {
	struct bake_walk walk;
	bool closed; /* it cannot be read, or is no directory: it is the leftover itself */
};

static void release_leftovers(struct leftovers *leftovers)
{
	bake_walk_release(&leftovers->walk);
}

static void read_leftovers(int root, struct leftovers *out)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	_cleanup_close_ int fd =
		openat(root, BAKE_WORKDIR_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		out->closed = errno != ENOENT;
	else
		out->closed = bake_walk_read(fd, NULL, &out->walk, &ignored) != BAKE_OK;
}

static enum bake_status add_leftovers(struct bake_verify_report *report,
	const struct leftovers *leftovers, struct bake_error *err)
{
	if (leftovers->closed)
		BAKE_TRY(add_extra(report, BAKE_WORKDIR_NAME, err));
	for (size_t i = 0; i < leftovers->walk.count; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", BAKE_WORKDIR_NAME, leftovers->walk.entries[i].path) <
			0)
			return bake_error_nomem(err);
		BAKE_TRY(add_extra(report, path, err));
	}
	report->unfinished = report->extra_count;
	return BAKE_OK;
}

/* Files in the directory that no model lists. */
static enum bake_status find_extras(
	int root, struct bake_verify_report *report, struct bake_error *err)
{
	static const char *const skip[] = {BAKE_WORKDIR_NAME, NULL};
	_cleanup_(release_leftovers) struct leftovers leftovers = {BAKE_WALK_INIT, false};
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	_cleanup_free_ const char **known = calloc(report->file_count + 1, sizeof(*known));

	if (!known)
		return bake_error_nomem(err);
	for (size_t i = 0; i < report->file_count; i++)
		known[i] = report->files[i].path.text;
	qsort(known, report->file_count, sizeof(*known), compare_path);
	read_leftovers(root, &leftovers);
	BAKE_TRY(bake_walk_read(root, skip, &walk, err));
	report->extras = bake_arena_array(
		&report->arena, leftovers.walk.count + walk.count + 1, sizeof(*report->extras));
	if (!report->extras)
		return bake_error_nomem(err);
	BAKE_TRY(add_leftovers(report, &leftovers, err));
	for (size_t i = 0; i < walk.count; i++) {
		if (is_extra(root, &walk.entries[i], known, report->file_count))
			BAKE_TRY(add_extra(report, walk.entries[i].path, err));
	}
	return BAKE_OK;
}

static void add_hint(const struct bake_file_check *file, struct bake_error *err)
{
	const char *hint = NULL;

	if (file->head_len && bake_sniff_describe(bake_span(file->head, file->head_len), &hint) &&
		hint)
		bake_error_hint(err, "%s", hint);
}

/* Of everything that is wrong, what decides the exit code: the worst, the first of equals. */
static void worst_file(const struct bake_verify_report *report, struct bake_error *worst)
{
	for (size_t i = 0; i < report->model_count; i++) {
		const struct bake_verify_model *model = &report->models[i];

		for (size_t k = 0; k < model->file_count; k++) {
			const struct bake_file_check *file = &report->files[model->first_file + k];
			struct bake_error error = BAKE_ERROR_INIT;

			if (file->state == BAKE_FILE_RIGHT || excused(model, file))
				continue;
			bake_file_check_error(file, &error);
			add_hint(file, &error);
			if (worst->status == BAKE_OK ||
				bake_status_worse(worst->status, error.status) != worst->status)
				*worst = error;
		}
		if (model->expected && !model->listed && worst->status == BAKE_OK)
			bake_error_set(worst, BAKE_ERR_INTEGRITY, "integrity.missing",
				"model '%s' is missing: it was never locked", BAKE_SHOW(model->id));
	}
}

static void worse(const struct bake_error *error, struct bake_error *worst)
{
	if (error && (worst->status == BAKE_OK ||
			     bake_status_worse(worst->status, error->status) != worst->status))
		*worst = *error;
}

/* Of what has the right bytes and is no working model all the same. */
static void worst_structure(const struct bake_verify_report *report, struct bake_error *worst)
{
	for (size_t i = 0; i < report->model_count; i++) {
		worse(report->models[i].structure, worst);
		worse(report->models[i].probe, worst);
	}
}

/* What is there and should not be, when nothing that should be is wrong. */
static void extra_error(const struct bake_verify_report *report, struct bake_error *err)
{
	if (report->unfinished) {
		bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.unfinished",
			"%s is left of an unfinished fetch", BAKE_SHOW(report->extras[0]));
		bake_error_hint(err, "bake-fetch finishes it and cleans up; or remove %s",
			BAKE_WORKDIR_NAME);
	} else {
		bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.extra", "%s is not in the index",
			BAKE_SHOW(report->extras[0]));
		bake_error_hint(err, "--allow-extra accepts files of your own");
	}
}

/* Why files may be wrong that are. */
static void add_cause(const struct bake_verify_report *report, struct bake_error *err)
{
	if (report->unfinished)
		bake_error_hint(err, "%s is of an unfinished fetch: run bake-fetch again",
			BAKE_SHOW(report->extras[0]));
	else if (report->verified == 0)
		bake_error_hint(err, "nothing of it is there: is a volume mounted over the "
				     "models?");
}

/* walked: how looking for extras ended. */
static enum bake_status verdict(const struct bake_verify_report *report, bool allow_extra,
	const struct bake_error *walked, struct bake_error *err)
{
	struct bake_error worst = BAKE_ERROR_INIT;
	size_t extras = allow_extra ? 0 : report->extra_count;
	size_t found = report->wrong + report->broken + extras;

	worst_file(report, &worst);
	if (worst.status != BAKE_OK)
		add_cause(report, &worst);
	else if (extras)
		extra_error(report, &worst);
	worst_structure(report, &worst);
	if (walked->status != BAKE_OK && !allow_extra) {
		found++;
		if (bake_status_worse(worst.status, walked->status) != worst.status)
			worst = *walked;
	}
	if (worst.status == BAKE_OK && report->verified == 0)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "verify.nothing",
			"nothing to verify: no model of '%s' is there", BAKE_SHOW(report->against));
	if (worst.status == BAKE_OK)
		return BAKE_OK;
	if (found > 1) {
		size_t used = strlen(worst.message);

		(void)snprintf(worst.message + used, sizeof(worst.message) - used,
			" (and %zu more)", found - 1);
	}
	*err = worst;
	return err->status;
}

enum bake_status bake_verify(const struct bake_verify_options *options,
	struct bake_verify_report *out, struct bake_error *err)
{
	struct bake_check_options check = {
		.jobs = options->jobs, .quick = options->quick, .events = options->events};
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	struct bake_error walked = BAKE_ERROR_INIT;
	_cleanup_close_ int root = -1;
	uint64_t bytes = 0;

	*out = (struct bake_verify_report){.arena = {.max = ARENA_BYTES_MAX}};
	BAKE_TRY(expect(options, out, &lock, err));
	if (bake_dir_open(options->models_dir, &root, err) != BAKE_OK) {
		bake_error_of_input(err);
		return bake_error_wrap(err, "models");
	}
	for (size_t i = 0; i < out->file_count; i++)
		bytes = bake_u64_add_capped(bytes, out->files[i].size);
	bake_emit_plan(options->events, out->file_count, bytes);
	BAKE_TRY(bake_store_check(root, out->files, out->file_count, &check, err));
	BAKE_TRY(bake_verifying_pickles(options, root, out, err));
	BAKE_TRY(bake_verifying_structure(options, root, out, err));
	if (options->layout != BAKE_LAYOUT_PLAIN)
		BAKE_TRY(bake_verifying_layout(options->layout, lock, root, out, err));
	sum_up(out);
	if (options->probe)
		BAKE_TRY(bake_verifying_probe(options, out, err));
	if (!options->name_count)
		(void)find_extras(root, out, &walked);
	return verdict(out, options->allow_extra, &walked, err);
}

void bake_verify_report_release(struct bake_verify_report *report)
{
	bake_structure_release(&report->structure);
	bake_arena_release(&report->arena);
}
