/* SPDX-License-Identifier: Apache-2.0 */
/* Making model-info.json from a lock, its manifest and the files that are there. */
#ifndef OPS_INDEX_BUILD_H
#define OPS_INDEX_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/event.h"

struct bake_index_build_options {
	const char *lock_path;
	const char *manifest_path; /* NULL: beside the lock, by its name */
	/* Where files are looked for, in this order: several when layers are mounted apart. */
	const char *const *models_dirs;
	size_t dir_count;
	bool no_architecture;  /* leave out what the files themselves say */
	const char *generator; /* "bake-index VERSION" */
	const struct bake_events *events;
};

/*
 * Writes the document to out. A model of which every file is there, with its size, is baked; one
 * of which none is there is missing, and one of which a part is there is missing with a warning.
 * A file of another size than its pin is BAKE_ERR_INTEGRITY; nothing baked at all is
 * BAKE_ERR_NOINPUT index.nothing.
 */
enum bake_status bake_index_build_text(const struct bake_index_build_options *options,
	struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

#endif
