/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder of images. Its weights are counted with the others; this is what an image needs. */
#include <inttypes.h>

#include "arch/memory_parts.h"
#include "base/num.h"

enum {
	SIDE_MAX = 1024 /* pixels of an image when the model takes any size */
};

static uint64_t vision_u64(const struct bake_arch *arch, enum bake_arch_vision_field field)
{
	return arch->vision[field].known ? arch->vision[field].u64 : 0;
}

static bool has_vision(const struct bake_arch *arch)
{
	for (size_t i = 0; i < BAKE_VISION_FIELDS; i++) {
		if (arch->vision[i].known)
			return true;
	}
	return false;
}

void bake_memory_add_vision(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, struct bake_memory *memory)
{
	const struct bake_arch *arch = model->arch;
	uint64_t side = vision_u64(arch, BAKE_VISION_IMAGE_SIZE);
	uint64_t patch = vision_u64(arch, BAKE_VISION_PATCH_SIZE);
	uint64_t heads = vision_u64(arch, BAKE_VISION_NUM_HEADS);
	uint64_t hidden = vision_u64(arch, BAKE_VISION_HIDDEN_SIZE);
	uint64_t across;
	uint64_t positions;
	uint64_t scores;
	uint64_t states;

	if (!has_vision(arch))
		return;
	if (!patch || !heads) {
		bake_memory_add_unknown(memory, "images", "of vision, %s is not known",
			patch ? "num_heads" : "patch_size");
		return;
	}
	if (!side)
		bake_memory_note(memory, "images of any size: %u pixels square are assumed",
			(unsigned)SIDE_MAX);
	across = (side ? side : SIDE_MAX) / patch;
	positions = bake_u64_mul_capped(across, across);
	scores = bake_u64_mul_capped(positions, positions);
	states = bake_u64_mul_capped(bake_u64_mul_capped(positions, hidden), 4);
	/* With flash attention only a mask of f16; without, scores of f32 of every head. */
	bake_memory_add(memory, "images",
		bake_u64_add_capped(
			states, wish->flash_attention == BAKE_MEMORY_OFF
					? bake_u64_mul_capped(bake_u64_mul_capped(scores, heads), 4)
					: 0),
		bake_u64_add_capped(
			states, bake_u64_mul_capped(bake_u64_mul_capped(scores, heads), 4)),
		"%" PRIu64 " patches of one image through %" PRIu64
		" heads; at the least without their scores (flash attention)",
		positions, heads);
}
