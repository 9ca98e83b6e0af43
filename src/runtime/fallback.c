/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/fallback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ops/document.h"
#include "runtime/place.h"
#include "runtime/spawn.h"

enum {
	DEPTH_MAX = 4096 /* of a path, which ends long before */
};

/* The directory, or the nearest one above it that exists. */
static int open_nearest(const char *path)
{
	_cleanup_free_ char *name = strdup(path);
	int fd = -1;

	while (name && (fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
		char *slash = strrchr(name, '/');

		if (!slash || name[1] == '\0')
			break;
		slash[slash == name ? 1 : 0] = '\0';
	}
	return fd;
}

/* Whether the directory of st is fd's or one above it. */
static bool is_above(const struct stat *st, int fd)
{
	_cleanup_close_ int at = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct stat before = {.st_ino = 0};
	struct stat here;

	for (unsigned depth = 0; at >= 0 && depth < DEPTH_MAX; depth++) {
		int up;

		if (fstat(at, &here) != 0)
			return false;
		if (here.st_dev == st->st_dev && here.st_ino == st->st_ino)
			return true;
		if (depth && here.st_dev == before.st_dev && here.st_ino == before.st_ino)
			return false; /* the root is above itself */
		before = here;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		cleanup_close(&at);
		at = up;
	}
	return false;
}

/* Whether upper, which must exist for that, is lower or above it. */
static bool contains(const char *upper, const char *lower)
{
	_cleanup_close_ int below = open_nearest(lower);
	struct stat st;

	return below >= 0 && stat(upper, &st) == 0 && is_above(&st, below);
}

enum bake_status bake_fallback_check_dir(
	const char *models_dir, const char *fallback_dir, struct bake_error *err)
{
	if (strcmp(models_dir, fallback_dir) != 0 && !contains(models_dir, fallback_dir) &&
		!contains(fallback_dir, models_dir))
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_CONFIG, "runtime.fallback-dir",
		"the fallback directory '%s' and the models directory '%s' are one, or one is "
		"within the other",
		BAKE_SHOW(fallback_dir), BAKE_SHOW(models_dir));
	return bake_error_hint(
		err, "nothing is ever fetched into what is baked: name a volume of its own");
}

static bool same_pin(const struct bake_index_file *pin, const struct bake_lock_model *locked)
{
	for (size_t i = 0; i < locked->file_count; i++) {
		const struct bake_lock_file *file = &locked->files[i];

		if (strcmp(file->path, pin->path) == 0)
			return file->size == pin->size &&
			       bake_digest_equal(&file->sha256, &pin->sha256);
	}
	return false;
}

/* A lock of other pins would bring what is not right: gigabytes for nothing. */
static enum bake_status check_lock(const struct bake_runtime *runtime,
	const struct bake_index_model *model, struct bake_error *err)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	const struct bake_lock_model *locked;
	bool same;

	if (bake_load_lock(runtime->lock_path, &lock, err) != BAKE_OK) {
		if (err->status == BAKE_ERR_NOINPUT)
			bake_error_hint(err,
				"what is fetched at run time is fetched by the lock: it belongs "
				"into the image beside the models directory");
		return err->status;
	}
	locked = bake_lock_find(lock, model->id);
	same = locked != NULL;
	for (size_t i = 0; same && i < model->file_count; i++)
		same = same_pin(&model->files[i], locked);
	if (same)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_CONFIG, "runtime.other-lock",
		"'%s' does not pin the files that the index has of model '%s'",
		BAKE_SHOW(runtime->lock_path), BAKE_SHOW(model->id));
	return bake_error_hint(err, "use the lock that the index was built from");
}

struct fetching {
	const struct bake_runtime *runtime;
	const struct bake_index_model *model;
};

/* Inside the flight: a program that brings nothing has failed like one that says so, and is not
 * run again at once. */
static enum bake_status check_brought(const struct fetching *fetching, struct bake_error *err)
{
	const struct bake_index_model *model = fetching->model;
	const struct bake_index_choice whole = {model, model->path, model->variant};
	struct bake_runtime_found *found = NULL;

	BAKE_TRY(bake_place_check(
		fetching->runtime->fallback_dir, &whole, BAKE_RUNTIME_CHECK_QUICK, &found, err));
	bake_runtime_found_close(found);
	return BAKE_OK;
}

static enum bake_status fetch(
	void *context, struct bake_flights *flights, size_t at, struct bake_error *err)
{
	const struct fetching *fetching = context;
	const struct bake_runtime *runtime = fetching->runtime;

	/* Asked again: what was a directory of its own when all began may be one no more. */
	BAKE_TRY(bake_fallback_check_dir(runtime->models_dir, runtime->fallback_dir, err));
	BAKE_TRY(check_lock(runtime, fetching->model, err));
	BAKE_TRY(bake_spawn_fetch(runtime, fetching->model->id, flights, at, err));
	return check_brought(fetching, err);
}

enum bake_status bake_fallback_fetch(
	struct bake_runtime *runtime, const struct bake_index_model *model, struct bake_error *err)
{
	struct fetching fetching = {runtime, model};
	const struct bake_flight_work work = {fetch, &fetching};

	return bake_flight_join(
		&runtime->flights, (size_t)(model - runtime->index->models), &work, err);
}
