/* SPDX-License-Identifier: Apache-2.0 */
#include "indexcli/inspect_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"

enum {
	LIST_SHOWN = 8, /* runs of equal elements of a list */
	VALUE_BYTES = 512
};

/* What most people want to know, in this order. */
static const struct {
	enum bake_arch_field field;
	const char *label;
} usual[] = {
	{BAKE_ARCH_MODEL_TYPE, "model type"},
	{BAKE_ARCH_ARCHITECTURE, "architecture"},
	{BAKE_ARCH_PARAMS_BILLION, "parameters (10^9)"},
	{BAKE_ARCH_WEIGHT_PRECISION, "precision"},
	{BAKE_ARCH_NUM_LAYERS, "layers"},
	{BAKE_ARCH_NUM_ENCODER_LAYERS, "encoder layers"},
	{BAKE_ARCH_NUM_ATTENTION_HEADS, "heads"},
	{BAKE_ARCH_NUM_KV_HEADS, "kv heads"},
	{BAKE_ARCH_KV_HEADS_PER_LAYER, "kv heads by layer"},
	{BAKE_ARCH_HEAD_DIM, "head size"},
	{BAKE_ARCH_HIDDEN_SIZE, "hidden size"},
	{BAKE_ARCH_INTERMEDIATE_SIZE, "feed-forward size"},
	{BAKE_ARCH_CONTEXT_LENGTH, "context"},
	{BAKE_ARCH_SLIDING_WINDOW, "sliding window"},
	{BAKE_ARCH_ROPE_THETA, "rope theta"},
	{BAKE_ARCH_ROPE_SCALING, "rope scaling"},
	{BAKE_ARCH_VOCAB_SIZE, "vocabulary"},
	{BAKE_ARCH_NUM_EXPERTS, "experts"},
	{BAKE_ARCH_NUM_EXPERTS_PER_TOKEN, "experts per token"},
	{BAKE_ARCH_KV_LORA_RANK, "latent of the cache"},
	{BAKE_ARCH_LATENT_CHANNELS, "latent channels"},
};

static void print_row(const char *label, const char *value, const char *source)
{
	(void)printf("%-24s %s", label, value);
	if (source)
		(void)printf("  (%s)", BAKE_SHOW(source));
	(void)printf("\n");
}

/* "8 x28, 4 x4": runs of equal elements. */
static void list_text(const struct bake_arch_fact *fact, char *out, size_t room)
{
	size_t used = 0;
	size_t shown = 0;

	out[0] = '\0';
	for (size_t i = 0; i < fact->list_count && used < room; shown++) {
		size_t run = 1;

		while (i + run < fact->list_count && fact->list[i + run] == fact->list[i])
			run++;
		if (shown == LIST_SHOWN) {
			(void)snprintf(out + used, room - used, ", ...");
			return;
		}
		used += (size_t)snprintf(out + used, room - used,
			run > 1 ? "%s%" PRIu64 " x%zu" : "%s%" PRIu64, used ? ", " : "",
			fact->list[i], run);
		i += run;
	}
}

static const char *fact_text(const struct bake_arch_fact *fact, char out[VALUE_BYTES])
{
	switch (fact->kind) {
	case BAKE_ARCH_U64:
		(void)snprintf(out, VALUE_BYTES, "%" PRIu64, fact->u64);
		break;
	case BAKE_ARCH_F64:
		(void)snprintf(out, VALUE_BYTES, "%.6g", fact->f64);
		break;
	case BAKE_ARCH_BOOL:
		(void)snprintf(out, VALUE_BYTES, "%s", fact->u64 ? "yes" : "no");
		break;
	case BAKE_ARCH_TEXT:
	case BAKE_ARCH_JSON:
		(void)snprintf(out, VALUE_BYTES, "%s", BAKE_SHOW(fact->text));
		break;
	case BAKE_ARCH_LIST:
		list_text(fact, out, VALUE_BYTES);
		break;
	}
	return out;
}

static void print_usual(const struct bake_arch *arch)
{
	char value[VALUE_BYTES];

	for (size_t i = 0; i < countof(usual); i++) {
		const struct bake_arch_fact *fact = bake_arch_get(arch, usual[i].field);

		if (fact)
			print_row(usual[i].label, fact_text(fact, value), NULL);
	}
}

static void print_all(const struct bake_arch *arch)
{
	char value[VALUE_BYTES];

	for (unsigned i = 0; i < BAKE_ARCH_FIELDS; i++) {
		const struct bake_arch_fact *fact = &arch->facts[i];

		if (fact->known)
			print_row(bake_arch_field_name((enum bake_arch_field)i),
				fact_text(fact, value), fact->source);
	}
}

static void print_vision(const struct bake_arch *arch, bool all)
{
	char value[VALUE_BYTES];
	char label[64];

	for (unsigned i = 0; i < BAKE_VISION_FIELDS; i++) {
		const struct bake_arch_fact *fact = &arch->vision[i];

		if (!fact->known)
			continue;
		(void)snprintf(label, sizeof(label), "vision %s",
			bake_arch_vision_field_name((enum bake_arch_vision_field)i));
		print_row(label, fact_text(fact, value), all ? fact->source : NULL);
	}
}

static void print_weights(const char *label, const struct bake_weights *weights, bool all)
{
	if (!weights->tensors)
		return;
	(void)printf("%-24s %s in %" PRIu64 " tensors\n", label, BAKE_BYTES(weights->bytes),
		weights->tensors);
	for (size_t i = 0; i < weights->type_count; i++) {
		const struct bake_weights_type *type = &weights->types[i];

		(void)printf("  %-22s %s", type->name, BAKE_BYTES(type->bytes));
		if (type->tensors) /* an index has only the bytes */
			(void)printf(" in %" PRIu64 " tensors", type->tensors);
		(void)printf("\n");
	}
	if (all && weights->layer_bytes_max)
		print_row("  heaviest layer", BAKE_BYTES(weights->layer_bytes_max), NULL);
}

static void print_components(const struct bake_inspection *inspection, bool all)
{
	const struct bake_arch *arch = inspection->arch;

	for (size_t i = 0; i < arch->component_count; i++) {
		const struct bake_arch_component *part = &arch->components[i];

		(void)printf("\ncomponent %s: %s\n", BAKE_SHOW(part->name),
			part->class_name ? BAKE_SHOW(part->class_name) : "-");
		if (part->arch && all)
			print_all(part->arch);
		else if (part->arch)
			print_usual(part->arch);
		print_weights("weights", &inspection->component_weights[i], all);
	}
}

static void print_file(const struct bake_inspected_file *file)
{
	static const char *const uses[] = {"other", "weights", "projector", "adapter", "spare"};

	(void)printf("  %-9s  %10s  %s", uses[file->use], BAKE_BYTES(file->bytes),
		BAKE_SHOW(file->path));
	if (file->format == BAKE_WEIGHTS_GGUF)
		(void)printf("  (GGUF version %u%s, %" PRIu64 " keys, %" PRIu64 " tensors)",
			file->version, file->big_endian ? ", big-endian" : "", file->keys,
			file->tensors);
	else if (file->format == BAKE_WEIGHTS_SAFETENSORS)
		(void)printf("  (safetensors, %" PRIu64 " tensors)", file->tensors);
	if (file->problem)
		(void)printf("  %s", BAKE_SHOW(file->problem));
	if (file->pointer_bytes)
		(void)printf(", which has %s", BAKE_BYTES(file->pointer_bytes));
	(void)printf("\n");
}

static void print_quantization(const struct bake_inspection *inspection, bool all)
{
	const struct bake_arch_quantization *how = &inspection->arch->quantization;
	char value[VALUE_BYTES];

	if (inspection->quantization)
		print_row("quantization", BAKE_SHOW(inspection->quantization),
			all ? how->source : NULL);
	if (!how->method)
		return;
	(void)snprintf(value, sizeof(value), "%s", BAKE_SHOW(how->method));
	if (how->bits)
		(void)snprintf(value + strlen(value), sizeof(value) - strlen(value),
			", %" PRIu64 " bits", how->bits);
	if (how->group_size)
		(void)snprintf(value + strlen(value), sizeof(value) - strlen(value),
			", groups of %" PRId64, how->group_size);
	if (how->rank)
		(void)snprintf(value + strlen(value), sizeof(value) - strlen(value),
			", rank %" PRIu64, how->rank);
	print_row("  method", value, NULL);
}

void indexcli_print_architecture(
	const struct bake_arch *arch, const struct bake_weights *weights, bool all)
{
	if (all)
		print_all(arch);
	else
		print_usual(arch);
	print_vision(arch, all);
	if (weights)
		print_weights("weights", weights, all);
}

static void print_warnings(const struct bake_arch *arch)
{
	if (arch->warning_count)
		(void)printf("\nwarnings\n");
	for (size_t i = 0; i < arch->warning_count; i++)
		(void)printf("  %s\n", BAKE_SHOW(arch->warnings[i]));
}

void indexcli_print_inspection(const struct bake_inspection *inspection, bool all)
{
	const struct bake_arch *arch = inspection->arch;

	print_row("format", inspection->format ? inspection->format : "unknown", NULL);
	print_quantization(inspection, all);
	if (inspection->executable_code)
		print_row("executable code", "yes: loading it can run code", NULL);
	indexcli_print_architecture(arch, &inspection->weights, all);
	if (inspection->pointer_bytes)
		print_row("weights elsewhere", BAKE_BYTES(inspection->pointer_bytes), NULL);
	print_weights("projector", &inspection->projector, all);
	print_components(inspection, all);
	if (inspection->file_count)
		(void)printf("\nfiles\n");
	for (size_t i = 0; i < inspection->file_count; i++)
		print_file(&inspection->files[i]);
	print_warnings(arch);
}
