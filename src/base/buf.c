/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

bool bake_grow(void **pointer, size_t *room, size_t need, size_t size)
{
	size_t bigger = *room ? *room : 8;
	size_t bytes;
	void *moved;

	if (need <= *room)
		return true;
	while (bigger < need) {
		if (__builtin_mul_overflow(bigger, 2U, &bigger))
			return false;
	}
	if (__builtin_mul_overflow(bigger, size, &bytes))
		return false;
	moved = *pointer ? realloc(*pointer, bytes) : bake_pages_alloc(&bytes);
	if (!moved)
		return false;
	*pointer = moved;
	*room = bytes / size;
	return true;
}

/* And for the NUL. */
bool bake_buf_reserve(struct bake_buf *buf, size_t len)
{
	void *pointer = buf->ptr;

	if (buf->full || buf->nomem)
		return false;
	if (len > buf->max - buf->len) {
		buf->full = true;
		return false;
	}
	if (!bake_grow(&pointer, &buf->room, buf->len + len + 1, 1)) {
		buf->nomem = true;
		return false;
	}
	buf->ptr = pointer;
	return true;
}

void bake_buf_text(struct bake_buf *buf, const char *text)
{
	bake_buf_add(buf, text, strlen(text));
}

void bake_buf_addf(struct bake_buf *buf, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		buf->nomem = true;
		return;
	}
	if (!bake_buf_reserve(buf, (size_t)len))
		return;
	va_start(args, format);
	(void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
}

enum bake_status bake_buf_status(
	const struct bake_buf *buf, const char *what, struct bake_error *err)
{
	if (buf->nomem)
		return bake_error_nomem(err);
	if (buf->full)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
			"%s is larger than %zu bytes", what, buf->max);
	return BAKE_OK;
}

struct bake_span bake_buf_span(const struct bake_buf *buf)
{
	return bake_span(buf->ptr ? buf->ptr : "", buf->len);
}

void bake_buf_clear(struct bake_buf *buf)
{
	buf->len = 0;
	buf->full = false;
	if (buf->ptr)
		buf->ptr[0] = '\0';
}

void bake_buf_release(struct bake_buf *buf)
{
	bake_pages_free(buf->ptr, buf->room);
	buf->ptr = NULL;
	buf->len = 0;
	buf->room = 0;
}
