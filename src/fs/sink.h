/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink: the only way model bytes get under a final name.
 *
 * A part file in .bake takes positional writes, in any order; SHA-256 runs behind the contiguous
 * frontier; nothing may grow past the pinned size; and commit compares size and digest, syncs, sets
 * owner, mode and time, renames, and syncs the directory. Any other way out leaves the final name
 * as it was, and the part, by default, for the next run, with a journal of what of it is there.
 *
 * With a crew, hashing and publishing are done by its threads, so that the caller's thread only
 * writes; a file below BAKE_SINK_SMALL is hashed as it is written all the same. Without one,
 * everything happens in the calls. A sink is used by one thread and stays where it is while open.
 */
#ifndef FS_SINK_H
#define FS_SINK_H

#include <stdint.h>

#include "base/crew.h"
#include "base/error.h"
#include "base/event.h"
#include "base/extents.h"
#include "base/loan.h"
#include "base/relpath.h"
#include "base/span.h"
#include "digest/digest.h"
#include "fs/file.h"
#include "fs/workdir.h"

enum {
	/* Smaller files have no journal, and no job for hashing them. */
	BAKE_SINK_SMALL = 1024 * 1024
};

struct bake_sink_inner;

struct bake_sink {
	const struct bake_workdir *workdir; /* borrowed */
	struct bake_relpath path;	    /* final name, beneath the workdir's root */
	struct bake_digest sha256;	    /* what must arrive */
	uint64_t size;			    /* bytes that must arrive */
	int64_t mtime;			    /* seconds; what the final file carries */
	int fd;				    /* the part, -1 when closed */
	uint64_t frontier;		    /* [0, frontier) is written */
	uint64_t resumed;		    /* bytes found from an earlier run */
	struct bake_sink_inner *inner;	    /* NULL when closed */
};

#define BAKE_SINK_INIT                                                                             \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Looks at a part that is whole and right, before it is published. A failure is the sink's, and the
 * part is removed. With a crew it is called from one of its threads. */
typedef enum bake_status bake_sink_vet_fn(
	const void *context, int fd, uint64_t size, struct bake_error *err);

struct bake_sink_target {
	struct bake_relpath path;
	struct bake_digest sha256;
	uint64_t size;
	int64_t mtime;
	uint64_t source;	/* hash of where the bytes come from; 0: it does not matter */
	struct bake_crew *crew; /* borrowed; NULL: none */
	const struct bake_events *events; /* for notices; may be NULL */
	bake_sink_vet_fn *vet;		  /* NULL: what has the digest is published */
	const void *vet_context;	  /* borrowed until the sink is closed */
};

enum {
	BAKE_PART_NAME_MAX = BAKE_DIGEST_HEX_MAX + 26
};

/* A part is named by the digest it is to have and by where it goes: whoever finds one of that name
 * wants the same bytes, and copies of one content to two places do not meet. */
void bake_sink_part_name(
	const struct bake_digest *sha256, struct bake_relpath path, char name[BAKE_PART_NAME_MAX]);

/*
 * Opens the part for target, made new or left by an earlier run: sink->resumed says how much of it
 * is there. A part whose journal speaks of another size or source is dropped with a notice. One
 * process at a time has a part: while another one does, BAKE_ERR_TEMPORARY lock.held. The
 * destination must be absent or a regular file (BAKE_ERR_CANTCREATE path.symlink, path.type).
 * Space is reserved where the file system can, so that BAKE_ERR_NOSPACE comes now and not after
 * hours.
 */
enum bake_status bake_sink_open(struct bake_sink *sink, const struct bake_workdir *workdir,
	const struct bake_sink_target *target, struct bake_error *err) BAKE_CHECKED;

/* Which ranges are there, sorted and disjoint. */
void bake_sink_have(const struct bake_sink *sink, struct bake_extents *out);

/* Writes bytes at offset. Past the pinned size: BAKE_ERR_PROTOCOL net.too-long, nothing written. */
enum bake_status bake_sink_write(struct bake_sink *sink, uint64_t offset, struct bake_span bytes,
	struct bake_error *err) BAKE_CHECKED;

/* The same for loan's bytes. *out_kept: they are hashed from there, and given back then. */
enum bake_status bake_sink_lend(struct bake_sink *sink, struct bake_loan *loan, bool *out_kept,
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

/* The same without waiting for the crew: called again until *out_done, which is also set when it
 * fails. Without a crew that is at once. */
enum bake_status bake_sink_finish(
	struct bake_sink *sink, bool *out_done, struct bake_error *err) BAKE_CHECKED;

/* The first bytes of the part, for telling what a wrong one is. Returns how many. */
size_t bake_sink_peek(const struct bake_sink *sink, uint8_t *bytes, size_t room);

/* Closes and keeps the part. Safe on a sink that was never opened. */
void bake_sink_close(struct bake_sink *sink);

/* Closes and removes the part. */
void bake_sink_discard(struct bake_sink *sink);

/*
 * Fills the part, from its beginning, with the pinned size of from's bytes, read from its beginning:
 * a clone where the file system has clones, else a copy by the kernel, else one through memory.
 * Every byte that is in the part then is hashed, whichever way it came. progress (may be NULL) is
 * told from the caller's thread. A source that ends early: BAKE_ERR_INTEGRITY integrity.size.
 */
enum bake_status bake_sink_copy(struct bake_sink *sink, int from,
	const struct bake_read_progress *progress, struct bake_error *err) BAKE_CHECKED;

#endif
