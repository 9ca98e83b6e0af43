/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be watched of a fetch: the state of each file and model, made from the events, told as
 * JSON lines (--events) and as DIR/.bake/state.json. Inside netops only; called by one thread at
 * a time. Nothing here fails a fetch once it is open.
 */
#ifndef NETOPS_WATCH_H
#define NETOPS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/event.h"
#include "base/rate.h"
#include "fs/stream.h"
#include "fs/workdir.h"
#include "netops/fetch.h"

#define BAKE_EVENTS_SCHEMA "bake.events/1"
#define BAKE_STATE_SCHEMA  "bake.state/1"
#define BAKE_STATE_NAME	   "state.json"

/* The words are those of the download service that people know. */
enum bake_watch_state {
	BAKE_WATCH_QUEUED,
	BAKE_WATCH_DOWNLOADING,
	BAKE_WATCH_VERIFYING,
	BAKE_WATCH_DOWNLOADED,
	BAKE_WATCH_FAILED,
	BAKE_WATCH_CANCELLED,
	BAKE_WATCH_STATES
};

const char *bake_watch_state_name(enum bake_watch_state state);

struct bake_watch_file {
	struct bake_fetch_file *report;
	size_t model;
	size_t next; /* of the same hash; none: the count of files */
	enum bake_watch_state state;
	bool started; /* its bytes are being brought; before that they are being looked at */
	uint64_t done;
	uint64_t start_ms;
	uint64_t told_ms;
};

struct bake_watch_model {
	const char *id;
	enum bake_watch_state state;
	size_t files;
	size_t count[BAKE_WATCH_STATES]; /* of its files, by state */
	uint64_t bytes;			 /* that are there */
	uint64_t total;
	struct bake_rate rate;
	uint64_t told_ms;
	bool announced;	   /* a file of it was queued: what was there is known */
	bool begun;	   /* a file of it was started */
	char message[200]; /* of a failure; else empty */
};

struct bake_watch {
	struct bake_stream stream;
	struct bake_buf line;
	const struct bake_workdir *workdir; /* where state.json goes; NULL: nowhere yet */
	uint64_t begin_ms;
	int64_t begin_time; /* of the wall clock, seconds */
	uint64_t state_ms;  /* when state.json was written last */
	uint64_t tick_ms;
	bool changed; /* since then */
	struct bake_watch_file *files;
	size_t file_count;
	size_t *heads; /* hash table of the files' paths */
	size_t head_count;
	struct bake_watch_model *models;
	size_t model_count;
	struct bake_rate rate;
};

#define BAKE_WATCH_INIT                                                                            \
	{                                                                                          \
		.stream = BAKE_STREAM_INIT, .line = BAKE_BUF_INIT((size_t)64 << 20)                \
	}

/* events: where the lines go, NULL for nowhere. */
enum bake_status bake_watch_open(struct bake_watch *watch, const char *events,
	const char *generator, struct bake_error *err) BAKE_CHECKED;

/* The plan is known: every model is queued. The report lives on; its files' have and ms are kept
 * up to date. */
enum bake_status bake_watch_plan(struct bake_watch *watch, struct bake_fetch_report *report,
	struct bake_error *err) BAKE_CHECKED;

/* From now on state.json is kept in workdir while that is open. */
void bake_watch_publish(struct bake_watch *watch, const struct bake_workdir *workdir);

void bake_watch_event(struct bake_watch *watch, const struct bake_event *event);

/* The end, while workdir may still be open. What is neither there nor failed was cancelled, unless
 * this was a dry run. False when lines were lost. */
bool bake_watch_end(struct bake_watch *watch, enum bake_status status, const struct bake_error *err,
	bool dry_run);

void bake_watch_release(struct bake_watch *watch);

/* In watch_write.c: the documents. */

void bake_watch_tell_begin(struct bake_watch *watch, const char *generator);
void bake_watch_tell_plan(struct bake_watch *watch, const struct bake_fetch_report *report);
void bake_watch_tell_model(struct bake_watch *watch, struct bake_watch_model *model);
void bake_watch_tell_file(struct bake_watch *watch, const struct bake_watch_file *file,
	const struct bake_event *event);
void bake_watch_tell_note(struct bake_watch *watch, const struct bake_event *event);
void bake_watch_tell_end(
	struct bake_watch *watch, enum bake_status status, const struct bake_error *err);
void bake_watch_write_state(struct bake_watch *watch, enum bake_status status,
	const struct bake_error *err, bool ended);

enum {
	BAKE_SIZE_TEXT = 64
};

/* "1.20 / 2.02 GB", "1.2 / 300.0 MB": as the download service shows it, in decimal units. */
const char *bake_size_text(uint64_t bytes, uint64_t total, char text[BAKE_SIZE_TEXT]);

#endif
