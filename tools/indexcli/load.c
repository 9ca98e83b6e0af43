/* SPDX-License-Identifier: Apache-2.0 */
#include "indexcli/load.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/main.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "indexcli/commands.h"

enum bake_status indexcli_load(const struct indexcli_which *which, struct bake_index **out,
	struct bake_buf *text, struct bake_error *err)
{
	_cleanup_free_ char *beside = NULL;
	const char *path = which->index_path;

	if (!path) {
		if (asprintf(&beside, "%s/%s", cli_models_dir(which->models_dir), BAKE_INDEX_NAME) <
			0)
			return bake_error_nomem(err);
		path = beside;
	}
	if (bake_file_read(path, text, err) != BAKE_OK) {
		if (err->status == BAKE_ERR_NOINPUT)
			bake_error_hint(err,
				INDEXCLI_TOOL " build makes it; when it was baked, is a volume "
					      "mounted over the models?");
		return bake_error_wrap(err, "index");
	}
	return bake_index_parse(bake_buf_span(text), path, out, err);
}

static const char *model_id(const void *context, size_t index)
{
	return ((const struct bake_index *)context)->models[index].id;
}

enum bake_status indexcli_find(const struct bake_index *index, const char *id,
	const struct bake_index_model **out, struct bake_error *err)
{
	const struct bake_index_model *model = bake_index_find(index, id);
	const char *near;

	if (model) {
		*out = model;
		return BAKE_OK;
	}
	bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model", "the index has no model '%s'",
		BAKE_SHOW(id));
	near = bake_text_nearest(id, index->model_count, model_id, index);
	return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
}

enum bake_status indexcli_open_models(const char *models_dir, int *out_root, struct bake_error *err)
{
	const char *dir = cli_models_dir(models_dir);

	if (bake_dir_open(dir, out_root, err) == BAKE_OK)
		return BAKE_OK;
	if (err->status != BAKE_ERR_NOINPUT && err->status != BAKE_ERR_CANTCREATE)
		return err->status;
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
		"there is no models directory '%s'", BAKE_SHOW(dir));
	return bake_error_hint(err, "-d DIR or $MODEL_CACHE_DIR says where the models are");
}
