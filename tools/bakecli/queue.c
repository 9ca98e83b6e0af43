/* SPDX-License-Identifier: Apache-2.0 */
#include "bakecli/queue.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/main.h"

static const char *const names[] = {"waiting", "running", "paused", "done", "failed"};

const char *bakecli_job_state_name(enum bakecli_job_state state)
{
	return (size_t)state < countof(names) ? names[state] : "";
}

size_t bakecli_queue_count(const struct bakecli_queue *queue, enum bakecli_job_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < queue->count; i++)
		count += queue->jobs[i].state == state ? 1 : 0;
	return count;
}

static void release_job(struct bakecli_job *job)
{
	free(job->id);
	free(job->lock);
	free(job->models);
}

void bakecli_queue_drop_all(struct bakecli_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++)
		release_job(&queue->jobs[i]);
	queue->count = 0;
}

struct bakecli_job *bakecli_queue_append(
	struct bakecli_queue *queue, const char *lock, const char *models, const char *id)
{
	struct bakecli_job job = {.state = BAKECLI_WAITING};

	if (queue->count == BAKECLI_JOBS_MAX)
		return NULL;
	job.id = strdup(id);
	job.lock = strdup(lock);
	job.models = strdup(models);
	if (!job.id || !job.lock || !job.models) {
		release_job(&job);
		return NULL;
	}
	queue->jobs[queue->count] = job;
	return &queue->jobs[queue->count++];
}

/* The queue outlives the working directory. */
static char *absolute(const char *path)
{
	_cleanup_free_ char *here = NULL;
	char *whole = NULL;

	if (path[0] == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	return here && asprintf(&whole, "%s/%s", here, path) >= 0 ? whole : NULL;
}

static struct bakecli_job *find(
	struct bakecli_queue *queue, const char *lock, const char *models, const char *id)
{
	for (size_t i = 0; i < queue->count; i++) {
		struct bakecli_job *job = &queue->jobs[i];

		if (strcmp(job->id, id) == 0 && strcmp(job->lock, lock) == 0 &&
			strcmp(job->models, models) == 0)
			return job;
	}
	return NULL;
}

bool bakecli_queue_add(
	struct bakecli_queue *queue, const char *lock, const char *id, uint64_t total)
{
	_cleanup_free_ char *whole_lock = absolute(lock);
	_cleanup_free_ char *models = absolute(cli_models_dir(queue->options->models_dir));
	struct bakecli_job *job;

	if (queue->taken || !whole_lock || !models)
		return false;
	job = find(queue, whole_lock, models, id);
	if (!job)
		job = bakecli_queue_append(queue, whole_lock, models, id);
	if (!job)
		return false;
	if (job->state != BAKECLI_RUNNING)
		job->state = BAKECLI_WAITING;
	job->total = total;
	job->message[0] = '\0';
	bakecli_queue_write(queue);
	return true;
}

void bakecli_queue_pause(struct bakecli_queue *queue, size_t index)
{
	struct bakecli_job *job;

	if (index >= queue->count || queue->taken || queue->jobs[index].state == BAKECLI_DONE)
		return;
	job = &queue->jobs[index];
	if (job->state == BAKECLI_PAUSED || job->state == BAKECLI_FAILED)
		job->state = BAKECLI_WAITING;
	else
		job->state = BAKECLI_PAUSED;
	job->rate = 0;
	job->message[0] = '\0';
	bakecli_queue_write(queue);
}

static void drop(struct bakecli_queue *queue, size_t index)
{
	if (queue->jobs[index].in_child)
		bakecli_queue_stop(queue);
	release_job(&queue->jobs[index]);
	queue->count--;
	memmove(&queue->jobs[index], &queue->jobs[index + 1],
		(queue->count - index) * sizeof(queue->jobs[0]));
}

void bakecli_queue_cancel(struct bakecli_queue *queue, size_t index)
{
	if (index >= queue->count || queue->taken)
		return;
	drop(queue, index);
	bakecli_queue_write(queue);
}

void bakecli_queue_clear_done(struct bakecli_queue *queue)
{
	for (size_t i = queue->count; i > 0 && !queue->taken; i--) {
		if (queue->jobs[i - 1].state == BAKECLI_DONE)
			drop(queue, i - 1);
	}
	bakecli_queue_write(queue);
}

size_t bakecli_queue_move(struct bakecli_queue *queue, size_t index, bool up)
{
	size_t other = up ? index - 1 : index + 1;
	struct bakecli_job job;

	if (index >= queue->count || queue->taken || (up && index == 0) || other >= queue->count)
		return index;
	job = queue->jobs[index];
	queue->jobs[index] = queue->jobs[other];
	queue->jobs[other] = job;
	bakecli_queue_write(queue);
	return other;
}

void bakecli_queue_limit(struct bakecli_queue *queue, uint64_t limit)
{
	if (queue->taken || queue->limit == limit)
		return;
	queue->limit = limit;
	bakecli_queue_stop(queue);
	bakecli_queue_write(queue);
}

static bool may_run(const struct bakecli_job *job)
{
	return job->state == BAKECLI_WAITING || job->state == BAKECLI_RUNNING;
}

/* Whether each job is among those that shall be fetched now: the first few that one bake-fetch can
 * do. *out_same: those are the child's already. */
static size_t choose(
	const struct bakecli_queue *queue, bool chosen[BAKECLI_JOBS_MAX], bool *out_same)
{
	const struct bakecli_job *first = NULL;
	size_t count = 0;

	*out_same = true;
	for (size_t i = 0; i < queue->count; i++) {
		const struct bakecli_job *job = &queue->jobs[i];

		chosen[i] = count < BAKECLI_JOBS_AT_ONCE && may_run(job) &&
			    (!first || (strcmp(job->lock, first->lock) == 0 &&
					       strcmp(job->models, first->models) == 0));
		if (chosen[i]) {
			first = first ? first : job;
			count++;
		}
		if (chosen[i] != (job->in_child && job->state != BAKECLI_DONE &&
					 job->state != BAKECLI_FAILED))
			*out_same = false;
	}
	return count;
}

void bakecli_queue_tick(struct bakecli_queue *queue)
{
	bool chosen[BAKECLI_JOBS_MAX];
	bool same;
	size_t count;

	if (queue->taken)
		return;
	bakecli_queue_hear(queue);
	count = choose(queue, chosen, &same);
	if (queue->child) {
		if (!same)
			bakecli_queue_stop(queue);
		return;
	}
	for (size_t i = 0; i < queue->count; i++)
		queue->jobs[i].in_child = chosen[i];
	if (count)
		bakecli_queue_start(queue);
}

static void wait_for_child(struct bakecli_queue *queue)
{
	if (!queue->child)
		return;
	bakecli_queue_stop(queue);
	(void)bakecli_wait(queue->child);
	cleanup_close(&queue->events);
	queue->child = 0;
}

void bakecli_queue_close(struct bakecli_queue *queue)
{
	wait_for_child(queue);
	for (size_t i = 0; i < queue->count; i++) {
		if (queue->jobs[i].state == BAKECLI_RUNNING)
			queue->jobs[i].state = BAKECLI_WAITING;
	}
	bakecli_queue_write(queue);
	bakecli_queue_drop_all(queue);
	cleanup_close(&queue->guard);
	bake_buf_release(&queue->line);
	free(queue->dir);
	queue->dir = NULL;
}
