/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/locking.h"

#include <inttypes.h>
#include <string.h>

#include "base/relpath.h"
#include "base/text.h"

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
	return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "net.offline",
		"'%s' has no pins yet, and --offline forbids asking for them",
		BAKE_SHOW(model->id));
}
