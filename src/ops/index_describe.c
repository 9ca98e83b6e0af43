/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/index_describe.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "manifest/fields.h"
#include "ops/inspect.h"

/* The files of a model, as bake_inspect_files wants them. */
struct model_files {
	const char **paths;
	struct bake_inspect_files files;
};

static void release_files(struct model_files *of)
{
	free(of->paths);
}

static enum bake_status files_of(const struct bake_index_model *model, const char *below,
	const int *roots, size_t root_count, struct model_files *out, struct bake_error *err)
{
	out->paths = calloc(model->file_count + 1, sizeof(*out->paths));
	if (!out->paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < model->file_count; i++)
		out->paths[i] = model->files[i].path;
	out->files = (struct bake_inspect_files){.roots = roots,
		.root_count = root_count,
		.below = below,
		.paths = out->paths,
		.count = model->file_count};
	return BAKE_OK;
}

/* path without the directory that is the model's. */
static const char *cut(const char *path, const char *below)
{
	size_t len = strlen(below);

	return strncmp(path, below, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

static const struct bake_inspected_file *find_use(
	const struct bake_inspection *inspection, enum bake_inspect_use use)
{
	for (size_t i = 0; i < inspection->file_count; i++) {
		if (inspection->files[i].use == use)
			return &inspection->files[i];
	}
	return NULL;
}

/* The projector's path as the index has it: of the file whose path ends as the record's does. */
static const char *projector_path(
	const struct bake_index_model *model, const struct bake_inspection *inspection)
{
	const struct bake_inspected_file *projector = find_use(inspection, BAKE_INSPECT_PROJECTOR);

	for (size_t i = 0; projector && i < model->file_count; i++) {
		if (bake_text_ends(model->files[i].path, projector->path))
			return model->files[i].path;
	}
	return NULL;
}

/* A label is a name, as an index takes them; what a file says may be anything. */
static bool is_label(const char *label)
{
	return label && label[0] && strlen(label) <= BAKE_NAME_MAX;
}

static void take(struct bake_index_model *model, const struct bake_inspection *inspection,
	struct bake_index_facts *facts)
{
	const struct bake_arch *arch = inspection->arch;
	bool knows =
		!bake_arch_is_empty(arch) || arch->warning_count || inspection->weights.tensors;

	*facts = (struct bake_index_facts){
		.arch = knows ? arch : NULL,
		.weights = &inspection->weights,
		.projector = &inspection->projector,
		.component_weights = inspection->component_weights,
		.projector_path = projector_path(model, inspection),
	};
	model->facts = facts;
	if (inspection->format)
		model->format = inspection->format;
	/* A Nunchaku file's precision decides on which GPU it runs: its variant has the say. */
	if (is_label(inspection->quantization) && !(inspection->by_type && model->quantization) &&
		!model->variant.precision && !model->variant_count)
		model->quantization = inspection->quantization;
}

struct describing {
	struct bake_index *index;
	const struct bake_manifest *manifest;
	const int *roots;
	size_t root_count;
	struct bake_described *out;
};

/* The model that supports it, as far as it is baked. */
static const struct bake_index_model *support_of(
	const struct describing *describing, const struct bake_model *model)
{
	const struct bake_model *support =
		model->support ? bake_manifest_find(describing->manifest, model->support) : NULL;

	return support ? bake_index_find(describing->index, support->id) : NULL;
}

static enum bake_status describe(
	const struct describing *describing, size_t at, struct bake_error *err)
{
	struct bake_index_model *model = &describing->index->models[at];
	const struct bake_model *from = bake_manifest_find(describing->manifest, model->id);
	_cleanup_(release_files) struct model_files files = {NULL};
	_cleanup_(release_files) struct model_files support_files = {NULL};
	struct bake_inspect_options options = {.mode = BAKE_GGUF_TOLERANT};
	const struct bake_index_model *support = from ? support_of(describing, from) : NULL;

	if (!from)
		return BAKE_OK;
	BAKE_TRY(files_of(
		model, from->path, describing->roots, describing->root_count, &files, err));
	if (support) {
		BAKE_TRY(files_of(support,
			bake_manifest_find(describing->manifest, support->id)->path,
			describing->roots, describing->root_count, &support_files, err));
		files.files.support = &support_files.files;
		options.support_id = support->id;
	}
	if (model->variant_count)
		options.only = cut(model->variants[0].path, from->path);
	if (bake_inspect_files(&files.files, &options, &describing->out->inspections[at], err) !=
		BAKE_OK)
		return bake_error_wrap(err, "model '%s'", BAKE_SHOW(model->id));
	take(model, describing->out->inspections[at], &describing->out->facts[at]);
	return BAKE_OK;
}

enum bake_status bake_index_describe(struct bake_index *index, const struct bake_manifest *manifest,
	const int *roots, size_t root_count, struct bake_described *out, struct bake_error *err)
{
	const struct describing describing = {index, manifest, roots, root_count, out};

	out->inspections = calloc(index->model_count + 1, sizeof(*out->inspections));
	out->facts = calloc(index->model_count + 1, sizeof(*out->facts));
	out->count = index->model_count;
	if (!out->inspections || !out->facts)
		return bake_error_nomem(err);
	for (size_t i = 0; i < index->model_count; i++) {
		if (index->models[i].baked)
			BAKE_TRY(describe(&describing, i, err));
	}
	return BAKE_OK;
}

void bake_described_release(struct bake_described *described)
{
	for (size_t i = 0; described->inspections && i < described->count; i++)
		bake_inspection_free(&described->inspections[i]);
	free(described->inspections);
	free(described->facts);
}
