/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/sink.h"

static bool same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* Of this user, or of the one whose directory it is. */
static bool is_ours(const struct bake_cache *cache, const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == cache->owner;
}

/* The name itself is wrong, which nobody meant; everything else is a condition to live with. */
static bool is_mistake(const struct bake_error *error)
{
	return error->sys_errno == ENOTDIR || error->sys_errno == EEXIST ||
	       error->sys_errno == ELOOP || error->sys_errno == ENAMETOOLONG ||
	       error->status == BAKE_ERR_USAGE;
}

static enum bake_status take_root(struct bake_cache *cache, int root, struct bake_error *err)
{
	struct stat st;

	if (fstat(root, &st) != 0)
		return bake_error_errno(err, errno, "cache");
	cache->owner = st.st_uid;
	cache->root = root;
	return BAKE_OK;
}

enum bake_status bake_cache_peek(struct bake_cache *cache, const char *path, struct bake_error *err)
{
	_cleanup_close_ int root = -1;
	struct bake_error why = BAKE_ERROR_INIT;

	if (bake_dir_open(path, &root, &why) != BAKE_OK) {
		if (!is_mistake(&why))
			return BAKE_OK;
		*err = why;
		return bake_error_wrap(err, "cache");
	}
	BAKE_TRY(take_root(cache, root, err));
	(void)steal_fd(&root);
	return BAKE_OK;
}

/* Whether files can be made in the work directory, which the kernel knows best. */
static enum bake_status check_workdir(const struct bake_cache *cache, struct bake_error *err)
{
	int fd = cache->workdir.fd;
	struct stat st;

	if (fstat(fd, &st) != 0 || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return bake_error_errno(err, errno, "'%s'", BAKE_WORKDIR_NAME);
	if (!is_ours(cache, &st))
		return bake_error_set(err, BAKE_ERR_PERMISSION, "fs.permission",
			"'%s' belongs to user %u", BAKE_WORKDIR_NAME, (unsigned)st.st_uid);
	return BAKE_OK;
}

static enum bake_status open_workdir(struct bake_cache *cache, struct bake_error *err)
{
	BAKE_TRY(bake_workdir_share(cache->root, &cache->workdir, err));
	if (check_workdir(cache, err) != BAKE_OK) {
		bake_workdir_close(&cache->workdir);
		return err->status;
	}
	cache->workdir.root = cache->root;
	return BAKE_OK;
}

/* Whether name has the form that bake_sink_part_name gives. */
static bool is_part_name(const char *name)
{
	static const char digits[] = "0123456789abcdef";

	return strspn(name, digits) == 64 && name[64] == '-' && strspn(name + 65, digits) == 16 &&
	       strcmp(name + 81, ".part") == 0;
}

/* Removes the part when its time is over and nobody holds it. */
static void remove_stale(const struct bake_cache *cache, const char *name, time_t now)
{
	_cleanup_close_ int fd = -1;
	struct stat named;
	struct stat held;
	int dir = cache->workdir.fd;

	if (fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(named.st_mode) ||
		!is_ours(cache, &named) || named.st_mtime > now - BAKE_CACHE_STALE_S)
		return;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return;
	/* Looked at again under the lock: it may have been taken up, and even published. */
	if (fstat(fd, &held) == 0 && held.st_mtime <= now - BAKE_CACHE_STALE_S &&
		fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && same_inode(&held, &named))
		(void)unlinkat(dir, name, 0);
}

static void remove_all_stale(const struct bake_cache *cache)
{
	int copy = openat(cache->workdir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	time_t now = time(NULL);

	if (!list) {
		cleanup_close(&copy);
		return;
	}
	while ((entry = readdir(list))) {
		if (is_part_name(entry->d_name))
			remove_stale(cache, entry->d_name, now);
	}
	(void)closedir(list);
}

enum bake_status bake_cache_open(struct bake_cache *cache, const char *path,
	const struct bake_events *events, struct bake_error *err)
{
	_cleanup_close_ int root = -1;
	struct bake_error why = BAKE_ERROR_INIT;

	if (bake_dir_make(path, &root, &why) != BAKE_OK) {
		if (is_mistake(&why)) {
			*err = why;
			return bake_error_wrap(err, "cache");
		}
		bake_emitf(events, BAKE_EVENT_NOTICE,
			"no cache, everything is fetched without it: %s", why.message);
		return BAKE_OK;
	}
	BAKE_TRY(take_root(cache, root, err));
	(void)steal_fd(&root);
	if (open_workdir(cache, &why) != BAKE_OK)
		bake_emitf(events, BAKE_EVENT_NOTICE,
			"the cache '%s' is only read, what it lacks is fetched without it: %s",
			BAKE_SHOW(path), why.message);
	else
		remove_all_stale(cache);
	return BAKE_OK;
}

void bake_cache_close(struct bake_cache *cache)
{
	bake_workdir_close(&cache->workdir);
	cleanup_close(&cache->root);
	cache->root = -1;
}

bool bake_cache_is_open(const struct bake_cache *cache)
{
	return cache->root >= 0;
}

bool bake_cache_is_writable(const struct bake_cache *cache)
{
	return cache->root >= 0 && cache->workdir.fd >= 0;
}

enum bake_status bake_cache_path(struct bake_arena *arena, const struct bake_digest *sha256,
	struct bake_relpath *out, struct bake_error *err)
{
	char text[BAKE_DIGEST_HEX_MAX + 16];
	char hex[BAKE_DIGEST_HEX_MAX];
	const char *copy;

	(void)bake_digest_hex(sha256, hex);
	(void)snprintf(text, sizeof(text), "sha256/%.2s/%s", hex, hex);
	copy = bake_arena_text(arena, text);
	return copy ? bake_relpath_parse(copy, out, err) : bake_error_nomem(err);
}

int bake_cache_find(const struct bake_cache *cache, const struct bake_cache_entry *entry)
{
	_cleanup_close_ int fd = -1;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct stat st;

	if (!bake_cache_is_open(cache) ||
		bake_open_regular(cache->root, entry->path, &fd, &st, &ignored) != BAKE_OK)
		return -1;
	if ((uint64_t)st.st_size != entry->size) {
		bake_cache_drop(cache, entry, fd);
		return -1;
	}
	return steal_fd(&fd);
}

/* The lock of the entry's part: who has it is the only one to publish under the entry's name. */
static int lock_part(const struct bake_cache *cache, const char *name)
{
	_cleanup_close_ int fd = openat(cache->workdir.fd, name,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat held;
	struct stat named;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &held) != 0 ||
		fstatat(cache->workdir.fd, name, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
		!same_inode(&held, &named))
		return -1;
	return steal_fd(&fd);
}

/* Removes the entry if it still is the inode that was found bad. Its part is locked. */
static void remove_inode(
	const struct bake_cache *cache, struct bake_relpath path, const struct stat *bad)
{
	_cleanup_close_ int parent = -1;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct stat named;

	if (bake_open_parent(cache->root, path, &parent, &ignored) == BAKE_OK &&
		fstatat(parent, bake_relpath_name(path), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		same_inode(&named, bad))
		(void)unlinkat(parent, bake_relpath_name(path), 0);
}

void bake_cache_drop(const struct bake_cache *cache, const struct bake_cache_entry *entry, int fd)
{
	char name[BAKE_PART_NAME_MAX];
	_cleanup_close_ int part = -1;
	struct stat bad;
	struct stat st;

	if (!bake_cache_is_writable(cache) || fstat(fd, &bad) != 0 || !is_ours(cache, &bad))
		return;
	bake_sink_part_name(&entry->sha256, entry->path, name);
	part = lock_part(cache, name);
	if (part < 0)
		return;
	remove_inode(cache, entry->path, &bad);
	/* The part was made for its lock, unless an earlier fetch left it. */
	if (fstat(part, &st) == 0 && st.st_size == 0)
		(void)unlinkat(cache->workdir.fd, name, 0);
}

bool bake_cache_is_busy(
	const struct bake_cache *cache, const struct bake_cache_entry *entry, uint64_t *out_mark)
{
	char name[BAKE_PART_NAME_MAX];
	_cleanup_close_ int fd = -1;
	struct stat st;

	bake_sink_part_name(&entry->sha256, entry->path, name);
	fd = openat(cache->workdir.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return false;
	if (fstat(fd, &st) == 0)
		*out_mark =
			(uint64_t)st.st_mtim.tv_sec * 1000000000U + (uint64_t)st.st_mtim.tv_nsec;
	return true;
}
