/* SPDX-License-Identifier: Apache-2.0 */
/* A lock's models in a layout: what joins manifest and store. */
#ifndef OPS_PLACEMENT_H
#define OPS_PLACEMENT_H

#include "base/error.h"
#include "manifest/lock.h"
#include "store/layout.h"

/* The file as store/layout.h wants it; borrows from the lock. */
struct bake_layout_file bake_placement_file(
	const struct bake_lock_model *model, const struct bake_lock_file *file);

/* Adds to plan what surrounds those of the model's files that there says are there; NULL: all of
 * them. Only a model of which all are there is announced as a snapshot. */
enum bake_status bake_placement_add(struct bake_layout_plan *plan,
	const struct bake_lock_model *model, const bool *there,
	struct bake_error *err) BAKE_CHECKED;

#endif
