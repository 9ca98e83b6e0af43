/* SPDX-License-Identifier: Apache-2.0 */
/* Which models of a lock a command is about. */
#ifndef MANIFEST_SELECT_H
#define MANIFEST_SELECT_H

#include "base/error.h"
#include "manifest/lock.h"

/* What the user asked for; the named ways add up. None of them: the profile "default" when the
 * lock has one, else every required model. */
struct bake_select {
	const char *const *names; /* ids or aliases */
	size_t name_count;
	const char *profile;
	const char *group;
	bool defaults; /* every model marked "default" */
	bool all;
	unsigned layer; /* keeps only that layer's, 0: all layers' */
};

/*
 * Sets chosen[i] for each model of the lock. An unknown name is BAKE_ERR_USAGE
 * usage.unknown-model; a profile that names a model the lock lacks is BAKE_ERR_CONFIG lock.stale,
 * and a selection of what a partial lock has no pins of is BAKE_ERR_CONFIG lock.partial.
 */
enum bake_status bake_select_models(const struct bake_lock *lock, const struct bake_select *select,
	bool *chosen, struct bake_error *err) BAKE_CHECKED;

#endif
