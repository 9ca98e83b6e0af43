/* SPDX-License-Identifier: Apache-2.0 */
/* How wide text is on a terminal, and what of it fits. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

/* Columns that valid UTF-8 takes: 0 for combining marks, 2 for what East Asian fonts draw wide. */
unsigned cli_columns(const char *text);

enum cli_fit_end {
	CLI_FIT_HEAD, /* what does not fit is cut off at the end */
	CLI_FIT_TAIL  /* the end is kept behind "..." */
};

/* What of valid UTF-8 fits into columns and into out's room bytes, whole characters only. Returns
 * out. */
const char *cli_fit(
	const char *text, unsigned columns, enum cli_fit_end keep, char *out, size_t room);

/* Whether the environment's locale has UTF-8. */
bool cli_has_utf8(void);

/* Text from outside as a terminal may get it: as it is when it is harmless UTF-8 and the locale has
 * it, else escaped. Returns out. */
const char *cli_show_text(
	const char *text, unsigned columns, enum cli_fit_end keep, char *out, size_t room);

/* A name, of which the end is kept when it is long. */
const char *cli_show_name(const char *name, unsigned columns, char *out, size_t room);

#endif
