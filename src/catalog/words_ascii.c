/* SPDX-License-Identifier: Apache-2.0 */
/* Folding what nearly all text is, sixteen bytes at a time. */
#include <string.h>

#include "catalog/words.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
	STEP = 16, /* bytes */
	WORD_BITS = 64
};

#ifdef __SSE2__
/* Whether each byte is from first to last; all are ASCII. */
static __m128i is_from_to(__m128i bytes, char first, char last)
{
	return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8((char)(first - 1))),
		_mm_cmplt_epi8(bytes, _mm_set1_epi8((char)(last + 1))));
}

/* Folds STEP bytes and returns a bit for each letter and digit among them. */
static bool fold_step(const char *text, char *out, unsigned *out_words)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
	const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
	/* Or-ing puts nothing else among the letters, and what it does to a digit is nothing. */
	const __m128i words =
		_mm_or_si128(is_from_to(lower, 'a', 'z'), is_from_to(bytes, '0', '9'));
	const __m128i folded = _mm_or_si128(
		_mm_and_si128(words, lower), _mm_andnot_si128(words, _mm_set1_epi8(' ')));

	_mm_storeu_si128((__m128i *)(void *)out, folded);
	*out_words = (unsigned)_mm_movemask_epi8(words);
	return _mm_movemask_epi8(bytes) == 0;
}
#else
static bool fold_step(const char *text, char *out, unsigned *out_words)
{
	unsigned char any = 0;

	*out_words = 0;
	for (unsigned i = 0; i < STEP; i++) {
		const char lower = (char)(text[i] | 0x20);
		const bool word =
			(lower >= 'a' && lower <= 'z') || (text[i] >= '0' && text[i] <= '9');

		any |= (unsigned char)text[i];
		out[i] = word ? lower : ' ';
		*out_words |= (unsigned)word << i;
	}
	return any < 0x80;
}
#endif

bool bake_words_fold_ascii(const char *text, size_t len, char *out, uint64_t *words)
{
	for (size_t at = 0; at < len; at += STEP) {
		char rest[STEP] = "";
		const char *from = text + at;
		unsigned bits;

		if (len - at < STEP)
			from = memcpy(rest, from, len - at);
		if (!fold_step(from, out + at, &bits))
			return false;
		if (at % WORD_BITS == 0)
			words[at / WORD_BITS] = 0;
		words[at / WORD_BITS] |= (uint64_t)bits << at % WORD_BITS;
	}
	return true;
}
