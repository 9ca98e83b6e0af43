/* SPDX-License-Identifier: Apache-2.0 */
/* How a model is opened. Inside convert only. */
#ifndef CONVERT_OPENING_H
#define CONVERT_OPENING_H

#include "convert/model.h"

/* Finds out which files path means and opens them. */
enum bake_status bake_convert_open_path(
	struct bake_convert_model *model, const char *path, struct bake_error *err) BAKE_CHECKED;

/* Opens the files, whose paths outlive the model, and reads their headers. */
enum bake_status bake_convert_open_files(struct bake_convert_model *model, const char *const *paths,
	size_t count, struct bake_error *err) BAKE_CHECKED;

#endif
