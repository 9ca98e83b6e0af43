/* SPDX-License-Identifier: Apache-2.0 */
#include "bakecli/locks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/file.h"

#define ENDING ".lock.json"

static enum bake_status read_lock(
	const char *path, struct bakecli_lock *out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);

	BAKE_TRY(bake_file_read(path, &text, err));
	BAKE_TRY(bake_lock_parse(bake_buf_span(&text), path, &out->lock, err));
	out->path = strdup(path);
	if (!out->path) {
		bake_lock_free(&out->lock);
		return bake_error_nomem(err);
	}
	return BAKE_OK;
}

static enum bake_status add(struct bakecli_locks *locks, const char *path, struct bake_error *err)
{
	if (locks->count == BAKECLI_LOCKS_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
			"there are more than %d locks", BAKECLI_LOCKS_MAX);
	BAKE_TRY(read_lock(path, &locks->items[locks->count], err));
	locks->count++;
	return BAKE_OK;
}

static int is_lock(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && bake_text_ends(entry->d_name, ENDING);
}

static enum bake_status add_directory(
	struct bakecli_locks *locks, const char *dir, struct bake_error *err)
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, is_lock, alphasort);
	enum bake_status status = BAKE_OK;

	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *path = NULL;
		struct bake_error why = BAKE_ERROR_INIT;

		if (status == BAKE_OK && asprintf(&path, "%s/%s", dir, names[i]->d_name) < 0)
			status = bake_error_nomem(err);
		else if (status == BAKE_OK && add(locks, path, &why) != BAKE_OK)
			locks->warning = why;
		free(names[i]);
	}
	free(names);
	return status;
}

/* The lock beside a manifest: NAME.lock.json beside NAME.json. */
static enum bake_status add_beside(
	struct bakecli_locks *locks, const char *path, struct bake_error *err)
{
	_cleanup_free_ char *beside = NULL;

	if (bake_text_ends(path, ENDING) || !bake_text_ends(path, ".json"))
		return add(locks, path, err);
	if (asprintf(&beside, "%.*s%s", (int)(strlen(path) - strlen(".json")), path, ENDING) < 0)
		return bake_error_nomem(err);
	return add(locks, beside, err);
}

enum bake_status bakecli_locks_open(
	const char *path, struct bakecli_locks *out, struct bake_error *err)
{
	const char *place = getenv("BAKE_MANIFESTS");
	struct stat st;

	if (path)
		return add(out, path, err);
	if (!place || !place[0])
		place = "manifests";
	if (stat(place, &st) == 0 && !S_ISDIR(st.st_mode))
		return add_beside(out, place, err);
	BAKE_TRY(add_directory(out, place, err));
	if (out->count)
		return BAKE_OK;
	if (out->warning.status != BAKE_OK) {
		*err = out->warning;
		return err->status;
	}
	bake_error_set(err, BAKE_ERR_NOINPUT, "bake.no-lock", "there is no lock in '%s'",
		BAKE_SHOW(place));
	return bake_error_hint(
		err, "-l LOCK or $BAKE_MANIFESTS names one; bake lock MANIFEST makes one");
}

void bakecli_locks_release(struct bakecli_locks *locks)
{
	for (size_t i = 0; i < locks->count; i++) {
		free(locks->items[i].path);
		bake_lock_free(&locks->items[i].lock);
	}
	locks->count = 0;
}

const struct bakecli_lock *bakecli_locks_find(const struct bakecli_locks *locks, const char *name,
	const struct bake_lock_model **out_model, bool *out_more)
{
	const struct bakecli_lock *found = NULL;

	*out_more = false;
	for (size_t i = 0; i < locks->count; i++) {
		const struct bake_lock_model *model = bake_lock_find(locks->items[i].lock, name);

		if (!model)
			continue;
		if (found) {
			*out_more = true;
			break;
		}
		found = &locks->items[i];
		*out_model = model;
	}
	return found;
}

static const char *id_at(const void *context, size_t index)
{
	const struct bakecli_locks *locks = context;

	for (size_t i = 0; i < locks->count; i++) {
		const struct bake_lock *lock = locks->items[i].lock;

		if (index < lock->model_count)
			return lock->models[index].id;
		index -= lock->model_count;
	}
	return "";
}

enum bake_status bakecli_locks_unknown(
	const struct bakecli_locks *locks, const char *name, struct bake_error *err)
{
	size_t count = 0;
	const char *near;

	for (size_t i = 0; i < locks->count; i++)
		count += locks->items[i].lock->model_count;
	near = bake_text_nearest(name, count, id_at, locks);
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "bake.unknown-model", "no lock has a model '%s'",
		BAKE_SHOW(name));
	if (near)
		return bake_error_hint(err, "did you mean %s?", BAKE_SHOW(near));
	return bake_error_hint(err, "bake search finds models by what they are called");
}

uint64_t bakecli_model_bytes(const struct bake_lock_model *model)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < model->file_count; i++)
		bytes = bake_u64_add_capped(bytes, model->files[i].size);
	return bytes;
}
