/* SPDX-License-Identifier: Apache-2.0 */
/* What of the catalog is here. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "catalog/catalog.h"
#include "fs/dir.h"

/* Whether a regular file is there, and its size. Most are not: one call says so. */
static bool look(int root, const char *path, struct stat *out)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath relative;
	_cleanup_close_ int fd = -1;

	if (fstatat(root, path, out, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(out->st_mode))
		return false;
	return bake_relpath_parse_model(path, &relative, &ignored) == BAKE_OK &&
	       bake_open_beneath(root, relative, O_PATH, &fd, &ignored) == BAKE_OK &&
	       fstat(fd, out) == 0 && S_ISREG(out->st_mode);
}

void bake_catalog_locate(struct bake_catalog_entry *entry, int root)
{
	size_t there = 0;
	size_t right = 0;
	struct stat found;

	entry->local_bytes = 0;
	entry->state = BAKE_CATALOG_ABSENT;
	if (root < 0)
		return;
	if (entry->file_count == 0) {
		entry->state = BAKE_CATALOG_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < entry->file_count; i++) {
		const struct bake_placed_file *file = &entry->files[i];

		if (!look(root, file->path, &found))
			continue;
		there++;
		if (!file->has_size || (uint64_t)found.st_size == file->size)
			right++;
		entry->local_bytes =
			bake_u64_add_capped(entry->local_bytes, (uint64_t)found.st_size);
	}
	if (right == entry->file_count)
		entry->state = BAKE_CATALOG_INSTALLED;
	else if (there > 0)
		entry->state = BAKE_CATALOG_PARTIAL;
}

void bake_catalog_locate_all(struct bake_catalog *catalog, int root)
{
	for (size_t i = 0; i < catalog->entry_count; i++)
		bake_catalog_locate(&catalog->entries[i], root);
}
