/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers between the network and the file: bytes come in pieces of some kilobytes and are written
 * in pieces of a megabyte. There are only so many buffers; who has one longest filled gives it up.
 * A full one may be lent to whoever hashes it, so that it need not be read again.
 */
#ifndef NET_STAGE_H
#define NET_STAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loan.h"

enum {
	BAKE_STAGE_BYTES = 1024 * 1024,
	BAKE_STAGES_MAX = 12,
	BAKE_STAGES_LENT_MAX = 6 /* so that connections always have some */
};

struct bake_stage_buffer;

/* One connection's: bytes that are not written yet. buffer NULL: none. */
struct bake_stage {
	struct bake_stage_buffer *buffer;
	size_t len;
};

/* All buffers. Loans come back from other threads. */
struct bake_stages {
	pthread_mutex_t lock;
	struct bake_stage_buffer *spare[BAKE_STAGES_MAX];
	size_t spare_count;
	size_t lent;
	size_t made; /* of the engine's thread alone */
};

#define BAKE_STAGES_INIT                                                                           \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER                                                  \
	}

/* Gives stage a buffer. False when there is none left, or no memory. */
bool bake_stage_take(struct bake_stages *stages, struct bake_stage *stage);

/* Where the stage's bytes are. */
uint8_t *bake_stage_bytes(const struct bake_stage *stage);

/* Gives it back; what is in it is forgotten. */
void bake_stage_give(struct bake_stages *stages, struct bake_stage *stage);

/* The stage's buffer as a loan, NULL when enough are lent. bake_stage_settle is to follow. */
struct bake_loan *bake_stage_offer(struct bake_stages *stages, struct bake_stage *stage);

/* How an offer ended: kept, the buffer comes back by itself; else the stage has it still. */
void bake_stage_settle(struct bake_stages *stages, struct bake_stage *stage, bool kept);

/* When no loan is out any more. They can be used again. */
void bake_stages_release(struct bake_stages *stages);

#endif
