/* SPDX-License-Identifier: Apache-2.0 */
/* Which links a tree of links has: a pure function of the index and the layout. */
#ifndef LINK_PLAN_H
#define LINK_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/relpath.h"
#include "index/index.h"
#include "link/layout.h"

struct bake_link {
	const char *path;   /* of the link, below the directory of links */
	const char *target; /* below the models directory */
	const char *model;  /* its id */
};

/* A model that gets no link, and why, in printable ASCII. */
struct bake_link_skip {
	const char *model;
	const char *reason;
};

struct bake_link_plan {
	struct bake_arena arena;
	struct bake_link *links; /* sorted by path, none twice */
	size_t count;
	size_t room;
	struct bake_link_skip *skips;
	size_t skip_count;
	size_t skip_room;
};

struct bake_link_wish {
	const char *const *models; /* ids; count 0: all that are baked */
	size_t model_count;
	bool whole; /* directories are linked where a model has one to itself */
};

/*
 * Weights are linked by their names. A name that says nothing ("model.safetensors",
 * "diffusion_pytorch_model.safetensors") is linked below a directory named after the model, so that
 * adding a model never renames another one's link. A model whose files belong together (shards, a
 * config.json) is linked as a directory.
 *
 * Two models at one path are BAKE_ERR_DATA link.collision, all of them in the message as far as it
 * reaches; an unknown id is BAKE_ERR_USAGE usage.unknown-model. The plan borrows from the index.
 */
enum bake_status bake_link_plan_make(const struct bake_index *index,
	const struct bake_layout_tree *tree, const struct bake_link_wish *wish,
	struct bake_link_plan *out, struct bake_error *err) BAKE_CHECKED;
void bake_link_plan_release(struct bake_link_plan *plan);

#endif
