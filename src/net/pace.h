/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a file is divided among connections: arithmetic without I/O. Plain arrays in, offsets out.
 *
 * A lane is one of the file's connections, working or idle. All of a file's lanes are in one array,
 * so that each question is answered in view of all of them; an answer names a lane by its index.
 *
 *	bake_segment_plan       what the idle lanes fetch next of what nobody has
 *	bake_segment_split      when nobody has nothing: whose rest an idle lane takes, and from where
 *	bake_segment_straggler  who is so far below its siblings that a new connection is better
 */
#ifndef NET_PACE_H
#define NET_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BAKE_SEGMENT_BYTES_MIN = 1024 * 1024,
	/* Cuts fall on pages, so that two lanes seldom write into one. */
	BAKE_SEGMENT_ALIGN = 4096,
};

/* Speed of one connection: what arrives in a tenth of a second or more, smoothed over a second.
 * Times are microseconds of a clock that does not go back. */
struct bake_meter {
	uint64_t rate; /* bytes per second, up to since_us */
	bool has_rate;
	uint64_t since_us;
	uint64_t bytes;	  /* since then */
	uint64_t last_us; /* when the last of them came */
};

/* A meter is a connection's, and lives as long. */
void bake_meter_init(struct bake_meter *meter, uint64_t now_us);

/* Leaves out the time since the last bytes. To be called when a request is sent, so that having
 * nothing to do is no slowness, and when its answer begins, so that waiting for it was none.
 * Between the two the rate falls, slowly: an answer that never comes is slowness. */
void bake_meter_resume(struct bake_meter *meter, uint64_t now_us);

void bake_meter_add(struct bake_meter *meter, uint64_t bytes, uint64_t now_us);

/* Bytes per second as of now: falls while nothing arrives. 0 during the first hundredth of a
 * second, when nobody can tell. */
uint64_t bake_meter_rate(const struct bake_meter *meter, uint64_t now_us);

/* Bytes of a file: from first, below end. */
struct bake_range {
	uint64_t first;
	uint64_t end;
};

struct bake_lane {
	struct bake_range left; /* what it has still to fetch; empty: idle */
	uint64_t speed;	   /* of its meter; of an idle one, as it was at its end. 0: not known */
	uint64_t age_us;   /* of its connection, since the first request was sent on it */
	unsigned replaced; /* how often this lane's connection was given up as too slow */
};

/*
 * Gives each idle lane a part of what nobody has: out[i] is for lanes[i], empty for those that work
 * already or get nothing. Returns how many got something.
 *
 * left are the ranges that are neither here nor in a lane, in order; the first go first, because
 * the hash follows from the front. A part is a lane's share of all that is left, by its speed, at
 * least min_bytes and at most max_bytes (0: no bound), within one range. What would remain of a
 * range below min_bytes goes with the part in front of it.
 */
size_t bake_segment_plan(const struct bake_range *left, size_t left_count,
	const struct bake_lane *lanes, size_t lane_count, uint64_t min_bytes, uint64_t max_bytes,
	struct bake_range *out);

struct bake_split {
	size_t victim; /* its range ends at cut now, */
	uint64_t cut;  /* and from there to its former end is the thief's */
};

/*
 * For the idle lane `thief`: of the lanes where that is worth a request, the one that would be
 * ready last, cut so that both are ready at about the same time, the thief after latency_us of
 * waiting for an answer. False when it is worth it nowhere: less than a twentieth of a second
 * gained, less than 64 KiB moved and not a quarter of a second gained, or no speed known at all.
 * The victim keeps something: left.first < cut < left.end. Thieves that have a connection to use
 * again should be asked for first.
 */
bool bake_segment_split(const struct bake_lane *lanes, size_t lane_count, size_t thief,
	uint64_t latency_us, struct bake_split *out);

/*
 * The slowest lane that is below an eighth of the median, or lane_count: its connection should be
 * given up and its range asked for again on a new one. A lane is judged when its connection is half
 * a second old, or ten times latency_us (by then it is out of slow start), whichever is more,
 * doubled with each time that it was replaced, up to a minute; if it has half a second of work
 * left; and by two siblings at least, busy or idle, of such an age. latency_us is the usual time
 * from a request to its first byte. Not to be asked while a bandwidth limit holds connections
 * back: their speeds say nothing then.
 */
size_t bake_segment_straggler(
	const struct bake_lane *lanes, size_t lane_count, uint64_t latency_us);

#endif
