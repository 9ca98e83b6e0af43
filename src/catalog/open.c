/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/open.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/pages.h"
#include "base/parallel.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"

#define MANIFEST_END ".json"
#define LOCK_END     ".lock.json"
#define UNKNOWN	     ((off_t)-1)

/* A document that is read, beside others. */
struct reading {
	const char *path;
	const char *lock_path; /* NULL: none beside it */
	bool found;	       /* in a directory: it may be something else */
	off_t size;	       /* of the file; UNKNOWN before it was read */
	bool alike;	       /* it may have the bytes of another one */
	struct bake_manifest *manifest;
	struct bake_lock *lock;
	struct bake_error error;
	struct bake_error lock_error;
};

struct list {
	char **items;
	size_t count;
	size_t room;
};

static enum bake_status add_path(struct list *list, char *path, struct bake_error *err)
{
	if (!path)
		return bake_error_nomem(err);
	if (!bake_grow((void **)&list->items, &list->room, list->count + 1, sizeof(char *))) {
		free(path);
		return bake_error_nomem(err);
	}
	list->items[list->count++] = path;
	return BAKE_OK;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int is_manifest_name(const struct dirent *entry)
{
	return bake_text_ends(entry->d_name, MANIFEST_END) &&
	       !bake_text_ends(entry->d_name, LOCK_END) && entry->d_name[0] != '.';
}

static enum bake_status add_directory(
	struct list *list, const char *directory, struct bake_error *err)
{
	size_t first = list->count;
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	enum bake_status status = BAKE_OK;

	if (!dir)
		return bake_error_errno(err, errno, "cannot read '%s'", BAKE_SHOW(directory));
	while (status == BAKE_OK && (entry = readdir(dir)) != NULL) {
		char *path = NULL;

		if (!is_manifest_name(entry))
			continue;
		if (list->count == BAKE_CATALOG_DOCUMENTS_MAX)
			status = bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
				"'%s' has more than %d manifests", BAKE_SHOW(directory),
				BAKE_CATALOG_DOCUMENTS_MAX);
		else
			status = add_path(list,
				asprintf(&path, "%s/%s", directory, entry->d_name) < 0 ? NULL
										       : path,
				err);
	}
	(void)closedir(dir);
	if (list->count > first)
		qsort(list->items + first, list->count - first, sizeof(char *), compare_paths);
	return status;
}

static bool is_directory(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* named receives how many of the list somebody named one by one; those are the first. */
static enum bake_status add_place(
	struct list *named, struct list *found, const char *path, struct bake_error *err)
{
	if (is_directory(path))
		return add_directory(found, path, err);
	if (named->count == BAKE_CATALOG_DOCUMENTS_MAX)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"more than %d manifests", BAKE_CATALOG_DOCUMENTS_MAX);
	return add_path(named, strdup(path), err);
}

static enum bake_status find_places(const struct bake_catalog_where *where, struct list *named,
	struct list *found, struct bake_error *err)
{
	const char *usual = getenv("BAKE_MANIFESTS");

	for (size_t i = 0; i < where->manifest_count; i++)
		BAKE_TRY(add_place(named, found, where->manifests[i], err));
	if (where->manifest_count > 0)
		return BAKE_OK;
	if (usual && usual[0])
		return add_place(named, found, usual, err);
	return is_directory("manifests") ? add_directory(found, "manifests", err) : BAKE_OK;
}

/* The lock beside a manifest. One that is not right only says less. */
static void read_lock(struct reading *reading)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);
	struct bake_error *err = &reading->lock_error;

	if (!reading->lock_path || bake_file_read(reading->lock_path, &text, err) != BAKE_OK ||
		bake_lock_parse(bake_buf_span(&text), reading->lock_path, &reading->lock, err) !=
			BAKE_OK)
		return;
}

static bool looks_like_manifest(const struct bake_buf *text)
{
	static const char mark[] = "bake.manifest/";

	return text->len > 0 && memmem(text->ptr, text->len, mark, sizeof(mark) - 1) != NULL;
}

static void read_one(void *context, size_t index)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_MANIFEST_BYTES_MAX);
	struct reading *reading = &((struct reading *)context)[index];
	struct bake_error *err = &reading->error;

	if (bake_file_read(reading->path, &text, err) != BAKE_OK) {
		bake_error_wrap(err, "manifest");
		return;
	}
	if (reading->found && !looks_like_manifest(&text))
		return;
	if ((reading->alike ? bake_manifest_parse : bake_manifest_read)(
		    bake_buf_span(&text), reading->path, &reading->manifest, err) == BAKE_OK)
		read_lock(reading);
}

static char *lock_path_of(const char *manifest)
{
	char *path = NULL;

	if (!bake_text_ends(manifest, MANIFEST_END))
		return NULL;
	if (asprintf(&path, "%.*s" LOCK_END, (int)(strlen(manifest) - strlen(MANIFEST_END)),
		    manifest) < 0)
		return NULL;
	return path;
}

/* A document that is not there is no warning; one that is wrong is. */
static void warn(struct bake_catalog_opened *opened, const struct bake_error *error)
{
	if (error->status != BAKE_OK && error->status != BAKE_ERR_NOINPUT &&
		opened->warning.status == BAKE_OK)
		opened->warning = *error;
}

static enum bake_status keep_readings(struct bake_catalog_opened *opened, struct reading *readings,
	size_t count, struct bake_error *err)
{
	const struct bake_error *failed = NULL;

	/* What was read is kept in any case: closing frees it. */
	for (size_t i = 0; i < count; i++) {
		opened->manifests[i] = readings[i].manifest;
		opened->locks[i] = readings[i].lock;
		if (readings[i].error.status != BAKE_OK && !failed)
			failed = &readings[i].error;
		warn(opened, &readings[i].lock_error);
	}
	opened->count = count;
	if (!failed)
		return BAKE_OK;
	*err = *failed;
	return err->status;
}

static off_t size_of(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISREG(found.st_mode) ? found.st_size : UNKNOWN;
}

/* Only files of one size can have the same bytes: others need no digest. */
static void find_alike(struct reading *readings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		readings[i].size = size_of(readings[i].path);
		for (size_t k = 0; k < i; k++) {
			bool alike = readings[i].size == readings[k].size ||
				     readings[i].size == UNKNOWN || readings[k].size == UNKNOWN;

			readings[i].alike = readings[i].alike || alike;
			readings[k].alike = readings[k].alike || alike;
		}
	}
}

static enum bake_status read_all(struct bake_catalog_opened *opened,
	const struct bake_catalog_where *where, size_t named, struct bake_error *err)
{
	size_t count = opened->path_count / 2;
	_cleanup_free_ struct reading *readings = calloc(count + 1, sizeof(*readings));

	opened->manifests = calloc(count + where->lock_count + 1, sizeof(struct bake_manifest *));
	opened->locks = calloc(count + where->lock_count + 1, sizeof(struct bake_lock *));
	if (!readings || !opened->manifests || !opened->locks)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		readings[i] = (struct reading){.path = opened->paths[i],
			.found = i >= named,
			.lock_path = where->lock_count ? NULL : opened->paths[count + i]};
	find_alike(readings, count);
	bake_parallel(count, 0, read_one, readings);
	return keep_readings(opened, readings, count, err);
}

/* Locks that were named: they must be right. */
static enum bake_status read_locks(struct bake_catalog_opened *opened,
	const struct bake_catalog_where *where, struct bake_error *err)
{
	for (size_t i = 0; i < where->lock_count; i++) {
		_cleanup_(bake_buf_release) struct bake_buf text =
			BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);

		if (bake_file_read(where->locks[i], &text, err) != BAKE_OK)
			return bake_error_wrap(err, "lock");
		BAKE_TRY(bake_lock_parse(
			bake_buf_span(&text), where->locks[i], &opened->locks[opened->count], err));
		opened->count++;
	}
	return BAKE_OK;
}

static enum bake_status read_index(struct bake_catalog_opened *opened,
	const struct bake_catalog_where *where, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	_cleanup_free_ char *beside = NULL;
	struct bake_error why = BAKE_ERROR_INIT;
	const char *path = where->index_path;

	if (!path && asprintf(&beside, "%s/" BAKE_INDEX_NAME, where->models_dir) < 0)
		return bake_error_nomem(err);
	path = path ? path : beside;
	if (bake_file_read(path, &text, &why) == BAKE_OK &&
		bake_index_parse(bake_buf_span(&text), path, &opened->index, &why) == BAKE_OK)
		return BAKE_OK;
	if (!where->index_path) {
		warn(opened, &why);
		return BAKE_OK;
	}
	*err = why;
	return bake_error_wrap(err, "index");
}

/* The lock of that name among those that were named. */
static size_t named_lock(const struct bake_catalog_opened *opened, size_t first, const char *name)
{
	for (size_t i = first; i < opened->count; i++) {
		if (opened->locks[i] && bake_text_equal(opened->locks[i]->name, name))
			return i;
	}
	return opened->count;
}

/* One that is found in two places, or is there under two names, counts once. */
static bool seen_before(const struct bake_catalog_opened *opened, size_t at)
{
	const struct bake_digest *digest = &opened->manifests[at]->sha256;

	for (size_t i = 0; i < at && digest->kind != BAKE_DIGEST_NONE; i++) {
		if (opened->manifests[i] &&
			bake_digest_equal(&opened->manifests[i]->sha256, digest))
			return true;
	}
	return false;
}

static void make_source(const struct bake_catalog_opened *opened,
	const struct bake_catalog_where *where, size_t at, struct bake_catalog_source *out)
{
	size_t count = opened->path_count / 2;
	const struct bake_manifest *manifest = opened->manifests[at];
	size_t named = named_lock(opened, count, manifest->name);

	*out = (struct bake_catalog_source){.manifest = manifest,
		.name = manifest->name,
		.manifest_path = opened->paths[at],
		.lock = opened->locks[at],
		.lock_path = opened->locks[at] ? opened->paths[count + at] : NULL};
	if (named < opened->count) {
		out->lock = opened->locks[named];
		out->lock_path = where->locks[named - count];
	}
	if (opened->index && bake_text_equal(opened->index->manifest_name, manifest->name))
		out->index = opened->index;
}

static enum bake_status build(struct bake_catalog_opened *opened,
	const struct bake_catalog_where *where, struct bake_error *err)
{
	size_t count = opened->path_count / 2;
	_cleanup_free_ struct bake_catalog_source *sources = calloc(count + 1, sizeof(*sources));
	bool indexed = false;
	size_t used = 0;

	if (!sources)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		if (!opened->manifests[i] || seen_before(opened, i))
			continue;
		make_source(opened, where, i, &sources[used]);
		indexed = indexed || sources[used].index;
		used++;
	}
	if (opened->index && !indexed)
		sources[used++] = (struct bake_catalog_source){.index = opened->index,
			.name = opened->index->manifest_name ? opened->index->manifest_name
							     : "index"};
	if (used == 0) {
		bake_error_set(err, BAKE_ERR_NOINPUT, "catalog.nothing",
			"there is no manifest, and no index in '%s'", BAKE_SHOW(where->models_dir));
		return bake_error_hint(err, "-m FILE names a manifest; otherwise $BAKE_MANIFESTS "
					    "and ./manifests/*.json "
					    "are read");
	}
	return bake_catalog_build(sources, used, &opened->catalog, err);
}

/* paths: the manifests, those that were named first, and then the lock beside each. */
static enum bake_status gather(const struct bake_catalog_where *where,
	struct bake_catalog_opened *out, size_t *out_named, struct bake_error *err)
{
	struct list found = {.items = NULL};
	struct list all = {.items = NULL};
	enum bake_status status = find_places(where, &all, &found, err);

	*out_named = all.count;
	for (size_t i = 0; i < found.count; i++) {
		if (status == BAKE_OK)
			status = add_path(&all, found.items[i], err);
		else
			free(found.items[i]);
	}
	free(found.items);
	for (size_t i = 0, count = all.count; i < count && status == BAKE_OK; i++) {
		char *path = lock_path_of(all.items[i]);

		status = add_path(&all, path ? path : strdup(""), err);
	}
	out->paths = all.items;
	out->path_count = all.count;
	return status;
}

static enum bake_status open_all(const struct bake_catalog_where *where,
	struct bake_catalog_opened *out, struct bake_error *err)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	size_t named;

	BAKE_TRY(gather(where, out, &named, err));
	BAKE_TRY(read_all(out, where, named, err));
	BAKE_TRY(read_locks(out, where, err));
	BAKE_TRY(read_index(out, where, err));
	if (bake_dir_open(where->models_dir, &out->root, &ignored) != BAKE_OK)
		out->root = -1;
	return build(out, where, err);
}

enum bake_status bake_catalog_open(const struct bake_catalog_where *where,
	struct bake_catalog_opened *out, struct bake_error *err)
{
	enum bake_status status;

	bake_pages_keep(); /* what one document was parsed in is had again for the next */
	status = open_all(where, out, err);
	bake_pages_keep_no_more();
	return status;
}

void bake_catalog_close(struct bake_catalog_opened *opened)
{
	bake_catalog_free(&opened->catalog);
	for (size_t i = 0; i < opened->count; i++) {
		bake_manifest_free(&opened->manifests[i]);
		bake_lock_free(&opened->locks[i]);
	}
	for (size_t i = 0; i < opened->path_count; i++)
		free(opened->paths[i]);
	bake_index_free(&opened->index);
	cleanup_close(&opened->root);
	free(opened->manifests);
	free(opened->locks);
	free(opened->paths);
	*opened = (struct bake_catalog_opened)BAKE_CATALOG_OPENED_INIT;
}
