/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/search_match.h"
#include "catalog/words.h"

enum {
	EXPANDED_PERCENT = 70, /* what a word is worth that an abbreviation stands for */
	PERCENT = 100,
	DEFAULT_BONUS = 8,
	RECOMMENDED_BONUS = 4,
	BRIEF_WORDS = 4, /* a title of fewer fits a word better than a long one */
	PRIORITIES = 10,
	PRIORITY_BONUS = 3,
	QUERY_ROOM = 1024
};

struct bake_search {
	const struct bake_catalog *catalog;
	struct bake_terms terms;
};

struct query {
	char folded[QUERY_ROOM];
	char squashed[QUERY_ROOM];
	size_t squashed_len;
	struct bake_query_word words[BAKE_SEARCH_WORDS_MAX];
	size_t count;
	bool too_long;
};

enum bake_status bake_search_new(
	const struct bake_catalog *catalog, struct bake_search **out, struct bake_error *err)
{
	_cleanup_(bake_search_free) struct bake_search *search = calloc(1, sizeof(*search));

	if (!search)
		return bake_error_nomem(err);
	search->catalog = catalog;
	BAKE_TRY(bake_terms_make(catalog, &search->terms, err));
	*out = search;
	search = NULL;
	return BAKE_OK;
}

void bake_search_free(struct bake_search **search)
{
	if (*search)
		bake_terms_release(&(*search)->terms);
	free(*search);
	*search = NULL;
}

static bool is_filler(const char *word, size_t len)
{
	static const char *const fillers[] = {
		"a", "an", "and", "for", "in", "model", "models", "of", "on", "the", "to", "with"};

	for (size_t i = 0; i < countof(fillers); i++) {
		if (strlen(fillers[i]) == len && memcmp(fillers[i], word, len) == 0)
			return true;
	}
	return false;
}

static void add_words(struct query *query, bool fillers)
{
	query->count = 0;
	for (const char *at = query->folded; *at;) {
		size_t len = strcspn(at, " ");

		if (fillers || !is_filler(at, len)) {
			if (query->count == BAKE_SEARCH_WORDS_MAX) {
				query->too_long = true;
				return;
			}
			bake_match_make_word(at, len, &query->words[query->count++]);
		}
		at += len + (at[len] ? 1 : 0);
	}
}

static void parse(const char *text, struct query *query)
{
	size_t len = bake_words_fold(text, query->folded, sizeof(query->folded));

	query->squashed_len = bake_words_squash(text, query->squashed, sizeof(query->squashed));
	/* What did not fit was cut off: rather say so. */
	query->too_long = len + 1 >= sizeof(query->folded);
	add_words(query, false);
	if (query->count == 0) /* a question of fillers only asks for those */
		add_words(query, true);
}

typedef unsigned match_fn(const struct bake_terms *terms, const struct bake_terms_of *of,
	const struct bake_query_word *word);

/* The words that an abbreviation stands for must all be there. */
static unsigned match_expansion(
	const struct bake_search *search, const struct bake_terms_of *of, const char *means)
{
	unsigned least = BAKE_TERM_NAME;

	for (const char *at = means; *at;) {
		size_t len = strcspn(at, " ");
		struct bake_query_word word;
		unsigned worth;

		bake_match_make_word(at, len, &word);
		worth = bake_match_word(&search->terms, of, &word);
		least = worth < least ? worth : least;
		at += len + (at[len] ? 1 : 0);
	}
	return least * EXPANDED_PERCENT / PERCENT;
}

/* Adds what a word is worth to each entry's score; misses counts the words that an entry lacks. */
static bool add_word(const struct bake_search *search, const struct bake_query_word *word,
	match_fn *match, unsigned *scores, unsigned char *misses)
{
	const char *means = match == bake_match_word ? bake_match_expansion(word) : NULL;
	bool found = false;

	for (size_t i = 0; i < search->catalog->entry_count; i++) {
		const struct bake_terms_of *of = &search->terms.of[i];
		unsigned worth = match(&search->terms, of, word);

		if (means) {
			unsigned expanded = match_expansion(search, of, means);

			worth = expanded > worth ? expanded : worth;
		}
		scores[i] += worth;
		if (worth)
			found = true;
		else
			misses[i]++;
	}
	return found;
}

static void score_all(const struct bake_search *search, const struct query *query, unsigned *scores,
	unsigned char *misses)
{
	for (size_t k = 0; k < query->count; k++) {
		const struct bake_query_word *word = &query->words[k];

		if (add_word(search, word, bake_match_word, scores, misses))
			continue;
		/* Nobody has it: every entry was counted as missing it. Typed wrong? */
		for (size_t i = 0; i < search->catalog->entry_count; i++)
			misses[i]--;
		(void)add_word(search, word, bake_match_slip, scores, misses);
	}
}

static unsigned settle(
	const struct bake_search *search, const struct query *query, size_t at, unsigned score)
{
	const struct bake_catalog_entry *entry = &search->catalog->entries[at];
	const struct bake_terms_of *of = &search->terms.of[at];

	if (query->squashed_len > 0)
		score += bake_match_whole(&search->terms, of, query->squashed, query->squashed_len);
	if (of->title_words < BRIEF_WORDS)
		score += BRIEF_WORDS - of->title_words;
	if (entry->priority > 0 && entry->priority < PRIORITIES)
		score += PRIORITY_BONUS * (unsigned)(PRIORITIES - entry->priority);
	if (entry->is_default)
		return score + DEFAULT_BONUS;
	return entry->recommended ? score + RECOMMENDED_BONUS : score;
}

/* Entries are in one array: equal scores keep the catalog's order. */
static int compare_hits(const void *a, const void *b)
{
	const struct bake_search_hit *x = a;
	const struct bake_search_hit *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

static size_t list_all(const struct bake_search *search, struct bake_search_hit *hits)
{
	for (size_t i = 0; i < search->catalog->entry_count; i++)
		hits[i] = (struct bake_search_hit){.entry = &search->catalog->entries[i]};
	return search->catalog->entry_count;
}

enum bake_status bake_search_find(const struct bake_search *search, const char *query,
	struct bake_search_hit *hits, size_t *out_count, struct bake_error *err)
{
	size_t count = search->catalog->entry_count;
	_cleanup_free_ unsigned *scores = calloc(count + 1, sizeof(*scores));
	_cleanup_free_ unsigned char *misses = calloc(count + 1, sizeof(*misses));
	struct query parsed;
	size_t found = 0;

	if (!scores || !misses)
		return bake_error_nomem(err);
	parse(query, &parsed);
	if (parsed.too_long)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"more than %d words to search for", BAKE_SEARCH_WORDS_MAX);
	if (parsed.count == 0) {
		*out_count = list_all(search, hits);
		return BAKE_OK;
	}
	score_all(search, &parsed, scores, misses);
	for (size_t i = 0; i < count; i++) {
		if (misses[i] == 0)
			hits[found++] =
				(struct bake_search_hit){.entry = &search->catalog->entries[i],
					.score = settle(search, &parsed, i, scores[i])};
	}
	qsort(hits, found, sizeof(*hits), compare_hits);
	*out_count = found;
	return BAKE_OK;
}

/* How far the entry's nearest name is from the query, at least 1; SIZE_MAX: too far to be meant. */
static size_t distance_of(
	const struct bake_search *search, const struct query *query, const struct bake_terms_of *of)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < of->name_count; i++) {
		const struct bake_squashed *name = &search->terms.names[of->first_name + i];
		size_t apart;

		if (name->len > BAKE_DISTANCE_MAX || name->len == 0)
			continue;
		apart = bake_text_distance(query->squashed, query->squashed_len,
			search->terms.text.ptr + name->at, name->len);
		if (apart <= query->squashed_len / 2 && apart < least)
			least = apart ? apart : 1;
	}
	return least;
}

/* Entries without any of the words: by their names as a whole. */
static void score_names(
	const struct bake_search *search, const struct query *query, unsigned *scores)
{
	if (query->squashed_len > BAKE_DISTANCE_MAX)
		return;
	for (size_t i = 0; i < search->catalog->entry_count; i++) {
		size_t apart = distance_of(search, query, &search->terms.of[i]);

		if (apart != SIZE_MAX)
			scores[i] = (unsigned)(BAKE_DISTANCE_MAX + 1 - apart);
	}
}

size_t bake_search_nearest(const struct bake_search *search, const char *query,
	const struct bake_catalog_entry **out, size_t room)
{
	size_t count = search->catalog->entry_count;
	_cleanup_free_ unsigned *scores = calloc(count + 1, sizeof(*scores));
	_cleanup_free_ unsigned char *misses = calloc(count + 1, sizeof(*misses));
	struct query parsed;
	size_t found = 0;
	bool any = false;

	if (!scores || !misses)
		return 0;
	parse(query, &parsed);
	score_all(search, &parsed, scores, misses);
	for (size_t i = 0; i < count; i++)
		any = any || scores[i] > 0;
	if (!any)
		score_names(search, &parsed, scores);
	while (found < room) {
		size_t best = count;

		for (size_t i = 0; i < count; i++) {
			if (scores[i] && (best == count || scores[i] > scores[best]))
				best = i;
		}
		if (best == count)
			break;
		scores[best] = 0;
		out[found++] = &search->catalog->entries[best];
	}
	return found;
}
