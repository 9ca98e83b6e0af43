/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "convert/convert.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "netops/local.h"
#include "netops/locking.h"
#include "ops/document.h"

enum {
	ARENA_BYTES_MAX = 512 * 1024 * 1024
};

static void release(struct bake_locking *locking)
{
	for (size_t i = 0; i < locking->listing_count; i++)
		bake_hub_tree_release(&locking->listings[i].tree);
	free(locking->listings);
	free(locking->unhashed);
	bake_lock_free(&locking->lock);
	bake_lock_free(&locking->old);
	bake_manifest_free(&locking->manifest);
	cleanup_close(&locking->manifest_dir);
}

/* The fields that come from the manifest, pinned or not. */
static struct bake_lock_model entry_of(const struct bake_model *model)
{
	return (struct bake_lock_model){
		.id = model->id,
		.source = model->source,
		.group = model->group,
		.aliases = model->aliases,
		.alias_count = model->alias_count,
		.mirrors = model->mirrors,
		.mirror_count = model->mirror_count,
		.layer = model->layer,
		.required = model->required,
		.is_default = model->is_default,
		.convert = model->convert ? &model->convert->how : NULL,
	};
}

/* What was found at the source is what a conversion reads; baked is what it makes. */
static enum bake_status pin_output(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_model *entry, struct bake_error *err)
{
	const struct bake_manifest_output *output = model->convert;

	if (!output)
		return BAKE_OK;
	if (!bake_convert_target_named(output->how.type))
		return bake_error_set(err, BAKE_ERR_DATA, "manifest.convert",
			"'%s' is not F32, F16, BF16, Q8_0, Q5_1, Q5_0, Q4_1 or Q4_0",
			BAKE_SHOW(output->how.type));
	entry->sources = entry->files;
	entry->source_count = entry->file_count;
	entry->complete = false;
	entry->file_count = 0;
	BAKE_TRY(bake_locking_room(locking, entry, 1, err));
	entry->files[0] = (struct bake_lock_file){
		.name = output->save_as, .size = output->size, .sha256 = output->sha256};
	entry->file_count = 1;
	return bake_locking_path(locking, model, output->save_as, &entry->files[0].path, err);
}

static enum bake_status pin_model(struct bake_locking *locking, const struct bake_model *model,
	bool upgrade, struct bake_lock_model *entry, struct bake_error *err)
{
	switch (model->source.kind) {
	case BAKE_SOURCE_HUB:
		return bake_locking_hub(locking, model, upgrade, entry, err);
	case BAKE_SOURCE_URL:
		return bake_locking_url(locking, model, entry, err);
	case BAKE_SOURCE_FILE:
	default:
		return bake_locking_local(locking, model, entry, err);
	}
}

static void take_former(struct bake_lock_model *entry, const struct bake_lock_model *old)
{
	entry->source.commit = old->source.commit;
	entry->gated = old->gated;
	entry->complete = old->complete;
	entry->files = old->files;
	entry->file_count = old->file_count;
	entry->sources = old->sources;
	entry->source_count = old->source_count;
}

/* The source that the former lock has of a model, pinned or given up before; NULL: none. */
static const struct bake_source *former_source(const struct bake_locking *locking, const char *id)
{
	const struct bake_lock_model *old = NULL;

	if (locking->old)
		old = bake_lock_find(locking->old, id);
	if (!old && locking->old)
		old = bake_lock_find_unlocked(locking->old, id);
	return old && old->source.kind == BAKE_SOURCE_HUB ? &old->source : NULL;
}

/* The lock says what it lacks. */
static void leave_out(struct bake_locking *locking, const struct bake_lock_model *entry)
{
	struct bake_lock *lock = locking->lock;
	struct bake_lock_model *unlocked = &lock->unlocked[lock->unlocked_count++];
	const struct bake_source *was = former_source(locking, entry->id);

	*unlocked = *entry;
	unlocked->files = NULL;
	unlocked->file_count = 0;
	unlocked->sources = NULL;
	unlocked->source_count = 0;
	unlocked->source = was ? *was : (struct bake_source){0};
}

/* Pins one model, by what the former lock says of it or anew. It is left out when it is not asked
 * for and was not locked before. */
static enum bake_status lock_model(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_report *report, struct bake_error *err)
{
	struct bake_lock_model *entry = &locking->lock->models[locking->lock->model_count];
	const struct bake_lock_model *old =
		locking->old ? bake_lock_find(locking->old, model->id) : NULL;
	bool scope = bake_locking_in_scope(locking->options, locking->manifest, model);
	bool upgrade = scope && locking->options->upgrade;
	size_t unhashed = locking->unhashed_count;

	*entry = entry_of(model);
	BAKE_TRY(bake_model_spec_digest(model, &entry->spec, err));
	if (old && !upgrade && bake_digest_equal(&old->spec, &entry->spec)) {
		take_former(entry, old);
		report->kept++;
	} else if (!scope && !old) {
		leave_out(locking, entry);
		return BAKE_OK;
	} else if (pin_model(locking, model, upgrade, entry, err) == BAKE_OK &&
		   pin_output(locking, model, entry, err) == BAKE_OK) {
		report->resolved++;
	} else {
		locking->unhashed_count = unhashed; /* they point into the entry given up */
		return bake_error_wrap(err, "%s", BAKE_SHOW(model->id));
	}
	locking->lock->model_count++;
	return BAKE_OK;
}

/* Of several failures the worst decides the exit code; of equals the first. */
static void remember(struct bake_error *worst, const struct bake_error *error)
{
	if (worst->status == BAKE_OK ||
		bake_status_worse(worst->status, error->status) != worst->status)
		*worst = *error;
}

/* The former lock's entry of a model that has not changed since; NULL when there is none. */
static const struct bake_lock_model *former(
	const struct bake_locking *locking, const struct bake_lock_model *entry)
{
	const struct bake_lock_model *old =
		locking->old ? bake_lock_find(locking->old, entry->id) : NULL;

	return old && bake_digest_equal(&old->spec, &entry->spec) ? old : NULL;
}

/* An upgrade that failed leaves the pins that were there. */
static void keep_former(struct bake_locking *locking)
{
	struct bake_lock_model *entry = &locking->lock->models[locking->lock->model_count];
	const struct bake_lock_model *old = former(locking, entry);

	if (!old) {
		leave_out(locking, entry);
		return;
	}
	take_former(entry, old);
	locking->lock->model_count++;
}

/* With keep_going a failure is told and remembered, and the next model has its turn. */
static enum bake_status lock_models(struct bake_locking *locking, struct bake_lock_report *report,
	struct bake_error *first, struct bake_error *err)
{
	for (size_t i = 0; i < locking->manifest->model_count; i++) {
		const struct bake_model *model = &locking->manifest->models[i];
		struct bake_error error = BAKE_ERROR_INIT;

		if (lock_model(locking, model, report, &error) == BAKE_OK)
			continue;
		if (!locking->options->keep_going || error.status == BAKE_ERR_INTERRUPTED) {
			*err = error;
			return err->status;
		}
		report->failed++;
		remember(first, &error);
		keep_former(locking);
		bake_emit_fail(locking->options->events, model->id, &error);
	}
	return BAKE_OK;
}

static bool hashed(const struct bake_lock_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!files[i].sha256.kind)
			return false;
	}
	return true;
}

static bool all_hashed(const struct bake_lock_model *entry)
{
	return hashed(entry->files, entry->file_count) &&
	       hashed(entry->sources, entry->source_count);
}

/* Models whose files could not be read keep their former pins or are left out, with keep_going. */
static void drop_unhashed(struct bake_locking *locking, struct bake_lock_report *report)
{
	struct bake_lock *lock = locking->lock;
	size_t kept = 0;

	for (size_t i = 0; i < lock->model_count; i++) {
		if (all_hashed(&lock->models[i])) {
			lock->models[kept++] = lock->models[i];
		} else {
			const struct bake_lock_model *old = former(locking, &lock->models[i]);

			report->failed++;
			report->resolved--;
			if (!old) {
				leave_out(locking, &lock->models[i]);
				continue;
			}
			take_former(&lock->models[i], old);
			lock->models[kept++] = lock->models[i];
		}
	}
	lock->model_count = kept;
}

static enum bake_status hash_all(struct bake_locking *locking, struct bake_lock_report *report,
	struct bake_error *first, struct bake_error *err)
{
	struct bake_error error = BAKE_ERROR_INIT;

	if (locking->unhashed_count == 0 || bake_locking_hash(locking, &error) == BAKE_OK)
		return BAKE_OK;
	if (!locking->options->keep_going || error.status == BAKE_ERR_INTERRUPTED) {
		*err = error;
		return err->status;
	}
	remember(first, &error);
	drop_unhashed(locking, report);
	return BAKE_OK;
}

static enum bake_status start_lock(struct bake_locking *locking, struct bake_error *err)
{
	const struct bake_manifest *manifest = locking->manifest;
	struct bake_lock *lock = calloc(1, sizeof(*lock));

	assert(manifest->sha256.kind != BAKE_DIGEST_NONE);
	locking->lock = lock;
	locking->listings = calloc(manifest->model_count + 1, sizeof(*locking->listings));
	if (!lock || !locking->listings)
		return bake_error_nomem(err);
	lock->arena.max = ARENA_BYTES_MAX;
	lock->name = manifest->name;
	lock->manifest_sha256 = manifest->sha256;
	lock->models = bake_arena_array(&lock->arena, manifest->model_count, sizeof(*lock->models));
	lock->profiles =
		bake_arena_array(&lock->arena, manifest->profile_count, sizeof(*lock->profiles));
	lock->unlocked =
		bake_arena_array(&lock->arena, manifest->model_count, sizeof(*lock->unlocked));
	if (!lock->models || !lock->profiles || !lock->unlocked)
		return bake_error_nomem(err);
	lock->profile_count = manifest->profile_count;
	if (lock->profile_count)
		memcpy(lock->profiles, manifest->profiles,
			lock->profile_count * sizeof(*lock->profiles));
	return BAKE_OK;
}

/* Writes the lock when it says something new. */
/* A lock may name what a fetch refuses: whoever reads the warning decides. */
static void warn_pickles(const struct bake_locking *locking)
{
	const struct bake_lock *lock = locking->lock;

	for (size_t i = 0; i < lock->model_count; i++) {
		for (size_t k = 0; k < lock->models[i].file_count; k++) {
			const struct bake_lock_file *at = &lock->models[i].files[k];
			struct bake_pickle_file file = {
				.path = at->path, .sha256 = &at->sha256, .size = at->size};
			struct bake_pickle_file source = file;
			const char *what = bake_pickle_named(&file);

			source.path = at->name;
			if (!what)
				what = bake_pickle_named(&source);
			if (what)
				bake_locking_warn_pickle(locking, &file, what);
		}
	}
}

static enum bake_status publish(
	const struct bake_lock *lock, struct bake_lock_report *report, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);
	_cleanup_(bake_buf_release) struct bake_buf before = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);
	struct bake_error ignored = BAKE_ERROR_INIT;

	BAKE_TRY(bake_lock_write(lock, 0, &text, err));
	if (strcmp(report->path, "-") == 0) {
		report->changed = true;
		if (fwrite(text.ptr, 1, text.len, stdout) != text.len || fflush(stdout) != 0)
			return bake_error_errno(err, errno, "write standard output");
		return BAKE_OK;
	}
	if (bake_file_read(report->path, &before, &ignored) == BAKE_OK && before.len == text.len &&
		memcmp(before.ptr, text.ptr, text.len) == 0)
		return BAKE_OK;
	report->changed = true;
	return bake_file_replace_path(report->path, bake_buf_span(&text), -1, err);
}

static void count(const struct bake_lock *lock, struct bake_lock_report *report)
{
	report->unlocked = lock->unlocked_count;
	report->models = lock->model_count;
	for (size_t i = 0; i < lock->model_count; i++) {
		report->files += lock->models[i].file_count;
		for (size_t k = 0; k < lock->models[i].file_count; k++)
			report->bytes =
				bake_u64_add_capped(report->bytes, lock->models[i].files[k].size);
	}
}

/* A lock's file sources are relative to the lock: it must lie where its manifest does. */
static enum bake_status check_place(const struct bake_locking *locking,
	const struct bake_lock_report *report, struct bake_error *err)
{
	_cleanup_close_ int lock_dir = -1;
	struct stat lock_at;
	struct stat manifest_at;

	for (size_t i = 0; i < locking->manifest->model_count; i++) {
		if (locking->manifest->models[i].source.kind != BAKE_SOURCE_FILE)
			continue;
		if (strcmp(report->path, "-") == 0)
			return BAKE_OK;
		BAKE_TRY(bake_local_dir_of(report->path, &lock_dir, err));
		if (fstat(lock_dir, &lock_at) == 0 &&
			fstat(locking->manifest_dir, &manifest_at) == 0 &&
			lock_at.st_ino == manifest_at.st_ino &&
			lock_at.st_dev == manifest_at.st_dev)
			return BAKE_OK;
		return bake_error_set(err, BAKE_ERR_CONFIG, "lock.place",
			"the manifest has file sources: its lock must be in the same directory");
	}
	return BAKE_OK;
}

static enum bake_status check_url(const char *url, struct bake_error *err)
{
	struct bake_origin ignored;

	BAKE_TRY(bake_url_check_secret(url, err));
	return bake_url_origin(url, &ignored, err);
}

/* What is in a URL gets into the lock: secrets, and what may be one, are refused before. */
static enum bake_status check_urls(const struct bake_manifest *manifest, struct bake_error *err)
{
	for (size_t i = 0; i < manifest->model_count; i++) {
		const struct bake_model *model = &manifest->models[i];

		if (model->source.kind == BAKE_SOURCE_URL &&
			check_url(model->source.location, err) != BAKE_OK)
			return bake_error_wrap(err, "%s", BAKE_SHOW(model->id));
		for (size_t k = 0; k < model->mirror_count; k++) {
			if (check_url(model->mirrors[k], err) != BAKE_OK)
				return bake_error_wrap(err, "%s: mirror", BAKE_SHOW(model->id));
		}
	}
	return BAKE_OK;
}

enum bake_status bake_lock_run(const struct bake_lock_options *options,
	struct bake_lock_report *out, struct bake_error *err)
{
	_cleanup_(bake_link_close) struct bake_link link = BAKE_LINK_INIT;
	_cleanup_(release) struct bake_locking locking = {
		.options = options, .link = &link, .manifest_dir = -1};
	struct bake_lock_report report = {0};
	struct bake_error first = BAKE_ERROR_INIT;

	BAKE_TRY(bake_locking_place(options, report.path, err));
	BAKE_TRY(bake_load_manifest(options->manifest_path, &locking.manifest, err));
	BAKE_TRY(bake_locking_check_names(locking.manifest, options, err));
	BAKE_TRY(check_urls(locking.manifest, err));
	BAKE_TRY(bake_local_dir_of(options->manifest_path, &locking.manifest_dir, err));
	BAKE_TRY(check_place(&locking, &report, err));
	BAKE_TRY(bake_locking_load_old(report.path, &locking.old, err));
	BAKE_TRY(bake_link_open(&link, &options->origins, options->events, err));
	BAKE_TRY(start_lock(&locking, err));
	BAKE_TRY(lock_models(&locking, &report, &first, err));
	BAKE_TRY(bake_lock_check_paths(locking.lock, err)); /* before any file is asked for */
	BAKE_TRY(hash_all(&locking, &report, &first, err));
	bake_lock_sort(locking.lock);
	BAKE_TRY(bake_lock_check(locking.lock, err));
	count(locking.lock, &report);
	BAKE_TRY(publish(locking.lock, &report, err));
	warn_pickles(&locking);
	*out = report;
	if (first.status != BAKE_OK)
		*err = first;
	return first.status;
}
