/* SPDX-License-Identifier: Apache-2.0 */
/* Sidecars of what was fetched: from the lock, and from the manifest beside it where there is one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/place.h"
#include "netops/fetching.h"
#include "ops/document.h"
#include "ops/sidecar.h"

/* What is needed for each of them. */
struct writing {
	struct bake_fetching *fetching;
	struct bake_manifest *manifest; /* NULL: none */
	const char **paths;		/* of all files of the lock, sorted */
	size_t path_count;
};

static void release(struct writing *writing)
{
	bake_manifest_free(&writing->manifest);
	free(writing->paths);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum bake_status load_manifest(struct writing *writing, struct bake_error *err)
{
	_cleanup_free_ char *path = bake_manifest_path_of(writing->fetching->options->lock_path);

	if (!path)
		return bake_error_nomem(err);
	return access(path, F_OK) == 0 ? bake_load_manifest(path, &writing->manifest, err)
				       : BAKE_OK;
}

static enum bake_status begin(
	struct writing *writing, struct bake_fetching *fetching, struct bake_error *err)
{
	const struct bake_lock *lock = fetching->lock;
	size_t count = 0;

	writing->fetching = fetching;
	for (size_t i = 0; i < lock->model_count; i++)
		count += lock->models[i].file_count;
	writing->paths = calloc(count + 1, sizeof(*writing->paths));
	if (!writing->paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < lock->model_count; i++) {
		for (size_t k = 0; k < lock->models[i].file_count; k++)
			writing->paths[writing->path_count++] = lock->models[i].files[k].path;
	}
	qsort(writing->paths, count, sizeof(*writing->paths), compare);
	return load_manifest(writing, err);
}

static void compose(
	const struct writing *writing, const struct bake_fetch_item *item, struct bake_buf *out)
{
	const struct bake_model *known =
		writing->manifest ? bake_manifest_find(writing->manifest, item->model->id) : NULL;
	const char *slash = strrchr(item->path.text, '/');
	struct bake_sidecar sidecar = {
		.model_id = item->model->id,
		.display_name = known ? known->title : item->model->id,
		.filename = slash ? slash + 1 : item->path.text,
		.bytes = item->file->size,
		.min_ram_bytes = known ? known->min_ram_bytes : 0,
		.description = known ? known->description : NULL,
		.time = writing->fetching->mtime,
		.is_default = item->model->is_default,
	};

	bake_sidecar_write(&sidecar, out);
}

/* Whether the same bytes are there already. */
static bool is_right(int root, struct bake_relpath path, struct bake_span wanted)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_SIDECAR_BYTES_MAX);
	struct bake_error ignored = BAKE_ERROR_INIT;
	_cleanup_close_ int fd = -1;
	struct stat st;

	return bake_open_regular(root, path, &fd, &st, &ignored) == BAKE_OK &&
	       bake_file_read_fd(fd, path.text, &text, &ignored) == BAKE_OK &&
	       text.len == wanted.len && memcmp(text.ptr, wanted.ptr, wanted.len) == 0;
}

/* Whether the name is free, or taken by an older sidecar. */
static bool is_ours(const struct writing *writing, const char *path)
{
	struct stat st;

	if (bsearch(&path, writing->paths, writing->path_count, sizeof(path), compare))
		return false;
	return fstatat(writing->fetching->root, path, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	       bake_sidecar_is(writing->fetching->root, path);
}

/* apply: puts it there; else *out_right only says whether it is. */
static enum bake_status put(struct writing *writing, const struct bake_fetch_item *item, bool apply,
	bool *out_right, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_SIDECAR_BYTES_MAX);
	struct bake_fetching *fetching = writing->fetching;
	_cleanup_free_ char *path = NULL;
	struct bake_relpath relative;

	if (asprintf(&path, "%s" BAKE_SIDECAR_ENDING, item->path.text) < 0)
		return bake_error_nomem(err);
	if (!is_ours(writing, path)) {
		if (apply != (item->report->outcome == BAKE_FETCH_PRESENT))
			bake_emitf(&fetching->events, BAKE_EVENT_NOTICE,
				"%s is no sidecar, and stays as it is", BAKE_SHOW(path));
		return BAKE_OK;
	}
	BAKE_TRY(bake_relpath_parse_model(path, &relative, err));
	compose(writing, item, &text);
	BAKE_TRY(bake_buf_status(&text, "a sidecar", err));
	if (is_right(fetching->root, relative, bake_buf_span(&text)))
		return BAKE_OK;
	*out_right = false;
	if (!apply)
		return BAKE_OK;
	fetching->touched = true;
	return bake_place_file(
		&fetching->workdir, relative, bake_buf_span(&text), fetching->mtime, err);
}

static enum bake_status each(
	struct bake_fetching *fetching, bool apply, bool *out_right, struct bake_error *err)
{
	_cleanup_(release) struct writing writing = {.paths = NULL};

	*out_right = true;
	if (!fetching->options->sidecar || fetching->root < 0)
		return BAKE_OK;
	BAKE_TRY(begin(&writing, fetching, err));
	for (size_t i = 0; i < fetching->item_count; i++) {
		const struct bake_fetch_item *item = &fetching->items[i];
		bool there =
			!bake_fetching_is_open(item) && item->report->outcome != BAKE_FETCH_FAILED;

		if (there && !item->same && bake_sidecar_is_for(item->path.text))
			BAKE_TRY(put(&writing, item, apply, out_right, err));
	}
	return BAKE_OK;
}

enum bake_status bake_fetching_look_sidecars(
	struct bake_fetching *fetching, bool *out_right, struct bake_error *err)
{
	return each(fetching, false, out_right, err);
}

enum bake_status bake_fetching_write_sidecars(
	struct bake_fetching *fetching, struct bake_error *err)
{
	bool ignored;

	return each(fetching, true, &ignored, err);
}
