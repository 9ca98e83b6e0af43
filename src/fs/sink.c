/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/sink_inner.h"

enum {
	TMPFS = 0x01021994, /* TMPFS_MAGIC */
	LOANS_MAX = 4,
	LOAN_AHEAD_BYTES = 16 * 1024 * 1024, /* farther away they would be kept too long */
};

void bake_sink_part_name(
	const struct bake_digest *sha256, struct bake_relpath path, char name[BAKE_PART_NAME_MAX])
{
	(void)snprintf(name, BAKE_PART_NAME_MAX, "%s-%016" PRIx64 ".part", BAKE_HEX(sha256),
		bake_text_hash(path.text, path.len));
}

const char *bake_sink_part(const struct bake_sink *sink, char name[BAKE_PART_NAME_MAX])
{
	bake_sink_part_name(&sink->sha256, sink->path, name);
	return name;
}

const char *bake_sink_journal(const struct bake_sink *sink, char name[BAKE_PART_NAME_MAX])
{
	(void)snprintf(name, BAKE_PART_NAME_MAX, "%s-%016" PRIx64 ".journal",
		BAKE_HEX(&sink->sha256), bake_text_hash(sink->path.text, sink->path.len));
	return name;
}

enum bake_status bake_sink_check_destination(
	int parent, const struct bake_sink *sink, struct bake_error *err)
{
	struct stat st;

	if (fstatat(parent, bake_relpath_name(sink->path), &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return BAKE_OK;
		return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(sink->path.text));
	}
	if (S_ISREG(st.st_mode))
		return BAKE_OK;
	if (S_ISLNK(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.symlink",
			"'%s' is a symbolic link; it is not followed and not replaced",
			BAKE_SHOW(sink->path.text));
	return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
		"'%s' exists and is not a regular file", BAKE_SHOW(sink->path.text));
}

/* Asks for the blocks now. File systems that cannot are left to say so when they are full; in
 * memory it would only mean to write everything twice. */
static enum bake_status reserve(const struct bake_sink *sink, struct bake_error *err)
{
	struct statfs fs;

	if (sink->size == 0 || (fstatfs(sink->fd, &fs) == 0 && fs.f_type == TMPFS))
		return BAKE_OK;
	if (fallocate(sink->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)sink->size) == 0)
		return BAKE_OK;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return bake_error_errno(err, errno, "reserve %" PRIu64 " bytes for '%s'",
			sink->size, BAKE_SHOW(sink->path.text));
	return BAKE_OK;
}

/* Whether fd is still what the part's name leads to: its last owner may have published or removed
 * it between our opening and our locking. */
static bool still_named(const struct bake_sink *sink, int fd)
{
	struct stat held;
	struct stat named;

	return fstat(fd, &held) == 0 &&
	       fstatat(sink->workdir->fd, PART(sink), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* The part, opened and locked. */
static enum bake_status claim(const struct bake_sink *sink, int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;

	do {
		cleanup_close(&fd);
		fd = openat(sink->workdir->fd, PART(sink),
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return bake_error_errno(
				err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
		if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
			return bake_error_transient(err, BAKE_ERR_TEMPORARY, "lock.held",
				"another process is writing '%s'", BAKE_SHOW(sink->path.text));
	} while (!still_named(sink, fd));
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

static enum bake_status make_inner(
	struct bake_sink *sink, const struct bake_sink_target *target, struct bake_error *err)
{
	struct bake_sink_inner *inner = calloc(1, sizeof(*inner));

	if (!inner)
		return bake_error_nomem(err);
	inner->job.run = bake_sink_follow;
	inner->crew = target->crew;
	inner->sink = sink;
	inner->vet = target->vet;
	inner->vet_context = target->vet_context;
	inner->behind = target->crew && target->size >= BAKE_SINK_SMALL;
	inner->journal = -1;
	inner->synced_ms = bake_clock_ms();
	(void)pthread_mutex_init(&inner->lock, NULL);
	sink->inner = inner;
	return bake_hasher_init_sha256(&inner->hasher, err);
}

static void free_inner(struct bake_sink *sink)
{
	if (!sink->inner)
		return;
	cleanup_close(&sink->inner->journal);
	bake_hasher_release(&sink->inner->hasher);
	(void)pthread_mutex_destroy(&sink->inner->lock);
	free(sink->inner);
	sink->inner = NULL;
}

/* Says how far writing has come, and has that hashed. */
static enum bake_status advance(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;

	inner->ready = sink->frontier;
	if (!inner->behind)
		return bake_sink_catch_up(sink, err);
	if (sink->frontier > 0)
		bake_crew_post(inner->crew, &inner->job);
	return BAKE_OK;
}

/* Writing by the calls alone is in order: what lies behind a gap comes again. */
static void drop_ahead(struct bake_sink *sink)
{
	if (sink->inner->crew)
		return;
	sink->inner->ahead.count = 0;
	sink->resumed = sink->frontier;
}

static enum bake_status open_part(
	struct bake_sink *sink, const struct bake_sink_target *target, struct bake_error *err)
{
	_cleanup_close_ int parent = -1;

	BAKE_TRY(bake_open_parent(sink->workdir->root, target->path, &parent, err));
	BAKE_TRY(bake_sink_check_destination(parent, sink, err));
	BAKE_TRY(make_inner(sink, target, err));
	BAKE_TRY(claim(sink, &sink->fd, err));
	if (target->source)
		bake_sink_drop_former(sink, target);
	BAKE_TRY(bake_sink_recall(sink, target, err));
	drop_ahead(sink);
	BAKE_TRY(reserve(sink, err));
	return advance(sink, err);
}

enum bake_status bake_sink_open(struct bake_sink *sink, const struct bake_workdir *workdir,
	const struct bake_sink_target *target, struct bake_error *err)
{
	enum bake_status status;

	*sink = (struct bake_sink){
		.workdir = workdir,
		.path = target->path,
		.sha256 = target->sha256,
		.size = target->size,
		.mtime = target->mtime,
		.fd = -1,
	};
	status = open_part(sink, target, err);
	if (status != BAKE_OK)
		bake_sink_close(sink);
	return status;
}

/* Has the job end, and the crew let go of it. */
static void halt(struct bake_sink_inner *inner)
{
	if (!inner->crew)
		return;
	inner->halt = true;
	bake_crew_wait(inner->crew, &inner->job);
	inner->halt = false;
	bake_sink_give_back(inner);
}

enum bake_status bake_sink_restart(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;

	halt(inner);
	if (ftruncate(sink->fd, 0) != 0)
		return bake_error_errno(err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
	sink->frontier = 0;
	sink->resumed = 0;
	inner->hashed = 0;
	inner->synced = 0;
	inner->ready = 0;
	inner->ended = false;
	inner->error = BAKE_ERROR_INIT;
	inner->ahead.count = 0;
	inner->record.synced.count = 0;
	if (inner->journal >= 0)
		bake_sink_record(sink);
	bake_hasher_release(&inner->hasher);
	return bake_hasher_init_sha256(&inner->hasher, err);
}

/* What of bytes lies at or after the frontier. What may be hashed is not written again. */
static struct bake_span beyond(struct bake_span bytes, uint64_t *offset, uint64_t frontier)
{
	uint64_t known = *offset < frontier ? bake_u64_min(frontier - *offset, bytes.len) : 0;

	*offset += known;
	return bake_span(bytes.ptr + known, bytes.len - known);
}

/* Takes note of what was written. The lock is held. */
static enum bake_status note(
	struct bake_sink *sink, uint64_t offset, size_t len, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;

	if (offset == sink->frontier)
		sink->frontier += len;
	else if (!bake_extents_add(&inner->ahead, offset, offset + len))
		return bake_error_set(err, BAKE_ERR_INTERNAL, "internal.extents",
			"more than %d ranges in flight", BAKE_EXTENTS_MAX);
	(void)bake_extents_advance(&inner->ahead, &sink->frontier);
	bake_sink_record(sink);
	return BAKE_OK;
}

/* Keeps a loan that begins at the frontier, when the hash will soon be there. The lock is held. */
static bool keep_loan(struct bake_sink *sink, struct bake_loan *loan)
{
	struct bake_sink_inner *inner = sink->inner;
	struct bake_loan **last = &inner->loans;

	if (!inner->behind || loan->offset != sink->frontier || inner->loan_count == LOANS_MAX ||
		loan->offset - inner->hashed > LOAN_AHEAD_BYTES)
		return false;
	while (*last)
		last = &(*last)->next;
	loan->next = NULL;
	*last = loan;
	inner->loan_count++;
	return true;
}

static enum bake_status write_bytes(struct bake_sink *sink, uint64_t offset, struct bake_span bytes,
	struct bake_loan *loan, bool *out_kept, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;
	enum bake_status status;

	if (offset > sink->size || bytes.len > sink->size - offset)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.too-long",
			"more than the pinned %" PRIu64 " bytes", sink->size);
	bytes = beyond(bytes, &offset, sink->frontier);
	if (bytes.len == 0)
		return BAKE_OK;
	if (bake_file_write_at(sink->fd, offset, bytes, err) != BAKE_OK)
		return bake_error_wrap(err, "part of '%s'", BAKE_SHOW(sink->path.text));
	if (!inner->behind && offset == inner->hashed) {
		bake_hasher_update(&inner->hasher, bytes);
		inner->hashed += bytes.len;
	}
	(void)pthread_mutex_lock(&inner->lock);
	*out_kept = loan && keep_loan(sink, loan);
	status = note(sink, offset, bytes.len, err);
	(void)pthread_mutex_unlock(&inner->lock);
	return status == BAKE_OK ? advance(sink, err) : status;
}

enum bake_status bake_sink_write(
	struct bake_sink *sink, uint64_t offset, struct bake_span bytes, struct bake_error *err)
{
	bool kept;

	return write_bytes(sink, offset, bytes, NULL, &kept, err);
}

enum bake_status bake_sink_lend(
	struct bake_sink *sink, struct bake_loan *loan, bool *out_kept, struct bake_error *err)
{
	*out_kept = false;
	return write_bytes(
		sink, loan->offset, bake_span(loan->ptr, loan->len), loan, out_kept, err);
}

bool bake_sink_full(const struct bake_sink *sink)
{
	return sink->frontier == sink->size;
}

size_t bake_sink_peek(const struct bake_sink *sink, uint8_t *bytes, size_t room)
{
	ssize_t got = pread(sink->fd, bytes, room, 0);

	return got > 0 ? (size_t)got : 0;
}

/* Ends the sink as its publishing ended. */
static enum bake_status end(struct bake_sink *sink, struct bake_error *err)
{
	enum bake_status status = sink->inner->error.status;

	if (status != BAKE_OK)
		*err = sink->inner->error;
	sink->inner->published = true; /* or gone: nothing is left to be kept */
	bake_sink_close(sink);
	return status;
}

enum bake_status bake_sink_finish(struct bake_sink *sink, bool *out_done, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;

	*out_done = true;
	if (!inner->finishing) {
		inner->finishing = true;
		if (inner->crew)
			bake_crew_post(inner->crew, &inner->job);
		else
			bake_sink_follow(&inner->job);
	}
	if (!inner->ended) {
		*out_done = false;
		return BAKE_OK;
	}
	if (inner->crew)
		bake_crew_wait(inner->crew, &inner->job);
	return end(sink, err);
}

enum bake_status bake_sink_commit(struct bake_sink *sink, struct bake_error *err)
{
	struct bake_sink_inner *inner = sink->inner;

	inner->finishing = true;
	if (inner->crew)
		bake_crew_wait(inner->crew, &inner->job);
	bake_sink_follow(&inner->job);
	return end(sink, err);
}

/* A part whose journal does not say so must have no gap: what lies behind one cannot be told from
 * it by the next run. */
static void keep(struct bake_sink *sink)
{
	struct bake_sink_inner *inner = sink->inner;

	if (inner->journal < 0 && inner->ahead.count > 0)
		best_effort(ftruncate(sink->fd, (off_t)sink->frontier));
}

void bake_sink_close(struct bake_sink *sink)
{
	if (sink->inner) {
		halt(sink->inner);
		if (sink->fd >= 0 && !sink->inner->published)
			keep(sink);
		free_inner(sink);
	}
	cleanup_close(&sink->fd);
	sink->fd = -1;
}

void bake_sink_discard(struct bake_sink *sink)
{
	if (sink->inner) {
		halt(sink->inner);
		sink->inner->published = true;
	}
	/* Once published, a part of that name is the next one's. */
	if (sink->fd >= 0 && still_named(sink, sink->fd)) {
		(void)unlinkat(sink->workdir->fd, PART(sink), 0);
		(void)unlinkat(sink->workdir->fd, JOURNAL(sink), 0);
	}
	bake_sink_close(sink);
}
