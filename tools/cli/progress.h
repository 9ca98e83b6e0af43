/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events drawn for people: on a terminal a line for each file under way and one for the whole, in a
 * log lines. A log stays small however many files there are and however long they take: BuildKit
 * cuts a step's log at 2 MiB and at 200 KiB a second.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "base/rate.h"
#include "cli/screen.h"

enum cli_progress_mode {
	CLI_PROGRESS_AUTO,
	CLI_PROGRESS_BAR,
	CLI_PROGRESS_PLAIN,
	CLI_PROGRESS_NONE
};

/* The words of --progress, in the order of the modes. */
extern const char *const cli_progress_words[];

/* Most files known at a time; more are only counted. */
enum {
	CLI_PROGRESS_FILES = 256
};

struct cli_progress_file {
	char name[208]; /* as shown, the end of a long one */
	uint64_t key;	/* of the whole name */
	uint64_t begin; /* bytes there at the start */
	uint64_t done;
	uint64_t total;
	uint64_t start_ms;
	struct bake_rate rate;
	bool verifying;
	bool told; /* its beginning stands in the log */
};

/* Kinds of lines in a log, each with its own share of it. */
enum cli_progress_kind {
	CLI_SAY_FILE,
	CLI_SAY_RETRY,
	CLI_SAY_FAILURE,
	CLI_SAY_NOTICE,
	CLI_SAY_WARNING,
	CLI_SAY_KINDS
};

struct cli_progress {
	const char *tool;
	enum cli_progress_mode mode; /* resolved: never AUTO */
	bool file_lines;	     /* a line when a file begins and one when it ends */
	struct cli_screen screen;
	uint64_t shown_ms;
	uint64_t total; /* bytes ahead, 0: not known */
	uint64_t done;	/* bytes of files that are finished */
	size_t files_total;
	size_t files_done;
	size_t files_failed;
	struct bake_rate rate;
	struct cli_progress_file files[CLI_PROGRESS_FILES]; /* those under way */
	size_t active;
	size_t said[CLI_SAY_KINDS]; /* bytes */
	size_t periods;		    /* lines on the whole so far */
	unsigned retries_left;	    /* that may be told of at once */
	uint64_t retry_ms;	    /* when the last of them came back */
	size_t retries_untold;
};

/* AUTO becomes BAR on a terminal, else PLAIN; quiet makes it NONE. */
void cli_progress_init(struct cli_progress *progress, const char *tool, enum cli_progress_mode mode,
	bool quiet, bool file_lines);

/* Takes the lines off the screen: before anything else is printed, and at the end. */
void cli_progress_clear(struct cli_progress *progress);

/* For struct bake_events. */
void cli_progress_emit(void *context, const struct bake_event *event);

/* In progress_draw.c. */

/* The whole in one line: "12 of 34 files, 5.10 GB of 57.7 GB (9%), 52.0 MB/s, 16m 40s left". */
void cli_progress_describe(struct cli_progress *progress, char *text, size_t room);

/* One frame on the terminal. */
void cli_progress_draw(struct cli_progress *progress);

#endif
