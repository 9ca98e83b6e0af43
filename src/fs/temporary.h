/* SPDX-License-Identifier: Apache-2.0 */
/* The file that a document is written to before it takes its name: for a moment it stands beside
 * it, and must not stay when we are killed in that moment. */
#ifndef FS_TEMPORARY_H
#define FS_TEMPORARY_H

#include "base/error.h"

enum {
	BAKE_TEMPORARY_BYTES = 32
};

struct bake_temporary {
	char name[BAKE_TEMPORARY_BYTES]; /* .bake-<16 hex>.tmp */
	int fd;				 /* for writing, locked: who holds it is alive */
};

#define BAKE_TEMPORARY_INIT                                                                        \
	{                                                                                          \
		.name = {0}, .fd = -1                                                              \
	}

/*
 * Makes a new empty file in dir that only its owner may read, and removes those that were left
 * there by processes that are dead. The caller renames or unlinks it by its name while fd is open:
 * closing gives up the lock, and who comes next removes what still has the name.
 */
enum bake_status bake_temporary_open(
	int dir, struct bake_temporary *out, struct bake_error *err) BAKE_CHECKED;

#endif
