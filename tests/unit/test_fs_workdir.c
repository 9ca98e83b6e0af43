/* SPDX-License-Identifier: Apache-2.0 */
/* The work directory: one owner at a time, whatever became of the last one. */
#include "unit/rows.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "fs/workdir.h"
#include "unit/scratch.h"

static void take(int root, struct bake_workdir *workdir)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_workdir_open(root, 0, NULL, workdir, &err), &err, BAKE_OK, NULL);
	assert_true(workdir->fd >= 0 && workdir->lock >= 0);
	assert_int_equal(workdir->root, root);
}

static void it_is_made_and_removed(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;

	take(root, &workdir);
	assert_true(scratch_has(root, ".bake/lock"));
	scratch_text(workdir.fd, "x.part", "part");
	bake_workdir_remove(&workdir);
	assert_int_equal(scratch_count(root), 0);
	assert_int_equal(workdir.fd, -1);
	assert_int_equal(workdir.lock, -1);
}

static void closing_keeps_the_parts(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;

	take(root, &workdir);
	scratch_text(workdir.fd, "x.part", "part");
	bake_workdir_close(&workdir);
	bake_workdir_close(&workdir);
	assert_true(scratch_says(root, ".bake/x.part", "part"));
	take(root, &workdir);
	assert_true(scratch_says(workdir.fd, "x.part", "part"));
	bake_workdir_remove(&workdir);
}

static void nobody_else_can_look_in(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	struct stat st;

	take(root, &workdir);
	assert_int_equal(fstat(workdir.fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	bake_workdir_remove(&workdir);
}

/* A child that takes the lock, says so through a pipe, and holds it until it is told or killed. */
struct owner {
	pid_t pid;
	int said;
	int told;
};

static void own(int root, int say, int tell, bool clean)
{
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	struct bake_error err = BAKE_ERROR_INIT;
	char byte = 'n';

	if (bake_workdir_open(root, 5000, NULL, &workdir, &err) == BAKE_OK)
		byte = 'y';
	if (write(say, &byte, 1) != 1)
		_exit(1);
	if (read(tell, &byte, 1) < 0)
		_exit(1);
	if (clean)
		bake_workdir_remove(&workdir);
	else
		bake_workdir_close(&workdir);
	_exit(0);
}

static void start_owner(struct owner *owner, int root, bool clean)
{
	int say[2];
	int tell[2];
	char byte = '?';

	assert_int_equal(pipe(say), 0);
	assert_int_equal(pipe(tell), 0);
	owner->pid = fork();
	assert_true(owner->pid >= 0);
	if (owner->pid == 0) {
		(void)close(say[0]);
		(void)close(tell[1]);
		own(root, say[1], tell[0], clean);
	}
	(void)close(say[1]);
	(void)close(tell[0]);
	owner->said = say[0];
	owner->told = tell[1];
	assert_int_equal(read(owner->said, &byte, 1), 1);
	assert_int_equal(byte, 'y');
}

static void end_owner(struct owner *owner)
{
	int result;

	(void)close(owner->told);
	(void)close(owner->said);
	assert_int_equal(waitpid(owner->pid, &result, 0), owner->pid);
}

struct heard {
	unsigned notices;
	char note[200];
};

static void hear(void *context, const struct bake_event *event)
{
	struct heard *heard = context;

	heard->notices += event->kind == BAKE_EVENT_NOTICE;
	(void)snprintf(heard->note, sizeof(heard->note), "%s", event->note);
}

static void the_second_gives_up_in_time(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	struct bake_error err = BAKE_ERROR_INIT;
	struct heard heard = {.notices = 0};
	struct bake_events events = {hear, &heard};
	uint64_t before = bake_clock_ms();
	struct owner owner;
	char pid[32];

	start_owner(&owner, root, false);
	check_status(bake_workdir_open(root, 250, &events, &workdir, &err), &err,
		BAKE_ERR_TEMPORARY, "lock.held");
	assert_in_range(bake_clock_ms() - before, 250, 20000);
	assert_true(err.transient);
	(void)snprintf(pid, sizeof(pid), "%d", (int)owner.pid);
	assert_non_null(strstr(err.message, pid));
	assert_int_equal(heard.notices, 1);
	assert_non_null(strstr(heard.note, pid));
	assert_int_equal(workdir.fd, -1);
	end_owner(&owner);
}

static void without_a_timeout_it_fails_at_once(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	struct bake_error err = BAKE_ERROR_INIT;
	struct owner owner;

	start_owner(&owner, root, false);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_ERR_TEMPORARY,
		"lock.held");
	end_owner(&owner);
}

/* The owner goes in one of its ways while another one waits. */
static const struct leave_row {
	const char *name;
	bool clean;
	bool killed;
} leaves[] = {
	{"it closes", false, false},
	{"it removes everything", true, false},
	{"it is killed", false, true},
};

static void let_go_after(struct owner *owner, bool killed, unsigned ms)
{
	struct timespec wait = {.tv_nsec = (long)ms * 1000000L};

	(void)nanosleep(&wait, NULL);
	if (killed)
		assert_int_equal(kill(owner->pid, SIGKILL), 0);
	end_owner(owner);
}

static void try_leave(void **state)
{
	const struct leave_row *row = *state;
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct owner waiting;
	struct owner first;
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	pid_t helper;
	int result = -1;

	start_owner(&first, root, row->clean);
	helper = fork();
	assert_true(helper >= 0);
	if (helper == 0) { /* the one who waits */
		struct bake_error err = BAKE_ERROR_INIT;

		(void)close(first.told);
		_exit(bake_workdir_open(root, 10000, NULL, &workdir, &err) == BAKE_OK ? 0 : 1);
	}
	let_go_after(&first, row->killed, 150);
	assert_int_equal(waitpid(helper, &result, 0), helper);
	assert_int_equal(result, 0);
	start_owner(&waiting, root, true); /* and the lock ended with that one, too */
	end_owner(&waiting);
	assert_false(scratch_has(root, ".bake"));
}

static void a_stale_lock_file_is_no_lock(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;

	assert_int_equal(mkdirat(root, ".bake", 0700), 0);
	scratch_text(root, ".bake/lock", "1\n");
	take(root, &workdir);
	bake_workdir_remove(&workdir);
}

static void sharing_takes_no_lock(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir one = BAKE_WORKDIR_INIT;
	struct bake_workdir two = BAKE_WORKDIR_INIT;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_workdir_share(root, &one, &err), &err, BAKE_OK, NULL);
	check_status(bake_workdir_share(root, &two, &err), &err, BAKE_OK, NULL);
	assert_int_equal(one.lock, -1);
	assert_true(one.fd >= 0);
	bake_workdir_close(&one);
	bake_workdir_close(&two);
	assert_true(scratch_has(root, ".bake"));
}

static void one_never_opened_can_be_closed(void)
{
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;

	bake_workdir_close(&workdir);
	bake_workdir_remove(&workdir);
	assert_int_equal(workdir.fd, -1);
}

static void make_file(int root)
{
	scratch_text(root, ".bake", "a file");
}

static void make_link(int root)
{
	assert_int_equal(symlinkat("/tmp", root, ".bake"), 0);
}

static void make_linked_lock(int root)
{
	assert_int_equal(mkdirat(root, ".bake", 0700), 0);
	scratch_text(root, "precious", "untouched");
	assert_int_equal(symlinkat("../precious", root, ".bake/lock"), 0);
}

static void make_directory_lock(int root)
{
	assert_int_equal(mkdirat(root, ".bake", 0700), 0);
	assert_int_equal(mkdirat(root, ".bake/lock", 0700), 0);
}

static const struct hostile_row {
	const char *name;
	void (*make)(int root);
	const char *id;
} hostile[] = {
	{"it is a file", make_file, "path.type"},
	{"it is a link", make_link, "path.symlink"},
	{"the lock is a link", make_linked_lock, "path.symlink"},
	{"the lock is a directory", make_directory_lock, "path.type"},
};

static void try_hostile(void **state)
{
	const struct hostile_row *row = *state;
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	struct bake_error err = BAKE_ERROR_INIT;

	row->make(root);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_ERR_CANTCREATE,
		row->id);
	assert_int_equal(workdir.fd, -1);
	if (scratch_has(root, "precious"))
		assert_true(scratch_says(root, "precious", "untouched"));
}

/* Takes and removes it again and again; says how often that failed. */
static unsigned come_and_go(int root, unsigned times)
{
	unsigned failures = 0;

	for (unsigned i = 0; i < times; i++) {
		struct bake_workdir workdir = BAKE_WORKDIR_INIT;
		struct bake_error err = BAKE_ERROR_INIT;

		if (bake_workdir_open(root, 20000, NULL, &workdir, &err) != BAKE_OK) {
			if (!failures++)
				print_error("turn %u: %s: %s\n", i, err.id, err.message);
			continue;
		}
		bake_workdir_remove(&workdir);
	}
	return failures;
}

static void two_can_come_and_go(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	pid_t child = fork();
	unsigned failures;
	int result = -1;

	assert_true(child >= 0);
	if (child == 0)
		_exit(come_and_go(root, 500) ? 1 : 0);
	failures = come_and_go(root, 500);
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
	assert_int_equal(failures, 0);
}

static const struct scenario others[] = {
	{"made and removed", it_is_made_and_removed},
	{"closing keeps the parts", closing_keeps_the_parts},
	{"nobody else can look in", nobody_else_can_look_in},
	{"the second gives up in time", the_second_gives_up_in_time},
	{"without a timeout it fails at once", without_a_timeout_it_fails_at_once},
	{"a stale lock file is no lock", a_stale_lock_file_is_no_lock},
	{"sharing takes no lock", sharing_takes_no_lock},
	{"never opened: can be closed", one_never_opened_can_be_closed},
	{"two processes come and go", two_can_come_and_go},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(others, play_scenario),
		ROWS(leaves, try_leave),
		ROWS(hostile, try_hostile),
	};

	return run_rows("fs/workdir", tables, countof(tables));
}
