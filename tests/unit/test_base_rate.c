/* SPDX-License-Identifier: Apache-2.0 */
/* Rates and the time left, on a clock of our own. */
#include "unit/rows.h"

#include "base/rate.h"

enum {
	BEGIN = 1000000
};

/* per_s bytes a second, in steps of step_ms, for ms. Returns the time then. */
static uint64_t flow(
	struct bake_rate *rate, uint64_t now, uint64_t per_s, uint64_t ms, uint64_t step_ms)
{
	for (uint64_t past = 0; past < ms; past += step_ms) {
		now += step_ms;
		bake_rate_add(rate, per_s * step_ms / 1000, now);
	}
	return now;
}

static const struct steady_row {
	const char *name;
	uint64_t per_s;
	uint64_t ms;
	uint64_t step_ms;
} steadies[] = {
	{"small steps", 1000000, 5000, 1},
	{"steps as long as a piece", 1000000, 5000, 250},
	{"long steps", 1000000, 10000, 1000},
	{"the first half second", 1000000, 500, 10},
	{"slow", 1000, 20000, 100},
	{"fast", 10000000000U, 2000, 10},
};

static void try_steady(void **state)
{
	const struct steady_row *row = *state;
	struct bake_rate rate;
	uint64_t now;
	uint64_t got;

	bake_rate_init(&rate, BEGIN);
	now = flow(&rate, BEGIN, row->per_s, row->ms, row->step_ms);
	got = bake_rate_get(&rate, now + row->step_ms);
	assert_in_range(got, row->per_s / 10 * 8, row->per_s / 10 * 12);
}

static void nothing_is_known_at_first(void)
{
	struct bake_rate rate;
	uint64_t left = 7;

	bake_rate_init(&rate, BEGIN);
	assert_int_equal(bake_rate_get(&rate, BEGIN), 0);
	/* Connecting may take long: it is no slow transfer. */
	assert_int_equal(bake_rate_get(&rate, BEGIN + 60000), 0);
	assert_false(bake_rate_left(&rate, 1000, BEGIN + 60000, &left));
	assert_int_equal(left, 7);
	bake_rate_add(&rate, 500000, BEGIN + 60250);
	assert_in_range(bake_rate_get(&rate, BEGIN + 60500), 1000000, 2000001);
}

static void a_change_shows_within_seconds(void)
{
	struct bake_rate rate;
	uint64_t now;

	bake_rate_init(&rate, BEGIN);
	now = flow(&rate, BEGIN, 10000000, 10000, 100);
	now = flow(&rate, now, 1000000, 1000, 100);
	assert_in_range(bake_rate_get(&rate, now), 5000000, 9000000); /* a hiccup is smoothed */
	now = flow(&rate, now, 1000000, 12000, 100);
	assert_in_range(bake_rate_get(&rate, now), 1000000, 1500000);
}

static void a_stall_brings_it_down(void)
{
	struct bake_rate rate;
	uint64_t left = 0;
	uint64_t now;

	bake_rate_init(&rate, BEGIN);
	now = flow(&rate, BEGIN, 1000000, 5000, 100);
	for (int i = 0; i < 600; i++)
		(void)bake_rate_get(&rate, now += 250);
	assert_int_equal(bake_rate_get(&rate, now), 0);
	assert_false(bake_rate_left(&rate, 1, now, &left));
}

static void the_time_left(void)
{
	struct bake_rate rate;
	uint64_t left = 0;
	uint64_t now;

	bake_rate_init(&rate, BEGIN);
	now = flow(&rate, BEGIN, 1000000, 5000, 100);
	assert_true(bake_rate_left(&rate, 0, now, &left));
	assert_int_equal(left, 0);
	assert_true(bake_rate_left(&rate, 60000000, now, &left));
	assert_in_range(left, 50000, 75000);
	assert_false(bake_rate_left(&rate, UINT64_MAX, now, &left)); /* centuries */
}

/* A clock that stands still, or is read by two threads in another order. */
static void time_does_not_go_back(void)
{
	struct bake_rate rate;
	uint64_t now;
	uint64_t before;

	bake_rate_init(&rate, BEGIN);
	now = flow(&rate, BEGIN, 1000000, 5000, 100);
	before = bake_rate_get(&rate, now);
	bake_rate_add(&rate, 1000, now - 3000);
	assert_int_equal(bake_rate_get(&rate, now - 3000), before);
}

static const struct scenario others[] = {
	{"nothing is known at first", nothing_is_known_at_first},
	{"a change shows within seconds", a_change_shows_within_seconds},
	{"a stall brings it down", a_stall_brings_it_down},
	{"the time left", the_time_left},
	{"time does not go back", time_does_not_go_back},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(steadies, try_steady),
		ROWS(others, play_scenario),
	};

	return run_rows("base/rate", tables, countof(tables));
}
