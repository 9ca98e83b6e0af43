/* SPDX-License-Identifier: Apache-2.0 */
/* A file of lines to which several processes append. */
#ifndef FS_LOG_H
#define FS_LOG_H

#include <stdint.h>

#include "base/error.h"

/* Behind the name of a log: what it had before. */
#define BAKE_LOG_FORMER ".1"

/*
 * Opens a log for appending and takes its lock (flock), which goes with *out_fd; it is made when
 * absent (0600), and so are its directories (0700). A link, a FIFO and the like are refused
 * (path.symlink, path.type). One of limit bytes or more first becomes NAME.1, whose content is
 * lost: under the lock, so that it is done once, and no line is written to what was put away.
 * limit 0: never. With a limit the lock is waited for a second only; a log whose lock another
 * one keeps is appended to as it is.
 */
enum bake_status bake_log_open(
	const char *path, uint64_t limit, int *out_fd, struct bake_error *err) BAKE_CHECKED;

#endif
