/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of an engine as a registry keeps it: a JSON list of words. */
#ifndef OPS_ARGUMENTS_H
#define OPS_ARGUMENTS_H

#include <stddef.h>

#include "base/error.h"
#include "json/json.h"

enum {
	BAKE_ARGUMENTS_MAX = 4096 /* words of one list */
};

struct bake_argument {
	const char *const *flags; /* NULL-ended; they mean the same. A new one is the first */
	const char *value;
};

/*
 * Gives each flag its value: where the flag stands first, in the form it has there ("--flag V" or
 * "--flag=V"), else at the end. Further ones of the same flag go; all other words stay. In long
 * flags "_" is as good as "-".
 */
enum bake_status bake_arguments_set(const struct bake_json *list,
	const struct bake_argument *wanted, size_t count, struct bake_error *err) BAKE_CHECKED;

#endif
