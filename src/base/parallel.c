/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum {
	THREADS_MAX = 64
};

struct loop {
	size_t count;
	atomic_size_t next;
	void (*work)(void *context, size_t index);
	void *context;
};

static void *run(void *argument)
{
	struct loop *loop = argument;
	size_t index;

	while ((index = atomic_fetch_add(&loop->next, 1)) < loop->count)
		loop->work(loop->context, index);
	return NULL;
}

unsigned bake_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return CPU_COUNT(&set) > 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

void bake_parallel(
	size_t count, unsigned jobs, void (*work)(void *context, size_t index), void *context)
{
	struct loop loop = {.count = count, .work = work, .context = context};
	pthread_t threads[THREADS_MAX];
	unsigned started = 0;

	if (jobs == 0)
		jobs = bake_processors();
	if (jobs > THREADS_MAX)
		jobs = THREADS_MAX;
	/* The caller is one of the workers, so that failing to start threads costs only time. */
	while (started + 1 < jobs && started + 1 < count &&
		pthread_create(&threads[started], NULL, run, &loop) == 0)
		started++;
	(void)run(&loop);
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
}
