/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of models that are there: what is measured is a fact. */
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"
#include "catalog/importing.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/walk.h"
#include "fs/workdir.h"
#include "index/index.h"
#include "manifest/fields.h"

struct listing {
	struct bake_import *import;
	const struct bake_walk *walk;
	const char *prefix;
	int root;
};

static enum bake_status measure(const struct listing *listing, const char *from,
	struct bake_manifest_file *file, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_hasher *const hashers[] = {&hasher};
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct stat st;

	BAKE_TRY(bake_relpath_parse_model(from, &path, err));
	BAKE_TRY(bake_open_regular(listing->root, path, &fd, &st, err));
	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	BAKE_TRY(bake_file_hash(
		fd, 0, (uint64_t)st.st_size, hashers, countof(hashers), NULL, &file->size, err));
	file->has_size = true;
	return bake_hasher_final(&hasher, &file->sha256, err);
}

/* The files of entries[first..end), whose paths begin with skip bytes that the source has. */
static enum bake_status add_files(const struct listing *listing, size_t first, size_t end,
	size_t skip, struct bake_import_item *item, struct bake_error *err)
{
	struct bake_arena *arena = &listing->import->arena;

	item->files = bake_arena_array(arena, end - first, sizeof(*item->files));
	if (!item->files)
		return bake_error_nomem(err);
	for (size_t i = first; i < end; i++) {
		const struct bake_walk_entry *entry = &listing->walk->entries[i];
		struct bake_manifest_file *file = &item->files[item->file_count];

		if (S_ISDIR(entry->mode))
			continue;
		if (!S_ISREG(entry->mode)) {
			BAKE_TRY(bake_import_warn(listing->import, item->label, "import.file", err,
				"'%s' is no regular file: left out", BAKE_SHOW(entry->path)));
			continue;
		}
		BAKE_TRY(measure(listing, entry->path, file, err));
		file->name = bake_arena_text(arena, entry->path + skip);
		if (!file->name)
			return bake_error_nomem(err);
		item->file_count++;
	}
	return BAKE_OK;
}

/* entries[first], which is at the top, and what is in it. */
static enum bake_status add_model(
	const struct listing *listing, size_t first, size_t end, struct bake_error *err)
{
	const struct bake_walk_entry *top = &listing->walk->entries[first];
	struct bake_arena *arena = &listing->import->arena;
	struct bake_import_item item = {.required = true, .label = top->path};
	bool dir = S_ISDIR(top->mode);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath path;

	item.label = bake_arena_text(arena, top->path);
	item.source.kind = BAKE_SOURCE_FILE;
	item.source.location = bake_arena_join(arena, listing->prefix, top->path);
	if (!item.label || !item.source.location)
		return bake_error_nomem(err);
	if (bake_relpath_parse_model(top->path, &path, &ignored) != BAKE_OK)
		return bake_import_warn(
			listing->import, item.label, "import.path", err, "left out: not a name");
	BAKE_TRY(add_files(listing, first, end, dir ? strlen(top->path) + 1 : 0, &item, err));
	if (item.file_count == 0)
		return bake_import_warn(listing->import, item.label, "import.file", err,
			"left out: it has no files");
	if (dir)
		item.path = item.label;
	return bake_import_add(listing->import, &item, err);
}

enum bake_status bake_import_directory(struct bake_import *import, int root, const char *prefix,
	const char *name, struct bake_error *err)
{
	static const char *const skip[] = {
		BAKE_WORKDIR_NAME, BAKE_INDEX_NAME, BAKE_INDEX_RUNTIME_NAME, NULL};
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	struct listing listing = {import, &walk, prefix, root};
	size_t end;

	import->document = bake_arena_text(&import->arena, name);
	if (!import->document)
		return bake_error_nomem(err);
	BAKE_TRY(bake_walk_read(root, skip, &walk, err));
	for (size_t first = 0; first < walk.count; first = end) {
		for (end = first + 1; end < walk.count && walk.entries[end].depth > 0;)
			end++;
		BAKE_TRY(add_model(&listing, first, end, err));
	}
	return BAKE_OK;
}
