/* SPDX-License-Identifier: Apache-2.0 */
/* A loop spread over threads. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

/*
 * Calls work(context, i) once for each i below count, by up to jobs threads (0: one per online
 * processor), and returns when all are done. With one job, or when no thread can be made, the
 * caller's thread does it. work is responsible for what it shares.
 */
void bake_parallel(
	size_t count, unsigned jobs, void (*work)(void *context, size_t index), void *context);

/* Processors this process may run on, at least 1. */
unsigned bake_processors(void);

#endif
