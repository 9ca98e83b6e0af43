/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding models as people type them: words in any order, by beginnings, abbreviations, initials
 * ("sdxl" is Stable Diffusion XL), run together ("qwen25vl") and with slips ("mistrla"). Case,
 * accents and punctuation do not count.
 */
#ifndef CATALOG_SEARCH_H
#define CATALOG_SEARCH_H

#include "catalog/catalog.h"

enum {
	BAKE_SEARCH_WORDS_MAX = 16
};

struct bake_search;

struct bake_search_hit {
	const struct bake_catalog_entry *entry;
	unsigned score; /* for comparing hits of one query only */
};

/* Prepares a catalog, which must outlive it, for any number of queries. */
enum bake_status bake_search_new(const struct bake_catalog *catalog, struct bake_search **out,
	struct bake_error *err) BAKE_CHECKED;
void bake_search_free(struct bake_search **search);

/*
 * The entries that have every word of the query, best first. hits has room for as many as the catalog
 * has entries. A word that no entry has is looked for with slips. A query without any letter or digit
 * finds everything, in the catalog's order; one of more than BAKE_SEARCH_WORDS_MAX words is
 * BAKE_ERR_USAGE usage.value.
 */
enum bake_status bake_search_find(const struct bake_search *search, const char *query,
	struct bake_search_hit *hits, size_t *out_count, struct bake_error *err) BAKE_CHECKED;

/* For a query that finds nothing: up to room entries that come nearest, best first. They have some of
 * its words, else names that differ by little. Returns how many. */
size_t bake_search_nearest(const struct bake_search *search, const char *query,
	const struct bake_catalog_entry **out, size_t room);

#endif
