/* SPDX-License-Identifier: Apache-2.0 */
/* How fast bytes come, smoothed over some seconds, and how long the rest will take. */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct bake_rate {
	double per_s;	   /* smoothed, bytes per second */
	uint64_t bytes;	   /* came since since_ms and are not in per_s yet */
	uint64_t since_ms; /* of the monotonic clock */
	bool known;
};

void bake_rate_init(struct bake_rate *rate, uint64_t now_ms);

/* bytes have come. What was there before, resumed or copied, is never added. */
void bake_rate_add(struct bake_rate *rate, uint64_t bytes, uint64_t now_ms);

/* Bytes per second, 0 while it is not known. Falls when nothing comes. */
uint64_t bake_rate_get(struct bake_rate *rate, uint64_t now_ms);

/* How long left bytes take at the rate. False when that cannot be told. */
bool bake_rate_left(struct bake_rate *rate, uint64_t left, uint64_t now_ms, uint64_t *out_ms);

#endif
