/* SPDX-License-Identifier: Apache-2.0 */
/* Pinning a model that lies beside the manifest. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"
#include "format/sniff.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/walk.h"
#include "manifest/pattern.h"
#include "netops/locking.h"

/* A pointer in the place of a file would be baked as it is: told apart here. */
static enum bake_status check_head(int fd, const char *name, struct bake_error *err)
{
	uint8_t head[BAKE_SNIFF_BYTES];
	ssize_t got = pread(fd, head, sizeof(head), 0);

	if (got <= 0 || !bake_sniff_is_lfs_pointer(bake_span(head, (size_t)got)))
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.lfs-pointer",
		"'%s' is a Git LFS pointer, not the file", BAKE_SHOW(name));
	return bake_error_hint(err, "run 'git lfs pull' where it comes from");
}

/* What the name does not say already. */
static enum bake_status warn_content(const struct bake_locking *locking, int fd,
	const struct bake_lock_file *at, struct bake_error *err)
{
	struct bake_pickle_file file = {.path = at->path, .sha256 = &at->sha256, .size = at->size};
	const char *what = NULL;

	BAKE_TRY(bake_pickle_look(&file, fd, &what, err));
	if (what && !bake_pickle_named(&file))
		bake_locking_warn_pickle(locking, &file, what);
	return BAKE_OK;
}

/* Size and digest of one file beneath dir. */
static enum bake_status pin(const struct bake_locking *locking, int dir, const char *name,
	struct bake_lock_file *file, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_hasher *hashers[] = {&hasher};
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct stat st;

	BAKE_TRY(bake_relpath_parse(name, &path, err));
	BAKE_TRY(bake_open_regular(dir, path, &fd, &st, err));
	BAKE_TRY(check_head(fd, name, err));
	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	BAKE_TRY(bake_file_hash(fd, 0, UINT64_MAX, hashers, 1, NULL, &file->size, err));
	BAKE_TRY(bake_hasher_final(&hasher, &file->sha256, err));
	return warn_content(locking, fd, file, err);
}

static enum bake_status add_file(struct bake_locking *locking, const struct bake_model *model,
	int dir, const char *name, const char *save_as, const struct bake_manifest_file *pinned,
	struct bake_lock_model *entry, struct bake_error *err)
{
	struct bake_lock_file *file = &entry->files[entry->file_count];

	*file = (struct bake_lock_file){.name = bake_arena_text(&locking->lock->arena, name)};
	if (!file->name)
		return bake_error_nomem(err);
	BAKE_TRY(bake_locking_path(locking, model, save_as, &file->path, err));
	BAKE_TRY(pin(locking, dir, name, file, err));
	BAKE_TRY(bake_locking_agree(pinned, file, err));
	entry->file_count++;
	return BAKE_OK;
}

static enum bake_status take_named(struct bake_locking *locking, const struct bake_model *model,
	int dir, struct bake_lock_model *entry, struct bake_error *err)
{
	BAKE_TRY(bake_locking_room(locking, entry, model->file_count, err));
	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_manifest_file *file = &model->files[i];

		BAKE_TRY(add_file(locking, model, dir, file->name,
			file->save_as ? file->save_as : file->name, file, entry, err));
	}
	return BAKE_OK;
}

static enum bake_status take_matching(struct bake_locking *locking, const struct bake_model *model,
	int dir, struct bake_lock_model *entry, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;

	BAKE_TRY(bake_walk_read(dir, NULL, &walk, err));
	BAKE_TRY(bake_locking_room(locking, entry, walk.count, err));
	for (size_t i = 0; i < walk.count; i++) {
		const char *path = walk.entries[i].path;

		if (S_ISDIR(walk.entries[i].mode) ||
			!bake_pattern_selects(model->include, model->include_count, model->exclude,
				model->exclude_count, path))
			continue;
		BAKE_TRY(add_file(locking, model, dir, path, path, NULL, entry, err));
	}
	if (entry->file_count)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_NOINPUT, "local.no-match",
		"no file of '%s' is included", BAKE_SHOW(model->source.location));
}

/* The source itself is the file: its name is the last part of its location. */
static enum bake_status take_single(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_model *entry, struct bake_error *err)
{
	const struct bake_manifest_file *pinned = model->file_count ? &model->files[0] : NULL;
	const char *slash = strrchr(model->source.location, '/');
	const char *name = slash ? slash + 1 : model->source.location;
	const char *save_as = pinned && pinned->save_as ? pinned->save_as : name;

	if (model->file_count > 1 || (pinned && strcmp(pinned->name, name) != 0))
		return bake_error_set(err, BAKE_ERR_DATA, "manifest.files",
			"'%s' is one file: \"files\" can only name it",
			BAKE_SHOW(model->source.location));
	BAKE_TRY(bake_locking_room(locking, entry, 1, err));
	BAKE_TRY(add_file(locking, model, locking->manifest_dir, model->source.location, save_as,
		pinned, entry, err));
	entry->files[0].name = bake_arena_text(&locking->lock->arena, name);
	return entry->files[0].name ? BAKE_OK : bake_error_nomem(err);
}

enum bake_status bake_locking_local(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_model *entry, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct stat st;

	BAKE_TRY(bake_relpath_parse(model->source.location, &path, err));
	if (bake_open_beneath(locking->manifest_dir, path, O_RDONLY | O_NONBLOCK, &fd, err) !=
		BAKE_OK)
		return bake_error_wrap(err, "source");
	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
		return take_single(locking, model, entry, err);
	return model->file_count ? take_named(locking, model, fd, entry, err)
				 : take_matching(locking, model, fd, entry, err);
}
