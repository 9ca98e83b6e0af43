/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arch.h"

#include <stdlib.h>

enum {
	ARENA_BYTES_MAX = 64 * 1024 * 1024
};

enum bake_status bake_arch_new(struct bake_arch **out, struct bake_error *err)
{
	struct bake_arch *arch = calloc(1, sizeof(*arch));

	if (!arch)
		return bake_error_nomem(err);
	arch->arena.max = ARENA_BYTES_MAX;
	*out = arch;
	return BAKE_OK;
}

void bake_arch_free(struct bake_arch **arch)
{
	if (*arch) {
		for (size_t i = 0; i < (*arch)->component_count; i++)
			bake_arch_free(&(*arch)->components[i].arch);
		bake_arena_release(&(*arch)->arena);
	}
	free(*arch);
	*arch = NULL;
}

const struct bake_arch_fact *bake_arch_get(const struct bake_arch *arch, enum bake_arch_field field)
{
	return arch->facts[field].known ? &arch->facts[field] : NULL;
}

uint64_t bake_arch_u64(const struct bake_arch *arch, enum bake_arch_field field, uint64_t missing)
{
	return arch->facts[field].known ? arch->facts[field].u64 : missing;
}
