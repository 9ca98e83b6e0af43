/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large files in a sink with a crew: written in any order, hashed behind the writer, and found
 * again by the next run as far as the journal says, however the last one ended.
 */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digest/hasher.h"
#include "fs/journal.h"
#include "fs/sink.h"
#include "unit/scratch.h"

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	SIZE_MAX_BYTES = 8 * MIB,
	SIZE = 5 * MIB + 4097, /* of most files here: no multiple of anything */
	NOTE_ROOM = 1024
};

static uint8_t content[SIZE_MAX_BYTES];

static void fill_content(void)
{
	uint64_t state = 88172645463325252U;

	for (size_t i = 0; i < sizeof(content); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		content[i] = (uint8_t)state;
	}
}

/* A models directory, its work directory, a crew, and a target for the first bytes of content. */
struct bench {
	int root;
	struct bake_workdir workdir;
	struct bake_crew *crew; /* made by the first begin: a child that is forked makes its own */
	bool alone;		/* without a crew */
	struct bake_sink_target target;
	struct bake_sink sink;
	struct bake_events events;
	char note[NOTE_ROOM]; /* the last notice */
	unsigned notices;
	struct bake_error err;
};

static void take_note(void *context, const struct bake_event *event)
{
	struct bench *bench = context;

	assert_int_equal(event->kind, BAKE_EVENT_NOTICE);
	(void)snprintf(bench->note, sizeof(bench->note), "%s", event->note);
	bench->notices++;
}

static void bench_close(struct bench *bench)
{
	bake_sink_close(&bench->sink);
	bake_crew_free(&bench->crew);
	bake_workdir_close(&bench->workdir);
	(void)close(bench->root);
}

/* Each step ends with this status and id; id NULL is success. */
static void wants(struct bench *bench, enum bake_status got, enum bake_status want, const char *id)
{
	check_status(got, &bench->err, want, id);
	bench->err = BAKE_ERROR_INIT;
}

static void aim(struct bench *bench, const char *path, uint64_t size)
{
	bench->target.size = size;
	wants(bench, bake_relpath_parse_model(path, &bench->target.path, &bench->err), BAKE_OK,
		NULL);
	wants(bench,
		bake_digest_of(
			bake_span(content, (size_t)size), &bench->target.sha256, &bench->err),
		BAKE_OK, NULL);
}

static void bench_open(struct bench *bench, uint64_t size)
{
	char where[SCRATCH_PATH];

	*bench = (struct bench){
		.root = scratch_open(where),
		.workdir = BAKE_WORKDIR_INIT,
		.sink = BAKE_SINK_INIT,
		.err = BAKE_ERROR_INIT,
		.events = {.emit = take_note, .context = bench},
	};
	bench->target.mtime = 1700000000;
	bench->target.source = 4711;
	bench->target.events = &bench->events;
	aim(bench, "dir/model.bin", size);
	wants(bench, bake_workdir_open(bench->root, 0, NULL, &bench->workdir, &bench->err), BAKE_OK,
		NULL);
}

#define BENCH(size)                                                                                \
	_cleanup_(bench_close) struct bench bench;                                                 \
	bench_open(&bench, (size))

static enum bake_status try_begin(struct bench *bench)
{
	if (!bench->crew)
		wants(bench, bake_crew_new(0, &bench->crew, &bench->err), BAKE_OK, NULL);
	bench->target.crew = bench->alone ? NULL : bench->crew;
	return bake_sink_open(&bench->sink, &bench->workdir, &bench->target, &bench->err);
}

static void begin(struct bench *bench)
{
	wants(bench, try_begin(bench), BAKE_OK, NULL);
}

static void put(struct bench *bench, uint64_t first, uint64_t end)
{
	wants(bench,
		bake_sink_write(
			&bench->sink, first, bake_span(&content[first], end - first), &bench->err),
		BAKE_OK, NULL);
}

/* As an engine does: asked again and again. */
static enum bake_status finish(struct bench *bench)
{
	bool done = false;
	enum bake_status status = BAKE_OK;

	while (!done) {
		status = bake_sink_finish(&bench->sink, &done, &bench->err);
		assert_true(done || status == BAKE_OK);
		(void)sched_yield();
	}
	return status;
}

/* The file is there, whole, and nothing of ours beside it. */
static void is_published(const struct bench *bench)
{
	assert_true(scratch_holds(
		bench->root, bench->target.path.text, content, (size_t)bench->target.size));
	assert_int_equal(scratch_count(bench->workdir.fd), 1); /* the lock */
}

static void complete(struct bench *bench)
{
	wants(bench, finish(bench), BAKE_OK, NULL);
	is_published(bench);
}

static void part_name(const struct bench *bench, char name[BAKE_PART_NAME_MAX])
{
	bake_sink_part_name(&bench->target.sha256, bench->target.path, name);
}

static void journal_name(const struct bench *bench, char name[BAKE_PART_NAME_MAX])
{
	char *dot;

	part_name(bench, name);
	dot = strrchr(name, '.');
	(void)snprintf(dot, BAKE_PART_NAME_MAX - (size_t)(dot - name), ".journal");
}

static bool has_journal(const struct bench *bench)
{
	char name[BAKE_PART_NAME_MAX];

	journal_name(bench, name);
	return scratch_has(bench->workdir.fd, name);
}

/* What is missing comes, from the front. */
static void put_missing(struct bench *bench)
{
	struct bake_extents have;
	uint64_t at = 0;

	bake_sink_have(&bench->sink, &have);
	for (size_t i = 0; i < have.count; i++) {
		put(bench, at, have.list[i].first);
		at = have.list[i].end;
	}
	put(bench, at, bench->target.size);
	assert_true(bake_sink_full(&bench->sink));
}

/* The orders in which the pieces of a file may come. */
enum {
	PIECES_MAX = 8
};

#define ALL SIZE

static const struct order_row {
	const char *name;
	struct bake_extent pieces[PIECES_MAX];
	size_t count;
} orders[] = {
	{"whole", {{0, ALL}}, 1},
	{"in order", {{0, MIB}, {MIB, 4 * MIB}, {4 * MIB, ALL}}, 3},
	{"backwards", {{4 * MIB, ALL}, {MIB, 4 * MIB}, {0, MIB}}, 3},
	{"a byte, then the rest", {{0, 1}, {1, ALL}}, 2},
	{"the last byte first", {{ALL - 1, ALL}, {0, ALL - 1}}, 2},
	{"a gap filled last", {{0, MIB}, {3 * MIB, ALL}, {MIB, 3 * MIB}}, 3},
	{"two connections in turn",
		{{0, MIB}, {3 * MIB, 4 * MIB}, {MIB, 2 * MIB}, {4 * MIB, ALL}, {2 * MIB, 3 * MIB}},
		5},
	{"pieces ahead that overlap", {{4 * MIB, ALL}, {3 * MIB, 5 * MIB}, {0, 3 * MIB}}, 3},
	{"the frontier runs into a piece", {{3 * MIB, ALL}, {0, 4 * MIB}}, 2},
	{"the frontier runs over a piece", {{MIB, 2 * MIB}, {0, 3 * MIB}, {3 * MIB, ALL}}, 3},
	{"some comes twice", {{0, 2 * MIB}, {0, 3 * MIB}, {MIB, ALL}}, 3},
	{"empty pieces", {{0, 0}, {MIB, MIB}, {0, ALL}, {ALL, ALL}}, 4},
};

static void try_order(void **state)
{
	const struct order_row *row = *state;

	BENCH(SIZE);
	begin(&bench);
	for (size_t i = 0; i < row->count; i++)
		put(&bench, row->pieces[i].first, row->pieces[i].end);
	assert_true(bake_sink_full(&bench.sink));
	complete(&bench);
	assert_int_equal(bench.notices, 0);
}

/* Sizes around that from which on there is a journal, and a job. */
static const struct size_row {
	const char *name;
	uint64_t size;
	bool journal;
} sizes[] = {
	{"a byte", 1, false},
	{"some", 40000, false},
	{"the last small one", BAKE_SINK_SMALL - 1, false},
	{"the first large one", BAKE_SINK_SMALL, true},
	{"one more", BAKE_SINK_SMALL + 1, true},
	{"eight megabytes", 8 * MIB, true},
};

static void try_size(void **state)
{
	const struct size_row *row = *state;

	BENCH(row->size);
	begin(&bench);
	put(&bench, row->size / 2, row->size);
	assert_int_equal(has_journal(&bench), row->journal);
	put(&bench, 0, row->size / 2);
	complete(&bench);
}

static void an_empty_file_is_a_file(void)
{
	BENCH(0);
	begin(&bench);
	complete(&bench);
}

static void commit_waits(void)
{
	BENCH(SIZE);
	begin(&bench);
	put(&bench, 0, SIZE);
	wants(&bench, bake_sink_commit(&bench.sink, &bench.err), BAKE_OK, NULL);
	is_published(&bench);
}

static void wrong_bytes_leave_the_former_file(void)
{
	BENCH(SIZE);
	aim(&bench, "model.bin", SIZE);
	scratch_text(bench.root, "model.bin", "former");
	begin(&bench);
	put(&bench, 0, SIZE - 1);
	wants(&bench,
		bake_sink_write(&bench.sink, SIZE - 1,
			bake_span(&(uint8_t){(uint8_t)~content[SIZE - 1]}, 1), &bench.err),
		BAKE_OK, NULL);
	wants(&bench, finish(&bench), BAKE_ERR_INTEGRITY, "integrity.sha256");
	assert_true(scratch_says(bench.root, "model.bin", "former"));
	assert_int_equal(scratch_count(bench.workdir.fd), 1);
	begin(&bench); /* as an engine that begins again */
	assert_int_equal(bench.sink.resumed, 0);
	put(&bench, 0, SIZE);
	complete(&bench);
}

static void a_gap_is_not_published(void)
{
	BENCH(SIZE);
	begin(&bench);
	put(&bench, 0, MIB);
	put(&bench, MIB + 1, SIZE);
	assert_false(bake_sink_full(&bench.sink));
	wants(&bench, finish(&bench), BAKE_ERR_INTEGRITY, "integrity.size");
	assert_false(scratch_has(bench.root, bench.target.path.text));
}

/* Somebody cuts the part: whenever the job comes to notice, nothing is published. */
static void a_part_cut_by_others_is_not_published(void)
{
	char name[BAKE_PART_NAME_MAX];

	BENCH(SIZE);
	begin(&bench);
	put(&bench, 0, SIZE);
	part_name(&bench, name);
	scratch_text(bench.workdir.fd, name, "cut");
	wants(&bench, finish(&bench), BAKE_ERR_INTEGRITY, "integrity.size");
	assert_false(scratch_has(bench.root, bench.target.path.text));
}

static void too_long_is_not_written(void)
{
	BENCH(SIZE);
	begin(&bench);
	wants(&bench,
		bake_sink_write(
			&bench.sink, SIZE - 10, bake_span(&content[SIZE - 10], 11), &bench.err),
		BAKE_ERR_PROTOCOL, "net.too-long");
	put(&bench, 0, SIZE);
	complete(&bench);
}

/* Wrong bytes are on their way into the hasher when they become void. */
static void a_restart_while_the_job_hashes(void)
{
	_cleanup_free_ uint8_t *wrong = calloc(1, SIZE_MAX_BYTES);

	BENCH(SIZE_MAX_BYTES);
	assert_non_null(wrong);
	begin(&bench);
	for (unsigned i = 0; i < 4; i++) {
		wants(&bench,
			bake_sink_write(
				&bench.sink, 0, bake_span(wrong, SIZE_MAX_BYTES), &bench.err),
			BAKE_OK, NULL);
		wants(&bench, bake_sink_restart(&bench.sink, &bench.err), BAKE_OK, NULL);
		assert_int_equal(bench.sink.frontier, 0);
	}
	put(&bench, 6 * MIB, SIZE_MAX_BYTES);
	wants(&bench, bake_sink_restart(&bench.sink, &bench.err), BAKE_OK, NULL);
	put(&bench, 0, SIZE_MAX_BYTES);
	complete(&bench);
}

static void a_close_while_the_job_hashes(void)
{
	BENCH(SIZE_MAX_BYTES);
	for (unsigned i = 0; i < 4; i++) {
		begin(&bench);
		put(&bench, 0, SIZE_MAX_BYTES);
		bake_sink_close(&bench.sink);
	}
	begin(&bench);
	assert_int_equal(bench.sink.resumed, SIZE_MAX_BYTES);
	assert_true(bake_sink_full(&bench.sink));
	complete(&bench);
	assert_int_equal(bench.notices, 0);
}

/* It is published or it is a whole part. */
static void a_close_while_the_job_publishes(void)
{
	bool done = false;

	BENCH(SIZE);
	for (unsigned i = 0; i < 4; i++) {
		begin(&bench);
		put_missing(&bench);
		wants(&bench, bake_sink_finish(&bench.sink, &done, &bench.err), BAKE_OK, NULL);
		bake_sink_close(&bench.sink);
		if (scratch_has(bench.root, bench.target.path.text))
			is_published(&bench);
		else
			assert_int_equal(scratch_count(bench.workdir.fd), 3);
	}
	begin(&bench);
	put_missing(&bench);
	complete(&bench);
}

static void a_discard_while_the_job_hashes(void)
{
	BENCH(SIZE_MAX_BYTES);
	for (unsigned i = 0; i < 4; i++) {
		begin(&bench);
		assert_int_equal(bench.sink.resumed, 0);
		put(&bench, 0, SIZE_MAX_BYTES);
		bake_sink_discard(&bench.sink);
		assert_int_equal(scratch_count(bench.workdir.fd), 1);
	}
	assert_false(scratch_has(bench.root, bench.target.path.text));
	bake_sink_discard(&bench.sink);
}

/* What is published has given up its name in .bake: a part of that name is somebody else's. */
static void a_discard_leaves_the_next_ones_part(void)
{
	struct bake_sink next = BAKE_SINK_INIT;
	bool done = false;

	BENCH(SIZE);
	begin(&bench);
	put(&bench, 0, SIZE);
	wants(&bench, bake_sink_finish(&bench.sink, &done, &bench.err), BAKE_OK, NULL);
	while (scratch_count(bench.workdir.fd) > 1)
		(void)sched_yield();
	wants(&bench, bake_sink_open(&next, &bench.workdir, &bench.target, &bench.err), BAKE_OK,
		NULL);
	wants(&bench, bake_sink_write(&next, 0, bake_span(content, MIB), &bench.err), BAKE_OK,
		NULL);
	assert_int_equal(scratch_count(bench.workdir.fd), 3);
	bake_sink_discard(&bench.sink);
	assert_int_equal(scratch_count(bench.workdir.fd), 3);
	wants(&bench, bake_sink_write(&next, MIB, bake_span(&content[MIB], SIZE - MIB), &bench.err),
		BAKE_OK, NULL);
	wants(&bench, bake_sink_commit(&next, &bench.err), BAKE_OK, NULL);
	is_published(&bench);
}

static void a_link_in_the_place_is_left(void)
{
	BENCH(SIZE);
	aim(&bench, "model.bin", SIZE);
	begin(&bench);
	put(&bench, 0, SIZE);
	scratch_text(bench.root, "precious", "untouched");
	assert_int_equal(symlinkat("precious", bench.root, "model.bin"), 0);
	wants(&bench, finish(&bench), BAKE_ERR_CANTCREATE, "path.symlink");
	assert_true(scratch_says(bench.root, "precious", "untouched"));
}

static void a_fifo_is_no_part(void)
{
	char name[BAKE_PART_NAME_MAX];

	BENCH(SIZE);
	part_name(&bench, name);
	assert_int_equal(mkfifoat(bench.workdir.fd, name, 0600), 0);
	wants(&bench, try_begin(&bench), BAKE_ERR_CANTCREATE, "path.type");
}

/* Several files in one crew, in turn. */
static void many_files_at_a_time(void)
{
	enum {
		FILES = 6,
		EACH = 3 * MIB,
		PIECE = 300 * KIB
	};
	struct bake_sink sinks[FILES];
	char path[FILES][16];
	size_t left = FILES;

	BENCH(EACH);
	for (size_t i = 0; i < FILES; i++) {
		(void)snprintf(path[i], sizeof(path[i]), "model-%zu.bin", i);
		aim(&bench, path[i], EACH);
		begin(&bench);
		bake_sink_close(&bench.sink);
		wants(&bench, bake_sink_open(&sinks[i], &bench.workdir, &bench.target, &bench.err),
			BAKE_OK, NULL);
	}
	for (uint64_t at = 0; at < EACH; at += PIECE) {
		size_t len = (size_t)(at + PIECE < EACH ? PIECE : EACH - at);

		for (size_t i = 0; i < FILES; i++)
			wants(&bench,
				bake_sink_write(
					&sinks[i], at, bake_span(&content[at], len), &bench.err),
				BAKE_OK, NULL);
	}
	while (left > 0) {
		for (size_t i = 0; i < FILES; i++) {
			bool done = false;

			if (!sinks[i].inner)
				continue;
			wants(&bench, bake_sink_finish(&sinks[i], &done, &bench.err), BAKE_OK,
				NULL);
			left -= done ? 1 : 0;
		}
	}
	for (size_t i = 0; i < FILES; i++)
		assert_true(scratch_holds(bench.root, path[i], content, EACH));
	assert_int_equal(scratch_count(bench.workdir.fd), 1);
}

/* A small one has no journal: what lies behind a gap is forgotten. */
static void a_small_part_is_kept_up_to_its_gap(void)
{
	BENCH(100000);
	begin(&bench);
	put(&bench, 0, 10000);
	put(&bench, 50000, 100000);
	bake_sink_close(&bench.sink);
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 10000);
	put(&bench, 10000, 100000);
	complete(&bench);
}

static const struct scenario writing[] = {
	{"an empty file is a file", an_empty_file_is_a_file},
	{"commit waits", commit_waits},
	{"wrong bytes leave the former file", wrong_bytes_leave_the_former_file},
	{"a gap is not published", a_gap_is_not_published},
	{"a part cut by others is not published", a_part_cut_by_others_is_not_published},
	{"too long is not written", too_long_is_not_written},
	{"restarted while the job hashes", a_restart_while_the_job_hashes},
	{"closed while the job hashes", a_close_while_the_job_hashes},
	{"closed while the job publishes", a_close_while_the_job_publishes},
	{"discarded while the job hashes", a_discard_while_the_job_hashes},
	{"discarded after publishing", a_discard_leaves_the_next_ones_part},
	{"a link in the place is left", a_link_in_the_place_is_left},
	{"a fifo is no part", a_fifo_is_no_part},
	{"many files at a time", many_files_at_a_time},
	{"a small part is kept up to its gap", a_small_part_is_kept_up_to_its_gap},
};

/* What an earlier run wrote. */
static const struct resume_row {
	const char *name;
	struct bake_extents pieces;
	uint64_t alone; /* as much of it counts for a writer without a crew */
} resumes[] = {
	{"the front", {{{0, 2 * MIB}}, 1}, 2 * MIB},
	{"all", {{{0, ALL}}, 1}, ALL},
	{"all but a byte", {{{0, ALL - 1}}, 1}, ALL - 1},
	{"a byte", {{{0, 1}}, 1}, 1},
	{"only the end", {{{4 * MIB, ALL}}, 1}, 0},
	{"several ranges",
		{{{0, MIB}, {MIB + 1, 2 * MIB}, {3 * MIB + 5, 3 * MIB + 6}, {4 * MIB, ALL - 7}}, 4},
		MIB},
	{"nothing in front", {{{1, 2}, {100, 5000}, {MIB, 3 * MIB}}, 3}, 0},
};

static void write_pieces(struct bench *bench, const struct bake_extents *pieces)
{
	for (size_t i = pieces->count; i-- > 0;)
		put(bench, pieces->list[i].first, pieces->list[i].end);
}

static void leave_by_closing(struct bench *bench, const struct bake_extents *pieces)
{
	begin(bench);
	write_pieces(bench, pieces);
	bake_sink_close(&bench->sink);
}

/* As after kill -9: nothing is closed, nothing is said. */
static void leave_by_dying(struct bench *bench, const struct bake_extents *pieces)
{
	int result = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		begin(bench);
		write_pieces(bench, pieces);
		_exit(42);
	}
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 42);
}

static void check_have(const struct bench *bench, const struct bake_extents *want)
{
	struct bake_extents have;
	uint64_t bytes = 0;

	bake_sink_have(&bench->sink, &have);
	assert_int_equal(have.count, want->count);
	for (size_t i = 0; i < want->count; i++) {
		assert_int_equal(have.list[i].first, want->list[i].first);
		assert_int_equal(have.list[i].end, want->list[i].end);
		bytes += want->list[i].end - want->list[i].first;
	}
	assert_int_equal(bench->sink.resumed, bytes);
}

static void resume(struct bench *bench, const struct bake_extents *want)
{
	begin(bench);
	check_have(bench, want);
	assert_int_equal(bench->notices, 0);
	put_missing(bench);
	complete(bench);
}

static void try_closed(void **state)
{
	const struct resume_row *row = *state;

	BENCH(SIZE);
	leave_by_closing(&bench, &row->pieces);
	resume(&bench, &row->pieces);
}

static void try_killed(void **state)
{
	const struct resume_row *row = *state;

	BENCH(SIZE);
	leave_by_dying(&bench, &row->pieces);
	resume(&bench, &row->pieces);
}

/* A run that dies goes on where one that died went on. */
static void try_killed_twice(void **state)
{
	const struct resume_row *row = *state;
	struct bake_extents more = {{{2 * MIB, 2 * MIB + 1000}}, 1};
	struct bake_extents want = row->pieces;

	BENCH(SIZE);
	leave_by_dying(&bench, &row->pieces);
	leave_by_dying(&bench, &more);
	(void)bake_extents_add(&want, 2 * MIB, 2 * MIB + 1000);
	resume(&bench, &want);
}

static void try_alone(void **state)
{
	const struct resume_row *row = *state;

	BENCH(SIZE);
	leave_by_closing(&bench, &row->pieces);
	bench.alone = true;
	begin(&bench);
	assert_int_equal(bench.sink.resumed, row->alone);
	assert_int_equal(bench.sink.frontier, row->alone);
	put(&bench, row->alone, SIZE);
	complete(&bench);
}

static const struct bake_extents left = {{{0, 2 * MIB}, {3 * MIB, 4 * MIB}}, 2};
static const struct bake_extents none = {.count = 0};

static int open_journal(const struct bench *bench)
{
	char name[BAKE_PART_NAME_MAX];
	int fd;

	journal_name(bench, name);
	fd = openat(bench->workdir.fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	assert_true(fd >= 0);
	return fd;
}

static void read_journal(const struct bench *bench, struct bake_journal_record *out)
{
	_cleanup_close_ int fd = open_journal(bench);

	assert_true(bake_journal_read(fd, out));
}

/* Writes a newer record. */
static void write_journal(struct bench *bench, struct bake_journal_record *record)
{
	_cleanup_close_ int fd = open_journal(bench);

	wants(bench, bake_journal_write(fd, record, &bench->err), BAKE_OK, NULL);
}

/* What else may be in the record that the earlier run left. */
static void of_another_size(struct bake_journal_record *record)
{
	record->size = SIZE + 1;
}

static void of_another_inode(struct bake_journal_record *record)
{
	record->inode++;
}

static void of_another_source(struct bake_journal_record *record)
{
	record->source++;
}

static void of_any_source(struct bake_journal_record *record)
{
	record->source = 0;
}

static void of_other_content(struct bake_journal_record *record)
{
	record->sha256.bytes[7] ^= 1;
}

static void of_another_boot(struct bake_journal_record *record)
{
	(void)snprintf(record->boot, sizeof(record->boot), "another");
	record->synced = (struct bake_extents){{{0, MIB}, {3 * MIB, 3 * MIB + 9}}, 2};
}

static void of_another_boot_unsynced(struct bake_journal_record *record)
{
	(void)snprintf(record->boot, sizeof(record->boot), "another");
}

/* A system that does not name its boots: that two are of one is not known. */
static void of_an_unknown_boot(struct bake_journal_record *record)
{
	(void)snprintf(record->boot, sizeof(record->boot), "-");
	record->synced = (struct bake_extents){{{0, MIB}}, 1};
}

static const struct record_row {
	const char *name;
	void (*edit)(struct bake_journal_record *record);
	struct bake_extents want;
	const char *note; /* NULL: no notice */
} records[] = {
	{"another size", of_another_size, {.count = 0}, "its pinned size changed"},
	{"another file", of_another_inode, {.count = 0}, "its journal is of another file"},
	{"another source", of_another_source, {.count = 0}, "its source changed"},
	{"any source", of_any_source, {.count = 0}, "its source changed"},
	{"other content", of_other_content, {.count = 0}, "it was of other content"},
	{"another boot", of_another_boot, {{{0, MIB}, {3 * MIB, 3 * MIB + 9}}, 2}, NULL},
	{"another boot, nothing synced", of_another_boot_unsynced, {.count = 0}, NULL},
	{"a boot without a name", of_an_unknown_boot, {{{0, MIB}}, 1}, NULL},
};

static void check_note(const struct bench *bench, const char *want)
{
	assert_int_equal(bench->notices, want ? 1 : 0);
	if (!want)
		return;
	assert_non_null(strstr(bench->note, bench->target.path.text));
	assert_non_null(strstr(bench->note, want));
}

static void try_record(void **state)
{
	const struct record_row *row = *state;
	struct bake_journal_record record;

	BENCH(SIZE);
	leave_by_dying(&bench, &left);
	read_journal(&bench, &record);
	row->edit(&record);
	write_journal(&bench, &record);
	begin(&bench);
	check_have(&bench, &row->want);
	check_note(&bench, row->note);
	put_missing(&bench);
	complete(&bench);
}

/* A dropped part has a true journal from then on. */
static void a_dropped_part_has_a_true_journal(void)
{
	struct bake_journal_record record;

	BENCH(SIZE);
	leave_by_dying(&bench, &left);
	bench.target.source++;
	begin(&bench);
	check_note(&bench, "its source changed");
	bake_sink_close(&bench.sink);
	read_journal(&bench, &record);
	assert_int_equal(record.source, bench.target.source);
	assert_int_equal(record.written.count, 0);
	assert_int_equal(record.synced.count, 0);
}

/* What can happen to the journal's file. */
static void remove_journal(const struct bench *bench, const char *name)
{
	assert_int_equal(unlinkat(bench->workdir.fd, name, 0), 0);
}

static void empty_journal(const struct bench *bench, const char *name)
{
	scratch_text(bench->workdir.fd, name, "");
}

static void spoil_journal(const struct bench *bench, const char *name)
{
	scratch_write(bench->workdir.fd, name, content, 2 * (size_t)BAKE_JOURNAL_SLOT);
}

static void link_journal(const struct bench *bench, const char *name)
{
	remove_journal(bench, name);
	scratch_text(bench->root, "precious", "untouched");
	assert_int_equal(symlinkat("../precious", bench->workdir.fd, name), 0);
}

static void link_good_journal(const struct bench *bench, const char *name)
{
	assert_int_equal(renameat(bench->workdir.fd, name, bench->root, "good"), 0);
	assert_int_equal(symlinkat("../good", bench->workdir.fd, name), 0);
}

static void fifo_journal(const struct bench *bench, const char *name)
{
	remove_journal(bench, name);
	assert_int_equal(mkfifoat(bench->workdir.fd, name, 0600), 0);
}

static void directory_journal(const struct bench *bench, const char *name)
{
	remove_journal(bench, name);
	assert_int_equal(mkdirat(bench->workdir.fd, name, 0700), 0);
}

static const struct file_row {
	const char *name;
	void (*spoil)(const struct bench *bench, const char *name);
} files[] = {
	{"no journal", remove_journal},
	{"an empty journal", empty_journal},
	{"garbage", spoil_journal},
	{"a link", link_journal},
	{"a link to a good one", link_good_journal},
	{"a fifo", fifo_journal},
	{"a directory", directory_journal},
};

/* The part is dropped, and said to be; the file comes all the same. */
static void try_file(void **state)
{
	const struct file_row *row = *state;
	char name[BAKE_PART_NAME_MAX];

	BENCH(SIZE);
	leave_by_dying(&bench, &left);
	journal_name(&bench, name);
	row->spoil(&bench, name);
	begin(&bench);
	check_have(&bench, &none);
	check_note(&bench, "it has no journal");
	put(&bench, MIB, SIZE);
	put(&bench, 0, MIB);
	wants(&bench, finish(&bench), BAKE_OK, NULL);
	assert_true(scratch_holds(bench.root, bench.target.path.text, content, SIZE));
	if (scratch_has(bench.root, "precious"))
		assert_true(scratch_says(bench.root, "precious", "untouched"));
}

/* The record that was being written when the machine died is not whole: the one before counts. */
static void a_torn_record_is_not_the_last(void)
{
	struct bake_journal_record record;
	struct bake_extents want = {{{3 * MIB, 4 * MIB}}, 1};

	BENCH(SIZE);
	leave_by_dying(
		&bench, &left); /* written backwards: the first record has the second range */
	read_journal(&bench, &record);
	{
		_cleanup_close_ int fd = open_journal(&bench);
		off_t at = (off_t)(record.sequence % 2) * BAKE_JOURNAL_SLOT;

		assert_int_equal(pwrite(fd, content, 100, at + 40), 100);
	}
	resume(&bench, &want);
}

static void cut_part(const struct bench *bench, off_t len)
{
	char name[BAKE_PART_NAME_MAX];
	_cleanup_close_ int fd = -1;

	part_name(bench, name);
	fd = openat(bench->workdir.fd, name, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, len), 0);
}

/* Where a part may end while its journal says more. */
static const struct cut_row {
	const char *name;
	off_t len;
	struct bake_extents want;
} cuts[] = {
	{"in the second range", 3 * MIB + 10, {{{0, 2 * MIB}, {3 * MIB, 3 * MIB + 10}}, 2}},
	{"at the second range", 3 * MIB, {{{0, 2 * MIB}}, 1}},
	{"in the gap", 2 * MIB + 10, {{{0, 2 * MIB}}, 1}},
	{"in the first range", MIB, {{{0, MIB}}, 1}},
	{"at nothing", 0, {.count = 0}},
};

static void try_cut(void **state)
{
	const struct cut_row *row = *state;

	BENCH(SIZE);
	leave_by_dying(&bench, &left);
	cut_part(&bench, row->len);
	resume(&bench, &row->want);
}

/* What was synced and is gone is not said to be synced when it comes again. */
static void try_cut_synced(void **state)
{
	const struct cut_row *row = *state;
	struct bake_journal_record record;

	BENCH(SIZE);
	leave_by_dying(&bench, &left);
	read_journal(&bench, &record);
	record.synced = left;
	write_journal(&bench, &record);
	cut_part(&bench, row->len);
	begin(&bench);
	check_have(&bench, &row->want);
	put(&bench, SIZE - 1, SIZE);
	bake_sink_close(&bench.sink);
	read_journal(&bench, &record);
	assert_int_equal(record.synced.count, row->want.count);
	assert_memory_equal(
		record.synced.list, row->want.list, row->want.count * sizeof(row->want.list[0]));
}

/* The journal is trusted to say what is there, not that it is right. */
static void wrong_bytes_in_a_part_are_found_out(void)
{
	char name[BAKE_PART_NAME_MAX];

	BENCH(SIZE);
	leave_by_dying(&bench, &left);
	part_name(&bench, name);
	{
		_cleanup_close_ int fd = openat(bench.workdir.fd, name, O_RDWR | O_CLOEXEC);

		assert_int_equal(pwrite(fd, "wrong", 5, MIB), 5);
	}
	begin(&bench);
	check_have(&bench, &left);
	put_missing(&bench);
	wants(&bench, finish(&bench), BAKE_ERR_INTEGRITY, "integrity.sha256");
	assert_int_equal(scratch_count(bench.workdir.fd), 1);
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 0);
	put(&bench, 0, SIZE);
	complete(&bench);
}

/* After a restart nothing of before counts, also for the next run. */
static void a_restart_is_remembered(void)
{
	BENCH(SIZE);
	leave_by_dying(&bench, &left);
	begin(&bench);
	wants(&bench, bake_sink_restart(&bench.sink, &bench.err), BAKE_OK, NULL);
	check_have(&bench, &none);
	put(&bench, 4 * MIB, SIZE);
	bake_sink_close(&bench.sink);
	begin(&bench);
	check_have(&bench, &(struct bake_extents){{{4 * MIB, SIZE}}, 1});
	put_missing(&bench);
	complete(&bench);
}

/* More ranges than a journal has room for: the first ones are kept, the rest comes again. */
static void more_ranges_than_fit(void)
{
	struct bake_extents have;
	enum {
		RANGES = 300,
		STEP = 16 * KIB
	};

	BENCH(SIZE);
	begin(&bench);
	for (uint64_t i = 0; i < RANGES; i++)
		put(&bench, i * STEP, i * STEP + 100);
	bake_sink_close(&bench.sink);
	begin(&bench);
	bake_sink_have(&bench.sink, &have);
	assert_in_range(have.count, 50, RANGES);
	for (size_t i = 0; i < have.count; i++) {
		assert_int_equal(have.list[i].first, i * STEP);
		assert_int_equal(have.list[i].end, i * STEP + 100);
	}
	put_missing(&bench);
	complete(&bench);
}

static const struct scenario resuming[] = {
	{"a dropped part has a true journal", a_dropped_part_has_a_true_journal},
	{"a torn record is not the last", a_torn_record_is_not_the_last},
	{"wrong bytes are found out", wrong_bytes_in_a_part_are_found_out},
	{"a restart is remembered", a_restart_is_remembered},
	{"more ranges than fit", more_ranges_than_fit},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(orders, try_order),
		ROWS(sizes, try_size),
		ROWS(writing, play_scenario),
		{"closed", resumes, sizeof(resumes[0]), countof(resumes), try_closed},
		{"killed", resumes, sizeof(resumes[0]), countof(resumes), try_killed},
		{"killed twice", resumes, sizeof(resumes[0]), countof(resumes), try_killed_twice},
		{"resumed without a crew", resumes, sizeof(resumes[0]), countof(resumes),
			try_alone},
		ROWS(records, try_record),
		ROWS(files, try_file),
		ROWS(cuts, try_cut),
		{"cuts of what was synced", cuts, sizeof(cuts[0]), countof(cuts), try_cut_synced},
		ROWS(resuming, play_scenario),
	};

	fill_content();
	return run_rows("fs/sink large", tables, countof(tables));
}
