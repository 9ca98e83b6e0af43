/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pace.h"

#include "base/num.h"

#define SECOND_US ((uint64_t)1000000)

enum {
	METER_STEP_US = 100 * 1000,
	METER_SMOOTH_US = 1000 * 1000,
	METER_FIRST_US = 10 * 1000,

	SPLIT_GAIN_US = 50 * 1000,
	SPLIT_BYTES_MIN = 64 * 1024,
	/* So much time is worth a request for any number of bytes. */
	SPLIT_GAIN_GREAT_US = 250 * 1000,

	/* A lane that has brought nothing for so long, and for so many times the usual latency, is
	 * silent; before, it is taken to be as fast as its siblings. */
	SILENT_US = 500 * 1000,
	SILENT_LATENCIES = 10,

	STRAGGLER_PARTS = 8,
	STRAGGLER_AGE_MAX_US = 60 * 1000 * 1000,
	STRAGGLER_LEFT_US = 500 * 1000,
	STRAGGLER_LANES = 3, /* two siblings and the one they judge */
};

static uint64_t since(uint64_t then_us, uint64_t now_us)
{
	return now_us > then_us ? now_us - then_us : 0;
}

void bake_meter_init(struct bake_meter *meter, uint64_t now_us)
{
	*meter = (struct bake_meter){.since_us = now_us, .last_us = now_us};
}

void bake_meter_resume(struct bake_meter *meter, uint64_t now_us)
{
	meter->since_us = bake_u64_add_capped(meter->since_us, since(meter->last_us, now_us));
	meter->last_us = bake_u64_max(meter->last_us, now_us);
}

/* The rate with a sample over passed_us folded in. Its weight is passed / (passed + smooth): what
 * an exponential average has to first order, and right for steps of any length. */
static uint64_t fold(const struct bake_meter *meter, uint64_t passed_us)
{
	uint64_t sample = bake_u64_scale(meter->bytes, SECOND_US, passed_us);
	uint64_t weight = bake_u64_add_capped(passed_us, METER_SMOOTH_US);

	if (!meter->has_rate)
		return sample;
	if (sample >= meter->rate)
		return meter->rate + bake_u64_scale(sample - meter->rate, passed_us, weight);
	return meter->rate - bake_u64_scale(meter->rate - sample, passed_us, weight);
}

void bake_meter_add(struct bake_meter *meter, uint64_t bytes, uint64_t now_us)
{
	uint64_t passed = since(meter->since_us, now_us);

	meter->bytes = bake_u64_add_capped(meter->bytes, bytes);
	meter->last_us = bake_u64_max(meter->last_us, now_us);
	if (passed < METER_STEP_US)
		return;
	meter->rate = fold(meter, passed);
	meter->has_rate = true;
	meter->bytes = 0;
	meter->since_us = now_us;
}

uint64_t bake_meter_rate(const struct bake_meter *meter, uint64_t now_us)
{
	uint64_t passed = since(meter->since_us, now_us);

	if (passed >= METER_STEP_US)
		return fold(meter, passed);
	if (meter->has_rate)
		return meter->rate;
	return passed >= METER_FIRST_US ? fold(meter, passed) : 0;
}

static uint64_t length_of(struct bake_range range)
{
	return range.end > range.first ? range.end - range.first : 0;
}

static bool is_idle(const struct bake_lane *lane)
{
	return length_of(lane->left) == 0;
}

/* Whether a lane's speed says something: also the 0 of one that works and is silent. */
static bool is_measured(const struct bake_lane *lane, uint64_t age_us)
{
	return lane->age_us >= age_us &&
	       (lane->speed > 0 || (!is_idle(lane) && lane->age_us >= SILENT_US));
}

/* The median speed of the lanes measured for so long at least; 0 when there are fewer than
 * least. By counting: there are few lanes, and so it needs no memory. */
static uint64_t median_of(
	const struct bake_lane *lanes, size_t count, uint64_t age_us, size_t least)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += is_measured(&lanes[i], age_us);
	if (total == 0 || total < least)
		return 0;
	for (size_t i = 0; i < count; i++) {
		size_t below = 0;
		size_t equal = 0;

		for (size_t j = 0; is_measured(&lanes[i], age_us) && j < count; j++) {
			if (!is_measured(&lanes[j], age_us))
				continue;
			below += lanes[j].speed < lanes[i].speed;
			equal += lanes[j].speed == lanes[i].speed;
		}
		if (below <= total / 2 && total / 2 < below + equal)
			return lanes[i].speed;
	}
	return 0;
}

/* The age at which a lane without a byte is silent. */
static uint64_t silent_us(uint64_t latency_us)
{
	return bake_u64_max(SILENT_US, bake_u64_scale(latency_us, SILENT_LATENCIES, 1));
}

/* What to expect of a lane: its speed; its siblings' while it is too young to have one. At least
 * 1, so that it divides. */
static uint64_t expected(const struct bake_lane *lane, uint64_t usual, uint64_t latency_us)
{
	bool unknown = lane->speed == 0 && (is_idle(lane) || lane->age_us < silent_us(latency_us));

	return bake_u64_max(unknown ? usual : lane->speed, 1);
}

/* What is there to divide: bytes that nobody has, and the speed of all lanes. */
struct division {
	uint64_t bytes;
	uint64_t speed;
	uint64_t usual;
	uint64_t min;
	uint64_t max;
};

static struct division divide(const struct bake_range *left, size_t left_count,
	const struct bake_lane *lanes, size_t count)
{
	struct division division = {.usual = bake_u64_max(median_of(lanes, count, 0, 1), 1)};

	for (size_t i = 0; i < left_count; i++)
		division.bytes = bake_u64_add_capped(division.bytes, length_of(left[i]));
	for (size_t i = 0; i < count; i++)
		division.speed =
			bake_u64_add_capped(division.speed, expected(&lanes[i], division.usual, 0));
	return division;
}

/* Where a part of about share bytes ends that begins at at, in a range that ends at end. */
static uint64_t part_end(const struct division *division, uint64_t share, uint64_t at, uint64_t end)
{
	uint64_t size = bake_u64_max(bake_u64_min(share, division->max), division->min);
	uint64_t up;

	if (end - at <= size)
		return end;
	up = at + size;
	up += (BAKE_SEGMENT_ALIGN - up % BAKE_SEGMENT_ALIGN) % BAKE_SEGMENT_ALIGN;
	return up < at || up >= end || end - up < division->min ? end : up;
}

size_t bake_segment_plan(const struct bake_range *left, size_t left_count,
	const struct bake_lane *lanes, size_t lane_count, uint64_t min_bytes, uint64_t max_bytes,
	struct bake_range *out)
{
	struct division division = divide(left, left_count, lanes, lane_count);
	size_t at = 0;
	uint64_t taken = 0; /* of left[at] */
	size_t given = 0;

	division.min = bake_u64_max(min_bytes, 1);
	division.max = max_bytes ? max_bytes : UINT64_MAX;
	for (size_t i = 0; i < lane_count; i++) {
		uint64_t share;

		out[i] = (struct bake_range){0};
		while (at < left_count && length_of(left[at]) == taken) {
			at++;
			taken = 0;
		}
		if (at == left_count || !is_idle(&lanes[i]))
			continue;
		share = bake_u64_scale(
			division.bytes, expected(&lanes[i], division.usual, 0), division.speed);
		out[i].first = left[at].first + taken;
		out[i].end = part_end(&division, share, out[i].first, left[at].end);
		taken += length_of(out[i]);
		given++;
	}
	return given;
}

/* When a lane of that speed will be ready, from now. */
static uint64_t work_us(const struct bake_lane *lane, uint64_t speed)
{
	return bake_u64_scale(length_of(lane->left), SECOND_US, bake_u64_max(speed, 1));
}

/* A range and who divides it: as fast as slow and fast, the latter after a latency. */
struct theft {
	struct bake_range left;
	uint64_t slow;
	uint64_t fast;
	uint64_t latency_us;
};

/* Where both are ready at the same time: slow * ready + fast * (ready - latency) = what is left.
 * False when that is not worth a request. */
static bool find_cut(const struct theft *theft, uint64_t alone_us, uint64_t *out)
{
	uint64_t missed = bake_u64_scale(theft->fast, theft->latency_us, SECOND_US);
	uint64_t ready = bake_u64_scale(bake_u64_add_capped(length_of(theft->left), missed),
		SECOND_US, bake_u64_add_capped(theft->slow, theft->fast));
	uint64_t cut = bake_u64_add_capped(
		theft->left.first, bake_u64_scale(theft->slow, ready, SECOND_US));

	if (ready <= theft->latency_us || alone_us < ready || alone_us - ready < SPLIT_GAIN_US)
		return false;
	cut = bake_u64_add_capped(cut - cut % BAKE_SEGMENT_ALIGN, BAKE_SEGMENT_ALIGN);
	if (cut >= theft->left.end)
		return false;
	*out = cut;
	return theft->left.end - cut >= SPLIT_BYTES_MIN || alone_us - ready >= SPLIT_GAIN_GREAT_US;
}

bool bake_segment_split(const struct bake_lane *lanes, size_t lane_count, size_t thief,
	uint64_t latency_us, struct bake_split *out)
{
	uint64_t usual = median_of(lanes, lane_count, 0, 1);
	struct theft theft = {.latency_us = latency_us};
	struct bake_split best = {.victim = lane_count};
	uint64_t last = 0;

	if (usual == 0 || thief >= lane_count || !is_idle(&lanes[thief]))
		return false;
	theft.fast = expected(&lanes[thief], usual, latency_us);
	for (size_t i = 0; i < lane_count; i++) {
		uint64_t alone;
		uint64_t cut;

		theft.left = lanes[i].left;
		theft.slow = expected(&lanes[i], usual, latency_us);
		alone = work_us(&lanes[i], theft.slow);
		/* The last one may not be worth it where the next to last is. */
		if (alone <= last || !find_cut(&theft, alone, &cut))
			continue;
		last = alone;
		best = (struct bake_split){.victim = i, .cut = cut};
	}
	if (best.victim == lane_count)
		return false;
	*out = best;
	return true;
}

/* How old a lane's connection is when it can be judged. */
static uint64_t grown_us(unsigned replaced, uint64_t latency_us)
{
	uint64_t age = silent_us(latency_us);

	while (replaced-- > 0 && age < STRAGGLER_AGE_MAX_US)
		age *= 2;
	return bake_u64_min(age, STRAGGLER_AGE_MAX_US);
}

static bool is_straggler(const struct bake_lane *lane, uint64_t usual, uint64_t latency_us)
{
	return !is_idle(lane) && lane->age_us >= grown_us(lane->replaced, latency_us) &&
	       lane->speed < usual / STRAGGLER_PARTS &&
	       work_us(lane, lane->speed) >= STRAGGLER_LEFT_US;
}

size_t bake_segment_straggler(const struct bake_lane *lanes, size_t lane_count, uint64_t latency_us)
{
	uint64_t usual = median_of(lanes, lane_count, grown_us(0, latency_us), STRAGGLER_LANES);
	size_t slowest = lane_count;

	for (size_t i = 0; i < lane_count; i++) {
		if (is_straggler(&lanes[i], usual, latency_us) &&
			(slowest == lane_count || lanes[i].speed < lanes[slowest].speed))
			slowest = i;
	}
	return slowest;
}
