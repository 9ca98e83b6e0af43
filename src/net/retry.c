/* SPDX-License-Identifier: Apache-2.0 */
#include "net/retry.h"

#include <time.h>

#include "base/clock.h"
#include "base/stop.h"
#include "net/http.h"

enum {
	STEP_MS = 20 /* so that a signal is seen soon */
};

enum bake_status bake_retry_wait(const struct bake_events *events, const char *name,
	unsigned attempt, const struct bake_response *response, struct bake_error *err)
{
	uint64_t begin = bake_clock_ms();
	struct bake_event event = {
		.kind = BAKE_EVENT_RETRY,
		.name = name,
		.wait_ms = bake_retry_wait_ms(attempt, response),
		.error = err,
	};

	bake_emit(events, &event);
	while (bake_clock_ms() - begin < event.wait_ms) {
		struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

		BAKE_TRY(bake_stop_check(err));
		(void)nanosleep(&step, NULL);
	}
	return BAKE_OK;
}
