/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink: the only way model bytes get under a final name.
 *
 * A part file in .bake takes positional writes; SHA-256 runs in step with the contiguous frontier
 * (ranges that land ahead of it are hashed from the page cache when it reaches them); nothing may
 * grow past the pinned size; and commit compares size and digest, syncs, sets owner, mode and time,
 * renames, and syncs the directory. Any other way out leaves the final name as it was, and the
 * part, by default, for the next run.
 */
#ifndef FS_SINK_H
#define FS_SINK_H

#include <stdint.h>

#include "base/error.h"
#include "base/event.h"
#include "base/relpath.h"
#include "base/span.h"
#include "digest/hasher.h"
#include "fs/extents.h"
#include "fs/workdir.h"

struct bake_sink {
	const struct bake_workdir *workdir; /* borrowed */
	struct bake_relpath path;	    /* final name, beneath the workdir's root */
	struct bake_digest sha256;	    /* what must arrive */
	uint64_t size;			    /* bytes that must arrive */
	int64_t mtime;			    /* seconds; what the final file carries */
	int fd;				    /* the part, -1 when closed */
	uint64_t frontier;		    /* [0, frontier) is written and hashed */
	uint64_t resumed;		    /* bytes found from an earlier run */
	struct bake_extents ahead;
	struct bake_hasher hasher;
};

#define BAKE_SINK_INIT                                                                             \
	{                                                                                          \
		.fd = -1                                                                           \
	}

struct bake_sink_target {
	struct bake_relpath path;
	struct bake_digest sha256;
	uint64_t size;
	int64_t mtime;
};

enum {
	BAKE_PART_NAME_MAX = BAKE_DIGEST_HEX_MAX + 24
};

/* A part is named by the digest it is to have and by where it goes: whoever finds one of that name
 * wants the same bytes, and copies of one content to two places do not meet. */
void bake_sink_part_name(
	const struct bake_digest *sha256, struct bake_relpath path, char name[BAKE_PART_NAME_MAX]);

/*
 * Opens the part for target, made new or left by an earlier run: then what it holds is read and
 * hashed, and sink->resumed says how much that is. One process at a time has a part: while another
 * one does, BAKE_ERR_TEMPORARY lock.held. The destination must be absent or a regular file
 * (BAKE_ERR_CANTCREATE path.symlink, path.type). Space is reserved where the file system can, so
 * that BAKE_ERR_NOSPACE comes now and not after hours.
 */
enum bake_status bake_sink_open(struct bake_sink *sink, const struct bake_workdir *workdir,
	const struct bake_sink_target *target, struct bake_error *err) BAKE_CHECKED;

/* Writes bytes at offset. Past the pinned size: BAKE_ERR_PROTOCOL net.too-long, nothing written. */
enum bake_status bake_sink_write(struct bake_sink *sink, uint64_t offset, struct bake_span bytes,
	struct bake_error *err) BAKE_CHECKED;

/* Forgets all that was written and starts at 0. */
enum bake_status bake_sink_restart(struct bake_sink *sink, struct bake_error *err) BAKE_CHECKED;

/* Whether every byte has arrived. */
bool bake_sink_full(const struct bake_sink *sink);

/*
 * Publishes the file. BAKE_ERR_INTEGRITY integrity.sha256 (or integrity.size) when it is not what
 * was pinned: then the part is removed, and the former file, if any, stays as it was.
 */
enum bake_status bake_sink_commit(struct bake_sink *sink, struct bake_error *err) BAKE_CHECKED;

/* The first bytes of the part, for telling what a wrong one is. Returns how many. */
size_t bake_sink_peek(const struct bake_sink *sink, uint8_t *bytes, size_t room);

/* Closes and keeps the part. Safe on a sink that was never opened. */
void bake_sink_close(struct bake_sink *sink);

/* Closes and removes the part. */
void bake_sink_discard(struct bake_sink *sink);

#endif
