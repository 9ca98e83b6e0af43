/* SPDX-License-Identifier: Apache-2.0 */
/* One name in one directory: what is there, and a link put there or taken away. Inside link only. */
#ifndef LINK_PLACE_H
#define LINK_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"

enum bake_place_is {
	BAKE_PLACE_FREE,
	BAKE_PLACE_LINK,
	BAKE_PLACE_OTHER /* a file, a directory, ... */
};

struct bake_place_seen {
	enum bake_place_is is;
	struct stat stat; /* of what is not free, itself */
	char *text;	  /* of a link */
};

enum bake_status bake_place_look(int dir, const char *name, struct bake_arena *arena,
	struct bake_place_seen *out, struct bake_error *err) BAKE_CHECKED;

/* "a regular file", "a directory", ... */
const char *bake_place_kind(mode_t mode);

/* Makes a link where nothing is. BAKE_ERR_CANTCREATE link.conflict when something came first. */
enum bake_status bake_place_make(
	int dir, const char *name, const char *text, struct bake_error *err) BAKE_CHECKED;

/* Puts a link in the place of a link. BAKE_ERR_CANTCREATE link.conflict, and nothing changed, when
 * it is no link any more. */
enum bake_status bake_place_replace(
	int dir, const char *name, const char *text, struct bake_error *err) BAKE_CHECKED;

/* Removes a link of that text; what is another one by now stays (link.conflict). */
enum bake_status bake_place_remove(
	int dir, const char *name, const char *text, struct bake_error *err) BAKE_CHECKED;

#endif
