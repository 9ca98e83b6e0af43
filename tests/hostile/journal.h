/* SPDX-License-Identifier: Apache-2.0 */
/* What the fault server saw and did: JSON objects, one a line, appended to a file. */
#ifndef HOSTILE_JOURNAL_H
#define HOSTILE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* Begins to write to path. False when it cannot be opened. */
bool journal_open(const char *path);

/* Writes one object: the text of its members, printf-like, without the braces. */
void journal_write(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text as the inside of a JSON string, in a buffer that the caller frees. Bytes that are no ASCII
 * become the characters of those numbers. */
char *journal_quote(const char *text, size_t len);

#endif
