/* SPDX-License-Identifier: Apache-2.0 */
#include "link/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"

/* A name beside the link for the moment of an exchange. */
struct aside {
	char name[48];
};

static void name_aside(struct aside *out)
{
	static unsigned counter;

	(void)snprintf(
		out->name, sizeof(out->name), ".bake-link-%ld-%u", (long)getpid(), counter++);
}

enum bake_status bake_place_look(int dir, const char *name, struct bake_arena *arena,
	struct bake_place_seen *out, struct bake_error *err)
{
	char text[BAKE_PATH_MAX + 2];
	ssize_t len;

	*out = (struct bake_place_seen){.is = BAKE_PLACE_FREE};
	if (fstatat(dir, name, &out->stat, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return BAKE_OK;
		return bake_error_errno(err, errno, "cannot look at '%s'", BAKE_SHOW(name));
	}
	out->is = S_ISLNK(out->stat.st_mode) ? BAKE_PLACE_LINK : BAKE_PLACE_OTHER;
	if (out->is != BAKE_PLACE_LINK)
		return BAKE_OK;
	len = readlinkat(dir, name, text, sizeof(text));
	if (len < 0)
		return bake_error_errno(err, errno, "cannot read the link '%s'", BAKE_SHOW(name));
	out->text = bake_arena_copy(arena, text, (size_t)len);
	return out->text ? BAKE_OK : bake_error_nomem(err);
}

const char *bake_place_kind(mode_t mode)
{
	return S_ISREG(mode)   ? "a regular file"
	       : S_ISDIR(mode) ? "a directory"
	       : S_ISLNK(mode) ? "a link"
			       : "no regular file";
}

static enum bake_status in_the_way(const char *name, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_CANTCREATE, "link.conflict",
		"'%s' became something else meanwhile", BAKE_SHOW(name));
}

enum bake_status bake_place_make(
	int dir, const char *name, const char *text, struct bake_error *err)
{
	if (symlinkat(text, dir, name) == 0)
		return BAKE_OK;
	if (errno == EEXIST)
		return in_the_way(name, err);
	return bake_error_errno(err, errno, "cannot make the link '%s'", BAKE_SHOW(name));
}

static bool is_link(int dir, const char *name)
{
	struct stat stat;

	return fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(stat.st_mode);
}

/* Where names cannot be exchanged (overlayfs of old kernels, NFS): looked at right before. */
static enum bake_status rename_over(
	int dir, const char *from, const char *name, struct bake_error *err)
{
	if (!is_link(dir, name)) {
		best_effort(unlinkat(dir, from, 0));
		return in_the_way(name, err);
	}
	if (renameat(dir, from, dir, name) == 0)
		return BAKE_OK;
	bake_error_errno(err, errno, "cannot replace the link '%s'", BAKE_SHOW(name));
	best_effort(unlinkat(dir, from, 0));
	return err->status;
}

enum bake_status bake_place_replace(
	int dir, const char *name, const char *text, struct bake_error *err)
{
	struct aside aside;

	name_aside(&aside);
	BAKE_TRY(bake_place_make(dir, aside.name, text, err));
	if (renameat2(dir, aside.name, dir, name, RENAME_EXCHANGE) != 0)
		return rename_over(dir, aside.name, name, err);
	if (is_link(dir, aside.name)) {
		best_effort(unlinkat(dir, aside.name, 0));
		return BAKE_OK;
	}
	/* What we took was no link any more: back with it. */
	best_effort(renameat2(dir, aside.name, dir, name, RENAME_EXCHANGE));
	if (is_link(dir, aside.name))
		best_effort(unlinkat(dir, aside.name, 0));
	return in_the_way(name, err);
}

static bool has_text(int dir, const char *name, const char *text)
{
	char now[BAKE_PATH_MAX + 2];
	ssize_t len = readlinkat(dir, name, now, sizeof(now));

	return len >= 0 && (size_t)len == strlen(text) && memcmp(now, text, (size_t)len) == 0;
}

enum bake_status bake_place_remove(
	int dir, const char *name, const char *text, struct bake_error *err)
{
	struct aside aside;

	if (!has_text(dir, name, text))
		return in_the_way(name, err);
	name_aside(&aside);
	/* Taken aside first: what is removed is what was looked at. */
	if (renameat2(dir, name, dir, aside.name, RENAME_NOREPLACE) != 0)
		return bake_error_errno(err, errno, "cannot remove the link '%s'", BAKE_SHOW(name));
	if (has_text(dir, aside.name, text)) {
		best_effort(unlinkat(dir, aside.name, 0));
		return BAKE_OK;
	}
	best_effort(renameat2(dir, aside.name, dir, name, RENAME_NOREPLACE));
	return in_the_way(name, err);
}
