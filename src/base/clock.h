/* SPDX-License-Identifier: Apache-2.0 */
/* Time: the monotonic clock for waiting, SOURCE_DATE_EPOCH for everything that is written. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/error.h"

/* Milliseconds of the monotonic clock. Only differences mean anything. */
uint64_t bake_clock_ms(void);

/* The same in microseconds. */
uint64_t bake_clock_us(void);

/*
 * The time that baked files carry, in seconds since 1970: SOURCE_DATE_EPOCH, 0 when unset.
 * BAKE_ERR_CONFIG when it is set to something else than a number below 2^38.
 */
enum bake_status bake_clock_source_date(int64_t *out, struct bake_error *err) BAKE_CHECKED;

enum {
	BAKE_TIME_TEXT = 32
};

/* "2026-11-21T06:47:00Z". Returns text. */
const char *bake_time_format(int64_t seconds, char text[BAKE_TIME_TEXT]);

#endif
