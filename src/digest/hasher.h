/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing bytes as they come. */
#ifndef DIGEST_HASHER_H
#define DIGEST_HASHER_H

#include "base/error.h"
#include "base/span.h"
#include "digest/digest.h"

/* One running hash. Caller's storage; release it whatever happened. */
struct bake_hasher {
	void *state;
	enum bake_digest_kind kind;
	bool failed;
};

#define BAKE_HASHER_INIT                                                                           \
	{                                                                                          \
		.state = NULL                                                                      \
	}

enum bake_status bake_hasher_init_sha256(
	struct bake_hasher *hasher, struct bake_error *err) BAKE_CHECKED;

/* git's blob name needs the size before the first byte. */
enum bake_status bake_hasher_init_git_blob(
	struct bake_hasher *hasher, uint64_t size, struct bake_error *err) BAKE_CHECKED;

/* A failure inside the hash is kept and reported by final. */
void bake_hasher_update(struct bake_hasher *hasher, struct bake_span bytes);

/* Ends the hash; the hasher can only be released after it. */
enum bake_status bake_hasher_final(
	struct bake_hasher *hasher, struct bake_digest *out, struct bake_error *err) BAKE_CHECKED;

void bake_hasher_release(struct bake_hasher *hasher);

/* SHA-256 of bytes in memory. */
enum bake_status bake_digest_of(
	struct bake_span bytes, struct bake_digest *out, struct bake_error *err) BAKE_CHECKED;

#endif
