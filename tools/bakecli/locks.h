/* SPDX-License-Identifier: Apache-2.0 */
/* The locks that models are fetched by, found as the catalog finds its manifests. */
#ifndef BAKECLI_LOCKS_H
#define BAKECLI_LOCKS_H

#include "manifest/lock.h"

enum {
	BAKECLI_LOCKS_MAX = 256
};

struct bakecli_lock {
	char *path;
	struct bake_lock *lock;
};

/* Locks, sorted by path. */
struct bakecli_locks {
	struct bakecli_lock items[BAKECLI_LOCKS_MAX];
	size_t count;
	struct bake_error warning; /* why one was left out */
};

/*
 * Reads the lock of that path (which must be right), or without one those named *.lock.json in
 * $BAKE_MANIFESTS, a lock, a manifest or a directory, else in the directory "manifests". A damaged one
 * among several is left out with a warning. None at all is BAKE_ERR_NOINPUT bake.no-lock.
 */
enum bake_status bakecli_locks_open(
	const char *path, struct bakecli_locks *out, struct bake_error *err) BAKE_CHECKED;
void bakecli_locks_release(struct bakecli_locks *locks);

/* The first lock that has the model, by id or alias; NULL: none. *out_more: another has it, too. */
const struct bakecli_lock *bakecli_locks_find(const struct bakecli_locks *locks, const char *name,
	const struct bake_lock_model **out_model, bool *out_more);

/* BAKE_ERR_UNAVAILABLE bake.unknown-model, with the nearest id as hint. */
enum bake_status bakecli_locks_unknown(
	const struct bakecli_locks *locks, const char *name, struct bake_error *err);

uint64_t bakecli_model_bytes(const struct bake_lock_model *model);

#endif
