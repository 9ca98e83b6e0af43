/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a repository's listing: hostile until every entry has been looked at. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "hub/hub.h"
#include "json/json.h"

struct entry {
	const char *type;
	const char *path;
	bool has_size;
	uint64_t size;
	const char *oid;
	const char *lfs_oid;
	uint64_t lfs_size;
	bool has_lfs;
};

static enum bake_status read_type(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_string(value, &((struct entry *)out)->type, err);
}

static enum bake_status read_path(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_string(value, &((struct entry *)out)->path, err);
}

static enum bake_status read_size(const struct bake_json *value, void *out, struct bake_error *err)
{
	((struct entry *)out)->has_size = true;
	return bake_json_u64(value, BAKE_SIZE_MAX - 1, &((struct entry *)out)->size, err);
}

static enum bake_status read_oid(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_string(value, &((struct entry *)out)->oid, err);
}

static enum bake_status read_lfs_oid(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_string(value, &((struct entry *)out)->lfs_oid, err);
}

static enum bake_status read_lfs_size(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(value, BAKE_SIZE_MAX - 1, &((struct entry *)out)->lfs_size, err);
}

static enum bake_status read_lfs(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"oid", read_lfs_oid, true},
		{"size", read_lfs_size, true},
	};

	if (bake_json_is_null(value))
		return BAKE_OK;
	((struct entry *)out)->has_lfs = true;
	return bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, out, err);
}

/* An LFS file is named by its content's SHA-256; another one by git's SHA-1 of its blob. */
static enum bake_status take_pins(const struct bake_json *value, const struct entry *entry,
	struct bake_hub_file *file, struct bake_error *err)
{
	if (entry->has_lfs) {
		file->size = entry->lfs_size;
		if (bake_digest_parse_hex(BAKE_DIGEST_SHA256, entry->lfs_oid, &file->sha256, err) !=
			BAKE_OK)
			return bake_json_blame(value, err);
		return BAKE_OK;
	}
	if (!entry->has_size)
		return bake_json_error(value, "hub.reply", err, "the entry has no size");
	file->size = entry->size;
	if (!entry->oid || bake_digest_parse_hex(BAKE_DIGEST_GIT_SHA1, entry->oid, &file->git_sha1,
				   err) != BAKE_OK)
		return bake_json_error(value, "hub.reply", err, "the entry has no git object id");
	return BAKE_OK;
}

struct page {
	struct bake_arena *arena;
	struct bake_hub_tree *tree;
};

static enum bake_status read_entry(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"type", read_type, true},
		{"path", read_path, true},
		{"size", read_size, false},
		{"oid", read_oid, false},
		{"lfs", read_lfs, false},
	};
	struct page *page = out;
	struct bake_hub_tree *tree = page->tree;
	struct entry entry = {0};
	struct bake_hub_file file = {0};
	struct bake_relpath path;
	void *files = tree->files;

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &entry, err));
	if (strcmp(entry.type, "file") != 0)
		return BAKE_OK;
	if (bake_relpath_parse(entry.path, &path, err) != BAKE_OK)
		return bake_json_blame(value, err);
	BAKE_TRY(take_pins(value, &entry, &file, err));
	file.path = bake_arena_text(page->arena, entry.path);
	if (tree->count == BAKE_HUB_FILES_MAX)
		return bake_json_error(
			value, "hub.reply", err, "more than %d files", BAKE_HUB_FILES_MAX);
	if (!file.path || !bake_grow(&files, &tree->room, tree->count + 1, sizeof(*tree->files)))
		return bake_error_nomem(err);
	tree->files = files;
	tree->files[tree->count++] = file;
	return BAKE_OK;
}

enum bake_status bake_hub_parse_page(struct bake_span text, const char *name,
	struct bake_arena *arena, struct bake_hub_tree *tree, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct page page = {.arena = arena, .tree = tree};
	struct bake_json root;

	BAKE_TRY(bake_json_open(text, name, &doc, err));
	root = bake_json_root(doc);
	return bake_json_each_element(&root, read_entry, &page, err);
}

static int compare_path(const void *a, const void *b)
{
	return strcmp(
		((const struct bake_hub_file *)a)->path, ((const struct bake_hub_file *)b)->path);
}

enum bake_status bake_hub_tree_finish(struct bake_hub_tree *tree, struct bake_error *err)
{
	if (tree->count)
		qsort(tree->files, tree->count, sizeof(*tree->files), compare_path);
	for (size_t i = 1; i < tree->count; i++) {
		if (strcmp(tree->files[i - 1].path, tree->files[i].path) == 0)
			return bake_error_set(err, BAKE_ERR_PROTOCOL, "hub.reply",
				"the listing has '%s' twice", BAKE_SHOW(tree->files[i].path));
	}
	return BAKE_OK;
}

const struct bake_hub_file *bake_hub_tree_find(const struct bake_hub_tree *tree, const char *path)
{
	struct bake_hub_file key = {.path = path};

	return tree->count
		       ? bsearch(&key, tree->files, tree->count, sizeof(*tree->files), compare_path)
		       : NULL;
}

void bake_hub_tree_release(struct bake_hub_tree *tree)
{
	free(tree->files);
	*tree = (struct bake_hub_tree)BAKE_HUB_TREE_INIT;
}
