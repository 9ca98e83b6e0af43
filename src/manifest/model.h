/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one model of a manifest. */
#ifndef MANIFEST_MODEL_H
#define MANIFEST_MODEL_H

#include "json/json.h"
#include "manifest/manifest.h"

/* Reads the member of "models" that value is, its key being the id. */
enum bake_status bake_model_read(const struct bake_json *value, struct bake_arena *arena,
	struct bake_model *out, struct bake_error *err) BAKE_CHECKED;

#endif
