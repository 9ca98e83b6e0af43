/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILE.json beside a file of weights: what programs that were built on such files want to know of
 * it. No model has one of its own by that name, and of what is there only what is one is ever
 * replaced.
 */
#ifndef OPS_SIDECAR_H
#define OPS_SIDECAR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/relpath.h"

#define BAKE_SIDECAR_ENDING ".json"

enum {
	BAKE_SIDECAR_BYTES_MAX = 64 * 1024
};

struct bake_sidecar {
	const char *model_id;
	const char *display_name;
	const char *filename; /* without directories */
	uint64_t bytes;
	uint64_t min_ram_bytes;	 /* 0: not known, then it is left out */
	const char *description; /* NULL: the same */
	int64_t time;		 /* seconds since 1970 */
	bool is_default;
};

/* Whether a file of that name is one of weights. */
bool bake_sidecar_is_for(const char *path);

/* The document. Sizes are rounded down to MiB, memory up to GB. */
void bake_sidecar_write(const struct bake_sidecar *sidecar, struct bake_buf *out);

/* Whether the file at path beneath root is such a document, of the file it stands beside. Whatever
 * else is there, or cannot be read, is none. */
bool bake_sidecar_is(int root, const char *path);

#endif
