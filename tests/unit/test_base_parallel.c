/* SPDX-License-Identifier: Apache-2.0 */
/* Every index is worked on once, however many threads there are. */
#include "unit/rows.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/parallel.h"

static const struct loop_row {
	const char *name;
	size_t count;
	unsigned jobs;
} loops[] = {
	{"nothing to do", 0, 4},
	{"one for one", 1, 1},
	{"one for many", 1, 16},
	{"many for one", 1000, 1},
	{"fewer than threads", 3, 16},
	{"many for many", 20000, 8},
	{"one thread per processor", 5000, 0},
	{"more threads than are made", 5000, 1000},
};

/* Plain and not atomic: an index that two threads get is also a race that ThreadSanitizer sees. */
static void count_one(void *context, size_t index)
{
	((unsigned *)context)[index]++;
}

static void try_loop(void **state)
{
	const struct loop_row *row = *state;
	_cleanup_free_ unsigned *counts = calloc(row->count + 1, sizeof(*counts));

	assert_non_null(counts);
	bake_parallel(row->count, row->jobs, count_one, counts);
	for (size_t i = 0; i < row->count; i++)
		assert_int_equal(counts[i], 1);
	assert_int_equal(counts[row->count], 0);
}

struct meeting {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned present;
};

static void meet(void *context, size_t index)
{
	struct meeting *meeting = context;

	(void)index;
	(void)pthread_mutex_lock(&meeting->mutex);
	meeting->present++;
	(void)pthread_cond_broadcast(&meeting->changed);
	while (meeting->present < 3)
		(void)pthread_cond_wait(&meeting->changed, &meeting->mutex);
	(void)pthread_mutex_unlock(&meeting->mutex);
}

/* Would wait for ever, and be ended by ctest, if the three did not run at one time. */
static void work_is_at_one_time(void)
{
	struct meeting meeting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

	bake_parallel(3, 3, meet, &meeting);
	assert_int_equal(meeting.present, 3);
}

static void remember_thread(void *context, size_t index)
{
	((pthread_t *)context)[index] = pthread_self();
}

static void one_job_is_the_callers_thread(void)
{
	pthread_t threads[4];

	bake_parallel(4, 1, remember_thread, threads);
	for (size_t i = 0; i < 4; i++)
		assert_true(pthread_equal(threads[i], pthread_self()));
}

static void there_is_a_processor(void)
{
	assert_in_range(bake_processors(), 1, 4096);
}

static const struct scenario others[] = {
	{"three jobs are three at one time", work_is_at_one_time},
	{"one job is the caller's thread", one_job_is_the_callers_thread},
	{"there is at least one processor", there_is_a_processor},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(loops, try_loop),
		ROWS(others, play_scenario),
	};

	return run_rows("base/parallel", tables, countof(tables));
}
