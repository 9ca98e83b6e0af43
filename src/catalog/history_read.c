/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file from its end, block by block. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "catalog/history.h"
#include "fs/file.h"
#include "fs/log.h"

enum {
	BLOCK_BYTES = 256 * 1024,
	OPEN_TRIES = 100,
	/* Of one line: models' names, each copied. */
	ARENA_MAX = 4 * BAKE_HISTORY_RECORD_MAX
};

/*
 * bytes has a block, and behind it the beginning of what follows it: the line that was cut by the
 * block's end. A line that is longer than any record is dropped down to its newline.
 */
struct reading {
	const struct bake_history_reader *reader;
	struct bake_history_skipped skipped;
	uint8_t *bytes;
	size_t kept; /* bytes of a line whose beginning was not seen yet */
	bool overlong;
	bool enough;
};

static enum bake_status take_line(
	struct reading *reading, struct bake_span line, struct bake_error *err)
{
	struct bake_arena arena = BAKE_ARENA_INIT(ARENA_MAX);
	struct bake_history_record record;
	enum bake_history_kind kind = BAKE_HISTORY_DAMAGED;
	enum bake_status status = BAKE_OK;

	if (!reading->overlong && line.len <= BAKE_HISTORY_RECORD_MAX)
		status = bake_history_parse(line, &arena, &record, &kind, err);
	reading->overlong = false;
	if (status == BAKE_OK && kind == BAKE_HISTORY_RECORD)
		reading->enough = !reading->reader->record(reading->reader->context, &record);
	reading->skipped.foreign += kind == BAKE_HISTORY_FOREIGN;
	reading->skipped.damaged += kind == BAKE_HISTORY_DAMAGED;
	bake_arena_release(&arena);
	return status;
}

/* The lines of bytes[0..len) that begin there; what is before the first newline waits. */
static enum bake_status take_block(struct reading *reading, size_t len, struct bake_error *err)
{
	size_t end = len;

	while (!reading->enough) {
		const uint8_t *newline = memrchr(reading->bytes, '\n', end);
		size_t begin = newline ? (size_t)(newline - reading->bytes) + 1 : 0;

		if (!newline)
			break;
		BAKE_TRY(take_line(reading, bake_span(reading->bytes + begin, end - begin), err));
		end = begin - 1;
	}
	reading->kept = end;
	if (end > BAKE_HISTORY_RECORD_MAX) {
		reading->overlong = true;
		reading->kept = 0;
	}
	return BAKE_OK;
}

static enum bake_status read_blocks(
	int fd, uint64_t size, struct reading *reading, struct bake_error *err)
{
	uint64_t at = size;
	size_t got;

	while (at > 0 && !reading->enough) {
		size_t want = at < BLOCK_BYTES ? (size_t)at : BLOCK_BYTES;

		BAKE_TRY(bake_stop_check(err));
		/* What waits goes behind what comes before it. */
		memmove(reading->bytes + want, reading->bytes, reading->kept);
		at -= want;
		BAKE_TRY(bake_file_read_at(fd, at, reading->bytes, want, &got, err));
		if (got < want)
			memset(reading->bytes + got, '\n', want - got); /* it was cut */
		BAKE_TRY(take_block(reading, want + reading->kept, err));
	}
	if (!reading->enough && (reading->kept > 0 || reading->overlong))
		return take_line(reading, bake_span(reading->bytes, reading->kept), err);
	return BAKE_OK;
}

static enum bake_status read_file(int fd, struct reading *reading, struct bake_error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return bake_error_errno(err, errno, "history");
	bytes = malloc(BLOCK_BYTES + BAKE_HISTORY_RECORD_MAX);
	if (!bytes)
		return bake_error_nomem(err);
	reading->bytes = bytes;
	reading->kept = 0;
	reading->overlong = false;
	return read_blocks(fd, st.st_size > 0 ? (uint64_t)st.st_size : 0, reading, err);
}

enum bake_status bake_history_read(int fd, const struct bake_history_reader *reader,
	struct bake_history_skipped *out_skipped, struct bake_error *err)
{
	struct reading reading = {.reader = reader};

	BAKE_TRY(read_file(fd, &reading, err));
	*out_skipped = reading.skipped;
	return BAKE_OK;
}

static bool are_same(int a, int b)
{
	struct stat first;
	struct stat second;

	return a >= 0 && b >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* Both as they were at one moment: a log that became the former one in between is not both. */
static enum bake_status open_both(
	const char *path, int *out_fd, int *out_former, struct bake_error *err)
{
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s" BAKE_LOG_FORMER, path) < 0)
		return bake_error_nomem(err);
	for (int i = 0; i < OPEN_TRIES; i++) {
		cleanup_close(out_fd);
		cleanup_close(out_former);
		*out_fd = -1;
		*out_former = -1;
		BAKE_TRY(bake_history_open(path, out_fd, err));
		BAKE_TRY(bake_history_open(name, out_former, err));
		if (!are_same(*out_fd, *out_former))
			return BAKE_OK;
	}
	/* Somebody's link to it: once is enough. */
	cleanup_close(out_former);
	*out_former = -1;
	return BAKE_OK;
}

enum bake_status bake_history_read_both(const char *path, const struct bake_history_reader *reader,
	struct bake_history_skipped *out_skipped, struct bake_error *err)
{
	struct reading reading = {.reader = reader};
	_cleanup_close_ int former = -1;
	_cleanup_close_ int fd = -1;

	BAKE_TRY(open_both(path, &fd, &former, err));
	if (fd >= 0)
		BAKE_TRY(read_file(fd, &reading, err));
	if (former >= 0 && !reading.enough)
		BAKE_TRY(read_file(former, &reading, err));
	*out_skipped = reading.skipped;
	return BAKE_OK;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

enum bake_status bake_history_path(char **out, struct bake_error *err)
{
	static const struct {
		const char *name;
		const char *rest;
	} places[] = {
		{"BAKE_STATE_DIR", "/history.jsonl"},
		{"XDG_STATE_HOME", "/bake/history.jsonl"},
		{"HOME", "/.local/state/bake/history.jsonl"},
	};

	for (size_t i = 0; i < countof(places); i++) {
		const char *value = variable(places[i].name);

		if (!value)
			continue;
		if (asprintf(out, "%s%s", value, places[i].rest) < 0)
			return bake_error_nomem(err);
		return BAKE_OK;
	}
	bake_error_set(err, BAKE_ERR_NOINPUT, "history.nowhere",
		"there is no home directory to keep a history in");
	return bake_error_hint(err, "$BAKE_STATE_DIR says where it is");
}

enum bake_status bake_history_open(const char *path, int *out, struct bake_error *err)
{
	/* A FIFO of that name must not make us wait. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	*out = -1;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return BAKE_OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		return bake_error_errno(err, errno, "history '%s'", BAKE_SHOW(path));
	if (!S_ISREG(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
			"history '%s' is not a regular file", BAKE_SHOW(path));
	*out = steal_fd(&fd);
	return BAKE_OK;
}
