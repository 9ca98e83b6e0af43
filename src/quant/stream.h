/* SPDX-License-Identifier: Apache-2.0 */
/* Writing past the cache: memory that is overwritten whole need not be read first. */
#ifndef QUANT_STREAM_H
#define QUANT_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* from is aligned to 16. What another thread is to see has to be handed over as always: the fence
 * makes these stores like any others. */
static inline void quant_stream(uint8_t *to, const uint8_t *from, size_t bytes)
{
	size_t whole = (uintptr_t)to % 16 ? 0 : bytes / 64 * 64;

	for (size_t at = 0; at < whole; at += 64) {
		for (size_t i = 0; i < 64; i += 16)
			_mm_stream_si128((__m128i *)(void *)(to + at + i),
				_mm_load_si128((const __m128i *)(const void *)(from + at + i)));
	}
	memcpy(to + whole, from + whole, bytes - whole);
	_mm_sfence();
}
#else
static inline void quant_stream(uint8_t *to, const uint8_t *from, size_t bytes)
{
	memcpy(to, from, bytes);
}
#endif

#endif
