/* SPDX-License-Identifier: Apache-2.0 */
/* How well one word of a query fits an entry. */
#ifndef CATALOG_SEARCH_MATCH_H
#define CATALOG_SEARCH_MATCH_H

#include "catalog/search_terms.h"

struct bake_query_word {
	const char *text; /* folded, not terminated */
	size_t len;
	uint32_t letters;
	bool number; /* digits only: it must be a number there, too */
};

/* Best worth of the word among the entry's terms and names, 0: it does not fit. At most
 * BAKE_TERM_NAME. */
unsigned bake_match_word(const struct bake_terms *terms, const struct bake_terms_of *of,
	const struct bake_query_word *word);

/* The same with slips of the fingers allowed: one in four letters, two in eight. */
unsigned bake_match_slip(const struct bake_terms *terms, const struct bake_terms_of *of,
	const struct bake_query_word *word);

/* The words that an abbreviation stands for, NULL when it is none: "vlm" is "vision language". */
const char *bake_match_expansion(const struct bake_query_word *word);

/* Makes a word of folded text. */
void bake_match_make_word(const char *text, size_t len, struct bake_query_word *out);

/* What is added when the whole query, without blanks, is a name, its beginning, or in it. */
unsigned bake_match_whole(const struct bake_terms *terms, const struct bake_terms_of *of,
	const char *squashed, size_t len);

#endif
