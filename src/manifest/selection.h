/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one entry of a manifest's "selection". */
#ifndef MANIFEST_SELECTION_H
#define MANIFEST_SELECTION_H

#include "json/json.h"
#include "manifest/manifest.h"

/* Reads the member that value is, its key being the group. */
enum bake_status bake_selection_read(const struct bake_json *value, struct bake_arena *arena,
	struct bake_selection *out, struct bake_error *err) BAKE_CHECKED;

#endif
