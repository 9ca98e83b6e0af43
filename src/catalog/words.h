/* SPDX-License-Identifier: Apache-2.0 */
/* Names compared as people mean them: neither case, nor accents, nor punctuation counts. */
#ifndef CATALOG_WORDS_H
#define CATALOG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most bytes of a folded name that is compared; the rest of a longer one does not count. */
enum {
	BAKE_FOLDED_MAX = 256
};

/* text in lower case without accents; what is neither letter nor digit is a single blank, and none
 * at the beginning or the end. Malformed UTF-8 is taken as punctuation. Returns the length. */
size_t bake_words_fold(const char *text, char *out, size_t room);

/* The same without blanks: "SDXL Base 1.0" is "sdxlbase10". */
size_t bake_words_squash(const char *text, char *out, size_t room);

/* text[0..len) byte by byte: letters in lower case, digits as they are, a blank for any other ASCII.
 * out has room for len bytes and 15 more; words for a bit per byte, which is set for letters and
 * digits. False, and out is of no use, when there is anything but ASCII. */
bool bake_words_fold_ascii(const char *text, size_t len, char *out, uint64_t *words);

/* Whether both are the same once squashed. */
bool bake_words_equal(const char *a, const char *b);

#endif
