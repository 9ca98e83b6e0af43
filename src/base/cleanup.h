/* SPDX-License-Identifier: Apache-2.0 */
/* Resources declared together with their end. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Keeps errno: it runs on the way out of a function that may be reporting it. */
static inline void cleanup_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

#define _cleanup_free_	_cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

/* Hands an fd over: the variable that owned it no longer closes it. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* For a call whose failure changes nothing for anybody. */
static inline void best_effort(int result)
{
	(void)result;
}

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#endif
