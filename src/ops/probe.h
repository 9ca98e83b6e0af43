/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the user's that is tried with a model: does it load? */
#ifndef OPS_PROBE_H
#define OPS_PROBE_H

#include <stdint.h>

#include "base/error.h"

enum {
	BAKE_PROBE_WORDS_MAX = 256
};

/*
 * Runs command, without a shell. It is split into words at blanks; '...' and "..." keep blanks, and
 * a backslash the character after it (within '...' it is itself). "{path}" in a word is path. The
 * program's standard output goes to standard error, its input is empty. After timeout_ms (0: never)
 * its process group is ended.
 *
 * BAKE_ERR_USAGE usage.value when the command has no words or an open quote, BAKE_ERR_NOINPUT
 * probe.start when it cannot be started, BAKE_ERR_DATA probe.failed when it does not end with 0, and
 * probe.timeout.
 */
enum bake_status bake_probe_run(const char *command, const char *path, uint64_t timeout_ms,
	struct bake_error *err) BAKE_CHECKED;

/* Whether command can be split. */
enum bake_status bake_probe_check(const char *command, struct bake_error *err) BAKE_CHECKED;

#endif
