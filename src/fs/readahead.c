/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/readahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fs/file.h"

enum {
	/* Few and small, so that what is read is still in the processor's cache when it is used. */
	PIECES = 4
};

struct bake_readahead {
	int fd;
	uint64_t at;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: pieces [used, filled) modulo PIECES are the reader's to give. */
	uint64_t filled;
	uint64_t used;
	size_t len[PIECES];
	bool stop;
	bool ended; /* by the end of the file or by error */
	struct bake_error error;
	/* Not under it: a piece belongs to the reader or to the user. */
	uint8_t bytes[PIECES][BAKE_READAHEAD_PIECE];
};

/* False when nobody wants more. */
static bool wait_for_room(struct bake_readahead *ahead)
{
	bool go_on;

	(void)pthread_mutex_lock(&ahead->lock);
	/* One less: the user still has the piece that it was given last. */
	while (!ahead->stop && ahead->filled - ahead->used >= PIECES - 1)
		(void)pthread_cond_wait(&ahead->changed, &ahead->lock);
	go_on = !ahead->stop;
	(void)pthread_mutex_unlock(&ahead->lock);
	return go_on;
}

static void *run(void *argument)
{
	struct bake_readahead *ahead = argument;
	struct bake_error error = BAKE_ERROR_INIT;
	bool more = true;

	while (more && wait_for_room(ahead)) {
		size_t slot = ahead->filled % PIECES;
		size_t got = 0;

		more = bake_file_read_at(ahead->fd, ahead->at, ahead->bytes[slot],
			       BAKE_READAHEAD_PIECE, &got, &error) == BAKE_OK &&
		       got == BAKE_READAHEAD_PIECE;
		ahead->at += got;
		(void)pthread_mutex_lock(&ahead->lock);
		ahead->len[slot] = got;
		ahead->filled += got > 0;
		ahead->ended = !more;
		ahead->error = error;
		(void)pthread_cond_signal(&ahead->changed);
		(void)pthread_mutex_unlock(&ahead->lock);
	}
	return NULL;
}

enum bake_status bake_readahead_new(
	int fd, uint64_t first, struct bake_readahead **out, struct bake_error *err)
{
	struct bake_readahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return bake_error_nomem(err);
	ahead->fd = fd;
	ahead->at = first;
	(void)pthread_mutex_init(&ahead->lock, NULL);
	(void)pthread_cond_init(&ahead->changed, NULL);
	if (pthread_create(&ahead->thread, NULL, run, ahead) != 0) {
		(void)pthread_cond_destroy(&ahead->changed);
		(void)pthread_mutex_destroy(&ahead->lock);
		free(ahead);
		return bake_error_set(
			err, BAKE_ERR_RESOURCES, "sys.threads", "cannot start another thread");
	}
	*out = ahead;
	return BAKE_OK;
}

enum bake_status bake_readahead_next(
	struct bake_readahead *ahead, struct bake_span *out, struct bake_error *err)
{
	enum bake_status status = BAKE_OK;
	size_t slot;

	(void)pthread_mutex_lock(&ahead->lock);
	while (ahead->filled == ahead->used && !ahead->ended)
		(void)pthread_cond_wait(&ahead->changed, &ahead->lock);
	slot = ahead->used % PIECES;
	if (ahead->filled > ahead->used) {
		*out = bake_span(ahead->bytes[slot], ahead->len[slot]);
		ahead->used++;
	} else if (ahead->error.status != BAKE_OK) {
		*err = ahead->error;
		status = err->status;
	} else {
		*out = bake_span(NULL, 0);
	}
	(void)pthread_cond_signal(&ahead->changed);
	(void)pthread_mutex_unlock(&ahead->lock);
	return status;
}

void bake_readahead_free(struct bake_readahead **ahead)
{
	if (!*ahead)
		return;
	(void)pthread_mutex_lock(&(*ahead)->lock);
	(*ahead)->stop = true;
	(void)pthread_cond_signal(&(*ahead)->changed);
	(void)pthread_mutex_unlock(&(*ahead)->lock);
	(void)pthread_join((*ahead)->thread, NULL);
	(void)pthread_cond_destroy(&(*ahead)->changed);
	(void)pthread_mutex_destroy(&(*ahead)->lock);
	free(*ahead);
	*ahead = NULL;
}
