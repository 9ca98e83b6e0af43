/* SPDX-License-Identifier: Apache-2.0 */
/* Where a manifest's models go, as far as it says so itself. */
#ifndef MANIFEST_PATHS_H
#define MANIFEST_PATHS_H

#include "manifest/manifest.h"

/* The name that the file at a URL has: the last part of its path, within url. NULL when there is
 * none; percent-decoding is left to nobody, such names need "files". */
const char *bake_url_file_name(const char *url, size_t *out_len);

/* Whether the files that the manifest names, and the directories of those that it does not, can
 * be in one tree. BAKE_ERR_DATA path.collision, path.reserved and the like. scratch has what that
 * takes meanwhile. */
enum bake_status bake_manifest_check_paths(const struct bake_manifest *manifest,
	struct bake_arena *scratch, struct bake_error *err) BAKE_CHECKED;

#endif
