/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "fs/dir.h"
#include "fs/workdir.h"

/* A file of the catalog, for finding it by its path. */
struct known {
	const char *path;
	const struct bake_catalog_entry *entry;
	const struct bake_placed_file *file;
};

static int compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->path, ((const struct known *)b)->path);
}

static enum bake_status list_known(const struct bake_catalog *catalog, struct known **out,
	size_t *out_count, struct bake_error *err)
{
	size_t count = 0;
	size_t used = 0;
	struct known *list;

	for (size_t i = 0; catalog && i < catalog->entry_count; i++)
		count += catalog->entries[i].file_count;
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return bake_error_nomem(err);
	for (size_t i = 0; catalog && i < catalog->entry_count; i++) {
		const struct bake_catalog_entry *entry = &catalog->entries[i];

		for (size_t k = 0; k < entry->file_count; k++)
			list[used++] =
				(struct known){entry->files[k].path, entry, &entry->files[k]};
	}
	if (used > 1)
		qsort(list, used, sizeof(*list), compare_known);
	*out = list;
	*out_count = used;
	return BAKE_OK;
}

/* A pin tells of a file only when the size is right. */
static void recognize(struct bake_storage_file *file, const struct known *list, size_t count)
{
	const struct known wanted = {.path = file->path};
	const struct known *found = bsearch(&wanted, list, count, sizeof(*list), compare_known);

	if (!found)
		return;
	file->entry = found->entry;
	if (found->file->has_size && found->file->size == (uint64_t)file->st.st_size)
		file->sha256 = found->file->sha256;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct bake_storage_file *)a)->path,
		((const struct bake_storage_file *)b)->path);
}

static enum bake_status list_files(int root, struct bake_storage *storage, struct bake_error *err)
{
	static const char *const skip[] = {BAKE_WORKDIR_NAME, NULL};

	BAKE_TRY(bake_walk_read(root, skip, &storage->walk, err));
	storage->files = calloc(storage->walk.count + 1, sizeof(*storage->files));
	if (!storage->files)
		return bake_error_nomem(err);
	for (size_t i = 0; i < storage->walk.count; i++) {
		struct bake_storage_file *file = &storage->files[storage->file_count];

		file->path = storage->walk.entries[i].path;
		if (S_ISREG(storage->walk.entries[i].mode) &&
			fstatat(root, file->path, &file->st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(file->st.st_mode))
			storage->file_count++;
	}
	if (storage->file_count > 1)
		qsort(storage->files, storage->file_count, sizeof(*storage->files), compare_paths);
	return BAKE_OK;
}

static int compare_inodes(const void *a, const void *b)
{
	const struct bake_storage_file *left = *(const struct bake_storage_file *const *)a;
	const struct bake_storage_file *right = *(const struct bake_storage_file *const *)b;

	if (left->st.st_dev != right->st.st_dev)
		return left->st.st_dev < right->st.st_dev ? -1 : 1;
	if (left->st.st_ino != right->st.st_ino)
		return left->st.st_ino < right->st.st_ino ? -1 : 1;
	if ((left->entry == NULL) != (right->entry == NULL))
		return left->entry ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Of the paths of one file one counts: a model's, else the first. */
static enum bake_status mark_links(struct bake_storage *storage, struct bake_error *err)
{
	_cleanup_free_ struct bake_storage_file **list =
		calloc(storage->file_count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return bake_error_nomem(err);
	for (size_t i = 0; i < storage->file_count; i++) {
		if (storage->files[i].st.st_nlink > 1)
			list[count++] = &storage->files[i];
	}
	if (count > 1)
		qsort(list, count, sizeof(*list), compare_inodes);
	for (size_t i = 1; i < count; i++) {
		if (list[i]->st.st_dev != list[i - 1]->st.st_dev ||
			list[i]->st.st_ino != list[i - 1]->st.st_ino)
			continue;
		list[i]->is_link = true;
		storage->linked_bytes =
			bake_u64_add_capped(storage->linked_bytes, (uint64_t)list[i]->st.st_size);
	}
	return BAKE_OK;
}

static int compare_sums(const void *a, const void *b)
{
	const struct bake_storage_sum *left = a;
	const struct bake_storage_sum *right = b;

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	return strcmp(left->name, right->name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct bake_storage_sum *)a)->name,
		((const struct bake_storage_sum *)b)->name);
}

/* Sums of one name become one. */
static size_t fold_sums(struct bake_storage_sum *sums, size_t count)
{
	size_t kept = 0;

	if (count > 1)
		qsort(sums, count, sizeof(*sums), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && strcmp(sums[kept - 1].name, sums[i].name) == 0) {
			sums[kept - 1].bytes =
				bake_u64_add_capped(sums[kept - 1].bytes, sums[i].bytes);
			sums[kept - 1].files += sums[i].files;
			sums[kept - 1].models += sums[i].models;
		} else {
			sums[kept++] = sums[i];
		}
	}
	if (kept > 1)
		qsort(sums, kept, sizeof(*sums), compare_sums);
	return kept;
}

static enum bake_status sum_up(
	const struct bake_catalog *catalog, struct bake_storage *storage, struct bake_error *err)
{
	size_t count = catalog ? catalog->entry_count : 0;

	storage->models = calloc(count + 1, sizeof(*storage->models));
	storage->categories = calloc(count + 1, sizeof(*storage->categories));
	if (!storage->models || !storage->categories)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		storage->models[i].name = catalog->entries[i].key;
	for (size_t i = 0; i < storage->file_count; i++) {
		const struct bake_storage_file *file = &storage->files[i];
		uint64_t bytes = file->is_link ? 0 : (uint64_t)file->st.st_size;
		uint64_t *sum = file->entry ? &storage->model_bytes : &storage->other_bytes;

		*sum = bake_u64_add_capped(*sum, bytes);
		if (file->entry) {
			struct bake_storage_sum *model =
				&storage->models[file->entry - catalog->entries];

			model->bytes = bake_u64_add_capped(model->bytes, bytes);
			model->files++;
			model->models = 1;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (storage->models[i].files == 0)
			continue;
		storage->categories[storage->category_count] = storage->models[i];
		storage->categories[storage->category_count++].name =
			bake_catalog_group_title(&catalog->entries[i]);
		storage->models[storage->model_count++] = storage->models[i];
	}
	storage->model_count = fold_sums(storage->models, storage->model_count);
	storage->category_count = fold_sums(storage->categories, storage->category_count);
	return BAKE_OK;
}

enum bake_status bake_storage_read(int root, const struct bake_catalog *catalog,
	struct bake_storage *out, struct bake_error *err)
{
	_cleanup_free_ struct known *known = NULL;
	size_t known_count = 0;
	struct statvfs fs;

	if (fstatvfs(root, &fs) != 0)
		return bake_error_errno(err, errno, "the models directory's file system");
	out->total = bake_u64_mul_capped(fs.f_blocks, fs.f_frsize);
	BAKE_TRY(bake_dir_free(root, &out->free, err));
	BAKE_TRY(list_files(root, out, err));
	BAKE_TRY(list_known(catalog, &known, &known_count, err));
	for (size_t i = 0; i < out->file_count; i++)
		recognize(&out->files[i], known, known_count);
	BAKE_TRY(mark_links(out, err));
	return sum_up(catalog, out, err);
}

void bake_storage_release(struct bake_storage *storage)
{
	free(storage->files);
	free(storage->models);
	free(storage->categories);
	bake_walk_release(&storage->walk);
	*storage = (struct bake_storage)BAKE_STORAGE_INIT;
}
