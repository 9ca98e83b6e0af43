/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history that fetches leave, read from its end: a log of any length takes a fixed amount of
 * memory. Whatever is not a whole line of ours is counted and passed over: what a crash tore, what
 * another program wrote.
 */
#ifndef CATALOG_HISTORY_H
#define CATALOG_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

enum {
	BAKE_HISTORY_RECORD_MAX = 64 * 1024, /* bytes of a line; a longer one is none of ours */
	BAKE_HISTORY_MODELS_MAX = 1024	     /* ids that are kept of a line */
};

enum bake_history_outcome {
	BAKE_HISTORY_DOWNLOADED,
	BAKE_HISTORY_FAILED,
	BAKE_HISTORY_CANCELLED
};

/* One run. Texts live until the next record is read; what is NULL or 0 was not written. */
struct bake_history_record {
	enum bake_history_outcome outcome;
	const char *time; /* as written: "2026-11-21T06:47:00Z"; without Z the zone is not known */
	const char *lock; /* its name */
	const char *error;
	const char *message;  /* of another program's failure */
	const char *imported; /* what tells an imported entry apart; NULL: written by a fetch */
	const char *const *models;
	size_t model_count; /* in models */
	uint64_t files;
	uint64_t bytes;	   /* of all files together */
	uint64_t received; /* over the network, in this run */
	uint64_t cached;
	uint64_t retries;
	uint64_t ms;
	bool has_ms;
};

/* What a line is. */
enum bake_history_kind {
	BAKE_HISTORY_RECORD,
	BAKE_HISTORY_BLANK,
	BAKE_HISTORY_FOREIGN, /* JSON, and not of bake.history/1 */
	BAKE_HISTORY_DAMAGED
};

/* Reads a line without its newline. arena gets the texts. Only memory fails (RESOURCES). */
enum bake_status bake_history_parse(struct bake_span line, struct bake_arena *arena,
	struct bake_history_record *out, enum bake_history_kind *kind,
	struct bake_error *err) BAKE_CHECKED;

/* What was passed over. */
struct bake_history_skipped {
	uint64_t foreign;
	uint64_t damaged;
};

struct bake_history_reader {
	/* Gets each record, the last one of the file first. False: enough. */
	bool (*record)(void *context, const struct bake_history_record *record);
	void *context;
};

/* Reads what a regular file has at this moment. A file that is cut meanwhile ends there. */
enum bake_status bake_history_read(int fd, const struct bake_history_reader *reader,
	struct bake_history_skipped *out_skipped, struct bake_error *err) BAKE_CHECKED;

/* The log at path, and behind it what it had before it became NAME.1. Neither need be there. */
enum bake_status bake_history_read_both(const char *path, const struct bake_history_reader *reader,
	struct bake_history_skipped *out_skipped, struct bake_error *err) BAKE_CHECKED;

/* The file's name, for messages and for opening: $BAKE_STATE_DIR/history.jsonl and so on. To be
 * freed. BAKE_ERR_NOINPUT history.nowhere without a home directory. */
enum bake_status bake_history_path(char **out, struct bake_error *err) BAKE_CHECKED;

/* Opens a history for reading; a link, a FIFO and the like are refused (path.symlink, path.type).
 * *out -1: there is none. */
enum bake_status bake_history_open(const char *path, int *out, struct bake_error *err) BAKE_CHECKED;

struct bake_history_import {
	size_t entries; /* of the document */
	size_t added;
	size_t known;	/* were imported before, or stand there twice */
	size_t useless; /* no entry of a download */
};

/*
 * Appends the entries of a download_history.json (text, of at most 64 MiB) to the history at path,
 * which is made when absent. Each entry once, however often and by how many at a time this is done.
 * generator is "TOOL VERSION". dry: only counts.
 */
enum bake_status bake_history_import(const char *path, struct bake_span text, const char *name,
	const char *generator, bool dry, struct bake_history_import *out,
	struct bake_error *err) BAKE_CHECKED;

#endif
