/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/walk.h"

const char *bake_batch_state_name(enum bake_batch_state state)
{
	static const char *const names[] = {"converted", "planned", "exists", "failed"};

	return names[state];
}

/* The directory for the output of the model at path, made when it is absent. NULL text: beside. */
static enum bake_status make_directory(const struct bake_convert_request *request, const char *path,
	char **out, struct bake_error *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_close_ int fd = -1;

	*out = NULL;
	if (!request->output)
		return BAKE_OK;
	if (asprintf(out, "%s/%.*s", request->output, slash ? (int)(slash - path) : 0, path) < 0) {
		*out = NULL;
		return bake_error_nomem(err);
	}
	if (request->dry_run || bake_dir_make(*out, &fd, err) == BAKE_OK)
		return BAKE_OK;
	bake_error_of_output(err);
	return bake_error_wrap(err, "write into '%s'", BAKE_SHOW(*out));
}

static void take_report(
	struct bake_batch_model *model, struct bake_convert_report *report, bool dry_run)
{
	model->output = report->output;
	report->output = NULL;
	model->in_bytes = report->model ? report->model->bytes : 0;
	model->out_bytes = report->out_bytes;
	model->sha256 = report->out_digest;
	if (model->error.status == BAKE_OK)
		model->state = dry_run ? BAKE_BATCH_PLANNED : BAKE_BATCH_CONVERTED;
	else if (bake_text_equal(model->error.id, "convert.exists"))
		model->state = BAKE_BATCH_EXISTS;
	else
		model->state = BAKE_BATCH_FAILED;
}

static void convert_one(const struct bake_convert_request *request, const char *path,
	struct bake_batch_model *model)
{
	_cleanup_free_ char *directory = NULL;
	struct bake_convert_request one = *request;
	struct bake_convert_report report = {.model = NULL};

	one.input = model->input;
	if (make_directory(request, path, &directory, &model->error) == BAKE_OK) {
		one.output = directory;
		best_effort(bake_convert_run(&one, &report, &model->error));
	}
	take_report(model, &report, request->dry_run);
	bake_convert_report_release(&report);
}

static void count(struct bake_batch *batch, const struct bake_batch_model *model)
{
	batch->existing += model->state == BAKE_BATCH_EXISTS;
	batch->failed += model->state == BAKE_BATCH_FAILED;
	if (model->state != BAKE_BATCH_CONVERTED && model->state != BAKE_BATCH_PLANNED)
		return;
	batch->converted++;
	batch->in_bytes = bake_u64_add_capped(batch->in_bytes, model->in_bytes);
	batch->out_bytes = bake_u64_add_capped(batch->out_bytes, model->out_bytes);
}

static enum bake_status add(const struct bake_convert_request *request, const char *path,
	struct bake_batch *batch, struct bake_error *err)
{
	struct bake_batch_model *model;

	if (!bake_grow((void **)&batch->models, &batch->room, batch->count + 1,
		    sizeof(*batch->models)))
		return bake_error_nomem(err);
	model = &batch->models[batch->count];
	*model = (struct bake_batch_model){.input = NULL};
	if (asprintf(&model->input, "%s/%s", request->input, path) < 0) {
		model->input = NULL;
		return bake_error_nomem(err);
	}
	batch->count++;
	convert_one(request, path, model);
	count(batch, model);
	if (model->state != BAKE_BATCH_FAILED)
		return BAKE_OK;
	if (model->error.status == BAKE_ERR_INTERRUPTED) {
		*err = model->error;
		return err->status;
	}
	return BAKE_OK;
}

/* The first failure of the worst kind. */
static enum bake_status conclude(const struct bake_batch *batch, struct bake_error *err)
{
	const struct bake_batch_model *worst = NULL;

	for (size_t i = 0; i < batch->count; i++) {
		const struct bake_batch_model *model = &batch->models[i];

		if (model->state != BAKE_BATCH_FAILED)
			continue;
		if (!worst || bake_status_worse(worst->error.status, model->error.status) !=
				      worst->error.status)
			worst = model;
	}
	if (!worst)
		return BAKE_OK;
	*err = worst->error;
	return bake_error_wrap(
		err, "%zu of %zu models were not converted", batch->failed, batch->count);
}

enum bake_status bake_batch_run(
	const struct bake_convert_request *request, struct bake_batch *out, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	_cleanup_close_ int root = -1;
	bool to_gguf = request->options.format == BAKE_WEIGHTS_GGUF;

	*out = (struct bake_batch){.models = NULL};
	if (bake_dir_open(request->input, &root, err) != BAKE_OK)
		return bake_error_of_input(err);
	BAKE_TRY(bake_walk_read(root, NULL, &walk, err));
	for (size_t i = 0; i < walk.count; i++) {
		const struct bake_walk_entry *entry = &walk.entries[i];

		if (!S_ISDIR(entry->mode) &&
			bake_convert_is_candidate(entry->path, to_gguf ? "safetensors" : "gguf"))
			BAKE_TRY(add(request, entry->path, out, err));
	}
	if (out->count == 0)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "convert.nothing",
			"there is no %s file in '%s'", to_gguf ? "safetensors" : "GGUF",
			BAKE_SHOW(request->input));
	return conclude(out, err);
}

void bake_batch_release(struct bake_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		free(batch->models[i].input);
		free(batch->models[i].output);
	}
	free(batch->models);
	*batch = (struct bake_batch){.models = NULL};
}
