/* SPDX-License-Identifier: Apache-2.0 */
/* From a part to a file: hashing behind the frontier, then compare, sync, rename. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/sink_inner.h"

enum {
	PIECE_BYTES = 256 * 1024, /* stays in the processor's cache between reading and hashing */
	SYNC_BYTES = 256 * 1024 * 1024,
	SYNC_LEAST_BYTES = 16 * 1024 * 1024,
	SYNC_MS = 20 * 1000,
};

/* What is hashed goes to the disk, so that losing power loses little, and the sync at the end has
 * little left to do. */
static enum bake_status sync_some(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;
	uint64_t bytes = inner->hashed - inner->synced;
	struct bake_extents *ranges;
	int journal;

	if (bytes < SYNC_BYTES &&
		(bytes < SYNC_LEAST_BYTES || bake_clock_ms() - inner->synced_ms < SYNC_MS))
		return BAKE_OK;
	ranges = malloc(sizeof(*ranges));
	if (!ranges)
		return bake_error_nomem(err);
	(void)pthread_mutex_lock(&inner->lock);
	bake_sink_have(sink, ranges);
	(void)pthread_mutex_unlock(&inner->lock);
	if (fdatasync(sink->fd) != 0) {
		free(ranges);
		return bake_error_errno(err, errno, "sync");
	}
	(void)pthread_mutex_lock(&inner->lock);
	inner->record.synced = *ranges;
	bake_sink_record(sink);
	journal = inner->journal;
	(void)pthread_mutex_unlock(&inner->lock);
	free(ranges);
	if (journal >= 0)
		best_effort(fdatasync(journal)); /* a lost record is an older one */
	inner->synced = inner->hashed;
	inner->synced_ms = bake_clock_ms();
	return BAKE_OK;
}

static struct bake_loan *first_loan(struct bake_sink_inner *inner)
{
	struct bake_loan *loan;

	(void)pthread_mutex_lock(&inner->lock);
	loan = inner->loans;
	(void)pthread_mutex_unlock(&inner->lock);
	return loan;
}

static void give_back_first(struct bake_sink_inner *inner)
{
	struct bake_loan *loan;

	(void)pthread_mutex_lock(&inner->lock);
	loan = inner->loans;
	inner->loans = loan->next;
	inner->loan_count--;
	(void)pthread_mutex_unlock(&inner->lock);
	loan->give_back(loan);
}

void bake_sink_give_back(struct bake_sink_inner *inner)
{
	while (inner->loans)
		give_back_first(inner);
}

/* Hashes the next piece from the page cache. */
static enum bake_status hash_file(
	struct bake_sink *sink, uint8_t *piece, uint64_t ready, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;
	size_t wanted = (size_t)bake_u64_min(ready - inner->hashed, PIECE_BYTES);
	ssize_t got = pread(sink->fd, piece, wanted, (off_t)inner->hashed);

	if (got < 0 && errno == EINTR)
		return BAKE_OK;
	if (got < 0)
		return bake_error_errno(err, errno, "read");
	if (got == 0)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"the part ends after %" PRIu64 " of %" PRIu64 " bytes",
			(uint64_t)inner->hashed, ready);
	bake_hasher_update(&inner->hasher, bake_span(piece, (size_t)got));
	inner->hashed += (uint64_t)got;
	return BAKE_OK;
}

/* Hashes the next piece: from memory while it is there. */
static enum bake_status hash_piece(
	struct bake_sink *sink, uint8_t *piece, uint64_t ready, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;
	const struct bake_loan *loan = first_loan(inner);

	if (!loan || loan->offset > inner->hashed)
		return hash_file(
			sink, piece, loan ? bake_u64_min(ready, loan->offset) : ready, err);
	bake_hasher_update(&inner->hasher, bake_span(loan->ptr, loan->len));
	inner->hashed += loan->len;
	give_back_first(inner);
	return BAKE_OK;
}

enum bake_status bake_sink_catch_up(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;
	_cleanup_free_ uint8_t *piece = NULL;

	while (inner->hashed < inner->ready && !inner->halt) {
		if (!piece)
			piece = malloc(PIECE_BYTES);
		if (!piece)
			return bake_error_nomem(err);
		BAKE_TRY(hash_piece(sink, piece, inner->ready, err));
		if (inner->behind)
			BAKE_TRY(sync_some(sink, err));
	}
	return BAKE_OK;
}

static enum bake_status check_content(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_digest got;
	struct stat st;

	if (fstat(sink->fd, &st) != 0)
		return bake_error_errno(err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
	if (!bake_sink_full(sink) || (uint64_t)st.st_size != sink->size)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"expected %" PRIu64 " bytes, got %" PRIu64, sink->size,
			(uint64_t)st.st_size);
	BAKE_TRY(bake_hasher_final(&sink->inner->hasher, &got, err));
	if (!bake_digest_equal(&got, &sink->sha256))
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.sha256",
			"expected sha256 %s, got %s", BAKE_HEX(&sink->sha256), BAKE_HEX(&got));
	return BAKE_OK;
}

/* Owner, mode and time that do not depend on who built it or when; then down to the disk. */
static enum bake_status settle(const struct bake_sink *sink, struct bake_error *err)
{
	struct timespec times[2] = {{.tv_sec = sink->mtime}, {.tv_sec = sink->mtime}};

	if (fchown(sink->fd, geteuid(), getegid()) != 0 && errno != EPERM)
		return bake_error_errno(err, errno, "set owner");
	if (fchmod(sink->fd, BAKE_MODE_FILE) != 0)
		return bake_error_errno(err, errno, "set mode");
	if (futimens(sink->fd, times) != 0)
		return bake_error_errno(err, errno, "set time");
	if (fsync(sink->fd) != 0)
		return bake_error_errno(err, errno, "sync");
	return BAKE_OK;
}

static enum bake_status rename_part(const struct bake_sink *sink, struct bake_error *err)
{
	_cleanup_close_ int parent = -1;

	BAKE_TRY(bake_open_parent(sink->workdir->root, sink->path, &parent, err));
	BAKE_TRY(bake_sink_check_destination(parent, sink, err));
	if (renameat(sink->workdir->fd, PART(sink), parent, bake_relpath_name(sink->path)) != 0)
		return bake_error_errno(err, errno, "rename to '%s'", BAKE_SHOW(sink->path.text));
	if (sink->inner->journal >= 0)
		(void)unlinkat(sink->workdir->fd, JOURNAL(sink), 0);
	if (fsync(parent) != 0)
		return bake_error_errno(
			err, errno, "sync directory of '%s'", BAKE_SHOW(sink->path.text));
	return BAKE_OK;
}

enum bake_status bake_sink_publish(struct bake_sink *sink, struct bake_error *err)
{
	const struct bake_sink_inner *inner = sink->inner;
	enum bake_status status = check_content(sink, err);

	if (status == BAKE_OK && inner->vet)
		status = inner->vet(inner->vet_context, sink->fd, sink->size, err);
	if (status == BAKE_OK)
		status = settle(sink, err);
	/* Wrong bytes are worth nothing; after a failed sync nobody knows what the disk holds. */
	if (status != BAKE_OK) {
		(void)unlinkat(sink->workdir->fd, PART(sink), 0);
		(void)unlinkat(sink->workdir->fd, JOURNAL(sink), 0);
		return status;
	}
	return rename_part(sink, err);
}

void bake_sink_follow(struct bake_job *job)
{
	struct bake_sink_inner *inner = (struct bake_sink_inner *)job;
	bool finishing = inner->finishing; /* read first: all is written when it is set */
	enum bake_status status;

	if (inner->ended)
		return;
	status = bake_sink_catch_up(inner->sink, &inner->error);
	if (inner->halt)
		return;
	if (status == BAKE_OK && finishing)
		status = bake_sink_publish(inner->sink, &inner->error);
	inner->ended = finishing || status != BAKE_OK;
}
