/* SPDX-License-Identifier: Apache-2.0 */
/* libbake: what is found, what is refused, and how often anything is fetched. bake-fetch is a script
 * here, which says how often it was run. */
#include "unit/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bake/runtime.h>

#include "digest/hasher.h"
#include "unit/scratch.h"

#define CONTENT "the content that was pinned"
#define FLIPPED "the content that was pinneD"
#define HEADER	"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
#define TENSORS "\x35\0\0\0\0\0\0\0" HEADER "\x07"

enum {
	TENSORS_LEN = sizeof(TENSORS) - 1,
	TEXT_MAX = 16384,
	THREADS = 16,
	SWAPS = 2000
};

/* Models, fallback and lock in a directory of their own. */
struct bed {
	char path[SCRATCH_PATH];
	char models[SCRATCH_PATH + 16];
	char fallback[SCRATCH_PATH + 16];
	char program[SCRATCH_PATH + 16];
	int dir;
	struct bake_runtime_options options;
	struct bake_runtime *runtime;
};

/* The models of every test: of one file, of a directory, of tensors, not baked, and of a group. */
static const struct {
	const char *id;
	const char *more; /* members */
	const char *path;
	struct {
		const char *path;
		const char *content;
		size_t len;
	} files[2];
} stock[] = {
	{"absent", "\"status\":\"missing\"", "a/absent.bin",
		{{"a/absent.bin", CONTENT, sizeof(CONTENT) - 1}}},
	{"eight", "\"status\":\"baked\",\"group\":\"edit\",\"variant\":{\"rank\":128,\"steps\":8}",
		"v/8.bin", {{"v/8.bin", CONTENT, sizeof(CONTENT) - 1}}},
	{"one", "\"status\":\"baked\"", "m/one.bin", {{"m/one.bin", CONTENT, sizeof(CONTENT) - 1}}},
	{"plain", "\"status\":\"baked\",\"group\":\"edit\",\"variant\":{\"rank\":128}", "v/0.bin",
		{{"v/0.bin", CONTENT, sizeof(CONTENT) - 1}}},
	{"tensors", "\"status\":\"baked\"", "s/w.safetensors",
		{{"s/w.safetensors", TENSORS, TENSORS_LEN}}},
	{"tree", "\"status\":\"baked\"", "t",
		{{"t/model_index.json", "{}", 2}, {"t/vae/w.bin", CONTENT, sizeof(CONTENT) - 1}}},
};

static size_t add_file(char *text, size_t at, const char *path, const char *content, size_t len)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_digest digest;

	check_status(bake_digest_of(bake_span(content, len), &digest, &err), &err, BAKE_OK, NULL);
	return (size_t)snprintf(text + at, TEXT_MAX - at,
		"{\"path\":\"%s\",\"name\":\"x\",\"size\":%zu,\"sha256\":\"%s\"}", path, len,
		BAKE_HEX(&digest));
}

/* lock: the same pins as a lock, else as an index. */
static void write_document(int dir, const char *name, bool lock)
{
	static const char some[] =
		"abababababababababababababababababababababababababababababababab";
	char text[TEXT_MAX];
	size_t at = (size_t)snprintf(text, sizeof(text),
		lock ? "{\"schema\":\"bake.lock/1\",\"name\":\"t\",\"manifest_sha256\":\"%s\","
		       "\"models\":{"
		     : "{\"schema\":\"bake.index/1\",\"lock_sha256\":\"%s\",\"selected\":{\"edit\":"
		       "{\"prefer\":[{\"steps\":8}]}},\"models\":[",
		some);

	for (size_t i = 0; i < countof(stock); i++) {
		const char *comma = i ? "," : "";

		if (lock)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
				"%s\"%s\":{\"source\":{\"file\":\"x\"},\"spec_sha256\":\"%s\","
				"\"layer\":3,"
				"\"required\":true,\"files\":[",
				comma, stock[i].id, some);
		else
			at += (size_t)snprintf(text + at, sizeof(text) - at,
				"%s{\"id\":\"%s\",\"required\":true,%s,\"path\":\"%s\",\"files\":[",
				comma, stock[i].id, stock[i].more, stock[i].path);
		for (size_t k = 0; k < countof(stock[i].files) && stock[i].files[k].path; k++) {
			if (k)
				text[at++] = ',';
			at += add_file(text, at, stock[i].files[k].path, stock[i].files[k].content,
				stock[i].files[k].len);
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at, "]}");
	}
	(void)snprintf(text + at, sizeof(text) - at, lock ? "}}" : "]}");
	scratch_text(dir, name, text);
}

static void make_bed(struct bed *bed)
{
	static const char *const dirs[] = {"models", "models/m", "models/s", "models/t",
		"models/t/vae", "models/v", "fallback", "fallback/m", "fallback/a"};

	memset(bed, 0, sizeof(*bed));
	bed->dir = scratch_open(bed->path);
	(void)snprintf(bed->models, sizeof(bed->models), "%s/models", bed->path);
	(void)snprintf(bed->fallback, sizeof(bed->fallback), "%s/fallback", bed->path);
	(void)snprintf(bed->program, sizeof(bed->program), "%s/fetch", bed->path);
	for (size_t i = 0; i < countof(dirs); i++)
		assert_int_equal(mkdirat(bed->dir, dirs[i], 0755), 0);
	scratch_text(bed->dir, "models/m/one.bin", CONTENT);
	scratch_text(bed->dir, "models/v/8.bin", CONTENT);
	scratch_text(bed->dir, "models/v/0.bin", CONTENT);
	scratch_write(bed->dir, "models/s/w.safetensors", TENSORS, TENSORS_LEN);
	scratch_text(bed->dir, "models/t/model_index.json", "{}");
	scratch_text(bed->dir, "models/t/vae/w.bin", CONTENT);
	write_document(bed->dir, "models/model-info.json", false);
	write_document(bed->dir, "models.lock.json", true);
	bed->options = (struct bake_runtime_options){
		.size = sizeof(bed->options),
		.models_dir = bed->models,
		.fallback_dir = "",
		.fetch_program = bed->program,
		.fallback = BAKE_RUNTIME_FALLBACK_OFF,
	};
}

static void open_bed(struct bed *bed)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_runtime_open(&bed->options, &bed->runtime, &err), &err, BAKE_OK, NULL);
}

static void end_bed(struct bed *bed)
{
	bake_runtime_close(bed->runtime);
	cleanup_close(&bed->dir);
}

/* A bake-fetch that says that it was run and then does this; $dir is where it is to put things. */
static void write_program(struct bed *bed, const char *then)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
		"#!/bin/sh\necho run >> '%s/runs'\n"
		"while [ $# -gt 1 ]; do [ \"$1\" = --models ] && dir=$2; shift; done\n%s\n",
		bed->path, then);
	scratch_text(bed->dir, "fetch", text);
	assert_int_equal(fchmodat(bed->dir, "fetch", 0755, 0), 0);
	bed->options.fallback_dir = bed->fallback;
	bed->options.fallback = BAKE_RUNTIME_FALLBACK_FETCH;
}

static unsigned count_runs(const struct bed *bed)
{
	char text[4096];
	_cleanup_close_ int fd = openat(bed->dir, "runs", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text));

	return (unsigned)got / 4; /* "run\n" */
}

static void must_resolve(struct bed *bed, const char *model, enum bake_runtime_check check,
	enum bake_runtime_origin origin)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found;

	check_status(bake_runtime_resolve(bed->runtime, model, check, &found, &err), &err, BAKE_OK,
		NULL);
	assert_int_equal(bake_runtime_found_origin(found), origin);
	assert_string_equal(bake_runtime_found_model(found), model);
	bake_runtime_found_close(found);
}

static void must_fail(struct bed *bed, const char *model, enum bake_runtime_check check,
	enum bake_status status, const char *id)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found = NULL;

	check_status(
		bake_runtime_resolve(bed->runtime, model, check, &found, &err), &err, status, id);
	assert_null(found);
}

/* ---- one file after the other ---- */

static const struct state_row {
	const char *name;
	const char *model;
	const char *spoiled; /* file that is made so */
	const char *with;    /* its content; NULL: it is removed */
	enum bake_runtime_check check;
	enum bake_status want;
	const char *id;
} states[] = {
	{"right", "one", NULL, NULL, BAKE_RUNTIME_CHECK_FULL, BAKE_OK, NULL},
	{"right tensors", "tensors", NULL, NULL, BAKE_RUNTIME_CHECK_QUICK, BAKE_OK, NULL},
	{"right directory", "tree", NULL, NULL, BAKE_RUNTIME_CHECK_FULL, BAKE_OK, NULL},
	{"gone", "one", "m/one.bin", NULL, BAKE_RUNTIME_CHECK_OFF, BAKE_ERR_UNAVAILABLE,
		"index.not-local"},
	{"too short", "one", "m/one.bin", "short", BAKE_RUNTIME_CHECK_QUICK, BAKE_ERR_INTEGRITY,
		"integrity.size"},
	{"too short, not looked at", "one", "m/one.bin", "short", BAKE_RUNTIME_CHECK_OFF, BAKE_OK,
		NULL},
	{"one byte", "one", "m/one.bin", FLIPPED, BAKE_RUNTIME_CHECK_FULL, BAKE_ERR_INTEGRITY,
		"integrity.sha256"},
	{"one byte, only its size", "one", "m/one.bin", FLIPPED, BAKE_RUNTIME_CHECK_QUICK, BAKE_OK,
		NULL},
	{"no header", "tensors", "s/w.safetensors",
		"version https://git-lfs.github.com/spec/v1 ... and so on 12345", /* as long */
		BAKE_RUNTIME_CHECK_QUICK, BAKE_ERR_DATA, NULL},
	{"one of a directory", "tree", "t/vae/w.bin", FLIPPED, BAKE_RUNTIME_CHECK_FULL,
		BAKE_ERR_INTEGRITY, "integrity.sha256"},
	{"gone of a directory", "tree", "t/vae/w.bin", NULL, BAKE_RUNTIME_CHECK_QUICK,
		BAKE_ERR_UNAVAILABLE, "index.not-local"},
	{"never baked", "absent", NULL, NULL, BAKE_RUNTIME_CHECK_QUICK, BAKE_ERR_UNAVAILABLE,
		"index.not-local"},
	{"unknown", "ona", NULL, NULL, BAKE_RUNTIME_CHECK_QUICK, BAKE_ERR_USAGE,
		"usage.unknown-model"},
	{"no such check", "one", NULL, NULL, (enum bake_runtime_check)9, BAKE_ERR_USAGE,
		"runtime.option"},
};

static void try_state(void **state)
{
	const struct state_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bed bed;
	char path[128];

	make_bed(&bed);
	open_bed(&bed);
	if (row->spoiled) {
		(void)snprintf(path, sizeof(path), "models/%s", row->spoiled);
		assert_int_equal(unlinkat(bed.dir, path, 0), 0);
		if (row->with)
			scratch_text(bed.dir, path, row->with);
	}
	if (row->want == BAKE_OK) {
		must_resolve(&bed, row->model, row->check, BAKE_RUNTIME_BAKED);
	} else if (row->id) {
		must_fail(&bed, row->model, row->check, row->want, row->id);
		assert_int_equal(
			bake_runtime_check(bed.runtime, row->model, row->check, NULL), row->want);
	} else {
		assert_int_equal(
			bake_runtime_check(bed.runtime, row->model, row->check, &err), row->want);
	}
	if (strcmp(row->model, "plain") != 0) /* the others are as they were */
		must_resolve(&bed, "plain", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_BAKED);
	end_bed(&bed);
}

static void links_are_not_followed(void)
{
	struct bed bed;

	make_bed(&bed);
	open_bed(&bed);
	scratch_text(bed.dir, "elsewhere", CONTENT);
	assert_int_equal(unlinkat(bed.dir, "models/m/one.bin", 0), 0);
	assert_int_equal(symlinkat("../../elsewhere", bed.dir, "models/m/one.bin"), 0);
	must_fail(&bed, "one", BAKE_RUNTIME_CHECK_FULL, BAKE_ERR_INTEGRITY, "integrity.type");
	assert_int_equal(renameat(bed.dir, "models/t", bed.dir, "moved"), 0);
	assert_int_equal(symlinkat("../moved", bed.dir, "models/t"), 0);
	must_fail(&bed, "tree", BAKE_RUNTIME_CHECK_OFF, BAKE_ERR_INTEGRITY, "integrity.type");
	end_bed(&bed);
}

static void what_is_handed_over_is_what_was_checked(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found;
	char text[64] = {0};
	struct bed bed;
	int fd = -1;

	make_bed(&bed);
	open_bed(&bed);
	check_status(
		bake_runtime_resolve(bed.runtime, "one", BAKE_RUNTIME_CHECK_FULL, &found, &err),
		&err, BAKE_OK, NULL);
	end_bed(&bed); /* what was found outlives it */
	assert_int_equal(
		read(bake_runtime_found_fd(found), text, sizeof(text)), sizeof(CONTENT) - 1);
	assert_string_equal(text, CONTENT);
	assert_false(bake_runtime_found_is_directory(found));
	check_status(bake_runtime_found_take_fd(found, &fd, &err), &err, BAKE_OK, NULL);
	bake_runtime_found_close(found);
	assert_int_equal(pread(fd, text, 3, 0), 3);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cleanup_close(&fd);
}

static void a_file_of_a_directory_is_opened_as_it_was_checked(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found;
	struct bed bed;
	int fd = -1;

	make_bed(&bed);
	open_bed(&bed);
	check_status(
		bake_runtime_resolve(bed.runtime, "tree", BAKE_RUNTIME_CHECK_FULL, &found, &err),
		&err, BAKE_OK, NULL);
	assert_true(bake_runtime_found_is_directory(found));
	assert_int_equal(bake_runtime_found_file_count(found), 2);
	assert_string_equal(bake_runtime_found_file(found, 1), "t/vae/w.bin");
	assert_null(bake_runtime_found_file(found, 2));
	assert_int_equal(faccessat(bake_runtime_found_fd(found), "vae/w.bin", R_OK, 0), 0);
	check_status(bake_runtime_found_open(found, 1, &fd, &err), &err, BAKE_OK, NULL);
	cleanup_close(&fd);
	fd = -1;
	scratch_text(bed.dir, "new", CONTENT);
	assert_int_equal(renameat(bed.dir, "new", bed.dir, "models/t/vae/w.bin"), 0);
	check_status(bake_runtime_found_open(found, 1, &fd, &err), &err, BAKE_ERR_INTEGRITY,
		"integrity.changed");
	assert_int_equal(fd, -1);
	assert_int_equal(bake_runtime_found_open(found, 7, &fd, NULL), BAKE_ERR_USAGE);
	bake_runtime_found_close(found);
	end_bed(&bed);
}

struct swapper {
	int dir;
	atomic_bool stop;
};

/* Puts the right and a wrong file in each other's place, as fast as it goes. */
static void *swap(void *context)
{
	struct swapper *swapper = context;

	while (!atomic_load(&swapper->stop)) {
		scratch_text(swapper->dir, "new", FLIPPED);
		(void)renameat(swapper->dir, "new", swapper->dir, "models/m/one.bin");
		scratch_text(swapper->dir, "new", CONTENT);
		(void)renameat(swapper->dir, "new", swapper->dir, "models/m/one.bin");
	}
	return NULL;
}

static void a_file_that_is_swapped_all_the_time_is_right_or_refused(void)
{
	struct swapper swapper = {.stop = false};
	struct bed bed;
	pthread_t thread;

	make_bed(&bed);
	open_bed(&bed);
	swapper.dir = bed.dir;
	assert_int_equal(pthread_create(&thread, NULL, swap, &swapper), 0);
	for (unsigned i = 0; i < SWAPS; i++) {
		struct bake_runtime_found *found;
		char text[64] = {0};

		if (bake_runtime_resolve(
			    bed.runtime, "one", BAKE_RUNTIME_CHECK_FULL, &found, NULL) != BAKE_OK)
			continue;
		assert_int_equal(pread(bake_runtime_found_fd(found), text, sizeof(text), 0),
			sizeof(CONTENT) - 1);
		assert_string_equal(text, CONTENT);
		bake_runtime_found_close(found);
	}
	atomic_store(&swapper.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	end_bed(&bed);
}

/* ---- choosing ---- */

static void the_rule_chooses(void)
{
	struct bake_runtime_wish wish = {.size = sizeof(wish), .group = "edit"};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found;
	struct bed bed;

	make_bed(&bed);
	open_bed(&bed);
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err, BAKE_OK, NULL);
	assert_string_equal(bake_runtime_found_model(found), "eight");
	assert_int_equal(bake_runtime_found_rank(found), 128);
	assert_int_equal(bake_runtime_found_steps(found), 8);
	assert_null(bake_runtime_found_notice(found));
	assert_null(bake_runtime_found_precision(found));
	bake_runtime_found_close(found);
	wish.steps = BAKE_RUNTIME_PLAIN;
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err, BAKE_OK, NULL);
	assert_string_equal(bake_runtime_found_model(found), "plain");
	bake_runtime_found_close(found);
	wish.steps = 4;
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err,
		BAKE_ERR_UNAVAILABLE, "index.not-local");
	end_bed(&bed);
}

static void another_one_is_taken_only_when_that_was_wished_and_is_said(void)
{
	struct bake_runtime_wish wish = {.size = sizeof(wish), .group = "edit"};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found = NULL;
	struct bed bed;

	make_bed(&bed);
	open_bed(&bed);
	scratch_text(bed.dir, "models/v/8.bin", "spoiled");
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err,
		BAKE_ERR_INTEGRITY, "integrity.size");
	assert_null(found);
	wish.any_local = 1;
	err = BAKE_ERROR_INIT;
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err, BAKE_OK, NULL);
	assert_string_equal(bake_runtime_found_model(found), "plain");
	assert_non_null(strstr(bake_runtime_found_notice(found), "v/8.bin"));
	bake_runtime_found_close(found);
	scratch_text(bed.dir, "models/v/0.bin", "spoiled");
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err,
		BAKE_ERR_INTEGRITY, "integrity.size");
	end_bed(&bed);
}

static void bad_wishes_are_told(void)
{
	struct bake_runtime_wish wish = {.size = sizeof(wish)};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found;
	struct bed bed;

	make_bed(&bed);
	open_bed(&bed);
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err, BAKE_ERR_USAGE,
		"runtime.option");
	assert_int_equal(bake_runtime_select(bed.runtime, NULL, 0, &found, NULL), BAKE_ERR_USAGE);
	wish.group = "edti";
	err = BAKE_ERROR_INIT;
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err,
		BAKE_ERR_UNAVAILABLE, "index.not-local");
	assert_string_equal(err.hint, "did you mean \"edit\"?");
	wish.gpu = "RTX 4090";
	check_status(bake_runtime_select(bed.runtime, &wish, 0, &found, &err), &err, BAKE_ERR_USAGE,
		"runtime.option");
	end_bed(&bed);
}

/* ---- fallback ---- */

static void the_fallback_directory_is_next(void)
{
	struct bed bed;

	make_bed(&bed);
	bed.options.fallback_dir = bed.fallback;
	open_bed(&bed);
	scratch_text(bed.dir, "fallback/a/absent.bin", CONTENT);
	must_resolve(&bed, "absent", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_FALLBACK);
	scratch_text(bed.dir, "fallback/a/absent.bin", FLIPPED);
	must_fail(&bed, "absent", BAKE_RUNTIME_CHECK_FULL, BAKE_ERR_UNAVAILABLE, "index.not-local");
	scratch_text(bed.dir, "fallback/m/one.bin", CONTENT);
	must_resolve(&bed, "one", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_BAKED);
	scratch_text(bed.dir, "models/m/one.bin", FLIPPED);
	must_resolve(&bed, "one", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_FALLBACK);
	end_bed(&bed);
}

static void the_fallback_directory_is_never_the_baked_one(void)
{
	static const char *const bad[] = {"models", "models/", "models/m", "models/new/er", ".",
		"models/../models", "link", "link/new"};
	struct bake_error err;
	struct bed bed;
	char path[SCRATCH_PATH + 32];

	make_bed(&bed);
	assert_int_equal(symlinkat("models", bed.dir, "link"), 0);
	bed.options.fallback_dir = path;
	for (size_t i = 0; i < countof(bad); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", bed.path, bad[i]);
		err = BAKE_ERROR_INIT;
		check_status(bake_runtime_open(&bed.options, &bed.runtime, &err), &err,
			BAKE_ERR_CONFIG, "runtime.fallback-dir");
	}
	(void)snprintf(path, sizeof(path), "%s/models-2/new", bed.path);
	open_bed(&bed);
	end_bed(&bed);
}

static void fetching_wants_a_directory(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bed bed;

	make_bed(&bed);
	bed.options.fallback = BAKE_RUNTIME_FALLBACK_FETCH;
	check_status(bake_runtime_open(&bed.options, &bed.runtime, &err), &err, BAKE_ERR_CONFIG,
		"runtime.fallback-dir");
	end_bed(&bed);
}

#define BRING "mkdir -p \"$dir/a\"; sleep 0.2; printf '" CONTENT "' > \"$dir/a/absent.bin\""

static void what_is_missing_is_fetched_when_that_is_allowed(void)
{
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, BRING);
	open_bed(&bed);
	must_resolve(&bed, "absent", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_FETCHED);
	must_resolve(&bed, "absent", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_FALLBACK);
	assert_int_equal(count_runs(&bed), 1);
	end_bed(&bed);
}

static void a_check_fetches_nothing(void)
{
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, BRING);
	open_bed(&bed);
	assert_int_equal(bake_runtime_check(bed.runtime, "absent", 0, NULL), BAKE_ERR_UNAVAILABLE);
	assert_int_equal(count_runs(&bed), 0);
	end_bed(&bed);
}

static const struct refused_row {
	const char *name;
	bool off;
	bool offline;
	const char *id;
} refused[] = {
	{"off", true, false, "index.not-local"},
	{"offline", false, true, "net.offline"},
};

static void try_refused(void **state)
{
	const struct refused_row *row = *state;
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, BRING);
	bed.options.offline = row->offline;
	if (row->off)
		bed.options.fallback = BAKE_RUNTIME_FALLBACK_OFF;
	open_bed(&bed);
	must_fail(&bed, "absent", 0, BAKE_ERR_UNAVAILABLE, row->id);
	must_resolve(&bed, "one", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_BAKED);
	assert_int_equal(count_runs(&bed), 0);
	end_bed(&bed);
}

static const struct failing_row {
	const char *name;
	const char *script;
	enum bake_status want;
	const char *id;
	const char *says;
} failing[] = {
	{"with its own words",
		"echo '{\"ok\":false,\"error\":\"net.timeout\",\"message\":\"too slow\",\"hint\":"
		"\"wait\",\"exit_code\":75}'; exit 75",
		BAKE_ERR_TEMPORARY, "runtime.fetch", "error[net.timeout]: too slow"},
	{"without a word", "exit 69", BAKE_ERR_UNAVAILABLE, "runtime.fetch", "ended with 69"},
	{"with nonsense", "echo '{{{'; exit 3", BAKE_ERR_INTERNAL, "runtime.fetch", "ended with 3"},
	{"by a signal", "kill -9 $$", BAKE_ERR_TEMPORARY, "runtime.fetch", "by a signal"},
	{"saying that all is well", "exit 0", BAKE_ERR_UNAVAILABLE, "index.not-local",
		"absent.bin"},
	{"bringing what is wrong", "printf '" FLIPPED "' > \"$dir/a/absent.bin\"; exit 0",
		BAKE_ERR_INTEGRITY, "integrity.sha256", "absent.bin"},
};

static void try_failing(void **state)
{
	const struct failing_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found = NULL;
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, row->script);
	open_bed(&bed);
	check_status(
		bake_runtime_resolve(bed.runtime, "absent", BAKE_RUNTIME_CHECK_FULL, &found, &err),
		&err, row->want, row->id);
	assert_non_null(strstr(err.message, row->says));
	assert_null(found);
	must_resolve(&bed, "one", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_BAKED);
	end_bed(&bed);
}

static void a_program_that_is_not_there_is_told(void)
{
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, "");
	assert_int_equal(unlinkat(bed.dir, "fetch", 0), 0);
	open_bed(&bed);
	must_fail(&bed, "absent", 0, BAKE_ERR_CONFIG, "runtime.no-program");
	end_bed(&bed);
}

static void a_lock_of_other_pins_is_refused_before_anything_is_fetched(void)
{
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, BRING);
	open_bed(&bed);
	assert_int_equal(unlinkat(bed.dir, "models.lock.json", 0), 0);
	must_fail(&bed, "absent", 0, BAKE_ERR_NOINPUT, "fs.not-found");
	scratch_text(bed.dir, "models.lock.json",
		"{\"schema\":\"bake.lock/1\",\"name\":\"t\",\"manifest_sha256\":"
		"\"abababababababababababababababababababababababababababababababab\","
		"\"models\":{}}");
	end_bed(&bed);
	open_bed(&bed); /* the failure before was too fresh for another attempt */
	must_fail(&bed, "absent", 0, BAKE_ERR_CONFIG, "runtime.other-lock");
	assert_int_equal(count_runs(&bed), 0);
	bake_runtime_close(bed.runtime);
}

/* A host that ignores SIGCHLD has its children reaped by the kernel: their words must do. */
static void a_host_that_ignores_its_children(void)
{
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, BRING);
	assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	open_bed(&bed);
	must_resolve(&bed, "absent", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_FETCHED);
	end_bed(&bed);
	make_bed(&bed);
	write_program(&bed, "echo '{\"ok\":false,\"error\":\"net.timeout\",\"message\":\"slow\","
			    "\"exit_code\":75}'; exit 75");
	open_bed(&bed);
	must_fail(&bed, "absent", 0, BAKE_ERR_TEMPORARY, "runtime.fetch");
	end_bed(&bed);
	assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
}

/* A server's sockets and its signal mask are none of bake-fetch's. */
static void the_program_inherits_nothing(void)
{
	struct bed bed;
	int fd;
	sigset_t blocked;

	make_bed(&bed);
	write_program(&bed,
		"ls /proc/$$/fd | grep -q '^[5-9][0-9]$' && exit 64\n"
		"grep -q 'SigBlk:.*[2367abef]..$' /proc/self/status && exit 65\n" BRING);
	open_bed(&bed);
	fd = fcntl(bed.dir, F_DUPFD, 50); /* open across exec */
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, NULL), 0);
	must_resolve(&bed, "absent", BAKE_RUNTIME_CHECK_FULL, BAKE_RUNTIME_FETCHED);
	assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &blocked, NULL), 0);
	cleanup_close(&fd);
	end_bed(&bed);
}

static int next_descriptor(const struct bed *bed)
{
	int fd = fcntl(bed->dir, F_DUPFD_CLOEXEC, 0);

	assert_int_equal(close(fd), 0);
	return fd;
}

static void no_descriptor_stays_open(void)
{
	static const char *const models[] = {"one", "tree", "tensors", "absent", "plain"};
	struct bed bed;
	int first;

	make_bed(&bed);
	write_program(&bed, "exit 75");
	bed.options.retry_ms = 1;
	first = next_descriptor(&bed);
	open_bed(&bed);
	scratch_text(bed.dir, "models/v/0.bin", FLIPPED);
	for (unsigned i = 0; i < 20; i++) {
		for (size_t k = 0; k < countof(models); k++) {
			struct bake_runtime_found *found;

			if (bake_runtime_resolve(bed.runtime, models[k], BAKE_RUNTIME_CHECK_FULL,
				    &found, NULL) == BAKE_OK)
				bake_runtime_found_close(found);
		}
	}
	bake_runtime_close(bed.runtime);
	assert_int_equal(next_descriptor(&bed), first);
	cleanup_close(&bed.dir);
}

/* ---- many at the same time ---- */

struct caller {
	struct bed *bed;
	pthread_t thread;
	struct bake_error err;
	enum bake_status status;
};

static void *call(void *context)
{
	struct caller *caller = context;
	struct bake_runtime_found *found;

	caller->status = bake_runtime_resolve(
		caller->bed->runtime, "absent", BAKE_RUNTIME_CHECK_FULL, &found, &caller->err);
	if (caller->status == BAKE_OK)
		bake_runtime_found_close(found);
	return NULL;
}

static void call_from_threads(struct bed *bed, struct caller callers[THREADS])
{
	for (unsigned i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){.bed = bed, .err = BAKE_ERROR_INIT};
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
}

static void sixteen_callers_are_one_fetch(void)
{
	struct caller callers[THREADS];
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, BRING);
	open_bed(&bed);
	call_from_threads(&bed, callers);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		assert_int_equal(callers[i].status, BAKE_OK);
	}
	assert_int_equal(count_runs(&bed), 1);
	end_bed(&bed);
}

static void a_failure_is_one_fetch_too_for_a_while(void)
{
	struct caller callers[THREADS];
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_runtime_found *found;
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, "sleep 0.2; exit 75");
	bed.options.retry_ms = 3600000;
	open_bed(&bed);
	call_from_threads(&bed, callers);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		assert_int_equal(callers[i].status, BAKE_ERR_TEMPORARY);
		assert_string_equal(callers[i].err.id, "runtime.fetch");
	}
	check_status(bake_runtime_resolve(bed.runtime, "absent", 0, &found, &err), &err,
		BAKE_ERR_TEMPORARY, "runtime.fetch");
	assert_non_null(strstr(err.hint, "tried again in"));
	assert_int_equal(count_runs(&bed), 1);
	end_bed(&bed);
}

static void after_a_while_it_is_tried_again(void)
{
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, "exit 75");
	bed.options.retry_ms = 1;
	open_bed(&bed);
	must_fail(&bed, "absent", 0, BAKE_ERR_TEMPORARY, "runtime.fetch");
	(void)usleep(5000);
	must_fail(&bed, "absent", 0, BAKE_ERR_TEMPORARY, "runtime.fetch");
	assert_int_equal(count_runs(&bed), 2);
	end_bed(&bed);
}

static void a_cancelled_fetch_ends_and_none_begins(void)
{
	struct caller callers[THREADS];
	struct bed bed;

	make_bed(&bed);
	write_program(&bed, "exec sleep 600");
	open_bed(&bed);
	call_from_threads(&bed, callers);
	while (count_runs(&bed) == 0)
		(void)usleep(1000);
	bake_runtime_cancel(bed.runtime);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		assert_int_equal(callers[i].status, BAKE_ERR_INTERRUPTED);
	}
	must_fail(&bed, "absent", 0, BAKE_ERR_INTERRUPTED, "interrupted");
	assert_int_equal(count_runs(&bed), 1);
	end_bed(&bed);
}

/* ---- the interface ---- */

static void what_the_index_says(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bed bed;
	const char *text;
	char *entry;
	size_t len;

	make_bed(&bed);
	open_bed(&bed);
	assert_int_equal(bake_runtime_model_count(bed.runtime), countof(stock));
	assert_string_equal(bake_runtime_model_id(bed.runtime, 0), "absent");
	assert_null(bake_runtime_model_id(bed.runtime, countof(stock)));
	text = bake_runtime_info_json(bed.runtime, &len);
	assert_int_equal(strlen(text), len);
	check_status(
		bake_runtime_model_json(bed.runtime, "one", &entry, &err), &err, BAKE_OK, NULL);
	assert_memory_equal(entry, "{\"id\":\"one\",", 12);
	assert_string_equal(entry + strlen(entry) - 3, "}]}");
	bake_runtime_free(entry);
	assert_int_equal(bake_runtime_model_json(bed.runtime, "two", &entry, NULL), BAKE_ERR_USAGE);
	end_bed(&bed);
}

/* A caller of a later version, with a field more. */
struct later_options {
	struct bake_runtime_options now;
	uint64_t new_field;
};

static void structs_of_other_versions(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct later_options later = {.new_field = 0};
	struct bed bed;

	make_bed(&bed);
	later.now = bed.options;
	later.now.size = sizeof(later);
	check_status(bake_runtime_open(&later.now, &bed.runtime, &err), &err, BAKE_OK, NULL);
	bake_runtime_close(bed.runtime);
	bed.runtime = NULL;
	later.new_field = 1;
	check_status(bake_runtime_open(&later.now, &bed.runtime, &err), &err, BAKE_ERR_USAGE,
		"runtime.abi");
	bed.options.size = 0;
	check_status(bake_runtime_open(&bed.options, &bed.runtime, &err), &err, BAKE_ERR_USAGE,
		"runtime.abi");
	bed.options.size = offsetof(struct bake_runtime_options, index_path); /* an older one */
	open_bed(&bed);
	end_bed(&bed);
}

static void an_error_on_the_heap(void)
{
	struct bake_error *err = bake_runtime_error_new();
	struct bake_runtime_options options = {.size = sizeof(options), .models_dir = "/absent"};
	struct bake_runtime *runtime;

	assert_string_equal(bake_runtime_error_id(err), "");
	assert_int_equal(bake_runtime_open(&options, &runtime, err), BAKE_ERR_NOINPUT);
	assert_int_equal(bake_runtime_error_status(err), BAKE_ERR_NOINPUT);
	assert_string_equal(bake_runtime_error_id(err), "fs.not-found");
	assert_non_null(strstr(bake_runtime_error_message(err), "/absent/model-info.json"));
	assert_string_not_equal(bake_runtime_error_hint(err), "");
	bake_runtime_error_free(err);
	assert_int_equal(
		sizeof(struct bake_error), 904); /* fixed while the library is libbake.so.0 */
}

static const struct scenario scenarios[] = {
	{"links are not followed", links_are_not_followed},
	{"what is handed over is what was checked", what_is_handed_over_is_what_was_checked},
	{"a file of a directory is opened as it was checked",
		a_file_of_a_directory_is_opened_as_it_was_checked},
	{"a file that is swapped all the time is right or refused",
		a_file_that_is_swapped_all_the_time_is_right_or_refused},
	{"the rule chooses", the_rule_chooses},
	{"another one is taken only when that was wished, and is said",
		another_one_is_taken_only_when_that_was_wished_and_is_said},
	{"bad wishes are told", bad_wishes_are_told},
	{"the fallback directory is next", the_fallback_directory_is_next},
	{"the fallback directory is never the baked one",
		the_fallback_directory_is_never_the_baked_one},
	{"fetching wants a directory", fetching_wants_a_directory},
	{"what is missing is fetched when that is allowed",
		what_is_missing_is_fetched_when_that_is_allowed},
	{"a check fetches nothing", a_check_fetches_nothing},
	{"a program that is not there is told", a_program_that_is_not_there_is_told},
	{"a lock of other pins is refused before anything is fetched",
		a_lock_of_other_pins_is_refused_before_anything_is_fetched},
	{"a host that ignores its children", a_host_that_ignores_its_children},
	{"the program inherits nothing", the_program_inherits_nothing},
	{"no descriptor stays open", no_descriptor_stays_open},
	{"sixteen callers are one fetch", sixteen_callers_are_one_fetch},
	{"a failure is one fetch, too, for a while", a_failure_is_one_fetch_too_for_a_while},
	{"after a while it is tried again", after_a_while_it_is_tried_again},
	{"a cancelled fetch ends and none begins", a_cancelled_fetch_ends_and_none_begins},
	{"what the index says", what_the_index_says},
	{"structs of other versions", structs_of_other_versions},
	{"an error on the heap", an_error_on_the_heap},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(states, try_state),
		ROWS(refused, try_refused),
		ROWS(failing, try_failing),
		ROWS(scenarios, play_scenario),
	};

	return run_rows("runtime", tables, countof(tables));
}
