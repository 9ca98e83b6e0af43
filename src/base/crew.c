/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/parallel.h"

enum {
	THREADS_MIN = 2, /* one that waits for a disk must not hold up the others */
	THREADS_MAX = 16
};

struct bake_crew {
	pthread_mutex_t lock;
	pthread_cond_t posted;
	pthread_cond_t done;
	struct bake_job *first;
	struct bake_job *last;
	bool ending;
	unsigned count;
	pthread_t threads[THREADS_MAX];
};

static void push(struct bake_crew *crew, struct bake_job *job)
{
	job->state = BAKE_JOB_QUEUED;
	job->next = NULL;
	if (crew->last)
		crew->last->next = job;
	else
		crew->first = job;
	crew->last = job;
	(void)pthread_cond_signal(&crew->posted);
}

static void drop(struct bake_crew *crew, const struct bake_job *job)
{
	struct bake_job **at = &crew->first;
	struct bake_job *before = NULL;

	while (*at && *at != job) {
		before = *at;
		at = &(*at)->next;
	}
	if (!*at)
		return;
	*at = job->next;
	if (crew->last == job)
		crew->last = before;
}

/* The next job, once there is one; NULL at the end. */
static struct bake_job *take(struct bake_crew *crew)
{
	struct bake_job *job;

	while (!crew->first && !crew->ending)
		(void)pthread_cond_wait(&crew->posted, &crew->lock);
	if (crew->ending)
		return NULL;
	job = crew->first;
	drop(crew, job);
	job->state = BAKE_JOB_RUNNING;
	return job;
}

static void *work(void *argument)
{
	struct bake_crew *crew = argument;
	struct bake_job *job;

	(void)pthread_mutex_lock(&crew->lock);
	while ((job = take(crew))) {
		(void)pthread_mutex_unlock(&crew->lock);
		job->run(job);
		(void)pthread_mutex_lock(&crew->lock);
		if (job->state == BAKE_JOB_AGAIN)
			push(crew, job);
		else
			job->state = BAKE_JOB_IDLE;
		(void)pthread_cond_broadcast(&crew->done);
	}
	(void)pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static void start_threads(struct bake_crew *crew, unsigned wanted)
{
	sigset_t all;
	sigset_t before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	while (crew->count < wanted &&
		pthread_create(&crew->threads[crew->count], NULL, work, crew) == 0)
		crew->count++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

enum bake_status bake_crew_new(unsigned threads, struct bake_crew **out, struct bake_error *err)
{
	struct bake_crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return bake_error_nomem(err);
	(void)pthread_mutex_init(&crew->lock, NULL);
	(void)pthread_cond_init(&crew->posted, NULL);
	(void)pthread_cond_init(&crew->done, NULL);
	if (threads == 0)
		threads = bake_processors() < THREADS_MIN ? THREADS_MIN : bake_processors();
	start_threads(crew, threads < THREADS_MAX ? threads : THREADS_MAX);
	if (crew->count == 0) {
		bake_crew_free(&crew);
		return bake_error_errno(err, EAGAIN, "start a thread");
	}
	*out = crew;
	return BAKE_OK;
}

void bake_crew_free(struct bake_crew **crew)
{
	if (!*crew)
		return;
	(void)pthread_mutex_lock(&(*crew)->lock);
	(*crew)->ending = true;
	(void)pthread_cond_broadcast(&(*crew)->posted);
	(void)pthread_mutex_unlock(&(*crew)->lock);
	for (unsigned i = 0; i < (*crew)->count; i++)
		(void)pthread_join((*crew)->threads[i], NULL);
	(void)pthread_cond_destroy(&(*crew)->done);
	(void)pthread_cond_destroy(&(*crew)->posted);
	(void)pthread_mutex_destroy(&(*crew)->lock);
	free(*crew);
	*crew = NULL;
}

void bake_crew_post(struct bake_crew *crew, struct bake_job *job)
{
	(void)pthread_mutex_lock(&crew->lock);
	if (job->state == BAKE_JOB_IDLE)
		push(crew, job);
	else if (job->state == BAKE_JOB_RUNNING)
		job->state = BAKE_JOB_AGAIN;
	(void)pthread_mutex_unlock(&crew->lock);
}

void bake_crew_wait(struct bake_crew *crew, struct bake_job *job)
{
	(void)pthread_mutex_lock(&crew->lock);
	if (job->state == BAKE_JOB_QUEUED) {
		drop(crew, job);
		job->state = BAKE_JOB_IDLE;
	}
	if (job->state == BAKE_JOB_AGAIN)
		job->state = BAKE_JOB_RUNNING;
	while (job->state != BAKE_JOB_IDLE)
		(void)pthread_cond_wait(&crew->done, &crew->lock);
	(void)pthread_mutex_unlock(&crew->lock);
}
