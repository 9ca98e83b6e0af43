/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fetch for a model, however many callers want it: the first does it, the others wait for its
 * end and share it. After a failure nobody tries again for a while: a thousand requests are no
 * reason to start a thousand processes.
 */
#ifndef RUNTIME_FLIGHT_H
#define RUNTIME_FLIGHT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct bake_flight {
	bool running;
	pid_t pid;		    /* of the program while it runs; else 0 */
	uint64_t landed;	    /* how many have ended */
	uint64_t failed_at;	    /* milliseconds, of the last one when it failed */
	struct bake_error *failure; /* its; NULL: it succeeded, or there was none */
};

struct bake_flights {
	pthread_mutex_t lock; /* of everything here */
	pthread_cond_t ended;
	struct bake_flight *all;
	size_t count;
	uint64_t retry_ms;
	bool cancelled;
};

/* What does the work. It says the pid of its process by bake_flight_started and, before that is
 * waited for, by bake_flight_started with 0. */
struct bake_flight_work {
	enum bake_status (*run)(
		void *context, struct bake_flights *flights, size_t at, struct bake_error *err);
	void *context;
};

enum bake_status bake_flights_init(struct bake_flights *flights, size_t count, uint64_t retry_ms,
	struct bake_error *err) BAKE_CHECKED;
void bake_flights_release(struct bake_flights *flights);

/* Does the work of flight at, or waits for who does it. */
enum bake_status bake_flight_join(struct bake_flights *flights, size_t at,
	const struct bake_flight_work *work, struct bake_error *err) BAKE_CHECKED;

/* False, and nothing noted, when all is cancelled: then the process is to be ended. */
bool bake_flight_started(struct bake_flights *flights, size_t at, pid_t pid);

/* Ends what runs by SIGTERM, and lets nothing begin. */
void bake_flights_cancel(struct bake_flights *flights);

#endif
