/* SPDX-License-Identifier: Apache-2.0 */
/* The user's own program, tried with each model. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ops/probe.h"
#include "ops/verifying.h"

/* How much of the paths of its files, up to a slash, is the same: where a directory's files are. */
static size_t common_dir(
	const struct bake_verify_report *report, const struct bake_verify_model *model)
{
	const char *first = report->files[model->first_file].path.text;
	size_t len = bake_relpath_dir_len(report->files[model->first_file].path);

	for (size_t i = 1; i < model->file_count; i++) {
		const char *path = report->files[model->first_file + i].path.text;

		while (len && (strncmp(first, path, len) != 0 || path[len] != '/')) {
			while (len && first[--len] != '/')
				continue;
		}
	}
	return len;
}

static enum bake_status probe(const struct bake_verify_options *options,
	const struct bake_verify_report *report, const struct bake_verify_model *model,
	struct bake_error *err)
{
	struct bake_relpath first = report->files[model->first_file].path;
	size_t len = model->file_count == 1 ? first.len : common_dir(report, model);
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s%.*s", options->models_dir, len ? "/" : "", (int)len, first.text) <
		0)
		return bake_error_nomem(err);
	return bake_probe_run(options->probe, path, options->probe_timeout_ms, err);
}

enum bake_status bake_verifying_probe(const struct bake_verify_options *options,
	struct bake_verify_report *report, struct bake_error *err)
{
	for (size_t i = 0; i < report->model_count; i++) {
		struct bake_verify_model *model = &report->models[i];
		struct bake_error error = BAKE_ERROR_INIT;
		struct bake_error *kept;

		if (!model->present || model->wrong || model->broken ||
			model->first_file >= report->name_count)
			continue;
		if (probe(options, report, model, &error) == BAKE_OK)
			continue;
		if (error.status != BAKE_ERR_DATA) {
			*err = error;
			return err->status;
		}
		kept = bake_arena_alloc(&report->arena, sizeof(*kept));
		if (!kept)
			return bake_error_nomem(err);
		*kept = error;
		model->probe = kept;
		model->broken++;
		report->broken++;
	}
	return BAKE_OK;
}
