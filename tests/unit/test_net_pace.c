/* SPDX-License-Identifier: Apache-2.0 */
/* How a file is divided among connections: tables, and the whole of it in a simulation. */
#include "unit/rows.h"

#include "net/pace.h"
#include "unit/random.h"

enum {
	KIB = 1024,
	MIB = 1024 * 1024,
	MB = 1000 * 1000,
	SECOND = 1000 * 1000,
	LANES = 16,
};

static void a_steady_speed_is_measured_exactly(void)
{
	struct bake_meter meter;

	bake_meter_init(&meter, 5 * SECOND);
	for (uint64_t now = 5 * SECOND; now < 8 * SECOND; now += 10000)
		bake_meter_add(&meter, 10000, now + 10000);
	assert_int_equal(bake_meter_rate(&meter, 8 * SECOND), MB);
}

static void nothing_is_known_at_first(void)
{
	struct bake_meter meter;

	bake_meter_init(&meter, 0);
	bake_meter_add(&meter, MIB, 1);
	assert_int_equal(bake_meter_rate(&meter, 1), 0);
	assert_int_equal(bake_meter_rate(&meter, 9999), 0);
	assert_int_equal(bake_meter_rate(&meter, 10000), (uint64_t)MIB * 100);
}

/* A jump is followed over about a second, neither at once nor for ever. */
static void a_change_is_followed(void)
{
	struct bake_meter meter;
	uint64_t now = 0;

	bake_meter_init(&meter, 0);
	for (; now < 5 * SECOND; now += 100000)
		bake_meter_add(&meter, MB / 10, now + 100000);
	for (; now < 6 * SECOND; now += 100000)
		bake_meter_add(&meter, MB, now + 100000);
	assert_in_range(bake_meter_rate(&meter, now), 5 * MB, 8 * MB);
	for (; now < 11 * SECOND; now += 100000)
		bake_meter_add(&meter, MB, now + 100000);
	assert_in_range(bake_meter_rate(&meter, now), (uint64_t)9 * MB + MB / 2, 10 * MB);
}

/* Also when nothing arrives that could be added. */
static void silence_is_heard(void)
{
	struct bake_meter meter;

	bake_meter_init(&meter, 0);
	bake_meter_add(&meter, MB, SECOND);
	assert_int_equal(bake_meter_rate(&meter, SECOND), MB);
	assert_int_equal(bake_meter_rate(&meter, 2 * SECOND), MB / 2);
	assert_in_range(bake_meter_rate(&meter, 100 * SECOND), 1, MB / 100 + 1);
}

/* Neither idling nor waiting for an answer is slowness; an answer that never comes is. */
static void between_answers_the_speed_is_kept(void)
{
	struct bake_meter meter;

	bake_meter_init(&meter, 0);
	bake_meter_add(&meter, MB, SECOND);
	bake_meter_resume(&meter, 60 * SECOND);
	assert_int_equal(bake_meter_rate(&meter, 60 * SECOND), MB);
	assert_in_range(bake_meter_rate(&meter, 68 * SECOND), MB / 10, MB / 8);
	bake_meter_resume(&meter, 70 * SECOND);
	assert_int_equal(bake_meter_rate(&meter, 70 * SECOND + 1), MB);
	bake_meter_add(&meter, MB, 71 * SECOND);
	assert_int_equal(bake_meter_rate(&meter, 71 * SECOND), MB);
}

/* Answers of 40 ms each, at 1 MB/s, and as long a wait in front of each. */
static void short_answers_add_up(void)
{
	struct bake_meter meter;
	uint64_t now = 0;

	bake_meter_init(&meter, 0);
	for (int i = 0; i < 50; i++) {
		now += 40000;
		bake_meter_resume(&meter, now);
		now += 40000;
		bake_meter_add(&meter, 40000, now);
	}
	assert_int_equal(bake_meter_rate(&meter, now), MB);
}

static void a_meter_does_not_overflow(void)
{
	struct bake_meter meter;

	bake_meter_init(&meter, 0);
	bake_meter_add(&meter, UINT64_MAX, 1);
	bake_meter_add(&meter, UINT64_MAX, SECOND);
	assert_int_equal(bake_meter_rate(&meter, SECOND), UINT64_MAX);
	bake_meter_add(&meter, 0, UINT64_MAX);
	assert_true(bake_meter_rate(&meter, UINT64_MAX) < MIB);
	bake_meter_add(&meter, 1, 0); /* the clock goes back */
	assert_true(bake_meter_rate(&meter, 0) < MIB);
}

/* Idle and working lanes, written short: speeds and lengths in MB and MiB. */
#define IDLE(mb_per_sec)                                                                           \
	{                                                                                          \
		.speed = (uint64_t)(mb_per_sec)*MB, .age_us = 5 * (uint64_t)SECOND                 \
	}
#define BUSY(mib_from, mib_to, mb_per_sec)                                                         \
	{                                                                                          \
		.left = {(uint64_t)(mib_from)*MIB, (uint64_t)(mib_to)*MIB},                        \
		.speed = (uint64_t)(mb_per_sec)*MB, .age_us = 5 * (uint64_t)SECOND                 \
	}

static const struct plan_row {
	const char *name;
	struct bake_range left[4]; /* MiB */
	struct bake_lane lanes[4];
	size_t lane_count;
	uint64_t max;		   /* MiB */
	struct bake_range want[4]; /* MiB */
} plans[] = {
	{"nothing left", {{0, 0}}, {IDLE(1), IDLE(1)}, 2, 0, {{0, 0}}},
	{"nobody there", {{0, 9}}, {IDLE(0)}, 0, 0, {{0, 0}}},
	{"one lane takes all", {{0, 100}}, {IDLE(0)}, 1, 0, {{0, 100}}},
	{"equal shares, nobody measured", {{0, 8}}, {IDLE(0), IDLE(0), IDLE(0), IDLE(0)}, 4, 0,
		{{0, 2}, {2, 4}, {4, 6}, {6, 8}}},
	{"shares by speed", {{0, 80}}, {IDLE(5), IDLE(10), IDLE(20), IDLE(5)}, 4, 0,
		{{0, 10}, {10, 30}, {30, 70}, {70, 80}}},
	{"who is not measured is like its siblings", {{0, 30}}, {IDLE(10), IDLE(0), IDLE(10)}, 3, 0,
		{{0, 10}, {10, 20}, {20, 30}}},
	{"the working ones come back", {{10, 20}}, {BUSY(0, 9, 5), IDLE(5)}, 2, 0,
		{{0, 0}, {10, 15}}},
	{"at most max", {{0, 100}}, {IDLE(1), IDLE(1)}, 2, 16, {{0, 16}, {16, 32}}},
	{"at least min", {{0, 3}}, {IDLE(1), IDLE(1), IDLE(1), IDLE(1)}, 4, 0,
		{{0, 1}, {1, 2}, {2, 3}}},
	{"no crumbs", {{0, 1}, {5, 6}}, {IDLE(1), IDLE(9)}, 2, 0, {{0, 1}, {5, 6}}},
	{"within one range", {{0, 2}, {10, 20}}, {IDLE(1), IDLE(1)}, 2, 0, {{0, 2}, {10, 16}}},
	{"the first ranges first", {{0, 1}, {2, 3}, {4, 5}}, {IDLE(1), IDLE(1)}, 2, 0,
		{{0, 1}, {2, 3}}},
	{"empty ranges are passed over", {{0, 0}, {3, 3}, {4, 5}}, {IDLE(1)}, 1, 0, {{4, 5}}},
	{"a silent lane counts for nothing", {{10, 20}}, {BUSY(0, 9, 0), IDLE(5)}, 2, 0,
		{{0, 0}, {10, 20}}},
	{"all work", {{10, 20}}, {BUSY(0, 9, 1), BUSY(9, 10, 1)}, 2, 0, {{0, 0}}},
};

static void try_plan(void **state)
{
	const struct plan_row *row = *state;
	struct bake_range left[4];
	struct bake_range out[4] = {{0}};
	size_t want = 0;

	for (size_t i = 0; i < countof(left); i++)
		left[i] = (struct bake_range){row->left[i].first * MIB, row->left[i].end * MIB};
	for (size_t i = 0; i < countof(out); i++)
		want += row->want[i].end > row->want[i].first;
	assert_int_equal(bake_segment_plan(left, countof(left), row->lanes, row->lane_count, MIB,
				 row->max * MIB, out),
		want);
	for (size_t i = 0; i < row->lane_count; i++) {
		assert_int_equal(out[i].first, row->want[i].first * MIB);
		assert_int_equal(out[i].end, row->want[i].end * MIB);
	}
}

static void what_is_too_small_to_cut_is_not_cut(void)
{
	struct bake_range left = {0, MIB + MIB / 2};
	struct bake_lane lanes[2] = {IDLE(1), IDLE(1)};
	struct bake_range out[2];

	assert_int_equal(bake_segment_plan(&left, 1, lanes, 2, MIB, 0, out), 1);
	assert_int_equal(out[0].end, left.end);
	assert_int_equal(out[1].end, 0);
}

/* Whatever is left and whoever is there: parts are inside, apart from each other, in order, on
 * pages, and none too small but where a range is. */
static void plans_are_sound(void)
{
	random_state = 88172645463325252U;
	for (int round = 0; round < 20000; round++) {
		struct bake_range left[3];
		struct bake_lane lanes[5];
		struct bake_range out[5];
		uint64_t at = 0;
		size_t count = 1 + random_below(5);
		size_t given = 0;

		for (size_t i = 0; i < countof(left); i++) {
			left[i].first = at + random_below(3 * MIB);
			left[i].end = left[i].first + random_below(9 * (uint64_t)MIB);
			at = left[i].end + 1;
		}
		for (size_t i = 0; i < count; i++)
			lanes[i] = (struct bake_lane){.speed = random_below(3) * MB,
				.age_us = random_below(SECOND),
				.left = {0, random_below(3)}};
		at = 0;
		given = bake_segment_plan(left, 3, lanes, count, MIB, 3 * (uint64_t)MIB, out);
		for (size_t i = 0; i < count; i++) {
			size_t in = 0;

			if (out[i].end == 0)
				continue;
			given--;
			assert_true(lanes[i].left.end == 0);
			while (in < 3 &&
				(out[i].first < left[in].first || out[i].end > left[in].end))
				in++;
			assert_true(in < 3);
			assert_true(out[i].first >= at && out[i].end > out[i].first);
			assert_true(out[i].end == left[in].end ||
				    (out[i].end % BAKE_SEGMENT_ALIGN == 0 &&
					    out[i].end - out[i].first >= MIB));
			assert_true(out[i].end - out[i].first < 4 * MIB + BAKE_SEGMENT_ALIGN);
			at = out[i].end;
		}
		assert_int_equal(given, 0);
	}
}

static const struct split_row {
	const char *name;
	struct bake_lane lanes[4];
	size_t lane_count;
	size_t thief;
	uint64_t latency_us;
	bool good;
	size_t victim;
	uint64_t cut; /* KiB */
} splits[] = {
	{"halves", {BUSY(0, 20, 5), IDLE(5)}, 2, 1, 0, true, 0, 10 * KIB},
	{"by speed", {BUSY(0, 20, 1), IDLE(4)}, 2, 1, 0, true, 0, 4 * KIB},
	{"a slow thief", {BUSY(0, 20, 4), IDLE(1)}, 2, 1, 0, true, 0, 16 * KIB},
	{"who is not measured is like its siblings", {BUSY(0, 20, 4), IDLE(0)}, 2, 1, 0, true, 0,
		10 * KIB},
	{"the one ready last", {BUSY(0, 20, 20), BUSY(20, 30, 1), BUSY(30, 70, 20), IDLE(1)}, 4, 3,
		0, true, 1, 25 * KIB},
	{"not the one with most to do", {BUSY(0, 4, 1), BUSY(10, 70, 60), IDLE(1)}, 3, 2, 0, true,
		0, 2 * KIB},
	/* 1 MiB/s each for 10 s, and 2 s of them are waited for: 6 and 4 MiB. */
	{"the thief has to wait",
		{{.left = {0, 10 * MIB}, .speed = MIB, .age_us = 5 * SECOND}, {.speed = MIB}}, 2, 1,
		2 * SECOND, true, 0, 6 * KIB},
	{"the answer would come too late", {BUSY(0, 1, 1), IDLE(1)}, 2, 1, 2 * SECOND, false, 0, 0},
	{"a silent one loses all but a page", {BUSY(0, 20, 0), BUSY(20, 21, 9), IDLE(9)}, 3, 2, 0,
		true, 0, 4},
	{"a new one is not silent yet",
		{{.left = {0, 10 * MIB}, .age_us = 1000}, BUSY(20, 60, 10), IDLE(10)}, 3, 2, 0,
		true, 1, 40 * KIB},
	{"one who waits as long as usual is not silent",
		{{.left = {0, 10 * MIB}, .age_us = SECOND}, BUSY(20, 60, 10), IDLE(10)}, 3, 2,
		200000, true, 1, 41936},
	{"too little to be worth it", {BUSY(0, 1, 20), IDLE(20)}, 2, 1, 0, false, 0, 0},
	{"a tenth of a second gained is worth it",
		{{.left = {0, 4 * MIB}, .speed = 20 * MB, .age_us = SECOND}, IDLE(20)}, 2, 1, 0,
		true, 0, 2 * KIB},
	{"few bytes, and soon",
		{{.left = {0, 100 * KIB}, .speed = MB, .age_us = SECOND}, {.speed = MB}}, 2, 1, 0,
		false, 0, 0},
	{"few bytes, but late",
		{{.left = {0, 100 * KIB}, .speed = 100 * KIB, .age_us = SECOND},
			{.speed = 100 * KIB}},
		2, 1, 0, true, 0, 48},
	{"the last one is not worth it, but the next to last",
		{{.left = {0, 60 * KIB}, .speed = MB / 4, .age_us = SECOND},
			{.left = {4 * MIB, 8 * MIB}, .speed = 20 * MB, .age_us = SECOND}, IDLE(20)},
		3, 2, 0, true, 1, 6 * KIB},
	{"a page cannot be cut",
		{{.left = {0, 4 * KIB}, .speed = 1, .age_us = SECOND}, {.speed = MB}}, 2, 1, 0,
		false, 0, 0},
	{"nobody works", {IDLE(1), IDLE(1)}, 2, 1, 0, false, 0, 0},
	{"nobody was ever measured", {{.left = {0, 10 * MIB}}, {.speed = 0}}, 2, 1, 0, false, 0, 0},
	{"who works does not steal", {BUSY(0, 20, 1), BUSY(20, 40, 1)}, 2, 1, 0, false, 0, 0},
	{"no such thief", {BUSY(0, 20, 1), IDLE(1)}, 2, 2, 0, false, 0, 0},
};

static void try_split(void **state)
{
	const struct split_row *row = *state;
	struct bake_split split = {.victim = 42};

	assert_int_equal(bake_segment_split(
				 row->lanes, row->lane_count, row->thief, row->latency_us, &split),
		row->good);
	if (!row->good) {
		assert_int_equal(split.victim, 42);
		return;
	}
	assert_int_equal(split.victim, row->victim);
	/* A cut goes up to the next page. */
	assert_in_range(split.cut, row->cut * KIB, row->cut * KIB + BAKE_SEGMENT_ALIGN);
	assert_int_equal(split.cut % BAKE_SEGMENT_ALIGN, 0);
}

static void splits_are_sound(void)
{
	random_state = 88172645463325252U;
	for (int round = 0; round < 100000; round++) {
		struct bake_lane lanes[4];
		struct bake_split split;

		for (size_t i = 0; i < countof(lanes); i++) {
			uint64_t first = random_below(UINT64_MAX) >> random_below(64);
			uint64_t len = random_below(UINT64_MAX) >> random_below(64);

			lanes[i] = (struct bake_lane){
				.left = {first, first + (len < UINT64_MAX - first ? len : 0)},
				.speed = random_below(UINT64_MAX) >> random_below(64),
				.age_us = random_below(UINT64_MAX) >> random_below(64),
				.replaced = (unsigned)random_below(5000),
			};
		}
		lanes[3].left.end = lanes[3].left.first;
		assert_true(bake_segment_straggler(lanes, 4, random_below(SECOND)) <= 4);
		if (!bake_segment_split(lanes, 4, 3, random_below(SECOND), &split))
			continue;
		assert_true(split.victim < 3);
		assert_true(lanes[split.victim].left.first < split.cut);
		assert_true(split.cut < lanes[split.victim].left.end);
	}
}

static const struct straggler_row {
	const char *name;
	struct bake_lane lanes[4];
	size_t lane_count;
	uint64_t latency_us;
	size_t want;
} stragglers[] = {
	{"nobody", {BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(20, 30, 20), BUSY(30, 40, 20)}, 4, 0, 4},
	{"one", {BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(20, 30, 1), BUSY(30, 40, 20)}, 4, 0, 2},
	{"the slower of two", {BUSY(0, 9, 40), BUSY(9, 20, 2), BUSY(20, 30, 1), BUSY(30, 40, 40)},
		4, 0, 2},
	{"a silent one", {BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(20, 30, 0)}, 3, 0, 2},
	{"an eighth is enough", {BUSY(0, 9, 8), BUSY(9, 20, 8), BUSY(20, 30, 1)}, 3, 0, 3},
	{"less than an eighth is not", {BUSY(0, 9, 9), BUSY(9, 20, 9), BUSY(20, 30, 1)}, 3, 0, 2},
	{"idle ones judge", {IDLE(20), IDLE(20), BUSY(20, 30, 1)}, 3, 0, 2},
	{"idle ones are not judged", {BUSY(0, 9, 20), BUSY(9, 20, 20), IDLE(1)}, 3, 0, 3},
	{"one sibling is not enough", {BUSY(0, 9, 20), BUSY(20, 30, 1)}, 2, 0, 2},
	{"siblings too young to judge",
		{{.left = {0, MIB}, .speed = 20 * MB, .age_us = 100000},
			{.left = {0, MIB}, .speed = 20 * MB, .age_us = 100000}, BUSY(20, 30, 1)},
		3, 0, 3},
	{"too young to be judged",
		{BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(9, 20, 20),
			{.left = {0, 9 * MIB}, .speed = MB, .age_us = 499999}},
		4, 0, 4},
	{"just old enough",
		{BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(9, 20, 20),
			{.left = {0, 9 * MIB}, .speed = MB, .age_us = 500000}},
		4, 0, 3},
	{"a long way makes slow starts",
		{BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(9, 20, 20),
			{.left = {0, 9 * MIB}, .speed = MB, .age_us = 1999999}},
		4, 200000, 4},
	{"replaced before, it gets more time",
		{BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(9, 20, 20),
			{.left = {0, 9 * MIB}, .speed = MB, .age_us = 1999999, .replaced = 2}},
		4, 0, 4},
	{"but not for ever",
		{BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(9, 20, 20),
			{.left = {0, 9 * MIB},
				.speed = 0,
				.age_us = 60 * SECOND,
				.replaced = UINT32_MAX}},
		4, UINT64_MAX, 4},
	{"but not for ever, on a usual way",
		{BUSY(0, 9, 20), BUSY(9, 20, 20), BUSY(9, 20, 20),
			{.left = {0, 9 * MIB},
				.speed = 0,
				.age_us = 60 * SECOND,
				.replaced = UINT32_MAX}},
		4, 0, 3},
	{"nearly ready",
		{BUSY(0, 9, 20), BUSY(9, 20, 20),
			{.left = {0, 499000}, .speed = MB, .age_us = 5 * SECOND}},
		3, 0, 3},
	{"all are silent", {BUSY(0, 9, 0), BUSY(9, 20, 0), BUSY(20, 30, 0)}, 3, 0, 3},
	{"nobody there", {IDLE(0)}, 0, 0, 0},
};

static void try_straggler(void **state)
{
	const struct straggler_row *row = *state;

	assert_int_equal(
		bake_segment_straggler(row->lanes, row->lane_count, row->latency_us), row->want);
}

/*
 * A server that gives 20 MB/s to a connection, but 1 MB/s to some: the first `slow` ones, and one
 * in four of those that come later. An answer begins after 1 ms, on a new connection after 3 ms.
 * A lane whose range was cut has to give up its connection at the cut, as HTTP/1.1 has it.
 */
static const struct fetch_row {
	const char *name;
	size_t slow;
	uint64_t max;	  /* of the plan, MiB */
	uint64_t percent; /* of the time without stragglers and latency */
} fetches[] = {
	{"all are equal, parts of 8 MiB", 0, 8, 106},
	{"all are equal, parts of 32 MiB", 0, 32, 106},
	{"all are equal, parts as they fit", 0, 0, 106},
	{"four are slow, parts of 8 MiB", 4, 8, 125},
	{"four are slow, parts of 32 MiB", 4, 32, 125},
	{"four are slow, parts as they fit", 4, 0, 125},
};

enum {
	TICK_US = 1000,
	LATENCY_US = 1000,
	CONNECT_US = 2000,
	FETCH_BYTES = 512 * MIB,
	FULL_SPEED = 20 * MB,
	SLOW_SPEED = MB,
	/* 512 MiB over 16 times 20 MB/s. */
	IDEAL_US = 1677722,
};

struct fetch {
	uint64_t now;
	uint64_t received;
	uint64_t planned; /* all below is in a lane or here */
	uint64_t max;
	bool any_slow;
	struct connection {
		uint64_t speed; /* that the server gives it */
		uint64_t begun_us;
		uint64_t answer_us; /* when the first byte comes */
		bool closing;
		struct bake_meter meter;
	} connections[LANES];
	struct bake_lane lanes[LANES];
};

static void connect_again(struct fetch *fetch, size_t lane)
{
	struct connection *connection = &fetch->connections[lane];

	connection->speed =
		fetch->any_slow && random_below(4) == 0 ? (uint64_t)SLOW_SPEED : FULL_SPEED;
	connection->begun_us = fetch->now;
	connection->closing = false;
	bake_meter_init(&connection->meter, fetch->now);
	fetch->lanes[lane].speed = 0;
}

static void ask(struct fetch *fetch, size_t lane, struct bake_range range)
{
	struct connection *connection = &fetch->connections[lane];

	connection->answer_us = fetch->now + LATENCY_US;
	if (connection->closing)
		connect_again(fetch, lane);
	if (connection->begun_us == fetch->now)
		connection->answer_us += CONNECT_US;
	bake_meter_resume(&connection->meter, fetch->now);
	fetch->lanes[lane].left = range;
}

static void receive(struct fetch *fetch, size_t lane)
{
	struct connection *connection = &fetch->connections[lane];
	struct bake_range *left = &fetch->lanes[lane].left;
	uint64_t bytes = connection->speed * TICK_US / SECOND;

	fetch->lanes[lane].age_us = fetch->now - connection->begun_us;
	if (left->first == left->end)
		return;
	if (fetch->now == connection->answer_us)
		bake_meter_resume(&connection->meter, fetch->now);
	if (fetch->now <= connection->answer_us)
		return;
	if (bytes > left->end - left->first)
		bytes = left->end - left->first;
	left->first += bytes;
	fetch->received += bytes;
	bake_meter_add(&connection->meter, bytes, fetch->now);
	fetch->lanes[lane].speed = bake_meter_rate(&connection->meter, fetch->now);
}

/* What an engine does: plan, steal when there is nothing to plan, replace. */
static void decide(struct fetch *fetch)
{
	struct bake_range left = {fetch->planned, FETCH_BYTES};
	struct bake_range parts[LANES];
	size_t straggler;

	(void)bake_segment_plan(&left, 1, fetch->lanes, LANES, MIB, fetch->max * MIB, parts);
	for (size_t i = 0; i < LANES; i++) {
		struct bake_split split;

		if (parts[i].end > parts[i].first) {
			fetch->planned = parts[i].end;
			ask(fetch, i, parts[i]);
		} else if (fetch->planned == FETCH_BYTES &&
			   bake_segment_split(fetch->lanes, LANES, i, LATENCY_US, &split)) {
			struct bake_lane *victim = &fetch->lanes[split.victim];

			parts[i] = (struct bake_range){split.cut, victim->left.end};
			victim->left.end = split.cut;
			fetch->connections[split.victim].closing = true;
			ask(fetch, i, parts[i]);
		}
	}
	straggler = bake_segment_straggler(fetch->lanes, LANES, LATENCY_US);
	if (straggler < LANES) {
		fetch->lanes[straggler].replaced++;
		fetch->connections[straggler].closing = true;
		ask(fetch, straggler, fetch->lanes[straggler].left);
	}
}

static void try_fetch(void **state)
{
	const struct fetch_row *row = *state;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct fetch fetch = {.max = row->max, .any_slow = row->slow > 0};
		uint64_t most = (uint64_t)IDEAL_US * row->percent / 100;

		random_state = seed * 88172645463325252U;
		for (size_t i = 0; i < LANES; i++)
			fetch.connections[i].speed =
				i % 4 == 1 && i / 4 < row->slow ? (uint64_t)SLOW_SPEED : FULL_SPEED;
		while (fetch.received < FETCH_BYTES && fetch.now <= most) {
			decide(&fetch);
			fetch.now += TICK_US;
			for (size_t i = 0; i < LANES; i++)
				receive(&fetch, i);
		}
		assert_int_equal(fetch.received, FETCH_BYTES);
	}
}

static const struct scenario others[] = {
	{"meter: a steady speed", a_steady_speed_is_measured_exactly},
	{"meter: nothing is known at first", nothing_is_known_at_first},
	{"meter: a change is followed", a_change_is_followed},
	{"meter: silence is heard", silence_is_heard},
	{"meter: between answers the speed is kept", between_answers_the_speed_is_kept},
	{"meter: short answers add up", short_answers_add_up},
	{"meter: does not overflow", a_meter_does_not_overflow},
	{"plan: too small to cut", what_is_too_small_to_cut_is_not_cut},
	{"plan: sound whatever is left", plans_are_sound},
	{"split: sound whoever works", splits_are_sound},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(plans, try_plan),
		ROWS(splits, try_split),
		ROWS(stragglers, try_straggler),
		ROWS(fetches, try_fetch),
		ROWS(others, play_scenario),
	};

	return run_rows("net/pace", tables, countof(tables));
}
