/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/scratch.h"

enum {
	NAME_ROOM = 160
};

/* "table: row" for each row, so that a failure says which one. */
static size_t add_table(
	struct CMUnitTest *tests, char (*names)[NAME_ROOM], const struct rows *table)
{
	const char *at = table->first;

	for (size_t i = 0; i < table->count; i++) {
		const char *name;

		memcpy(&name, at, sizeof(name));
		(void)snprintf(names[i], NAME_ROOM, "%s: %s", table->title, name);
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = table->try_row,
			.initial_state = (void *)(uintptr_t)at,
		};
		at += table->size;
	}
	return table->count;
}

int run_rows(const char *group, const struct rows *tables, size_t count)
{
	_cleanup_free_ struct CMUnitTest *tests = NULL;
	_cleanup_free_ char(*names)[NAME_ROOM] = NULL;
	size_t total = 0;
	size_t used = 0;
	int failed;

	for (size_t i = 0; i < count; i++)
		total += tables[i].count;
	tests = calloc(total + 1, sizeof(*tests));
	names = calloc(total + 1, sizeof(*names));
	if (!tests || !names || total == 0)
		return EXIT_FAILURE;
	for (size_t i = 0; i < count; i++)
		used += add_table(tests + used, names + used, &tables[i]);
	failed = _cmocka_run_group_tests(group, tests, used, NULL, NULL);
	scratch_remove();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void play_scenario(void **state)
{
	((const struct scenario *)*state)->play();
}

void check_status(enum bake_status got, const struct bake_error *err, enum bake_status want,
	const char *want_id)
{
	if (got != want || (got != BAKE_OK && err->id && strcmp(err->id, want_id) != 0))
		print_error("got %d %s: %s\n", (int)got, err->id ? err->id : "-", err->message);
	assert_int_equal(got, want);
	assert_int_equal(err->status, want);
	if (want == BAKE_OK) {
		assert_null(err->id);
		return;
	}
	assert_non_null(err->id);
	assert_string_equal(err->id, want_id);
	assert_true(err->message[0] != '\0');
	for (const char *at = err->message; *at; at++)
		assert_in_range(*at, 0x20, 0x7e);
}
