/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/place.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/text.h"
#include "digest/hasher.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "ops/model_header.h"

bool bake_place_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static enum bake_status check_header(
	int fd, const struct bake_found_file *file, struct bake_error *err)
{
	struct bake_model_header header = {.bytes = NULL};
	enum bake_status status;

	status = bake_model_header_read_fd(
		fd, file->size, file->path, BAKE_GGUF_TOLERANT, &header, err);
	if (status == BAKE_OK)
		bake_model_header_release(&header);
	return status;
}

static enum bake_status check_digest(
	int fd, const struct bake_found_file *file, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_hasher *hashers[] = {&hasher};
	struct bake_digest actual;
	uint64_t read;

	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	if (bake_file_hash(fd, 0, UINT64_MAX, hashers, 1, NULL, &read, err) != BAKE_OK)
		return bake_error_wrap(err, "%s", BAKE_SHOW(file->path));
	BAKE_TRY(bake_hasher_final(&hasher, &actual, err));
	if (bake_digest_equal(&actual, &file->sha256))
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.sha256",
		"%s: expected sha256 %s, got %s", BAKE_SHOW(file->path), BAKE_HEX(&file->sha256),
		BAKE_HEX(&actual));
}

static enum bake_status check_opened(int fd, enum bake_runtime_check level,
	const struct bake_found_file *file, struct bake_error *err)
{
	struct stat after;

	if (level == BAKE_RUNTIME_CHECK_OFF)
		return BAKE_OK;
	if ((uint64_t)file->seen.st_size != file->size)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"%s: expected %" PRIu64 " bytes, got %" PRIu64, BAKE_SHOW(file->path),
			file->size, (uint64_t)file->seen.st_size);
	if (level == BAKE_RUNTIME_CHECK_FULL)
		BAKE_TRY(check_digest(fd, file, err));
	else
		BAKE_TRY(check_header(fd, file, err));
	if (fstat(fd, &after) == 0 && bake_place_same(&file->seen, &after))
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.changed",
		"%s changed while it was read", BAKE_SHOW(file->path));
}

/* What a name that cannot be opened means for who wants the model. */
static enum bake_status cannot_open(const char *path, struct bake_error *err)
{
	if (err->status == BAKE_ERR_NOINPUT)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"%s is in the index and not on disk", BAKE_SHOW(path));
	if (err->status == BAKE_ERR_CANTCREATE)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.type",
			"%s is not a regular file", BAKE_SHOW(path));
	return err->status;
}

static int directory_of(const struct bake_runtime_found *found, const struct bake_found_file *file)
{
	return file->in_directory ? found->fd : found->root;
}

/* Opens and checks; *out_fd is the caller's. */
static enum bake_status check_file(const struct bake_runtime_found *found,
	enum bake_runtime_check level, struct bake_found_file *file, int *out_fd,
	struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;

	BAKE_TRY(bake_relpath_parse(file->below, &path, err));
	if (bake_open_regular(directory_of(found, file), path, &fd, &file->seen, err) != BAKE_OK)
		return cannot_open(file->path, err);
	BAKE_TRY(check_opened(fd, level, file, err));
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

/* Files that are checked by several threads. */
struct checking {
	struct bake_runtime_found *found;
	enum bake_runtime_check level;
	pthread_mutex_t lock;	 /* of what follows */
	size_t failed;		 /* the first file that is not right; SIZE_MAX: none */
	struct bake_error error; /* its */
};

static void note_failure(struct checking *checking, size_t at, const struct bake_error *why)
{
	(void)pthread_mutex_lock(&checking->lock);
	if (at < checking->failed) {
		checking->failed = at;
		checking->error = *why;
	}
	(void)pthread_mutex_unlock(&checking->lock);
}

static bool is_over(struct checking *checking, size_t at)
{
	bool over;

	(void)pthread_mutex_lock(&checking->lock);
	over = checking->failed < at;
	(void)pthread_mutex_unlock(&checking->lock);
	return over;
}

static void check_one(void *context, size_t at)
{
	struct checking *checking = context;
	struct bake_runtime_found *found = checking->found;
	struct bake_found_file *file = &found->files[at];
	struct bake_error why = BAKE_ERROR_INIT;
	_cleanup_close_ int fd = -1;

	if (is_over(checking, at))
		return;
	if (check_file(found, checking->level, file, &fd, &why) != BAKE_OK)
		note_failure(checking, at, &why);
	else if (!found->is_directory && strcmp(file->path, found->path) == 0)
		found->fd = steal_fd(&fd); /* one file has that path: nobody else writes here */
}

static enum bake_status check_files(
	struct bake_runtime_found *found, enum bake_runtime_check level, struct bake_error *err)
{
	struct checking checking = {
		.found = found,
		.level = level,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.failed = SIZE_MAX,
	};

	bake_parallel(
		found->file_count, level == BAKE_RUNTIME_CHECK_FULL ? 0 : 1, check_one, &checking);
	if (checking.failed == SIZE_MAX)
		return BAKE_OK;
	*err = checking.error;
	return err->status;
}

/* Whether path is the file, or a directory above it. */
static bool leads_to(const char *path, const char *file)
{
	size_t len = strlen(path);

	return strncmp(path, file, len) == 0 && (file[len] == '\0' || file[len] == '/');
}

/* Of a model with variants, a choice of one needs that one and what is no variant. */
static bool is_needed(const struct bake_index_choice *choice, const struct bake_index_file *file)
{
	bool one = choice->model->variant_count && strcmp(choice->path, choice->model->path) != 0;

	return !one || !file->is_variant || leads_to(choice->path, file->path);
}

static enum bake_status add_file(struct bake_runtime_found *found, const char *directory,
	const struct bake_index_file *from, struct bake_error *err)
{
	struct bake_found_file *file = &found->files[found->file_count];

	file->path = strdup(from->path);
	if (!file->path)
		return bake_error_nomem(err);
	found->file_count++;
	file->in_directory = found->is_directory && leads_to(directory, from->path);
	file->below = file->path + (file->in_directory ? strlen(directory) + 1 : 0);
	file->size = from->size;
	file->sha256 = from->sha256;
	return BAKE_OK;
}

/* Which files, and whether the choice is one of them or the directory above. */
static enum bake_status list_files(const struct bake_index_choice *choice,
	struct bake_runtime_found *found, struct bake_error *err)
{
	const struct bake_index_model *model = choice->model;
	bool leads = false;

	found->files = calloc(model->file_count + 1, sizeof(*found->files));
	if (!found->files)
		return bake_error_nomem(err);
	found->is_directory = true;
	for (size_t i = 0; i < model->file_count; i++) {
		leads = leads || leads_to(choice->path, model->files[i].path);
		if (strcmp(choice->path, model->files[i].path) == 0)
			found->is_directory = false;
	}
	if (!leads)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"the index has no files of model '%s'", BAKE_SHOW(model->id));
	for (size_t i = 0; i < model->file_count; i++) {
		if (is_needed(choice, &model->files[i]))
			BAKE_TRY(add_file(found, choice->path, &model->files[i], err));
	}
	return BAKE_OK;
}

static enum bake_status open_places(
	const char *dir, const char *path, struct bake_runtime_found *found, struct bake_error *err)
{
	struct bake_relpath relative;

	if (bake_dir_open(dir, &found->root, err) != BAKE_OK) {
		if (err->status != BAKE_ERR_NOINPUT && err->status != BAKE_ERR_CANTCREATE)
			return err->status;
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"there is no directory '%s'", BAKE_SHOW(dir));
	}
	BAKE_TRY(bake_relpath_parse_model(path, &relative, err));
	if (!found->is_directory || bake_open_beneath(found->root, relative, O_RDONLY | O_DIRECTORY,
					    &found->fd, err) == BAKE_OK)
		return BAKE_OK;
	if (err->status == BAKE_ERR_CANTCREATE)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.type",
			"%s is not a directory", BAKE_SHOW(path));
	return cannot_open(path, err);
}

/* The names by which it is known outside. path was the one below the directory until here. */
static enum bake_status name_found(
	const char *dir, struct bake_runtime_found *found, struct bake_error *err)
{
	char *whole;
	int flags = fcntl(found->fd, F_GETFL);

	if (asprintf(&whole, "%s/%s", dir, found->path) < 0)
		return bake_error_nomem(err);
	free(found->path);
	found->path = whole;
	if (flags >= 0) /* it was opened so that a FIFO would not block */
		best_effort(fcntl(found->fd, F_SETFL, flags & ~O_NONBLOCK));
	(void)snprintf(found->fd_path, sizeof(found->fd_path), "/proc/self/fd/%d", found->fd);
	return BAKE_OK;
}

static struct bake_runtime_found *new_found(const struct bake_index_choice *choice)
{
	struct bake_runtime_found *found = calloc(1, sizeof(*found));

	if (!found)
		return NULL;
	found->root = -1;
	found->fd = -1;
	found->rank = choice->variant.rank;
	found->steps = choice->variant.steps;
	found->model = strdup(choice->model->id);
	found->path = strdup(choice->path);
	if (choice->variant.precision)
		found->precision = strdup(choice->variant.precision);
	if (found->model && found->path && (found->precision || !choice->variant.precision))
		return found;
	bake_runtime_found_close(found);
	return NULL;
}

static void close_found(struct bake_runtime_found **found)
{
	bake_runtime_found_close(*found);
}

enum bake_status bake_place_check(const char *dir, const struct bake_index_choice *choice,
	enum bake_runtime_check level, struct bake_runtime_found **out, struct bake_error *err)
{
	_cleanup_(close_found) struct bake_runtime_found *found = new_found(choice);

	if (!found)
		return bake_error_nomem(err);
	BAKE_TRY(list_files(choice, found, err));
	BAKE_TRY(open_places(dir, choice->path, found, err));
	BAKE_TRY(check_files(found, level, err));
	BAKE_TRY(name_found(dir, found, err));
	*out = found;
	found = NULL;
	return BAKE_OK;
}
