/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/convert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "convert/engine.h"
#include "convert/output.h"
#include "convert/pinned.h"
#include "convert/planning.h"
#include "fs/dir.h"

const struct bake_ggml_type *bake_convert_target_named(const char *name)
{
	static const uint32_t ids[] = {GGML_F32, GGML_F16, GGML_BF16, GGML_Q8_0, GGML_Q5_1,
		GGML_Q5_0, GGML_Q4_1, GGML_Q4_0};
	const struct bake_ggml_type *type = bake_ggml_type_named(name);

	for (size_t i = 0; type && i < countof(ids); i++) {
		if (type->id == ids[i])
			return type;
	}
	return NULL;
}

const char *bake_convert_loader(const struct bake_convert_plan *plan)
{
	bool known = plan->family != NULL;

	if (plan->options.format == BAKE_WEIGHTS_SAFETENSORS)
		return known ? "ComfyUI and others that load this model's single-file checkpoints"
			     : "nothing but what knows these names: transformers reads the GGUF "
			       "file itself";
	if (known)
		return "ComfyUI-GGUF (Unet Loader); not llama.cpp";
	return plan->model->format == BAKE_WEIGHTS_GGUF
		       ? "what loads the source: llama.cpp and what is built on it"
		       : "no loader that is known: it is the container alone";
}

static enum bake_weights_format format_of(
	const struct bake_convert_request *request, enum bake_weights_format input)
{
	const char *output = request->output;

	if (request->options.format != BAKE_WEIGHTS_NONE)
		return request->options.format;
	if (output && bake_text_ends(output, ".gguf"))
		return BAKE_WEIGHTS_GGUF;
	if (output && bake_text_ends(output, ".safetensors"))
		return BAKE_WEIGHTS_SAFETENSORS;
	return input == BAKE_WEIGHTS_GGUF ? BAKE_WEIGHTS_SAFETENSORS : BAKE_WEIGHTS_GGUF;
}

static enum bake_status settle(const struct bake_convert_request *request,
	enum bake_weights_format input, struct bake_convert_options *options,
	struct bake_error *err)
{
	uint32_t id = GGML_F16;

	*options = request->options;
	options->format = format_of(request, input);
	if (options->target)
		return BAKE_OK;
	if (options->format == BAKE_WEIGHTS_GGUF) {
		if (input == BAKE_WEIGHTS_GGUF && request->optimize == BAKE_OPTIMIZE_NONE)
			return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
				"from GGUF to GGUF needs the type: -q TYPE");
		id = request->optimize == BAKE_OPTIMIZE_SIZE ? GGML_Q4_0 : GGML_Q8_0;
	}
	options->target = bake_ggml_type_find(id);
	return BAKE_OK;
}

/* Bytes of stem without "-Q4_0" at its end: the output's name has its own type there. */
static int bare_length(const char *stem)
{
	const char *dash = strrchr(stem, '-');
	size_t len = strlen(stem);

	if (dash && dash > stem && dash[-1] != '/' && bake_convert_target_named(dash + 1))
		len = (size_t)(dash - stem);
	return (int)len;
}

static enum bake_status name_output(const struct bake_convert_request *request,
	const struct bake_convert_model *model, const struct bake_convert_options *options,
	char **out, struct bake_error *err)
{
	const char *extension = options->format == BAKE_WEIGHTS_GGUF ? "gguf" : "safetensors";
	const char *type = BAKE_TYPE_NAME(bake_convert_type_of_ggml(options->target));
	const char *slash = strrchr(model->stem, '/');
	const char *name = slash ? slash + 1 : model->stem;
	const char *given = request->output;
	struct stat st;
	int made;

	if (given && (stat(given, &st) != 0 || !S_ISDIR(st.st_mode)))
		made = asprintf(out, "%s", given);
	else if (given)
		made = asprintf(
			out, "%s/%.*s-%s.%s", given, bare_length(name), name, type, extension);
	else
		made = asprintf(
			out, "%.*s-%s.%s", bare_length(model->stem), model->stem, type, extension);
	if (made < 0) {
		*out = NULL;
		return bake_error_nomem(err);
	}
	return BAKE_OK;
}

/* With --force, too: the source is never what is replaced. */
static enum bake_status check_other(
	const struct bake_convert_model *model, const char *output, struct bake_error *err)
{
	struct stat named;

	if (stat(output, &named) != 0)
		return BAKE_OK;
	for (size_t i = 0; i < model->file_count; i++) {
		struct stat st;

		if (fstat(model->files[i].fd, &st) == 0 && st.st_ino == named.st_ino &&
			st.st_dev == named.st_dev)
			return bake_error_set(err, BAKE_ERR_USAGE, "convert.same",
				"'%s' is the file that is converted", BAKE_SHOW(output));
	}
	return BAKE_OK;
}

static bool same_tensor(const struct bake_convert_plan *plan, const struct bake_convert_item *item,
	const struct bake_model_header *header, size_t at)
{
	if (header->gguf) {
		const struct bake_gguf_tensor *tensor = &header->gguf->tensors[at];

		return tensor->type == item->to.ggml && tensor->bytes == item->bytes &&
		       tensor->offset == item->offset && tensor->dim_count == item->rank &&
		       header->gguf->data_offset == plan->header.len;
	}
	if (header->safetensors) {
		const struct bake_st_tensor *tensor = &header->safetensors->tensors[at];

		return tensor->dtype == item->to.dtype && tensor->begin == item->offset &&
		       tensor->end - tensor->begin == item->bytes && tensor->rank == item->rank;
	}
	return false;
}

static bool same_tensors(
	const struct bake_convert_plan *plan, const struct bake_model_header *header)
{
	size_t count = header->gguf	     ? header->gguf->tensor_count
		       : header->safetensors ? header->safetensors->tensor_count
					     : 0;
	size_t at = 0;

	if (count != plan->written)
		return false;
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_item *item = &plan->items[i];

		if (item->action == BAKE_CONVERT_DROP)
			continue;
		/* A reader of safetensors may see tensors without bytes in another order. */
		if (item->bytes != 0 && !same_tensor(plan, item, header, at))
			return false;
		at++;
	}
	return true;
}

/* By the reader that bake-verify has: what it would refuse is not published. */
static enum bake_status look_at(const struct bake_convert_plan *plan,
	const struct bake_output *output, struct bake_error *err)
{
	struct bake_model_header header = {.format = BAKE_WEIGHTS_NONE};
	_cleanup_close_ int fd = -1;
	struct stat st;
	bool same;

	BAKE_TRY(bake_output_reopen(output, &fd, err));
	if (fstat(fd, &st) != 0)
		return bake_error_errno(err, errno, "look at what was written");
	if ((uint64_t)st.st_size != bake_convert_plan_bytes(plan))
		return bake_error_set(err, BAKE_ERR_INTERNAL, "convert.written",
			"%lld bytes were written, and %llu were planned", (long long)st.st_size,
			(unsigned long long)bake_convert_plan_bytes(plan));
	BAKE_TRY(bake_model_header_read_fd(
		fd, (uint64_t)st.st_size, output->name, BAKE_GGUF_STRICT, &header, err));
	same = same_tensors(plan, &header);
	bake_model_header_release(&header);
	return same ? BAKE_OK
		    : bake_error_set(err, BAKE_ERR_INTERNAL, "convert.written",
			      "what was written is not what was planned");
}

static enum bake_status write_to(const struct bake_convert_request *request,
	struct bake_output *output, struct bake_convert_report *report, struct bake_error *err)
{
	const struct bake_convert_plan *plan = report->plan;
	struct bake_engine_options options = {
		.jobs = request->jobs, .name = report->output, .events = request->events};
	int64_t mtime;

	BAKE_TRY(bake_clock_source_date(&mtime, err));
	BAKE_TRY(bake_output_open(
		output, report->output, bake_convert_plan_bytes(plan), request->force, err));
	bake_emit_bytes(request->events, BAKE_EVENT_START, report->output, 0, report->model->bytes);
	BAKE_TRY(
		bake_engine_run(plan, output, &options, report->digests, &report->out_digest, err));
	bake_emit_bytes(request->events, BAKE_EVENT_VERIFY, report->output, report->model->bytes,
		report->model->bytes);
	BAKE_TRY(bake_pinned_compare(&request->pinned, &report->out_digest, report->output, err));
	BAKE_TRY(look_at(plan, output, err));
	BAKE_TRY(bake_output_publish(output, mtime, err));
	report->written = true;
	bake_emit_done(request->events, report->output, "converted", report->model->bytes);
	return BAKE_OK;
}

/* A build that runs again finds its output, though the input is gone by then. */
static enum bake_status find_present(const struct bake_convert_request *request,
	struct bake_convert_report *report, struct bake_error *err)
{
	if (request->pinned.kind == BAKE_DIGEST_NONE || !request->output || request->dry_run)
		return BAKE_OK;
	BAKE_TRY(bake_pinned_look(
		request->output, &request->pinned, &report->present, &report->out_bytes, err));
	if (!report->present)
		return BAKE_OK;
	report->out_digest = request->pinned;
	report->output = strdup(request->output);
	return report->output ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status run(const struct bake_convert_request *request,
	struct bake_convert_report *report, struct bake_error *err)
{
	struct bake_output output = BAKE_OUTPUT_INIT;
	struct bake_convert_options options;
	enum bake_status status;

	BAKE_TRY(find_present(request, report, err));
	if (report->present)
		return BAKE_OK;
	BAKE_TRY(bake_convert_model_open(request->input, &report->model, err));
	BAKE_TRY(settle(request, report->model->format, &options, err));
	BAKE_TRY(name_output(request, report->model, &options, &report->output, err));
	BAKE_TRY(bake_convert_plan_make(report->model, &options, &report->plan, err));
	report->out_bytes = bake_convert_plan_bytes(report->plan);
	if (request->dry_run)
		return BAKE_OK;
	BAKE_TRY(check_other(report->model, report->output, err));
	BAKE_TRY(bake_output_check(report->output, request->force, err));
	report->digests = calloc(report->model->file_count, sizeof(*report->digests));
	if (!report->digests)
		return bake_error_nomem(err);
	status = write_to(request, &output, report, err);
	bake_output_release(&output);
	if (status != BAKE_OK)
		bake_emit_fail(request->events, report->output, err);
	return status;
}

enum bake_status bake_convert_run(const struct bake_convert_request *request,
	struct bake_convert_report *out, struct bake_error *err)
{
	uint64_t begin = bake_clock_ms();
	enum bake_status status;

	*out = (struct bake_convert_report){.model = NULL};
	status = run(request, out, err);
	out->elapsed_ms = bake_clock_ms() - begin;
	return status;
}

void bake_convert_report_release(struct bake_convert_report *report)
{
	bake_convert_plan_free(&report->plan);
	bake_convert_model_close(&report->model);
	free(report->digests);
	free(report->output);
	*report = (struct bake_convert_report){.model = NULL};
}
