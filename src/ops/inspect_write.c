/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "json/writer.h"
#include "ops/inspect.h"

static const char *const uses[] = {"other", "weights", "projector", "adapter", "spare"};
static const char *const formats[] = {NULL, "gguf", "safetensors"};

static void put_file(struct bake_json_writer *writer, const struct bake_inspected_file *file)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "path", file->path);
	bake_json_put_u64(writer, "bytes", file->bytes);
	bake_json_put_text(writer, "use", uses[file->use]);
	bake_json_put_text(writer, "format", formats[file->format]);
	if (file->format == BAKE_WEIGHTS_GGUF) {
		bake_json_put_u64(writer, "version", file->version);
		if (file->big_endian)
			bake_json_put_bool(writer, "big_endian", true);
	}
	if (file->format != BAKE_WEIGHTS_NONE) {
		bake_json_put_u64(writer, "header_bytes", file->header_bytes);
		bake_json_put_u64(writer, "keys", file->keys);
		bake_json_put_u64(writer, "tensors", file->tensors);
	}
	if (file->split_count) {
		bake_json_put_u64(writer, "split", file->split_number);
		bake_json_put_u64(writer, "splits", file->split_count);
	}
	if (file->pointer_bytes)
		bake_json_put_u64(writer, "pointer_bytes", file->pointer_bytes);
	bake_json_put_text(writer, "problem", file->problem_id);
	bake_json_put_text(writer, "message", file->problem ? BAKE_SHOW(file->problem) : NULL);
	bake_json_end_object(writer);
}

void bake_inspection_write_facts(
	const struct bake_inspection *inspection, struct bake_json_writer *writer)
{
	const struct bake_arch *arch = inspection->arch;

	if (!bake_arch_is_empty(arch) || arch->warning_count) {
		bake_json_key(writer, "architecture");
		bake_arch_write(arch, writer);
	}
	if (inspection->weights.tensors) {
		bake_json_key(writer, "weights");
		bake_weights_write(&inspection->weights, writer);
	}
	if (inspection->projector.tensors) {
		bake_json_key(writer, "projector_weights");
		bake_weights_write(&inspection->projector, writer);
	}
	if (!arch->component_count || !inspection->weights.tensors)
		return;
	bake_json_key(writer, "component_weights");
	bake_json_object(writer);
	for (size_t i = 0; i < arch->component_count; i++) {
		if (!inspection->component_weights[i].tensors)
			continue;
		bake_json_key(writer, arch->components[i].name);
		bake_weights_write(&inspection->component_weights[i], writer);
	}
	bake_json_end_object(writer);
}

void bake_inspection_write(
	const struct bake_inspection *inspection, struct bake_json_writer *writer)
{
	bake_json_put_text(writer, "format", inspection->format);
	bake_json_put_text(writer, "quantization", inspection->quantization);
	bake_json_put_bool(writer, "executable_code", inspection->executable_code);
	if (inspection->pointer_bytes)
		bake_json_put_u64(writer, "pointer_bytes", inspection->pointer_bytes);
	bake_json_key(writer, "files");
	bake_json_array(writer);
	for (size_t i = 0; i < inspection->file_count; i++)
		put_file(writer, &inspection->files[i]);
	bake_json_end_array(writer);
	bake_inspection_write_facts(inspection, writer);
}
