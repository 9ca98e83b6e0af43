/* SPDX-License-Identifier: Apache-2.0 */
#include "bakecli/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

static const struct bakecli_tool tools[] = {
	{"lock", "pin what a manifest asks for"},
	{"fetch", "bring what a lock names, verified"},
	{"verify", "check a models directory against its index or a lock"},
	{"index", "make and read model-info.json"},
	{"catalog", "find models, see what takes the space, import lists"},
	{"link", "link models to where ComfyUI and others look for them"},
	{"convert", "convert and quantize weights"},
	{"serve", "answer /model-info, /health and the page over HTTP"},
};

const struct bakecli_tool *bakecli_tools(size_t *out_count)
{
	*out_count = countof(tools);
	return tools;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* False when it does not fit. */
static bool join(const char *dir, size_t dir_len, const char *program, struct bakecli_path *out)
{
	int len = snprintf(out->text, sizeof(out->text), "%.*s/%s", (int)dir_len, dir, program);

	return len > 0 && (size_t)len < sizeof(out->text);
}

static bool find_beside(const char *program, struct bakecli_path *out)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	if (len <= 0)
		return false;
	self[len] = '\0';
	slash = strrchr(self, '/');
	return slash && join(self, (size_t)(slash - self), program, out) && is_program(out->text);
}

/* Empty entries of $PATH, which mean the working directory, are passed over. */
static bool find_in_path(const char *program, struct bakecli_path *out)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");

		if (len && len < PATH_MAX && join(at, len, program, out) && is_program(out->text))
			return true;
		at += len + (at[len] == ':');
	}
	return false;
}

bool bakecli_find(const char *program, struct bakecli_path *out)
{
	return !strchr(program, '/') && (find_beside(program, out) || find_in_path(program, out));
}

void bakecli_add(struct bakecli_words *words, const char *word)
{
	if (words->count < BAKECLI_ARGS_MAX)
		words->items[words->count++] = word;
	else
		words->full = true;
	words->items[words->count] = NULL;
}

static enum bake_status locate(
	const struct bakecli_words *words, struct bakecli_path *out, struct bake_error *err)
{
	if (words->full)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"more than %d arguments", BAKECLI_ARGS_MAX);
	if (bakecli_find(words->items[0], out))
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_NOINPUT, "bake.no-tool",
		"%s is neither beside this program nor in $PATH", BAKE_SHOW(words->items[0]));
	return bake_error_hint(err, "it is part of modelbake, but not of this installation");
}

/* Signals as a program expects to find them: what we ignore would stay ignored. */
static void give_signals_back(void)
{
	static const int ours[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGWINCH, SIGTSTP};
	sigset_t none;

	for (size_t i = 0; i < countof(ours); i++)
		(void)signal(ours[i], SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* exec wants words that it may change, and does not. */
static void become(const char *path, struct bakecli_words *words)
{
	union {
		const char *const *given;
		char *const *wanted;
	} argv = {.given = words->items};

	give_signals_back();
	(void)execv(path, argv.wanted);
}

enum bake_status bakecli_exec(struct bakecli_words *words, struct bake_error *err)
{
	struct bakecli_path path;

	BAKE_TRY(locate(words, &path, err));
	(void)fflush(stdout);
	become(path.text, words);
	return bake_error_errno(err, errno, "run %s", BAKE_SHOW(path.text));
}

/* In the child, between fork and exec: only what is safe there. */
static void detach(pid_t parent, int out, enum bakecli_output output)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
		dup2(out, STDOUT_FILENO) < 0 ||
		dup2(output == BAKECLI_BOTH ? out : nothing, STDERR_FILENO) < 0)
		_exit(127);
}

enum bake_status bakecli_start(struct bakecli_words *words, enum bakecli_output output,
	pid_t *out_pid, int *out_fd, struct bake_error *err)
{
	struct bakecli_path path;
	pid_t parent = getpid();
	int ends[2] = {-1, -1};
	pid_t pid;

	BAKE_TRY(locate(words, &path, err));
	if (output != BAKECLI_INHERIT && pipe2(ends, O_CLOEXEC) != 0)
		return bake_error_errno(err, errno, "pipe");
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (output != BAKECLI_INHERIT)
			detach(parent, ends[1], output);
		become(path.text, words);
		_exit(127);
	}
	cleanup_close(&ends[1]);
	if (pid < 0) {
		cleanup_close(&ends[0]);
		return bake_error_errno(err, errno, "fork");
	}
	*out_pid = pid;
	if (output != BAKECLI_INHERIT)
		*out_fd = ends[0];
	return BAKE_OK;
}

int bakecli_wait(pid_t pid)
{
	int state;

	while (waitpid(pid, &state, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

enum bake_status bakecli_capture(
	struct bakecli_words *words, struct bake_buf *out, struct bake_error *err)
{
	_cleanup_close_ int from = -1;
	char piece[4096];
	ssize_t got;
	pid_t pid;
	int code;

	BAKE_TRY(bakecli_start(words, BAKECLI_PIPE, &pid, &from, err));
	while ((got = read(from, piece, sizeof(piece))) != 0) {
		if (got > 0)
			bake_buf_add(out, piece, (size_t)got);
		else if (errno != EINTR)
			break;
	}
	code = bakecli_wait(pid);
	if (code != 0)
		return bake_error_set(err, BAKE_ERR_INTERNAL, "bake.tool-failed",
			"%s ended with %d", BAKE_SHOW(words->items[0]), code);
	return bake_buf_status(out, "output of a tool", err);
}
