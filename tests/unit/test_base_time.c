/* SPDX-License-Identifier: Apache-2.0 */
/* The clock for waiting, and the one time that baked files carry. */
#include "unit/rows.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/stop.h"

static const struct epoch_row {
	const char *name;
	const char *value; /* NULL: unset */
	bool good;
	int64_t want;
} epochs[] = {
	{"unset", NULL, true, 0},
	{"empty", "", true, 0},
	{"zero", "0", true, 0},
	{"a date", "1700000000", true, 1700000000},
	{"greatest", "274877906943", true, 274877906943},
	{"2^38", "274877906944", false, 0},
	{"2^64", "18446744073709551616", false, 0},
	{"before 1970", "-1", false, 0},
	{"fraction", "1.5", false, 0},
	{"date as text", "2026-11-21", false, 0},
	{"newline behind it", "1700000000\n", false, 0},
	{"blank in front", " 1700000000", false, 0},
	{"garbage", "yesterday", false, 0},
	{"hostile", "\x1b[31m", false, 0},
};

static void try_epoch(void **state)
{
	const struct epoch_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status;
	int64_t got = 42;

	if (row->value)
		assert_int_equal(setenv("SOURCE_DATE_EPOCH", row->value, 1), 0);
	else
		assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
	status = bake_clock_source_date(&got, &err);
	(void)unsetenv("SOURCE_DATE_EPOCH");
	check_status(
		status, &err, row->good ? BAKE_OK : BAKE_ERR_CONFIG, "config.source-date-epoch");
	assert_int_equal(got, row->good ? row->want : 42);
}

static const struct time_row {
	const char *name;
	int64_t seconds;
	const char *want;
} times[] = {
	{"the beginning", 0, "1970-01-01T00:00:00Z"},
	{"a second before", -1, "1969-12-31T23:59:59Z"},
	{"the header's example", 1795243620, "2026-11-21T06:47:00Z"},
	{"a leap day", 1709210096, "2024-02-29T12:34:56Z"},
	{"behind 2038", 2147483648, "2038-01-19T03:14:08Z"},
	{"the greatest epoch", 274877906943, "10680-07-14T06:09:03Z"},
};

static void try_time(void **state)
{
	const struct time_row *row = *state;
	char text[BAKE_TIME_TEXT];

	assert_ptr_equal(bake_time_format(row->seconds, text), text);
	assert_string_equal(text, row->want);
}

static void the_zone_does_not_matter(void)
{
	char text[BAKE_TIME_TEXT];

	assert_int_equal(setenv("TZ", "XXX-5:30", 1), 0);
	tzset();
	assert_string_equal(bake_time_format(0, text), "1970-01-01T00:00:00Z");
	(void)unsetenv("TZ");
	tzset();
}

static void the_clock_goes_forward(void)
{
	struct timespec wait = {.tv_nsec = 3 * 1000 * 1000};
	uint64_t before = bake_clock_ms();

	(void)nanosleep(&wait, NULL);
	assert_in_range(bake_clock_ms() - before, 2, 60000);
}

static void nobody_has_to_listen(void)
{
	struct bake_events deaf = {NULL, NULL};

	bake_emit_plan(NULL, 1, 2);
	bake_emit_plan(&deaf, 1, 2);
	bake_emitf(NULL, BAKE_EVENT_NOTICE, "%d", 3);
}

struct heard {
	struct bake_event last;
	char note[700];
	unsigned count;
};

static void hear(void *context, const struct bake_event *event)
{
	struct heard *heard = context;

	heard->last = *event;
	heard->count++;
	heard->note[0] = '\0';
	if (event->note)
		(void)snprintf(heard->note, sizeof(heard->note), "%s", event->note);
}

static void events_carry_what_they_say(void)
{
	struct heard heard = {.count = 0};
	struct bake_events events = {hear, &heard};
	struct bake_error error = BAKE_ERROR_INIT;

	bake_emit_plan(&events, 3, 99);
	assert_int_equal(heard.last.kind, BAKE_EVENT_PLAN);
	assert_int_equal(heard.last.count, 3);
	assert_int_equal(heard.last.total, 99);
	bake_emit_bytes(&events, BAKE_EVENT_PROGRESS, "f", 1, 2);
	assert_int_equal(heard.last.kind, BAKE_EVENT_PROGRESS);
	assert_string_equal(heard.last.name, "f");
	assert_int_equal(heard.last.done, 1);
	assert_int_equal(heard.last.total, 2);
	bake_emit_done(&events, "f", "fetched", 2);
	assert_int_equal(heard.last.done, 2);
	assert_string_equal(heard.note, "fetched");
	bake_emit_fail(&events, "f", &error);
	assert_ptr_equal(heard.last.error, &error);
	bake_emitf(&events, BAKE_EVENT_WARNING, "%s %d", "pid", 7);
	assert_int_equal(heard.last.kind, BAKE_EVENT_WARNING);
	assert_string_equal(heard.note, "pid 7");
	assert_int_equal(heard.count, 5);
}

/* The last scenario: the flag never goes down again. */
static void a_signal_is_asked_for_once(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	bake_stop_install();
	check_status(bake_stop_check(&err), &err, BAKE_OK, NULL);
	assert_int_equal(bake_stop_signal(), 0);
	assert_int_equal(raise(SIGPIPE), 0);
	assert_int_equal(raise(SIGXFSZ), 0);
	check_status(bake_stop_check(&err), &err, BAKE_OK, NULL);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(bake_stop_signal(), SIGTERM);
	check_status(bake_stop_check(&err), &err, BAKE_ERR_INTERRUPTED, "interrupted");
	assert_non_null(strstr(err.message, "SIGTERM"));
}

static const struct scenario others[] = {
	{"the time zone does not matter", the_zone_does_not_matter},
	{"the monotonic clock goes forward", the_clock_goes_forward},
	{"events: nobody has to listen", nobody_has_to_listen},
	{"events: they carry what they say", events_carry_what_they_say},
	{"stop: a signal is remembered", a_signal_is_asked_for_once},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(epochs, try_epoch),
		ROWS(times, try_time),
		ROWS(others, play_scenario),
	};

	return run_rows("base/time", tables, countof(tables));
}
