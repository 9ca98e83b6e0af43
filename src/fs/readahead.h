/* SPDX-License-Identifier: Apache-2.0 */
/* A file read in order by a thread of its own, so that who hashes it never waits for a copy. */
#ifndef FS_READAHEAD_H
#define FS_READAHEAD_H

#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

struct bake_readahead;

enum {
	BAKE_READAHEAD_PIECE = 128 * 1024
};

/* Begins to read fd, which must stay open, at byte first. */
enum bake_status bake_readahead_new(
	int fd, uint64_t first, struct bake_readahead **out, struct bake_error *err) BAKE_CHECKED;

/* The next piece, good until the next call: BAKE_READAHEAD_PIECE bytes but for the last one, and
 * none at the end of the file. */
enum bake_status bake_readahead_next(
	struct bake_readahead *ahead, struct bake_span *out, struct bake_error *err) BAKE_CHECKED;

/* Ends the thread, wherever it is. */
void bake_readahead_free(struct bake_readahead **ahead);

#endif
