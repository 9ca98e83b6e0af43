/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stage.h"

#include <stdlib.h>

bool bake_stage_take(struct bake_stages *stages, struct bake_stage *stage)
{
	stage->len = 0;
	if (stages->spare_count > 0) {
		stage->ptr = stages->spare[--stages->spare_count];
		return true;
	}
	if (stages->made == BAKE_STAGES_MAX)
		return false;
	stage->ptr = malloc(BAKE_STAGE_BYTES);
	if (stage->ptr)
		stages->made++;
	return stage->ptr != NULL;
}

void bake_stage_give(struct bake_stages *stages, struct bake_stage *stage)
{
	if (stage->ptr)
		stages->spare[stages->spare_count++] = stage->ptr;
	*stage = (struct bake_stage){.ptr = NULL};
}

void bake_stages_release(struct bake_stages *stages)
{
	while (stages->spare_count > 0)
		free(stages->spare[--stages->spare_count]);
	stages->made = 0;
}
