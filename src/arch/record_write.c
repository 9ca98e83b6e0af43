/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "arch/record.h"
#include "base/cleanup.h"

static void write_list(struct bake_json_writer *writer, const uint64_t *list, size_t count)
{
	bake_json_array_line(writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_u64(writer, list[i]);
	bake_json_end_array(writer);
}

static void write_fact(
	struct bake_json_writer *writer, const char *name, const struct bake_arch_fact *fact)
{
	if (!fact->known)
		return;
	bake_json_key(writer, name);
	switch (fact->kind) {
	case BAKE_ARCH_U64:
		bake_json_write_u64(writer, fact->u64);
		break;
	case BAKE_ARCH_F64:
		bake_json_write_f64(writer, fact->f64);
		break;
	case BAKE_ARCH_BOOL:
		bake_json_write_bool(writer, fact->u64 != 0);
		break;
	case BAKE_ARCH_TEXT:
		bake_json_write_text(writer, fact->text);
		break;
	case BAKE_ARCH_JSON:
		bake_json_splice(writer, fact->text);
		break;
	case BAKE_ARCH_LIST:
		write_list(writer, fact->list, fact->list_count);
		break;
	}
}

static void write_vision(const struct bake_arch *arch, struct bake_json_writer *writer)
{
	bool any = false;

	for (size_t i = 0; i < BAKE_VISION_FIELDS; i++)
		any = any || arch->vision[i].known;
	if (!any)
		return;
	bake_json_key(writer, "vision");
	bake_json_object(writer);
	for (unsigned i = 0; i < BAKE_VISION_FIELDS; i++)
		write_fact(writer, bake_arch_vision_field_name(i), &arch->vision[i]);
	bake_json_end_object(writer);
}

static void write_quantization(
	const struct bake_arch_quantization *quantization, struct bake_json_writer *writer)
{
	if (!quantization->method)
		return;
	bake_json_key(writer, "quantization");
	bake_json_object(writer);
	bake_json_put_text(writer, "method", quantization->method);
	bake_json_put_text(writer, "label", quantization->label);
	if (quantization->bits)
		bake_json_put_u64(writer, "bits", quantization->bits);
	if (quantization->group_size) {
		bake_json_key(writer, "group_size");
		bake_json_write_i64(writer, quantization->group_size);
	}
	if (quantization->rank)
		bake_json_put_u64(writer, "rank", quantization->rank);
	if (quantization->details) {
		bake_json_key(writer, "details");
		bake_json_splice(writer, quantization->details);
	}
	bake_json_end_object(writer);
}

/* An array, because names come from elsewhere and might repeat. */
static void write_components(const struct bake_arch *arch, struct bake_json_writer *writer)
{
	if (!arch->component_count)
		return;
	bake_json_key(writer, "components");
	bake_json_array(writer);
	for (size_t i = 0; i < arch->component_count; i++) {
		const struct bake_arch_component *component = &arch->components[i];

		bake_json_object(writer);
		bake_json_put_text(writer, "name", component->name);
		bake_json_put_text(writer, "library", component->library);
		bake_json_put_text(writer, "class_name", component->class_name);
		if (component->arch) {
			bake_json_key(writer, "architecture");
			bake_arch_write(component->arch, writer);
		}
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

/* "num_layers", "vision.num_layers" and "quantization". */
static void write_field_sources(const struct bake_arch *arch, struct bake_json_writer *writer)
{
	bake_json_key(writer, "field_sources");
	bake_json_object(writer);
	for (unsigned i = 0; i < BAKE_ARCH_FIELDS; i++) {
		if (arch->facts[i].known)
			bake_json_put_text(writer, bake_arch_field_name(i), arch->facts[i].source);
	}
	for (unsigned i = 0; i < BAKE_VISION_FIELDS; i++) {
		char name[64];

		if (!arch->vision[i].known)
			continue;
		(void)snprintf(name, sizeof(name), "vision.%s", bake_arch_vision_field_name(i));
		bake_json_put_text(writer, name, arch->vision[i].source);
	}
	if (arch->quantization.method)
		bake_json_put_text(writer, "quantization", arch->quantization.source);
	bake_json_end_object(writer);
}

static void write_texts(
	struct bake_json_writer *writer, const char *key, const char *const *list, size_t count)
{
	bake_json_key(writer, key);
	bake_json_array(writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_text(writer, list[i]);
	bake_json_end_array(writer);
}

void bake_arch_write(const struct bake_arch *arch, struct bake_json_writer *writer)
{
	bake_json_object(writer);
	for (unsigned i = 0; i < BAKE_ARCH_FIELDS; i++)
		write_fact(writer, bake_arch_field_name(i), &arch->facts[i]);
	write_vision(arch, writer);
	write_quantization(&arch->quantization, writer);
	write_components(arch, writer);
	write_field_sources(arch, writer);
	write_texts(writer, "sources", arch->sources, arch->source_count);
	write_texts(writer, "warnings", arch->warnings, arch->warning_count);
	bake_json_end_object(writer);
}
