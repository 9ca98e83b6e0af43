/* SPDX-License-Identifier: Apache-2.0 */
/* What a search compares: the folded words of each entry, and its names without blanks. */
#ifndef CATALOG_SEARCH_TERMS_H
#define CATALOG_SEARCH_TERMS_H

#include "base/arena.h"
#include "catalog/catalog.h"

/* Where a word stands decides what a match is worth. */
enum bake_term_weight {
	BAKE_TERM_DESCRIPTION = 25,
	BAKE_TERM_PLACE = 40, /* repository, file, manifest */
	BAKE_TERM_LABEL = 60, /* tag, category, role, format, quantization */
	BAKE_TERM_NAME = 100  /* id, title, alias */
};

struct bake_term {
	uint32_t at; /* in text */
	uint16_t len;
	uint8_t weight;
	bool first; /* of a name: initials do not reach from one name into the next */
};

/* A name without blanks. */
struct bake_squashed {
	uint32_t at;
	uint16_t len;
};

struct bake_terms_of {
	uint32_t first_term;
	uint32_t term_count;
	uint32_t first_name;
	uint32_t name_count;
	unsigned title_words;
};

struct bake_terms {
	struct bake_arena arena; /* owns all of it */
	char *text;
	size_t text_len;
	size_t text_room;
	struct bake_term *terms;
	size_t term_count;
	size_t term_room;
	struct bake_squashed *names;
	size_t name_count;
	size_t name_room;
	struct bake_terms_of *of; /* of those entries */
};

/* A bit per letter and digit that text has: a quick no. */
uint32_t bake_terms_letters(const char *text, size_t len);

/* Of count entries. terms begins as all zero; release it in any case. */
enum bake_status bake_terms_make(const struct bake_catalog_entry *const *entries, size_t count,
	struct bake_terms *terms, struct bake_error *err) BAKE_CHECKED;
void bake_terms_release(struct bake_terms *terms);

#endif
