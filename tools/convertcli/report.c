/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/report.h"
#include "convertcli/print.h"
#include "convertcli/shape.h"
#include "json/writer.h"

static const char *type_to(const struct bake_convert_item *item, char text[BAKE_CONVERT_TYPE_TEXT])
{
	return item->action == BAKE_CONVERT_DROP ? "-" : bake_convert_type_name(item->to, text);
}

static void print_tensors(const struct bake_convert_plan *plan)
{
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_item *item = &plan->items[i];
		char to[BAKE_CONVERT_TYPE_TEXT];

		(void)printf("%-8s -> %-5s  %-20s  %s%s (%s)\n", BAKE_TYPE_NAME(item->from->type),
			type_to(item, to), CONVERTCLI_SHAPE(item->rank, item->shape),
			BAKE_SHOW(item->name), item->reshaped ? " (reshaped)" : "", item->why);
	}
}

static void print_fallbacks(const struct bake_convert_plan *plan)
{
	if (plan->fallbacks == 0)
		return;
	(void)printf("%zu tensors have rows that are no whole blocks:\n", plan->fallbacks);
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_item *item = &plan->items[i];

		if (item->fallback)
			(void)printf("  %-5s  %-20s  %s\n", BAKE_TYPE_NAME(item->to),
				CONVERTCLI_SHAPE(item->rank, item->shape), BAKE_SHOW(item->name));
	}
}

static void print_plan(const struct bake_convert_plan *plan)
{
	const char *target = BAKE_TYPE_NAME(bake_convert_type_of_ggml(plan->options.target));

	(void)printf("%zu of %zu tensors are %s", plan->converted, plan->written, target);
	if (plan->architecture)
		(void)printf(", architecture %s", BAKE_SHOW(plan->architecture));
	if (plan->dropped)
		(void)printf(", %zu tensors left out", plan->dropped);
	if (plan->prefix.len)
		(void)printf(", names without '%s'", plan->prefix.text);
	(void)printf("\nfor: %s\n", bake_convert_loader(plan));
	print_fallbacks(plan);
	if (plan->options.format != BAKE_WEIGHTS_GGUF)
		return;
	if (plan->long_names)
		(void)printf("%zu names of more than %d bytes: ggml (llama.cpp, "
			     "stable-diffusion.cpp) does not read them\n",
			plan->long_names, BAKE_CONVERT_NAME_GGML);
	if (plan->wide_ranks)
		(void)printf("%zu tensors of five dimensions: ggml (llama.cpp, "
			     "stable-diffusion.cpp) does not read them\n",
			plan->wide_ranks);
}

void convertcli_print_report(const struct bake_convert_report *report, bool tensors)
{
	const struct bake_convert_model *model = report->model;

	if (report->present) {
		(void)printf("%s  %s  (%s, there already)\n", BAKE_HEX(&report->out_digest),
			BAKE_SHOW(report->output), BAKE_BYTES(report->out_bytes));
		return;
	}
	if (tensors)
		print_tensors(report->plan);
	print_plan(report->plan);
	for (size_t i = 0; report->written && i < model->file_count; i++)
		(void)printf("%s  %s  (source, %s)\n", BAKE_HEX(&report->digests[i]),
			BAKE_SHOW(model->files[i].path), BAKE_BYTES(model->files[i].bytes));
	if (report->written)
		(void)printf("%s  %s  (%s, %s)\n", BAKE_HEX(&report->out_digest),
			BAKE_SHOW(report->output), BAKE_BYTES(report->out_bytes),
			BAKE_DURATION(report->elapsed_ms));
	else
		(void)printf("%s would have %" PRIu64 " bytes (%s), from %s\n",
			BAKE_SHOW(report->output), report->out_bytes, BAKE_BYTES(report->out_bytes),
			BAKE_BYTES(model->bytes));
}

static void put_tensors(struct bake_json_writer *writer, const struct bake_convert_plan *plan)
{
	bake_json_key(writer, "tensors");
	bake_json_array(writer);
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_item *item = &plan->items[i];

		bake_json_object_line(writer);
		bake_json_put_text(writer, "name", item->name);
		bake_json_put_text(writer, "action", bake_convert_action_name(item->action));
		bake_json_put_text(writer, "from", BAKE_TYPE_NAME(item->from->type));
		if (item->action != BAKE_CONVERT_DROP) {
			bake_json_put_text(writer, "to", BAKE_TYPE_NAME(item->to));
			convertcli_put_shape(writer, item->rank, item->shape);
			bake_json_put_u64(writer, "bytes", item->bytes);
		}
		bake_json_put_text(writer, "why", item->why);
		if (item->fallback)
			bake_json_put_bool(writer, "fallback", true);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_plan(struct bake_json_writer *writer, const struct bake_convert_plan *plan)
{
	bake_json_put_text(writer, "format",
		plan->options.format == BAKE_WEIGHTS_GGUF ? "gguf" : "safetensors");
	bake_json_put_text(
		writer, "type", BAKE_TYPE_NAME(bake_convert_type_of_ggml(plan->options.target)));
	bake_json_put_text(writer, "architecture", plan->architecture);
	bake_json_put_text(writer, "loader", bake_convert_loader(plan));
	bake_json_put_u64(writer, "tensors_converted", plan->converted);
	bake_json_put_u64(writer, "tensors_written", plan->written);
	bake_json_put_u64(writer, "fallbacks", plan->fallbacks);
	bake_json_put_u64(writer, "dropped", plan->dropped);
	bake_json_put_u64(writer, "long_names", plan->long_names);
	bake_json_put_u64(writer, "five_dimensions", plan->wide_ranks);
}

static void put_source(struct bake_json_writer *writer, const struct bake_convert_report *report)
{
	const struct bake_convert_model *model = report->model;

	bake_json_key(writer, "source");
	bake_json_array(writer);
	for (size_t i = 0; i < model->file_count; i++) {
		bake_json_object_line(writer);
		bake_json_put_text(writer, "path", model->files[i].path);
		bake_json_put_u64(writer, "bytes", model->files[i].bytes);
		if (report->written)
			bake_json_put_text(writer, "sha256", BAKE_HEX(&report->digests[i]));
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

void convertcli_print_report_json(
	const struct bake_convert_report *report, bool dry_run, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CONVERTCLI_TEXT_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_bool(&writer, "dry_run", dry_run);
	bake_json_put_bool(&writer, "written", report->written);
	bake_json_put_bool(&writer, "present", report->present);
	bake_json_put_text(&writer, "output", report->output);
	if (report->present) {
		bake_json_put_u64(&writer, "bytes", report->out_bytes);
		bake_json_put_text(&writer, "sha256", BAKE_HEX(&report->out_digest));
	}
	if (report->plan) {
		bake_json_put_u64(&writer, "bytes", report->out_bytes);
		if (report->written)
			bake_json_put_text(&writer, "sha256", BAKE_HEX(&report->out_digest));
		put_source(&writer, report);
		put_plan(&writer, report->plan);
		put_tensors(&writer, report->plan);
	}
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

void convertcli_print_batch(const struct bake_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct bake_batch_model *model = &batch->models[i];

		(void)printf(
			"%-9s  %s", bake_batch_state_name(model->state), BAKE_SHOW(model->input));
		if (model->state == BAKE_BATCH_FAILED)
			(void)printf(": %s\n", model->error.message);
		else if (model->state == BAKE_BATCH_EXISTS)
			(void)printf(": '%s' stays as it is\n", BAKE_SHOW(model->output));
		else
			(void)printf(" -> %s (%s)\n", BAKE_SHOW(model->output),
				BAKE_BYTES(model->out_bytes));
	}
	(void)printf("%zu of %zu models, %zu there already, %zu failed; %s became %s\n",
		batch->converted, batch->count, batch->existing, batch->failed,
		BAKE_BYTES(batch->in_bytes), BAKE_BYTES(batch->out_bytes));
}

void convertcli_print_batch_json(const struct bake_batch *batch, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CONVERTCLI_TEXT_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_u64(&writer, "converted", batch->converted);
	bake_json_put_u64(&writer, "existing", batch->existing);
	bake_json_put_u64(&writer, "failed", batch->failed);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < batch->count; i++) {
		const struct bake_batch_model *model = &batch->models[i];

		bake_json_object_line(&writer);
		bake_json_put_text(&writer, "input", model->input);
		bake_json_put_text(&writer, "state", bake_batch_state_name(model->state));
		bake_json_put_text(&writer, "output", model->output);
		if (model->state == BAKE_BATCH_CONVERTED)
			bake_json_put_text(&writer, "sha256", BAKE_HEX(&model->sha256));
		if (model->state == BAKE_BATCH_FAILED) {
			bake_json_put_text(&writer, "error", model->error.id);
			bake_json_put_text(&writer, "message", model->error.message);
		} else {
			bake_json_put_u64(&writer, "bytes", model->out_bytes);
		}
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}
