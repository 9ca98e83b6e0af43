/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/index_pickle.h"

#include "base/cleanup.h"
#include "fs/dir.h"
#include "ops/pickle.h"

static enum bake_status executes(const struct bake_index_file *at, const int *roots,
	size_t root_count, bool *out, struct bake_error *err)
{
	struct bake_pickle_file file = {.path = at->path, .sha256 = &at->sha256, .size = at->size};
	const char *what = bake_pickle_named(&file);
	struct bake_relpath path;

	BAKE_TRY(bake_relpath_parse_model(at->path, &path, err));
	for (size_t i = 0; i < root_count && !what; i++) {
		struct bake_error why = BAKE_ERROR_INIT;
		_cleanup_close_ int fd = -1;
		struct stat st;

		if (bake_open_regular(roots[i], path, &fd, &st, &why) == BAKE_OK) {
			BAKE_TRY(bake_pickle_look(&file, fd, &what, err));
		} else if (why.status != BAKE_ERR_NOINPUT) {
			*err = why;
			return err->status;
		}
	}
	*out = what != NULL;
	return BAKE_OK;
}

enum bake_status bake_index_mark_executable(
	struct bake_index *index, const int *roots, size_t root_count, struct bake_error *err)
{
	for (size_t i = 0; i < index->model_count; i++) {
		struct bake_index_model *model = &index->models[i];

		for (size_t k = 0; model->baked && k < model->file_count && !model->executable_code;
			k++)
			BAKE_TRY(executes(
				&model->files[k], roots, root_count, &model->executable_code, err));
	}
	return BAKE_OK;
}
