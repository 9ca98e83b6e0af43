/* SPDX-License-Identifier: Apache-2.0 */
/* What a reading thread gives is the file, in order. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/readahead.h"
#include "unit/scratch.h"

enum {
	PIECE = BAKE_READAHEAD_PIECE
};

static const struct size_row {
	const char *name;
	size_t size;
	uint64_t first;
} sizes[] = {
	{"an empty file", 0, 0},
	{"a byte", 1, 0},
	{"a piece", PIECE, 0},
	{"a piece and a byte", PIECE + 1, 0},
	{"more pieces than are kept", 9 * PIECE + 5, 0},
	{"from the middle", 9 * PIECE, 2 * PIECE + 64},
	{"from the end", PIECE, PIECE},
	{"from behind the end", PIECE, 2 * PIECE},
};

static int make_file(const uint8_t *bytes, size_t size)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	int fd;

	scratch_write(root, "f", bytes, size);
	fd = openat(root, "f", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static uint8_t *make_bytes(size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 2654435761U >> 13);
	return bytes;
}

static void try_size(void **state)
{
	const struct size_row *row = *state;
	_cleanup_(bake_readahead_free) struct bake_readahead *ahead = NULL;
	_cleanup_free_ uint8_t *bytes = make_bytes(row->size);
	_cleanup_close_ int fd = make_file(bytes, row->size);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span piece;
	uint64_t at = row->first;

	check_status(bake_readahead_new(fd, row->first, &ahead, &err), &err, BAKE_OK, NULL);
	for (;;) {
		check_status(bake_readahead_next(ahead, &piece, &err), &err, BAKE_OK, NULL);
		if (!piece.len)
			break;
		assert_true(at + piece.len <= row->size);
		assert_true(piece.len == PIECE || at + piece.len == row->size);
		assert_memory_equal(piece.ptr, bytes + at, piece.len);
		at += piece.len;
	}
	assert_true(at >= row->size);
	/* The end stays the end. */
	check_status(bake_readahead_next(ahead, &piece, &err), &err, BAKE_OK, NULL);
	assert_int_equal(piece.len, 0);
}

static void who_has_enough_may_go(void)
{
	_cleanup_free_ uint8_t *bytes = make_bytes(9 * PIECE);
	_cleanup_close_ int fd = make_file(bytes, 9 * PIECE);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span piece;

	for (int taken = 0; taken < 3; taken++) {
		_cleanup_(bake_readahead_free) struct bake_readahead *ahead = NULL;

		check_status(bake_readahead_new(fd, 0, &ahead, &err), &err, BAKE_OK, NULL);
		for (int i = 0; i < taken; i++)
			check_status(bake_readahead_next(ahead, &piece, &err), &err, BAKE_OK, NULL);
	}
}

static void a_failure_is_told_in_its_place(void)
{
	_cleanup_(bake_readahead_free) struct bake_readahead *ahead = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span piece;

	check_status(bake_readahead_new(-1, 0, &ahead, &err), &err, BAKE_OK, NULL);
	check_status(bake_readahead_next(ahead, &piece, &err), &err, BAKE_ERR_IO, "fs.io");
}

static const struct scenario others[] = {
	{"who has enough may go", who_has_enough_may_go},
	{"a failure is told in its place", a_failure_is_told_in_its_place},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(sizes, try_size),
		ROWS(others, play_scenario),
	};

	return run_rows("fs/readahead", tables, countof(tables));
}
