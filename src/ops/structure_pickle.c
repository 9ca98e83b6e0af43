/* SPDX-License-Identifier: Apache-2.0 */
/* Files that can execute code, where no lock or index says which are meant to. */
#include "base/cleanup.h"
#include "digest/hasher.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "ops/pickle.h"
#include "ops/structuring.h"

/* Only what was allowed by its digest needs one. */
static enum bake_status digest_of(int fd, struct bake_digest *out, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_hasher *hashers[] = {&hasher};
	uint64_t read;

	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	BAKE_TRY(bake_file_hash(fd, 0, UINT64_MAX, hashers, 1, NULL, &read, err));
	return bake_hasher_final(&hasher, out, err);
}

static enum bake_status look(const struct bake_structure *structure,
	const struct bake_structure_file *file, struct bake_error *err)
{
	struct bake_digest sha256 = {.kind = BAKE_DIGEST_NONE};
	struct bake_pickle_file pickle = {
		.path = file->name, .sha256 = &sha256, .size = file->size};
	const char *what = bake_pickle_named(&pickle);
	_cleanup_close_ int fd = -1;
	struct stat st;

	BAKE_TRY(bake_open_regular(structure->root, file->path, &fd, &st, err));
	if (!what)
		BAKE_TRY(bake_pickle_look(&pickle, fd, &what, err));
	if (!what)
		return BAKE_OK;
	BAKE_TRY(digest_of(fd, &sha256, err));
	return bake_pickle_refuse(structure->pickles, &pickle, what, err);
}

bool bake_structuring_pickle(struct bake_structure *structure, struct bake_structure_file *file)
{
	struct bake_error error = BAKE_ERROR_INIT;

	if (look(structure, file, &error) == BAKE_OK)
		return false;
	bake_structuring_mark(structure, file, false);
	bake_structuring_found(structure, BAKE_FINDING_ERROR, file, &error);
	return true;
}
