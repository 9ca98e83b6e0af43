/* SPDX-License-Identifier: Apache-2.0 */
/* What a fetch leaves for programs to read: the report of one run, and a line of history. */
#ifndef NETOPS_FETCH_REPORT_H
#define NETOPS_FETCH_REPORT_H

#include "netops/fetch.h"

#define BAKE_REPORT_SCHEMA  "bake.report/1"
#define BAKE_HISTORY_SCHEMA "bake.history/1"
#define BAKE_HISTORY_NAME   "history.jsonl"

/* Sums over the files of a report. */
struct bake_fetch_sums {
	size_t count[BAKE_FETCH_FAILED + 1]; /* by outcome */
	size_t there;			     /* files that are in their place */
	uint64_t have;			     /* bytes that are here, whole or in parts */
	uint64_t received;
	uint64_t resumed;
	uint64_t cached; /* bytes that came from the cache */
	uint64_t retries;
};

struct bake_fetch_sums bake_fetch_sum(const struct bake_fetch_report *report);

/* One run as it ended. */
struct bake_fetch_run {
	const struct bake_fetch_options *options;
	const struct bake_fetch_report *report;
	enum bake_status status;
	const struct bake_error *error; /* read only when status is not BAKE_OK */
};

/* Replaces path by the report, atomically, however the run ended. */
enum bake_status bake_fetch_report_write(
	const struct bake_fetch_run *run, const char *path, struct bake_error *err) BAKE_CHECKED;

/*
 * Appends one line, shorter than BAKE_HISTORY_LINE_MAX and in one write, to history.jsonl in
 * $BAKE_STATE_DIR, else in $XDG_STATE_HOME/bake, else in ~/.local/state/bake. Without the first of
 * them nothing is written where an image is being built (see bake_history_is_off).
 */
enum bake_status bake_history_append(
	const struct bake_fetch_run *run, struct bake_error *err) BAKE_CHECKED;

enum {
	BAKE_HISTORY_LINE_MAX = 4096
};

/* Why no history is kept here, NULL when it is: no directory for it, or a container. What is
 * written while an image is built would become part of the image. */
const char *bake_history_is_off(void);

#endif
