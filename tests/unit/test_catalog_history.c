/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a history, each as what it is. */
#include "unit/rows.h"

#include <string.h>

#include "catalog/history_stats.h"

#define OURS "\"schema\": \"bake.history/1\", \"time\": \"2026-11-21T06:47:00Z\""

static const struct line_row {
	const char *name;
	const char *line;
	enum bake_history_kind kind;
	enum bake_history_outcome outcome;
	uint64_t ms;
	uint64_t received;
	size_t models;
} lines[] = {
	{"whole",
		"{" OURS ", \"models\": [\"a\", \"b\"], \"received\": 5, \"seconds\": 1.25, "
		"\"status\": \"downloaded\"}",
		BAKE_HISTORY_RECORD, BAKE_HISTORY_DOWNLOADED, 1250, 5, 2},
	{"failed", "{" OURS ", \"status\": \"failed\"}", BAKE_HISTORY_RECORD, BAKE_HISTORY_FAILED,
		0, 0, 0},
	{"cancelled", "{" OURS ", \"status\": \"cancelled\", \"seconds\": 2}", BAKE_HISTORY_RECORD,
		BAKE_HISTORY_CANCELLED, 2000, 0, 0},
	{"an unknown status", "{" OURS ", \"status\": \"sleeping\"}", BAKE_HISTORY_DAMAGED, 0, 0, 0,
		0},
	{"no status", "{" OURS "}", BAKE_HISTORY_DAMAGED, 0, 0, 0, 0},
	{"more digits than milliseconds",
		"{" OURS ", \"status\": \"failed\", \"seconds\": 0.12399}", BAKE_HISTORY_RECORD,
		BAKE_HISTORY_FAILED, 123, 0, 0},
	{"an exponent is not known", "{" OURS ", \"status\": \"failed\", \"seconds\": 1e3}",
		BAKE_HISTORY_RECORD, BAKE_HISTORY_FAILED, 0, 0, 0},
	{"a negative number is not known",
		"{" OURS ", \"status\": \"failed\", \"received\": -5, \"seconds\": -1}",
		BAKE_HISTORY_RECORD, BAKE_HISTORY_FAILED, 0, 0, 0},
	{"models that are none", "{" OURS ", \"status\": \"failed\", \"models\": [1, [], \"a\"]}",
		BAKE_HISTORY_RECORD, BAKE_HISTORY_FAILED, 0, 0, 1},
	{"models twice", "{" OURS ", \"status\": \"failed\", \"models\": [\"a\"], \"models\": []}",
		BAKE_HISTORY_RECORD, BAKE_HISTORY_FAILED, 0, 0, 0},
	{"keys with escapes", "{" OURS ", \"st\\u0061tus\": \"f\\u0061iled\"}", BAKE_HISTORY_RECORD,
		BAKE_HISTORY_FAILED, 0, 0, 0},
	{"torn", "{" OURS ", \"stat", BAKE_HISTORY_DAMAGED, 0, 0, 0, 0},
	{"two in one line", "{" OURS ", \"status\": \"failed\"}{}", BAKE_HISTORY_DAMAGED, 0, 0, 0,
		0},
	{"another schema", "{\"schema\": \"bake.history/2\"}", BAKE_HISTORY_FOREIGN, 0, 0, 0, 0},
	{"a list", "[{}]", BAKE_HISTORY_FOREIGN, 0, 0, 0, 0},
	{"a list that is torn", "[{}", BAKE_HISTORY_DAMAGED, 0, 0, 0, 0},
	{"nothing", "", BAKE_HISTORY_BLANK, 0, 0, 0, 0},
	{"blanks", " \t\r", BAKE_HISTORY_BLANK, 0, 0, 0, 0},
	{"text", "hello", BAKE_HISTORY_DAMAGED, 0, 0, 0, 0},
};

static void try_line(void **state)
{
	const struct line_row *row = *state;
	struct bake_arena arena = BAKE_ARENA_INIT((size_t)1 << 20);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_history_record record = {0};
	enum bake_history_kind kind;

	assert_int_equal(
		bake_history_parse(bake_span_text(row->line), &arena, &record, &kind, &err),
		BAKE_OK);
	assert_int_equal(kind, row->kind);
	if (kind == BAKE_HISTORY_RECORD) {
		assert_int_equal(record.outcome, row->outcome);
		assert_int_equal(record.ms, row->ms);
		assert_int_equal(record.received, row->received);
		assert_int_equal(record.model_count, row->models);
		assert_string_equal(record.time, "2026-11-21T06:47:00Z");
	}
	bake_arena_release(&arena);
}

/* More names than there is room for are one sum, and none is lost. */
static void many_names(void)
{
	_cleanup_free_ struct bake_history_stats *stats = calloc(1, sizeof(*stats));
	uint64_t sum = 0;

	assert_non_null(stats);
	for (unsigned i = 0; i < 3 * BAKE_TALLY_MAX; i++) {
		char name[256];
		const char *const models[] = {name};
		const struct bake_history_record record = {
			.time = "2026", .models = models, .model_count = 1};

		(void)snprintf(name, sizeof(name), "model-%u-%0200u", i % (2 * BAKE_TALLY_MAX), 0);
		bake_history_count(stats, &record);
	}
	for (size_t i = 0; i < stats->models.count; i++)
		sum += stats->models.rows[i].attempts;
	assert_int_equal(stats->models.count, BAKE_TALLY_MAX);
	assert_int_equal(sum + stats->models.others, 3 * BAKE_TALLY_MAX);
	bake_tally_sort(&stats->models);
	assert_int_equal(stats->models.rows[0].attempts, 2);
}

static const struct scenario scenarios[] = {{"many names", many_names}};

int main(void)
{
	const struct rows tables[] = {
		ROWS(lines, try_line),
		ROWS(scenarios, play_scenario),
	};

	return run_rows("catalog_history", tables, countof(tables));
}
