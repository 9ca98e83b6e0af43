/* SPDX-License-Identifier: Apache-2.0 */
/* One digest for a set of files, as the registries our users have compute it. */
#ifndef DIGEST_AGGREGATE_H
#define DIGEST_AGGREGATE_H

#include <stddef.h>

#include "base/error.h"
#include "digest/digest.h"

struct bake_aggregate_file {
	const char *path;
	const struct bake_digest *sha256;
};

/* SHA-256 of the lines "<hex>  <path>" sorted as strings and joined by "\n", no newline last. */
enum bake_status bake_aggregate_sha256(const struct bake_aggregate_file *files, size_t count,
	struct bake_digest *out, struct bake_error *err) BAKE_CHECKED;

#endif
