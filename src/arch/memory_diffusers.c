/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipeline's components, all of them or one at a time. What a picture needs on top depends on its
 * size and on kernels that no file knows.
 */
#include <stdio.h>

#include "arch/memory_parts.h"
#include "base/num.h"
#include "base/text.h"

/* The heaviest component, which is on the GPU alone. */
static void add_heaviest(const struct bake_memory_model *model, struct bake_memory *memory)
{
	const struct bake_arch *arch = model->arch;
	size_t heaviest = 0;
	uint64_t bytes;

	for (size_t i = 1; i < arch->component_count; i++) {
		if (bake_weights_all_bytes(&model->component_weights[i]) >
			bake_weights_all_bytes(&model->component_weights[heaviest]))
			heaviest = i;
	}
	bytes = bake_weights_all_bytes(&model->component_weights[heaviest]);
	bake_memory_add(memory, arch->components[heaviest].name, bytes, bytes,
		"the heaviest component: the others wait in the machine's memory");
	bake_memory_add_host(memory, "all components", bake_weights_all_bytes(model->weights),
		"what is not on the GPU is here, and loading passes through");
	bake_memory_note(memory, "offloading: one component at a time is on the GPU "
				 "(enable_model_cpu_offload)");
}

static void add_components(const struct bake_memory_model *model, struct bake_memory *memory)
{
	const struct bake_arch *arch = model->arch;
	uint64_t rest = bake_weights_all_bytes(model->weights);

	for (size_t i = 0; i < arch->component_count; i++) {
		const struct bake_weights *weights = &model->component_weights[i];
		const char *class_name = arch->components[i].class_name;
		uint64_t bytes = bake_weights_all_bytes(weights);

		if (!bake_weights_any(weights))
			continue;
		bake_memory_add(memory, BAKE_SHOW(arch->components[i].name), bytes, bytes,
			"the bytes of its tensors%s%s", class_name ? ": " : "",
			class_name ? BAKE_SHOW(class_name) : "");
		rest -= bake_u64_min(rest, bytes);
	}
	if (rest)
		bake_memory_add(memory, "other weights", rest, rest, "of no component");
}

void bake_memory_diffusers(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, struct bake_memory *memory)
{
	uint64_t bytes = bake_weights_all_bytes(model->weights);
	bool parts = model->arch->component_count && model->component_weights;

	if (!bake_weights_any(model->weights))
		bake_memory_add_unknown(memory, "weights", "there are no tensors to count");
	else if (parts && wish->offload)
		add_heaviest(model, memory);
	else if (parts)
		add_components(model, memory);
	else
		bake_memory_add(memory, "weights", bytes, bytes, "the bytes of its tensors");
	if (!parts)
		bake_memory_note(memory, "only this file: text encoders, the autoencoder and what "
					 "else the pipeline has come on top");
	bake_memory_add_unknown(memory, "activations",
		"they depend on the picture's size, the batch and the kernels: no file says");
}
