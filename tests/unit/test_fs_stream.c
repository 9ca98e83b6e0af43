/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to files, to readers who are slow, and to none. */
#include "unit/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/stream.h"
#include "unit/scratch.h"

static const struct bake_stream fresh = BAKE_STREAM_INIT;

static void add(struct bake_stream *stream, const char *line)
{
	bake_stream_add(stream, bake_span(line, strlen(line)));
}

static void opened(struct bake_stream *stream, const char *path)
{
	struct bake_error err = BAKE_ERROR_INIT;

	*stream = fresh;
	check_status(bake_stream_open(stream, path, &err), &err, BAKE_OK, NULL);
}

/* From the directory's path to that of its file f. */
static void go_to_f(char path[SCRATCH_PATH])
{
	size_t len = strlen(path);

	(void)snprintf(path + len, SCRATCH_PATH - len, "/f");
}

static void a_file_is_emptied_and_filled(void)
{
	char path[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(path);
	struct bake_stream stream;

	scratch_text(dir, "f", "what was there before\n");
	go_to_f(path);
	opened(&stream, path);
	add(&stream, "one\n");
	bake_stream_flush(&stream);
	assert_true(scratch_says(dir, "f", "one\n"));
	add(&stream, "two\n");
	assert_true(bake_stream_close(&stream, 0));
	assert_true(scratch_says(dir, "f", "one\ntwo\n"));
}

static void a_place_that_cannot_be_written(void)
{
	struct bake_stream stream = fresh;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_stream_open(&stream, "/nowhere/f", &err), &err, BAKE_ERR_NOINPUT,
		"fs.not-found");
	add(&stream, "one\n");
	bake_stream_flush(&stream);
	assert_true(bake_stream_close(&stream, 0)); /* nothing was promised */
}

/* The reader comes when everything was said. */
static void a_fifo_without_a_reader(void)
{
	char path[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(path);
	_cleanup_close_ int reader = -1;
	struct bake_stream stream;
	char got[16] = "";

	assert_int_equal(mkfifoat(dir, "f", 0600), 0);
	go_to_f(path);
	opened(&stream, path);
	add(&stream, "one\n");
	bake_stream_flush(&stream);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_true(bake_stream_close(&stream, 0));
	assert_int_equal(read(reader, got, sizeof(got)), 4);
	assert_string_equal(got, "one\n");
	assert_int_equal(read(reader, got, sizeof(got)), 0);
}

/* Whatever is added, nothing waits, and what is left out are whole lines. */
static void a_reader_who_does_not_read(void)
{
	static char line[1000];
	static char got[65536];
	char path[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(path);
	_cleanup_close_ int reader = -1;
	struct bake_stream stream;
	size_t lines = 0;
	ssize_t len;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(mkfifoat(dir, "f", 0600), 0);
	go_to_f(path);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	opened(&stream, path);
	assert_false(bake_stream_is_slow(&stream));
	for (int i = 0; i < 10000; i++) {
		bake_stream_add(&stream, bake_span(line, sizeof(line)));
		bake_stream_flush(&stream);
	}
	assert_true(bake_stream_is_slow(&stream));
	assert_in_range(stream.lost, 5000, 9000);
	assert_true(stream.wait.len <= BAKE_STREAM_WAIT_MAX);
	/* Now it reads. */
	while ((len = read(reader, got, sizeof(got))) > 0) {
		for (ssize_t i = 0; i < len; i++)
			lines += got[i] == '\n' ? 1 : 0;
		bake_stream_flush(&stream);
	}
	assert_int_equal(lines, 10000 - stream.lost);
	assert_false(bake_stream_close(&stream, 0)); /* some were lost */
}

static void a_reader_who_went_away(void)
{
	char path[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(path);
	int reader;
	struct bake_stream stream;

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mkfifoat(dir, "f", 0600), 0);
	go_to_f(path);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	opened(&stream, path);
	(void)close(reader);
	add(&stream, "one\n");
	bake_stream_flush(&stream);
	assert_int_equal(stream.failed, EPIPE);
	add(&stream, "two\n");
	bake_stream_flush(&stream);
	assert_false(bake_stream_close(&stream, 60000)); /* at once */
}

static void a_full_disk(void)
{
	struct bake_stream stream;

	opened(&stream, "/dev/full");
	add(&stream, "one\n");
	bake_stream_flush(&stream);
	assert_int_equal(stream.failed, ENOSPC);
	assert_false(bake_stream_close(&stream, 60000));
}

static const struct scenario all[] = {
	{"a file is emptied and filled", a_file_is_emptied_and_filled},
	{"a place that cannot be written", a_place_that_cannot_be_written},
	{"a fifo without a reader", a_fifo_without_a_reader},
	{"a reader who does not read", a_reader_who_does_not_read},
	{"a reader who went away", a_reader_who_went_away},
	{"a full disk", a_full_disk},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(all, play_scenario),
	};

	return run_rows("fs/stream", tables, countof(tables));
}
