/* SPDX-License-Identifier: Apache-2.0 */
/* Names of which each may stand only once. */
#ifndef FORMAT_NAMES_H
#define FORMAT_NAMES_H

#include <stddef.h>

#include "base/error.h"

/*
 * names[i] begins at bytes + i * stride. *out_twice receives a name that stands twice, the one that
 * comes first by hash and then by text, or NULL. In n log n whatever the names are: nobody can
 * choose names that make a table slow.
 */
enum bake_status bake_names_find_twice(const void *names, size_t count, size_t stride,
	const char **out_twice, struct bake_error *err) BAKE_CHECKED;

#endif
