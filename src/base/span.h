/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed view of bytes: pointer, then length. Never owns, never NUL-terminated by promise. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bake_span {
	const uint8_t *ptr;
	size_t len;
};

static inline struct bake_span bake_span(const void *ptr, size_t len)
{
	return (struct bake_span){.ptr = ptr, .len = len};
}

static inline struct bake_span bake_span_text(const char *text)
{
	return bake_span(text, strlen(text));
}

#endif
