/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the same content under several names. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "catalog/share.h"
#include "catalog/storage.h"
#include "digest/hasher.h"
#include "fs/dir.h"
#include "fs/file.h"

/* Files that may have a twin: of some size, each once. */
struct candidates {
	struct bake_storage_file **list; /* by size, digest and path */
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const struct bake_storage_file *left = *(const struct bake_storage_file *const *)a;
	const struct bake_storage_file *right = *(const struct bake_storage_file *const *)b;
	int digests;

	if (left->st.st_size != right->st.st_size)
		return left->st.st_size < right->st.st_size ? -1 : 1;
	if (left->sha256.kind != right->sha256.kind)
		return left->sha256.kind < right->sha256.kind ? -1 : 1;
	digests = memcmp(left->sha256.bytes, right->sha256.bytes, sizeof(left->sha256.bytes));
	return digests ? digests : strcmp(left->path, right->path);
}

static enum bake_status list_candidates(
	struct bake_storage *storage, struct candidates *out, struct bake_error *err)
{
	out->list = calloc(storage->file_count + 1, sizeof(struct bake_storage_file *));
	if (!out->list)
		return bake_error_nomem(err);
	for (size_t i = 0; i < storage->file_count; i++) {
		if (!storage->files[i].is_link && storage->files[i].st.st_size > 0)
			out->list[out->count++] = &storage->files[i];
	}
	if (out->count > 1)
		qsort(out->list, out->count, sizeof(struct bake_storage_file *), compare);
	return BAKE_OK;
}

static bool has_peer(const struct candidates *candidates, size_t i)
{
	off_t size = candidates->list[i]->st.st_size;

	return (i > 0 && candidates->list[i - 1]->st.st_size == size) ||
	       (i + 1 < candidates->count && candidates->list[i + 1]->st.st_size == size);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum bake_status hash_one(int root, struct bake_storage_file *file, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_hasher *const hashers[] = {&hasher};
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct bake_digest digest;
	uint64_t size;
	struct stat st;

	BAKE_TRY(bake_relpath_parse(file->path, &path, err));
	BAKE_TRY(bake_open_regular(root, path, &fd, &st, err));
	if (!same_file(&st, &file->st))
		return BAKE_OK;
	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	BAKE_TRY(bake_file_hash(
		fd, 0, (uint64_t)file->st.st_size, hashers, countof(hashers), NULL, &size, err));
	BAKE_TRY(bake_hasher_final(&hasher, &digest, err));
	file->sha256 = digest;
	file->hashed = true;
	return BAKE_OK;
}

enum bake_status bake_storage_hash(int root, struct bake_storage *storage,
	const struct bake_events *events, struct bake_error *err)
{
	struct candidates candidates = {0};
	enum bake_status status = list_candidates(storage, &candidates, err);

	for (size_t i = 0; status == BAKE_OK && i < candidates.count; i++) {
		struct bake_storage_file *file = candidates.list[i];
		struct bake_error failed = BAKE_ERROR_INIT;

		if (file->sha256.kind != BAKE_DIGEST_NONE || !has_peer(&candidates, i) ||
			hash_one(root, file, &failed) == BAKE_OK)
			continue;
		if (failed.status == BAKE_ERR_INTERRUPTED || failed.status == BAKE_ERR_RESOURCES) {
			*err = failed;
			status = failed.status;
		} else {
			bake_emitf(events, BAKE_EVENT_WARNING, "not hashed: %s", failed.message);
		}
	}
	free(candidates.list);
	return status;
}

static bool are_shared(
	int root, const struct bake_storage_file *a, const struct bake_storage_file *b)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	_cleanup_close_ int left = -1;
	_cleanup_close_ int right = -1;
	struct bake_relpath path;
	struct stat st;

	return a->st.st_dev == b->st.st_dev &&
	       bake_relpath_parse(a->path, &path, &ignored) == BAKE_OK &&
	       bake_open_regular(root, path, &left, &st, &ignored) == BAKE_OK &&
	       bake_relpath_parse(b->path, &path, &ignored) == BAKE_OK &&
	       bake_open_regular(root, path, &right, &st, &ignored) == BAKE_OK &&
	       bake_share_has_same_blocks(left, right);
}

enum bake_status bake_storage_find_twins(
	int root, struct bake_storage *storage, struct bake_error *err)
{
	struct candidates candidates = {0};
	enum bake_status status = list_candidates(storage, &candidates, err);

	storage->twin_bytes = 0;
	storage->twin_count = 0;
	storage->unhashed = 0;
	for (size_t i = 0; status == BAKE_OK && i < candidates.count; i++) {
		struct bake_storage_file *file = candidates.list[i];
		struct bake_storage_file *before = i > 0 ? candidates.list[i - 1] : NULL;

		file->twin_of = NULL;
		if (file->sha256.kind == BAKE_DIGEST_NONE) {
			storage->unhashed += has_peer(&candidates, i);
			continue;
		}
		if (!before || before->st.st_size != file->st.st_size ||
			!bake_digest_equal(&before->sha256, &file->sha256))
			continue;
		file->twin_of = before->twin_of ? before->twin_of : before;
		file->shared = are_shared(root, file->twin_of, file);
		storage->twin_count++;
		if (!file->shared)
			storage->twin_bytes = bake_u64_add_capped(
				storage->twin_bytes, (uint64_t)file->st.st_size);
	}
	free(candidates.list);
	return status;
}
