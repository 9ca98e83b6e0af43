/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting before another attempt, and saying so. */
#ifndef NET_RETRY_H
#define NET_RETRY_H

#include "base/error.h"
#include "base/event.h"
#include "net/response.h"

/*
 * Tells why name failed (*err) and when it is tried again, attempt being 1 before the first
 * repetition, and waits for so long. BAKE_OK, or BAKE_ERR_INTERRUPTED when a signal asks to stop.
 */
enum bake_status bake_retry_wait(const struct bake_events *events, const char *name,
	unsigned attempt, const struct bake_response *response,
	struct bake_error *err) BAKE_CHECKED;

#endif
