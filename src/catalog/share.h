/* SPDX-License-Identifier: Apache-2.0 */
/* Two files of the same bytes that take the room of one. */
#ifndef CATALOG_SHARE_H
#define CATALOG_SHARE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/relpath.h"
#include "fs/workdir.h"

enum bake_share_method {
	BAKE_SHARE_AUTO,    /* a clone where the file system can, else a hard link */
	BAKE_SHARE_REFLINK, /* a clone: two files that have their blocks in common until one is
			       written to */
	BAKE_SHARE_HARDLINK /* one file with two names */
};

extern const char *const bake_share_methods[]; /* their words, NULL-ended */

/* A file as it was when somebody decided about it. */
struct bake_share_file {
	struct bake_relpath path;
	struct stat st;
};

/*
 * Replaces twin by a clone of keep, or by a link to it, once all bytes of both were compared. The
 * workdir is that of their models directory, and locked. A clone has the twin's mode, owner and
 * times; a hard link has keep's, so that it is made only where
 * mode and owner are the same. Neither is made of what has extended attributes. Directories keep their times. Until the rename, twin is as it was.
 *
 * BAKE_ERR_INTEGRITY integrity.changed: one of them is not what it was, or they differ.
 * BAKE_ERR_UNAVAILABLE share.impossible: the file system cannot, or they are on two.
 */
enum bake_status bake_share(const struct bake_workdir *workdir, const struct bake_share_file *keep,
	const struct bake_share_file *twin, enum bake_share_method method,
	enum bake_share_method *out_done, struct bake_error *err) BAKE_CHECKED;

/* Whether the file system says that they have all of their blocks in common. */
bool bake_share_has_same_blocks(int a, int b);

#endif
