/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for a reader who may be slow, stop reading, or never come: writing them never waits. */
#ifndef FS_STREAM_H
#define FS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct bake_stream {
	int fd; /* -1: there is none */
	bool owned;
	bool regular;	      /* a file on a disk */
	struct bake_buf wait; /* lines that are not written yet, but for the first sent bytes */
	size_t sent;
	uint64_t lost; /* lines for which there was no room */
	int failed;    /* the errno that ended it, 0: none */
};

enum {
	BAKE_STREAM_WAIT_MAX = 4 * 1024 * 1024
};

#define BAKE_STREAM_INIT                                                                           \
	{                                                                                          \
		.fd = -1, .wait = BAKE_BUF_INIT(BAKE_STREAM_WAIT_MAX)                              \
	}

/*
 * path is a file, which is emptied, a FIFO, which may have no reader yet, or a device; "-" is
 * standard output.
 */
enum bake_status bake_stream_open(
	struct bake_stream *stream, const char *path, struct bake_error *err) BAKE_CHECKED;

/* A whole line, or nothing of it when too much waits already. */
void bake_stream_add(struct bake_stream *stream, struct bake_span line);

/* Whether so much waits that lines which can be done without should be left out. */
bool bake_stream_is_slow(const struct bake_stream *stream);

/* Writes what can be written at once. */
void bake_stream_flush(struct bake_stream *stream);

/* Writes the rest, waiting for a reader until it has taken nothing for patience_ms. True when
 * every line was written. */
bool bake_stream_close(struct bake_stream *stream, unsigned patience_ms);

#endif
