/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/document.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "digest/hasher.h"
#include "fs/file.h"

enum bake_status bake_load_manifest(
	const char *path, struct bake_manifest **out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_MANIFEST_BYTES_MAX);

	if (bake_file_read(path, &text, err) != BAKE_OK)
		return bake_error_wrap(err, "manifest");
	return bake_manifest_parse(bake_buf_span(&text), path, out, err);
}

enum bake_status bake_load_lock(const char *path, struct bake_lock **out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);

	if (bake_file_read(path, &text, err) != BAKE_OK)
		return bake_error_wrap(err, "lock");
	return bake_lock_parse(bake_buf_span(&text), path, out, err);
}

enum bake_status bake_load_index(const char *path, struct bake_index **out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);

	if (bake_file_read(path, &text, err) != BAKE_OK)
		return bake_error_wrap(err, "index");
	return bake_index_parse(bake_buf_span(&text), path, out, err);
}

/* path without suffix, with another one; fallback beside it when it does not end so. */
static char *replace_suffix(
	const char *path, const char *suffix, const char *with, const char *fallback)
{
	const char *slash = strrchr(path, '/');
	size_t keep = bake_text_ends(path, suffix) ? strlen(path) - strlen(suffix)
						   : (slash ? (size_t)(slash + 1 - path) : 0);
	char *made;

	if (!bake_text_ends(path, suffix))
		with = fallback;
	return asprintf(&made, "%.*s%s", (int)keep, path, with) < 0 ? NULL : made;
}

char *bake_lock_path_of(const char *manifest_path)
{
	return replace_suffix(manifest_path, ".json", ".lock.json", "manifest.lock.json");
}

char *bake_manifest_path_of(const char *lock_path)
{
	return replace_suffix(lock_path, ".lock.json", ".json", "manifest.json");
}

static enum bake_status stale(const struct bake_lock *lock, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_CONFIG, "lock.stale",
		"the lock of '%s' was made from another state of its manifest",
		BAKE_SHOW(lock->name));
	return bake_error_hint(err, "run bake-lock on the manifest and commit the new lock");
}

enum bake_status bake_check_fresh(
	const struct bake_manifest *manifest, const struct bake_lock *lock, struct bake_error *err)
{
	if (lock->slice)
		return bake_error_set(err, BAKE_ERR_CONFIG, "lock.slice",
			"the lock is the slice of layer %u, not a whole one", lock->slice);
	if (bake_digest_equal(&manifest->sha256, &lock->manifest_sha256))
		return BAKE_OK;
	return stale(lock, err);
}

enum bake_status bake_check_fresh_beside(
	const struct bake_lock *lock, const char *lock_path, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_MANIFEST_BYTES_MAX);
	_cleanup_free_ char *path = bake_manifest_path_of(lock_path);
	struct bake_digest digest;

	if (!path)
		return bake_error_nomem(err);
	if (lock->slice || !bake_text_ends(lock_path, ".lock.json") || access(path, F_OK) != 0)
		return BAKE_OK;
	if (bake_file_read(path, &text, err) != BAKE_OK)
		return bake_error_wrap(err, "manifest");
	BAKE_TRY(bake_digest_of(bake_buf_span(&text), &digest, err));
	return bake_digest_equal(&digest, &lock->manifest_sha256) ? BAKE_OK : stale(lock, err);
}
