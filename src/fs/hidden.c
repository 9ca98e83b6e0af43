/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/hidden.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"
#include "fs/dir.h"

/* Linux says it since 5.8, of bind mounts of the same file system, too. Before that another device
 * than the parent's must do. */
static bool is_mount_point(int fd)
{
	struct statx here;
	struct statx above;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &here) != 0)
		return false;
	if (here.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
		return here.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return statx(fd, "..", 0, STATX_BASIC_STATS, &above) == 0 &&
	       makedev(here.stx_dev_major, here.stx_dev_minor) !=
		       makedev(above.stx_dev_major, above.stx_dev_minor);
}

static bool is_mounted_at(int root, const char *path)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath relative;
	_cleanup_close_ int fd = -1;

	return bake_relpath_parse(path, &relative, &ignored) == BAKE_OK &&
	       bake_open_beneath(root, relative, O_PATH | O_DIRECTORY, &fd, &ignored) == BAKE_OK &&
	       is_mount_point(fd);
}

void bake_hidden_hint(const char *dir, const char *path, struct bake_error *err)
{
	_cleanup_close_ int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *part = path ? strdup(path) : NULL;

	if (root < 0)
		return;
	if (is_mount_point(root)) {
		bake_error_hint(err,
			"'%s' is a mount point: does a volume hide what was baked there?",
			BAKE_SHOW(dir));
		return;
	}
	for (char *slash = part ? strchr(part, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (is_mounted_at(root, part)) {
			bake_error_hint(err,
				"'%s' in '%s' is a mount point: does a volume hide what was baked "
				"there?",
				BAKE_SHOW(part), BAKE_SHOW(dir));
			return;
		}
		*slash = '/';
	}
}
