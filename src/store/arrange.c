/* SPDX-License-Identifier: Apache-2.0 */
#include "store/arrange.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/place.h"

enum {
	TEXT_BYTES_MAX = 64 * 1024 * 1024 + 4096
};

enum bake_status bake_arrange_text(int root, const struct bake_layout_entry *entry,
	struct bake_buf *out, bool *out_known, struct bake_error *err)
{
	struct bake_error why = BAKE_ERROR_INIT;
	_cleanup_close_ int fd = -1;
	struct stat st;

	*out_known = true;
	bake_buf_text(out, entry->text);
	if (entry->kind == BAKE_LAYOUT_TIMED) {
		*out_known = bake_open_regular(root, entry->of, &fd, &st, &why) == BAKE_OK;
		if (*out_known) /* as Python writes a float */
			bake_buf_addf(out, "%" PRIi64 ".0\n", (int64_t)st.st_mtim.tv_sec);
	}
	return bake_buf_status(out, "text", err);
}

/* The directory of the entry, beneath root and through no link. */
static enum bake_status open_dir_of(
	int root, struct bake_relpath path, int *out_fd, struct bake_error *err)
{
	char dir[BAKE_PATH_MAX + 1];
	size_t len = bake_relpath_dir_len(path);
	int flags = O_RDONLY | O_DIRECTORY;

	if (len == 0) {
		*out_fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
		return *out_fd < 0 ? bake_error_errno(err, errno, "directory") : BAKE_OK;
	}
	memcpy(dir, path.text, len);
	dir[len] = '\0';
	return bake_open_beneath(root, (struct bake_relpath){dir, len}, flags, out_fd, err);
}

static enum bake_arrange_state blocked(
	const struct bake_layout_entry *entry, const char *target, struct bake_error *why)
{
	if (target)
		bake_error_set(why, BAKE_ERR_CANTCREATE, "path.symlink",
			"'%s' links to '%s' and not to '%s'; it is not replaced",
			BAKE_SHOW(entry->path.text), BAKE_SHOW(target), BAKE_SHOW(entry->text));
	else
		bake_error_set(why, BAKE_ERR_CANTCREATE, "path.type",
			"'%s' is in the way of a link and is not replaced",
			BAKE_SHOW(entry->path.text));
	bake_error_hint(why, "when nobody needs it, remove it");
	return BAKE_ARRANGE_BLOCKED;
}

static enum bake_arrange_state look_at_link(
	int dir, const struct bake_layout_entry *entry, struct bake_error *why)
{
	const char *name = bake_relpath_name(entry->path);
	char target[BAKE_PATH_MAX + 2];
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);

	if (len < 0 && errno == ENOENT)
		return BAKE_ARRANGE_ABSENT;
	if (len < 0)
		return blocked(entry, NULL, why);
	target[len] = '\0';
	return strcmp(target, entry->text) == 0 ? BAKE_ARRANGE_RIGHT : blocked(entry, target, why);
}

/* Whether fd holds exactly these bytes. */
static enum bake_status same_bytes(
	int fd, const struct stat *st, struct bake_span want, bool *out, struct bake_error *err)
{
	uint8_t piece[4096];
	size_t at = 0;

	*out = st->st_size == (off_t)want.len;
	while (*out && at < want.len) {
		ssize_t got = pread(fd, piece, sizeof(piece), (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read");
		*out = got > 0 && (size_t)got <= want.len - at &&
		       memcmp(piece, want.ptr + at, (size_t)got) == 0;
		at += (size_t)got;
	}
	return BAKE_OK;
}

static enum bake_status look_at_text(int root, const struct bake_layout_entry *entry,
	enum bake_arrange_state *out, struct bake_error *why, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TEXT_BYTES_MAX);
	_cleanup_close_ int fd = -1;
	struct stat st;
	bool known;
	bool same;

	if (bake_open_regular(root, entry->path, &fd, &st, why) != BAKE_OK) {
		*out = why->status == BAKE_ERR_NOINPUT ? BAKE_ARRANGE_ABSENT : BAKE_ARRANGE_BLOCKED;
		return BAKE_OK;
	}
	BAKE_TRY(bake_arrange_text(root, entry, &text, &known, err));
	BAKE_TRY(same_bytes(fd, &st, bake_buf_span(&text), &same, err));
	*out = same && known ? BAKE_ARRANGE_RIGHT : BAKE_ARRANGE_STALE;
	return BAKE_OK;
}

enum bake_status bake_arrange_look(int root, const struct bake_layout_entry *entry,
	enum bake_arrange_state *out, struct bake_error *why, struct bake_error *err)
{
	_cleanup_close_ int dir = -1;

	*why = BAKE_ERROR_INIT;
	if (entry->kind != BAKE_LAYOUT_LINK)
		return look_at_text(root, entry, out, why, err);
	if (open_dir_of(root, entry->path, &dir, why) == BAKE_OK)
		*out = look_at_link(dir, entry, why);
	else
		*out = why->status == BAKE_ERR_NOINPUT ? BAKE_ARRANGE_ABSENT : BAKE_ARRANGE_BLOCKED;
	return BAKE_OK;
}

static enum bake_status put(const struct bake_workdir *workdir,
	const struct bake_layout_entry *entry, int64_t mtime, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TEXT_BYTES_MAX);
	bool known;

	if (entry->kind == BAKE_LAYOUT_LINK)
		return bake_place_link(workdir, entry->path, entry->text, mtime, err);
	BAKE_TRY(bake_arrange_text(workdir->root, entry, &text, &known, err));
	if (!known)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.changed",
			"'%s' went away", BAKE_SHOW(entry->of.text));
	return bake_place_file(workdir, entry->path, bake_buf_span(&text), mtime, err);
}

static enum bake_status apply_one(const struct bake_workdir *workdir,
	const struct bake_layout_entry *entry, int64_t mtime, bool *out_changed,
	struct bake_error *err)
{
	struct bake_error why = BAKE_ERROR_INIT;
	enum bake_arrange_state state;

	BAKE_TRY(bake_stop_check(err));
	BAKE_TRY(bake_arrange_look(workdir->root, entry, &state, &why, err));
	if (state == BAKE_ARRANGE_RIGHT)
		return BAKE_OK;
	if (state == BAKE_ARRANGE_BLOCKED) {
		*err = why;
		return err->status;
	}
	BAKE_TRY(put(workdir, entry, mtime, err));
	*out_changed = true;
	return BAKE_OK;
}

enum bake_status bake_arrange_apply(const struct bake_workdir *workdir,
	const struct bake_layout_plan *plan, int64_t mtime, bool *out_changed,
	struct bake_error *err)
{
	for (unsigned turn = 0; turn < BAKE_LAYOUT_TURNS; turn++) {
		for (size_t i = 0; i < plan->count; i++) {
			if (plan->entries[i].turn == turn)
				BAKE_TRY(apply_one(
					workdir, &plan->entries[i], mtime, out_changed, err));
		}
	}
	return BAKE_OK;
}
