/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest of any bytes: refused with its story, or good all through. */
#include "fuzz/fuzz.h"
#include "manifest/manifest.h"
#include "manifest/pattern.h"

static void look_at(const struct bake_manifest *manifest, const struct bake_model *model)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_digest spec;

	CLAIM(bake_manifest_find(manifest, model->id) == model);
	CLAIM(model->title && model->path && model->layer >= 1 && model->layer <= BAKE_LAYERS);
	CLAIM(succeeded(bake_model_spec_digest(model, &spec, &err), &err));
	keep(spec.bytes[0]);
	keep(bake_pattern_selects(model->include, model->include_count, model->exclude,
		model->exclude_count, model->path));
	for (size_t i = 0; i < model->file_count; i++)
		keep_text(model->files[i].save_as);
	for (size_t i = 0; i < model->alias_count; i++)
		CLAIM(bake_manifest_find(manifest, model->aliases[i]) == model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	if (!succeeded(bake_manifest_parse(bake_span(data, size), "m.json", &manifest, &err), &err))
		return 0;
	CLAIM(manifest->model_count > 0 && manifest->name && manifest->title);
	for (size_t i = 0; i < manifest->model_count; i++)
		look_at(manifest, &manifest->models[i]);
	for (size_t i = 0; i < manifest->profile_count; i++)
		for (size_t k = 0; k < manifest->profiles[i].model_count; k++)
			CLAIM(bake_manifest_find(manifest, manifest->profiles[i].models[k]));
	for (size_t i = 0; i < manifest->selection_count; i++)
		keep_text(manifest->selections[i].config);
	return 0;
}
