/* SPDX-License-Identifier: Apache-2.0 */
/* What a function prints and how it ends, seen from another process. */
#ifndef UNIT_CAPTURE_H
#define UNIT_CAPTURE_H

#include <stddef.h>

struct captured {
	char text[16384]; /* of standard output and standard error, in the order written */
	size_t len;
	int code;   /* of its exit; -1 when a signal ended it */
	int signal; /* that ended it, else 0 */
};

/* Runs act(context) in a child process. What it returns is its exit code. */
void capture(struct captured *out, int (*act)(void *context), void *context);

#endif
