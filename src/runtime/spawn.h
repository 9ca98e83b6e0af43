/* SPDX-License-Identifier: Apache-2.0 */
/* bake-fetch, run by another program that goes on meanwhile. */
#ifndef RUNTIME_SPAWN_H
#define RUNTIME_SPAWN_H

#include "runtime/inner.h"

/*
 * Fetches one model into the runtime's fallback directory: an argument vector, no shell; the
 * environment is the caller's. Its failure is runtime.fetch with bake-fetch's own status, and its
 * id and message in the message.
 */
enum bake_status bake_spawn_fetch(const struct bake_runtime *runtime, const char *model,
	struct bake_flights *flights, size_t at, struct bake_error *err) BAKE_CHECKED;

#endif
