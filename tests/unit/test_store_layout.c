/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping from files to layouts: places, links, texts, and what cannot be laid out. */
#include "unit/rows.h"

#include <string.h>

#include "store/layout.h"

#define C40 "0123456789abcdef0123456789abcdef01234567"
#define D40 "89abcdef0123456789abcdef0123456789abcdef"
#define S40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct bake_digest hex(enum bake_digest_kind kind, const char *text)
{
	struct bake_digest digest = {0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_digest_parse_hex(kind, text, &digest, &err), &err, BAKE_OK, NULL);
	return digest;
}

/* An input file. git: its git_sha1, NULL for LFS. */
struct given {
	const char *repository;
	const char *path;
	const char *name;
	const char *git;
	const char *commit; /* NULL: C40 */
};

/* The digests that a struct bake_layout_file points to. */
struct digests {
	struct bake_digest sha256;
	struct bake_digest git_sha1;
};

static struct bake_layout_file file_of(const struct given *given, struct digests *digests)
{
	*digests = (struct digests){.sha256 = hex(BAKE_DIGEST_SHA256, L64)};
	if (given->git)
		digests->git_sha1 = hex(BAKE_DIGEST_GIT_SHA1, given->git);
	return (struct bake_layout_file){
		.repository = given->repository,
		.commit = given->commit ? given->commit : C40,
		.path = given->path,
		.name = given->name,
		.size = 300000,
		.sha256 = &digests->sha256,
		.git_sha1 = &digests->git_sha1,
	};
}

#define LONG_50	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_250 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50

/* One file in one layout: where its bytes and its name are, and the one entry that it adds (the
 * .gitignore of hf-local apart). bytes NULL: it fails with id; entry NULL: it adds none. */
static const struct file_row {
	const char *name;
	enum bake_layout layout;
	struct given given;
	const char *bytes;
	const char *shown;
	bool known;
	const char *entry;
	enum bake_layout_kind kind;
	const char *text;
	const char *id;
} files[] = {
	{"plain", BAKE_LAYOUT_PLAIN, {"o/n", "m/d/w.bin", "d/w.bin", NULL, NULL}, "m/d/w.bin",
		"m/d/w.bin", true, NULL, 0, NULL, NULL},
	{"plain, no repository", BAKE_LAYOUT_PLAIN, {NULL, "m/w.bin", "w.bin", NULL, NULL},
		"m/w.bin", "m/w.bin", true, NULL, 0, NULL, NULL},
	{"local, LFS", BAKE_LAYOUT_HF_LOCAL, {"o/n", "m/d/w.bin", "d/w.bin", NULL, NULL},
		"m/d/w.bin", "m/d/w.bin", true, "m/.cache/huggingface/download/d/w.bin.metadata",
		BAKE_LAYOUT_TIMED, C40 "\n" L64 "\n", NULL},
	{"local, git", BAKE_LAYOUT_HF_LOCAL, {"o/n", "m/c.json", "c.json", S40, NULL}, "m/c.json",
		"m/c.json", true, "m/.cache/huggingface/download/c.json.metadata",
		BAKE_LAYOUT_TIMED, C40 "\n" S40 "\n", NULL},
	{"local, in the models directory itself", BAKE_LAYOUT_HF_LOCAL,
		{"o/n", "d/c.json", "d/c.json", S40, NULL}, "d/c.json", "d/c.json", true,
		".cache/huggingface/download/d/c.json.metadata", BAKE_LAYOUT_TIMED,
		C40 "\n" S40 "\n", NULL},
	{"local, saved under another name", BAKE_LAYOUT_HF_LOCAL,
		{"o/n", "m/W.bin", "w.bin", NULL, NULL}, "m/W.bin", "m/W.bin", false, NULL, 0, NULL,
		NULL},
	{"local, a longer name that ends alike", BAKE_LAYOUT_HF_LOCAL,
		{"o/n", "m/new.bin", "w.bin", NULL, NULL}, "m/new.bin", "m/new.bin", false, NULL, 0,
		NULL, NULL},
	{"local, no repository", BAKE_LAYOUT_HF_LOCAL, {NULL, "m/w.bin", "w.bin", NULL, NULL},
		"m/w.bin", "m/w.bin", false, NULL, 0, NULL, NULL},
	{"cache, LFS", BAKE_LAYOUT_HF_CACHE, {"o/n", "m/w.bin", "w.bin", NULL, NULL},
		"models--o--n/blobs/" L64, "models--o--n/snapshots/" C40 "/w.bin", true,
		"models--o--n/snapshots/" C40 "/w.bin", BAKE_LAYOUT_LINK, "../../blobs/" L64, NULL},
	{"cache, git", BAKE_LAYOUT_HF_CACHE, {"o/n", "m/c.json", "c.json", S40, NULL},
		"models--o--n/blobs/" S40, "models--o--n/snapshots/" C40 "/c.json", true,
		"models--o--n/snapshots/" C40 "/c.json", BAKE_LAYOUT_LINK, "../../blobs/" S40,
		NULL},
	{"cache, three directories down", BAKE_LAYOUT_HF_CACHE,
		{"o/n", "m/w", "a/b/c/w", NULL, NULL}, "models--o--n/blobs/" L64,
		"models--o--n/snapshots/" C40 "/a/b/c/w", true,
		"models--o--n/snapshots/" C40 "/a/b/c/w", BAKE_LAYOUT_LINK,
		"../../../../../blobs/" L64, NULL},
	{"cache, a repository without an owner", BAKE_LAYOUT_HF_CACHE,
		{"gpt2", "m/w", "w", NULL, NULL}, "models--gpt2/blobs/" L64,
		"models--gpt2/snapshots/" C40 "/w", true, "models--gpt2/snapshots/" C40 "/w",
		BAKE_LAYOUT_LINK, "../../blobs/" L64, NULL},
	{"cache, saved under another name", BAKE_LAYOUT_HF_CACHE,
		{"o/n", "m/W.bin", "w.bin", NULL, NULL}, "models--o--n/blobs/" L64,
		"models--o--n/snapshots/" C40 "/w.bin", true,
		"models--o--n/snapshots/" C40 "/w.bin", BAKE_LAYOUT_LINK, "../../blobs/" L64, NULL},
	{"cache, no repository", BAKE_LAYOUT_HF_CACHE, {NULL, "m/w.bin", "w.bin", NULL, NULL}, NULL,
		NULL, false, NULL, 0, NULL, "layout.source"},
	{"cache, a name that climbs", BAKE_LAYOUT_HF_CACHE,
		{"o/n", "m/w", "../../../w", NULL, NULL}, NULL, NULL, false, NULL, 0, NULL,
		"path.unsafe"},
	{"cache, a repository too long for a directory", BAKE_LAYOUT_HF_CACHE,
		{LONG_250 "/n", "m/w", "w", NULL, NULL}, NULL, NULL, false, NULL, 0, NULL,
		"path.too-long"},
	{"local, no room for the name of its metadata", BAKE_LAYOUT_HF_LOCAL,
		{"o/n", "m/" LONG_250, LONG_250, NULL, NULL}, "m/" LONG_250, "m/" LONG_250, true,
		NULL, 0, NULL, "path.too-long"},
};

static void check_entry(const struct file_row *row, const struct bake_layout_plan *plan)
{
	const struct bake_layout_entry *entry;

	if (!row->entry) {
		assert_int_equal(plan->count, 0);
		return;
	}
	assert_int_equal(plan->count, row->layout == BAKE_LAYOUT_HF_LOCAL ? 2 : 1);
	entry = &plan->entries[plan->count - 1]; /* .gitignore sorts before download/ */
	assert_string_equal(entry->path.text, row->entry);
	assert_int_equal(entry->kind, row->kind);
	assert_int_equal(entry->turn, BAKE_LAYOUT_FILES);
	assert_string_equal(entry->text, row->text);
	if (row->kind == BAKE_LAYOUT_TIMED)
		assert_string_equal(entry->of.text, row->bytes);
}

static void try_file(void **state)
{
	const struct file_row *row = *state;
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(100000);
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(row->layout);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_layout_place place = {0};
	struct digests digests;
	struct bake_layout_file file = file_of(&row->given, &digests);
	enum bake_status status = bake_layout_place(row->layout, &file, &arena, &place, &err);

	if (row->bytes) {
		check_status(status, &err, BAKE_OK, NULL);
		assert_string_equal(place.bytes.text, row->bytes);
		assert_string_equal(place.shown, row->shown);
		assert_int_equal(place.known, row->known);
		status = bake_layout_add_file(&plan, &file, &err);
	}
	if (row->id) {
		assert_int_not_equal(status, BAKE_OK);
		assert_string_equal(err.id, row->id);
		return;
	}
	check_status(status, &err, BAKE_OK, NULL);
	check_status(bake_layout_settle(&plan, &place.bytes, 1, &err), &err, BAKE_OK, NULL);
	check_entry(row, &plan);
}

/* What the client writes for these two files, and for one with a name beyond ASCII. The blob id of
 * the LFS file is git's name of its pointer. */
#define TREE_LFS(name)                                                                             \
	"  \"" name "\": {\n   \"size\": 300000,\n"                                                \
	"   \"blob_id\": \"d2190438ad38e8735e4bc5c07ced78124b67fb56\",\n"                          \
	"   \"lfs_sha256\": \"" L64 "\",\n   \"lfs_size\": 300000\n  }"
#define TREE_GIT(name) "  \"" name "\": {\n   \"size\": 300000,\n   \"blob_id\": \"" S40 "\"\n  }"
#define TREE(files)    "{\n \"format_version\": 1,\n \"files\": {\n" files "\n }\n}"

/* Files of one snapshot, and the tree and the ref that speak of them; NULL: there is none. */
static const struct snapshot_row {
	const char *name;
	enum bake_layout layout;
	bool complete;
	const char *revision;
	struct given given[3];
	const char *tree_path;
	const char *tree;
	const char *ref;
	const char *id;
} snapshots[] = {
	{"cache, all of it", BAKE_LAYOUT_HF_CACHE, true, "main",
		{{"o/n", "m/w", "w", NULL, NULL}, {"o/n", "m/c", "c", S40, NULL}},
		"models--o--n/trees/" C40 ".json", TREE(TREE_GIT("c") ",\n" TREE_LFS("w")),
		"models--o--n/refs/main", NULL},
	{"cache, a part of it", BAKE_LAYOUT_HF_CACHE, false, "main",
		{{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL, "models--o--n/refs/main", NULL},
	{"cache, saved under other names", BAKE_LAYOUT_HF_CACHE, true, "main",
		{{"o/n", "m/x", "w", NULL, NULL}}, "models--o--n/trees/" C40 ".json",
		TREE(TREE_LFS("w")), "models--o--n/refs/main", NULL},
	{"cache, asked for by commit", BAKE_LAYOUT_HF_CACHE, false, C40,
		{{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL, NULL, NULL},
	{"cache, asked for by another commit's name", BAKE_LAYOUT_HF_CACHE, false, D40,
		{{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL, "models--o--n/refs/" D40, NULL},
	{"cache, a pull request", BAKE_LAYOUT_HF_CACHE, false, "refs/pr/1",
		{{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL, "models--o--n/refs/refs/pr/1", NULL},
	{"cache, no revision", BAKE_LAYOUT_HF_CACHE, false, NULL, {{"o/n", "m/w", "w", NULL, NULL}},
		NULL, NULL, NULL, NULL},
	{"cache, a revision that climbs", BAKE_LAYOUT_HF_CACHE, false, "../../../x",
		{{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL, NULL, "path.unsafe"},
	{"cache, an absolute revision", BAKE_LAYOUT_HF_CACHE, false, "/etc/x",
		{{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL, NULL, "path.unsafe"},
	{"local, all of it", BAKE_LAYOUT_HF_LOCAL, true, "main",
		{{"o/n", "m/w", "w", NULL, NULL}, {"o/n", "m/c", "c", S40, NULL}},
		"m/.cache/huggingface/trees/" C40 ".json", TREE(TREE_GIT("c") ",\n" TREE_LFS("w")),
		NULL, NULL},
	{"local, all of it in the models directory", BAKE_LAYOUT_HF_LOCAL, true, "main",
		{{"o/n", "c", "c", S40, NULL}}, ".cache/huggingface/trees/" C40 ".json",
		TREE(TREE_GIT("c")), NULL, NULL},
	{"local, a part of it", BAKE_LAYOUT_HF_LOCAL, false, "main",
		{{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL, NULL, NULL},
	{"local, one saved under another name", BAKE_LAYOUT_HF_LOCAL, true, "main",
		{{"o/n", "m/w", "w", NULL, NULL}, {"o/n", "m/x", "c", S40, NULL}}, NULL, NULL, NULL,
		NULL},
	{"local, the first saved under another name", BAKE_LAYOUT_HF_LOCAL, true, "main",
		{{"o/n", "m/x", "w", NULL, NULL}, {"o/n", "m/c", "c", S40, NULL}}, NULL, NULL, NULL,
		NULL},
	{"local, in two directories", BAKE_LAYOUT_HF_LOCAL, true, "main",
		{{"o/n", "m/w", "w", NULL, NULL}, {"o/n", "k/c", "c", S40, NULL}}, NULL, NULL, NULL,
		NULL},
	{"not of the Hub", BAKE_LAYOUT_HF_LOCAL, true, NULL, {{NULL, "m/w", "w", NULL, NULL}}, NULL,
		NULL, NULL, NULL},
	{"plain", BAKE_LAYOUT_PLAIN, true, "main", {{"o/n", "m/w", "w", NULL, NULL}}, NULL, NULL,
		NULL, NULL},
	{"names beyond ASCII, with quotes, by code point", BAKE_LAYOUT_HF_CACHE, true, NULL,
		{{"o/n", "m/1", "\xc3\xa4\xe2\x82\xac", S40, NULL},
			{"o/n", "m/2", "\xf0\x9f\xa4\x97", S40, NULL},
			{"o/n", "m/3", "a\"b", S40, NULL}},
		"models--o--n/trees/" C40 ".json",
		TREE(TREE_GIT("a\\\"b") ",\n" TREE_GIT("\\u00e4\\u20ac") ",\n" TREE_GIT(
			"\\ud83e\\udd17")),
		NULL, NULL},
};

static void try_snapshot(void **state)
{
	const struct snapshot_row *row = *state;
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(row->layout);
	struct bake_error err = BAKE_ERROR_INIT;
	struct digests digests[countof(row->given)];
	struct bake_layout_file given[countof(row->given)];
	enum bake_status status;
	size_t count = 0;
	size_t at = 0;

	for (; count < countof(row->given) && row->given[count].path; count++)
		given[count] = file_of(&row->given[count], &digests[count]);
	status = bake_layout_add_snapshot(&plan, given, count, row->revision, row->complete, &err);
	if (row->id) {
		assert_int_not_equal(status, BAKE_OK);
		assert_string_equal(err.id, row->id);
		return;
	}
	check_status(status, &err, BAKE_OK, NULL);
	assert_int_equal(plan.count, (row->tree ? 1 : 0) + (row->ref ? 1 : 0));
	if (row->tree) {
		assert_string_equal(plan.entries[at].path.text, row->tree_path);
		assert_string_equal(plan.entries[at].text, row->tree);
		assert_int_equal(plan.entries[at++].turn, BAKE_LAYOUT_TREES);
	}
	if (row->ref) {
		assert_string_equal(plan.entries[at].path.text, row->ref);
		assert_string_equal(plan.entries[at].text, C40);
		assert_int_equal(plan.entries[at].turn, BAKE_LAYOUT_REFS);
	}
}

/* Two models, of one file each, in one plan. count: entries that are left. */
static const struct pair_row {
	const char *name;
	enum bake_layout layout;
	struct given first;
	const char *first_revision;
	struct given second;
	const char *second_revision;
	size_t count;
	const char *id;
} pairs[] = {
	{"the same file twice", BAKE_LAYOUT_HF_CACHE, {"o/n", "a/w", "w", NULL, NULL}, "main",
		{"o/n", "b/w", "w", NULL, NULL}, "main", 2, NULL},
	{"two files of one commit", BAKE_LAYOUT_HF_CACHE, {"o/n", "a/w", "w", NULL, NULL}, "main",
		{"o/n", "b/c", "c", S40, NULL}, "main", 3, NULL},
	{"one commit by two names", BAKE_LAYOUT_HF_CACHE, {"o/n", "a/w", "w", NULL, NULL}, "main",
		{"o/n", "b/w", "w", NULL, NULL}, "v1", 3, NULL},
	{"two commits by one name", BAKE_LAYOUT_HF_CACHE, {"o/n", "a/w", "w", NULL, NULL}, "main",
		{"o/n", "b/w", "w", NULL, D40}, "main", 0, "pin.conflict"},
	{"two commits by two names", BAKE_LAYOUT_HF_CACHE, {"o/n", "a/w", "w", NULL, NULL}, "main",
		{"o/n", "b/w", "w", NULL, D40}, "v1", 4, NULL},
	{"a ref that is a directory of another", BAKE_LAYOUT_HF_CACHE,
		{"o/n", "a/w", "w", NULL, NULL}, "v1", {"o/n", "b/w", "w", NULL, NULL}, "v1/x", 0,
		"path.collision"},
	{"repositories that differ by case", BAKE_LAYOUT_HF_CACHE, {"o/n", "a/w", "w", NULL, NULL},
		"main", {"o/N", "b/w", "w", NULL, NULL}, "main", 0, "path.collision"},
	{"two repositories in one directory", BAKE_LAYOUT_HF_LOCAL, {"o/n", "m/w", "w", NULL, NULL},
		"main", {"o/k", "m/c", "c", S40, NULL}, "main", 3, NULL},
	{"two repositories with one file", BAKE_LAYOUT_HF_LOCAL, {"o/n", "m/w", "w", NULL, NULL},
		"main", {"o/k", "m/w", "w", NULL, D40}, "main", 0, "pin.conflict"},
	{"a file where the client has its own", BAKE_LAYOUT_HF_LOCAL,
		{"o/n", "m/w", "w", NULL, NULL}, "main",
		{"o/k", "m/.cache/huggingface/.gitignore", "x", S40, NULL}, "main", 0,
		"path.collision"},
};

static void try_pair(void **state)
{
	const struct pair_row *row = *state;
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(100000);
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(row->layout);
	const struct given *given[] = {&row->first, &row->second};
	const char *revisions[] = {row->first_revision, row->second_revision};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_relpath places[2];
	enum bake_status status;

	for (size_t i = 0; i < 2; i++) {
		struct digests digests;
		struct bake_layout_file file = file_of(given[i], &digests);
		struct bake_layout_place place;

		check_status(bake_layout_place(row->layout, &file, &arena, &place, &err), &err,
			BAKE_OK, NULL);
		places[i] = place.bytes;
		check_status(bake_layout_add_file(&plan, &file, &err), &err, BAKE_OK, NULL);
		check_status(bake_layout_add_snapshot(&plan, &file, 1, revisions[i], false, &err),
			&err, BAKE_OK, NULL);
	}
	status = bake_layout_settle(&plan, places, 2, &err);
	if (!row->id) {
		check_status(status, &err, BAKE_OK, NULL);
		assert_int_equal(plan.count, row->count);
		return;
	}
	assert_int_not_equal(status, BAKE_OK);
	assert_string_equal(err.id, row->id);
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(files, try_file),
		ROWS(snapshots, try_snapshot),
		ROWS(pairs, try_pair),
	};

	return run_rows("store/layout", tables, countof(tables));
}
