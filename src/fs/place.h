/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small things under their final names at once: what surrounds model bytes and is none (the sink
 * alone publishes those). Each is made in .bake and renamed, so that a process that is killed
 * leaves nothing beside the names it was to make.
 */
#ifndef FS_PLACE_H
#define FS_PLACE_H

#include <stdint.h>

#include "base/error.h"
#include "base/relpath.h"
#include "base/span.h"
#include "fs/workdir.h"

/*
 * Puts a file of these bytes at path beneath the workdir's root, in the place of a regular file or
 * of nothing (else BAKE_ERR_CANTCREATE path.symlink, path.type), with the modes, owner and time of
 * everything that is baked. Directories are made. One thread at a time has a workdir for this.
 */
enum bake_status bake_place_file(const struct bake_workdir *workdir, struct bake_relpath path,
	struct bake_span bytes, int64_t mtime, struct bake_error *err) BAKE_CHECKED;

/* Puts a symbolic link to target at path where there is nothing yet: it replaces nothing, not even
 * another link (path.symlink, path.type). */
enum bake_status bake_place_link(const struct bake_workdir *workdir, struct bake_relpath path,
	const char *target, int64_t mtime, struct bake_error *err) BAKE_CHECKED;

#endif
