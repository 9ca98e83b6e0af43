/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One token bucket for all connections: a bandwidth limit that does not depend on how many there
 * are. Whoever has received bytes takes them; while the bucket is in debt nobody reads on.
 *
 *	if (!bake_bucket_allow(&bucket, now))
 *		... pause this connection, look again in bake_bucket_wait_us(&bucket, now) ...
 *	bake_bucket_take(&bucket, len, now);
 *
 * Asked in front of each piece like this, in any time T no more than rate * T + a quarter of a
 * second's worth + one piece goes through. With pieces of at most bake_bucket_piece, that is within
 * 5 % of the limit over 10 s (from 20 kB/s on, where a piece is no longer worth a second). Nothing is lost to rounding, however small the steps.
 *
 * The clock is an argument: microseconds of any clock that does not go back; when it does, no time
 * has passed. Not for several threads at a time.
 */
#ifndef NET_BUCKET_H
#define NET_BUCKET_H

#include <stddef.h>
#include <stdint.h>

struct bake_bucket {
	uint64_t rate;	   /* bytes per second; 0: no limit */
	uint64_t burst;	   /* most that can be saved up while nobody reads */
	int64_t level;	   /* bytes that may be taken; negative: debt */
	uint64_t fraction; /* of the next byte, in millionths */
	uint64_t seen_us;  /* up to when level counts */
};

/* An empty bucket: a process that is started again and again gets no burst each time. 0 bytes per
 * second mean no limit; more than 2^63 are 2^63. */
void bake_bucket_init(struct bake_bucket *bucket, uint64_t bytes_per_sec, uint64_t now_us);

/* Bytes that may be taken now: 0 in debt, UINT64_MAX without a limit. */
uint64_t bake_bucket_allow(struct bake_bucket *bucket, uint64_t now_us);

/* Takes bytes, also more than are there: the rest is debt. */
void bake_bucket_take(struct bake_bucket *bucket, uint64_t bytes, uint64_t now_us);

/* How long until there is a byte to take: 0 when there is one. */
uint64_t bake_bucket_wait_us(struct bake_bucket *bucket, uint64_t now_us);

/* The largest piece to read at a time: at most `most`, and less under a low limit, where one great
 * piece would be a burst by itself. At least 1 KiB. */
size_t bake_bucket_piece(const struct bake_bucket *bucket, size_t most);

#endif
