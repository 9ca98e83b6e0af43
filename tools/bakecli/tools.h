/* SPDX-License-Identifier: Apache-2.0 */
/* The other tools: where they are, and running them. */
#ifndef BAKECLI_TOOLS_H
#define BAKECLI_TOOLS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define BAKECLI_TOOL "bake"

enum {
	BAKECLI_ARGS_MAX = 4096 /* words of a command line that is built here */
};

/* A tool that comes with this one. */
struct bakecli_tool {
	const char *word; /* "fetch": the program is bake-fetch */
	const char *summary;
};

const struct bakecli_tool *bakecli_tools(size_t *out_count);

struct bakecli_path {
	char text[PATH_MAX];
};

/* Where program ("bake-fetch") is: beside this one, else in $PATH. False when it is nowhere. */
bool bakecli_find(const char *program, struct bakecli_path *out);

/* A command line that grows; the words are borrowed. */
struct bakecli_words {
	const char *items[BAKECLI_ARGS_MAX + 1];
	size_t count;
	bool full;
};

void bakecli_add(struct bakecli_words *words, const char *word);

/* Becomes the program of words->items[0]; returns only when it cannot. */
enum bake_status bakecli_exec(struct bakecli_words *words, struct bake_error *err) BAKE_CHECKED;

/* Where a child's output goes. */
enum bakecli_output {
	BAKECLI_INHERIT, /* where ours does */
	BAKECLI_PIPE,	 /* standard output into *out_fd; standard error nowhere */
	BAKECLI_BOTH	 /* both into *out_fd */
};

/* Starts the program of words->items[0]. A child with a pipe is in a group of its own, reads
 * nothing, and is asked to end when we die. *out_fd, where it is piped, is the caller's. */
enum bake_status bakecli_start(struct bakecli_words *words, enum bakecli_output output,
	pid_t *out_pid, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/* Waits for a child: its exit code, 128 and the signal when one ended it. */
int bakecli_wait(pid_t pid);

/* Standard output of a program that succeeds, up to out->max. */
enum bake_status bakecli_capture(
	struct bakecli_words *words, struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

#endif
