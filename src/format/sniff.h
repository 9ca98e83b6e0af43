/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes are when they are not the model that was asked for. Pure functions over a beginning. */
#ifndef FORMAT_SNIFF_H
#define FORMAT_SNIFF_H

#include <stdbool.h>

#include "base/span.h"

enum {
	BAKE_SNIFF_BYTES = 512
}; /* of a file's beginning; more is not looked at. See pickle.h for what executes code. */

/* A Git LFS pointer (git-lfs spec v1): the text that stands in git for a large file. */
bool bake_sniff_is_lfs_pointer(struct bake_span head);

/* An HTML page: a login form, a captive portal, an error. */
bool bake_sniff_is_html(struct bake_span head);

/*
 * For a message: "a Git LFS pointer, not the file" and the like, NULL when the bytes are nothing
 * that is known to stand in for a model. *out_hint receives what to do about it.
 */
const char *bake_sniff_describe(struct bake_span head, const char **out_hint);

#endif
