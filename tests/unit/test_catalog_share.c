/* SPDX-License-Identifier: Apache-2.0 */
/* Two files become one: only when they are what they were, and the same. */
#include "unit/rows.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/share.h"
#include "unit/scratch.h"

struct bed {
	struct bake_workdir workdir;
	struct bake_share_file keep;
	struct bake_share_file twin;
};

static void put(int root, const char *name, const char *text)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void look(int root, const char *name, struct bake_share_file *out)
{
	struct bake_error err = BAKE_ERROR_INIT;

	assert_int_equal(bake_relpath_parse(name, &out->path, &err), BAKE_OK);
	assert_int_equal(fstatat(root, name, &out->st, AT_SYMLINK_NOFOLLOW), 0);
}

static struct bed make_bed(const char *keep, const char *twin)
{
	struct bake_error err = BAKE_ERROR_INIT;
	char path[SCRATCH_PATH];
	int root = scratch_open(path);
	struct bed bed = {.workdir = BAKE_WORKDIR_INIT};

	assert_int_equal(mkdirat(root, "d", 0755), 0);
	put(root, "a", keep);
	put(root, "d/b", twin);
	look(root, "a", &bed.keep);
	look(root, "d/b", &bed.twin);
	assert_int_equal(bake_workdir_open(root, 0, NULL, &bed.workdir, &err), BAKE_OK);
	return bed;
}

/* How it ends, and whether the names are of one file then. Nothing stays in .bake. */
static void try(struct bed *bed, enum bake_status want, const char *id)
{
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_share_method done;
	struct stat a;
	struct stat b;
	int root = bed->workdir.root;
	enum bake_status got =
		bake_share(&bed->workdir, &bed->keep, &bed->twin, BAKE_SHARE_HARDLINK, &done, &err);

	check_status(got, &err, want, id);
	assert_true(fstatat(bed->workdir.fd, "share", &a, AT_SYMLINK_NOFOLLOW) != 0);
	bake_workdir_remove(&bed->workdir);
	if (fstatat(root, "a", &a, 0) == 0 && fstatat(root, "d/b", &b, 0) == 0)
		assert_int_equal(a.st_ino == b.st_ino, want == BAKE_OK);
	(void)close(root);
}

static void the_same(void)
{
	struct bed bed = make_bed("text", "text");

	try(&bed, BAKE_OK, NULL);
}

static void different(void)
{
	struct bed bed = make_bed("text", "texT");

	try(&bed, BAKE_ERR_INTEGRITY, "integrity.changed");
}

static void replaced_since(void)
{
	struct bed bed = make_bed("text", "text");

	put(bed.workdir.root, "c", "text");
	assert_int_equal(renameat(bed.workdir.root, "c", bed.workdir.root, "d/b"), 0);
	try(&bed, BAKE_ERR_INTEGRITY, "integrity.changed");
}

static void written_since(void)
{
	struct bed bed = make_bed("text", "text");
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	assert_int_equal(utimensat(bed.workdir.root, "a", times, 0), 0);
	try(&bed, BAKE_ERR_INTEGRITY, "integrity.changed");
}

static void a_link_in_its_place(void)
{
	struct bed bed = make_bed("text", "text");

	assert_int_equal(unlinkat(bed.workdir.root, "d/b", 0), 0);
	assert_int_equal(symlinkat("../a", bed.workdir.root, "d/b"), 0);
	{
		struct bake_error err = BAKE_ERROR_INIT;
		enum bake_share_method done;

		assert_int_not_equal(bake_share(&bed.workdir, &bed.keep, &bed.twin,
					     BAKE_SHARE_HARDLINK, &done, &err),
			BAKE_OK);
	}
	bake_workdir_remove(&bed.workdir);
	(void)close(bed.workdir.root);
}

static void another_mode(void)
{
	struct bed bed = make_bed("text", "text");

	assert_int_equal(fchmodat(bed.workdir.root, "d/b", 0600, 0), 0);
	look(bed.workdir.root, "d/b", &bed.twin);
	try(&bed, BAKE_ERR_UNAVAILABLE, "share.impossible");
}

static void another_file_system(void)
{
	struct bed bed = make_bed("text", "text");

	bed.twin.st.st_dev++;
	try(&bed, BAKE_ERR_UNAVAILABLE, "share.impossible");
}

static void blocks(void)
{
	struct bed bed = make_bed("text", "text");
	int a = openat(bed.workdir.root, "a", O_RDONLY | O_CLOEXEC);
	int b = openat(bed.workdir.root, "d/b", O_RDONLY | O_CLOEXEC);

	assert_false(bake_share_has_same_blocks(a, b));
	assert_false(bake_share_has_same_blocks(-1, b));
	(void)close(a);
	(void)close(b);
	try(&bed, BAKE_OK, NULL);
}

static const struct scenario scenarios[] = {
	{"the same become one", the_same},
	{"different ones stay", different},
	{"what was replaced since stays", replaced_since},
	{"what was written since stays", written_since},
	{"a link in its place is not followed", a_link_in_its_place},
	{"a mode is kept", another_mode},
	{"never across file systems", another_file_system},
	{"two files have their own blocks", blocks},
};

int main(void)
{
	const struct rows tables[] = {ROWS(scenarios, play_scenario)};

	return run_rows("catalog_share", tables, countof(tables));
}
