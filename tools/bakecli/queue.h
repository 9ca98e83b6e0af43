/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads that wait, run, rest and are done. The first few are fetched by one bake-fetch, since
 * that alone may work in a models directory; when it shall fetch others, or at another speed, it is
 * ended and begun anew, and goes on with what is there. The queue is a file in the state directory,
 * so it survives whatever ends us.
 */
#ifndef BAKECLI_QUEUE_H
#define BAKECLI_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bakecli/fetching.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"

#define BAKECLI_QUEUE_SCHEMA "bake.queue/1"

enum {
	BAKECLI_JOBS_MAX = 256,
	BAKECLI_JOBS_AT_ONCE = 3
};

enum bakecli_job_state {
	BAKECLI_WAITING,
	BAKECLI_RUNNING,
	BAKECLI_PAUSED,
	BAKECLI_DONE,
	BAKECLI_FAILED
};

struct bakecli_job {
	char *id;
	char *lock;   /* absolute */
	char *models; /* absolute */
	enum bakecli_job_state state;
	uint64_t bytes;
	uint64_t total;
	uint64_t rate; /* bytes per second */
	uint64_t eta;  /* seconds, 0: not known */
	char message[200];
	bool in_child;
};

struct bakecli_queue {
	struct bakecli_job jobs[BAKECLI_JOBS_MAX];
	size_t count;
	uint64_t limit; /* bytes per second, 0: none */
	const struct bakecli_fetching *options;
	char *dir;     /* of the file; NULL: the queue is not kept */
	int guard;     /* held: the queue is ours */
	bool taken;    /* another menu has it: nothing is run here */
	pid_t child;   /* 0: none */
	int events;    /* from it */
	bool stopping; /* it was asked to end */
	struct bake_buf line;
	char end[200]; /* what it said of its own end */
};

/* Reads the queue that is kept, and takes it. One that is damaged or of another program is
 * put aside. */
enum bake_status bakecli_queue_open(struct bakecli_queue *queue,
	const struct bakecli_fetching *options, struct bake_error *err) BAKE_CHECKED;

/* Ends the child, which keeps what it has, and writes the queue. */
void bakecli_queue_close(struct bakecli_queue *queue);

/* A model joins, or goes on when it is there already. False when there is no room or memory. */
bool bakecli_queue_add(
	struct bakecli_queue *queue, const char *lock, const char *id, uint64_t total);

/* Each does nothing for an index that is none. */
void bakecli_queue_pause(struct bakecli_queue *queue, size_t index); /* or goes on */
void bakecli_queue_cancel(struct bakecli_queue *queue, size_t index);
void bakecli_queue_clear_done(struct bakecli_queue *queue);

/* Moves a job one place up or down; returns where it is then. */
size_t bakecli_queue_move(struct bakecli_queue *queue, size_t index, bool up);

void bakecli_queue_limit(struct bakecli_queue *queue, uint64_t limit);

/* Hears the child, begins and ends it. To be called a few times a second. */
void bakecli_queue_tick(struct bakecli_queue *queue);

const char *bakecli_job_state_name(enum bakecli_job_state state);
size_t bakecli_queue_count(const struct bakecli_queue *queue, enum bakecli_job_state state);

/* In queue_file.c: the document, from and to. */
enum bake_status bakecli_queue_read(
	struct bakecli_queue *queue, struct bake_error *err) BAKE_CHECKED;
void bakecli_queue_write(struct bakecli_queue *queue);

/* In queue_child.c. */
void bakecli_queue_hear(struct bakecli_queue *queue);
void bakecli_queue_start(struct bakecli_queue *queue);
void bakecli_queue_stop(struct bakecli_queue *queue);

/* Forgets the jobs; none may be with a child. */
void bakecli_queue_drop_all(struct bakecli_queue *queue);

/* A job made of copies; NULL: no room or memory. */
struct bakecli_job *bakecli_queue_append(
	struct bakecli_queue *queue, const char *lock, const char *models, const char *id);

#endif
