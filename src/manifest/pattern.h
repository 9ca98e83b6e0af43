/* SPDX-License-Identifier: Apache-2.0 */
/* include and exclude as the `hf` command does them: Python's fnmatch.fnmatchcase on the whole
 * repository path. `*` and `?` cross "/", `**` is just `*`, [seq] and [!seq] have no escape, a
 * backslash is a "/", and a pattern that ends in "/" takes everything beneath it. */
#ifndef MANIFEST_PATTERN_H
#define MANIFEST_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

bool bake_pattern_match(const char *pattern, const char *path);

/* No include or one that matches, and no exclude that matches. */
bool bake_pattern_selects(const char *const *include, size_t include_count,
	const char *const *exclude, size_t exclude_count, const char *path);

#endif
