/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/index_local.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"

static enum bake_status check_file(
	int root, const struct bake_index_file *file, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct stat st;

	BAKE_TRY(bake_relpath_parse_model(file->path, &path, err));
	if (bake_open_regular(root, path, &fd, &st, err) != BAKE_OK) {
		if (err->status != BAKE_ERR_NOINPUT && err->status != BAKE_ERR_CANTCREATE)
			return err->status;
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"%s is in the index and not on disk", BAKE_SHOW(file->path));
		return bake_error_hint(err, "is a volume mounted over the models?");
	}
	if ((uint64_t)st.st_size == file->size)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
		"%s has %" PRIu64 " bytes on disk and %" PRIu64 " in the index",
		BAKE_SHOW(file->path), (uint64_t)st.st_size, file->size);
	return bake_error_hint(err, "bake-verify says what else is wrong");
}

/* Whether path is the file, or a directory above it. */
static bool leads_to(const char *path, const char *file)
{
	size_t len = strlen(path);

	return strncmp(path, file, len) == 0 && (file[len] == '\0' || file[len] == '/');
}

enum bake_status bake_index_check_local(
	int root, const struct bake_index_choice *choice, struct bake_error *err)
{
	const struct bake_index_model *model = choice->model;
	bool one = model->variant_count && strcmp(choice->path, model->path) != 0;
	bool leads = false;

	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_index_file *file = &model->files[i];
		bool chosen = leads_to(choice->path, file->path);

		if (one && !chosen && file->is_variant)
			continue;
		BAKE_TRY(check_file(root, file, err));
		leads = leads || chosen;
	}
	if (leads)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
		"'%s' is no file of model '%s'", BAKE_SHOW(choice->path), BAKE_SHOW(model->id));
}
