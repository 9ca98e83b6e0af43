/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/workdir.h"

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
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

enum {
	WAIT_STEP_MS = 100
};

static void pause_ms(unsigned ms)
{
	struct timespec wait = {.tv_nsec = (long)ms * 1000000L};

	(void)nanosleep(&wait, NULL);
}

/* Opens the directory, making it when absent. One that is there may be removed by its last owner
 * before it is opened: then it is made again. */
static enum bake_status open_dir(int root, int *out_fd, struct bake_error *err)
{
	struct stat st;
	int fd;

	do {
		if (mkdirat(root, BAKE_WORKDIR_NAME, 0700) != 0 && errno != EEXIST)
			return bake_error_errno(err, errno, "make '%s'", BAKE_WORKDIR_NAME);
		fd = openat(
			root, BAKE_WORKDIR_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} while (fd < 0 && errno == ENOENT);
	if (fd < 0 && errno == ENOTDIR &&
		fstatat(root, BAKE_WORKDIR_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode))
		errno = ELOOP;
	if (fd < 0)
		return bake_error_errno(err, errno, "open '%s'", BAKE_WORKDIR_NAME);
	*out_fd = fd;
	return BAKE_OK;
}

/* Whether the locked file is still the one that has the name: its last owner may have removed it
 * after we opened it. */
static bool still_named(int dir, int lock)
{
	struct stat held;
	struct stat named;

	return fstat(lock, &held) == 0 && fstatat(dir, "lock", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev && held.st_nlink > 0;
}

static long read_owner(int lock)
{
	char text[32] = {0};
	long owner = 0;

	if (pread(lock, text, sizeof(text) - 1, 0) > 0)
		(void)sscanf(text, "%ld", &owner);
	return owner;
}

static void write_owner(int lock)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)len, 0) != len)
		return; /* only a courtesy to the one who waits */
}

enum outcome {
	TAKEN,
	HELD, /* by somebody else */
	LOST  /* the last owner removed it under our hands */
};

/* One try. *out stays closed unless it is TAKEN; *out_owner says who has it HELD. */
static enum bake_status try_once(int root, struct bake_workdir *out, enum outcome *outcome,
	long *out_owner, struct bake_error *err)
{
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int lock = -1;

	*outcome = LOST;
	BAKE_TRY(open_dir(root, &dir, err));
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 && errno == ENOENT) /* the directory itself was just removed */
		return BAKE_OK;
	if (lock < 0)
		return bake_error_errno(err, errno, "open '%s/lock'", BAKE_WORKDIR_NAME);
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return bake_error_errno(err, errno, "lock '%s'", BAKE_WORKDIR_NAME);
		*outcome = HELD;
		*out_owner = read_owner(lock);
		return BAKE_OK;
	}
	if (!still_named(dir, lock))
		return BAKE_OK;
	write_owner(lock);
	*outcome = TAKEN;
	*out = (struct bake_workdir){.root = root, .fd = steal_fd(&dir), .lock = steal_fd(&lock)};
	return BAKE_OK;
}

enum bake_status bake_workdir_open(int root, uint64_t timeout_ms, const struct bake_events *events,
	struct bake_workdir *out, struct bake_error *err)
{
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	uint64_t begin = bake_clock_ms();
	enum outcome outcome;
	long owner = 0;
	bool told = false;

	for (;;) {
		BAKE_TRY(try_once(root, &workdir, &outcome, &owner, err));
		if (outcome == TAKEN)
			break;
		BAKE_TRY(bake_stop_check(err));
		if (outcome == LOST)
			continue;
		if (bake_clock_ms() - begin >= timeout_ms)
			return bake_error_transient(err, BAKE_ERR_TEMPORARY, "lock.held",
				"another process (pid %ld) is working in this directory", owner);
		if (!told)
			bake_emitf(events, BAKE_EVENT_NOTICE,
				"waiting for process %ld, which is working in this directory",
				owner);
		told = true;
		pause_ms(WAIT_STEP_MS);
	}
	*out = workdir;
	return BAKE_OK;
}

enum bake_status bake_workdir_share(int root, struct bake_workdir *out, struct bake_error *err)
{
	struct bake_workdir workdir = {.root = root, .fd = -1, .lock = -1};

	BAKE_TRY(open_dir(root, &workdir.fd, err));
	*out = workdir;
	return BAKE_OK;
}

static bool is_part(const char *name)
{
	return bake_text_ends(name, ".part") || bake_text_ends(name, ".journal");
}

static void clear(struct bake_workdir *workdir, bool keep_parts)
{
	int copy = workdir->fd >= 0 ? fcntl(workdir->fd, F_DUPFD_CLOEXEC, 0) : -1;
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	bool kept = false;

	if (list)
		rewinddir(list);
	while (list && (entry = readdir(list))) {
		if (keep_parts && is_part(entry->d_name))
			kept = true;
		else if (strcmp(entry->d_name, "lock") != 0)
			(void)unlinkat(workdir->fd, entry->d_name, 0);
	}
	if (list)
		(void)closedir(list);
	else
		cleanup_close(&copy);
	/* The lock goes last: until then nobody else makes files here. */
	if (workdir->fd >= 0 && !kept) {
		(void)unlinkat(workdir->fd, "lock", 0);
		(void)unlinkat(workdir->root, BAKE_WORKDIR_NAME, AT_REMOVEDIR);
	}
	bake_workdir_close(workdir);
}

void bake_workdir_remove(struct bake_workdir *workdir)
{
	clear(workdir, false);
}

void bake_workdir_leave_parts(struct bake_workdir *workdir)
{
	clear(workdir, true);
}

void bake_workdir_close(struct bake_workdir *workdir)
{
	cleanup_close(&workdir->fd);
	cleanup_close(&workdir->lock);
	*workdir = (struct bake_workdir)BAKE_WORKDIR_INIT;
}
