/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two SHA-256 hashes on one processor at a time. A round of SHA-256 waits for the one before it, so
 * that the instructions for it (x86 SHA extensions) are idle half of the time: a second hash of
 * other bytes fits in between, and both together are about 1.6 times as fast as one after the other.
 */
#ifndef DIGEST_TWIN_H
#define DIGEST_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "digest/digest.h"

enum {
	BAKE_TWIN_BLOCK = 64
};

struct bake_twin {
	uint32_t state[8];
	uint64_t bytes; /* hashed so far */
};

/* Whether this processor can: the functions below must not be called on others. */
bool bake_twin_usable(void);

void bake_twin_init(struct bake_twin *twin);

/* Hashes that many blocks of each. */
void bake_twin_update(struct bake_twin *a, const uint8_t *a_bytes, struct bake_twin *b,
	const uint8_t *b_bytes, size_t blocks);

/* The same for one alone. */
void bake_twin_update_one(struct bake_twin *twin, const uint8_t *bytes, size_t blocks);

/* Ends the hash with the rest of the bytes: fewer than a block. */
void bake_twin_final(struct bake_twin *twin, struct bake_span rest, struct bake_digest *out);

#endif
