/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/report.h"
#include "convertcli/print.h"
#include "convertcli/shape.h"
#include "json/writer.h"

static const char *format_name(const struct bake_convert_model *model)
{
	return model->format == BAKE_WEIGHTS_GGUF ? "gguf" : "safetensors";
}

void convertcli_print_info(
	const struct bake_convert_model *model, const struct bake_convert_info *info, bool tensors)
{
	(void)printf("%s\n", BAKE_SHOW(model->path));
	(void)printf("  format        %s, %zu file%s, %s\n", format_name(model), model->file_count,
		model->file_count == 1 ? "" : "s", BAKE_BYTES(model->bytes));
	(void)printf(
		"  architecture  %s\n", info->architecture[0] ? info->architecture : "unknown");
	(void)printf("  quantization  %s\n", info->quantization[0] ? info->quantization : "none");
	(void)printf("  tensors       %zu, %" PRIu64 " parameters\n", model->tensor_count,
		info->parameters);
	for (size_t i = 0; i < info->type_count; i++) {
		const struct bake_convert_type_sum *sum = &info->types[i];

		(void)printf("    %-12s  %6zu tensors, %s\n", BAKE_TYPE_NAME(sum->type),
			sum->tensors, BAKE_BYTES(sum->bytes));
	}
	for (size_t i = 0; tensors && i < model->tensor_count; i++) {
		const struct bake_convert_tensor *tensor = &model->tensors[i];

		(void)printf("  %-8s %-20s %s\n", BAKE_TYPE_NAME(tensor->type),
			CONVERTCLI_SHAPE(tensor->rank, tensor->shape), BAKE_SHOW(tensor->name));
	}
}

static void put_types(struct bake_json_writer *writer, const struct bake_convert_info *info)
{
	bake_json_key(writer, "types");
	bake_json_array(writer);
	for (size_t i = 0; i < info->type_count; i++) {
		const struct bake_convert_type_sum *sum = &info->types[i];

		bake_json_object_line(writer);
		bake_json_put_text(writer, "type", BAKE_TYPE_NAME(sum->type));
		bake_json_put_u64(writer, "tensors", sum->tensors);
		bake_json_put_u64(writer, "parameters", sum->elements);
		bake_json_put_u64(writer, "bytes", sum->bytes);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_tensors(struct bake_json_writer *writer, const struct bake_convert_model *model)
{
	bake_json_key(writer, "tensors");
	bake_json_array(writer);
	for (size_t i = 0; i < model->tensor_count; i++) {
		const struct bake_convert_tensor *tensor = &model->tensors[i];

		bake_json_object_line(writer);
		bake_json_put_text(writer, "name", tensor->name);
		bake_json_put_text(writer, "type", BAKE_TYPE_NAME(tensor->type));
		convertcli_put_shape(writer, tensor->rank, tensor->shape);
		bake_json_put_u64(writer, "bytes", tensor->bytes);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

void convertcli_print_info_json(
	const struct bake_convert_model *model, const struct bake_convert_info *info)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CONVERTCLI_TEXT_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	bake_json_put_bool(&writer, "ok", true);
	bake_json_put_text(&writer, "path", model->path);
	bake_json_put_text(&writer, "format", format_name(model));
	bake_json_put_u64(&writer, "bytes", model->bytes);
	bake_json_put_u64(&writer, "parameters", info->parameters);
	bake_json_put_text(
		&writer, "architecture", info->architecture[0] ? info->architecture : NULL);
	bake_json_put_text(
		&writer, "quantization", info->quantization[0] ? info->quantization : NULL);
	bake_json_key(&writer, "files");
	bake_json_array(&writer);
	for (size_t i = 0; i < model->file_count; i++) {
		bake_json_object_line(&writer);
		bake_json_put_text(&writer, "path", model->files[i].path);
		bake_json_put_u64(&writer, "bytes", model->files[i].bytes);
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	put_types(&writer, info);
	put_tensors(&writer, model);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}
