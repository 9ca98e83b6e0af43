/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that GET /model-info has always answered, computed from an index. */
#ifndef INDEX_API_H
#define INDEX_API_H

#include "index/index.h"

enum {
	BAKE_API_LIST_MAX = 64
};

struct bake_api {
	const char *model_name;
	const char *model_version;	   /* "" when not known */
	uint32_t ranks[BAKE_API_LIST_MAX]; /* sorted, each once */
	size_t rank_count;
	uint32_t steps[BAKE_API_LIST_MAX];
	size_t step_count;
	uint32_t default_rank;	/* 0: not known */
	uint32_t default_steps; /* 0: not known */
	uint32_t max_steps;	/* 0: not known */
	bool base_model_available;
	const char *model_id; /* repository of the base model; NULL: none */
	const char *config;   /* further members of model_config */
};

/* The first entry of the manifest's "selection" is the group the API speaks of. */
void bake_api_compute(const struct bake_index *index, struct bake_api *out);

#endif
