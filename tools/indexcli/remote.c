/* SPDX-License-Identifier: Apache-2.0 */
#include "indexcli/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/show_url.h"
#include "base/text.h"

#define FETCH	   "bake-fetch"
#define ERROR_MARK ": error["

enum {
	TALK_BYTES_MAX = 64 * 1024, /* of what bake-fetch says on standard error */
	WORDS_MAX = 64
};

/* A running bake-fetch. */
struct child {
	pid_t pid;
	int out; /* its standard output, */
	int err; /* and its standard error */
};

bool indexcli_is_remote(const char *what)
{
	return bake_text_starts(what, "https://") || bake_text_starts(what, "http://") ||
	       bake_text_starts(what, "hf://");
}

/* The bake-fetch that was installed with this program, else whichever is in $PATH. */
static const char *find_fetch(char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - sizeof(FETCH) - 1);
	char *slash;

	if (len <= 0)
		return FETCH;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return FETCH;
	memcpy(slash + 1, FETCH, sizeof(FETCH));
	return access(path, X_OK) == 0 ? path : FETCH;
}

/* A command line of our own: that of posix_spawn is not const. */
struct words {
	char *list[WORDS_MAX + 1];
	size_t count;
	bool nomem;
};

static void free_words(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
}

static void add_word(struct words *words, const char *word)
{
	if (words->count == WORDS_MAX)
		return;
	words->list[words->count] = strdup(word);
	words->nomem = words->nomem || !words->list[words->count];
	words->count++;
}

static void add_option(struct words *words, const char *name, const char *value)
{
	if (!value)
		return;
	add_word(words, name);
	add_word(words, value);
}

static void make_line(const char *program, const char *url, const struct indexcli_remote *remote,
	struct words *out)
{
	add_word(out, program);
	add_option(out, "--peek", url);
	add_option(out, "--endpoint", remote->endpoint);
	add_option(out, "--token-file", remote->token_file);
	for (size_t i = 0; i < remote->mirrors.count; i++)
		add_option(out, "--mirror", remote->mirrors.items[i]);
	if (remote->allow_http)
		add_word(out, "--allow-http");
	if (remote->allow_private)
		add_word(out, "--allow-private");
	if (remote->offline)
		add_word(out, "--offline");
}

static enum bake_status spawn(
	const struct words *words, int out, int talk, pid_t *out_pid, struct bake_error *err)
{
	posix_spawn_file_actions_t actions;
	int why = posix_spawn_file_actions_init(&actions);

	if (why)
		return bake_error_errno(err, why, FETCH);
	why = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!why)
		why = posix_spawn_file_actions_adddup2(&actions, talk, STDERR_FILENO);
	if (!why)
		why = posix_spawnp(out_pid, words->list[0], &actions, NULL, words->list, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (!why)
		return BAKE_OK;
	bake_error_errno(err, why, FETCH);
	bake_error_of_input(err);
	return bake_error_hint(err,
		"remote files are looked at with " FETCH ", which is neither beside "
		"bake-index nor in $PATH");
}

static enum bake_status start(const char *url, const struct indexcli_remote *remote,
	struct child *out, struct bake_error *err)
{
	char path[PATH_MAX];
	_cleanup_(free_words) struct words words = {.count = 0};
	int data[2] = {-1, -1};
	int talk[2] = {-1, -1};
	enum bake_status status;

	make_line(find_fetch(path), url, remote, &words);
	if (words.nomem)
		return bake_error_nomem(err);
	if (pipe2(data, O_CLOEXEC) != 0 || pipe2(talk, O_CLOEXEC) != 0)
		status = bake_error_errno(err, errno, "pipe");
	else
		status = spawn(&words, data[1], talk[1], &out->pid, err);
	cleanup_close(&data[1]);
	cleanup_close(&talk[1]);
	if (status != BAKE_OK) {
		cleanup_close(&data[0]);
		cleanup_close(&talk[0]);
		return status;
	}
	out->out = data[0];
	out->err = talk[0];
	return BAKE_OK;
}

/* Ends the pipe, which ends bake-fetch, and waits. What it said is in out_talk. */
static int finish(struct child *child, struct bake_buf *out_talk)
{
	char piece[4096];
	int state = 0;
	ssize_t got;

	cleanup_close(&child->out);
	while ((got = read(child->err, piece, sizeof(piece))) > 0 || (got < 0 && errno == EINTR)) {
		if (got > 0)
			bake_buf_add(out_talk, piece, (size_t)got);
	}
	cleanup_close(&child->err);
	while (waitpid(child->pid, &state, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

/* Ids are static everywhere else; of a program that ends with its one error, so is this one. */
static const char *keep_id(const char *text, size_t len)
{
	static char id[64];

	(void)snprintf(id, sizeof(id), "%.*s", (int)len, text);
	return id;
}

static enum bake_status status_of(int code)
{
	unsigned count;
	const struct bake_status_info *table = bake_status_table(&count);

	for (unsigned i = 0; i < count; i++) {
		if (code > 0 && bake_exit_code(table[i].status) == code)
			return table[i].status;
	}
	return BAKE_ERR_INTERNAL;
}

/* "bake-fetch: error[ID]: MESSAGE", and the line "hint: HINT". */
static void take_error(char *talk, int code, struct bake_error *err)
{
	char *mark = strstr(talk, ERROR_MARK);
	char *id = mark ? mark + strlen(ERROR_MARK) : NULL;
	char *end = id ? strstr(id, "]: ") : NULL;
	char *hint = end ? strstr(end, "\nhint: ") : NULL;
	char *line;

	if (!end) {
		bake_error_set(err, BAKE_ERR_INTERNAL, "internal.peek",
			FETCH " ended with %d and said: %s", code, BAKE_SHOW(talk));
		return;
	}
	end[0] = '\0';
	line = strchr(end + 3, '\n');
	if (line)
		*line = '\0';
	bake_error_set(err, status_of(code), keep_id(id, strlen(id)), "%s", end + 3);
	if (!hint)
		return;
	hint += strlen("\nhint: ");
	line = strchr(hint, '\n');
	if (line)
		*line = '\0';
	bake_error_hint(err, "%s", hint);
}

/* The file's name: what is behind the last slash, without a query. */
static char *name_of(const char *url)
{
	size_t len = strcspn(url, "?#");
	size_t from = len;

	while (from && url[from - 1] != '/')
		from--;
	return from == len ? strdup("file") : strndup(url + from, len - from);
}

enum bake_status indexcli_inspect_remote(const char *url, const struct indexcli_remote *remote,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf talk = BAKE_BUF_INIT(TALK_BYTES_MAX);
	_cleanup_free_ char *name = name_of(url);
	struct child child;
	enum bake_status status;
	int code;

	if (!name)
		return bake_error_nomem(err);
	BAKE_TRY(start(url, remote, &child, err));
	status = bake_inspect_stream(child.out, name, options, out, err);
	code = finish(&child, &talk);
	if (talk.ptr && code <= 0)
		(void)fputs(talk.ptr, stderr);
	if (code > 0 && status != BAKE_OK) {
		*err = BAKE_ERROR_INIT;
		take_error(talk.ptr ? talk.ptr : (char[]){""}, code, err);
	}
	return status == BAKE_OK ? BAKE_OK : err->status;
}
