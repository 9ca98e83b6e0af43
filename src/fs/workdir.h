/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/.bake: where part files live while a fetch runs, and the lock that gives it one owner. */
#ifndef FS_WORKDIR_H
#define FS_WORKDIR_H

#include <stdint.h>

#include "base/error.h"
#include "base/event.h"

#define BAKE_WORKDIR_NAME ".bake"

struct bake_workdir {
	int root; /* borrowed: the models (or cache) directory */
	int fd;	  /* .bake */
	int lock; /* held: .bake/lock; -1 when shared */
};

#define BAKE_WORKDIR_INIT                                                                          \
	{                                                                                          \
		.root = -1, .fd = -1, .lock = -1                                                   \
	}

/*
 * Makes root/.bake and takes its lock, waiting up to timeout_ms for another process, with a notice
 * that names it (BAKE_ERR_TEMPORARY lock.held at the end). The lock is the kernel's: it ends with
 * its owner, however that died.
 */
enum bake_status bake_workdir_open(int root, uint64_t timeout_ms, const struct bake_events *events,
	struct bake_workdir *out, struct bake_error *err) BAKE_CHECKED;

/* Makes root/.bake without taking its lock: for a directory that many processes share, each part
 * having its own (see bake_sink_open). */
enum bake_status bake_workdir_share(
	int root, struct bake_workdir *out, struct bake_error *err) BAKE_CHECKED;

/* Removes everything in it and itself: after success nothing of ours stays. */
void bake_workdir_remove(struct bake_workdir *workdir);

/* The same but for parts and their journals; it stays when there are any. */
void bake_workdir_leave_parts(struct bake_workdir *workdir);

/* Gives the lock back and keeps the parts for the next run. */
void bake_workdir_close(struct bake_workdir *workdir);

#endif
