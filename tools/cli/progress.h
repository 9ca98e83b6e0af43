/* SPDX-License-Identifier: Apache-2.0 */
/* Events drawn for people: a bar on a terminal, lines in a log. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

enum cli_progress_mode {
	CLI_PROGRESS_AUTO,
	CLI_PROGRESS_BAR,
	CLI_PROGRESS_PLAIN,
	CLI_PROGRESS_NONE
};

/* The words of --progress, in the order of the modes. */
extern const char *const cli_progress_words[];

/* Most files drawn at a time; more are counted. */
enum {
	CLI_PROGRESS_FILES = 64
};

struct cli_progress_file {
	char name[160]; /* as shown */
	uint64_t key;	/* of the whole name */
	uint64_t begin; /* bytes there at the start */
	uint64_t done;
	uint64_t total;
	uint64_t start_ms;
};

struct cli_progress {
	const char *tool;
	enum cli_progress_mode mode; /* resolved: never AUTO */
	bool file_lines;	     /* a line when a file begins and one when it ends */
	bool drawn;		     /* a bar is on the screen */
	uint64_t start_ms;
	uint64_t shown_ms;
	uint64_t total; /* bytes ahead, 0: not known */
	uint64_t done;	/* bytes of files that are finished */
	uint64_t begin; /* bytes that were there at the start of the files */
	size_t files_total;
	size_t files_done;
	struct cli_progress_file files[CLI_PROGRESS_FILES]; /* those under way */
	size_t active;
};

/* AUTO becomes BAR on a terminal, else PLAIN; quiet makes it NONE. */
void cli_progress_init(struct cli_progress *progress, const char *tool, enum cli_progress_mode mode,
	bool quiet, bool file_lines);

/* Takes the bar off the screen: before anything else is printed, and at the end. */
void cli_progress_clear(struct cli_progress *progress);

/* For struct bake_events. */
void cli_progress_emit(void *context, const struct bake_event *event);

#endif
