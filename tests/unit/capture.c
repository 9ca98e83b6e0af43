/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/rows.h"

static void read_all(int fd, struct captured *out)
{
	ssize_t got = 1;

	while (got != 0 && out->len < sizeof(out->text) - 1) {
		got = read(fd, out->text + out->len, sizeof(out->text) - 1 - out->len);
		if (got < 0 && errno == EINTR)
			continue;
		assert_true(got >= 0);
		out->len += (size_t)got;
	}
	out->text[out->len] = '\0';
}

void capture(struct captured *out, int (*act)(void *context), void *context)
{
	int result = 0;
	int ends[2];
	pid_t child;

	*out = (struct captured){.code = -1};
	(void)fflush(NULL);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(ends[0]);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)dup2(ends[1], STDERR_FILENO);
		(void)close(ends[1]);
		exit(act(context));
	}
	(void)close(ends[1]);
	read_all(ends[0], out);
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, &result, 0), child);
	if (WIFEXITED(result))
		out->code = WEXITSTATUS(result);
	else
		out->signal = WTERMSIG(result);
}
