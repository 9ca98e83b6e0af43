/* SPDX-License-Identifier: Apache-2.0 */
/* Names compared as people mean them: neither case, nor accents, nor punctuation counts. */
#ifndef CATALOG_WORDS_H
#define CATALOG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Most bytes of a folded name that is compared; the rest of a longer one does not count. */
enum {
	BAKE_FOLDED_MAX = 256
};

/* text in lower case without accents; what is neither letter nor digit is a single blank, and none
 * at the beginning or the end. Malformed UTF-8 is taken as punctuation. Returns the length. */
size_t bake_words_fold(const char *text, char *out, size_t room);

/* The same without blanks: "SDXL Base 1.0" is "sdxlbase10". */
size_t bake_words_squash(const char *text, char *out, size_t room);

/* Whether both are the same once squashed. */
bool bake_words_equal(const char *a, const char *b);

#endif
