/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning of a remote file, for whoever reads it from a pipe and has enough at some point:
 * bake-index links no network code and looks at remote models through this.
 *
 * What is written: the line "bake.peek/1 BYTES", BYTES being the length of the file, then the file
 * from its first byte on until the reader closes the pipe, the file ends, or BAKE_PEEK_MAX. Ranges
 * are asked for that grow, each when what came before was read.
 */
#ifndef NETOPS_PEEK_H
#define NETOPS_PEEK_H

#include "base/error.h"
#include "base/event.h"
#include "netops/origins.h"

#define BAKE_PEEK_LINE "bake.peek/1"

enum {
	BAKE_PEEK_FIRST = 256 * 1024,	  /* bytes of the first range; each next one twice that */
	BAKE_PEEK_MAX = 256 * 1024 * 1024 /* no header that is read is longer */
};

struct bake_peek_options {
	struct bake_origins origins;
	/* "https://...", or "hf://ORGANISATION/NAME[@REVISION]/PATH" at the endpoint. */
	const char *url;
	int out; /* a pipe; anything else gets up to BAKE_PEEK_MAX */
	const struct bake_events *events;
};

/* A reader that closes the pipe is content: BAKE_OK. */
enum bake_status bake_peek_run(
	const struct bake_peek_options *options, struct bake_error *err) BAKE_CHECKED;

#endif
