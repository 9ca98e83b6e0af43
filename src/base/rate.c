/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rate.h"

enum {
	STEP_MS = 250,	     /* shorter pieces of time tell nothing */
	SMOOTH_MS = 3 * 1000 /* a change shows to two thirds after about so long */
};

/* A rest that takes longer is not foreseen but made up. */
static const uint64_t left_max_ms = (uint64_t)30 * 24 * 3600 * 1000;

void bake_rate_init(struct bake_rate *rate, uint64_t now_ms)
{
	*rate = (struct bake_rate){.since_ms = now_ms};
}

/* Takes the last piece of time into the mean, weighed by its length. */
static void fold(struct bake_rate *rate, uint64_t now_ms)
{
	uint64_t past = now_ms > rate->since_ms ? now_ms - rate->since_ms : 0;
	double now;

	if (past < STEP_MS)
		return;
	now = (double)rate->bytes * 1000 / (double)past;
	if (rate->known)
		rate->per_s += (now - rate->per_s) * (double)past / (double)(past + SMOOTH_MS);
	else
		rate->per_s = now;
	/* Until the first byte there is no rate, however long connecting takes. */
	rate->known = rate->known || rate->bytes > 0;
	rate->bytes = 0;
	rate->since_ms = now_ms;
}

void bake_rate_add(struct bake_rate *rate, uint64_t bytes, uint64_t now_ms)
{
	fold(rate, now_ms);
	rate->bytes += bytes;
}

uint64_t bake_rate_get(struct bake_rate *rate, uint64_t now_ms)
{
	fold(rate, now_ms);
	return rate->known && rate->per_s > 0 ? (uint64_t)rate->per_s : 0;
}

bool bake_rate_left(struct bake_rate *rate, uint64_t left, uint64_t now_ms, uint64_t *out_ms)
{
	uint64_t per_s = bake_rate_get(rate, now_ms);
	double ms;

	if (!per_s)
		return false;
	ms = (double)left * 1000 / (double)per_s;
	if (ms > (double)left_max_ms)
		return false;
	*out_ms = (uint64_t)ms;
	return true;
}
