/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: what it keeps, what it forgets, and what it leaves alone. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/sink.h"
#include "store/cache.h"
#include "unit/scratch.h"

#define CONTENT "the content that was pinned"
#define DAMAGED "the content that was pinneD"
#define LEN	(sizeof(CONTENT) - 1)

/* A cache, where it keeps CONTENT, and what it said. */
struct bench {
	char path[SCRATCH_PATH + 32];
	int dir;
	struct bake_cache cache;
	struct bake_arena arena;
	struct bake_cache_entry entry;
	struct bake_error err;
	char said[512];
};

static void on_event(void *context, const struct bake_event *event)
{
	struct bench *bench = context;

	assert_int_equal(event->kind, BAKE_EVENT_NOTICE);
	(void)snprintf(bench->said, sizeof(bench->said), "%s", event->note);
}

static void bench_close(struct bench *bench)
{
	bake_cache_close(&bench->cache);
	bake_arena_release(&bench->arena);
	(void)close(bench->dir);
}

static void bench_open(struct bench *bench)
{
	char where[SCRATCH_PATH];

	*bench = (struct bench){
		.dir = scratch_open(where),
		.cache = BAKE_CACHE_INIT,
		.arena = BAKE_ARENA_INIT(10000),
		.entry = {.size = LEN},
	};
	(void)snprintf(bench->path, sizeof(bench->path), "%s/made/cache", where);
	check_status(bake_digest_of(bake_span_text(CONTENT), &bench->entry.sha256, &bench->err),
		&bench->err, BAKE_OK, NULL);
	check_status(bake_cache_path(
			     &bench->arena, &bench->entry.sha256, &bench->entry.path, &bench->err),
		&bench->err, BAKE_OK, NULL);
}

static enum bake_status open_cache(struct bench *bench)
{
	struct bake_events events = {.emit = on_event, .context = bench};

	bench->said[0] = '\0';
	bake_cache_close(&bench->cache);
	return bake_cache_open(&bench->cache, bench->path, &events, &bench->err);
}

static void open_writable(struct bench *bench)
{
	check_status(open_cache(bench), &bench->err, BAKE_OK, NULL);
	assert_true(bake_cache_is_writable(&bench->cache));
	assert_string_equal(bench->said, "");
}

#define BENCH                                                                                      \
	_cleanup_(bench_close) struct bench bench;                                                 \
	bench_open(&bench);                                                                        \
	open_writable(&bench)

static void fill(struct bench *bench)
{
	_cleanup_(bake_sink_close) struct bake_sink sink = BAKE_SINK_INIT;
	struct bake_sink_target target = {
		.path = bench->entry.path, .sha256 = bench->entry.sha256, .size = LEN};

	check_status(bake_sink_open(&sink, &bench->cache.workdir, &target, &bench->err),
		&bench->err, BAKE_OK, NULL);
	check_status(bake_sink_write(&sink, 0, bake_span_text(CONTENT), &bench->err), &bench->err,
		BAKE_OK, NULL);
	check_status(bake_sink_commit(&sink, &bench->err), &bench->err, BAKE_OK, NULL);
}

/* Puts text under the entry's name, as a new inode. */
static void put(struct bench *bench, const char *text)
{
	scratch_text(bench->cache.root, "new", text);
	assert_int_equal(
		renameat(bench->cache.root, "new", bench->cache.root, bench->entry.path.text), 0);
}

static bool holds(struct bench *bench, const char *text)
{
	return scratch_says(bench->cache.root, bench->entry.path.text, text);
}

static const char *part(struct bench *bench, char name[BAKE_PART_NAME_MAX])
{
	bake_sink_part_name(&bench->entry.sha256, bench->entry.path, name);
	return name;
}
#define PART(bench) part((bench), (char[BAKE_PART_NAME_MAX]){0})

static void files_are_kept_by_content(void)
{
	char want[100];
	char hex[BAKE_DIGEST_HEX_MAX];

	BENCH;
	(void)bake_digest_hex(&bench.entry.sha256, hex);
	(void)snprintf(want, sizeof(want), "sha256/%.2s/%s", hex, hex);
	assert_string_equal(bench.entry.path.text, want);
	fill(&bench);
	assert_true(scratch_says(bench.cache.root, want, CONTENT));
}

static void what_is_kept_is_found(void)
{
	_cleanup_close_ int fd = -1;
	char text[LEN + 1];

	BENCH;
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	fill(&bench);
	fd = bake_cache_find(&bench.cache, &bench.entry);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), LEN);
	assert_memory_equal(text, CONTENT, LEN);
}

static void a_file_of_another_size_is_dropped(void)
{
	BENCH;
	fill(&bench);
	bench.entry.size++;
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	assert_false(scratch_has(bench.cache.root, bench.entry.path.text));
	assert_int_equal(scratch_count(bench.cache.workdir.fd), 0);
}

static void a_damaged_file_is_dropped(void)
{
	_cleanup_close_ int fd = -1;

	BENCH;
	fill(&bench);
	put(&bench, DAMAGED);
	fd = bake_cache_find(&bench.cache, &bench.entry);
	bake_cache_drop(&bench.cache, &bench.entry, fd);
	assert_false(scratch_has(bench.cache.root, bench.entry.path.text));
	assert_int_equal(scratch_count(bench.cache.workdir.fd), 0);
}

/* Two processes found the same bad file; one of them has replaced it already. */
static void a_good_successor_is_not_dropped(void)
{
	_cleanup_close_ int fd = -1;

	BENCH;
	fill(&bench);
	put(&bench, DAMAGED);
	fd = bake_cache_find(&bench.cache, &bench.entry);
	put(&bench, CONTENT);
	bake_cache_drop(&bench.cache, &bench.entry, fd);
	assert_true(holds(&bench, CONTENT));
}

/* Who holds the part may publish at any moment: the name is left to it. */
static void nothing_is_dropped_under_a_fetch(void)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int other = -1;

	BENCH;
	fill(&bench);
	put(&bench, DAMAGED);
	fd = bake_cache_find(&bench.cache, &bench.entry);
	scratch_text(bench.cache.workdir.fd, PART(&bench), "the con");
	other = openat(bench.cache.workdir.fd, PART(&bench), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX), 0);
	bake_cache_drop(&bench.cache, &bench.entry, fd);
	assert_true(holds(&bench, DAMAGED));
	assert_int_equal(flock(other, LOCK_UN), 0);
	bake_cache_drop(&bench.cache, &bench.entry, fd);
	assert_false(scratch_has(bench.cache.root, bench.entry.path.text));
	assert_true(scratch_says(bench.cache.workdir.fd, PART(&bench), "the con"));
}

static void a_file_of_another_owner_is_not_dropped(void)
{
	_cleanup_close_ int fd = -1;

	if (geteuid() != 0)
		return; /* nobody else can give files away */
	BENCH;
	fill(&bench);
	put(&bench, DAMAGED);
	assert_int_equal(fchownat(bench.cache.root, bench.entry.path.text, 12345, (gid_t)-1, 0), 0);
	fd = bake_cache_find(&bench.cache, &bench.entry);
	bake_cache_drop(&bench.cache, &bench.entry, fd);
	assert_true(holds(&bench, DAMAGED));
}

/* What has the entry's name and is no file: not taken, not followed, not removed. */
static void a_link_is_not_followed(void)
{
	BENCH;
	fill(&bench);
	assert_int_equal(unlinkat(bench.cache.root, bench.entry.path.text, 0), 0);
	scratch_text(bench.cache.root, "elsewhere", CONTENT);
	assert_int_equal(symlinkat("../../elsewhere", bench.cache.root, bench.entry.path.text), 0);
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	assert_true(scratch_has(bench.cache.root, bench.entry.path.text));
	assert_true(scratch_says(bench.cache.root, "elsewhere", CONTENT));
}

static void a_linked_directory_is_not_followed(void)
{
	BENCH;
	fill(&bench);
	assert_int_equal(renameat(bench.cache.root, "sha256", bench.dir, "moved"), 0);
	assert_int_equal(symlinkat("../../moved", bench.cache.root, "sha256"), 0);
	bench.entry.size++; /* so that it would be dropped */
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	bench.entry.size--;
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	assert_true(holds(&bench, CONTENT));
}

static void a_directory_is_no_file(void)
{
	BENCH;
	fill(&bench);
	assert_int_equal(unlinkat(bench.cache.root, bench.entry.path.text, 0), 0);
	assert_int_equal(mkdirat(bench.cache.root, bench.entry.path.text, 0700), 0);
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	assert_true(scratch_has(bench.cache.root, bench.entry.path.text));
}

static void a_fifo_does_not_block(void)
{
	BENCH;
	fill(&bench);
	assert_int_equal(unlinkat(bench.cache.root, bench.entry.path.text, 0), 0);
	assert_int_equal(mkfifoat(bench.cache.root, bench.entry.path.text, 0600), 0);
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	assert_true(scratch_has(bench.cache.root, bench.entry.path.text));
}

/* Parts: who has them, and how long they stay. */

static void a_held_part_is_busy(void)
{
	_cleanup_close_ int other = -1;
	struct timespec later[2] = {{.tv_sec = 2000000000}, {.tv_sec = 2000000000}};
	uint64_t before = 0;
	uint64_t after = 0;

	BENCH;
	assert_false(bake_cache_is_busy(&bench.cache, &bench.entry, &before));
	scratch_text(bench.cache.workdir.fd, PART(&bench), "the con");
	assert_false(bake_cache_is_busy(&bench.cache, &bench.entry, &before));
	other = openat(bench.cache.workdir.fd, PART(&bench), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_true(bake_cache_is_busy(&bench.cache, &bench.entry, &before));
	assert_true(bake_cache_is_busy(&bench.cache, &bench.entry, &after));
	assert_true(before == after);
	assert_int_equal(futimens(other, later), 0);
	assert_true(bake_cache_is_busy(&bench.cache, &bench.entry, &after));
	assert_true(before != after);
	assert_int_equal(flock(other, LOCK_UN), 0);
	assert_false(bake_cache_is_busy(&bench.cache, &bench.entry, &before));
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* age in seconds; held: by another process; stays: after the cache was opened. */
static const struct part_row {
	const char *name;
	const char *file;
	time_t age;
	bool held;
	bool stays;
} parts[] = {
	{"a new part", HEX64 "-0123456789abcdef.part", 0, false, true},
	{"a part of six days", HEX64 "-0123456789abcdef.part", 6 * 86400, false, true},
	{"a part of eight days", HEX64 "-0123456789abcdef.part", 8 * 86400, false, false},
	{"a part from the future", HEX64 "-0123456789abcdef.part", -8 * 86400, false, true},
	{"an old part that is held", HEX64 "-0123456789abcdef.part", 8 * 86400, true, true},
	{"not our name", "notes.part", 8 * 86400, false, true},
	{"not hexadecimal", HEX64 "-0123456789abcdeg.part", 8 * 86400, false, true},
	{"a digit too few", HEX64 "-0123456789abcde.part", 8 * 86400, false, true},
	{"a digit too many", HEX64 "0-0123456789abcdef.part", 8 * 86400, false, true},
	{"another suffix", HEX64 "-0123456789abcdef.part.bak", 8 * 86400, false, true},
	{"the lock", "lock", 8 * 86400, false, true},
};

static void try_part(void **state)
{
	const struct part_row *row = *state;
	_cleanup_close_ int fd = -1;
	time_t then = time(NULL) - row->age;
	struct timespec times[2] = {{.tv_sec = then}, {.tv_sec = then}};

	BENCH;
	scratch_text(bench.cache.workdir.fd, row->file, "the con");
	fd = openat(bench.cache.workdir.fd, row->file, O_RDWR | O_CLOEXEC);
	assert_int_equal(futimens(fd, times), 0);
	if (row->held)
		assert_int_equal(flock(fd, LOCK_EX), 0);
	open_writable(&bench);
	assert_int_equal(scratch_has(bench.cache.workdir.fd, row->file), row->stays);
}

static void old_links_and_directories_stay(void)
{
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	const char *link = HEX64 "-0000000000000000.part";
	const char *dir = HEX64 "-0000000000000001.part";

	BENCH;
	assert_int_equal(symlinkat("../elsewhere", bench.cache.workdir.fd, link), 0);
	assert_int_equal(utimensat(bench.cache.workdir.fd, link, times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(mkdirat(bench.cache.workdir.fd, dir, 0700), 0);
	assert_int_equal(utimensat(bench.cache.workdir.fd, dir, times, 0), 0);
	open_writable(&bench);
	assert_true(scratch_has(bench.cache.workdir.fd, link));
	assert_true(scratch_has(bench.cache.workdir.fd, dir));
}

static void an_old_part_of_another_owner_stays(void)
{
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	const char *name = HEX64 "-0123456789abcdef.part";

	if (geteuid() != 0)
		return; /* nobody else can give files away */
	BENCH;
	scratch_text(bench.cache.workdir.fd, name, "the con");
	assert_int_equal(utimensat(bench.cache.workdir.fd, name, times, 0), 0);
	assert_int_equal(fchownat(bench.cache.workdir.fd, name, 12345, (gid_t)-1, 0), 0);
	open_writable(&bench);
	assert_true(scratch_has(bench.cache.workdir.fd, name));
}

/* What is at the cache's path, made beneath dir: how it is opened. */
static void make_file(int dir)
{
	scratch_text(dir, "cache", "");
}

static void make_loop(int dir)
{
	assert_int_equal(symlinkat("cache", dir, "cache"), 0);
}

static void make_foreign_file(int dir)
{
	assert_int_equal(mkdirat(dir, "cache", 0755), 0);
	scratch_text(dir, "cache/.bake", "mine");
}

static void make_foreign_link(int dir)
{
	assert_int_equal(mkdirat(dir, "cache", 0755), 0);
	assert_int_equal(mkdirat(dir, "outside", 0755), 0);
	assert_int_equal(symlinkat("../outside", dir, "cache/.bake"), 0);
}

static void make_foreign_owner(int dir)
{
	assert_int_equal(mkdirat(dir, "cache", 0777), 0);
	assert_int_equal(mkdirat(dir, "cache/.bake", 0777), 0);
	if (geteuid() == 0)
		assert_int_equal(fchownat(dir, "cache/.bake", 12345, (gid_t)-1, 0), 0);
	else
		assert_int_equal(fchmodat(dir, "cache/.bake", 0500, 0), 0);
}

static void make_good(int dir)
{
	assert_int_equal(mkdirat(dir, "cache", 0777), 0);
	scratch_text(dir, "cache/notes", "somebody else's");
}

static const struct open_row {
	const char *name;
	void (*make)(int dir);
	bool open;
	bool writable;
	enum bake_status want;
	const char *id;
} opens[] = {
	{"with other things in it", make_good, true, true, BAKE_OK, NULL},
	{"a file", make_file, false, false, BAKE_ERR_CANTCREATE, "path.type"},
	{"a link to itself", make_loop, false, false, BAKE_ERR_CANTCREATE, "path.symlink"},
	{".bake is a file", make_foreign_file, true, false, BAKE_OK, NULL},
	{".bake is a link", make_foreign_link, true, false, BAKE_OK, NULL},
	{".bake is somebody else's", make_foreign_owner, true, false, BAKE_OK, NULL},
};

static void try_open(void **state)
{
	const struct open_row *row = *state;
	_cleanup_(bench_close) struct bench bench;
	_cleanup_close_ int made = -1;
	enum bake_status status;

	bench_open(&bench);
	assert_int_equal(mkdirat(bench.dir, "made", 0755), 0);
	made = openat(bench.dir, "made", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	row->make(made);
	status = open_cache(&bench);
	check_status(status, &bench.err, row->want, row->id);
	assert_int_equal(bake_cache_is_open(&bench.cache), row->open);
	assert_int_equal(bake_cache_is_writable(&bench.cache), row->writable);
	assert_int_equal(bench.said[0] != '\0', row->open && !row->writable);
	if (scratch_has(made, "outside"))
		assert_int_equal(unlinkat(made, "outside", AT_REMOVEDIR), 0); /* still empty */
}

static void a_peek_makes_nothing(void)
{
	_cleanup_(bench_close) struct bench bench;

	bench_open(&bench);
	check_status(
		bake_cache_peek(&bench.cache, bench.path, &bench.err), &bench.err, BAKE_OK, NULL);
	assert_false(bake_cache_is_open(&bench.cache));
	assert_int_equal(scratch_count(bench.dir), 0);
	open_writable(&bench);
	fill(&bench);
	bake_cache_close(&bench.cache);
	check_status(
		bake_cache_peek(&bench.cache, bench.path, &bench.err), &bench.err, BAKE_OK, NULL);
	assert_true(bake_cache_is_open(&bench.cache));
	assert_false(bake_cache_is_writable(&bench.cache));
}

/* A cache that is only read removes nothing, not even what is wrong. */
static void a_peek_drops_nothing(void)
{
	BENCH;
	fill(&bench);
	bake_cache_close(&bench.cache);
	check_status(
		bake_cache_peek(&bench.cache, bench.path, &bench.err), &bench.err, BAKE_OK, NULL);
	bench.entry.size++;
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
	assert_true(holds(&bench, CONTENT));
}

static void a_closed_cache_has_nothing(void)
{
	_cleanup_(bench_close) struct bench bench;

	bench_open(&bench);
	assert_false(bake_cache_is_open(&bench.cache));
	assert_int_equal(bake_cache_find(&bench.cache, &bench.entry), -1);
}

static const struct scenario others[] = {
	{"files are kept by content", files_are_kept_by_content},
	{"what is kept is found", what_is_kept_is_found},
	{"a file of another size is dropped", a_file_of_another_size_is_dropped},
	{"a damaged file is dropped", a_damaged_file_is_dropped},
	{"a good successor is not dropped", a_good_successor_is_not_dropped},
	{"nothing is dropped under a fetch", nothing_is_dropped_under_a_fetch},
	{"a file of another owner is not dropped", a_file_of_another_owner_is_not_dropped},
	{"a link is not followed", a_link_is_not_followed},
	{"a linked directory is not followed", a_linked_directory_is_not_followed},
	{"a directory is no file", a_directory_is_no_file},
	{"a FIFO does not block", a_fifo_does_not_block},
	{"a held part is busy", a_held_part_is_busy},
	{"old links and directories stay", old_links_and_directories_stay},
	{"an old part of another owner stays", an_old_part_of_another_owner_stays},
	{"a peek makes nothing", a_peek_makes_nothing},
	{"a peek drops nothing", a_peek_drops_nothing},
	{"a closed cache has nothing", a_closed_cache_has_nothing},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(parts, try_part),
		ROWS(opens, try_open),
		ROWS(others, play_scenario),
	};

	return run_rows("store/cache", tables, countof(tables));
}
