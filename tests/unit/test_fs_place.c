/* SPDX-License-Identifier: Apache-2.0 */
/* Small files and links put under their names at once, and what they leave alone. */
#include "unit/rows.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/dir.h"
#include "fs/place.h"
#include "unit/scratch.h"
#include "unit/workbench.h"

static struct bake_relpath path_of(const char *text)
{
	struct bake_relpath path = {0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse(text, &path, &err), &err, BAKE_OK, NULL);
	return path;
}

static bool leads_to(int dir, const char *name, const char *target)
{
	char text[100];
	ssize_t len = readlinkat(dir, name, text, sizeof(text));

	return len == (ssize_t)strlen(target) && memcmp(text, target, (size_t)len) == 0;
}

/* What is at d/name before; what a file and a link make of it. */
static const struct before_row {
	const char *name;
	enum {
		NOTHING,
		REGULAR,
		DIRECTORY,
		FIFO,
		LINK,	  /* to a file */
		LINK_NONE /* to nothing */
	} before;
	const char *file_id; /* NULL: it is put there */
	const char *link_id;
} befores[] = {
	{"nothing", NOTHING, NULL, NULL},
	{"a file", REGULAR, NULL, "path.type"},
	{"a directory", DIRECTORY, "path.type", "path.type"},
	{"a pipe", FIFO, "path.type", "path.type"},
	{"a link", LINK, "path.symlink", "path.symlink"},
	{"a link to nothing", LINK_NONE, "path.symlink", "path.symlink"},
};

static void prepare(int root, const struct before_row *row)
{
	assert_int_equal(mkdirat(root, "d", 0700), 0);
	scratch_text(root, "other", "not ours");
	if (row->before == REGULAR)
		scratch_text(root, "d/name", "before");
	if (row->before == DIRECTORY)
		assert_int_equal(mkdirat(root, "d/name", 0700), 0);
	if (row->before == FIFO)
		assert_int_equal(mkfifoat(root, "d/name", 0600), 0);
	if (row->before == LINK)
		assert_int_equal(symlinkat("../other", root, "d/name"), 0);
	if (row->before == LINK_NONE)
		assert_int_equal(symlinkat("../none", root, "d/name"), 0);
}

/* What was there is there as it was, and nothing of ours beside it. */
static void check_untouched(const struct bench *bench, const struct before_row *row)
{
	struct stat st;

	assert_int_equal(fstatat(bench->root, "d/name", &st, AT_SYMLINK_NOFOLLOW), 0);
	if (row->before == REGULAR)
		assert_true(scratch_says(bench->root, "d/name", "before"));
	if (row->before == LINK)
		assert_true(leads_to(bench->root, "d/name", "../other"));
	if (row->before == LINK_NONE)
		assert_true(leads_to(bench->root, "d/name", "../none"));
	assert_true(scratch_says(bench->root, "other", "not ours"));
	assert_false(scratch_has(bench->root, "none"));
	assert_int_equal(scratch_count(bench->workdir.fd), 1); /* its lock */
}

static void try_file(void **state)
{
	const struct before_row *row = *state;
	enum bake_status status;
	struct stat st;

	BENCH;
	prepare(bench.root, row);
	status = bake_place_file(
		&bench.workdir, path_of("d/name"), bake_span_text("after"), 1700000000, &bench.err);
	check_status(
		status, &bench.err, row->file_id ? BAKE_ERR_CANTCREATE : BAKE_OK, row->file_id);
	if (row->file_id) {
		check_untouched(&bench, row);
		return;
	}
	assert_true(scratch_says(bench.root, "d/name", "after"));
	assert_int_equal(fstatat(bench.root, "d/name", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFREG | BAKE_MODE_FILE);
	assert_int_equal(st.st_mtim.tv_sec, 1700000000);
	assert_int_equal(scratch_count(bench.workdir.fd), 1);
}

static void try_link(void **state)
{
	const struct before_row *row = *state;
	enum bake_status status;
	struct stat st;

	BENCH;
	prepare(bench.root, row);
	status = bake_place_link(
		&bench.workdir, path_of("d/name"), "../../blobs/x", 1700000000, &bench.err);
	check_status(
		status, &bench.err, row->link_id ? BAKE_ERR_CANTCREATE : BAKE_OK, row->link_id);
	if (row->link_id) {
		check_untouched(&bench, row);
		return;
	}
	assert_true(leads_to(bench.root, "d/name", "../../blobs/x"));
	assert_int_equal(fstatat(bench.root, "d/name", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1700000000);
	assert_int_equal(scratch_count(bench.workdir.fd), 1);
}

static void directories_are_made(void)
{
	BENCH;
	check_status(bake_place_file(
			     &bench.workdir, path_of("a/b/c"), bake_span_text(""), 0, &bench.err),
		&bench.err, BAKE_OK, NULL);
	check_status(bake_place_link(&bench.workdir, path_of("a/d/e"), "x", 0, &bench.err),
		&bench.err, BAKE_OK, NULL);
	assert_true(scratch_says(bench.root, "a/b/c", ""));
	assert_true(leads_to(bench.root, "a/d/e", "x"));
}

static void no_directory_is_a_link(void)
{
	BENCH;
	assert_int_equal(mkdirat(bench.root, "real", 0700), 0);
	assert_int_equal(symlinkat("real", bench.root, "d"), 0);
	check_status(bake_place_file(
			     &bench.workdir, path_of("d/name"), bake_span_text("x"), 0, &bench.err),
		&bench.err, BAKE_ERR_CANTCREATE, "path.symlink");
	bench.err = BAKE_ERROR_INIT;
	check_status(bake_place_link(&bench.workdir, path_of("d/name"), "x", 0, &bench.err),
		&bench.err, BAKE_ERR_CANTCREATE, "path.symlink");
	assert_false(scratch_has(bench.root, "real/name"));
}

/* A run that was killed left its temporary thing: the next one is not kept from its own. */
static void what_is_left_over_is_no_hindrance(void)
{
	BENCH;
	scratch_text(bench.workdir.fd, "place.tmp", "half");
	check_status(bake_place_link(&bench.workdir, path_of("l"), "x", 0, &bench.err), &bench.err,
		BAKE_OK, NULL);
	assert_int_equal(symlinkat("../other", bench.workdir.fd, "place.tmp"), 0);
	check_status(
		bake_place_file(&bench.workdir, path_of("f"), bake_span_text("x"), 0, &bench.err),
		&bench.err, BAKE_OK, NULL);
	assert_true(scratch_says(bench.root, "f", "x"));
	assert_false(scratch_has(bench.root, "other"));
}

static const struct scenario others[] = {
	{"directories are made", directories_are_made},
	{"no directory on the way is a link", no_directory_is_a_link},
	{"what is left over is no hindrance", what_is_left_over_is_no_hindrance},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(befores, try_file),
		ROWS(befores, try_link),
		ROWS(others, play_scenario),
	};

	return run_rows("fs/place", tables, countof(tables));
}
