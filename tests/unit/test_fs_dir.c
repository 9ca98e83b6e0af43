/* SPDX-License-Identifier: Apache-2.0 */
/* Files opened beneath a directory: no link leads out, and none is followed. Runs twice, the
 * second time without openat2. */
#include "unit/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/dir.h"
#include "unit/scratch.h"

/* A name for a socket, which bind can only give by a path of at most 108 bytes. */
static void make_socket(int root, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket-of-a-test"};
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(here >= 0 && fd >= 0);
	assert_int_equal(fchdir(root), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(renameat(AT_FDCWD, address.sun_path, AT_FDCWD, name), 0);
	assert_int_equal(fchdir(here), 0);
	(void)close(here);
	(void)close(fd);
}

/* outer/secret and outer/root, which has a file, directories, links of every kind and more. */
static int make_tree(void)
{
	char path[SCRATCH_PATH];
	int outer = scratch_open(path);
	int root;

	scratch_text(outer, "secret", "secret");
	assert_int_equal(mkdirat(outer, "root", 0755), 0);
	root = openat(outer, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	(void)close(outer);
	scratch_text(root, "file", "content");
	assert_int_equal(mkdirat(root, "dir", 0755), 0);
	scratch_text(root, "dir/file", "deeper");
	assert_int_equal(symlinkat("..", root, "up"), 0);
	assert_int_equal(symlinkat("../..", root, "dir/up"), 0);
	assert_int_equal(symlinkat("/etc", root, "absolute"), 0);
	assert_int_equal(symlinkat("dir", root, "inside"), 0);
	assert_int_equal(symlinkat("file", root, "link"), 0);
	assert_int_equal(symlinkat("nowhere", root, "dangling"), 0);
	assert_int_equal(symlinkat("loop", root, "loop"), 0);
	assert_int_equal(symlinkat("/proc/self/cwd", root, "magic"), 0);
	assert_int_equal(mkfifoat(root, "fifo", 0644), 0);
	make_socket(root, "socket");
	return root;
}

static struct bake_relpath relpath(const char *text)
{
	struct bake_relpath path = {NULL, 0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse(text, &path, &err), &err, BAKE_OK, NULL);
	return path;
}

static const struct open_row {
	const char *name;
	const char *path;
	int flags;
	enum bake_status want;
	const char *id;
} opens[] = {
	{"a file", "file", O_RDONLY, BAKE_OK, NULL},
	{"a file in a directory", "dir/file", O_RDONLY, BAKE_OK, NULL},
	{"a directory", "dir", O_RDONLY | O_DIRECTORY, BAKE_OK, NULL},
	{"nothing", "nothing", O_RDONLY, BAKE_ERR_NOINPUT, "fs.not-found"},
	{"nothing in nothing", "no/thing", O_RDONLY, BAKE_ERR_NOINPUT, "fs.not-found"},
	{"a file as a directory", "file/x", O_RDONLY, BAKE_ERR_CANTCREATE, "path.type"},
	{"up by a link", "up/secret", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"up by a link in a directory", "dir/up/secret", O_RDONLY, BAKE_ERR_CANTCREATE,
		"path.symlink"},
	{"a link that leads up", "up", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"an absolute link", "absolute/passwd", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a link that stays inside", "inside/file", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a link to a file", "link", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a dangling link", "dangling", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a link to itself", "loop/x", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a magic link", "magic/x", O_RDONLY, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"making a file through a link", "up/new", O_WRONLY | O_CREAT, BAKE_ERR_CANTCREATE,
		"path.symlink"},
	{"making a file at a dangling link", "dangling", O_WRONLY | O_CREAT, BAKE_ERR_CANTCREATE,
		"path.symlink"},
	{"making a file", "dir/new", O_WRONLY | O_CREAT | O_EXCL, BAKE_OK, NULL},
};

static void try_open(void **state)
{
	const struct open_row *row = *state;
	_cleanup_close_ int root = make_tree();
	_cleanup_close_ int fd = -1;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_open_beneath(root, relpath(row->path), row->flags, &fd, &err), &err,
		row->want, row->id);
	assert_int_equal(fd >= 0, row->want == BAKE_OK);
	if (fd >= 0)
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(scratch_has(root, "../new"));
	assert_false(scratch_has(root, "nowhere"));
}

static const struct open_row regulars[] = {
	{"a file", "dir/file", 0, BAKE_OK, NULL},
	{"nothing", "nothing", 0, BAKE_ERR_NOINPUT, "fs.not-found"},
	{"a link", "link", 0, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a directory", "dir", 0, BAKE_ERR_CANTCREATE, "path.type"},
	{"a fifo, which does not block", "fifo", 0, BAKE_ERR_CANTCREATE, "path.type"},
	{"a socket", "socket", 0, BAKE_ERR_CANTCREATE, "path.type"},
};

static void try_regular(void **state)
{
	const struct open_row *row = *state;
	_cleanup_close_ int root = make_tree();
	_cleanup_close_ int fd = -1;
	struct bake_error err = BAKE_ERROR_INIT;
	struct stat st = {.st_size = -1};

	check_status(bake_open_regular(root, relpath(row->path), &fd, &st, &err), &err, row->want,
		row->id);
	assert_int_equal(fd >= 0, row->want == BAKE_OK);
	assert_int_equal(st.st_size, row->want == BAKE_OK ? 6 : -1);
}

static const struct open_row parents[] = {
	{"of a name", "x", 0, BAKE_OK, NULL},
	{"that is there", "dir/x", 0, BAKE_OK, NULL},
	{"that has to be made", "dir/a/b/c/x", 0, BAKE_OK, NULL},
	{"a link out", "up/a/x", 0, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a link inside", "inside/a/x", 0, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a dangling link", "dangling/x", 0, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a link to itself", "loop/x", 0, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"a file", "file/x", 0, BAKE_ERR_CANTCREATE, "path.type"},
	{"a fifo", "fifo/x", 0, BAKE_ERR_CANTCREATE, "path.type"},
};

static void try_parent(void **state)
{
	const struct open_row *row = *state;
	_cleanup_close_ int root = make_tree();
	_cleanup_close_ int fd = -1;
	struct bake_error err = BAKE_ERROR_INIT;
	mode_t mask = umask(0077);
	enum bake_status status = bake_open_parent(root, relpath(row->path), &fd, &err);

	(void)umask(mask);
	check_status(status, &err, row->want, row->id);
	assert_int_equal(fd >= 0, row->want == BAKE_OK);
	assert_false(scratch_has(root, "../a"));
	if (row->want != BAKE_OK)
		return;
	scratch_text(fd, "x", "in it");
	assert_true(scratch_says(root, row->path, "in it"));
}

static void a_made_parent_has_its_mode(void)
{
	_cleanup_close_ int root = make_tree();
	_cleanup_close_ int fd = -1;
	struct bake_error err = BAKE_ERROR_INIT;
	mode_t mask = umask(0077);
	enum bake_status status = bake_open_parent(root, relpath("a/b/x"), &fd, &err);
	struct stat st;

	(void)umask(mask);
	check_status(status, &err, BAKE_OK, NULL);
	assert_int_equal(fstatat(root, "a", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static const struct make_row {
	const char *name;
	const char *path; /* below the tree's root */
	enum bake_status want;
	const char *id;
} makes[] = {
	{"that is there", "dir", BAKE_OK, NULL},
	{"one", "new", BAKE_OK, NULL},
	{"several", "new/a/b/c", BAKE_OK, NULL},
	{"with a slash at the end", "new/a/", BAKE_OK, NULL},
	{"with slashes doubled", "new//a", BAKE_OK, NULL},
	{"through the user's own link", "inside/a", BAKE_OK, NULL},
	{"where a file is", "file", BAKE_ERR_CANTCREATE, "path.type"},
	{"below a file", "file/a", BAKE_ERR_CANTCREATE, "path.type"},
};

static void try_make(void **state)
{
	const struct make_row *row = *state;
	_cleanup_close_ int root = make_tree();
	_cleanup_close_ int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status;
	struct stat st;

	assert_int_equal(fchdir(root), 0);
	status = bake_dir_make(row->path, &fd, &err);
	assert_int_equal(fchdir(here), 0);
	check_status(status, &err, row->want, row->id);
	if (row->want != BAKE_OK)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static void a_directory_needs_a_name(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	int fd = -1;

	check_status(bake_dir_make("", &fd, &err), &err, BAKE_ERR_USAGE, "usage.empty");
	assert_int_equal(fd, -1);
}

static void opening_makes_nothing(void)
{
	char path[SCRATCH_PATH];
	char below[SCRATCH_PATH + 8];
	_cleanup_close_ int dir = scratch_open(path);
	struct bake_error err = BAKE_ERROR_INIT;
	int fd = -1;

	(void)snprintf(below, sizeof(below), "%s/absent", path);
	check_status(bake_dir_open(below, &fd, &err), &err, BAKE_ERR_NOINPUT, "fs.not-found");
	assert_int_equal(fd, -1);
	assert_int_equal(scratch_count(dir), 0);
}

static int64_t time_of(int root, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mtim.tv_nsec == 0 || st.st_mtim.tv_sec > 1000000000, 1);
	return st.st_mtim.tv_sec;
}

static void stamping_dates_the_directories_in_between(void)
{
	_cleanup_close_ int root = make_tree();
	struct bake_relpath paths[] = {relpath("a/b/x"), relpath("dir/file"), relpath("file")};
	struct bake_error err = BAKE_ERROR_INIT;
	int fd;

	check_status(bake_open_parent(root, paths[0], &fd, &err), &err, BAKE_OK, NULL);
	(void)close(fd);
	assert_int_equal(mkdirat(root, "other", 0755), 0);
	check_status(bake_dir_stamp(root, paths, countof(paths), 12345, &err), &err, BAKE_OK, NULL);
	assert_int_equal(time_of(root, "."), 12345);
	assert_int_equal(time_of(root, "a"), 12345);
	assert_int_equal(time_of(root, "a/b"), 12345);
	assert_int_equal(time_of(root, "dir"), 12345);
	assert_int_not_equal(time_of(root, "other"), 12345);
	assert_int_not_equal(time_of(root, "file"), 12345);
}

/* Stamping again changes nothing, not even the time of change: a layer would hold it again. */
static void a_right_time_is_not_written_again(void)
{
	_cleanup_close_ int root = make_tree();
	struct bake_error err = BAKE_ERROR_INIT;
	struct timespec wait = {.tv_nsec = 20 * 1000 * 1000};
	struct stat before;
	struct stat after;

	check_status(bake_dir_stamp(root, NULL, 0, 12345, &err), &err, BAKE_OK, NULL);
	assert_int_equal(fstat(root, &before), 0);
	(void)nanosleep(&wait, NULL);
	check_status(bake_dir_stamp(root, NULL, 0, 12345, &err), &err, BAKE_OK, NULL);
	assert_int_equal(fstat(root, &after), 0);
	assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim));
}

static const struct missing_row {
	const char *name;
	const char *path; /* below a directory that has dir */
	unsigned want;
} missings[] = {
	{"is there", "dir", 0},
	{"is there, with a slash", "dir/", 0},
	{"one", "dir/a", 1},
	{"one, with a slash", "dir/a/", 1},
	{"three", "a/b/c", 3},
	{"slashes doubled", "a//b", 2},
};

static void try_missing(void **state)
{
	const struct missing_row *row = *state;
	char where[SCRATCH_PATH];
	char path[SCRATCH_PATH + 32];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;
	_cleanup_close_ int fd = -1;

	assert_int_equal(mkdirat(dir, "dir", 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/%s", where, row->path);
	assert_int_equal(bake_dir_missing(path), row->want);
	check_status(bake_dir_make(path, &fd, &err), &err, BAKE_OK, NULL);
	assert_int_equal(bake_dir_missing(path), 0);
	check_status(bake_dir_stamp_made(path, row->want, 12345, &err), &err, BAKE_OK, NULL);
	assert_int_not_equal(time_of(dir, "."), 12345);
	if (row->want > 1)
		assert_int_equal(time_of(dir, "a"), 12345);
	if (row->want > 2)
		assert_int_equal(time_of(dir, "a/b"), 12345);
}

static void there_is_some_space(void)
{
	char path[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(path);
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t bytes = 0;

	check_status(bake_dir_free(dir, &bytes, &err), &err, BAKE_OK, NULL);
	assert_true(bytes > 0);
}

static const struct scenario others[] = {
	{"a made parent has its mode", a_made_parent_has_its_mode},
	{"make: a directory needs a name", a_directory_needs_a_name},
	{"open: makes nothing", opening_makes_nothing},
	{"stamp: the directories in between", stamping_dates_the_directories_in_between},
	{"stamp: a right time is not written again", a_right_time_is_not_written_again},
	{"free: there is some space", there_is_some_space},
};

/* As the filter of an older container runtime does it. False where there are no filters. */
static bool forbid_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = countof(code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(opens, try_open),
		ROWS(regulars, try_regular),
		ROWS(parents, try_parent),
		ROWS(makes, try_make),
		ROWS(missings, try_missing),
		ROWS(others, play_scenario),
	};
	int failed = run_rows("fs/dir", tables, countof(tables));

	if (!forbid_openat2())
		return failed;
	return run_rows("fs/dir without openat2", tables, 3) || failed;
}
