/* SPDX-License-Identifier: Apache-2.0 */
/* The structure of what has the right bytes. */
#include "ops/verifying.h"

static struct bake_verify_model *model_of(struct bake_verify_report *report, size_t file)
{
	for (size_t i = 0; i < report->model_count; i++) {
		struct bake_verify_model *model = &report->models[i];

		if (file >= model->first_file && file - model->first_file < model->file_count)
			return model;
	}
	return NULL;
}

static void attribute(struct bake_verify_report *report, const struct bake_finding *finding)
{
	struct bake_verify_model *model = model_of(report, finding->file->tag);

	if (!model || finding->level != BAKE_FINDING_ERROR)
		return;
	model->broken++;
	if (!model->structure || bake_status_worse(model->structure->status,
					 finding->error.status) != model->structure->status)
		model->structure = &finding->error;
}

enum bake_status bake_verifying_structure(const struct bake_verify_options *options, int root,
	struct bake_verify_report *report, struct bake_error *err)
{
	struct bake_structure *structure = &report->structure;

	*structure = (struct bake_structure){
		.root = root,
		.files = bake_arena_array(
			&report->arena, report->name_count, sizeof(*structure->files)),
		.file_count = report->name_count,
		.jobs = options->jobs,
		.selected = true,
		.scan_values = options->scan_values,
	};
	if (!structure->files)
		return bake_error_nomem(err);
	for (size_t i = 0; i < report->name_count; i++)
		structure->files[i] = (struct bake_structure_file){
			.name = report->names[i],
			.path = report->files[i].path,
			.size = report->files[i].size,
			/* What is allowed as code has its own form, whatever its name says. */
			.readable = report->files[i].state == BAKE_FILE_RIGHT &&
				    !report->files[i].may_execute,
			.tag = i,
		};
	BAKE_TRY(bake_structure_check(structure, err));
	for (size_t i = 0; i < structure->file_count; i++) {
		struct bake_verify_model *model = model_of(report, structure->files[i].tag);

		if (model)
			model->structured |= structure->files[i].checked;
	}
	for (size_t i = 0; i < structure->finding_count; i++)
		attribute(report, structure->findings[i]);
	return BAKE_OK;
}
