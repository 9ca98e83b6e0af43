/* SPDX-License-Identifier: Apache-2.0 */
/* An output of which is known what it must be. Inside convert only. */
#ifndef CONVERT_PINNED_H
#define CONVERT_PINNED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "digest/digest.h"

/* Whether path is a regular file of that content, and its size. What is absent, of another type or of
 * other content is not; failing to read it is an error. */
enum bake_status bake_pinned_look(const char *path, const struct bake_digest *pinned, bool *out_is,
	uint64_t *out_bytes, struct bake_error *err) BAKE_CHECKED;

/* BAKE_ERR_INTEGRITY integrity.sha256 when something is pinned and digest is not it. */
enum bake_status bake_pinned_compare(const struct bake_digest *pinned,
	const struct bake_digest *digest, const char *path, struct bake_error *err) BAKE_CHECKED;

#endif
