/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/locking.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"
#include "ops/document.h"

enum bake_status bake_locking_path(struct bake_locking *locking, const struct bake_model *model,
	const char *name, const char **out, struct bake_error *err)
{
	const char *joined = bake_arena_join(&locking->lock->arena, model->path, name);
	struct bake_relpath path;

	if (!joined)
		return bake_error_nomem(err);
	BAKE_TRY(bake_relpath_parse_model(joined, &path, err));
	*out = joined;
	return BAKE_OK;
}

enum bake_status bake_locking_agree(const struct bake_manifest_file *pinned,
	const struct bake_lock_file *found, struct bake_error *err)
{
	if (!pinned)
		return BAKE_OK;
	if (pinned->has_size && pinned->size != found->size)
		return bake_error_set(err, BAKE_ERR_CONFIG, "pin.conflict",
			"'%s' has %" PRIu64 " bytes, the manifest pins %" PRIu64,
			BAKE_SHOW(found->name), found->size, pinned->size);
	if (pinned->sha256.kind && found->sha256.kind &&
		!bake_digest_equal(&pinned->sha256, &found->sha256))
		return bake_error_set(err, BAKE_ERR_CONFIG, "pin.conflict",
			"'%s' has sha256 %s, the manifest pins %s", BAKE_SHOW(found->name),
			BAKE_HEX(&found->sha256), BAKE_HEX(&pinned->sha256));
	return BAKE_OK;
}

enum bake_status bake_locking_room(struct bake_locking *locking, struct bake_lock_model *entry,
	size_t count, struct bake_error *err)
{
	entry->files = bake_arena_array(&locking->lock->arena, count, sizeof(*entry->files));
	entry->file_count = 0;
	return entry->files ? BAKE_OK : bake_error_nomem(err);
}

enum bake_status bake_locking_defer(
	struct bake_locking *locking, struct bake_unhashed unhashed, struct bake_error *err)
{
	void *list = locking->unhashed;

	if (!bake_grow(&list, &locking->unhashed_room, locking->unhashed_count + 1,
		    sizeof(*locking->unhashed)))
		return bake_error_nomem(err);
	locking->unhashed = list;
	locking->unhashed[locking->unhashed_count++] = unhashed;
	return BAKE_OK;
}

const struct bake_manifest_file *bake_locking_named(
	const struct bake_model *model, const char *name)
{
	for (size_t i = 0; i < model->file_count; i++) {
		if (strcmp(model->files[i].name, name) == 0)
			return &model->files[i];
	}
	return NULL;
}

enum bake_status bake_locking_online(
	const struct bake_locking *locking, const struct bake_model *model, struct bake_error *err)
{
	if (!locking->link->offline)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "net.offline",
		"the pins of '%s' must be asked for, and --offline or $HF_HUB_OFFLINE forbids it",
		BAKE_SHOW(model->id));
	return bake_error_hint(err, "run bake-lock where there is a network, and commit the lock");
}

enum bake_status bake_locking_load_old(
	const char *path, struct bake_lock **out, struct bake_error *err)
{
	if (strcmp(path, "-") == 0 || (access(path, F_OK) != 0 && errno == ENOENT))
		return BAKE_OK;
	if (bake_load_lock(path, out, err) == BAKE_OK)
		return BAKE_OK;
	if (err->status == BAKE_ERR_DATA && strcmp(err->id, "schema.name") != 0)
		bake_error_hint(err, "the old lock cannot be read: remove it to make a new one");
	return err->status;
}

static const char *model_id(const void *context, size_t index)
{
	return ((const struct bake_manifest *)context)->models[index].id;
}

enum bake_status bake_locking_check_names(const struct bake_manifest *manifest,
	const struct bake_lock_options *options, struct bake_error *err)
{
	for (size_t i = 0; i < options->name_count; i++) {
		const char *near;

		if (bake_manifest_find(manifest, options->names[i]))
			continue;
		bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model",
			"the manifest has no model '%s'", BAKE_SHOW(options->names[i]));
		near = bake_text_nearest(
			options->names[i], manifest->model_count, model_id, manifest);
		return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
	}
	return BAKE_OK;
}

bool bake_locking_in_scope(const struct bake_lock_options *options,
	const struct bake_manifest *manifest, const struct bake_model *model)
{
	for (size_t i = 0; i < options->name_count; i++) {
		if (bake_manifest_find(manifest, options->names[i]) == model)
			return true;
	}
	return options->name_count == 0;
}

enum bake_status bake_locking_place(const struct bake_lock_options *options,
	char out[BAKE_LOCK_PATH_MAX], struct bake_error *err)
{
	_cleanup_free_ char *beside = bake_lock_path_of(options->manifest_path);
	const char *path = options->lock_path ? options->lock_path : beside;

	if (!path)
		return bake_error_nomem(err);
	if (strlen(path) >= BAKE_LOCK_PATH_MAX)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.path", "the lock's path is too long");
	memcpy(out, path, strlen(path) + 1);
	return BAKE_OK;
}

void bake_locking_warn_pickle(
	const struct bake_locking *locking, const struct bake_pickle_file *file, const char *what)
{
	bake_emitf(locking->options->events, BAKE_EVENT_WARNING,
		"'%s' is %s: loading it can execute code, and bake-fetch takes it only with "
		"--allow-pickle %s",
		BAKE_SHOW(file->path), what, BAKE_HEX(file->sha256));
}
