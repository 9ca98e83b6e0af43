/* SPDX-License-Identifier: Apache-2.0 */
/* The index that a command answers from, and the directory its paths are relative to. */
#ifndef INDEXCLI_LOAD_H
#define INDEXCLI_LOAD_H

#include "base/buf.h"
#include "base/error.h"
#include "index/index.h"

/* Which index: of the models directory, or a file. Both NULL: of the usual directory. */
struct indexcli_which {
	const char *models_dir;
	const char *index_path;
};

/* text receives the document as it is. */
enum bake_status indexcli_load(const struct indexcli_which *which, struct bake_index **out,
	struct bake_buf *text, struct bake_error *err) BAKE_CHECKED;

/* The model of that id; BAKE_ERR_USAGE usage.unknown-model with the nearest one. */
enum bake_status indexcli_find(const struct bake_index *index, const char *id,
	const struct bake_index_model **out, struct bake_error *err) BAKE_CHECKED;

/* The models directory; BAKE_ERR_UNAVAILABLE when there is none. */
enum bake_status indexcli_open_models(
	const char *models_dir, int *out_root, struct bake_error *err) BAKE_CHECKED;

#endif
