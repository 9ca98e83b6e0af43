/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogcli/space.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "fs/dir.h"
#include "fs/walk.h"

/* Of the nearest directory above that is there. */
static enum bake_status free_above(const char *path, uint64_t *out, struct bake_error *err)
{
	_cleanup_free_ char *above = strdup(path);
	_cleanup_close_ int fd = -1;
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (!above)
		return bake_error_nomem(err);
	while (above[0] && bake_dir_open(above, &fd, &ignored) != BAKE_OK) {
		char *slash = strrchr(above, '/');

		if (!slash)
			break;
		slash[slash == above ? 1 : 0] = '\0';
		if (strcmp(above, "/") == 0)
			break;
	}
	if (fd < 0)
		BAKE_TRY(bake_dir_open(path[0] == '/' ? "/" : ".", &fd, err));
	return bake_dir_free(fd, out, err);
}

static enum bake_status measure_used(int root, uint64_t *out, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;

	BAKE_TRY(bake_walk_read(root, NULL, &walk, err));
	for (size_t i = 0; i < walk.count; i++) {
		if (S_ISREG(walk.entries[i].mode))
			*out = bake_u64_add_capped(*out, walk.entries[i].size);
	}
	return BAKE_OK;
}

enum bake_status catalogcli_measure_space(const char *models_dir, int root, uint64_t disk,
	uint64_t quota, struct catalogcli_space *out, struct bake_error *err)
{
	*out = (struct catalogcli_space){.free = disk, .quota = quota};
	if (disk == UINT64_MAX && root >= 0)
		BAKE_TRY(bake_dir_free(root, &out->free, err));
	else if (disk == UINT64_MAX)
		BAKE_TRY(free_above(models_dir, &out->free, err));
	out->available = out->free;
	if (quota == 0)
		return BAKE_OK;
	if (root >= 0)
		BAKE_TRY(measure_used(root, &out->used, err));
	out->available = bake_u64_min(out->free, quota > out->used ? quota - out->used : 0);
	return BAKE_OK;
}
