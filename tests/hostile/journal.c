/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int journal = -1;

bool journal_open(const char *path)
{
	journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return journal >= 0;
}

void journal_write(const char *format, ...)
{
	struct timespec now;
	char *members = NULL;
	char *line = NULL;
	va_list list;
	int len;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	va_start(list, format);
	len = vasprintf(&members, format, list);
	va_end(list);
	if (len < 0)
		abort();
	len = asprintf(&line, "{\"ms\": %" PRId64 ", %s}\n",
		(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, members);
	/* One write each: lines of several threads do not mix. */
	if (len < 0 || write(journal, line, (size_t)len) != len)
		abort();
	free(members);
	free(line);
}

char *journal_quote(const char *text, size_t len)
{
	char *quoted = malloc(len * 6 + 1);
	char *at = quoted;

	if (!quoted)
		abort();
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			at += snprintf(at, 7, "\\u%04x", (unsigned)c);
		else
			*at++ = (char)c;
	}
	*at = '\0';
	return quoted;
}
