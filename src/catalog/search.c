/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/search.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parallel.h"
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
	QUERY_ROOM = 1024,
	PIECE = 1280 /* entries that one thread takes at a time: their terms fill a large page */
};

/* Some of the entries, one after another, and their terms. */
struct piece {
	size_t first;
	size_t count;
	struct bake_terms terms;
	struct bake_error error;
};

struct bake_search {
	const struct bake_catalog *catalog;
	const struct bake_catalog_entry **entries; /* the catalog's, as their texts are in memory */
	const struct bake_catalog_entry **own;	   /* NULL: the catalog has those */
	struct piece *pieces; /* each of PIECE entries, the last one of fewer */
	size_t piece_count;
};

struct query {
	char folded[QUERY_ROOM];
	char squashed[QUERY_ROOM];
	size_t squashed_len;
	struct bake_query_word words[BAKE_SEARCH_WORDS_MAX];
	size_t count;
	bool too_long;
};

static void make_piece(void *context, size_t index)
{
	const struct bake_search *search = context;
	struct piece *piece = &search->pieces[index];

	if (bake_terms_make(&search->entries[piece->first], piece->count, &piece->terms,
		    &piece->error) != BAKE_OK)
		return; /* the error says it */
}

/* A catalog that somebody put together has one order. */
static enum bake_status take_entries(struct bake_search *search, struct bake_error *err)
{
	const struct bake_catalog *catalog = search->catalog;

	search->entries = catalog->as_read;
	if (search->entries)
		return BAKE_OK;
	search->own = calloc(catalog->entry_count + 1, sizeof(*search->own));
	if (!search->own)
		return bake_error_nomem(err);
	for (size_t i = 0; i < catalog->entry_count; i++)
		search->own[i] = &catalog->entries[i];
	search->entries = search->own;
	return BAKE_OK;
}

/* All processors take the entries' texts apart. */
static enum bake_status make_pieces(struct bake_search *search, struct bake_error *err)
{
	size_t left = search->catalog->entry_count;
	size_t count = (left + PIECE - 1) / PIECE;

	search->pieces = calloc(count + 1, sizeof(*search->pieces));
	if (!search->pieces)
		return bake_error_nomem(err);
	search->piece_count = count;
	for (size_t i = 0; i < count; i++, left -= PIECE) {
		search->pieces[i].first = i * PIECE;
		search->pieces[i].count = left < PIECE ? left : PIECE;
	}
	bake_parallel(count, 0, make_piece, search);
	for (size_t i = 0; i < count; i++) {
		if (search->pieces[i].error.status == BAKE_OK)
			continue;
		*err = search->pieces[i].error;
		return err->status;
	}
	return BAKE_OK;
}

enum bake_status bake_search_new(
	const struct bake_catalog *catalog, struct bake_search **out, struct bake_error *err)
{
	_cleanup_(bake_search_free) struct bake_search *search = calloc(1, sizeof(*search));

	if (!search)
		return bake_error_nomem(err);
	search->catalog = catalog;
	BAKE_TRY(take_entries(search, err));
	BAKE_TRY(make_pieces(search, err));
	*out = search;
	search = NULL;
	return BAKE_OK;
}

void bake_search_free(struct bake_search **search)
{
	for (size_t i = 0; *search && i < (*search)->piece_count; i++)
		bake_terms_release(&(*search)->pieces[i].terms);
	if (*search) {
		free((*search)->pieces);
		free((*search)->own);
	}
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
	const struct bake_terms *terms, const struct bake_terms_of *of, const char *means)
{
	unsigned least = BAKE_TERM_NAME;

	for (const char *at = means; *at;) {
		size_t len = strcspn(at, " ");
		struct bake_query_word word;
		unsigned worth;

		bake_match_make_word(at, len, &word);
		worth = bake_match_word(terms, of, &word);
		least = worth < least ? worth : least;
		at += len + (at[len] ? 1 : 0);
	}
	return least * EXPANDED_PERCENT / PERCENT;
}

/* What the words are worth to an entry, and how many of them it lacks. */
struct tally {
	unsigned score;
	unsigned misses;
};

/* A word that is looked for in all entries. */
struct matching {
	const struct bake_search *search;
	const struct bake_query_word *word;
	match_fn *match;
	const char *means;     /* what it is short for, NULL: nothing */
	struct tally *tallies; /* one for each entry */
	atomic_bool found;
};

static void match_piece(void *context, size_t index)
{
	struct matching *matching = context;
	const struct piece *piece = &matching->search->pieces[index];
	struct tally *tallies = matching->tallies + piece->first;
	bool found = false;

	for (size_t i = 0; i < piece->count; i++) {
		const struct bake_terms_of *of = &piece->terms.of[i];
		unsigned worth = matching->match(&piece->terms, of, matching->word);

		if (matching->means) {
			unsigned expanded = match_expansion(&piece->terms, of, matching->means);

			worth = expanded > worth ? expanded : worth;
		}
		tallies[i].score += worth;
		if (worth)
			found = true;
		else
			tallies[i].misses++;
	}
	if (found)
		atomic_store(&matching->found, true);
}

/* Looks for the word in each entry. */
static bool add_word(struct matching *matching, match_fn *match)
{
	matching->match = match;
	matching->means = match == bake_match_word ? bake_match_expansion(matching->word) : NULL;
	atomic_store(&matching->found, false);
	bake_parallel(matching->search->piece_count, 0, match_piece, matching);
	return atomic_load(&matching->found);
}

static void score_all(
	const struct bake_search *search, const struct query *query, struct tally *tallies)
{
	struct matching matching = {.search = search, .tallies = tallies};

	for (size_t k = 0; k < query->count; k++) {
		matching.word = &query->words[k];
		if (add_word(&matching, bake_match_word))
			continue;
		/* Nobody has it: every entry was counted as missing it. Typed wrong? */
		for (size_t i = 0; i < search->catalog->entry_count; i++)
			tallies[i].misses--;
		(void)add_word(&matching, bake_match_slip);
	}
}

static unsigned settle(
	const struct bake_search *search, const struct query *query, size_t at, unsigned score)
{
	const struct bake_catalog_entry *entry = search->entries[at];
	const struct bake_terms *terms = &search->pieces[at / PIECE].terms;
	const struct bake_terms_of *of = &terms->of[at % PIECE];

	if (query->squashed_len > 0)
		score += bake_match_whole(terms, of, query->squashed, query->squashed_len);
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
	_cleanup_free_ struct tally *tallies = calloc(count + 1, sizeof(*tallies));
	struct query parsed;
	size_t found = 0;

	if (!tallies)
		return bake_error_nomem(err);
	parse(query, &parsed);
	if (parsed.too_long)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"more than %d words to search for", BAKE_SEARCH_WORDS_MAX);
	if (parsed.count == 0) {
		*out_count = list_all(search, hits);
		return BAKE_OK;
	}
	score_all(search, &parsed, tallies);
	for (size_t i = 0; i < count; i++) {
		if (tallies[i].misses == 0)
			hits[found++] = (struct bake_search_hit){.entry = search->entries[i],
				.score = settle(search, &parsed, i, tallies[i].score)};
	}
	qsort(hits, found, sizeof(*hits), compare_hits);
	*out_count = found;
	return BAKE_OK;
}

/* How far the entry's nearest name is from the query, at least 1; SIZE_MAX: too far to be meant. */
static size_t distance_of(const struct bake_search *search, const struct query *query, size_t at)
{
	const struct bake_terms *terms = &search->pieces[at / PIECE].terms;
	const struct bake_terms_of *of = &terms->of[at % PIECE];
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < of->name_count; i++) {
		const struct bake_squashed *name = &terms->names[of->first_name + i];
		size_t apart;

		if (name->len > BAKE_DISTANCE_MAX || name->len == 0)
			continue;
		apart = bake_text_distance(
			query->squashed, query->squashed_len, terms->text + name->at, name->len);
		if (apart <= query->squashed_len / 2 && apart < least)
			least = apart ? apart : 1;
	}
	return least;
}

/* Entries without any of the words: by their names as a whole. */
static void score_names(
	const struct bake_search *search, const struct query *query, struct tally *tallies)
{
	if (query->squashed_len > BAKE_DISTANCE_MAX)
		return;
	for (size_t i = 0; i < search->catalog->entry_count; i++) {
		size_t apart = distance_of(search, query, i);

		if (apart != SIZE_MAX)
			tallies[i].score = (unsigned)(BAKE_DISTANCE_MAX + 1 - apart);
	}
}

/* The entry of the highest score, of several the catalog's first; as many as there are when no score
 * is left. */
static size_t best_of(const struct bake_search *search, const struct tally *tallies)
{
	size_t count = search->catalog->entry_count;
	size_t best = count;
	unsigned score = 0;

	for (size_t i = 0; i < count; i++) {
		if (tallies[i].score > score ||
			(score && tallies[i].score == score &&
				search->entries[i] < search->entries[best])) {
			score = tallies[i].score;
			best = i;
		}
	}
	return best;
}

size_t bake_search_nearest(const struct bake_search *search, const char *query,
	const struct bake_catalog_entry **out, size_t room)
{
	size_t count = search->catalog->entry_count;
	_cleanup_free_ struct tally *tallies = calloc(count + 1, sizeof(*tallies));
	struct query parsed;
	size_t found = 0;
	bool any = false;

	if (!tallies)
		return 0;
	parse(query, &parsed);
	score_all(search, &parsed, tallies);
	for (size_t i = 0; i < count; i++)
		any = any || tallies[i].score > 0;
	if (!any)
		score_names(search, &parsed, tallies);
	while (found < room) {
		size_t best = best_of(search, tallies);

		if (best == count)
			break;
		tallies[best].score = 0;
		out[found++] = search->entries[best];
	}
	return found;
}
