/* SPDX-License-Identifier: Apache-2.0 */
/* The bandwidth limit: its arithmetic, and a simulation of connections that come and go. */
#include "unit/rows.h"

#include <string.h>

#include "net/bucket.h"
#include "unit/random.h"

enum {
	CONNECTIONS = 8,
	STEPS = 600, /* a minute in tenths of a second */
	WINDOW = 100,
	MEBIBYTE = 1024 * 1024,
};

#define SECOND_US ((uint64_t)1000000)
#define STEP_US	  (SECOND_US / 10)
#define GREATEST  ((uint64_t)1 << 63)

static void it_begins_empty(void)
{
	struct bake_bucket bucket;

	bake_bucket_init(&bucket, 1000, 5 * SECOND_US);
	assert_int_equal(bake_bucket_allow(&bucket, 5 * SECOND_US), 0);
	assert_int_equal(bake_bucket_wait_us(&bucket, 5 * SECOND_US), 1000);
	assert_int_equal(bake_bucket_allow(&bucket, 5 * SECOND_US + 999), 0);
	assert_int_equal(bake_bucket_wait_us(&bucket, 5 * SECOND_US + 999), 1);
	assert_int_equal(bake_bucket_allow(&bucket, 5 * SECOND_US + 1000), 1);
	assert_int_equal(bake_bucket_wait_us(&bucket, 5 * SECOND_US + 1000), 0);
}

static void what_is_saved_up_is_bounded(void)
{
	struct bake_bucket bucket;

	bake_bucket_init(&bucket, 1000, 0);
	assert_int_equal(bake_bucket_allow(&bucket, 3600 * SECOND_US), 250);
	assert_int_equal(bake_bucket_allow(&bucket, UINT64_MAX), 250);
}

static void debt_is_waited_for(void)
{
	struct bake_bucket bucket;

	bake_bucket_init(&bucket, 1000, 0);
	bake_bucket_take(&bucket, 10000, 0);
	assert_int_equal(bake_bucket_allow(&bucket, 0), 0);
	assert_int_equal(bake_bucket_wait_us(&bucket, 0), 10 * SECOND_US + 1000);
	assert_int_equal(bake_bucket_wait_us(&bucket, 4 * SECOND_US), 6 * SECOND_US + 1000);
	assert_int_equal(bake_bucket_allow(&bucket, 10 * SECOND_US), 0);
	assert_int_equal(bake_bucket_allow(&bucket, 10 * SECOND_US + 1000), 1);
}

/* 7 bytes per second looked at each microsecond: nothing is lost to rounding. */
static void small_steps_do_not_drift(void)
{
	struct bake_bucket bucket;
	uint64_t taken = 0;

	bake_bucket_init(&bucket, 7, 0);
	for (uint64_t now = 0; now <= 10 * SECOND_US; now++) {
		uint64_t part = bake_bucket_allow(&bucket, now);

		bake_bucket_take(&bucket, part, now);
		taken += part;
	}
	assert_int_equal(taken, 70);
}

/* A wait is exact: a microsecond earlier there is nothing, at its end there is. */
static void waits_are_exact(void)
{
	static const uint64_t rates[] = {1, 3, 7, 999, 1000003, 999999999989, GREATEST};

	for (size_t i = 0; i < countof(rates); i++) {
		struct bake_bucket bucket;
		uint64_t now = 0;

		random_state = 88172645463325252U;
		bake_bucket_init(&bucket, rates[i], now);
		for (int round = 0; round < 200; round++) {
			uint64_t wait = bake_bucket_wait_us(&bucket, now);

			if (wait > 0)
				assert_int_equal(bake_bucket_allow(&bucket, now + wait - 1), 0);
			now += wait;
			assert_true(bake_bucket_allow(&bucket, now) > 0);
			bake_bucket_take(&bucket, 1 + random_below(MEBIBYTE), now);
		}
	}
}

static void no_limit_is_no_limit(void)
{
	struct bake_bucket bucket;

	bake_bucket_init(&bucket, 0, 0);
	bake_bucket_take(&bucket, UINT64_MAX, 0);
	bake_bucket_take(&bucket, UINT64_MAX, 1);
	assert_int_equal(bake_bucket_allow(&bucket, 1), UINT64_MAX);
	assert_int_equal(bake_bucket_wait_us(&bucket, 1), 0);
	assert_int_equal(bake_bucket_piece(&bucket, 12345), 12345);
}

static void extremes_do_not_overflow(void)
{
	struct bake_bucket bucket;

	bake_bucket_init(&bucket, UINT64_MAX, 0);
	assert_int_equal(bake_bucket_allow(&bucket, UINT64_MAX), GREATEST / 4);
	bake_bucket_take(&bucket, UINT64_MAX, UINT64_MAX);
	bake_bucket_take(&bucket, UINT64_MAX, UINT64_MAX);
	assert_int_equal(bake_bucket_allow(&bucket, UINT64_MAX), 0);
	assert_int_equal(bake_bucket_wait_us(&bucket, UINT64_MAX), SECOND_US);

	bake_bucket_init(&bucket, 1, 0);
	bake_bucket_take(&bucket, INT64_MAX, 0);
	bake_bucket_take(&bucket, INT64_MAX, 0);
	assert_int_equal(bake_bucket_wait_us(&bucket, 0), UINT64_MAX);
	assert_int_equal(bake_bucket_allow(&bucket, UINT64_MAX), 0);

	/* More comes in at once than a signed number holds. */
	bake_bucket_init(&bucket, GREATEST, 0);
	bake_bucket_take(&bucket, INT64_MAX, 0);
	assert_int_equal(bake_bucket_allow(&bucket, SECOND_US + 1), GREATEST / SECOND_US + 1);
}

static void a_clock_that_goes_back_gives_nothing(void)
{
	struct bake_bucket bucket;

	bake_bucket_init(&bucket, 1000, 10 * SECOND_US);
	bake_bucket_take(&bucket, 1000, 10 * SECOND_US);
	assert_int_equal(bake_bucket_allow(&bucket, 0), 0);
	assert_int_equal(bake_bucket_wait_us(&bucket, 0), 11 * SECOND_US + 1000);
	assert_int_equal(bake_bucket_allow(&bucket, 11 * SECOND_US + 1000), 1);
}

static const struct piece_row {
	const char *name;
	uint64_t rate;
	size_t most;
	size_t want;
} pieces[] = {
	{"a high limit", 100000000, MEBIBYTE, MEBIBYTE},
	{"an eighth of a second", 800000, MEBIBYTE, 100000},
	{"a low limit", 1, MEBIBYTE, 1024},
	{"never more than asked for", 1, 100, 100},
	{"the greatest", GREATEST, SIZE_MAX, GREATEST / 8},
};

static void try_piece(void **state)
{
	const struct piece_row *row = *state;
	struct bake_bucket bucket;

	bake_bucket_init(&bucket, row->rate, 0);
	assert_int_equal(bake_bucket_piece(&bucket, row->most), row->want);
}

/* A process with up to eight connections that always have something to read, each in pieces of a
 * size of its own, and a loop that comes up to 20 ms late. */
static const struct flow_row {
	const char *name;
	uint64_t rate;
	size_t connections; /* 0: between one and eight, changing all the time */
	bool resumed;	    /* stopped and begun again every few seconds */
} flows[] = {
	{"one connection", 1000000, 1, false},
	{"eight connections", 1000000, 8, false},
	{"connections come and go", 1000000, 0, false},
	{"connections come and go, 20 kB/s", 20000, 0, false},
	{"connections come and go, 1 MiB/s", MEBIBYTE, 0, false},
	{"connections come and go, 50 MB/s", 50000000, 0, false},
	{"connections come and go, 3 GB/s", 3000000000, 0, false},
	{"stopped and resumed", 1000000, 0, true},
	{"stopped and resumed, 50 MB/s", 50000000, 0, true},
};

struct flow {
	struct bake_bucket bucket;
	uint64_t now;
	uint64_t through[STEPS + 1]; /* bytes before each tenth of a second */
	uint64_t total;
};

static void read_on(struct flow *flow, size_t connections)
{
	for (size_t i = 0; i < connections; i++) {
		uint64_t piece = 1 + random_below(bake_bucket_piece(&flow->bucket, MEBIBYTE));

		if (bake_bucket_allow(&flow->bucket, flow->now) == 0)
			return;
		bake_bucket_take(&flow->bucket, piece, flow->now);
		flow->total += piece;
	}
}

static void run_flow(struct flow *flow, const struct flow_row *row)
{
	uint64_t restart = 7 * SECOND_US;
	size_t step = 0;

	bake_bucket_init(&flow->bucket, row->rate, 0);
	while (step <= STEPS) {
		size_t connections =
			row->connections ? row->connections : 1 + random_below(CONNECTIONS);
		uint64_t wait = bake_bucket_wait_us(&flow->bucket, flow->now);

		wait += wait ? random_below(20000) : 0;
		while (step <= STEPS && flow->now + wait >= step * STEP_US)
			flow->through[step++] = flow->total;
		flow->now += wait;
		if (row->resumed && flow->now >= restart) {
			restart = flow->now + (1 + random_below(9)) * SECOND_US;
			bake_bucket_init(&flow->bucket, row->rate, flow->now);
		}
		read_on(flow, connections);
	}
}

static void try_flow(void **state)
{
	const struct flow_row *row = *state;
	struct flow flow = {.now = 0};
	uint64_t want = row->rate * 10;

	random_state = 88172645463325252U;
	run_flow(&flow, row);
	for (size_t i = 0; i + WINDOW <= STEPS; i++)
		assert_in_range(flow.through[i + WINDOW] - flow.through[i], want - want / 20,
			want + want / 20);
}

static const struct scenario others[] = {
	{"it begins empty", it_begins_empty},
	{"what is saved up is bounded", what_is_saved_up_is_bounded},
	{"debt is waited for", debt_is_waited_for},
	{"small steps do not drift", small_steps_do_not_drift},
	{"waits are exact", waits_are_exact},
	{"no limit is no limit", no_limit_is_no_limit},
	{"extremes do not overflow", extremes_do_not_overflow},
	{"a clock that goes back gives nothing", a_clock_that_goes_back_gives_nothing},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(pieces, try_piece),
		ROWS(flows, try_flow),
		ROWS(others, play_scenario),
	};

	return run_rows("net/bucket", tables, countof(tables));
}
