/* SPDX-License-Identifier: Apache-2.0 */
/* Where links lead, as text: no file is looked at. Inside link only. */
#ifndef LINK_WHERE_H
#define LINK_WHERE_H

#include <stdbool.h>

#include "base/arena.h"

/* The absolute path that a link of that text in dir (absolute) leads to, "." and ".." resolved as
 * words. NULL: no memory. */
char *bake_where_leads(struct bake_arena *arena, const char *dir, const char *text);

/* Whether path is root or below it; both absolute. */
bool bake_where_below(const char *root, const char *path);

/* The way from dir to path, both absolute and free of "." and "..". NULL: no memory. */
char *bake_where_relative(struct bake_arena *arena, const char *dir, const char *path);

/* The path with its links followed as far as it exists. NULL: no memory, or a loop. */
char *bake_where_real(struct bake_arena *arena, const char *path);

#endif
