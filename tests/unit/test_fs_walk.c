/* SPDX-License-Identifier: Apache-2.0 */
/* What is beneath a directory, in an order that does not depend on the file system. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/relpath.h"
#include "fs/walk.h"
#include "unit/scratch.h"

enum {
	ENTRIES_MAX = 12
};

/* Paths that end in '/' are directories, the others files with their own name in them. */
static const struct order_row {
	const char *name;
	const char *make[ENTRIES_MAX];
	const char *skip[3];
	const char *want[ENTRIES_MAX];
} orders[] = {
	{"nothing", {NULL}, {NULL}, {NULL}},
	{"files", {"b", "a", "c"}, {NULL}, {"a", "b", "c"}},
	{"bytes decide, not letters", {"b", "B", "a", "_"}, {NULL}, {"B", "_", "a", "b"}},
	{"bytes above ASCII come last", {"\xc3\xa4", "z"}, {NULL}, {"z", "\xc3\xa4"}},
	{"a directory comes right before what is in it",
		{"d-e", "d/", "d/b", "d/a", "d.e", "d0", "d/s/", "d/s/x"}, {NULL},
		{"d", "d/a", "d/b", "d/s", "d/s/x", "d-e", "d.e", "d0"}},
	{"an empty directory is an entry", {"d/", "e/"}, {NULL}, {"d", "e"}},
	{"hidden files are entries", {".a", "a/", "a/.b"}, {NULL}, {".a", "a", "a/.b"}},
	{"skipped at the top only", {".bake/", ".bake/x", "a/", "a/.bake", "index"},
		{".bake", "index"}, {"a", "a/.bake"}},
	{"skipped by the whole name", {".bakery", ".bak"}, {".bake"}, {".bak", ".bakery"}},
};

static void make_entries(int root, const char *const *names)
{
	for (; *names; names++) {
		size_t len = strlen(*names);

		if ((*names)[len - 1] == '/')
			assert_int_equal(mkdirat(root, *names, 0755), 0);
		else
			scratch_text(root, *names, *names);
	}
}

static void try_order(void **state)
{
	const struct order_row *row = *state;
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;
	size_t count = 0;

	make_entries(root, row->make);
	check_status(bake_walk_read(root, row->skip, &walk, &err), &err, BAKE_OK, NULL);
	for (; row->want[count]; count++) {
		assert_in_range(count, 0, walk.count - 1);
		assert_string_equal(walk.entries[count].path, row->want[count]);
	}
	assert_int_equal(walk.count, count);
}

static void entries_say_what_they_are(void)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;

	make_entries(root, (const char *const[]){"d/", "d/file", NULL});
	assert_int_equal(symlinkat("..", root, "d/link"), 0);
	assert_int_equal(mkfifoat(root, "fifo", 0600), 0);
	check_status(bake_walk_read(root, NULL, &walk, &err), &err, BAKE_OK, NULL);
	assert_int_equal(walk.count, 4);
	assert_true(S_ISDIR(walk.entries[0].mode));
	assert_int_equal(walk.entries[0].size, 0);
	assert_int_equal(walk.entries[0].depth, 0);
	assert_int_equal(walk.entries[1].mode, S_IFREG | 0644);
	assert_int_equal(walk.entries[1].size, 6);
	assert_int_equal(walk.entries[1].depth, 1);
	assert_true(S_ISLNK(walk.entries[2].mode));
	assert_int_equal(walk.entries[2].size, 0);
	assert_true(S_ISFIFO(walk.entries[3].mode));
	assert_string_equal(walk.entries[3].path, "fifo");
}

/* Directories in directories, count of them. */
static void dig(int root, unsigned count)
{
	_cleanup_close_ int at = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < count; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
}

static void depth_is_bounded(void)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	char where[SCRATCH_PATH];
	_cleanup_close_ int good = scratch_open(where);
	_cleanup_close_ int bad = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;

	dig(good, BAKE_PATH_DEPTH_MAX);
	check_status(bake_walk_read(good, NULL, &walk, &err), &err, BAKE_OK, NULL);
	assert_int_equal(walk.count, BAKE_PATH_DEPTH_MAX);
	bake_walk_release(&walk);
	dig(bad, BAKE_PATH_DEPTH_MAX + 10);
	check_status(bake_walk_read(bad, NULL, &walk, &err), &err, BAKE_ERR_DATA, "fs.too-deep");
	assert_int_equal(walk.count, 0);
}

/* The deepest directory of a chain with the longest names; its path is longer than the system
 * takes in one call. */
static int dig_long(int root)
{
	int at = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[251] = {0};

	memset(name, 'd', sizeof(name) - 1);
	for (unsigned i = 0; i < BAKE_PATH_DEPTH_MAX; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
	return at;
}

static void long_paths_are_listed_up_to_a_bound(void)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_close_ int deepest = dig_long(root);
	struct bake_error err = BAKE_ERROR_INIT;
	char name[16];

	scratch_text(deepest, "file", "x");
	check_status(bake_walk_read(root, NULL, &walk, &err), &err, BAKE_OK, NULL);
	assert_int_equal(walk.count, BAKE_PATH_DEPTH_MAX + 1);
	assert_int_equal(strlen(walk.entries[walk.count - 1].path), BAKE_PATH_DEPTH_MAX * 251 + 4);
	bake_walk_release(&walk);
	for (unsigned i = 0; i < BAKE_WALK_BYTES_MAX / (BAKE_PATH_DEPTH_MAX * 251) + 1; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		scratch_text(deepest, name, "");
	}
	check_status(bake_walk_read(root, NULL, &walk, &err), &err, BAKE_ERR_DATA, "fs.too-many");
	assert_int_equal(walk.count, 0);
}

static void a_release_can_be_repeated(void)
{
	struct bake_walk walk = BAKE_WALK_INIT;

	bake_walk_release(&walk);
	bake_walk_release(&walk);
	assert_int_equal(walk.count, 0);
}

static const struct scenario others[] = {
	{"entries say what they are", entries_say_what_they_are},
	{"depth is bounded", depth_is_bounded},
	{"long paths are listed up to a bound", long_paths_are_listed_up_to_a_bound},
	{"nothing to release", a_release_can_be_repeated},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(orders, try_order),
		ROWS(others, play_scenario),
	};

	return run_rows("fs/walk", tables, countof(tables));
}
