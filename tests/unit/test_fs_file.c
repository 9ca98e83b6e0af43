/* SPDX-License-Identifier: Apache-2.0 */
/* Documents read with a ceiling and replaced whole; large files hashed in pieces. */
#include "unit/rows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/file.h"
#include "unit/scratch.h"

static const struct read_row {
	const char *name;
	const char *file; /* in the directory; NULL: the directory itself */
	size_t max;
	enum bake_status want;
	const char *id;
	const char *content;
} reads[] = {
	{"all of it", "ten", 100, BAKE_OK, NULL, "0123456789"},
	{"as much as may be", "ten", 10, BAKE_OK, NULL, "0123456789"},
	{"one too much", "ten", 9, BAKE_ERR_DATA, "data.too-large", NULL},
	{"empty", "empty", 100, BAKE_OK, NULL, ""},
	{"through the user's own link", "link", 100, BAKE_OK, NULL, "0123456789"},
	{"absent", "absent", 100, BAKE_ERR_NOINPUT, "fs.not-found", NULL},
	{"a directory", NULL, 100, BAKE_ERR_NOINPUT, "fs.not-found", NULL},
	{"below a file", "ten/x", 100, BAKE_ERR_NOINPUT, "fs.not-found", NULL},
	{"a link to itself", "loop", 100, BAKE_ERR_NOINPUT, "fs.not-found", NULL},
};

static void try_read(void **state)
{
	const struct read_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(row->max);
	char where[SCRATCH_PATH];
	char path[SCRATCH_PATH + 32];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;

	scratch_text(dir, "ten", "0123456789");
	scratch_text(dir, "empty", "");
	assert_int_equal(symlinkat("ten", dir, "link"), 0);
	assert_int_equal(symlinkat("loop", dir, "loop"), 0);
	(void)snprintf(path, sizeof(path), "%s/%s", where, row->file ? row->file : "");
	check_status(bake_file_read(path, &buf, &err), &err, row->want, row->id);
	if (row->content) {
		assert_int_equal(buf.len, strlen(row->content));
		assert_memory_equal(bake_buf_span(&buf).ptr, row->content, buf.len);
	}
}

static void a_dash_is_standard_input(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(100);
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status;
	int saved = dup(STDIN_FILENO);
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "piped", 5), 5);
	(void)close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(ends[0]);
	status = bake_file_read("-", &buf, &err);
	if (saved >= 0) {
		(void)dup2(saved, STDIN_FILENO);
		(void)close(saved);
	}
	check_status(status, &err, BAKE_OK, NULL);
	assert_string_equal(buf.ptr, "piped");
}

enum {
	LONGEST = 3 * 1024 * 1024
};

static const char *long_text(void)
{
	static char text[LONGEST];

	for (size_t i = 0; i < LONGEST; i++)
		text[i] = (char)('a' + i * 7 % 26 + i / 4096 % 2);
	return text;
}

/* Around each size at which it is read in another way: with the ceiling just there, and one below. */
static void any_length_is_read_to_its_ceiling(void)
{
	static const size_t lengths[] = {
		1, 65535, 65536, 65537, 524286, 524287, 524288, 2097151, 2097152, 2097153, LONGEST};
	const char *text = long_text();
	char where[SCRATCH_PATH];
	char path[SCRATCH_PATH + 8];
	_cleanup_close_ int dir = scratch_open(where);

	(void)snprintf(path, sizeof(path), "%s/long", where);
	for (size_t i = 0; i < countof(lengths); i++) {
		_cleanup_(bake_buf_release) struct bake_buf whole = BAKE_BUF_INIT(lengths[i]);
		_cleanup_(bake_buf_release) struct bake_buf less = BAKE_BUF_INIT(lengths[i] - 1);
		struct bake_error err = BAKE_ERROR_INIT;

		scratch_write(dir, "long", text, lengths[i]);
		check_status(bake_file_read(path, &whole, &err), &err, BAKE_OK, NULL);
		assert_int_equal(whole.len, lengths[i]);
		assert_memory_equal(whole.ptr, text, lengths[i]);
		assert_int_equal(whole.ptr[lengths[i]], '\0');
		check_status(
			bake_file_read(path, &less, &err), &err, BAKE_ERR_DATA, "data.too-large");
		assert_int_equal(bake_buf_span(&less).ptr[less.len], '\0');
	}
}

/* Less comes than the file's length says, more than it says, and behind what is there already. */
static void the_length_is_a_hint(void)
{
	const char *text = long_text();
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int endless = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int unsized = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(LONGEST);
	struct bake_error err = BAKE_ERROR_INIT;

	scratch_write(dir, "long", text, LONGEST);
	fd = openat(dir, "long", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, LONGEST - 1000, SEEK_SET), LONGEST - 1000);
	bake_buf_text(&buf, "before");
	check_status(bake_file_read_fd(fd, "long", &buf, &err), &err, BAKE_OK, NULL);
	assert_int_equal(buf.len, 1006);
	assert_memory_equal(buf.ptr, "before", 6);
	assert_memory_equal(buf.ptr + 6, text + LONGEST - 1000, 1000);
	bake_buf_clear(&buf);
	check_status(bake_file_read_fd(unsized, "maps", &buf, &err), &err, BAKE_OK, NULL);
	assert_non_null(strstr(buf.ptr, "[stack]"));
	check_status(bake_file_read_fd(endless, "zero", &buf, &err), &err, BAKE_ERR_DATA,
		"data.too-large");
	assert_true(buf.len <= LONGEST);
}

static void replacing_sets_content_mode_and_time(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;
	mode_t mask = umask(0077);
	struct stat st;

	for (int round = 0; round < 2; round++) {
		check_status(bake_file_replace(dir, "a.json", bake_span_text("new"), 12345, &err),
			&err, BAKE_OK, NULL);
		assert_true(scratch_says(dir, "a.json", "new"));
		assert_int_equal(fstatat(dir, "a.json", &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0644);
		assert_int_equal(st.st_mtim.tv_sec, 12345);
		assert_int_equal(scratch_count(dir), 1);
		scratch_text(dir, "a.json", "a longer text that was there");
	}
	(void)umask(mask);
}

static void minus_one_is_now(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;
	struct stat st;

	check_status(
		bake_file_replace(dir, "a", bake_span_text(""), -1, &err), &err, BAKE_OK, NULL);
	assert_int_equal(fstatat(dir, "a", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(st.st_mtim.tv_sec > 1700000000);
	assert_int_equal(st.st_size, 0);
}

static const struct refuse_row {
	const char *name;
	const char *file;
	const char *id;
} refusals[] = {
	{"a link", "link", "path.symlink"},
	{"a dangling link", "dangling", "path.symlink"},
	{"a directory", "dir", "path.type"},
	{"a fifo", "fifo", "path.type"},
	{"the directory itself", ".", "path.type"},
};

static void try_refusal(void **state)
{
	const struct refuse_row *row = *state;
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;

	scratch_text(dir, "precious", "untouched");
	assert_int_equal(symlinkat("precious", dir, "link"), 0);
	assert_int_equal(symlinkat("nowhere", dir, "dangling"), 0);
	assert_int_equal(mkdirat(dir, "dir", 0755), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0644), 0);
	check_status(bake_file_replace(dir, row->file, bake_span_text("new"), 0, &err), &err,
		BAKE_ERR_CANTCREATE, row->id);
	assert_true(scratch_says(dir, "precious", "untouched"));
	assert_int_equal(scratch_count(dir), 5);
}

/* The rename fails after everything else went well: for root, too. */
static void a_failed_replacement_leaves_nothing(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;
	char name[300];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	check_status(bake_file_replace(dir, name, bake_span_text("new"), 0, &err), &err,
		BAKE_ERR_CANTCREATE, "path.too-long");
	assert_int_equal(scratch_count(dir), 0);
}

static const struct left_row {
	const char *name;
	const char *file;
	bool removed;
} left[] = {
	{"of a dead process", ".bake-0123456789abcdef.tmp", true},
	{"of a name that is nearly like it", ".bake-0123456789abcdeg.tmp", false},
	{"of a name that is too short", ".bake-0123456789abcde.tmp", false},
	{"of a name with more in front", "x.bake-0123456789abcdef.tmp", false},
	{"of a name with more behind", ".bake-0123456789abcdef.tmp~", false},
	{"of a visible name", "bake-0123456789abcdef.tmp", false},
};

static void try_left(void **state)
{
	const struct left_row *row = *state;
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;

	scratch_text(dir, row->file, "half a docum");
	check_status(bake_file_replace(dir, "a.json", bake_span_text("new"), 0, &err), &err,
		BAKE_OK, NULL);
	assert_true(scratch_says(dir, "a.json", "new"));
	assert_int_equal(scratch_has(dir, row->file), !row->removed);
}

/* Another process is about to rename it, in another container perhaps, with our process id. */
static void what_somebody_is_writing_is_left(void)
{
	static const char name[] = ".bake-0123456789abcdef.tmp";
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	_cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct bake_error err = BAKE_ERROR_INIT;

	assert_int_equal(flock(fd, LOCK_EX), 0);
	check_status(bake_file_replace(dir, "a.json", bake_span_text("new"), 0, &err), &err,
		BAKE_OK, NULL);
	assert_true(scratch_has(dir, name));
	assert_int_equal(flock(fd, LOCK_UN), 0);
	check_status(bake_file_replace(dir, "a.json", bake_span_text("new"), 0, &err), &err,
		BAKE_OK, NULL);
	assert_int_equal(scratch_count(dir), 1);
}

/* Only files are ours: not what somebody else has put under such a name. */
static void what_is_no_file_is_left(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	struct bake_error err = BAKE_ERROR_INIT;

	scratch_text(dir, "precious", "untouched");
	assert_int_equal(symlinkat("precious", dir, ".bake-0000000000000001.tmp"), 0);
	assert_int_equal(mkdirat(dir, ".bake-0000000000000002.tmp", 0755), 0);
	assert_int_equal(mkfifoat(dir, ".bake-0000000000000003.tmp", 0644), 0);
	check_status(bake_file_replace(dir, "a.json", bake_span_text("new"), 0, &err), &err,
		BAKE_OK, NULL);
	assert_true(scratch_says(dir, "precious", "untouched"));
	assert_int_equal(scratch_count(dir), 5);
}

static void a_path_is_a_directory_and_a_name(void)
{
	char where[SCRATCH_PATH];
	char path[SCRATCH_PATH + 32];
	_cleanup_close_ int dir = scratch_open(where);
	_cleanup_close_ int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status;

	(void)snprintf(path, sizeof(path), "%s/a", where);
	check_status(
		bake_file_replace_path(path, bake_span_text("1"), 0, &err), &err, BAKE_OK, NULL);
	assert_true(scratch_says(dir, "a", "1"));
	assert_int_equal(fchdir(dir), 0);
	status = bake_file_replace_path("b", bake_span_text("2"), 0, &err);
	assert_int_equal(fchdir(here), 0);
	check_status(status, &err, BAKE_OK, NULL);
	assert_true(scratch_says(dir, "b", "2"));
	(void)snprintf(path, sizeof(path), "%s/absent/a", where);
	check_status(bake_file_replace_path(path, bake_span_text("3"), 0, &err), &err,
		BAKE_ERR_CANTCREATE, "fs.no-directory");
	(void)snprintf(path, sizeof(path), "%s/a/", where);
	check_status(bake_file_replace_path(path, bake_span_text("3"), 0, &err), &err,
		BAKE_ERR_CANTCREATE, "path.type");
	(void)snprintf(path, sizeof(path), "%s/", where);
	check_status(bake_file_replace_path(path, bake_span_text("3"), 0, &err), &err,
		BAKE_ERR_CANTCREATE, "path.type");
}

/* 2.5 MiB: more than two of the pieces that are read at a time. */
enum {
	LARGE = 5 * 512 * 1024
};

static uint8_t *large_content(void)
{
	uint8_t *bytes = malloc(LARGE);

	assert_non_null(bytes);
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return bytes;
}

static const struct hash_row {
	const char *name;
	uint64_t first;
	uint64_t end;
	uint64_t want; /* bytes read */
	bool good;
} hashes[] = {
	{"all", 0, UINT64_MAX, LARGE, true},
	{"all, the size being known", 0, LARGE, LARGE, true},
	{"from the middle", 1000, UINT64_MAX, LARGE - 1000, true},
	{"in the middle", 1048000, 1049000, 1000, true},
	{"nothing", 5, 5, 0, true},
	{"from the end", LARGE, UINT64_MAX, 0, true},
	{"behind the end", LARGE + 5, UINT64_MAX, 0, true},
	{"more than there is", 0, LARGE + 1, 0, false},
	{"all behind the end", LARGE + 5, LARGE + 6, 0, false},
};

static void add_up(void *context, uint64_t bytes)
{
	*(uint64_t *)context += bytes;
}

static void try_hash(void **state)
{
	const struct hash_row *row = *state;
	_cleanup_(bake_hasher_release) struct bake_hasher one = BAKE_HASHER_INIT;
	_cleanup_(bake_hasher_release) struct bake_hasher two = BAKE_HASHER_INIT;
	struct bake_hasher *hashers[] = {&one, &two};
	_cleanup_free_ uint8_t *bytes = large_content();
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	_cleanup_close_ int fd = -1;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_digest want = {.kind = BAKE_DIGEST_NONE};
	struct bake_digest got = want;
	uint64_t told = 0;
	uint64_t read = 0;
	struct bake_read_progress progress = {add_up, &told};

	scratch_write(dir, "large", bytes, LARGE);
	fd = openat(dir, "large", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	check_status(bake_hasher_init_sha256(&one, &err), &err, BAKE_OK, NULL);
	check_status(bake_hasher_init_sha256(&two, &err), &err, BAKE_OK, NULL);
	check_status(bake_file_hash(fd, row->first, row->end, hashers, 2, &progress, &read, &err),
		&err, row->good ? BAKE_OK : BAKE_ERR_INTEGRITY, "integrity.size");
	assert_int_equal(read, row->want);
	if (!row->good)
		return;
	assert_int_equal(told, row->want);
	check_status(bake_digest_of(bake_span(row->want ? bytes + row->first : bytes, row->want),
			     &want, &err),
		&err, BAKE_OK, NULL);
	check_status(bake_hasher_final(&one, &got, &err), &err, BAKE_OK, NULL);
	assert_true(bake_digest_equal(&got, &want));
	check_status(bake_hasher_final(&two, &got, &err), &err, BAKE_OK, NULL);
	assert_true(bake_digest_equal(&got, &want));
}

static void writing_is_positional(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	_cleanup_close_ int fd = openat(dir, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_file_write_at(fd, 3, bake_span_text("def"), &err), &err, BAKE_OK, NULL);
	check_status(bake_file_write_at(fd, 0, bake_span_text("abc"), &err), &err, BAKE_OK, NULL);
	check_status(bake_file_write_at(fd, 9, bake_span_text(""), &err), &err, BAKE_OK, NULL);
	assert_true(scratch_says(dir, "f", "abcdef"));
}

static void a_full_disk_says_so(void)
{
	_cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct bake_error err = BAKE_ERROR_INIT;

	if (fd < 0)
		skip();
	check_status(bake_file_write_at(fd, 0, bake_span_text("x"), &err), &err, BAKE_ERR_NOSPACE,
		"disk.full");
}

static const struct scenario others[] = {
	{"any length is read to its ceiling", any_length_is_read_to_its_ceiling},
	{"the length is a hint", the_length_is_a_hint},
	{"read: a dash is standard input", a_dash_is_standard_input},
	{"replace: content, mode and time", replacing_sets_content_mode_and_time},
	{"replace: -1 is now", minus_one_is_now},
	{"replace: failed, it leaves nothing", a_failed_replacement_leaves_nothing},
	{"replace: what somebody is writing is left", what_somebody_is_writing_is_left},
	{"replace: what is no file is left", what_is_no_file_is_left},
	{"replace: a path", a_path_is_a_directory_and_a_name},
	{"write: at an offset", writing_is_positional},
	{"write: a full disk says so", a_full_disk_says_so},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(reads, try_read),
		ROWS(refusals, try_refusal),
		ROWS(left, try_left),
		ROWS(hashes, try_hash),
		ROWS(others, play_scenario),
	};

	return run_rows("fs/file", tables, countof(tables));
}
