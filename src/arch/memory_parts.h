/* SPDX-License-Identifier: Apache-2.0 */
/* How the engines' files fill a struct bake_memory. */
#ifndef ARCH_MEMORY_PARTS_H
#define ARCH_MEMORY_PARTS_H

#include <stdint.h>

#include "arch/memory.h"
#include "base/error.h"

/* A part between min and max; NULL when there are too many (a note says so, and the total is not
 * known). */
struct bake_memory_part *bake_memory_add(struct bake_memory *memory, const char *name, uint64_t min,
	uint64_t max, const char *because, ...) BAKE_PRINTF(5, 6);

/* The same, in the machine's memory. */
void bake_memory_add_host(struct bake_memory *memory, const char *name, uint64_t bytes,
	const char *because, ...) BAKE_PRINTF(4, 5);

/* A part of unknown size, and why it is. */
void bake_memory_add_unknown(struct bake_memory *memory, const char *name, const char *because, ...)
	BAKE_PRINTF(3, 4);

void bake_memory_note(struct bake_memory *memory, const char *format, ...) BAKE_PRINTF(2, 3);

/* Recurrent state of that many sequences, when the model has such layers. */
void bake_memory_add_state(struct bake_memory *memory, uint64_t sequences);

/* What the encoder of images needs, when there is one. */
void bake_memory_add_vision(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, struct bake_memory *memory);

/* The engines. types and context of memory are set, kv is read. */
void bake_memory_llama(const struct bake_memory_model *model, const struct bake_memory_wish *wish,
	struct bake_memory *memory);
void bake_memory_vllm(const struct bake_memory_model *model, const struct bake_memory_wish *wish,
	struct bake_memory *memory);
void bake_memory_diffusers(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, struct bake_memory *memory);

/* llama.cpp's: quantized values need it, else the engine's default. */
bool bake_memory_flash(const struct bake_memory_wish *wish, struct bake_kv_types types);

/* value rounded up to a multiple of step; UINT64_MAX when there is none. */
uint64_t bake_memory_pad(uint64_t value, uint64_t step);

#endif
