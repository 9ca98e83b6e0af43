/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/index_build.h"

#include <inttypes.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "fs/dir.h"
#include "index/index.h"
#include "ops/document.h"
#include "ops/inspect.h"
#include "ops/index_describe.h"
#include "ops/index_pickle.h"
#include "ops/placement.h"

struct roots {
	int *fds;
	size_t count;
};

static void close_roots(struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		cleanup_close(&roots->fds[i]);
	free(roots->fds);
}

static enum bake_status open_roots(
	const struct bake_index_build_options *options, struct roots *roots, struct bake_error *err)
{
	roots->fds = calloc(options->dir_count + 1, sizeof(*roots->fds));
	if (!roots->fds)
		return bake_error_nomem(err);
	for (size_t i = 0; i < options->dir_count; i++) {
		if (bake_dir_open(options->models_dirs[i], &roots->fds[i], err) != BAKE_OK) {
			bake_error_of_input(err);
			return bake_error_wrap(err, "models");
		}
		roots->count++;
	}
	return BAKE_OK;
}

/* Whether the file is in one of the roots; there it must have its size. */
static enum bake_status find_file(const struct roots *roots, const struct bake_lock_file *file,
	bool *out_found, struct bake_error *err)
{
	struct bake_relpath path;

	*out_found = false;
	BAKE_TRY(bake_relpath_parse_model(file->path, &path, err));
	for (size_t i = 0; i < roots->count && !*out_found; i++) {
		struct bake_error why = BAKE_ERROR_INIT;
		_cleanup_close_ int fd = -1;
		struct stat st;

		if (bake_open_regular(roots->fds[i], path, &fd, &st, &why) != BAKE_OK) {
			if (why.status == BAKE_ERR_NOINPUT)
				continue;
			*err = why;
			return err->status;
		}
		if ((uint64_t)st.st_size != file->size)
			return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
				"%s: expected %" PRIu64 " bytes, got %" PRIu64,
				BAKE_SHOW(file->path), file->size, (uint64_t)st.st_size);
		*out_found = true;
	}
	return BAKE_OK;
}

static enum bake_status find_model(const struct bake_index_build_options *options,
	const struct roots *roots, const struct bake_lock_model *model, bool *out_baked,
	struct bake_error *err)
{
	size_t found = 0;

	for (size_t i = 0; i < model->file_count; i++) {
		bool there;

		BAKE_TRY(find_file(roots, &model->files[i], &there, err));
		found += there ? 1 : 0;
	}
	*out_baked = found == model->file_count;
	if (found && !*out_baked)
		bake_emitf(options->events, BAKE_EVENT_WARNING,
			"%s is incomplete, %zu of %zu files: indexed as missing",
			BAKE_SHOW(model->id), found, model->file_count);
	else if (!found && model->required)
		bake_emitf(options->events, BAKE_EVENT_WARNING,
			"%s is required and not there: indexed as missing", BAKE_SHOW(model->id));
	return BAKE_OK;
}

/* What a partial lock lacks is said, and verifying says it again. */
static void warn_unlocked(const struct bake_index_build_options *options,
	const struct bake_manifest *manifest, const struct bake_lock *lock)
{
	for (size_t i = 0; i < manifest->model_count; i++) {
		const struct bake_model *model = &manifest->models[i];

		if (model->required && !bake_lock_find(lock, model->id))
			bake_emitf(options->events, BAKE_EVENT_WARNING,
				"%s is required and not in the lock: indexed as missing",
				BAKE_SHOW(model->id));
	}
}

/* Whether one of the roots has the model as a Hub client's cache has it. */
static bool in_client_cache(
	const struct roots *roots, const struct bake_lock_model *model, struct bake_arena *arena)
{
	struct bake_layout_file file = bake_placement_file(model, &model->files[0]);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_layout_place place;
	struct stat st;

	if (bake_layout_place(BAKE_LAYOUT_HF_CACHE, &file, arena, &place, &ignored) != BAKE_OK)
		return false;
	for (size_t i = 0; i < roots->count; i++) {
		if (fstatat(roots->fds[i], place.shown, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

static enum bake_status nothing_there(
	const struct roots *roots, const struct bake_lock *lock, struct bake_error *err)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT((size_t)1 << 28);

	bake_error_set(err, BAKE_ERR_NOINPUT, "index.nothing",
		"nothing of '%s' is in the models directory", BAKE_SHOW(lock->name));
	for (size_t i = 0; i < lock->model_count; i++) {
		if (in_client_cache(roots, &lock->models[i], &arena))
			return bake_error_hint(err,
				"it has the layout hf-cache, which an index does not describe: "
				"fetch with --layout plain or hf-local");
	}
	return err->status;
}

/* A header that cannot be read is known to be broken now: said here, judged by bake-verify. */
static void warn_problems(const struct bake_index_build_options *options,
	const struct bake_described *described, const struct bake_index *index)
{
	for (size_t i = 0; i < described->count; i++) {
		const struct bake_inspection *inspection = described->inspections[i];

		for (size_t k = 0; inspection && k < inspection->file_count; k++) {
			const struct bake_inspected_file *file = &inspection->files[k];

			if (file->problem && file->use != BAKE_INSPECT_OTHER)
				bake_emitf(options->events, BAKE_EVENT_WARNING,
					"%s: %s: bake-verify says more",
					BAKE_SHOW(index->models[i].id), BAKE_SHOW(file->problem));
		}
	}
}

/* The manifest that was named, or the one beside the lock. */
static enum bake_status load_manifest(const struct bake_index_build_options *options,
	struct bake_manifest **out, struct bake_error *err)
{
	_cleanup_free_ char *beside = bake_manifest_path_of(options->lock_path);

	if (!beside)
		return bake_error_nomem(err);
	return bake_load_manifest(
		options->manifest_path ? options->manifest_path : beside, out, err);
}

enum bake_status bake_index_build_text(const struct bake_index_build_options *options,
	struct bake_buf *out, struct bake_error *err)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	_cleanup_(bake_described_release) struct bake_described described = {NULL};
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	_cleanup_(close_roots) struct roots roots = {NULL, 0};
	_cleanup_free_ bool *baked = NULL;
	int64_t generated_at;
	bool any = false;

	BAKE_TRY(bake_clock_source_date(&generated_at, err));
	BAKE_TRY(bake_load_lock(options->lock_path, &lock, err));
	BAKE_TRY(load_manifest(options, &manifest, err));
	BAKE_TRY(bake_check_fresh(manifest, lock, err));
	baked = calloc(lock->model_count + 1, sizeof(*baked));
	if (!baked)
		return bake_error_nomem(err);
	BAKE_TRY(open_roots(options, &roots, err));
	for (size_t i = 0; i < lock->model_count; i++) {
		BAKE_TRY(find_model(options, &roots, &lock->models[i], &baked[i], err));
		any = any || baked[i];
	}
	warn_unlocked(options, manifest, lock);
	if (!any)
		return nothing_there(&roots, lock, err);
	BAKE_TRY(bake_index_build(manifest, lock, baked, generated_at, &index, err));
	BAKE_TRY(bake_index_mark_executable(index, roots.fds, roots.count, err));
	if (!options->no_architecture)
		BAKE_TRY(bake_index_describe(
			index, manifest, roots.fds, roots.count, &described, err));
	warn_problems(options, &described, index);
	return bake_index_write(index, options->generator, out, err);
}
