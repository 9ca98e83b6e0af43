/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stage.h"

#include <assert.h>
#include <stdlib.h>

struct bake_stage_buffer {
	struct bake_loan loan; /* first: what comes back is the buffer */
	struct bake_stages *stages;
	uint8_t bytes[BAKE_STAGE_BYTES];
};

static void put_spare(struct bake_stages *stages, struct bake_stage_buffer *buffer, bool lent)
{
	(void)pthread_mutex_lock(&stages->lock);
	stages->spare[stages->spare_count++] = buffer;
	stages->lent -= lent ? 1 : 0;
	(void)pthread_mutex_unlock(&stages->lock);
}

static void come_back(struct bake_loan *loan)
{
	struct bake_stage_buffer *buffer = (struct bake_stage_buffer *)loan;

	put_spare(buffer->stages, buffer, true);
}

bool bake_stage_take(struct bake_stages *stages, struct bake_stage *stage)
{
	struct bake_stage_buffer *buffer = NULL;

	(void)pthread_mutex_lock(&stages->lock);
	if (stages->spare_count > 0)
		buffer = stages->spare[--stages->spare_count];
	(void)pthread_mutex_unlock(&stages->lock);
	if (!buffer && stages->made < BAKE_STAGES_MAX) {
		buffer = malloc(sizeof(*buffer));
		stages->made += buffer ? 1 : 0;
	}
	*stage = (struct bake_stage){.buffer = buffer};
	if (buffer)
		buffer->stages = stages;
	return buffer != NULL;
}

uint8_t *bake_stage_bytes(const struct bake_stage *stage)
{
	return stage->buffer->bytes;
}

void bake_stage_give(struct bake_stages *stages, struct bake_stage *stage)
{
	if (stage->buffer)
		put_spare(stages, stage->buffer, false);
	*stage = (struct bake_stage){.buffer = NULL};
}

struct bake_loan *bake_stage_offer(struct bake_stages *stages, struct bake_stage *stage)
{
	bool enough;

	(void)pthread_mutex_lock(&stages->lock);
	enough = stages->lent >= BAKE_STAGES_LENT_MAX;
	stages->lent += enough ? 0 : 1;
	(void)pthread_mutex_unlock(&stages->lock);
	if (enough)
		return NULL;
	stage->buffer->loan = (struct bake_loan){
		.ptr = stage->buffer->bytes, .len = stage->len, .give_back = come_back};
	return &stage->buffer->loan;
}

void bake_stage_settle(struct bake_stages *stages, struct bake_stage *stage, bool kept)
{
	if (kept) {
		*stage = (struct bake_stage){.buffer = NULL};
		return;
	}
	(void)pthread_mutex_lock(&stages->lock);
	stages->lent--;
	(void)pthread_mutex_unlock(&stages->lock);
}

void bake_stages_release(struct bake_stages *stages)
{
	assert(stages->spare_count == stages->made);
	while (stages->spare_count > 0)
		free(stages->spare[--stages->spare_count]);
	stages->made = 0;
}
