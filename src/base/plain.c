/* SPDX-License-Identifier: Apache-2.0 */
/* How far a text is plain: nearly all there is, and looked at more than anything else is. */
#include <string.h>

#include "base/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define EACH_BYTE(value) (UINT64_MAX / 0xff * (value))

/* In the high bit of each byte, whether it is not plain. Beyond the first of those that are not, the
 * others may be taken for what they are not. */
static uint64_t not_plain(uint64_t bytes)
{
	uint64_t quote = bytes ^ EACH_BYTE('"');
	uint64_t backslash = bytes ^ EACH_BYTE('\\');
	uint64_t delete = bytes ^ EACH_BYTE(0x7fU);
	uint64_t low = (bytes - EACH_BYTE(0x20U)) | (quote - EACH_BYTE(1U)) |
		       (backslash - EACH_BYTE(1U)) | (delete - EACH_BYTE(1U));

	return (low | bytes) & EACH_BYTE(0x80U);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#ifdef __SSE2__
/* A bit for each of sixteen bytes, whether it is not plain. */
static unsigned not_plain_of_16(const char *text)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
	/* Bytes above ASCII are below zero. */
	const __m128i control = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
	const __m128i erased = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
	const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(_mm_or_si128(control, erased), _mm_or_si128(quote, slash)));
}

/* How many plain bytes there are as far as it can be told by sixteens. *out_end: the next one is not
 * plain. */
static size_t plain_sixteens(const char *text, size_t len, bool *out_end)
{
	size_t at = 0;

	for (; len - at >= 16; at += 16) {
		unsigned bytes = not_plain_of_16(text + at);

		if (!bytes)
			continue;
		*out_end = true;
		return at + (size_t)__builtin_ctz(bytes);
	}
	return at;
}
#else
static size_t plain_sixteens(const char *text, size_t len, bool *out_end)
{
	(void)text;
	(void)len;
	(void)out_end;
	return 0;
}
#endif

size_t bake_text_plain(const char *text, size_t len)
{
	bool end = false;
	size_t at = plain_sixteens(text, len, &end);
	uint64_t bytes;

	if (end)
		return at;
	/* Eight at a time; which of them is not plain is then looked for. */
	for (; len - at >= sizeof(bytes); at += sizeof(bytes)) {
		memcpy(&bytes, text + at, sizeof(bytes));
		bytes = not_plain(bytes);
		if (bytes && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
			return at + (size_t)__builtin_ctzll(bytes) / 8;
		if (bytes)
			break;
	}
	while (at < len && is_plain((unsigned char)text[at]))
		at++;
	return at;
}
