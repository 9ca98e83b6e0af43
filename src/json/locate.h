/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the line of a value in a document known to be well formed. Only for error messages. */
#ifndef JSON_LOCATE_H
#define JSON_LOCATE_H

#include <stddef.h>

#include "base/span.h"

/* One step from a container to a value in it. */
struct bake_json_step {
	const char *key; /* in an object; NULL for an array */
	size_t index;	 /* in an array */
};

/* steps[count - 1] is the step from the root. Returns the line, counted from 1. */
unsigned bake_json_locate(struct bake_span text, const struct bake_json_step *steps, size_t count);

#endif
