/* SPDX-License-Identifier: Apache-2.0 */
/* What is there, compared with what should be. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest/hasher.h"
#include "store/check.h"
#include "unit/scratch.h"

#define CONTENT "the content that was pinned"

static struct bake_file_check check_of(const char *path, const char *content)
{
	struct bake_file_check check = {.size = strlen(content)};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_relpath_parse_model(path, &check.path, &err), &err, BAKE_OK, NULL);
	check_status(
		bake_digest_of(bake_span_text(content), &check.sha256, &err), &err, BAKE_OK, NULL);
	return check;
}

static int make_tree(void)
{
	char path[SCRATCH_PATH];
	int root = scratch_open(path);

	assert_int_equal(mkdirat(root, "d", 0755), 0);
	scratch_text(root, "d/right", CONTENT);
	scratch_text(root, "d/flipped", "the content that was pinneD");
	scratch_text(root, "d/short", "the content that was pinne");
	scratch_text(root, "d/long", CONTENT "\n");
	scratch_text(root, "d/empty", "");
	assert_int_equal(symlinkat("right", root, "d/link"), 0);
	assert_int_equal(symlinkat("d", root, "e"), 0);
	assert_int_equal(mkfifoat(root, "d/fifo", 0644), 0);
	return root;
}

static const struct state_row {
	const char *name;
	const char *path;
	bool quick;
	enum bake_file_state want;
	const char *word;
	const char *id; /* of the story; NULL: it is right */
} states[] = {
	{"right", "d/right", false, BAKE_FILE_RIGHT, "ok", NULL},
	{"right at a glance", "d/right", true, BAKE_FILE_RIGHT, "ok", NULL},
	{"missing", "d/missing", false, BAKE_FILE_MISSING, "missing", "integrity.missing"},
	{"missing with its directory", "x/y/z", false, BAKE_FILE_MISSING, "missing",
		"integrity.missing"},
	{"one byte flipped", "d/flipped", false, BAKE_FILE_WRONG_DIGEST, "sha256",
		"integrity.sha256"},
	{"one byte flipped, at a glance", "d/flipped", true, BAKE_FILE_RIGHT, "ok", NULL},
	{"too short", "d/short", false, BAKE_FILE_WRONG_SIZE, "size", "integrity.size"},
	{"too short, at a glance", "d/short", true, BAKE_FILE_WRONG_SIZE, "size", "integrity.size"},
	{"too long", "d/long", false, BAKE_FILE_WRONG_SIZE, "size", "integrity.size"},
	{"empty", "d/empty", false, BAKE_FILE_WRONG_SIZE, "size", "integrity.size"},
	{"a link", "d/link", false, BAKE_FILE_WRONG_TYPE, "type", "integrity.type"},
	{"through a link", "e/right", false, BAKE_FILE_WRONG_TYPE, "type", "integrity.type"},
	{"a directory", "d", false, BAKE_FILE_WRONG_TYPE, "type", "integrity.type"},
	{"a fifo", "d/fifo", false, BAKE_FILE_WRONG_TYPE, "type", "integrity.type"},
	{"below a file", "d/right/x", false, BAKE_FILE_WRONG_TYPE, "type", "integrity.type"},
};

static void try_state(void **state)
{
	const struct state_row *row = *state;
	_cleanup_close_ int root = make_tree();
	struct bake_file_check check = check_of(row->path, CONTENT);
	struct bake_check_options options = {.jobs = 1, .quick = row->quick};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_store_check(root, &check, 1, &options, &err), &err, BAKE_OK, NULL);
	assert_int_equal(check.state, row->want);
	assert_string_equal(bake_file_state_name(check.state), row->word);
	if (!row->id)
		return;
	check_status(bake_file_check_error(&check, &err), &err, BAKE_ERR_INTEGRITY, row->id);
	assert_non_null(strstr(err.message, row->path));
}

static void a_wrong_file_shows_its_beginning(void)
{
	_cleanup_close_ int root = make_tree();
	struct bake_file_check checks[] = {check_of("d/flipped", CONTENT),
		check_of("d/short", CONTENT), check_of("d/right", CONTENT)};
	struct bake_check_options options = {.jobs = 1};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_store_check(root, checks, 3, &options, &err), &err, BAKE_OK, NULL);
	assert_int_equal(checks[0].head_len, sizeof(CONTENT) - 1);
	assert_memory_equal(checks[0].head, CONTENT, sizeof(CONTENT) - 2);
	assert_int_equal(checks[0].actual.kind, BAKE_DIGEST_SHA256);
	assert_int_equal(checks[1].head_len, sizeof(CONTENT) - 2);
	assert_int_equal(checks[1].actual_size, sizeof(CONTENT) - 2);
	assert_int_equal(checks[2].head_len, 0);
}

struct heard {
	unsigned done;
	uint64_t bytes;
};

static void hear(void *context, const struct bake_event *event)
{
	struct heard *heard = context;

	if (event->kind == BAKE_EVENT_DONE) {
		heard->done++;
		heard->bytes += event->total;
	}
}

/* As many files as may be wrong in turn, by several threads: each gets its own state, and events
 * come from one thread at a time. */
static void many_at_a_time(void)
{
	enum {
		COUNT = 200
	};
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	_cleanup_free_ struct bake_file_check *checks = calloc(COUNT, sizeof(*checks));
	_cleanup_free_ char(*names)[16] = calloc(COUNT, sizeof(*names));
	struct heard heard = {.done = 0};
	struct bake_events events = {hear, &heard};
	struct bake_check_options options = {.jobs = 4, .events = &events};
	struct bake_error err = BAKE_ERROR_INIT;

	assert_true(checks && names);
	for (size_t i = 0; i < COUNT; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
		scratch_text(root, names[i], i % 3 ? names[i] : "x");
		checks[i] = check_of(names[i], i % 2 ? names[i] : "other");
	}
	check_status(bake_store_check(root, checks, COUNT, &options, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(checks[i].state == BAKE_FILE_RIGHT, i % 2 == 1 && i % 3 != 0);
	assert_int_equal(heard.done, 67);
	assert_true(heard.bytes >= 134);
}

static void make_sparse(int root, const char *name, size_t size, uint8_t last)
{
	_cleanup_close_ int fd = openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	if (size)
		assert_int_equal(pwrite(fd, &last, 1, (off_t)size - 1), 1);
}

static struct bake_file_check sparse_check(const char *name, size_t size, uint8_t last)
{
	_cleanup_free_ uint8_t *bytes = calloc(size + 1, 1);
	struct bake_file_check check = {.size = size};
	struct bake_error err = BAKE_ERROR_INIT;

	assert_non_null(bytes);
	if (size)
		bytes[size - 1] = last;
	check_status(bake_relpath_parse_model(name, &check.path, &err), &err, BAKE_OK, NULL);
	check_status(
		bake_digest_of(bake_span(bytes, size), &check.sha256, &err), &err, BAKE_OK, NULL);
	return check;
}

/* Files that are hashed two at a time or alone, read ahead or not, that end within a block or a
 * piece or at the end of one: each gets its own digest. */
static void sizes_of_all_kinds(void)
{
	static const size_t sizes[] = {0, 1, 55, 56, 63, 64, 65, 131071, 131072, 131073, 262144,
		1048576 + 7, 17 * 1048576 + 3, 40 * 1048576};
	char names[countof(sizes)][16];
	struct bake_file_check checks[countof(sizes)];
	char where[SCRATCH_PATH];
	_cleanup_close_ int root = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;

	for (size_t i = 0; i < countof(sizes); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
		make_sparse(root, names[i], sizes[i], (uint8_t)(i + 1));
	}
	for (unsigned jobs = 1; jobs <= 20; jobs = 2 * jobs + 1) {
		struct bake_check_options options = {.jobs = jobs};

		for (size_t i = 0; i < countof(sizes); i++)
			checks[i] = sparse_check(names[i], sizes[i], (uint8_t)(i + 1));
		check_status(bake_store_check(root, checks, countof(sizes), &options, &err), &err,
			BAKE_OK, NULL);
		for (size_t i = 0; i < countof(sizes); i++)
			assert_int_equal(checks[i].state, BAKE_FILE_RIGHT);
	}
}

static void nothing_to_check_is_well(void)
{
	struct bake_check_options options = {.jobs = 0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_store_check(-1, NULL, 0, &options, &err), &err, BAKE_OK, NULL);
}

static const struct scenario others[] = {
	{"a wrong file shows its beginning", a_wrong_file_shows_its_beginning},
	{"many at a time", many_at_a_time},
	{"sizes of all kinds", sizes_of_all_kinds},
	{"nothing to check", nothing_to_check_is_well},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(states, try_state),
		ROWS(others, play_scenario),
	};

	return run_rows("store/check", tables, countof(tables));
}
