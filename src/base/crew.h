/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads that do jobs as they are posted: work that must not hold up an event loop. */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include <stdbool.h>

#include "base/error.h"

struct bake_crew;

/* One piece of work that may be posted again and again. The owner's storage: it stays where it is
 * until bake_crew_wait has returned. */
struct bake_job {
	void (*run)(struct bake_job *job);
	struct bake_job *next;
	enum {
		BAKE_JOB_IDLE,
		BAKE_JOB_QUEUED,
		BAKE_JOB_RUNNING,
		BAKE_JOB_AGAIN, /* running, and posted meanwhile */
	} state;
};

/* threads: 0 is one per processor, at least two. Signals are left to the caller's thread. */
enum bake_status bake_crew_new(
	unsigned threads, struct bake_crew **out, struct bake_error *err) BAKE_CHECKED;

/* Ends the threads; jobs still queued are not run. */
void bake_crew_free(struct bake_crew **crew);

/* Has job run, once more if it is running now. One job never runs in two threads at a time. */
void bake_crew_post(struct bake_crew *crew, struct bake_job *job);

/* Returns when job is neither queued nor running; one that waits in the queue is taken out of it. */
void bake_crew_wait(struct bake_crew *crew, struct bake_job *job);

#endif
