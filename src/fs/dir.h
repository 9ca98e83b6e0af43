/* SPDX-License-Identifier: Apache-2.0 */
/* Directories by descriptor, and files opened beneath them without following links. */
#ifndef FS_DIR_H
#define FS_DIR_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/relpath.h"

/* Modes of everything a bake leaves behind, whatever the umask. */
enum {
	BAKE_MODE_FILE = 0644,
	BAKE_MODE_DIR = 0755
};

/* An existing directory that the user named; links in the name itself are the user's own. */
enum bake_status bake_dir_open(const char *path, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/* The same, made with its parents when it is absent. Made directories get BAKE_MODE_DIR; their
 * times are set by bake_dir_stamp_made. */
enum bake_status bake_dir_make(const char *path, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/*
 * Opens beneath root without leaving it and without following any link (openat2 with
 * RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS; component by component with O_NOFOLLOW where the kernel or
 * its seccomp filter has no openat2). flags as in openat(2); O_CLOEXEC is added.
 */
enum bake_status bake_open_beneath(int root, struct bake_relpath path, int flags, int *out_fd,
	struct bake_error *err) BAKE_CHECKED;

/* A regular file for reading. Other kinds are BAKE_ERR_CANTCREATE path.type (or path.symlink);
 * a FIFO does not block. *out_stat is of the opened file. */
enum bake_status bake_open_regular(int root, struct bake_relpath path, int *out_fd,
	struct stat *out_stat, struct bake_error *err) BAKE_CHECKED;

/* Opens the directory that holds path beneath root, making what is absent. The caller closes. */
enum bake_status bake_open_parent(
	int root, struct bake_relpath path, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/*
 * Gives every directory between root (included) and the files of paths the time mtime. Renaming a
 * file into a directory changes the directory's time: this runs after the last one.
 */
enum bake_status bake_dir_stamp(int root, const struct bake_relpath *paths, size_t count,
	int64_t mtime, struct bake_error *err) BAKE_CHECKED;

/* How many trailing components of path do not exist yet, 0 when it does: asked before
 * bake_dir_make, so that bake_dir_stamp_made can date what it made. */
unsigned bake_dir_missing(const char *path);

/* Dates path's parents that were made: the missing ones but path itself, plus nothing else. */
enum bake_status bake_dir_stamp_made(
	const char *path, unsigned missing, int64_t mtime, struct bake_error *err) BAKE_CHECKED;

/* Bytes an unprivileged process may still write on root's file system. */
enum bake_status bake_dir_free(int root, uint64_t *out_bytes, struct bake_error *err) BAKE_CHECKED;

#endif
