/* SPDX-License-Identifier: Apache-2.0 */
#include "net/bucket.h"

#include <stdbool.h>

#include "base/num.h"

#define SECOND_US ((uint64_t)1000000)
#define RATE_MAX  ((uint64_t)1 << 63)

enum {
	/* What can be saved up, as a part of a second: above it, a loop that is late by so much
	 * loses throughput; below, it goes into what a window of time can exceed the limit by. */
	BURST_PARTS = 4,
	PIECE_PARTS = 8,
	PIECE_MIN = 1024,
};

__extension__ typedef unsigned __int128 wide;

void bake_bucket_init(struct bake_bucket *bucket, uint64_t bytes_per_sec, uint64_t now_us)
{
	uint64_t rate = bake_u64_min(bytes_per_sec, RATE_MAX);

	*bucket = (struct bake_bucket){
		.rate = rate,
		.burst = bake_u64_max(rate / BURST_PARTS, 1),
		.seen_us = now_us,
	};
}

/* What is missing until the bucket is full: level and burst are below 2^63 in size. */
static uint64_t room_of(const struct bake_bucket *bucket)
{
	return bucket->burst - (uint64_t)bucket->level;
}

static void refill(struct bake_bucket *bucket, uint64_t now_us)
{
	wide gained;
	uint64_t room = room_of(bucket);

	if (now_us <= bucket->seen_us)
		return;
	gained = (wide)bucket->rate * (now_us - bucket->seen_us) + bucket->fraction;
	bucket->seen_us = now_us;
	if (gained / SECOND_US > room) {
		bucket->level = (int64_t)bucket->burst;
		bucket->fraction = 0;
		return;
	}
	bucket->level = (int64_t)((uint64_t)bucket->level + (uint64_t)(gained / SECOND_US));
	bucket->fraction = (uint64_t)(gained % SECOND_US);
}

static bool is_unlimited(const struct bake_bucket *bucket)
{
	return bucket->rate == 0;
}

uint64_t bake_bucket_allow(struct bake_bucket *bucket, uint64_t now_us)
{
	if (is_unlimited(bucket))
		return UINT64_MAX;
	refill(bucket, now_us);
	return bucket->level > 0 ? (uint64_t)bucket->level : 0;
}

void bake_bucket_take(struct bake_bucket *bucket, uint64_t bytes, uint64_t now_us)
{
	int64_t rest;

	if (is_unlimited(bucket))
		return;
	refill(bucket, now_us);
	if (bytes > INT64_MAX || __builtin_sub_overflow(bucket->level, (int64_t)bytes, &rest))
		rest = -INT64_MAX; /* a debt of eight exabytes: nobody will see its end */
	bucket->level = rest < -INT64_MAX ? -INT64_MAX : rest;
}

uint64_t bake_bucket_wait_us(struct bake_bucket *bucket, uint64_t now_us)
{
	wide missing;
	wide wait;

	if (is_unlimited(bucket))
		return 0;
	refill(bucket, now_us);
	if (bucket->level > 0)
		return 0;
	missing = ((wide)1 + (uint64_t)-bucket->level) * SECOND_US - bucket->fraction;
	wait = (missing + bucket->rate - 1) / bucket->rate;
	/* A clock that went back has to come up to what has been counted already. */
	if (now_us < bucket->seen_us)
		wait += bucket->seen_us - now_us;
	return wait > UINT64_MAX ? UINT64_MAX : (uint64_t)wait;
}

size_t bake_bucket_piece(const struct bake_bucket *bucket, size_t most)
{
	uint64_t piece = bake_u64_max(bucket->rate / PIECE_PARTS, PIECE_MIN);

	return is_unlimited(bucket) ? most : (size_t)bake_u64_min(piece, most);
}
