/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files: documents read with a ceiling and replaced atomically. And hashing of large
 * ones. */
#ifndef FS_FILE_H
#define FS_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "digest/hasher.h"

/* All of a file into out, up to out->max bytes (BAKE_ERR_DATA data.too-large). path as the user
 * gave it; "-" is standard input. */
enum bake_status bake_file_read(
	const char *path, struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

/* The same from a descriptor; name is for messages. */
enum bake_status bake_file_read_fd(
	int fd, const char *name, struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

/*
 * Replaces dir/name by bytes: temporary file, sync, rename, sync of the directory. On failure the
 * former file is untouched; what a killed process left in dir is removed by the next one. mtime in
 * seconds, or -1 for the clock's.
 */
enum bake_status bake_file_replace(int dir, const char *name, struct bake_span bytes, int64_t mtime,
	struct bake_error *err) BAKE_CHECKED;

/* The same for a path as the user gave it. */
enum bake_status bake_file_replace_path(const char *path, struct bake_span bytes, int64_t mtime,
	struct bake_error *err) BAKE_CHECKED;

/* Told now and then how many more bytes were read. */
struct bake_read_progress {
	void (*more)(void *context, uint64_t bytes);
	void *context;
};

/*
 * Feeds fd's bytes [first, end) to the hashers, in pieces of 1 MiB. end UINT64_MAX is the end of
 * the file; a file that ends before another end is BAKE_ERR_INTEGRITY integrity.size. Stops with
 * BAKE_ERR_INTERRUPTED on a signal. *out_read receives the number of bytes.
 */
enum bake_status bake_file_hash(int fd, uint64_t first, uint64_t end,
	struct bake_hasher *const *hashers, size_t count, const struct bake_read_progress *progress,
	uint64_t *out_read, struct bake_error *err) BAKE_CHECKED;

/* As many of the len bytes at offset as the file has, whatever short reads the kernel makes. */
enum bake_status bake_file_read_at(int fd, uint64_t offset, void *bytes, size_t len,
	size_t *out_len, struct bake_error *err) BAKE_CHECKED;

/* All of bytes at offset, whatever short writes the kernel makes. */
enum bake_status bake_file_write_at(
	int fd, uint64_t offset, struct bake_span bytes, struct bake_error *err) BAKE_CHECKED;

#endif
