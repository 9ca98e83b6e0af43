/* SPDX-License-Identifier: Apache-2.0 */
/* The sink: a final name exists only with verified bytes, however they came. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digest/hasher.h"
#include "fs/sink.h"
#include "unit/scratch.h"

#define CONTENT "0123456789abcdefghijklmnopqrstuvwxyz"
#define LEN	(sizeof(CONTENT) - 1)

/* A models directory with its work directory, and a target for CONTENT at path. */
struct bench {
	int root;
	struct bake_workdir workdir;
	struct bake_sink_target target;
	struct bake_sink sink;
	struct bake_error err;
};

static void bench_close(struct bench *bench)
{
	bake_sink_close(&bench->sink);
	bake_workdir_close(&bench->workdir);
	(void)close(bench->root);
}

static void bench_open(struct bench *bench, const char *path)
{
	char where[SCRATCH_PATH];

	*bench = (struct bench){
		.root = scratch_open(where),
		.workdir = BAKE_WORKDIR_INIT,
		.sink = BAKE_SINK_INIT,
		.err = BAKE_ERROR_INIT,
	};
	bench->target.size = LEN;
	bench->target.mtime = 1700000000;
	check_status(bake_relpath_parse_model(path, &bench->target.path, &bench->err), &bench->err,
		BAKE_OK, NULL);
	check_status(bake_digest_of(bake_span_text(CONTENT), &bench->target.sha256, &bench->err),
		&bench->err, BAKE_OK, NULL);
	check_status(bake_workdir_open(bench->root, 0, NULL, &bench->workdir, &bench->err),
		&bench->err, BAKE_OK, NULL);
}

#define BENCH(path)                                                                                \
	_cleanup_(bench_close) struct bench bench;                                                 \
	bench_open(&bench, (path))

/* Each step ends with this status and id; id NULL is success. */
static void wants(struct bench *bench, enum bake_status got, enum bake_status want, const char *id)
{
	check_status(got, &bench->err, want, id);
	bench->err = BAKE_ERROR_INIT;
}

static void begin(struct bench *bench)
{
	wants(bench, bake_sink_open(&bench->sink, &bench->workdir, &bench->target, &bench->err),
		BAKE_OK, NULL);
}

static enum bake_status put(struct bench *bench, uint64_t first, uint64_t end)
{
	return bake_sink_write(
		&bench->sink, first, bake_span(&CONTENT[first], end - first), &bench->err);
}

static void write_range(struct bench *bench, uint64_t first, uint64_t end)
{
	wants(bench, put(bench, first, end), BAKE_OK, NULL);
}

static void commit(struct bench *bench)
{
	wants(bench, bake_sink_commit(&bench->sink, &bench->err), BAKE_OK, NULL);
}

/* The file is there, whole, and nothing of ours beside it. */
static void is_published(const struct bench *bench)
{
	assert_true(scratch_says(bench->root, bench->target.path.text, CONTENT));
	assert_int_equal(scratch_count(bench->workdir.fd), 1); /* the lock */
}

/* Leaves text as the part of an earlier run. */
static void leave_part(const struct bench *bench, const char *text)
{
	char name[BAKE_PART_NAME_MAX];

	bake_sink_part_name(&bench->target.sha256, bench->target.path, name);
	scratch_text(bench->workdir.fd, name, text);
}

/* The orders in which the pieces of a file may come. */
enum {
	PIECES_MAX = 8
};

static const struct order_row {
	const char *name;
	struct bake_extent pieces[PIECES_MAX];
	size_t count;
} orders[] = {
	{"whole", {{0, 36}}, 1},
	{"in order", {{0, 10}, {10, 20}, {20, 36}}, 3},
	{"byte, then the rest", {{0, 1}, {1, 36}}, 2},
	{"backwards", {{20, 36}, {10, 20}, {0, 10}}, 3},
	{"a gap filled last", {{0, 10}, {20, 36}, {10, 20}}, 3},
	{"several gaps", {{30, 36}, {5, 10}, {20, 25}, {0, 5}, {10, 20}, {25, 30}}, 6},
	{"two connections in turn", {{0, 6}, {18, 24}, {6, 12}, {24, 30}, {12, 18}, {30, 36}}, 6},
	{"the same piece ahead twice", {{20, 36}, {20, 36}, {0, 20}}, 3},
	{"pieces ahead that overlap", {{20, 36}, {15, 25}, {0, 15}}, 3},
	{"the frontier runs into a piece", {{20, 36}, {0, 25}}, 2},
	{"the frontier runs over a piece", {{10, 20}, {0, 30}, {30, 36}}, 3},
	{"the frontier runs over one piece and up to another", {{10, 20}, {30, 36}, {0, 30}}, 3},
	{"the frontier runs over one piece into another", {{10, 20}, {25, 36}, {0, 30}}, 3},
	{"empty pieces", {{0, 0}, {10, 10}, {0, 36}, {36, 36}}, 4},
};

static void try_order(void **state)
{
	const struct order_row *row = *state;

	BENCH("dir/model.bin");
	begin(&bench);
	for (size_t i = 0; i < row->count; i++)
		write_range(&bench, row->pieces[i].first, row->pieces[i].end);
	assert_true(bake_sink_full(&bench.sink));
	commit(&bench);
	is_published(&bench);
}

static void a_committed_file_has_its_mode_and_time(void)
{
	mode_t mask = umask(0077);
	struct stat st;

	BENCH("dir/model.bin");
	begin(&bench);
	write_range(&bench, 0, LEN);
	commit(&bench);
	(void)umask(mask);
	assert_int_equal(fstatat(bench.root, "dir/model.bin", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_mtim.tv_sec, 1700000000);
	assert_int_equal(st.st_mtim.tv_nsec, 0);
	assert_int_equal(st.st_size, LEN);
	assert_int_equal(fstatat(bench.root, "dir", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static void an_empty_file_is_a_file(void)
{
	BENCH("empty");
	bench.target.size = 0;
	wants(&bench, bake_digest_of(bake_span("", 0), &bench.target.sha256, &bench.err), BAKE_OK,
		NULL);
	begin(&bench);
	assert_true(bake_sink_full(&bench.sink));
	commit(&bench);
	assert_true(scratch_says(bench.root, "empty", ""));
}

static void nothing_is_there_before_the_commit(void)
{
	BENCH("model.bin");
	begin(&bench);
	write_range(&bench, 0, LEN);
	assert_true(bake_sink_full(&bench.sink));
	assert_false(scratch_has(bench.root, "model.bin"));
}

static const struct bake_extent too_long[] = {{36, 37}, {0, 37}, {35, 37}, {1000, 1001}};

static void too_long_is_not_written(void)
{
	static const char more[LEN + 1] = CONTENT;

	BENCH("model.bin");
	begin(&bench);
	for (size_t i = 0; i < countof(too_long); i++)
		wants(&bench,
			bake_sink_write(&bench.sink, too_long[i].first,
				bake_span(more, too_long[i].end - too_long[i].first), &bench.err),
			BAKE_ERR_PROTOCOL, "net.too-long");
	wants(&bench, bake_sink_write(&bench.sink, UINT64_MAX, bake_span(more, 1), &bench.err),
		BAKE_ERR_PROTOCOL, "net.too-long");
	assert_int_equal(bench.sink.frontier, 0);
	write_range(&bench, 0, LEN);
	commit(&bench);
	is_published(&bench);
}

static void too_short_is_not_published(void)
{
	BENCH("model.bin");
	scratch_text(bench.root, "model.bin", "former");
	begin(&bench);
	write_range(&bench, 0, LEN - 1);
	assert_false(bake_sink_full(&bench.sink));
	wants(&bench, bake_sink_commit(&bench.sink, &bench.err), BAKE_ERR_INTEGRITY,
		"integrity.size");
	assert_true(scratch_says(bench.root, "model.bin", "former"));
}

static void a_gap_is_not_published(void)
{
	BENCH("model.bin");
	begin(&bench);
	write_range(&bench, 0, 10);
	write_range(&bench, 11, LEN);
	assert_false(bake_sink_full(&bench.sink));
	wants(&bench, bake_sink_commit(&bench.sink, &bench.err), BAKE_ERR_INTEGRITY,
		"integrity.size");
	assert_false(scratch_has(bench.root, "model.bin"));
}

static void wrong_bytes_leave_the_former_file(void)
{
	BENCH("model.bin");
	scratch_text(bench.root, "model.bin", "former");
	begin(&bench);
	write_range(&bench, 0, LEN - 1);
	wants(&bench, bake_sink_write(&bench.sink, LEN - 1, bake_span("Z", 1), &bench.err), BAKE_OK,
		NULL);
	assert_true(bake_sink_full(&bench.sink));
	check_status(bake_sink_commit(&bench.sink, &bench.err), &bench.err, BAKE_ERR_INTEGRITY,
		"integrity.sha256");
	assert_non_null(strstr(bench.err.message, BAKE_HEX(&bench.target.sha256)));
	assert_true(scratch_says(bench.root, "model.bin", "former"));
	assert_int_equal(scratch_count(bench.workdir.fd), 1); /* the part is gone, the lock stays */
}

static void a_good_file_replaces_the_former(void)
{
	BENCH("model.bin");
	scratch_text(bench.root, "model.bin", "former, and longer than what comes after it, too");
	begin(&bench);
	write_range(&bench, 0, LEN);
	commit(&bench);
	is_published(&bench);
}

/* What was hashed is what stands there: bytes behind the frontier cannot change any more. */
static void hashed_bytes_cannot_change(void)
{
	enum bake_status status;

	BENCH("model.bin");
	begin(&bench);
	write_range(&bench, 0, LEN);
	status = bake_sink_write(&bench.sink, 0, bake_span("XXXXX", 5), &bench.err);
	if (status == BAKE_OK)
		status = bake_sink_commit(&bench.sink, &bench.err);
	if (scratch_has(bench.root, "model.bin"))
		assert_true(scratch_says(bench.root, "model.bin", CONTENT));
	else
		assert_int_not_equal(status, BAKE_OK);
}

static void a_part_is_resumed(void)
{
	BENCH("dir/model.bin");
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 0);
	write_range(&bench, 0, 20);
	bake_sink_close(&bench.sink);
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 20);
	assert_int_equal(bench.sink.frontier, 20);
	write_range(&bench, 20, LEN);
	commit(&bench);
	is_published(&bench);
}

static void a_whole_part_needs_no_bytes(void)
{
	BENCH("model.bin");
	leave_part(&bench, CONTENT);
	begin(&bench);
	assert_int_equal(bench.sink.resumed, LEN);
	assert_true(bake_sink_full(&bench.sink));
	commit(&bench);
	is_published(&bench);
}

static void a_part_of_wrong_content_is_found_out(void)
{
	BENCH("model.bin");
	leave_part(&bench, "garbage");
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 7);
	write_range(&bench, 7, LEN);
	wants(&bench, bake_sink_commit(&bench.sink, &bench.err), BAKE_ERR_INTEGRITY,
		"integrity.sha256");
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 0);
	write_range(&bench, 0, LEN);
	commit(&bench);
	is_published(&bench);
}

static void a_restart_begins_at_zero(void)
{
	BENCH("model.bin");
	leave_part(&bench, "garbage");
	begin(&bench);
	write_range(&bench, 20, 30);
	wants(&bench, bake_sink_restart(&bench.sink, &bench.err), BAKE_OK, NULL);
	assert_int_equal(bench.sink.frontier, 0);
	assert_int_equal(bench.sink.resumed, 0);
	write_range(&bench, 0, LEN);
	commit(&bench);
	is_published(&bench);
}

static void a_part_too_long_is_no_part(void)
{
	BENCH("model.bin");
	leave_part(&bench, CONTENT "more");
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 0);
	write_range(&bench, 0, LEN);
	commit(&bench);
	is_published(&bench);
}

/* A hole is not content: the gap that a stopped run left must come again. */
static void a_part_with_a_gap_is_not_whole(void)
{
	BENCH("model.bin");
	begin(&bench);
	write_range(&bench, 0, 10);
	write_range(&bench, 20, LEN);
	bake_sink_close(&bench.sink);
	begin(&bench);
	assert_int_equal(bench.sink.resumed, 10);
	write_range(&bench, 10, LEN);
	commit(&bench);
	is_published(&bench);
}

static void a_closed_sink_keeps_its_part(void)
{
	BENCH("model.bin");
	begin(&bench);
	write_range(&bench, 0, 10);
	bake_sink_close(&bench.sink);
	assert_int_equal(scratch_count(bench.workdir.fd), 2);
	bake_sink_close(&bench.sink);
}

static void a_discarded_sink_leaves_nothing(void)
{
	BENCH("model.bin");
	begin(&bench);
	write_range(&bench, 0, 10);
	bake_sink_discard(&bench.sink);
	assert_int_equal(scratch_count(bench.workdir.fd), 1);
	assert_false(scratch_has(bench.root, "model.bin"));
	bake_sink_discard(&bench.sink);
}

static void a_sink_never_opened_can_be_closed(void)
{
	struct bake_sink sink = BAKE_SINK_INIT;

	bake_sink_close(&sink);
	bake_sink_discard(&sink);
	assert_int_equal(sink.fd, -1);
}

static void the_beginning_can_be_looked_at(void)
{
	uint8_t head[8];

	BENCH("model.bin");
	begin(&bench);
	assert_int_equal(bake_sink_peek(&bench.sink, head, sizeof(head)), 0);
	write_range(&bench, 0, 5);
	assert_int_equal(bake_sink_peek(&bench.sink, head, sizeof(head)), 5);
	assert_memory_equal(head, CONTENT, 5);
	write_range(&bench, 5, LEN);
	assert_int_equal(bake_sink_peek(&bench.sink, head, sizeof(head)), 8);
}

static void one_part_has_one_writer(void)
{
	struct bake_sink other = BAKE_SINK_INIT;

	BENCH("model.bin");
	begin(&bench);
	check_status(bake_sink_open(&other, &bench.workdir, &bench.target, &bench.err), &bench.err,
		BAKE_ERR_TEMPORARY, "lock.held");
	assert_true(bench.err.transient);
	assert_int_equal(other.fd, -1);
	bench.err = BAKE_ERROR_INIT;
	write_range(&bench, 0, LEN);
	commit(&bench);
	wants(&bench, bake_sink_open(&other, &bench.workdir, &bench.target, &bench.err), BAKE_OK,
		NULL);
	bake_sink_discard(&other);
	is_published(&bench);
}

static void another_process_is_another_writer(void)
{
	struct bake_sink other = BAKE_SINK_INIT;
	int result = -1;
	pid_t child;

	BENCH("model.bin");
	begin(&bench);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		enum bake_status status =
			bake_sink_open(&other, &bench.workdir, &bench.target, &bench.err);

		_exit(status == BAKE_ERR_TEMPORARY && strcmp(bench.err.id, "lock.held") == 0 ? 0
											     : 1);
	}
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
}

static void two_places_for_one_content_are_two_parts(void)
{
	struct bake_sink other = BAKE_SINK_INIT;
	struct bake_sink_target second;

	BENCH("a/model.bin");
	second = bench.target;
	wants(&bench, bake_relpath_parse_model("b/model.bin", &second.path, &bench.err), BAKE_OK,
		NULL);
	begin(&bench);
	wants(&bench, bake_sink_open(&other, &bench.workdir, &second, &bench.err), BAKE_OK, NULL);
	write_range(&bench, 0, LEN);
	commit(&bench);
	wants(&bench, bake_sink_write(&other, 0, bake_span(CONTENT, LEN), &bench.err), BAKE_OK,
		NULL);
	wants(&bench, bake_sink_commit(&other, &bench.err), BAKE_OK, NULL);
	assert_true(scratch_says(bench.root, "b/model.bin", CONTENT));
	is_published(&bench);
}

static const struct scenario writing[] = {
	{"mode and time do not depend on the umask", a_committed_file_has_its_mode_and_time},
	{"an empty file is a file", an_empty_file_is_a_file},
	{"nothing is there before the commit", nothing_is_there_before_the_commit},
	{"too long is not written", too_long_is_not_written},
	{"too short is not published", too_short_is_not_published},
	{"a gap is not published", a_gap_is_not_published},
	{"wrong bytes leave the former file", wrong_bytes_leave_the_former_file},
	{"a good file replaces the former", a_good_file_replaces_the_former},
	{"hashed bytes cannot change", hashed_bytes_cannot_change},
	{"resume: a part goes on", a_part_is_resumed},
	{"resume: a whole part needs no bytes", a_whole_part_needs_no_bytes},
	{"resume: wrong content is found out", a_part_of_wrong_content_is_found_out},
	{"resume: a restart begins at zero", a_restart_begins_at_zero},
	{"resume: too long is no part", a_part_too_long_is_no_part},
	{"resume: a part with a gap is not whole", a_part_with_a_gap_is_not_whole},
	{"closed: the part stays", a_closed_sink_keeps_its_part},
	{"discarded: nothing stays", a_discarded_sink_leaves_nothing},
	{"never opened: can be closed", a_sink_never_opened_can_be_closed},
	{"the beginning can be looked at", the_beginning_can_be_looked_at},
	{"one part has one writer", one_part_has_one_writer},
	{"another process is another writer", another_process_is_another_writer},
	{"one content for two places", two_places_for_one_content_are_two_parts},
};

/* What may stand where the file is to go. prepare makes it before, or between open and commit. */
static void make_link(const struct bench *bench)
{
	scratch_text(bench->root, "precious", "untouched");
	assert_int_equal(symlinkat("precious", bench->root, "model.bin"), 0);
}

static void make_dangling_link(const struct bench *bench)
{
	assert_int_equal(symlinkat("precious", bench->root, "model.bin"), 0);
}

static void make_directory(const struct bench *bench)
{
	assert_int_equal(mkdirat(bench->root, "model.bin", 0755), 0);
}

static void make_fifo(const struct bench *bench)
{
	assert_int_equal(mkfifoat(bench->root, "model.bin", 0644), 0);
}

static const struct destination_row {
	const char *name;
	void (*prepare)(const struct bench *bench);
	const char *id;
} destinations[] = {
	{"link to a file", make_link, "path.symlink"},
	{"link to nothing", make_dangling_link, "path.symlink"},
	{"directory", make_directory, "path.type"},
	{"fifo", make_fifo, "path.type"},
};

static void is_untouched(const struct bench *bench)
{
	struct stat st;

	assert_int_equal(fstatat(bench->root, "model.bin", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_false(S_ISREG(st.st_mode));
	if (scratch_has(bench->root, "precious"))
		assert_true(scratch_says(bench->root, "precious", "untouched"));
}

static void try_destination(void **state)
{
	const struct destination_row *row = *state;

	BENCH("model.bin");
	row->prepare(&bench);
	wants(&bench, bake_sink_open(&bench.sink, &bench.workdir, &bench.target, &bench.err),
		BAKE_ERR_CANTCREATE, row->id);
	is_untouched(&bench);
}

static void try_late_destination(void **state)
{
	const struct destination_row *row = *state;

	BENCH("model.bin");
	begin(&bench);
	write_range(&bench, 0, LEN);
	row->prepare(&bench);
	wants(&bench, bake_sink_commit(&bench.sink, &bench.err), BAKE_ERR_CANTCREATE, row->id);
	is_untouched(&bench);
}

static void link_out(const struct bench *bench)
{
	assert_int_equal(symlinkat("/tmp", bench->root, "dir"), 0);
}

static void link_to_itself(const struct bench *bench)
{
	assert_int_equal(symlinkat("dir", bench->root, "dir"), 0);
}

static void file_for_directory(const struct bench *bench)
{
	scratch_text(bench->root, "dir", "a file");
}

static const struct destination_row parents[] = {
	{"a parent is a link out of the root", link_out, "path.symlink"},
	{"a parent is a link to itself", link_to_itself, "path.symlink"},
	{"a parent is a file", file_for_directory, "path.type"},
};

static void try_parent(void **state)
{
	const struct destination_row *row = *state;

	BENCH("dir/bake-unit-must-not-be-here/model.bin");
	row->prepare(&bench);
	wants(&bench, bake_sink_open(&bench.sink, &bench.workdir, &bench.target, &bench.err),
		BAKE_ERR_CANTCREATE, row->id);
	assert_int_not_equal(access("/tmp/bake-unit-must-not-be-here", F_OK), 0);
}

/* What may stand where the part is to go: the work directory is suspected, too. */
static void link_for_part(const struct bench *bench)
{
	char name[BAKE_PART_NAME_MAX];

	bake_sink_part_name(&bench->target.sha256, bench->target.path, name);
	scratch_text(bench->root, "precious", "untouched");
	assert_int_equal(symlinkat("../precious", bench->workdir.fd, name), 0);
}

static void directory_for_part(const struct bench *bench)
{
	char name[BAKE_PART_NAME_MAX];

	bake_sink_part_name(&bench->target.sha256, bench->target.path, name);
	assert_int_equal(mkdirat(bench->workdir.fd, name, 0755), 0);
}

static const struct destination_row parts[] = {
	{"the part is a link", link_for_part, "path.symlink"},
	{"the part is a directory", directory_for_part, "path.type"},
};

static void try_part(void **state)
{
	const struct destination_row *row = *state;

	BENCH("model.bin");
	row->prepare(&bench);
	wants(&bench, bake_sink_open(&bench.sink, &bench.workdir, &bench.target, &bench.err),
		BAKE_ERR_CANTCREATE, row->id);
	if (scratch_has(bench.root, "precious"))
		assert_true(scratch_says(bench.root, "precious", "untouched"));
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(orders, try_order),
		ROWS(writing, play_scenario),
		ROWS(destinations, try_destination),
		{"late destinations", destinations, sizeof(destinations[0]), countof(destinations),
			try_late_destination},
		ROWS(parents, try_parent),
		ROWS(parts, try_part),
	};

	return run_rows("fs/sink", tables, countof(tables));
}
