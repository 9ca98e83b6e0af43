/* SPDX-License-Identifier: Apache-2.0 */
/* An index of any bytes: refused, or it answers, and what is written from it answers the same. */
#include "arch/arch.h"
#include "arch/weights.h"
#include "base/relpath.h"
#include "fuzz/fuzz.h"
#include "index/api.h"
#include "index/index.h"
#include "index/names.h"

static struct bake_index_choice selected(const struct bake_index *index, const char *group)
{
	return bake_index_select(index, group, &(struct bake_index_wish){.rank = 0});
}

static void compare(const struct bake_index_choice *a, const struct bake_index_choice *b)
{
	CLAIM((a->model != NULL) == (b->model != NULL));
	if (!a->model)
		return;
	CLAIM(strcmp(a->model->id, b->model->id) == 0);
	CLAIM(strcmp(a->path, b->path) == 0);
	CLAIM(a->variant.rank == b->variant.rank && a->variant.steps == b->variant.steps);
}

/* What was cut out is parsed like everything else: refused, or read. */
static void look_into(const struct bake_index_model *model)
{
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_weights weights;

	if (succeeded(bake_index_read_weights(model, BAKE_INDEX_WEIGHTS, &weights, &err), &err))
		keep(weights.bytes);
	err = BAKE_ERROR_INIT;
	if (succeeded(bake_index_read_arch(model, &arch, &err), &err) && arch)
		keep(arch->warning_count);
}

/* Each candidate has one verdict, and what is chosen is the one that was selected. */
static void explain(const struct bake_index *index, const struct bake_index_model *model)
{
	const struct bake_index_wish wish = {.rank = 0};
	struct bake_index_choice chosen = selected(index, model->group);

	for (size_t i = 0; i < bake_index_choice_count(model); i++) {
		struct bake_index_choice choice = bake_index_choice_at(model, i);
		char reason[BAKE_REASON_TEXT] = "";
		enum bake_index_verdict verdict =
			bake_index_explain(index, &wish, &chosen, &choice, reason);

		CLAIM(reason[0] != '\0');
		CLAIM(verdict != BAKE_VERDICT_CHOSEN || chosen.model == model);
	}
}

static void look_at(const struct bake_index_model *model)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_relpath path;

	CLAIM(succeeded(bake_relpath_parse_model(model->path, &path, &err), &err));
	for (size_t i = 0; i < model->file_count; i++) {
		CLAIM(succeeded(bake_relpath_parse_model(model->files[i].path, &path, &err), &err));
		keep_text(bake_names_quantization(model->files[i].path));
	}
	for (size_t i = 0; i < bake_index_choice_count(model); i++) {
		struct bake_index_choice choice = bake_index_choice_at(model, i);

		CLAIM(succeeded(bake_relpath_parse_model(choice.path, &path, &err), &err));
	}
	keep_text(bake_names_format(model->files, model->file_count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	_cleanup_(bake_index_free) struct bake_index *again = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_api api;

	if (!succeeded(bake_index_parse(bake_span(data, size), "i.json", &index, &err), &err))
		return 0;
	bake_api_compute(index, &api);
	keep(api.default_rank);
	for (size_t i = 0; i < index->model_count; i++) {
		look_at(&index->models[i]);
		look_into(&index->models[i]);
		if (index->models[i].group)
			explain(index, &index->models[i]);
	}
	if (!index->lock_sha256.kind)
		return 0; /* there is no writing of what was not built from a lock */
	CLAIM(succeeded(bake_index_write(index, "fuzz", &text, &err), &err));
	CLAIM(succeeded(bake_index_parse(bake_buf_span(&text), "again", &again, &err), &err));
	CLAIM(again->model_count == index->model_count);
	for (size_t i = 0; i < index->model_count; i++) {
		const char *group = index->models[i].group;

		if (group) {
			struct bake_index_choice before = selected(index, group);
			struct bake_index_choice after = selected(again, group);

			compare(&before, &after);
		}
	}
	return 0;
}
