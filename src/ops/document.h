/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, locks and indexes read from files. */
#ifndef OPS_DOCUMENT_H
#define OPS_DOCUMENT_H

#include "base/error.h"
#include "index/index.h"
#include "manifest/lock.h"
#include "manifest/manifest.h"

enum bake_status bake_load_manifest(
	const char *path, struct bake_manifest **out, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_load_lock(
	const char *path, struct bake_lock **out, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_load_index(
	const char *path, struct bake_index **out, struct bake_error *err) BAKE_CHECKED;

/* "dir/name.lock.json" for "dir/name.json" and the other way round, in a new string. NULL when
 * memory is short; for a lock that is not so named, "manifest.json" beside it. */
char *bake_lock_path_of(const char *manifest_path);
char *bake_manifest_path_of(const char *lock_path);

/* BAKE_ERR_CONFIG lock.stale when the lock was made from another state of the manifest. */
enum bake_status bake_check_fresh(const struct bake_manifest *manifest,
	const struct bake_lock *lock, struct bake_error *err) BAKE_CHECKED;

/* The same for a lock read from lock_path, when its manifest lies beside it; without one there is
 * nothing to compare. */
enum bake_status bake_check_fresh_beside(
	const struct bake_lock *lock, const char *lock_path, struct bake_error *err) BAKE_CHECKED;

#endif
