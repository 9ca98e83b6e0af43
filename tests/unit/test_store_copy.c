/* SPDX-License-Identifier: Apache-2.0 */
/* Files copied through the sink. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest/hasher.h"
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

/* From wherever the descriptor stands; flip: the byte that is changed in the source behind our back,
 * SIZE_MAX: none. */
static void copy_large(size_t len, size_t flip)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_(bake_workdir_close) struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	_cleanup_free_ uint8_t *bytes = malloc(len);
	_cleanup_close_ int from = -1;
	struct bake_sink_target target = target_of("large");
	struct bake_error err = BAKE_ERROR_INIT;

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	target.size = len;
	check_status(
		bake_digest_of(bake_span(bytes, len), &target.sha256, &err), &err, BAKE_OK, NULL);
	if (flip != SIZE_MAX)
		bytes[flip] ^= 1;
	scratch_write(root, "source", bytes, len);
	from = openat(root, "source", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(from, 100, SEEK_SET), 100);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_OK, NULL);
	if (flip != SIZE_MAX) {
		check_status(copy(&workdir, &target, from, &err), &err, BAKE_ERR_INTEGRITY,
			"integrity.sha256");
		assert_false(scratch_has(root, "large"));
		return;
	}
	check_status(copy(&workdir, &target, from, &err), &err, BAKE_OK, NULL);
	assert_true(scratch_holds(root, "large", bytes, len));
}

enum {
	PIECE = 1024 * 1024,
	LARGE = 40 * PIECE + 5 /* more than copying may be ahead of the hash */
};

static void a_file_of_some_pieces(void)
{
	copy_large(3 * PIECE + 5, SIZE_MAX);
}

static void a_large_file(void)
{
	copy_large(LARGE, SIZE_MAX);
}

static void a_whole_number_of_pieces(void)
{
	copy_large((size_t)24 * PIECE, SIZE_MAX);
}

static void the_first_byte_is_hashed(void)
{
	copy_large(LARGE, 0);
}

static void a_byte_between_pieces_is_hashed(void)
{
	copy_large(LARGE, (size_t)17 * PIECE);
}

static void the_last_byte_is_hashed(void)
{
	copy_large(LARGE, LARGE - 1);
}

/* What the sink is told, not the store, which looks at the size first. */
static void a_source_that_ends_early(size_t len, uint64_t size)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_(bake_workdir_close) struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	_cleanup_(bake_sink_close) struct bake_sink sink = BAKE_SINK_INIT;
	_cleanup_close_ int from = -1;
	struct bake_sink_target target = target_of("short");
	struct bake_error err = BAKE_ERROR_INIT;

	target.size = size;
	scratch_text(root, "source", "");
	from = openat(root, "source", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(from, (off_t)len), 0);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_OK, NULL);
	check_status(bake_sink_open(&sink, &workdir, &target, &err), &err, BAKE_OK, NULL);
	check_status(bake_sink_copy(&sink, from, NULL, &err), &err, BAKE_ERR_INTEGRITY,
		"integrity.size");
}

static void a_small_source_that_ends_early(void)
{
	a_source_that_ends_early(1000, 1001);
}

static void a_large_source_that_ends_early(void)
{
	a_source_that_ends_early(LARGE, LARGE + 1);
}

/* A descriptor that cannot be read: said, and no thread is left waiting. */
static void a_source_that_cannot_be_read(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_(bake_workdir_close) struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	_cleanup_(bake_sink_close) struct bake_sink sink = BAKE_SINK_INIT;
	_cleanup_close_ int from = -1;
	struct bake_sink_target target = target_of("unread");
	struct bake_error err = BAKE_ERROR_INIT;

	target.size = LARGE;
	scratch_text(root, "source", "");
	from = openat(root, "source", O_WRONLY | O_CLOEXEC);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_OK, NULL);
	check_status(bake_sink_open(&sink, &workdir, &target, &err), &err, BAKE_OK, NULL);
	check_status(bake_sink_copy(&sink, from, NULL, &err), &err, BAKE_ERR_IO, "fs.io");
}

struct told {
	uint64_t bytes;
};

static void on_more(void *context, uint64_t bytes)
{
	((struct told *)context)->bytes += bytes;
}

static void progress_counts_every_byte_once(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_(bake_workdir_close) struct bake_workdir workdir = BAKE_WORKDIR_INIT;
	_cleanup_(bake_sink_close) struct bake_sink sink = BAKE_SINK_INIT;
	_cleanup_close_ int from = -1;
	struct told told = {0};
	struct bake_read_progress progress = {.more = on_more, .context = &told};
	struct bake_sink_target target = target_of("told");
	struct bake_error err = BAKE_ERROR_INIT;

	target.size = LARGE;
	scratch_text(root, "source", "");
	from = openat(root, "source", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(from, LARGE), 0);
	check_status(bake_workdir_open(root, 0, NULL, &workdir, &err), &err, BAKE_OK, NULL);
	leave_part(&workdir, &target, "something else");
	check_status(bake_sink_open(&sink, &workdir, &target, &err), &err, BAKE_OK, NULL);
	check_status(bake_sink_copy(&sink, from, &progress, &err), &err, BAKE_OK, NULL);
	assert_true(bake_sink_full(&sink));
	assert_int_equal(told.bytes, LARGE);
}

static const struct scenario others[] = {
	{"a file of some pieces", a_file_of_some_pieces},
	{"a large file", a_large_file},
	{"a whole number of pieces", a_whole_number_of_pieces},
	{"the first byte is hashed", the_first_byte_is_hashed},
	{"a byte between pieces is hashed", a_byte_between_pieces_is_hashed},
	{"the last byte is hashed", the_last_byte_is_hashed},
	{"a small source that ends early", a_small_source_that_ends_early},
	{"a large source that ends early", a_large_source_that_ends_early},
	{"a source that cannot be read", a_source_that_cannot_be_read},
	{"progress counts every byte once", progress_counts_every_byte_once},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(copies, try_copy),
		ROWS(others, play_scenario),
	};

	return run_rows("store/copy", tables, countof(tables));
}
