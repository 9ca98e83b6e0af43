/* SPDX-License-Identifier: Apache-2.0 */
/* Directories for tests: new, empty, and gone when the test program ends. */
#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SCRATCH_PATH = 512
};

/* Makes a directory below $TMPDIR or /tmp, tells its path and returns a descriptor of it, which
 * the caller closes. */
int scratch_open(char path[SCRATCH_PATH]);

/* Removes all of them. Called at the end of run_rows. */
void scratch_remove(void);

/* Makes dir/name with that content. */
void scratch_write(int dir, const char *name, const void *bytes, size_t len);
void scratch_text(int dir, const char *name, const char *text);

/* Whether dir/name is a file with exactly that content. */
bool scratch_holds(int dir, const char *name, const void *bytes, size_t len);
bool scratch_says(int dir, const char *name, const char *text);

/* Whether dir has something of that name, a link being something. */
bool scratch_has(int dir, const char *name);

/* How many entries dir has, "." and ".." apart. */
size_t scratch_count(int dir);

#endif
