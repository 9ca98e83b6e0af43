/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/flight.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"

enum bake_status bake_flights_init(
	struct bake_flights *flights, size_t count, uint64_t retry_ms, struct bake_error *err)
{
	*flights = (struct bake_flights){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
		.all = calloc(count + 1, sizeof(*flights->all)),
		.count = count,
		.retry_ms = retry_ms,
	};
	return flights->all ? BAKE_OK : bake_error_nomem(err);
}

void bake_flights_release(struct bake_flights *flights)
{
	for (size_t i = 0; flights->all && i < flights->count; i++)
		free(flights->all[i].failure);
	free(flights->all);
	flights->all = NULL;
	(void)pthread_cond_destroy(&flights->ended);
	(void)pthread_mutex_destroy(&flights->lock);
}

static enum bake_status cancelled(struct bake_error *err)
{
	return bake_error_set(
		err, BAKE_ERR_INTERRUPTED, "interrupted", "fetching was cancelled by the program");
}

static enum bake_status outcome(const struct bake_flight *flight, struct bake_error *err)
{
	if (!flight->failure)
		return BAKE_OK;
	*err = *flight->failure;
	return err->status;
}

/* A failure that is too fresh for another attempt. */
static bool is_fresh(const struct bake_flights *flights, const struct bake_flight *flight)
{
	return flight->failure && bake_clock_ms() - flight->failed_at < flights->retry_ms;
}

static enum bake_status tell_fresh(const struct bake_flights *flights,
	const struct bake_flight *flight, struct bake_error *err)
{
	uint64_t ago = bake_clock_ms() - flight->failed_at;
	uint64_t left = flights->retry_ms > ago ? flights->retry_ms - ago : 0;

	*err = *flight->failure;
	err->hint[0] = '\0'; /* what to do now is to wait; the message stays */
	return bake_error_hint(
		err, "it is tried again in %" PRIu64 " seconds at the earliest", left / 1000 + 1);
}

/* Keeps how it ended. A cancelled one is no failure of the model. */
static void land(struct bake_flights *flights, struct bake_flight *flight,
	const struct bake_error *why, struct bake_error *room)
{
	free(flight->failure);
	flight->failure = NULL;
	if (why->status != BAKE_OK && room) {
		*room = *why;
		flight->failure = room;
		flight->failed_at = bake_clock_ms();
	} else {
		free(room);
	}
	flight->running = false;
	flight->landed++;
	(void)pthread_cond_broadcast(&flights->ended);
}

/* With the lock held: waits while somebody else flies. False: nobody did. */
static bool wait_for_other(struct bake_flights *flights, const struct bake_flight *flight)
{
	uint64_t landed = flight->landed;

	if (!flight->running)
		return false;
	while (flight->landed == landed)
		(void)pthread_cond_wait(&flights->ended, &flights->lock);
	return true;
}

enum bake_status bake_flight_join(struct bake_flights *flights, size_t at,
	const struct bake_flight_work *work, struct bake_error *err)
{
	struct bake_flight *flight = &flights->all[at];
	struct bake_error why = BAKE_ERROR_INIT;
	struct bake_error *room = calloc(1, sizeof(*room));
	enum bake_status status = BAKE_OK;
	bool mine = false;

	(void)pthread_mutex_lock(&flights->lock);
	if (flights->cancelled) {
		status = cancelled(err);
	} else if (wait_for_other(flights, flight)) {
		status = outcome(flight, err);
	} else if (is_fresh(flights, flight)) {
		status = tell_fresh(flights, flight, err);
	} else {
		flight->running = true;
		mine = true;
	}
	(void)pthread_mutex_unlock(&flights->lock);
	if (!mine) {
		free(room);
		return status;
	}
	status = work->run(work->context, flights, at, &why);
	(void)pthread_mutex_lock(&flights->lock);
	if (flights->cancelled && status != BAKE_OK)
		cancelled(&why);
	land(flights, flight, &why, room);
	(void)pthread_mutex_unlock(&flights->lock);
	if (why.status != BAKE_OK)
		*err = why;
	return why.status;
}

bool bake_flight_started(struct bake_flights *flights, size_t at, pid_t pid)
{
	bool go;

	(void)pthread_mutex_lock(&flights->lock);
	go = !flights->cancelled || pid == 0;
	if (go)
		flights->all[at].pid = pid;
	(void)pthread_mutex_unlock(&flights->lock);
	return go;
}

void bake_flights_cancel(struct bake_flights *flights)
{
	(void)pthread_mutex_lock(&flights->lock);
	flights->cancelled = true;
	for (size_t i = 0; i < flights->count; i++) {
		if (flights->all[i].pid > 0) /* not waited for yet: nobody else has that number */
			(void)kill(flights->all[i].pid, SIGTERM);
	}
	(void)pthread_mutex_unlock(&flights->lock);
}
