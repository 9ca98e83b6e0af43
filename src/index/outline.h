/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index without what is large in it: of each model the members that few readers want (see
 * enum bake_index_part) are cut out before the document is parsed, and kept as text. A server that
 * only looks for a path reads a tenth of the document.
 */
#ifndef INDEX_OUTLINE_H
#define INDEX_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct bake_outline {
	struct bake_buf text; /* the document, on one line: where something is wrong must be asked
				    of the document itself. In place of what was cut its number */
	struct bake_span *parts; /* what was cut, by number: borrowed from the document */
	size_t count;
	size_t room;
	bool odd; /* a part that is no object: the document is wrong */
};

/* Cuts objects only. What is no JSON is left to the parser's complaint. */
enum bake_status bake_outline_make(
	struct bake_span document, struct bake_outline *out, struct bake_error *err) BAKE_CHECKED;
void bake_outline_release(struct bake_outline *outline);

#endif
