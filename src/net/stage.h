/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers between the network and the file: bytes come in pieces of some kilobytes and are written
 * in pieces of a megabyte. There are only so many buffers; who has one longest filled gives it up.
 */
#ifndef NET_STAGE_H
#define NET_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BAKE_STAGE_BYTES = 1024 * 1024,
	BAKE_STAGES_MAX = 12
};

/* One connection's: bytes that are not written yet. ptr NULL: none. */
struct bake_stage {
	uint8_t *ptr;
	size_t len;
};

/* The buffers that nobody has. */
struct bake_stages {
	uint8_t *spare[BAKE_STAGES_MAX];
	size_t spare_count;
	size_t made;
};

/* Gives stage a buffer. False when there is none left, or no memory. */
bool bake_stage_take(struct bake_stages *stages, struct bake_stage *stage);

/* Gives it back; what is in it is forgotten. */
void bake_stage_give(struct bake_stages *stages, struct bake_stage *stage);

void bake_stages_release(struct bake_stages *stages);

#endif
