/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags (RFC 9110, 8.8.3): whether a source is still the same between two answers. */
#ifndef NET_ETAG_H
#define NET_ETAG_H

#include <stdbool.h>
#include <stddef.h>

enum {
	BAKE_ETAG_MAX = 128
};

/* All zero: none. */
struct bake_etag {
	char value[BAKE_ETAG_MAX]; /* without W/ and quotes */
	bool weak; /* or not quoted: not to be sent in If-Range, which is `"value"` otherwise */
};

/* False, and *out untouched, when it is none, an empty one, or too long to be kept: cut, it could
 * be equal to another. */
bool bake_etag_parse(const char *text, size_t len, struct bake_etag *out);

/* Whether there are two, and they differ. Weak ones are compared as strong ones are: what was
 * fetched is judged by its digest, this only says when going on makes no sense. */
bool bake_etag_changed(const struct bake_etag *was, const struct bake_etag *is);

#endif
