/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bake.runtime/1, model-info.runtime.json: what servers measured and what somebody decided for them,
 * beside the index, which has only facts about the bytes and is built anew without regard to this.
 */
#ifndef OPS_RUNTIME_H
#define OPS_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"

#define BAKE_RUNTIME_SCHEMA "bake.runtime/1"

enum {
	BAKE_RUNTIME_BYTES_MAX = 64 * 1024 * 1024
};

/* An open one. It must stay where it is. */
struct bake_runtime {
	char *path;
	struct bake_buf before; /* empty when there is no file */
	struct bake_json_doc *doc;
	struct bake_json root;
	struct bake_json models; /* by id */
};

/* Of the models directory; an empty one when there is none. schema.name, schema.version. */
enum bake_status bake_runtime_open(
	struct bake_runtime *runtime, const char *models_dir, struct bake_error *err) BAKE_CHECKED;
void bake_runtime_release(struct bake_runtime *runtime);

/* As bake_registry_write. */
enum bake_status bake_runtime_write(const struct bake_runtime *runtime, bool dry_run,
	bool *out_changed, struct bake_error *err) BAKE_CHECKED;

/*
 * text is an index or one model of it: "architecture" of each model that was measured gets
 * "runtime", and the model "overrides". Unchanged when there is no runtime file.
 */
enum bake_status bake_runtime_merge_view(
	const char *models_dir, struct bake_buf *text, struct bake_error *err) BAKE_CHECKED;

#endif
