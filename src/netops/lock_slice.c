/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a lock that one image layer depends on, with the local files it needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/sink.h"
#include "netops/local.h"
#include "netops/lock.h"
#include "ops/document.h"
#include "store/copy.h"

/* One local file to where the slice will look for it, checked against its pin on the way. */
static enum bake_status copy_file(int from_dir, const struct bake_workdir *to,
	const struct bake_lock_model *model, const struct bake_lock_file *file,
	struct bake_error *err)
{
	_cleanup_(bake_sink_close) struct bake_sink sink = BAKE_SINK_INIT;
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int from = -1;
	struct bake_sink_target target = {.sha256 = file->sha256, .size = file->size};

	BAKE_TRY(bake_local_open(from_dir, model, file, &from, &name, err));
	BAKE_TRY(bake_relpath_parse(name, &target.path, err));
	BAKE_TRY(bake_sink_open(&sink, to, &target, err));
	return bake_store_copy(from, &sink, NULL, err);
}

static enum bake_status copy_files(const struct bake_lock *lock, const char *lock_path,
	unsigned layer, const char *files_dir, struct bake_error *err)
{
	_cleanup_close_ int from_dir = -1;
	_cleanup_close_ int to_dir = -1;
	_cleanup_(bake_workdir_remove) struct bake_workdir workdir = BAKE_WORKDIR_INIT;

	BAKE_TRY(bake_local_dir_of(lock_path, &from_dir, err));
	BAKE_TRY(bake_dir_make(files_dir, &to_dir, err));
	BAKE_TRY(bake_workdir_open(to_dir, 0, NULL, &workdir, err));
	for (size_t i = 0; i < lock->model_count; i++) {
		const struct bake_lock_model *model = &lock->models[i];

		if (model->layer != layer || model->source.kind != BAKE_SOURCE_FILE)
			continue;
		for (size_t k = 0; k < model->file_count; k++) {
			if (copy_file(from_dir, &workdir, model, &model->files[k], err) != BAKE_OK)
				return bake_error_wrap(err, "%s", BAKE_SHOW(model->files[k].path));
		}
	}
	return BAKE_OK;
}

enum bake_status bake_lock_slice(const char *lock_path, unsigned layer, const char *files_dir,
	struct bake_buf *out, struct bake_error *err)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;

	BAKE_TRY(bake_load_lock(lock_path, &lock, err));
	if (lock->slice)
		return bake_error_set(err, BAKE_ERR_CONFIG, "lock.slice", "'%s' is a slice already",
			BAKE_SHOW(lock_path));
	if (files_dir)
		BAKE_TRY(copy_files(lock, lock_path, layer, files_dir, err));
	return bake_lock_write(lock, layer, out, err);
}
