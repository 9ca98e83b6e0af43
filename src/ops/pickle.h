/* SPDX-License-Identifier: Apache-2.0 */
/* The policy for files that can execute code when they are loaded: refused, but for those that
 * somebody allowed by their digest. */
#ifndef OPS_PICKLE_H
#define OPS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "digest/digest.h"

enum {
	BAKE_PICKLE_ALLOWED_MAX = 4096
};

/* What is allowed. */
struct bake_pickle_policy {
	struct bake_digest *allowed;
	size_t count;
};

/* From SHA-256 digests as people write them; BAKE_ERR_USAGE usage.value when one is none. To be
 * released. */
enum bake_status bake_pickle_policy_parse(const char *const *digests, size_t count,
	struct bake_pickle_policy *out, struct bake_error *err) BAKE_CHECKED;
void bake_pickle_policy_release(struct bake_pickle_policy *policy);

bool bake_pickle_is_allowed(
	const struct bake_pickle_policy *policy, const struct bake_digest *sha256);

/* A file and the name that people know it by. */
struct bake_pickle_file {
	const char *path;
	const struct bake_digest *sha256;
	uint64_t size;
};

/* What the file is by its name, NULL for nothing of the kind. */
const char *bake_pickle_named(const struct bake_pickle_file *file);

/* What it is by the bytes of fd; *out NULL for nothing of the kind. Fails only when reading does. */
enum bake_status bake_pickle_look(const struct bake_pickle_file *file, int fd, const char **out,
	struct bake_error *err) BAKE_CHECKED;

/* What it is by its first bytes alone, while it comes in. */
const char *bake_pickle_begins(const struct bake_pickle_file *file, struct bake_span head);

/* BAKE_ERR_POLICY policy.pickle, unless what is NULL or the file is allowed. */
enum bake_status bake_pickle_refuse(const struct bake_pickle_policy *policy,
	const struct bake_pickle_file *file, const char *what, struct bake_error *err) BAKE_CHECKED;

#endif
