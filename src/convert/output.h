/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that is written. Until it is whole it stands beside its final name as a temporary one,
 * which whoever writes there next removes when we were killed; then it is synced and renamed.
 */
#ifndef CONVERT_OUTPUT_H
#define CONVERT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "fs/temporary.h"

struct bake_output {
	int dir;
	const char *path; /* borrowed */
	const char *name; /* the last component of path */
	bool force;
	struct bake_temporary temporary; /* fd: for writing; -1 when closed */
};

#define BAKE_OUTPUT_INIT                                                                           \
	{                                                                                          \
		.dir = -1, .temporary = BAKE_TEMPORARY_INIT                                        \
	}

/* Whether path may be written: BAKE_ERR_CANTCREATE convert.exists, path.type, path.symlink. */
enum bake_status bake_output_check(
	const char *path, bool force, struct bake_error *err) BAKE_CHECKED;

/* Makes the temporary file, with space for bytes where the file system can reserve it. path is
 * borrowed until the end. */
enum bake_status bake_output_open(struct bake_output *output, const char *path, uint64_t bytes,
	bool force, struct bake_error *err) BAKE_CHECKED;

/* A second descriptor, for reading. The caller closes it. */
enum bake_status bake_output_reopen(
	const struct bake_output *output, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/* Gives it its mode, its time and its name. */
enum bake_status bake_output_publish(
	struct bake_output *output, int64_t mtime, struct bake_error *err) BAKE_CHECKED;

/* Removes what was not published. Safe on one that was never opened. */
void bake_output_release(struct bake_output *output);

#endif
