/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "json/json.h"

enum {
	/* A report of a fetch has a line for each file; of more than that the end is not read. */
	REPORT_BYTES_MAX = 64 * 1024 * 1024,
	PIECE_BYTES = 16 * 1024,
	FIRST_FREE_FD = 3
};

/* bake-fetch --json --quiet --no-history --lock LOCK --models DIR [fetch_args] -- MODEL; the strings are
 * borrowed. */
static char **make_arguments(const struct bake_runtime *runtime, char *model)
{
	static char json[] = "--json", quiet[] = "--quiet", no_history[] = "--no-history";
	static char lock[] = "--lock", models[] = "--models", end[] = "--";
	char *own[] = {runtime->fetch_program, json, quiet, no_history, lock, runtime->lock_path,
		models, runtime->fallback_dir};
	size_t more = 0;
	char **argv;

	while (runtime->fetch_args[more])
		more++;
	argv = calloc(countof(own) + more + 3, sizeof(*argv));
	if (!argv)
		return NULL;
	memcpy(argv, own, sizeof(own));
	memcpy(argv + countof(own), runtime->fetch_args, more * sizeof(*argv));
	argv[countof(own) + more] = end;
	argv[countof(own) + more + 1] = model;
	return argv;
}

/* Nothing of this process but its environment: no descriptors, no blocked or ignored signals. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int out)
{
	sigset_t none;
	sigset_t all;
	int failed;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	/* The pipe first: it may be any descriptor, also 0 or 2 when the host has closed those. */
	failed = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
	if (!failed)
		failed = posix_spawn_file_actions_addopen(
			actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!failed)
		failed = posix_spawn_file_actions_addopen(
			actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!failed)
		failed = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FREE_FD);
	if (!failed)
		failed = posix_spawnattr_setsigmask(attributes, &none);
	if (!failed)
		failed = posix_spawnattr_setsigdefault(attributes, &all);
	if (!failed)
		failed = posix_spawnattr_setflags(
			attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return failed;
}

static int start(char **argv, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int failed = posix_spawn_file_actions_init(&actions);

	if (failed)
		return failed;
	failed = posix_spawnattr_init(&attributes);
	if (!failed) {
		failed = prepare(&actions, &attributes, out);
		if (!failed)
			failed = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return failed;
}

/* To the end, whatever comes: a writer must never wait for room in the pipe. */
static void read_report(int from, struct bake_buf *out)
{
	char piece[PIECE_BYTES];
	ssize_t got;

	while ((got = read(from, piece, sizeof(piece))) != 0) {
		if (got > 0)
			bake_buf_add(out, piece, (size_t)got);
		else if (errno != EINTR)
			break;
	}
}

/* What there is instead of an exit code. */
enum {
	CODE_SIGNAL = -1,
	CODE_UNKNOWN = -2 /* somebody else waited for it, or a host that ignores SIGCHLD */
};

static int wait_for(pid_t pid)
{
	int state;

	while (waitpid(pid, &state, 0) < 0) {
		if (errno != EINTR)
			return CODE_UNKNOWN;
	}
	return WIFEXITED(state) ? WEXITSTATUS(state) : CODE_SIGNAL;
}

static enum bake_status status_of(int code)
{
	unsigned count;
	const struct bake_status_info *table = bake_status_table(&count);

	for (unsigned i = 0; i < count; i++) {
		if (table[i].status != BAKE_OK && bake_exit_code(table[i].status) == code)
			return table[i].status;
	}
	return BAKE_ERR_INTERNAL;
}

static const char *text_of(const struct bake_json *root, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	const char *text;

	if (!bake_json_find(root, key, &value) ||
		bake_json_string(&value, &text, &ignored) != BAKE_OK)
		return "";
	return text;
}

static uint64_t number_of(const struct bake_json *root, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	uint64_t number;

	if (!bake_json_find(root, key, &value) ||
		bake_json_u64(&value, UINT8_MAX, &number, &ignored) != BAKE_OK)
		return 0;
	return number;
}

static bool is_worth_another(enum bake_status status)
{
	return status == BAKE_ERR_TEMPORARY || status == BAKE_ERR_PROTOCOL;
}

/* What the program said of its failure. code: of its exit, or below 0. */
static enum bake_status tell(
	const struct bake_json *root, const char *program, int code, struct bake_error *err)
{
	const char *id = text_of(root, "error");
	const char *hint = text_of(root, "hint");
	uint64_t said = number_of(root, "exit_code");
	enum bake_status status = status_of(code > 0 ? code : (int)said);

	bake_error_set(err, status, "runtime.fetch", "%s: error[%s]: %s", BAKE_SHOW(program),
		BAKE_SHOW(id), BAKE_SHOW(text_of(root, "message")));
	err->transient = is_worth_another(status);
	return hint[0] ? bake_error_hint(err, "%s", BAKE_SHOW(hint)) : status;
}

/* It ended without a report that can be read. */
static enum bake_status tell_silent(const char *program, int code, struct bake_error *err)
{
	if (code == CODE_UNKNOWN)
		return BAKE_OK;
	if (code == CODE_SIGNAL)
		return bake_error_transient(err, BAKE_ERR_TEMPORARY, "runtime.fetch",
			"%s was ended by a signal", BAKE_SHOW(program));
	return bake_error_set(err, status_of(code), "runtime.fetch",
		"%s ended with %d and did not say why", BAKE_SHOW(program), code);
}

/* How it ended. A program of which nothing is known is believed, because what it fetched is checked
 * anyway. */
static enum bake_status judge(
	struct bake_buf *report, const char *program, int code, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json root;

	if (code == 0)
		return BAKE_OK;
	if (!report->len || report->full ||
		bake_json_open(bake_buf_span(report), program, &doc, &ignored) != BAKE_OK)
		return tell_silent(program, code, err);
	root = bake_json_root(doc);
	if (code == CODE_UNKNOWN && !text_of(&root, "error")[0])
		return BAKE_OK;
	return tell(&root, program, code, err);
}

static enum bake_status cannot_start(const char *program, int failed, struct bake_error *err)
{
	bake_error_errno(err, failed, "run '%s'", BAKE_SHOW(program));
	bake_error_set(err, err->status == BAKE_ERR_NOINPUT ? BAKE_ERR_CONFIG : err->status,
		"runtime.no-program", "'%s' cannot be run: %s", BAKE_SHOW(program),
		failed == ENOENT ? "there is no such program" : "the system refuses");
	return bake_error_hint(err, "it belongs into the image when models may be fetched at run "
				    "time");
}

enum bake_status bake_spawn_fetch(const struct bake_runtime *runtime, const char *model,
	struct bake_flights *flights, size_t at, struct bake_error *err)
{
	_cleanup_free_ char *id = strdup(model);
	_cleanup_free_ char **argv = make_arguments(runtime, id);
	_cleanup_(bake_buf_release) struct bake_buf report = BAKE_BUF_INIT(REPORT_BYTES_MAX);
	int ends[2];
	pid_t pid;
	int failed;

	if (!argv || !id)
		return bake_error_nomem(err);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return bake_error_errno(err, errno, "pipe");
	failed = start(argv, ends[1], &pid);
	cleanup_close(&ends[1]);
	if (failed) {
		cleanup_close(&ends[0]);
		return cannot_start(argv[0], failed, err);
	}
	if (!bake_flight_started(flights, at, pid))
		(void)kill(pid, SIGTERM);
	read_report(ends[0], &report);
	cleanup_close(&ends[0]);
	(void)bake_flight_started(flights, at, 0);
	return judge(&report, argv[0], wait_for(pid), err);
}
