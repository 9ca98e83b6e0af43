/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs run when they are posted, again when they are posted meanwhile, never two at a time. */
#include "unit/rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crew.h"

/* A job that counts its runs, and can be made to wait in the middle of one. */
struct counter {
	struct bake_job job;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned begun;
	unsigned allowed; /* runs that may end */
	/* Plain: a run that overlaps another one is also a race that ThreadSanitizer sees. */
	unsigned ended;
	atomic_uint inside;
	atomic_bool overlapped;
};

static void count_run(struct bake_job *job)
{
	struct counter *counter = (struct counter *)job;

	if (atomic_fetch_add(&counter->inside, 1) > 0)
		atomic_store(&counter->overlapped, true);
	(void)pthread_mutex_lock(&counter->lock);
	counter->begun++;
	(void)pthread_cond_broadcast(&counter->changed);
	while (counter->allowed < counter->begun)
		(void)pthread_cond_wait(&counter->changed, &counter->lock);
	(void)pthread_mutex_unlock(&counter->lock);
	counter->ended++;
	(void)atomic_fetch_sub(&counter->inside, 1);
}

static void counter_init(struct counter *counter, unsigned allowed)
{
	*counter = (struct counter){.job.run = count_run, .allowed = allowed};
	(void)pthread_mutex_init(&counter->lock, NULL);
	(void)pthread_cond_init(&counter->changed, NULL);
}

static void await_begun(struct counter *counter, unsigned runs)
{
	(void)pthread_mutex_lock(&counter->lock);
	while (counter->begun < runs)
		(void)pthread_cond_wait(&counter->changed, &counter->lock);
	(void)pthread_mutex_unlock(&counter->lock);
}

static void allow(struct counter *counter, unsigned runs)
{
	(void)pthread_mutex_lock(&counter->lock);
	counter->allowed = runs;
	(void)pthread_cond_broadcast(&counter->changed);
	(void)pthread_mutex_unlock(&counter->lock);
}

static struct bake_crew *new_crew(unsigned threads)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_crew *crew = NULL;

	check_status(bake_crew_new(threads, &crew, &err), &err, BAKE_OK, NULL);
	return crew;
}

#define CREW(threads) _cleanup_(bake_crew_free) struct bake_crew *crew = new_crew((threads))

static void a_posted_job_runs(void)
{
	struct counter counter;

	CREW(1);
	counter_init(&counter, 1);
	bake_crew_post(crew, &counter.job);
	await_begun(&counter, 1);
	bake_crew_wait(crew, &counter.job);
	assert_int_equal(counter.ended, 1);
}

static void a_job_can_be_posted_again_after_its_end(void)
{
	struct counter counter;

	CREW(0);
	counter_init(&counter, 100);
	for (unsigned i = 1; i <= 100; i++) {
		bake_crew_post(crew, &counter.job);
		await_begun(&counter, i);
		bake_crew_wait(crew, &counter.job);
		assert_int_equal(counter.ended, i);
	}
}

/* However often it is posted while it runs, it runs once more. */
static void a_job_posted_while_it_runs_runs_once_more(void)
{
	struct counter counter;

	CREW(4);
	counter_init(&counter, 0);
	bake_crew_post(crew, &counter.job);
	await_begun(&counter, 1);
	for (unsigned i = 0; i < 5; i++)
		bake_crew_post(crew, &counter.job);
	allow(&counter, 2);
	await_begun(&counter, 2);
	bake_crew_wait(crew, &counter.job);
	assert_int_equal(counter.ended, 2);
	assert_false(counter.overlapped);
}

static void a_job_posted_twice_in_the_queue_runs_once(void)
{
	struct counter first;
	struct counter second;
	struct counter third;

	CREW(1);
	counter_init(&first, 0);
	counter_init(&second, 10);
	counter_init(&third, 10);
	bake_crew_post(crew, &first.job);
	await_begun(&first, 1);
	bake_crew_post(crew, &second.job);
	bake_crew_post(crew, &second.job);
	bake_crew_post(crew, &third.job);
	allow(&first, 1);
	await_begun(&third, 1); /* the queue is in order: second is through */
	bake_crew_wait(crew, &third.job);
	bake_crew_wait(crew, &second.job);
	bake_crew_wait(crew, &first.job);
	assert_int_equal(second.ended, 1);
	assert_int_equal(third.ended, 1);
}

static void waiting_for_an_idle_job_returns(void)
{
	struct counter counter;

	CREW(2);
	counter_init(&counter, 0);
	bake_crew_wait(crew, &counter.job);
	assert_int_equal(counter.begun, 0);
}

/* The places in a queue from which a job may be taken. */
static const struct queue_row {
	const char *name;
	unsigned taken;
} queue[] = {
	{"the first", 0},
	{"one in the middle", 1},
	{"the last", 2},
};

/* Taken out of the queue, and posted again: so the queue's ends are right. */
static void try_queue(void **state)
{
	const struct queue_row *row = *state;
	struct counter busy;
	struct counter waiting[3];

	CREW(1);
	counter_init(&busy, 0);
	bake_crew_post(crew, &busy.job);
	await_begun(&busy, 1);
	for (unsigned i = 0; i < countof(waiting); i++) {
		counter_init(&waiting[i], 10);
		bake_crew_post(crew, &waiting[i].job);
	}
	bake_crew_wait(crew, &waiting[row->taken].job);
	assert_int_equal(waiting[row->taken].begun, 0);
	bake_crew_post(crew, &waiting[row->taken].job);
	bake_crew_wait(crew, &waiting[row->taken].job);
	allow(&busy, 1);
	for (unsigned i = 0; i < countof(waiting); i++) {
		if (i == row->taken)
			continue;
		await_begun(&waiting[i], 1);
		bake_crew_wait(crew, &waiting[i].job);
		assert_int_equal(waiting[i].ended, 1);
	}
	bake_crew_wait(crew, &busy.job);
	assert_int_equal(waiting[row->taken].begun, 0);
}

/* What was posted meanwhile is not run any more once its owner waits. */
static void waiting_takes_back_the_repetition(void)
{
	struct counter busy;
	struct counter other;

	CREW(1);
	counter_init(&busy, 0);
	counter_init(&other, 10);
	bake_crew_post(crew, &busy.job);
	await_begun(&busy, 1);
	bake_crew_post(crew, &busy.job);
	bake_crew_post(crew, &other.job);
	/* busy would come again behind other, and wait for the second run to be allowed. */
	allow(&busy, 1);
	await_begun(&other, 1);
	bake_crew_wait(crew, &other.job);
	allow(&busy, 2);
	bake_crew_wait(crew, &busy.job);
	assert_in_range(busy.ended, 1, 2);
	assert_int_equal(busy.ended, busy.begun);
	assert_int_equal(busy.job.state, BAKE_JOB_IDLE);
}

/* Ends once the main thread, which said that it is about to free the crew, sleeps: by then it has
 * said so to the crew, too, and waits for this thread. */
static void outlast(struct bake_job *job)
{
	struct counter *counter = (struct counter *)job;
	char path[64];
	char state = 'R';

	count_run(job);
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)getpid());
	while (state != 'S') {
		char text[256] = "";
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		const char *at;

		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
			abort();
		at = strstr(text, ") ");
		state = at ? at[2] : 'R';
	}
	counter->ended++;
}

static void queued_jobs_are_not_run_at_the_end(void)
{
	struct counter busy;
	struct counter again;
	struct counter waiting;
	struct bake_crew *crew = new_crew(1);

	counter_init(&busy, 0);
	counter_init(&again, 10);
	counter_init(&waiting, 10);
	busy.job.run = outlast;
	bake_crew_post(crew, &busy.job);
	await_begun(&busy, 1);
	bake_crew_post(crew, &busy.job);
	bake_crew_post(crew, &waiting.job);
	bake_crew_post(crew, &again.job);
	allow(&busy, 1);
	bake_crew_free(&crew);
	assert_null(crew);
	assert_int_equal(busy.begun, 1);
	assert_int_equal(busy.ended, 2); /* by count_run and by outlast */
	assert_int_equal(waiting.begun, 0);
	assert_int_equal(again.begun, 0);
	bake_crew_free(&crew);
}

static void blocks_signals(struct bake_job *job)
{
	struct counter *counter = (struct counter *)job;
	sigset_t set;

	(void)pthread_sigmask(SIG_BLOCK, NULL, &set);
	counter->ended =
		(unsigned)(sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGINT) == 1);
	(void)pthread_mutex_lock(&counter->lock);
	counter->begun++;
	(void)pthread_cond_broadcast(&counter->changed);
	(void)pthread_mutex_unlock(&counter->lock);
}

static void signals_are_the_callers(void)
{
	struct counter counter;
	sigset_t before;
	sigset_t after;

	(void)pthread_sigmask(SIG_BLOCK, NULL, &before);
	CREW(1);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &after);
	counter_init(&counter, 1);
	counter.job.run = blocks_signals;
	bake_crew_post(crew, &counter.job);
	await_begun(&counter, 1);
	bake_crew_wait(crew, &counter.job);
	assert_int_equal(counter.ended, 1);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

/* Two jobs of which each ends only when both have begun. */
struct pair {
	struct bake_job job;
	struct pair *other;
	pthread_mutex_t *lock;
	pthread_cond_t *changed;
	bool here;
};

static void meet(struct bake_job *job)
{
	struct pair *pair = (struct pair *)job;

	(void)pthread_mutex_lock(pair->lock);
	pair->here = true;
	(void)pthread_cond_broadcast(pair->changed);
	while (!pair->other->here)
		(void)pthread_cond_wait(pair->changed, pair->lock);
	(void)pthread_mutex_unlock(pair->lock);
}

/* Would wait for ever, and be ended by ctest, if there were one thread on any machine. */
static void a_slow_job_does_not_hold_up_another(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
	struct pair second = {.job.run = meet, .lock = &lock, .changed = &changed};
	struct pair first = second;

	first.other = &second;
	second.other = &first;
	CREW(0);
	bake_crew_post(crew, &first.job);
	bake_crew_post(crew, &second.job);
	(void)pthread_mutex_lock(&lock);
	while (!first.here || !second.here)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
	bake_crew_wait(crew, &first.job);
	bake_crew_wait(crew, &second.job);
	assert_true(first.here && second.here);
}

/* A job works off what has been laid down for it, as a sink's does. */
struct sum {
	struct bake_job job;
	_Atomic uint64_t given;
	uint64_t done; /* plain, for ThreadSanitizer */
	atomic_uint inside;
	atomic_bool overlapped;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t shown;
};

static void work_off(struct bake_job *job)
{
	struct sum *sum = (struct sum *)job;

	if (atomic_fetch_add(&sum->inside, 1) > 0)
		atomic_store(&sum->overlapped, true);
	while (sum->done < sum->given)
		sum->done++;
	(void)atomic_fetch_sub(&sum->inside, 1);
	(void)pthread_mutex_lock(&sum->lock);
	sum->shown = sum->done;
	(void)pthread_cond_broadcast(&sum->moved);
	(void)pthread_mutex_unlock(&sum->lock);
}

enum {
	POSTERS = 4,
	JOBS = 8,
	POSTS = 2000
};

struct poster {
	struct bake_crew *crew;
	struct sum *sums;
};

static void *post_many(void *argument)
{
	const struct poster *poster = argument;

	for (unsigned i = 0; i < POSTS; i++) {
		struct sum *sum = &poster->sums[i % JOBS];

		sum->given++;
		bake_crew_post(poster->crew, &sum->job);
	}
	return NULL;
}

static void post_from_threads(struct poster *poster)
{
	pthread_t threads[POSTERS];

	for (unsigned i = 0; i < POSTERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, poster), 0);
	for (unsigned i = 0; i < POSTERS; i++)
		(void)pthread_join(threads[i], NULL);
}

static const struct load_row {
	const char *name;
	unsigned threads;
} loads[] = {
	{"one thread", 1},
	{"two threads", 2},
	{"as many as there are processors", 0},
	{"more than are made", 1000},
};

/* Would wait for ever, and be ended by ctest, if a post were lost. */
static void try_load(void **state)
{
	const struct load_row *row = *state;
	struct sum sums[JOBS] = {0};
	uint64_t want = (uint64_t)POSTERS * POSTS / JOBS;

	CREW(row->threads);
	for (unsigned i = 0; i < JOBS; i++) {
		sums[i].job.run = work_off;
		(void)pthread_mutex_init(&sums[i].lock, NULL);
		(void)pthread_cond_init(&sums[i].moved, NULL);
	}
	post_from_threads(&(struct poster){crew, sums});
	for (unsigned i = 0; i < JOBS; i++) {
		(void)pthread_mutex_lock(&sums[i].lock);
		while (sums[i].shown < want)
			(void)pthread_cond_wait(&sums[i].moved, &sums[i].lock);
		(void)pthread_mutex_unlock(&sums[i].lock);
		bake_crew_wait(crew, &sums[i].job);
		assert_int_equal(sums[i].done, want);
		assert_false(sums[i].overlapped);
	}
}

static const struct scenario jobs[] = {
	{"a posted job runs", a_posted_job_runs},
	{"posted again after its end", a_job_can_be_posted_again_after_its_end},
	{"posted while it runs: once more", a_job_posted_while_it_runs_runs_once_more},
	{"posted twice in the queue: once", a_job_posted_twice_in_the_queue_runs_once},
	{"waiting for an idle job returns", waiting_for_an_idle_job_returns},
	{"waiting takes back the repetition", waiting_takes_back_the_repetition},
	{"the end: queued jobs are not run", queued_jobs_are_not_run_at_the_end},
	{"signals are the caller's", signals_are_the_callers},
	{"a slow job does not hold up another", a_slow_job_does_not_hold_up_another},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(jobs, play_scenario),
		ROWS(queue, try_queue),
		ROWS(loads, try_load),
	};

	return run_rows("base/crew", tables, countof(tables));
}
