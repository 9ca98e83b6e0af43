/* SPDX-License-Identifier: Apache-2.0 */
/* Logs to which several append, and which are put away when they are long. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/log.h"
#include "unit/scratch.h"

struct desk {
	char path[SCRATCH_PATH + 16];
	int dir;
	struct bake_error err;
};

static void desk_open(struct desk *desk)
{
	char dir[SCRATCH_PATH];

	*desk = (struct desk){.dir = scratch_open(dir)};
	(void)snprintf(desk->path, sizeof(desk->path), "%s/log", dir);
}

static void desk_close(struct desk *desk)
{
	(void)close(desk->dir);
}

#define DESK                                                                                       \
	_cleanup_(desk_close) struct desk desk;                                                    \
	desk_open(&desk)

static enum bake_status append(struct desk *desk, uint64_t limit, const char *text)
{
	_cleanup_close_ int fd = -1;
	ssize_t len = (ssize_t)strlen(text);

	BAKE_TRY(bake_log_open(desk->path, limit, &fd, &desk->err));
	return write(fd, text, strlen(text)) == len
		       ? BAKE_OK
		       : bake_error_set(&desk->err, BAKE_ERR_IO, "fs.io", "cut");
}

static const struct limit_row {
	const char *name;
	uint64_t limit;
	const char *before;
	const char *log;
	const char *former; /* NULL: none */
} limits[] = {
	{"none yet", 5, NULL, "new\n", NULL},
	{"shorter", 5, "abc\n", "abc\nnew\n", NULL},
	{"as long", 5, "abcd\n", "new\n", "abcd\n"},
	{"longer", 5, "abcdefgh\n", "new\n", "abcdefgh\n"},
	{"without a limit", 0, "abcdefgh\n", "abcdefgh\nnew\n", NULL},
};

static void try_limit(void **state)
{
	const struct limit_row *row = *state;

	DESK;
	if (row->before)
		scratch_text(desk.dir, "log", row->before);
	check_status(append(&desk, row->limit, "new\n"), &desk.err, BAKE_OK, NULL);
	assert_true(scratch_says(desk.dir, "log", row->log));
	assert_int_equal(scratch_has(desk.dir, "log.1"), row->former != NULL);
	assert_true(!row->former || scratch_says(desk.dir, "log.1", row->former));
}

static void former_is_replaced(void)
{
	DESK;
	for (const char *line = "0123"; *line; line++)
		check_status(append(&desk, 2, (const char[]){*line, '\n', '\0'}), &desk.err,
			BAKE_OK, NULL);
	assert_true(scratch_says(desk.dir, "log", "3\n"));
	assert_true(scratch_says(desk.dir, "log.1", "2\n"));
	assert_int_equal(scratch_count(desk.dir), 2);
}

/* What is in the way of the former one stays, and the log grows. */
static void cannot_be_put_away(void)
{
	DESK;
	scratch_text(desk.dir, "log", "abc\n");
	assert_int_equal(mkdirat(desk.dir, "log.1", 0700), 0);
	check_status(append(&desk, 1, "d\n"), &desk.err, BAKE_OK, NULL);
	assert_true(scratch_says(desk.dir, "log", "abc\nd\n"));
}

static void fifo(void)
{
	DESK;
	assert_int_equal(mkfifoat(desk.dir, "log", 0600), 0);
	check_status(append(&desk, 5, "x"), &desk.err, BAKE_ERR_CANTCREATE, "path.type");
}

static void symbolic_link(void)
{
	DESK;
	scratch_text(desk.dir, "elsewhere", "abcdef");
	assert_int_equal(symlinkat("elsewhere", desk.dir, "log"), 0);
	check_status(append(&desk, 5, "x"), &desk.err, BAKE_ERR_CANTCREATE, "path.symlink");
	assert_true(scratch_says(desk.dir, "elsewhere", "abcdef"));
}

/* Whose lock another one keeps, is appended to and not put away. */
static void held(void)
{
	int fd;

	DESK;
	scratch_text(desk.dir, "log", "abcdef\n");
	fd = openat(desk.dir, "log", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
	check_status(append(&desk, 5, "g\n"), &desk.err, BAKE_OK, NULL);
	assert_true(scratch_says(desk.dir, "log", "abcdef\ng\n"));
	assert_false(scratch_has(desk.dir, "log.1"));
	(void)close(fd);
}

enum {
	WRITERS = 8,
	LINES = 200,
	LINE = 8,
	LONG = WRITERS * LINES * LINE + 1
};

static _Noreturn void write_lines(struct desk *desk, int writer)
{
	char line[LINE + 1];

	for (int i = 0; i < LINES; i++) {
		(void)snprintf(line, sizeof(line), "%03u.%03u\n", (unsigned)writer % 1000,
			(unsigned)i % 1000);
		if (append(desk, LONG, line) != BAKE_OK)
			_exit(1);
	}
	_exit(0);
}

static int digits(const char *text)
{
	return (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
}

/* All find it long at the same time: it is put away once, and no line is lost or stands there
 * twice. */
static void many_writers(void)
{
	static char text[LONG];
	static char got[LONG];
	static bool seen[WRITERS][LINES];
	FILE *file;
	int state;

	DESK;
	memset(text, 'x', sizeof(text));
	memset(seen, 0, sizeof(seen));
	scratch_write(desk.dir, "log", text, sizeof(text));
	for (int i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			write_lines(&desk, i);
	}
	for (int i = 0; i < WRITERS; i++)
		assert_true(wait(&state) > 0 && state == 0);
	assert_true(scratch_holds(desk.dir, "log.1", text, sizeof(text)));
	file = fopen(desk.path, "re");
	assert_non_null(file);
	for (int i = 0; i < WRITERS * LINES; i++) {
		int writer;
		int line;

		assert_non_null(fgets(got, sizeof(got), file));
		assert_int_equal(strlen(got), LINE);
		writer = digits(got);
		line = digits(got + 4);
		assert_true(writer >= 0 && writer < WRITERS && line >= 0 && line < LINES);
		assert_false(seen[writer][line]);
		seen[writer][line] = true;
	}
	assert_null(fgets(got, sizeof(got), file));
	(void)fclose(file);
}

static const struct scenario scenarios[] = {
	{"the former one is replaced", former_is_replaced},
	{"cannot be put away", cannot_be_put_away},
	{"a FIFO", fifo},
	{"a link", symbolic_link},
	{"its lock is kept", held},
	{"many writers", many_writers},
};

int main(void)
{
	const struct rows tables[] = {ROWS(limits, try_limit), ROWS(scenarios, play_scenario)};

	return run_rows("fs_log", tables, countof(tables));
}
