/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of many files by few threads. Each thread reads and hashes two files in step where the
 * processor gains from that (digest/twin.h); a large one that is the last of a thread is read by a
 * second one. Inside store only.
 */
#ifndef STORE_HASHING_H
#define STORE_HASHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "digest/digest.h"

/* What is called by whichever thread has the file of that index. */
struct bake_hashing {
	/* Opens the file, which ends closes. False: it is not to be hashed. */
	bool (*begin)(void *context, size_t index, int *out_fd, uint64_t *out_size);
	/* That many more bytes have been read. */
	void (*more)(void *context, size_t index, uint64_t bytes);
	/* The digest of what was read; not of all when that is more than the size. digest is NULL
	 * when reading failed, for which error has the reason. */
	void (*end)(void *context, size_t index, int fd, uint64_t read,
		const struct bake_digest *digest, const struct bake_error *error);
	void *context;
};

/* Works on the files of order[0..count), which are begun in that order, with up to jobs threads
 * (0: one per processor). A signal that asks to stop makes reading fail. */
void bake_hash_files(
	const struct bake_hashing *hashing, const size_t *order, size_t count, unsigned jobs);

#endif
