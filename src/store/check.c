/* SPDX-License-Identifier: Apache-2.0 */
#include "store/check.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"
#include "store/hashing.h"

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
	struct stat *before;  /* of each file */
	uint64_t *done;	      /* bytes read of each */
	pthread_mutex_t lock; /* events come from one thread at a time */
};

static bool same_file(const struct stat *before, const struct stat *after)
{
	return before->st_ino == after->st_ino && before->st_size == after->st_size &&
	       before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
	       before->st_mtim.tv_nsec == after->st_mtim.tv_nsec &&
	       before->st_ctim.tv_sec == after->st_ctim.tv_sec &&
	       before->st_ctim.tv_nsec == after->st_ctim.tv_nsec;
}

static enum bake_file_state cannot_open(const struct bake_error *error)
{
	if (error->status == BAKE_ERR_NOINPUT)
		return BAKE_FILE_MISSING;
	return error->status == BAKE_ERR_CANTCREATE ? BAKE_FILE_WRONG_TYPE : BAKE_FILE_UNREADABLE;
}

/* Of a file that is not what it should be: what it is instead is said by its beginning. */
static void keep_head(struct bake_file_check *check, int fd)
{
	ssize_t got;

	if (check->state != BAKE_FILE_WRONG_SIZE && check->state != BAKE_FILE_WRONG_DIGEST)
		return;
	got = pread(fd, check->head, sizeof(check->head), 0);
	check->head_len = got > 0 ? (size_t)got : 0;
}

static void tell(struct checking *checking, const struct bake_file_check *check)
{
	if (check->state != BAKE_FILE_RIGHT)
		return;
	(void)pthread_mutex_lock(&checking->lock);
	bake_emit_done(checking->options->events, check->path.text, "verified", check->size);
	(void)pthread_mutex_unlock(&checking->lock);
}

/* Opens a file and looks at its size. True: its content is to be read, too. */
static bool begin(void *context, size_t index, int *out_fd, uint64_t *out_size)
{
	struct checking *checking = context;
	struct bake_file_check *check = &checking->checks[index];
	_cleanup_close_ int fd = -1;
	struct stat *before = &checking->before[index];

	if (bake_stop_signal())
		return false;
	if (bake_open_regular(checking->root, check->path, &fd, before, &check->error) != BAKE_OK) {
		check->state = cannot_open(&check->error);
		return false;
	}
	check->actual_size = (uint64_t)before->st_size;
	if (check->actual_size == check->size && !checking->options->quick) {
		*out_size = check->size;
		*out_fd = fd;
		fd = -1;
		return true;
	}
	check->state = check->actual_size == check->size ? BAKE_FILE_RIGHT : BAKE_FILE_WRONG_SIZE;
	keep_head(check, fd);
	tell(checking, check);
	return false;
}

static void more(void *context, size_t index, uint64_t bytes)
{
	struct checking *checking = context;
	const struct bake_file_check *check = &checking->checks[index];

	checking->done[index] += bytes;
	(void)pthread_mutex_lock(&checking->lock);
	bake_emit_bytes(checking->options->events, BAKE_EVENT_PROGRESS, check->path.text,
		checking->done[index], check->size);
	(void)pthread_mutex_unlock(&checking->lock);
}

static enum bake_file_state judge(
	struct bake_file_check *check, int fd, uint64_t read, const struct stat *before)
{
	struct stat after;

	if (fstat(fd, &after) != 0 || !same_file(before, &after) || read != check->size)
		return BAKE_FILE_CHANGED;
	return bake_digest_equal(&check->actual, &check->sha256) ? BAKE_FILE_RIGHT
								 : BAKE_FILE_WRONG_DIGEST;
}

static void end(void *context, size_t index, int fd, uint64_t read,
	const struct bake_digest *digest, const struct bake_error *error)
{
	struct checking *checking = context;
	struct bake_file_check *check = &checking->checks[index];

	if (digest) {
		check->actual = *digest;
		check->state = judge(check, fd, read, &checking->before[index]);
	} else {
		check->error = *error;
		check->state = BAKE_FILE_UNREADABLE;
	}
	keep_head(check, fd);
	(void)close(fd);
	tell(checking, check);
}

/* The largest first: a thread that gets one last would have the others wait. */
static int compare_size(const void *a, const void *b, void *context)
{
	const struct bake_file_check *checks = context;
	size_t first = *(const size_t *)a;
	size_t second = *(const size_t *)b;

	if (checks[first].size != checks[second].size)
		return checks[first].size > checks[second].size ? -1 : 1;
	return first < second ? -1 : first > second;
}

enum bake_status bake_store_check(int root, struct bake_file_check *checks, size_t count,
	const struct bake_check_options *options, struct bake_error *err)
{
	_cleanup_free_ size_t *order = calloc(count + 1, sizeof(*order));
	_cleanup_free_ struct stat *before = calloc(count + 1, sizeof(*before));
	_cleanup_free_ uint64_t *done = calloc(count + 1, sizeof(*done));
	struct checking checking = {
		.root = root,
		.checks = checks,
		.options = options,
		.before = before,
		.done = done,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct bake_hashing hashing = {
		.begin = begin, .more = more, .end = end, .context = &checking};

	if (!order || !before || !done)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare_size, checks);
	bake_hash_files(
		&hashing, order, count, options->quick && !options->jobs ? 1 : options->jobs);
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
