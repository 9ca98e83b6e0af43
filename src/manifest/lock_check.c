/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between the files of a lock, wherever the lock came from. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "manifest/lock.h"

static int compare_path(const void *a, const void *b)
{
	return strcmp(
		((const struct bake_lock_file *)a)->path, ((const struct bake_lock_file *)b)->path);
}

static int compare_model(const void *a, const void *b)
{
	return strcmp(
		((const struct bake_lock_model *)a)->id, ((const struct bake_lock_model *)b)->id);
}

static int compare_profile(const void *a, const void *b)
{
	return strcmp(
		((const struct bake_profile *)a)->name, ((const struct bake_profile *)b)->name);
}

void bake_lock_sort(struct bake_lock *lock)
{
	if (lock->model_count)
		qsort(lock->models, lock->model_count, sizeof(*lock->models), compare_model);
	if (lock->unlocked_count)
		qsort(lock->unlocked, lock->unlocked_count, sizeof(*lock->unlocked), compare_model);
	if (lock->profile_count)
		qsort(lock->profiles, lock->profile_count, sizeof(*lock->profiles),
			compare_profile);
	for (size_t i = 0; i < lock->model_count; i++) {
		struct bake_lock_model *model = &lock->models[i];

		qsort(model->files, model->file_count, sizeof(*model->files), compare_path);
		if (model->source_count)
			qsort(model->sources, model->source_count, sizeof(*model->sources),
				compare_path);
	}
}

static int compare_file_path(const void *a, const void *b)
{
	return compare_path(*(const void *const *)a, *(const void *const *)b);
}

static int compare_file_sha256(const void *a, const void *b)
{
	const struct bake_lock_file *x = *(const struct bake_lock_file *const *)a;
	const struct bake_lock_file *y = *(const struct bake_lock_file *const *)b;

	return memcmp(x->sha256.bytes, y->sha256.bytes, sizeof(x->sha256.bytes));
}

static bool same_pin(const struct bake_lock_file *a, const struct bake_lock_file *b)
{
	/* What is not hashed yet may turn out to be the same. */
	return !a->sha256.kind || !b->sha256.kind ||
	       (a->size == b->size && bake_digest_equal(&a->sha256, &b->sha256));
}

/* One path has one content. */
static enum bake_status check_paths(
	const struct bake_lock_file **files, size_t count, struct bake_error *err)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(SIZE_MAX);
	const char **paths;

	qsort(files, count, sizeof(*files), compare_file_path);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(files[i - 1]->path, files[i]->path) == 0 &&
			!same_pin(files[i - 1], files[i]))
			return bake_error_set(err, BAKE_ERR_CONFIG, "pin.conflict",
				"'%s' is pinned to %s and to %s", BAKE_SHOW(files[i]->path),
				BAKE_HEX(&files[i - 1]->sha256), BAKE_HEX(&files[i]->sha256));
	}
	paths = bake_arena_room(&scratch, count, sizeof(*paths));
	if (!paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		paths[i] = files[i]->path;
	return bake_relpath_check_set(paths, count, &scratch, err);
}

/* Together they are a number that every reader of JSON holds exactly. */
static enum bake_status check_total(
	const struct bake_lock_file **files, size_t count, struct bake_error *err)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total = bake_u64_add_capped(total, files[i]->size);
	if (total < BAKE_SIZE_MAX)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_DATA, "json.range",
		"the files together have %" PRIu64 " bytes or more", BAKE_SIZE_MAX);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Puts ids and aliases into names, when there are names. Returns how many they are. */
static size_t list_names(const struct bake_lock_model *models, size_t count, const char **names)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (names)
			names[used] = models[i].id;
		used++;
		for (size_t k = 0; k < models[i].alias_count; k++, used++) {
			if (names)
				names[used] = models[i].aliases[k];
		}
	}
	return used;
}

/* Ids and aliases are one space of names. */
static enum bake_status check_names(const struct bake_lock *lock, struct bake_error *err)
{
	size_t locked = list_names(lock->models, lock->model_count, NULL);
	size_t used = locked + list_names(lock->unlocked, lock->unlocked_count, NULL);
	_cleanup_free_ const char **names = calloc(used + 1, sizeof(*names));

	if (!names)
		return bake_error_nomem(err);
	(void)list_names(lock->models, lock->model_count, names);
	(void)list_names(lock->unlocked, lock->unlocked_count, names + locked);
	qsort(names, used, sizeof(*names), compare_text);
	for (size_t i = 1; i < used; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			return bake_error_set(err, BAKE_ERR_DATA, "manifest.duplicate-name",
				"two models are named '%s'", BAKE_SHOW(names[i]));
	}
	return BAKE_OK;
}

/* One digest has one size. */
static enum bake_status check_sizes(
	const struct bake_lock_file **files, size_t count, struct bake_error *err)
{
	qsort(files, count, sizeof(*files), compare_file_sha256);
	for (size_t i = 1; i < count; i++) {
		if (bake_digest_equal(&files[i - 1]->sha256, &files[i]->sha256) &&
			files[i - 1]->size != files[i]->size)
			return bake_error_set(err, BAKE_ERR_CONFIG, "pin.conflict",
				"'%s' and '%s' have one sha256 and two sizes, %" PRIu64
				" and %" PRIu64,
				BAKE_SHOW(files[i - 1]->path), BAKE_SHOW(files[i]->path),
				files[i - 1]->size, files[i]->size);
	}
	return BAKE_OK;
}

static enum bake_status list_files(const struct bake_lock *lock, const struct bake_lock_file ***out,
	size_t *out_count, struct bake_error *err)
{
	const struct bake_lock_file **files;
	size_t count = 0;
	size_t used = 0;

	for (size_t i = 0; i < lock->model_count; i++)
		count += lock->models[i].file_count;
	files = calloc(count + 1, sizeof(*files));
	if (!files)
		return bake_error_nomem(err);
	for (size_t i = 0; i < lock->model_count; i++) {
		for (size_t k = 0; k < lock->models[i].file_count; k++)
			files[used++] = &lock->models[i].files[k];
	}
	*out = files;
	*out_count = count;
	return BAKE_OK;
}

enum bake_status bake_lock_check_paths(const struct bake_lock *lock, struct bake_error *err)
{
	_cleanup_free_ const struct bake_lock_file **files = NULL;
	size_t count;

	BAKE_TRY(list_files(lock, &files, &count, err));
	return count ? check_paths(files, count, err) : BAKE_OK;
}

enum bake_status bake_lock_check(const struct bake_lock *lock, struct bake_error *err)
{
	_cleanup_free_ const struct bake_lock_file **files = NULL;
	size_t count;

	BAKE_TRY(check_names(lock, err));
	BAKE_TRY(list_files(lock, &files, &count, err));
	if (count == 0)
		return BAKE_OK;
	BAKE_TRY(check_total(files, count, err));
	BAKE_TRY(check_paths(files, count, err));
	return check_sizes(files, count, err);
}
