/* SPDX-License-Identifier: Apache-2.0 */
/* Where links lead, and the way from a directory to a file: as words. */
#include "unit/rows.h"

#include <string.h>

#include "base/arena.h"
#include "link/where.h"

static const struct lead_row {
	const char *name;
	const char *dir;
	const char *text;
	const char *path;
} leads[] = {
	{"an absolute one", "/a/b", "/x/y", "/x/y"},
	{"a neighbour", "/a/b", "c", "/a/b/c"},
	{"up", "/a/b", "../c", "/a/c"},
	{"up and up past the root", "/a", "../../../c", "/c"},
	{"to the root", "/a", "..", "/"},
	{"dots and slashes", "/a", ".//./b/.", "/a/b"},
	{"from the root", "/", "b/c", "/b/c"},
	{"nothing", "/a", "", "/a"},
};

static void try_lead(void **state)
{
	const struct lead_row *row = *state;
	struct bake_arena arena = BAKE_ARENA_INIT(65536);

	assert_string_equal(bake_where_leads(&arena, row->dir, row->text), row->path);
	bake_arena_release(&arena);
}

static const struct lead_row ways[] = {
	{"below", "/a/b", "c/d", "/a/b/c/d"},
	{"beside", "/a/b", "../c", "/a/c"},
	{"a name that begins alike", "/a/b", "../bc/d", "/a/bc/d"},
	{"a directory that begins alike", "/a/bc", "../b/d", "/a/b/d"},
	{"nothing in common", "/a/b", "../../x/y", "/x/y"},
	{"from the root", "/", "x/y", "/x/y"},
	{"the directory itself", "/a/b", ".", "/a/b"},
	{"deep", "/a/b/c/d", "../../../m/f", "/a/m/f"},
};

static void try_way(void **state)
{
	const struct lead_row *row = *state;
	struct bake_arena arena = BAKE_ARENA_INIT(65536);

	assert_string_equal(bake_where_relative(&arena, row->dir, row->path), row->text);
	assert_string_equal(bake_where_leads(&arena, row->dir, row->text), row->path);
	bake_arena_release(&arena);
}

static const struct below_row {
	const char *name;
	const char *root;
	const char *path;
	bool want;
} belows[] = {
	{"itself", "/a", "/a", true},
	{"below", "/a", "/a/b", true},
	{"below the root", "/", "/a/b", true},
	{"a name that begins alike", "/a", "/ab", false},
	{"above", "/a/b", "/a", false},
};

static void try_below(void **state)
{
	const struct below_row *row = *state;

	assert_int_equal(bake_where_below(row->root, row->path), row->want);
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(leads, try_lead),
		ROWS(ways, try_way),
		ROWS(belows, try_below),
	};

	return run_rows("link/where", tables, countof(tables));
}
