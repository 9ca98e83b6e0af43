/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a part from a file that is here already. A clone of its blocks costs nothing, a copy by
 * the kernel needs no buffer of ours, and a copy through memory always works; whichever it is, what
 * is hashed is what the part holds then. Copying runs ahead of the hash in a thread of its own, so
 * that it takes as long as the hash alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/file.h"
#include "fs/sink_inner.h"

enum {
	PIECE_BYTES = 1024 * 1024,
	/* How far copying may be ahead of the hash: near enough for the bytes to be in memory. */
	AHEAD_BYTES = 32 * 1024 * 1024,
	/* What is worth waking the other thread for: on a busy machine that takes a while. */
	BATCH_BYTES = 8 * 1024 * 1024,
	/* Below this a thread costs more than it saves. */
	THREAD_BYTES = 16 * 1024 * 1024,
};

struct copying {
	const struct bake_sink *sink;
	int from;
	bool by_kernel; /* as long as copy_file_range works between the two */
	uint8_t *piece;
	uint64_t copied; /* the copying side's own */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	/* Under the lock: */
	uint64_t landed; /* [0, landed) is in the part */
	uint64_t hashed;
	bool stop;  /* nobody wants the rest */
	bool ended; /* nothing more will land */
	enum bake_status status;
	struct bake_error error;
};

/* What the kernel will not copy, for whatever reason, is tried through memory: that either works
 * or says what is wrong. */
static size_t copy_by_kernel(struct copying *copying, size_t want)
{
	off_t in = (off_t)copying->copied;
	off_t out = (off_t)copying->copied;
	ssize_t got;

	do
		got = copy_file_range(copying->from, &in, copying->sink->fd, &out, want, 0);
	while (got < 0 && errno == EINTR);
	copying->by_kernel = got > 0;
	return got > 0 ? (size_t)got : 0;
}

static enum bake_status copy_by_memory(
	struct copying *copying, size_t want, size_t *out, struct bake_error *err)
{
	const struct bake_sink *sink = copying->sink;
	ssize_t got;

	do
		got = pread(copying->from, copying->piece, want, (off_t)copying->copied);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return bake_error_errno(err, errno, "read");
	if (got == 0)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"expected %" PRIu64 " bytes, got %" PRIu64, sink->size, copying->copied);
	if (bake_file_write_at(sink->fd, copying->copied, bake_span(copying->piece, (size_t)got),
		    err) != BAKE_OK)
		return bake_error_wrap(err, "part of '%s'", BAKE_SHOW(sink->path.text));
	*out = (size_t)got;
	return BAKE_OK;
}

static enum bake_status copy_piece(struct copying *copying, struct bake_error *err)
{
	size_t want = (size_t)bake_u64_min(PIECE_BYTES, copying->sink->size - copying->copied);
	size_t got = copying->by_kernel ? copy_by_kernel(copying, want) : 0;

	if (got == 0)
		BAKE_TRY(copy_by_memory(copying, want, &got, err));
	copying->copied += got;
	return BAKE_OK;
}

/* Tells the hash what has landed, and waits when it is too far behind. False: enough. */
static bool hand_over(struct copying *copying)
{
	bool full;
	bool stop;

	(void)pthread_mutex_lock(&copying->lock);
	copying->landed = copying->copied;
	full = copying->landed - copying->hashed >= AHEAD_BYTES;
	if (copying->landed - copying->hashed >= BATCH_BYTES)
		(void)pthread_cond_broadcast(&copying->moved);
	while (full && !copying->stop &&
		copying->landed - copying->hashed > AHEAD_BYTES - BATCH_BYTES)
		(void)pthread_cond_wait(&copying->moved, &copying->lock);
	stop = copying->stop;
	(void)pthread_mutex_unlock(&copying->lock);
	return !stop;
}

static void *copy_all(void *argument)
{
	struct copying *copying = argument;
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status = BAKE_OK;
	bool wanted = true;

	while (wanted && status == BAKE_OK && copying->copied < copying->sink->size) {
		status = copy_piece(copying, &error);
		if (status == BAKE_OK)
			wanted = hand_over(copying);
	}
	(void)pthread_mutex_lock(&copying->lock);
	copying->status = status;
	copying->error = error;
	copying->ended = true;
	(void)pthread_cond_broadcast(&copying->moved);
	(void)pthread_mutex_unlock(&copying->lock);
	return NULL;
}

/* Waits for more than was hashed; *out_landed is how much there is. */
static enum bake_status await(struct copying *copying, uint64_t *out_landed, struct bake_error *err)
{
	enum bake_status status = BAKE_OK;

	(void)pthread_mutex_lock(&copying->lock);
	while (copying->landed - copying->hashed < BATCH_BYTES && !copying->ended)
		(void)pthread_cond_wait(&copying->moved, &copying->lock);
	*out_landed = copying->landed;
	if (copying->landed == copying->hashed && copying->status != BAKE_OK) {
		status = copying->status;
		*err = copying->error;
	}
	(void)pthread_mutex_unlock(&copying->lock);
	return status;
}

static void tell(struct copying *copying, uint64_t hashed, bool stop)
{
	(void)pthread_mutex_lock(&copying->lock);
	copying->hashed = hashed;
	copying->stop = stop;
	(void)pthread_cond_broadcast(&copying->moved);
	(void)pthread_mutex_unlock(&copying->lock);
}

/* Hashes up to end, which has landed. */
static enum bake_status hash_to(struct bake_sink *sink, uint64_t end,
	const struct bake_read_progress *progress, struct bake_error *err)
{
	struct bake_hasher *hashers[] = {&sink->inner->hasher};
	uint64_t read = 0;

	BAKE_TRY(bake_file_hash(sink->fd, sink->frontier, end, hashers, 1, progress, &read, err));
	sink->frontier = end;
	sink->inner->hashed = end;
	sink->inner->ready = end;
	return BAKE_OK;
}

static enum bake_status follow(struct copying *copying, struct bake_sink *sink,
	const struct bake_read_progress *progress, struct bake_error *err)
{
	uint64_t landed = 0;

	while (sink->frontier < sink->size) {
		BAKE_TRY(await(copying, &landed, err));
		BAKE_TRY(hash_to(sink, landed, progress, err));
		tell(copying, sink->frontier, false);
	}
	return BAKE_OK;
}

static enum bake_status in_turns(struct copying *copying, struct bake_sink *sink,
	const struct bake_read_progress *progress, struct bake_error *err)
{
	while (sink->frontier < sink->size) {
		BAKE_TRY(copy_piece(copying, err));
		BAKE_TRY(hash_to(sink, copying->copied, progress, err));
	}
	return BAKE_OK;
}

static enum bake_status copy(struct copying *copying, struct bake_sink *sink,
	const struct bake_read_progress *progress, struct bake_error *err)
{
	pthread_t thread;
	enum bake_status status;

	if (sink->size < THREAD_BYTES || pthread_create(&thread, NULL, copy_all, copying) != 0)
		return in_turns(copying, sink, progress, err);
	status = follow(copying, sink, progress, err);
	tell(copying, sink->frontier, true);
	(void)pthread_join(thread, NULL);
	return status;
}

enum bake_status bake_sink_copy(struct bake_sink *sink, int from,
	const struct bake_read_progress *progress, struct bake_error *err)
{
	_cleanup_free_ uint8_t *piece = NULL;
	struct copying copying = {
		.sink = sink,
		.from = from,
		.by_kernel = true,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.moved = PTHREAD_COND_INITIALIZER,
	};

	/* What an earlier run left may be wrong, and copying takes no longer than reading it again. */
	if (sink->frontier > 0 || sink->inner->ahead.count > 0)
		BAKE_TRY(bake_sink_restart(sink, err));
	if (sink->size == 0)
		return BAKE_OK;
	if (ioctl(sink->fd, FICLONE, from) == 0)
		return hash_to(sink, sink->size, progress, err);
	(void)posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
	piece = malloc(PIECE_BYTES);
	if (!piece)
		return bake_error_nomem(err);
	copying.piece = piece;
	return copy(&copying, sink, progress, err);
}
