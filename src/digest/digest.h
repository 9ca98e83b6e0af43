/* SPDX-License-Identifier: Apache-2.0 */
/* Digests as values. A struct bake_digest is made only by parsing one or by finishing a hash, so
 * whoever holds one holds a well-formed one. */
#ifndef DIGEST_DIGEST_H
#define DIGEST_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum bake_digest_kind {
	BAKE_DIGEST_NONE = 0,
	BAKE_DIGEST_SHA256,   /* FIPS 180-4, of the content */
	BAKE_DIGEST_GIT_SHA1, /* of "blob <size>\0" and the content: git's name of a blob */
};

enum {
	BAKE_DIGEST_BYTES_MAX = 32,
	BAKE_DIGEST_HEX_MAX = 2 * BAKE_DIGEST_BYTES_MAX + 1,
};

struct bake_digest {
	enum bake_digest_kind kind;
	uint8_t bytes[BAKE_DIGEST_BYTES_MAX];
};

/* Bytes in a digest of that kind. */
size_t bake_digest_size(enum bake_digest_kind kind);

/*
 * A SHA-256 as people write it: 64 hex digits of either case, "sha256:<hex>", or SRI
 * "sha256-<base64>". BAKE_ERR_DATA digest.format otherwise; all zeros is nobody's digest.
 */
enum bake_status bake_digest_parse_sha256(
	const char *text, struct bake_digest *out, struct bake_error *err) BAKE_CHECKED;

/* The canonical form only: lower hex of the exact length. For what our own tools wrote. */
enum bake_status bake_digest_parse_hex(enum bake_digest_kind kind, const char *text,
	struct bake_digest *out, struct bake_error *err) BAKE_CHECKED;

bool bake_digest_equal(const struct bake_digest *a, const struct bake_digest *b);

/* Lower hex, NUL-terminated. Returns hex. */
const char *bake_digest_hex(const struct bake_digest *digest, char hex[BAKE_DIGEST_HEX_MAX]);
#define BAKE_HEX(digest) bake_digest_hex((digest), (char[BAKE_DIGEST_HEX_MAX]){0})

#endif
