/* SPDX-License-Identifier: Apache-2.0 */
/* The fallback directory: where it may be, and how a model comes into it. */
#ifndef RUNTIME_FALLBACK_H
#define RUNTIME_FALLBACK_H

#include "runtime/inner.h"

/* Nothing may ever be fetched into the baked tree: BAKE_ERR_CONFIG runtime.fallback-dir when one of
 * the directories is the other, or above it, by whatever name. They need not exist. */
enum bake_status bake_fallback_check_dir(
	const char *models_dir, const char *fallback_dir, struct bake_error *err) BAKE_CHECKED;

/* Has the model fetched there, once for all who ask at the same time. */
enum bake_status bake_fallback_fetch(struct bake_runtime *runtime,
	const struct bake_index_model *model, struct bake_error *err) BAKE_CHECKED;

#endif
