/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"

const char *bake_prune_kind_name(enum bake_prune_kind kind)
{
	static const char *const names[] = {"leftover", "temporary", "duplicate"};

	return names[kind];
}

const char *bake_prune_state_name(enum bake_prune_state state)
{
	static const char *const names[] = {"planned", "done", "skipped"};

	return names[state];
}

static struct bake_prune_item *add(
	struct bake_prune *prune, enum bake_prune_kind kind, const char *path, uint64_t bytes)
{
	void *items = prune->items;
	struct bake_prune_item *item;

	if (!bake_grow(&items, &prune->room, prune->count + 1, sizeof(*prune->items)))
		return NULL;
	prune->items = items;
	item = &prune->items[prune->count++];
	*item = (struct bake_prune_item){.kind = kind, .path = path, .bytes = bytes};
	prune->bytes = bake_u64_add_capped(prune->bytes, bytes);
	return item;
}

/* Whether somebody holds the file's lock. Ours is given back at once. */
static bool is_locked(int dir, const char *name)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static long owner_of(int dir)
{
	_cleanup_close_ int fd =
		openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[32] = {0};
	long owner = 0;

	if (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0)
		(void)sscanf(text, "%ld", &owner);
	return owner;
}

static void close_list(DIR **list)
{
	if (*list)
		(void)closedir(*list);
}

/* Bytes of what is in .bake; whether any of it belongs to a process that is alive. In a directory
 * that several share, each part has a lock of its own. */
static enum bake_status look_into(
	int dir, struct bake_prune *prune, uint64_t *out_bytes, struct bake_error *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_list) DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	struct stat st;

	if (!list) {
		cleanup_close(&copy);
		return bake_error_errno(err, errno, "list '%s'", BAKE_WORKDIR_NAME);
	}
	while ((entry = readdir(list))) {
		if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
			!S_ISREG(st.st_mode))
			continue;
		*out_bytes = bake_u64_add_capped(*out_bytes, (uint64_t)st.st_blocks * 512);
		if (is_locked(dir, entry->d_name)) {
			prune->live = true;
			prune->owner = owner_of(dir);
		}
	}
	return BAKE_OK;
}

static enum bake_status plan_workdir(int root, struct bake_prune *prune, struct bake_error *err)
{
	_cleanup_close_ int dir =
		openat(root, BAKE_WORKDIR_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t bytes = 0;

	if (dir < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return BAKE_OK;
	if (dir < 0)
		return bake_error_errno(err, errno, "open '%s'", BAKE_WORKDIR_NAME);
	prune->has_workdir = true;
	BAKE_TRY(look_into(dir, prune, &bytes, err));
	if (!prune->live && !add(prune, BAKE_PRUNE_WORKDIR, BAKE_WORKDIR_NAME, bytes))
		return bake_error_nomem(err);
	return BAKE_OK;
}

/* As fs/temporary.h names them. */
static bool is_temporary(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strlen(name) == strlen(".bake-0123456789abcdef.tmp") &&
	       bake_text_starts(name, ".bake-") && bake_text_ends(name, ".tmp") &&
	       strspn(name + 6, "0123456789abcdef") == 16;
}

enum bake_status bake_prune_plan(int root, const struct bake_storage *storage,
	struct bake_prune *out, struct bake_error *err)
{
	BAKE_TRY(plan_workdir(root, out, err));
	for (size_t i = 0; i < storage->file_count; i++) {
		const struct bake_storage_file *file = &storage->files[i];

		if (is_temporary(file->path) && !is_locked(root, file->path) &&
			!add(out, BAKE_PRUNE_TEMPORARY, file->path,
				(uint64_t)file->st.st_blocks * 512))
			return bake_error_nomem(err);
	}
	for (size_t i = 0; i < storage->file_count; i++) {
		const struct bake_storage_file *file = &storage->files[i];
		struct bake_prune_item *item;

		if (!file->twin_of || file->shared)
			continue;
		/* Who has a twin linked elsewhere keeps its blocks. */
		item = add(out, BAKE_PRUNE_TWIN, file->path,
			file->st.st_nlink > 1 ? 0 : (uint64_t)file->st.st_size);
		if (!item)
			return bake_error_nomem(err);
		item->keep = file->twin_of;
		item->twin = file;
	}
	return BAKE_OK;
}

static enum bake_status remove_temporary(
	int root, const struct bake_prune_item *item, struct bake_error *err)
{
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct timespec times[2];
	struct stat before;
	struct stat st;

	BAKE_TRY(bake_relpath_parse(item->path, &path, err));
	BAKE_TRY(bake_open_regular(root, path, &fd, &st, err));
	BAKE_TRY(bake_open_parent(root, path, &dir, err));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return bake_error_set(err, BAKE_ERR_TEMPORARY, "lock.held",
			"somebody is writing '%s'", BAKE_SHOW(item->path));
	if (fstat(dir, &before) != 0 || unlinkat(dir, bake_relpath_name(path), 0) != 0)
		return bake_error_errno(err, errno, "remove '%s'", BAKE_SHOW(item->path));
	times[0] = before.st_atim;
	times[1] = before.st_mtim;
	best_effort(futimens(dir, times));
	return BAKE_OK;
}

static enum bake_status share_twin(const struct bake_workdir *workdir,
	enum bake_share_method method, struct bake_prune_item *item, struct bake_error *err)
{
	struct bake_share_file keep = {.st = item->keep->st};
	struct bake_share_file twin = {.st = item->twin->st};

	BAKE_TRY(bake_relpath_parse(item->keep->path, &keep.path, err));
	BAKE_TRY(bake_relpath_parse(item->twin->path, &twin.path, err));
	return bake_share(workdir, &keep, &twin, method, &item->done, err);
}

/* Whether going on is useless. */
static bool is_end(enum bake_status status)
{
	return status == BAKE_ERR_INTERRUPTED || status == BAKE_ERR_RESOURCES;
}

static enum bake_status run_items(const struct bake_workdir *workdir, struct bake_prune *prune,
	const struct bake_prune_options *options, struct bake_error *err)
{
	for (size_t i = 0; i < prune->count; i++) {
		struct bake_prune_item *item = &prune->items[i];
		enum bake_status status = BAKE_OK;

		if (item->kind == BAKE_PRUNE_WORKDIR)
			continue; /* it is still in use: by this */
		if (!(item->kind == BAKE_PRUNE_TWIN ? options->twins : options->leftovers))
			continue;
		BAKE_TRY(bake_stop_check(err));
		item->error = BAKE_ERROR_INIT;
		status = item->kind == BAKE_PRUNE_TWIN
				 ? share_twin(workdir, options->method, item, &item->error)
				 : remove_temporary(workdir->root, item, &item->error);
		item->state = status == BAKE_OK ? BAKE_PRUNE_DONE : BAKE_PRUNE_SKIPPED;
		if (is_end(status)) {
			*err = item->error;
			return status;
		}
		if (status != BAKE_OK)
			bake_emitf(options->events, BAKE_EVENT_WARNING, "%s is left as it is: %s",
				BAKE_SHOW(item->path), item->error.message);
	}
	return BAKE_OK;
}

/* Parts that were locked between the plan and now: then the directory stays. */
static bool may_remove(const struct bake_workdir *workdir)
{
	int copy = openat(workdir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_list) DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	bool free = list != NULL;

	if (!list)
		cleanup_close(&copy);
	while (free && (entry = readdir(list)))
		free = strcmp(entry->d_name, "lock") == 0 || entry->d_name[0] == '.' ||
		       !is_locked(workdir->fd, entry->d_name);
	return free;
}

static void end_workdir(struct bake_workdir *workdir, struct bake_prune *prune, bool remove)
{
	struct bake_prune_item *item =
		prune->count > 0 && prune->items[0].kind == BAKE_PRUNE_WORKDIR ? prune->items
									       : NULL;

	if (!remove || !may_remove(workdir)) {
		bake_workdir_close(workdir);
		return;
	}
	bake_workdir_remove(workdir);
	if (item)
		item->state = BAKE_PRUNE_DONE;
}

enum bake_status bake_prune_run(int root, struct bake_prune *prune,
	const struct bake_prune_options *options, struct bake_error *err)
{
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	enum bake_status status;
	struct timespec times[2];
	struct stat st;

	if (fstat(root, &st) != 0)
		return bake_error_errno(err, errno, "the models directory");
	BAKE_TRY(bake_workdir_open(root, 0, options->events, &workdir, err));
	status = run_items(&workdir, prune, options, err);
	end_workdir(&workdir, prune, !prune->has_workdir || (options->leftovers && !prune->live));
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	best_effort(futimens(root, times));
	return status;
}

void bake_prune_release(struct bake_prune *prune)
{
	free(prune->items);
	*prune = (struct bake_prune)BAKE_PRUNE_INIT;
}
