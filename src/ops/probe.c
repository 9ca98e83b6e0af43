/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

enum {
	WORDS_BYTES_MAX = 1024 * 1024,
	POLL_MS = 5,
	GRACE_MS = 2000 /* between asking a program to end and ending it */
};

struct words {
	struct bake_buf text; /* each ended by NUL */
	size_t count;
};

/* The character that a backslash or quotes make ordinary, or a blank that ends the word. */
static const char *take_word(const char *at, const char *path, struct words *words)
{
	char quote = 0;

	for (; *at && (quote || !strchr(" \t\n", *at)); at++) {
		if (quote && *at == quote) {
			quote = 0;
		} else if (!quote && (*at == '\'' || *at == '"')) {
			quote = *at;
		} else if (*at == '\\' && quote != '\'' && at[1]) {
			bake_buf_add(&words->text, ++at, 1);
		} else if (bake_text_starts(at, "{path}")) {
			bake_buf_text(&words->text, path);
			at += strlen("{path}") - 1;
		} else {
			bake_buf_add(&words->text, at, 1);
		}
	}
	bake_buf_add(&words->text, "", 1);
	words->count++;
	return quote ? NULL : at;
}

static enum bake_status split(
	const char *command, const char *path, struct words *words, struct bake_error *err)
{
	const char *at = command;

	while (at && *(at += strspn(at, " \t\n"))) {
		if (words->count == BAKE_PROBE_WORDS_MAX)
			return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
				"the probe has more than %d words", BAKE_PROBE_WORDS_MAX);
		at = take_word(at, path, words);
	}
	if (!at)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.value", "the probe has a quote without end");
	if (!words->count)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.value", "the probe is no command");
	return bake_buf_status(&words->text, "the probe", err);
}

enum bake_status bake_probe_check(const char *command, struct bake_error *err)
{
	struct words words = {.text = BAKE_BUF_INIT(WORDS_BYTES_MAX)};
	enum bake_status status = split(command, "", &words, err);

	bake_buf_release(&words.text);
	return status;
}

/* A group of its own, so that what it starts ends with it; the signals as we found them. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)posix_spawnattr_setsigmask(attributes, &signals);
	(void)sigaddset(&signals, SIGPIPE);
	(void)sigaddset(&signals, SIGXFSZ);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)posix_spawnattr_setsigdefault(attributes, &signals);
	(void)posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int spawn(struct words *words, pid_t *out)
{
	char *argv[BAKE_PROBE_WORDS_MAX + 1] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *at = words->text.ptr;
	int failed;

	for (size_t i = 0; i < words->count; i++, at += strlen(at) + 1)
		argv[i] = at;
	failed = posix_spawn_file_actions_init(&actions);
	if (failed)
		return failed;
	failed = posix_spawnattr_init(&attributes);
	if (!failed) {
		(void)posix_spawn_file_actions_addopen(
			&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		(void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
		failed = set_attributes(&attributes);
		if (!failed)
			failed = posix_spawnp(
				out, words->text.ptr, &actions, &attributes, argv, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static void wait_a_moment(void)
{
	struct timespec moment = {.tv_nsec = POLL_MS * 1000000L};

	(void)nanosleep(&moment, NULL);
}

/* Whether the process has ended before the clock shows until (0: whenever it ends). */
static bool ends(pid_t process, uint64_t until, bool stoppable, int *status)
{
	for (;;) {
		pid_t got = waitpid(process, status, WNOHANG);

		if (got == process || (got < 0 && errno != EINTR))
			return true;
		if ((until && bake_clock_ms() >= until) || (stoppable && bake_stop_signal()))
			return false;
		wait_a_moment();
	}
}

static void end_group(pid_t process)
{
	int status;

	(void)kill(-process, SIGTERM);
	if (!ends(process, bake_clock_ms() + GRACE_MS, false, &status)) {
		(void)kill(-process, SIGKILL);
		(void)ends(process, 0, false, &status);
	}
	/* What it started and did not wait for. */
	(void)kill(-process, SIGKILL);
}

static enum bake_status judge(const char *path, int status, struct bake_error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return BAKE_OK;
	if (WIFEXITED(status))
		return bake_error_set(err, BAKE_ERR_DATA, "probe.failed",
			"the probe of %s ended with exit status %d", BAKE_SHOW(path),
			WEXITSTATUS(status));
	return bake_error_set(err, BAKE_ERR_DATA, "probe.failed",
		"the probe of %s was ended by signal %d", BAKE_SHOW(path),
		WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static enum bake_status run(
	struct words *words, const char *path, uint64_t timeout_ms, struct bake_error *err)
{
	int status = 0;
	int failed;
	pid_t process;

	failed = spawn(words, &process);
	if (failed) {
		struct bake_error why = BAKE_ERROR_INIT;

		bake_error_errno(&why, failed, "'%s'", BAKE_SHOW(words->text.ptr));
		return bake_error_set(err, BAKE_ERR_NOINPUT, "probe.start",
			"the probe cannot be started: %s", why.message);
	}
	if (ends(process, timeout_ms ? bake_clock_ms() + timeout_ms : 0, true, &status))
		return judge(path, status, err);
	end_group(process);
	BAKE_TRY(bake_stop_check(err));
	return bake_error_set(err, BAKE_ERR_DATA, "probe.timeout",
		"the probe of %s had not ended after %" PRIu64 " ms", BAKE_SHOW(path), timeout_ms);
}

enum bake_status bake_probe_run(
	const char *command, const char *path, uint64_t timeout_ms, struct bake_error *err)
{
	struct words words = {.text = BAKE_BUF_INIT(WORDS_BYTES_MAX)};
	enum bake_status status = split(command, path, &words, err);

	if (status == BAKE_OK)
		status = run(&words, path, timeout_ms, err);
	bake_buf_release(&words.text);
	return status;
}
