/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that is done by other programs, one after the other: bake-fetch for a model (into the
 * fallback directory, never the models directory) and bake-verify. So this program links nothing
 * that opens connections, and a fetch that hangs or dies is nobody's but its own.
 */
#ifndef SERVE_JOBS_H
#define SERVE_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	BAKE_JOBS_MAX = 64, /* that wait, run, or were the last of their model */
	BAKE_JOB_ID_MAX = 128,
	BAKE_JOB_OUTPUT_MAX = 4 * 1024 * 1024,
	BAKE_JOB_ARGUMENTS_MAX = 48
};

enum bake_task_state {
	BAKE_TASK_QUEUED,
	BAKE_TASK_RUNNING,
	BAKE_TASK_DONE,
	BAKE_TASK_FAILED,
	BAKE_TASK_CANCELLED
};

const char *bake_task_state_name(enum bake_task_state state);

struct bake_jobs;

/* One task as it is seen. */
struct bake_task_view {
	char id[BAKE_JOB_ID_MAX];
	enum bake_task_state state;
	int exit_code;	  /* of one that failed */
	char error[64];	  /* the id of its error, "" when it said none */
	uint64_t number;  /* counts the tasks: a later one is another */
	int64_t end_time; /* when it ended, seconds since 1970 */
};

enum bake_status bake_jobs_new(struct bake_jobs **out, struct bake_error *err) BAKE_CHECKED;

/* Ends what runs: politely, after grace_ms with SIGKILL. */
void bake_jobs_free(struct bake_jobs **pointer, unsigned grace_ms);

enum bake_jobs_answer {
	BAKE_JOBS_ACCEPTED,
	BAKE_JOBS_ALREADY, /* it waits or runs: nothing was added */
	BAKE_JOBS_FULL
};

/* arguments: program and its arguments, NULL-ended; copied. One task of an id at a time. */
enum bake_jobs_answer bake_jobs_add(
	struct bake_jobs *jobs, const char *id, const char *const *arguments);

/* Ends it, or takes it out of the row. False: it neither waits nor runs. */
bool bake_jobs_cancel(struct bake_jobs *jobs, const char *id);

/* Starts and reaps. Called by one thread, often. True: something changed. */
bool bake_jobs_tick(struct bake_jobs *jobs);

/* All that are known, the oldest first; returns how many. */
size_t bake_jobs_list(struct bake_jobs *jobs, struct bake_task_view out[BAKE_JOBS_MAX]);

/* What the last task of that id that ended wrote to its standard output. False: none has. */
bool bake_jobs_output(struct bake_jobs *jobs, const char *id, struct bake_buf *out);

#endif
