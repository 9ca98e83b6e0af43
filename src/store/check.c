/* SPDX-License-Identifier: Apache-2.0 */
#include "store/check.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"

static const char *const state_names[] = {
	[BAKE_FILE_UNCHECKED] = "unchecked",
	[BAKE_FILE_RIGHT] = "ok",
	[BAKE_FILE_MISSING] = "missing",
	[BAKE_FILE_WRONG_SIZE] = "size",
	[BAKE_FILE_WRONG_DIGEST] = "sha256",
	[BAKE_FILE_WRONG_TYPE] = "type",
	[BAKE_FILE_CHANGED] = "changed",
	[BAKE_FILE_UNREADABLE] = "unreadable",
	[BAKE_FILE_WRONG_LINK] = "link",
	[BAKE_FILE_REFUSED] = "refused",
};

const char *bake_file_state_name(enum bake_file_state state)
{
	return state_names[state];
}

struct checking {
	int root;
	struct bake_file_check *checks;
	const struct bake_check_options *options;
	pthread_mutex_t lock; /* events come from one thread at a time */
};

/* Progress of one file, from whichever thread reads it. */
struct progress {
	struct checking *checking;
	const struct bake_file_check *check;
	uint64_t done;
};

static void on_more(void *context, uint64_t bytes)
{
	struct progress *progress = context;
	const struct bake_file_check *check = progress->check;

	progress->done += bytes;
	(void)pthread_mutex_lock(&progress->checking->lock);
	bake_emit_bytes(progress->checking->options->events, BAKE_EVENT_PROGRESS, check->path.text,
		progress->done, check->size);
	(void)pthread_mutex_unlock(&progress->checking->lock);
}

static bool same_file(const struct stat *before, const struct stat *after)
{
	return before->st_ino == after->st_ino && before->st_size == after->st_size &&
	       before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
	       before->st_mtim.tv_nsec == after->st_mtim.tv_nsec &&
	       before->st_ctim.tv_sec == after->st_ctim.tv_sec &&
	       before->st_ctim.tv_nsec == after->st_ctim.tv_nsec;
}

static enum bake_file_state hash(
	struct checking *checking, struct bake_file_check *check, int fd, const struct stat *before)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_hasher *hashers[] = {&hasher};
	struct progress state = {.checking = checking, .check = check};
	struct bake_read_progress progress = {.more = on_more, .context = &state};
	struct stat after;
	uint64_t read;

	if (bake_hasher_init_sha256(&hasher, &check->error) != BAKE_OK ||
		bake_file_hash(fd, 0, UINT64_MAX, hashers, 1, &progress, &read, &check->error) !=
			BAKE_OK ||
		bake_hasher_final(&hasher, &check->actual, &check->error) != BAKE_OK)
		return BAKE_FILE_UNREADABLE;
	if (fstat(fd, &after) != 0 || !same_file(before, &after) || read != check->size)
		return BAKE_FILE_CHANGED;
	return bake_digest_equal(&check->actual, &check->sha256) ? BAKE_FILE_RIGHT
								 : BAKE_FILE_WRONG_DIGEST;
}

static enum bake_file_state look(struct checking *checking, struct bake_file_check *check)
{
	_cleanup_close_ int fd = -1;
	enum bake_file_state state = BAKE_FILE_RIGHT;
	struct stat st;
	ssize_t got;

	if (bake_open_regular(checking->root, check->path, &fd, &st, &check->error) != BAKE_OK) {
		if (check->error.status == BAKE_ERR_NOINPUT)
			return BAKE_FILE_MISSING;
		return check->error.status == BAKE_ERR_CANTCREATE ? BAKE_FILE_WRONG_TYPE
								  : BAKE_FILE_UNREADABLE;
	}
	check->actual_size = (uint64_t)st.st_size;
	if (check->actual_size != check->size)
		state = BAKE_FILE_WRONG_SIZE;
	else if (!checking->options->quick)
		state = hash(checking, check, fd, &st);
	if (state == BAKE_FILE_WRONG_SIZE || state == BAKE_FILE_WRONG_DIGEST) {
		got = pread(fd, check->head, sizeof(check->head), 0);
		check->head_len = got > 0 ? (size_t)got : 0;
	}
	return state;
}

static void check_one(void *context, size_t index)
{
	struct checking *checking = context;
	struct bake_file_check *check = &checking->checks[index];

	if (bake_stop_signal())
		return;
	check->state = look(checking, check);
	if (check->state != BAKE_FILE_RIGHT)
		return;
	(void)pthread_mutex_lock(&checking->lock);
	bake_emit_done(checking->options->events, check->path.text, "verified", check->size);
	(void)pthread_mutex_unlock(&checking->lock);
}

enum bake_status bake_store_check(int root, struct bake_file_check *checks, size_t count,
	const struct bake_check_options *options, struct bake_error *err)
{
	struct checking checking = {
		.root = root,
		.checks = checks,
		.options = options,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};

	bake_parallel(
		count, options->quick && !options->jobs ? 1 : options->jobs, check_one, &checking);
	return bake_stop_check(err);
}

static enum bake_status wrong_digest(const struct bake_file_check *check, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.sha256",
		"%s: expected sha256 %s, got %s", BAKE_SHOW(check->path.text),
		BAKE_HEX(&check->sha256), BAKE_HEX(&check->actual));
}

enum bake_status bake_file_check_error(const struct bake_file_check *check, struct bake_error *err)
{
	switch (check->state) {
	case BAKE_FILE_MISSING:
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.missing",
			"%s is missing (%" PRIu64 " bytes)", BAKE_SHOW(check->path.text),
			check->size);
	case BAKE_FILE_WRONG_SIZE:
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"%s: expected %" PRIu64 " bytes, got %" PRIu64, BAKE_SHOW(check->path.text),
			check->size, check->actual_size);
	case BAKE_FILE_WRONG_DIGEST:
		return wrong_digest(check, err);
	case BAKE_FILE_CHANGED:
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.changed",
			"%s changed while it was read", BAKE_SHOW(check->path.text));
	case BAKE_FILE_WRONG_TYPE:
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.type",
			"%s is not a regular file", BAKE_SHOW(check->path.text));
	case BAKE_FILE_UNREADABLE:
		*err = check->error;
		return bake_error_wrap(err, "%s", BAKE_SHOW(check->path.text));
	case BAKE_FILE_WRONG_LINK:
	case BAKE_FILE_REFUSED:
		*err = check->error;
		return err->status;
	case BAKE_FILE_UNCHECKED:
	case BAKE_FILE_RIGHT:
	default:
		return bake_error_set(err, BAKE_ERR_INTERNAL, "internal.state",
			"%s was not checked", BAKE_SHOW(check->path.text));
	}
}
