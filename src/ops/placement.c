/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/placement.h"

#include <stdlib.h>

#include "base/cleanup.h"

struct bake_layout_file bake_placement_file(
	const struct bake_lock_model *model, const struct bake_lock_file *file)
{
	/* What was converted is nobody's file at the Hub. */
	bool hub = model->source.kind == BAKE_SOURCE_HUB && !model->convert;

	return (struct bake_layout_file){
		.repository = hub ? model->source.location : NULL,
		.commit = hub ? model->source.commit : NULL,
		.path = file->path,
		.name = file->name,
		.size = file->size,
		.sha256 = &file->sha256,
		.git_sha1 = &file->git_sha1,
	};
}

enum bake_status bake_placement_add(struct bake_layout_plan *plan,
	const struct bake_lock_model *model, const bool *there, struct bake_error *err)
{
	_cleanup_free_ struct bake_layout_file *files =
		calloc(model->file_count + 1, sizeof(*files));
	bool whole = true;

	if (!files)
		return bake_error_nomem(err);
	for (size_t i = 0; i < model->file_count; i++) {
		files[i] = bake_placement_file(model, &model->files[i]);
		if (!there || there[i])
			BAKE_TRY(bake_layout_add_file(plan, &files[i], err));
		else
			whole = false;
	}
	if (!whole)
		return BAKE_OK;
	return bake_layout_add_snapshot(
		plan, files, model->file_count, model->source.revision, model->complete, err);
}
