/* SPDX-License-Identifier: Apache-2.0 */
/* A test is a row: each row of a table runs as a cmocka test of its own, under its own name. */
#ifndef UNIT_ROWS_H
#define UNIT_ROWS_H

/* What cmocka.h wants to be there before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"

/* A table, whose rows begin with their name, and what tries the one row that *state points to. */
struct rows {
	const char *title;
	const void *first;
	size_t size;
	size_t count;
	void (*try_row)(void **state);
};

#define ROWS(table, function)                                                                      \
	{                                                                                          \
#table, (table), sizeof((table)[0]), countof(table), (function)                    \
	}

/* Runs every row of every table, also behind one that fails. Returns what main is to return. */
int run_rows(const char *group, const struct rows *tables, size_t count);

/* A row for what needs more than an input and an output. */
struct scenario {
	const char *name;
	void (*play)(void);
};

void play_scenario(void **state);

/* That a call ended as it should. want BAKE_OK: it succeeded and left err alone; else err has the
 * status, the id, and a message of one printable line. */
void check_status(enum bake_status got, const struct bake_error *err, enum bake_status want,
	const char *want_id);

#endif
