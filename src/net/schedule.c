/* SPDX-License-Identifier: Apache-2.0 */
/* Who brings what of a file: parts from the front, as large as a connection is fast. */
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "net/engine.h"

enum {
	FIRST_BYTES = 8 * 1024 * 1024,	/* of a source whose speed is not known */
	PART_MAX = 256 * 1024 * 1024,	/* with several connections, */
	ALONE_MAX = 1024 * 1024 * 1024, /* with one */
	PART_US = 250 * 1000,		/* a part takes at least so long, */
	PART_LATENCIES = 16,		/* and so many times as long as asking for it */
	LOOK_US = 20 * 1000,		/* one connection is watched before more are opened */
	WATCH_US = 300 * 1000,		/* and then in turns of so long */
	FAST_BYTES_PER_SEC = 400 * 1000 * 1000, /* so fast, many would only be in their own way */
	MORE_US = 10 * 1000 * 1000,		/* until one more connection is tried */
};

void bake_work_want(struct bake_work *work, uint64_t first, uint64_t end)
{
	/* Never full: what is missing lies between what is there and what is under way, and of
	 * neither are there more ranges than these. */
	if (first < end)
		(void)bake_extents_add(&work->todo, first, end);
}

unsigned bake_work_busy(const struct bake_work *work)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < work->stream_count; i++)
		busy += work->streams[i].exchange ? 1 : 0;
	return busy;
}

void bake_work_halt(struct bake_work *work)
{
	for (unsigned i = 0; i < work->stream_count; i++)
		bake_stream_cancel(&work->streams[i]);
}

/* Whether few connections are too slow: told by what comes in a while, first in a short one. */
static bool needs_many(struct bake_work *work, uint64_t now_us)
{
	bool first = work->watch_us == work->first_byte_us;
	uint64_t passed_us = now_us - work->watch_us;
	uint64_t enough = first ? FAST_BYTES_PER_SEC / 2 : FAST_BYTES_PER_SEC;

	if (work->engine->spread || work->spread)
		return work->spread = true;
	if (passed_us < (first ? LOOK_US : WATCH_US) || bake_work_busy(work) == 0)
		return false;
	work->spread = work->got < work->watch_got ||
		       (work->got - work->watch_got) < enough / 1000 * passed_us / 1000;
	work->engine->spread = work->spread;
	work->watch_us = now_us;
	work->watch_got = work->got;
	return work->spread;
}

/* How many connections the file may have now. One at first; two of a fast source, so that one
 * brings something while the other waits for an answer; all of a slow one. */
static unsigned streams_wanted(struct bake_work *work, uint64_t now_us)
{
	if (!work->transfer->has_size || work->unranged || !work->ranged || !work->first_byte_us)
		return 1;
	if (!needs_many(work, now_us))
		return work->watch_us > work->first_byte_us && work->streams_max > 1 ? 2 : 1;
	if (work->streams_max < work->stream_count && now_us >= work->streams_more_us) {
		work->streams_max++; /* what the server refused a while ago it may grant now */
		work->streams_more_us = now_us + MORE_US;
	}
	return work->streams_max;
}

/* The streams as pace.h sees them. */
static void describe(
	const struct bake_work *work, uint64_t now_us, struct bake_lane lanes[BAKE_CONNECTIONS_MAX])
{
	for (unsigned i = 0; i < work->stream_count; i++) {
		const struct bake_stream *stream = &work->streams[i];
		bool busy = stream->exchange != NULL;

		lanes[i] = (struct bake_lane){
			.left = {busy ? stream->next : 0, busy ? stream->end : 0},
			.speed =
				busy ? bake_meter_rate(&stream->meter, now_us) : stream->last_speed,
			.age_us = stream->born_us ? now_us - stream->born_us : 0,
			.replaced = stream->replaced,
		};
	}
}

/* The largest part to ask for at a time: small enough for the hash to follow closely, large enough
 * for the asking not to matter; towards the end smaller, so that all end together and the hash has
 * little left to do then. */
static uint64_t part_max(
	const struct bake_work *work, const struct bake_lane *lanes, unsigned wanted)
{
	uint64_t left = work->transfer->size - work->got;
	uint64_t us = bake_u64_max(PART_US, PART_LATENCIES * work->latency_us);
	uint64_t speed = 0;

	if (work->stream_count == 1)
		return ALONE_MAX;
	for (unsigned i = 0; i < work->stream_count; i++)
		speed = bake_u64_max(speed, lanes[i].speed);
	if (speed == 0)
		return FIRST_BYTES;
	speed = bake_u64_min(speed / 1000, PART_MAX) * (us / 1000);
	speed = bake_u64_min(speed, bake_u64_min(PART_MAX, left / wanted / 2));
	return bake_u64_max(speed, BAKE_SEGMENT_BYTES_MIN);
}

static void start(struct bake_work *work, struct bake_stream *stream, uint64_t first, uint64_t end)
{
	unsigned busy;

	stream->next = first;
	stream->end = end;
	bake_stream_start(stream);
	busy = bake_work_busy(work);
	if (busy > work->transfer->connections)
		work->transfer->connections = busy;
}

/* Without a size there is one part, and it is all. */
static void start_unsized(struct bake_work *work)
{
	if (bake_work_busy(work) > 0)
		return;
	work->todo.count = 0;
	start(work, &work->streams[0], 0, UINT64_MAX);
}

/* Takes [first, end) out of what is to be done: the front of one of its ranges. */
static void take(struct bake_work *work, struct bake_range part)
{
	struct bake_extents *todo = &work->todo;

	for (size_t i = 0; i < todo->count; i++) {
		if (todo->list[i].first != part.first)
			continue;
		todo->list[i].first = part.end;
		if (todo->list[i].first < todo->list[i].end)
			return;
		todo->count--;
		memmove(&todo->list[i], &todo->list[i + 1],
			(todo->count - i) * sizeof(todo->list[0]));
		return;
	}
}

/* The lanes that take part: those that work, and as many idle ones as make wanted. Returns how
 * many there are; of[i] is the stream of lanes[i]. */
static unsigned choose(
	const struct bake_work *work, struct bake_lane *lanes, unsigned *of, unsigned wanted)
{
	unsigned busy = bake_work_busy(work);
	unsigned idle = wanted > busy ? wanted - busy : 0;
	unsigned count = 0;

	for (unsigned i = 0; i < work->stream_count; i++) {
		if (!work->streams[i].exchange && idle == 0)
			continue;
		idle -= work->streams[i].exchange ? 0 : 1;
		of[count] = i;
		lanes[count++] = lanes[i];
	}
	return count;
}

/* Gives what nobody has to idle streams, so that wanted of them are at work. */
static void hand_out(struct bake_work *work, struct bake_lane *lanes, unsigned wanted)
{
	struct bake_range left[BAKE_CONNECTIONS_MAX];
	struct bake_range parts[BAKE_CONNECTIONS_MAX];
	unsigned of[BAKE_CONNECTIONS_MAX];
	uint64_t most = part_max(work, lanes, wanted);
	size_t count = 0;
	unsigned chosen;

	if (bake_work_busy(work) >= wanted)
		return;
	for (size_t i = 0; i < work->todo.count && count < BAKE_CONNECTIONS_MAX; i++)
		left[count++] =
			(struct bake_range){work->todo.list[i].first, work->todo.list[i].end};
	chosen = choose(work, lanes, of, wanted);
	(void)bake_segment_plan(left, count, lanes, chosen, BAKE_SEGMENT_BYTES_MIN, most, parts);
	for (unsigned i = 0; i < chosen; i++) {
		if (parts[i].first >= parts[i].end)
			continue;
		take(work, parts[i]);
		start(work, &work->streams[of[i]], parts[i].first, parts[i].end);
		if (work->wake_us > bake_clock_us() ||
			work->transfer->state != BAKE_TRANSFER_ACTIVE)
			return; /* it failed at once */
	}
}

/* Nothing is left to be handed out: idle streams take over from those that would be last. */
static void split(struct bake_work *work, unsigned wanted, uint64_t now_us)
{
	struct bake_lane lanes[BAKE_CONNECTIONS_MAX];
	struct bake_split cut;

	for (unsigned i = 0; i < work->stream_count && bake_work_busy(work) < wanted; i++) {
		struct bake_stream *victim;
		uint64_t end;

		if (work->streams[i].exchange)
			continue;
		describe(work, now_us, lanes);
		if (!bake_segment_split(lanes, work->stream_count, i, work->latency_us, &cut))
			return;
		victim = &work->streams[cut.victim];
		end = victim->end;
		victim->end = cut.cut;
		start(work, &work->streams[i], cut.cut, end);
		if (work->transfer->state != BAKE_TRANSFER_ACTIVE)
			return;
	}
}

/* A connection far below its siblings is given up; what it had goes to whoever is free. */
static void replace(struct bake_work *work, uint64_t now_us)
{
	struct bake_lane lanes[BAKE_CONNECTIONS_MAX];
	struct bake_stream *stream;
	size_t slow;

	if (bake_http_is_limited(work->engine->http))
		return; /* speeds say nothing then */
	describe(work, now_us, lanes);
	slow = bake_segment_straggler(lanes, work->stream_count, work->latency_us);
	if (slow >= work->stream_count)
		return;
	stream = &work->streams[slow];
	bake_stream_cancel(stream);
	stream->born_us = 0;
	stream->last_speed = 0;
	stream->replaced++;
}

void bake_work_schedule(struct bake_work *work, uint64_t now_us)
{
	struct bake_lane lanes[BAKE_CONNECTIONS_MAX];
	unsigned wanted;

	if (work->transfer->state != BAKE_TRANSFER_ACTIVE)
		return;
	if (work->stream_count > 2 && now_us >= work->look_us) {
		work->look_us = now_us + LOOK_US;
		replace(work, now_us);
	}
	if (now_us < work->wake_us || now_us < work->engine->hold_us)
		return;
	wanted = streams_wanted(work, now_us);
	if (work->todo.count > 0 && !work->transfer->has_size) {
		start_unsized(work);
	} else if (work->todo.count > 0) {
		describe(work, now_us, lanes);
		hand_out(work, lanes, wanted);
	} else if (wanted > 1 && !bake_http_is_limited(work->engine->http)) {
		split(work, wanted, now_us);
	}
}
