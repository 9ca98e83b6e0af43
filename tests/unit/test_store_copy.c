/* SPDX-License-Identifier: Apache-2.0 */
/* Files copied through the sink, and the cache they come from. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest/hasher.h"
#include "store/cache.h"
#include "store/copy.h"
#include "unit/scratch.h"

#define CONTENT "the content that was pinned"
#define LEN	(sizeof(CONTENT) - 1)

static struct bake_sink_target target_of(const char *path)
{
	struct bake_sink_target target = {.size = LEN, .mtime = 1700000000};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse_model(path, &target.path, &err), &err, BAKE_OK, NULL);
	check_status(
		bake_digest_of(bake_span_text(CONTENT), &target.sha256, &err), &err, BAKE_OK, NULL);
	return target;
}

/* part: what an earlier run left of the file; NULL: nothing. */
static const struct copy_row {
	const char *name;
	const char *source;
	const char *part;
	enum bake_status want;
	const char *id;
} copies[] = {
	{"good", CONTENT, NULL, BAKE_OK, NULL},
	{"behind a good part", CONTENT, "the content", BAKE_OK, NULL},
	{"behind a whole part", CONTENT, CONTENT, BAKE_OK, NULL},
	{"behind a part of other content", CONTENT, "garbage", BAKE_OK, NULL},
	{"behind a whole part of other content", CONTENT, "THE CONTENT THAT WAS PINNED", BAKE_OK,
		NULL},
	{"a flipped byte", "the content that was pinneD", NULL, BAKE_ERR_INTEGRITY,
		"integrity.sha256"},
	{"too short", "the content", NULL, BAKE_ERR_INTEGRITY, "integrity.size"},
	{"too long", CONTENT "\n", NULL, BAKE_ERR_INTEGRITY, "integrity.size"},
	{"empty", "", NULL, BAKE_ERR_INTEGRITY, "integrity.size"},
};

static void leave_part(
	const struct bake_workdir *workdir, const struct bake_sink_target *target, const char *text)
{
	char name[BAKE_PART_NAME_MAX];

	bake_sink_part_name(&target->sha256, target->path, name);
	scratch_text(workdir->fd, name, text);
}

static enum bake_status copy(const struct bake_workdir *workdir,
	const struct bake_sink_target *target, int from, struct bake_error *err)
{
	_cleanup_(bake_sink_close) struct bake_sink sink = BAKE_SINK_INIT;

	BAKE_TRY(bake_sink_open(&sink, workdir, target, err));
	return bake_store_copy(from, &sink, NULL, err);
}

static void try_copy(void **state)
{
	const struct copy_row *row = *state;
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_(bake_workdir_close) struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	_cleanup_close_ int from = -1;
	struct bake_sink_target target = target_of("d/file");
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status;

	scratch_text(root, "source", row->source);
	from = openat(root, "source", O_RDONLY | O_CLOEXEC);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_OK, NULL);
	if (row->part)
		leave_part(&workdir, &target, row->part);
	status = copy(&workdir, &target, from, &err);
	check_status(status, &err, row->want, row->id);
	assert_int_equal(scratch_has(root, "d/file"), row->want == BAKE_OK);
	if (row->want == BAKE_OK)
		assert_true(scratch_says(root, "d/file", CONTENT));
	assert_true(scratch_says(root, "source", row->source));
}

/* More than a piece at a time, from wherever the descriptor stands. */
static void a_large_file_is_copied_in_pieces(void)
{
	enum {
		LARGE = 3 * 1024 * 1024 + 5
	};
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_(bake_workdir_close) struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	_cleanup_free_ uint8_t *bytes = malloc(LARGE);
	_cleanup_close_ int from = -1;
	struct bake_sink_target target = target_of("large");
	struct bake_error err = BAKE_ERROR_INIT;

	assert_non_null(bytes);
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	scratch_write(root, "source", bytes, LARGE);
	target.size = LARGE;
	check_status(
		bake_digest_of(bake_span(bytes, LARGE), &target.sha256, &err), &err, BAKE_OK, NULL);
	from = openat(root, "source", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(from, 100, SEEK_SET), 100);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_OK, NULL);
	check_status(copy(&workdir, &target, from, &err), &err, BAKE_OK, NULL);
	assert_true(scratch_holds(root, "large", bytes, LARGE));
}

/* A cache and where it keeps CONTENT. */
struct bench {
	int dir;
	struct bake_cache cache;
	struct bake_arena arena;
	struct bake_sink_target target;
	struct bake_error err;
};

static void bench_close(struct bench *bench)
{
	bake_cache_close(&bench->cache);
	bake_arena_release(&bench->arena);
	(void)close(bench->dir);
}

static void bench_open(struct bench *bench)
{
	char where[SCRATCH_PATH];
	char path[SCRATCH_PATH + 32];

	*bench = (struct bench){
		.dir = scratch_open(where),
		.cache = BAKE_CACHE_INIT,
		.arena = BAKE_ARENA_INIT(10000),
		.target = target_of("replaced"),
	};
	(void)snprintf(path, sizeof(path), "%s/made/cache", where);
	check_status(bake_cache_open(&bench->cache, path, &bench->err), &bench->err, BAKE_OK, NULL);
	check_status(bake_cache_path(&bench->arena, &bench->target.sha256, &bench->target.path,
			     &bench->err),
		&bench->err, BAKE_OK, NULL);
}

#define BENCH                                                                                      \
	_cleanup_(bench_close) struct bench bench;                                                 \
	bench_open(&bench)

static void fill(struct bench *bench)
{
	_cleanup_(bake_sink_close) struct bake_sink sink = BAKE_SINK_INIT;

	check_status(bake_sink_open(&sink, &bench->cache.workdir, &bench->target, &bench->err),
		&bench->err, BAKE_OK, NULL);
	check_status(bake_sink_write(&sink, 0, bake_span_text(CONTENT), &bench->err), &bench->err,
		BAKE_OK, NULL);
	check_status(bake_sink_commit(&sink, &bench->err), &bench->err, BAKE_OK, NULL);
}

static void files_are_kept_by_content(void)
{
	char want[100];
	char hex[BAKE_DIGEST_HEX_MAX];

	BENCH;
	(void)bake_digest_hex(&bench.target.sha256, hex);
	(void)snprintf(want, sizeof(want), "sha256/%.2s/%s", hex, hex);
	assert_string_equal(bench.target.path.text, want);
	fill(&bench);
	assert_true(scratch_says(bench.cache.root, want, CONTENT));
}

static void what_is_kept_is_found(void)
{
	_cleanup_close_ int fd = -1;
	char text[LEN + 1];

	BENCH;
	check_status(bake_cache_find(&bench.cache, bench.target.path, LEN, &fd, &bench.err),
		&bench.err, BAKE_OK, NULL);
	assert_int_equal(fd, -1);
	fill(&bench);
	check_status(bake_cache_find(&bench.cache, bench.target.path, LEN, &fd, &bench.err),
		&bench.err, BAKE_OK, NULL);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), LEN);
	assert_memory_equal(text, CONTENT, LEN);
}

static void a_file_of_another_size_is_dropped(void)
{
	int fd = 42;

	BENCH;
	fill(&bench);
	check_status(bake_cache_find(&bench.cache, bench.target.path, LEN + 1, &fd, &bench.err),
		&bench.err, BAKE_OK, NULL);
	assert_int_equal(fd, -1);
	assert_false(scratch_has(bench.cache.root, bench.target.path.text));
}

static void a_link_in_the_cache_is_not_followed(void)
{
	int fd = 42;

	BENCH;
	fill(&bench);
	bake_cache_drop(&bench.cache, bench.target.path);
	scratch_text(bench.cache.root, "elsewhere", CONTENT);
	assert_int_equal(symlinkat("../../elsewhere", bench.cache.root, bench.target.path.text), 0);
	check_status(bake_cache_find(&bench.cache, bench.target.path, LEN, &fd, &bench.err),
		&bench.err, BAKE_ERR_CANTCREATE, "path.symlink");
	assert_int_equal(fd, -1);
}

static const struct scenario others[] = {
	{"a large file is copied in pieces", a_large_file_is_copied_in_pieces},
	{"cache: files are kept by content", files_are_kept_by_content},
	{"cache: what is kept is found", what_is_kept_is_found},
	{"cache: a file of another size is dropped", a_file_of_another_size_is_dropped},
	{"cache: a link is not followed", a_link_in_the_cache_is_not_followed},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(copies, try_copy),
		ROWS(others, play_scenario),
	};

	return run_rows("store/copy", tables, countof(tables));
}
