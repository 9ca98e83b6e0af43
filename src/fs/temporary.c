/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define PREFIX ".bake-"
#define SUFFIX ".tmp"

enum {
	DIGITS = 16,
	NAME_LEN = sizeof(PREFIX) - 1 + DIGITS + sizeof(SUFFIX) - 1,
	TRIES = 100
};

static bool is_ours(const char *name)
{
	return strlen(name) == NAME_LEN && bake_text_starts(name, PREFIX) &&
	       bake_text_ends(name, SUFFIX) &&
	       strspn(name + sizeof(PREFIX) - 1, "0123456789abcdef") == DIGITS;
}

static bool is_named(int dir, const char *name, int fd)
{
	struct stat held;
	struct stat named;

	return fstat(fd, &held) == 0 && fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(held.st_mode) && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* A lock is the kernel's and ends with its owner, which a process id does not tell: two containers
 * that share a directory have the same ones. */
static void sweep_one(int dir, const char *name)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_named(dir, name, fd))
		(void)unlinkat(dir, name, 0);
}

/* Only a courtesy: what cannot be removed harms nobody who writes here. */
static void sweep(int dir)
{
	int list_fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = list_fd >= 0 ? fdopendir(list_fd) : NULL;
	struct dirent *entry;

	if (!list) {
		cleanup_close(&list_fd);
		return;
	}
	while ((entry = readdir(list))) {
		if (is_ours(entry->d_name))
			sweep_one(dir, entry->d_name);
	}
	(void)closedir(list);
}

/* Not a secret, but another one in every process. */
static uint64_t some_number(void)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
		number = bake_clock_us() << 20 ^ (uint64_t)getpid();
	return number;
}

/* Between its making and its lock somebody may take it for one that was left: then it is gone, and
 * there is another. A file system without locks has files that nobody sweeps. */
static bool hold(int dir, const struct bake_temporary *temporary)
{
	while (flock(temporary->fd, LOCK_EX) != 0) {
		if (errno != EINTR)
			return true;
	}
	return is_named(dir, temporary->name, temporary->fd);
}

enum bake_status bake_temporary_open(int dir, struct bake_temporary *out, struct bake_error *err)
{
	struct bake_temporary made = BAKE_TEMPORARY_INIT;

	sweep(dir);
	for (int i = 0; i < TRIES; i++) {
		(void)snprintf(made.name, sizeof(made.name), PREFIX "%016llx" SUFFIX,
			(unsigned long long)some_number());
		made.fd = openat(
			dir, made.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (made.fd < 0 && errno != EEXIST)
			return bake_error_errno(err, errno, "make a temporary file");
		if (made.fd >= 0 && hold(dir, &made)) {
			*out = made;
			return BAKE_OK;
		}
		cleanup_close(&made.fd);
	}
	return bake_error_set(err, BAKE_ERR_IO, "fs.io", "no temporary file can be made");
}
