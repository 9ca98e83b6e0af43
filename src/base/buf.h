/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a ceiling. Adding is sticky: after the first failure nothing more is
 * added, and one check at the end tells. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/span.h"

struct bake_buf {
	char *ptr; /* NUL-terminated once anything was added; NULL before */
	size_t len;
	size_t room;
	size_t max; /* most bytes it may hold */
	bool full;  /* the ceiling was hit */
	bool nomem;
};

#define BAKE_BUF_INIT(ceiling)                                                                     \
	{                                                                                          \
		.ptr = NULL, .max = (ceiling)                                                      \
	}

/* Makes room for len more bytes, so that adding them moves nothing. False when they cannot be added. */
bool bake_buf_reserve(struct bake_buf *buf, size_t len);

/* len more bytes, which the caller writes before anything else is added; NULL when they could not
 * be added. */
static inline char *bake_buf_room(struct bake_buf *buf, size_t len)
{
	char *room;

	if ((buf->full || buf->nomem || len > buf->max - buf->len || len >= buf->room - buf->len) &&
		!bake_buf_reserve(buf, len))
		return NULL;
	room = buf->ptr + buf->len;
	buf->len += len;
	buf->ptr[buf->len] = '\0';
	return room;
}

static inline void bake_buf_add(struct bake_buf *buf, const void *ptr, size_t len)
{
	char *room = bake_buf_room(buf, len);

	if (room && len)
		memcpy(room, ptr, len);
}

void bake_buf_text(struct bake_buf *buf, const char *text);
void bake_buf_addf(struct bake_buf *buf, const char *format, ...) BAKE_PRINTF(2, 3);

/* BAKE_OK, or why something could not be added; what names the buffer's purpose. */
enum bake_status bake_buf_status(
	const struct bake_buf *buf, const char *what, struct bake_error *err) BAKE_CHECKED;

struct bake_span bake_buf_span(const struct bake_buf *buf);
void bake_buf_clear(struct bake_buf *buf);
void bake_buf_release(struct bake_buf *buf);

/* Grows *pointer (an array of elements of size bytes) so that it holds at least need of them.
 * False, and nothing changed, when memory is short. */
bool bake_grow(void **pointer, size_t *room, size_t need, size_t size);

#endif
