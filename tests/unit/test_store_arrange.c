/* SPDX-License-Identifier: Apache-2.0 */
/* Links and texts of a layout on a file system: what is right, what is put right, what is not
 * touched. */
#include "unit/rows.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/arrange.h"
#include "unit/scratch.h"
#include "unit/workbench.h"

static struct bake_relpath path_of(const char *text)
{
	return (struct bake_relpath){text, strlen(text)};
}

static struct bake_layout_entry entry_of(enum bake_layout_kind kind)
{
	return (struct bake_layout_entry){.kind = kind,
		.path = path_of("d/entry"),
		.text = kind == BAKE_LAYOUT_LINK ? "../blob" : "text\n",
		.of = path_of("blob")};
}

static void set_time(int root, const char *name, time_t seconds, long nanoseconds)
{
	struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};

	assert_int_equal(utimensat(root, name, times, 0), 0);
}

/* What is at d/entry, how that looks, and whether applying the entry puts it right. The blob's
 * time is 1234567890.9. */
static const struct look_row {
	const char *name;
	enum bake_layout_kind kind;
	const char *file; /* its text; NULL: no file */
	const char *link; /* its target; NULL: no link */
	bool directory;
	enum bake_arrange_state want;
	const char *id;
} looks[] = {
	{"a link, absent", BAKE_LAYOUT_LINK, NULL, NULL, false, BAKE_ARRANGE_ABSENT, NULL},
	{"a link, right", BAKE_LAYOUT_LINK, NULL, "../blob", false, BAKE_ARRANGE_RIGHT, NULL},
	{"a link, to another file", BAKE_LAYOUT_LINK, NULL, "../other", false, BAKE_ARRANGE_BLOCKED,
		"path.symlink"},
	{"a link, longer", BAKE_LAYOUT_LINK, NULL, "../blobs", false, BAKE_ARRANGE_BLOCKED,
		"path.symlink"},
	{"a link, by another way", BAKE_LAYOUT_LINK, NULL, ".././blob", false, BAKE_ARRANGE_BLOCKED,
		"path.symlink"},
	{"a link, outside", BAKE_LAYOUT_LINK, NULL, "/etc/passwd", false, BAKE_ARRANGE_BLOCKED,
		"path.symlink"},
	{"a link, a file", BAKE_LAYOUT_LINK, "../blob", NULL, false, BAKE_ARRANGE_BLOCKED,
		"path.type"},
	{"a link, a directory", BAKE_LAYOUT_LINK, NULL, NULL, true, BAKE_ARRANGE_BLOCKED,
		"path.type"},
	{"a text, absent", BAKE_LAYOUT_TEXT, NULL, NULL, false, BAKE_ARRANGE_ABSENT, NULL},
	{"a text, right", BAKE_LAYOUT_TEXT, "text\n", NULL, false, BAKE_ARRANGE_RIGHT, NULL},
	{"a text, empty", BAKE_LAYOUT_TEXT, "", NULL, false, BAKE_ARRANGE_STALE, NULL},
	{"a text, shorter", BAKE_LAYOUT_TEXT, "text", NULL, false, BAKE_ARRANGE_STALE, NULL},
	{"a text, longer", BAKE_LAYOUT_TEXT, "text\n\n", NULL, false, BAKE_ARRANGE_STALE, NULL},
	{"a text, as long", BAKE_LAYOUT_TEXT, "next\n", NULL, false, BAKE_ARRANGE_STALE, NULL},
	{"a text, a link to a right one", BAKE_LAYOUT_TEXT, NULL, "../right", false,
		BAKE_ARRANGE_BLOCKED, "path.symlink"},
	{"a text, a directory", BAKE_LAYOUT_TEXT, NULL, NULL, true, BAKE_ARRANGE_BLOCKED,
		"path.type"},
	{"a timed text, absent", BAKE_LAYOUT_TIMED, NULL, NULL, false, BAKE_ARRANGE_ABSENT, NULL},
	{"a timed text, right", BAKE_LAYOUT_TIMED, "text\n1234567890.0\n", NULL, false,
		BAKE_ARRANGE_RIGHT, NULL},
	{"a timed text, another time", BAKE_LAYOUT_TIMED, "text\n1234567891.0\n", NULL, false,
		BAKE_ARRANGE_STALE, NULL},
	{"a timed text, without a time", BAKE_LAYOUT_TIMED, "text\n", NULL, false,
		BAKE_ARRANGE_STALE, NULL},
};

static void prepare(int root, const struct look_row *row)
{
	scratch_text(root, "blob", "content");
	scratch_text(root, "right", "text\n");
	set_time(root, "blob", 1234567890, 900000000);
	assert_int_equal(mkdirat(root, "d", 0700), 0);
	if (row->file)
		scratch_text(root, "d/entry", row->file);
	if (row->link)
		assert_int_equal(symlinkat(row->link, root, "d/entry"), 0);
	if (row->directory)
		assert_int_equal(mkdirat(root, "d/entry", 0700), 0);
}

static enum bake_arrange_state look(
	struct bench *bench, const struct bake_layout_entry *entry, struct bake_error *why)
{
	enum bake_arrange_state state = BAKE_ARRANGE_RIGHT;

	check_status(bake_arrange_look(bench->root, entry, &state, why, &bench->err), &bench->err,
		BAKE_OK, NULL);
	return state;
}

static void try_look(void **state)
{
	const struct look_row *row = *state;
	struct bake_layout_entry entry = entry_of(row->kind);
	struct bake_layout_plan plan = {.entries = &entry, .count = 1};
	struct bake_error why;
	enum bake_status status;
	bool changed = false;

	BENCH;
	prepare(bench.root, row);
	assert_int_equal(look(&bench, &entry, &why), row->want);
	status = bake_arrange_apply(&bench.workdir, &plan, 0, &changed, &bench.err);
	if (row->want == BAKE_ARRANGE_BLOCKED) {
		assert_string_equal(why.id, row->id);
		check_status(status, &bench.err, BAKE_ERR_CANTCREATE, row->id);
		assert_false(changed);
		bench.err = BAKE_ERROR_INIT;
		assert_int_equal(look(&bench, &entry, &why), BAKE_ARRANGE_BLOCKED);
		return;
	}
	check_status(status, &bench.err, BAKE_OK, NULL);
	assert_int_equal(changed, row->want != BAKE_ARRANGE_RIGHT);
	assert_int_equal(look(&bench, &entry, &why), BAKE_ARRANGE_RIGHT);
}

/* Where directories are missing or are links, links are not looked for elsewhere. */
static void directories_are_not_followed(void)
{
	struct bake_layout_entry link = entry_of(BAKE_LAYOUT_LINK);
	struct bake_layout_entry text = entry_of(BAKE_LAYOUT_TEXT);
	struct bake_error why;

	BENCH;
	assert_int_equal(look(&bench, &link, &why), BAKE_ARRANGE_ABSENT);
	assert_int_equal(look(&bench, &text, &why), BAKE_ARRANGE_ABSENT);
	assert_int_equal(mkdirat(bench.root, "real", 0700), 0);
	assert_int_equal(symlinkat("../blob", bench.root, "real/entry"), 0);
	assert_int_equal(symlinkat("real", bench.root, "d"), 0);
	assert_int_equal(look(&bench, &link, &why), BAKE_ARRANGE_BLOCKED);
	assert_string_equal(why.id, "path.symlink");
	assert_int_equal(look(&bench, &text, &why), BAKE_ARRANGE_BLOCKED);
	assert_string_equal(why.id, "path.symlink");
}

/* A time cannot be told of a file that is not there: nothing is written in its place. */
static void a_time_needs_its_file(void)
{
	struct bake_layout_entry entry = entry_of(BAKE_LAYOUT_TIMED);
	struct bake_layout_plan plan = {.entries = &entry, .count = 1};
	bool changed = false;

	BENCH;
	check_status(bake_arrange_apply(&bench.workdir, &plan, 0, &changed, &bench.err), &bench.err,
		BAKE_ERR_INTEGRITY, "integrity.changed");
	assert_false(changed);
	assert_false(scratch_has(bench.root, "d"));
}

static void a_time_before_1970(void)
{
	struct bake_layout_entry entry = entry_of(BAKE_LAYOUT_TIMED);
	struct bake_layout_plan plan = {.entries = &entry, .count = 1};
	bool changed = false;

	BENCH;
	scratch_text(bench.root, "blob", "content");
	set_time(bench.root, "blob", -7, 500000000);
	check_status(bake_arrange_apply(&bench.workdir, &plan, 0, &changed, &bench.err), &bench.err,
		BAKE_OK, NULL);
	assert_true(scratch_says(bench.root, "d/entry", "text\n-7.0\n"));
}

/* What announces a snapshot is not there before what it announces. */
static void refs_come_last(void)
{
	struct bake_layout_entry entries[] = {
		{.kind = BAKE_LAYOUT_TEXT,
			.turn = BAKE_LAYOUT_REFS,
			.path = path_of("a"),
			.text = "x"},
		{.kind = BAKE_LAYOUT_TEXT,
			.turn = BAKE_LAYOUT_TREES,
			.path = path_of("b"),
			.text = "x"},
		{.kind = BAKE_LAYOUT_LINK,
			.turn = BAKE_LAYOUT_FILES,
			.path = path_of("c"),
			.text = "x"},
	};
	struct bake_layout_plan plan = {.entries = entries, .count = countof(entries)};
	bool changed = false;

	BENCH;
	scratch_text(bench.root, "c", "in the way");
	check_status(bake_arrange_apply(&bench.workdir, &plan, 0, &changed, &bench.err), &bench.err,
		BAKE_ERR_CANTCREATE, "path.type");
	assert_false(scratch_has(bench.root, "a") || scratch_has(bench.root, "b"));
	assert_int_equal(unlinkat(bench.root, "c", 0), 0);
	assert_int_equal(mkdirat(bench.root, "b", 0700), 0);
	bench.err = BAKE_ERROR_INIT;
	check_status(bake_arrange_apply(&bench.workdir, &plan, 0, &changed, &bench.err), &bench.err,
		BAKE_ERR_CANTCREATE, "path.type");
	assert_true(scratch_has(bench.root, "c"));
	assert_false(scratch_has(bench.root, "a"));
}

static const struct scenario others[] = {
	{"directories are not followed", directories_are_not_followed},
	{"a time needs its file", a_time_needs_its_file},
	{"a time before 1970", a_time_before_1970},
	{"refs come last", refs_come_last},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(looks, try_look),
		ROWS(others, play_scenario),
	};

	return run_rows("store/arrange", tables, countof(tables));
}
