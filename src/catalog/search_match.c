/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/search_match.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Percent of what the place is worth. */
enum {
	EXACT = 100,
	PLURAL = 90,
	BEGINNING = 80,
	NUMBER_WITHIN = 70,
	INITIALS = 65,
	RUN_TOGETHER = 60,
	ONE_SLIP = 45,
	TWO_SLIPS = 30,
	WITHIN = 20,
	PERCENT = 100
};

enum {
	WITHIN_MIN = 3,	   /* letters that mean something within a word */
	ONE_SLIP_MIN = 4,  /* letters of a word that may have a slip */
	TWO_SLIPS_MIN = 8, /* and two */
	NAMED = 300,	   /* the query is a name */
	BEGINS_NAME = 100,
	IN_NAME = 40
};

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

void bake_match_make_word(const char *text, size_t len, struct bake_query_word *out)
{
	*out = (struct bake_query_word){
		.text = text, .len = len, .letters = bake_terms_letters(text, len), .number = true};
	for (size_t i = 0; i < len; i++)
		out->number = out->number && is_digit(text[i]);
}

/* A number is one in a term when no digit is beside it: "3" is in "3b" and "llama3", not in "32". */
static unsigned match_number(const struct bake_query_word *word, const char *term, size_t len)
{
	if (len < word->len)
		return 0;
	for (size_t at = 0; at + word->len <= len; at++) {
		if (term[at] != word->text[0] || memcmp(term + at, word->text, word->len) != 0 ||
			(at > 0 && is_digit(term[at - 1])) ||
			(at + word->len < len && is_digit(term[at + word->len])))
			continue;
		if (len == word->len)
			return EXACT;
		return at == 0 ? BEGINNING : NUMBER_WITHIN;
	}
	return 0;
}

static unsigned match_letters(const struct bake_query_word *word, const char *term, size_t len)
{
	if (term[0] != word->text[0])
		return 0;
	if (len >= word->len && term[word->len - 1] == word->text[word->len - 1] &&
		memcmp(term, word->text, word->len) == 0)
		return len == word->len ? EXACT : BEGINNING;
	if (word->len == len + 1 && len >= WITHIN_MIN && word->text[len] == 's' &&
		memcmp(term, word->text, len) == 0)
		return PLURAL;
	return 0;
}

/* Whether the word is made of two or more terms that follow each other in a name, from the one at
 * first on, each by its first letter or whole: "sdxl" of Stable Diffusion XL. */
static bool match_initials(const struct bake_terms *terms, size_t first, size_t end,
	const struct bake_query_word *word)
{
	size_t done = 0;
	size_t used = 0;

	for (size_t i = first; i < end && done < word->len; i++, used++) {
		const struct bake_term *term = &terms->terms[i];
		const char *text = terms->text + term->at;
		size_t len = 0;

		if (term->weight != BAKE_TERM_NAME || (used > 0 && term->first))
			return false;
		while (len < term->len && done + len < word->len &&
			text[len] == word->text[done + len])
			len++;
		if (len == 0)
			return false;
		done += len == term->len ? len : 1;
	}
	return done == word->len && used > 1;
}

static unsigned match_terms(const struct bake_terms *terms, const struct bake_terms_of *of,
	const struct bake_query_word *word)
{
	size_t end = (size_t)of->first_term + of->term_count;
	unsigned best = 0;

	for (size_t i = of->first_term; i < end && best < BAKE_TERM_NAME; i++) {
		const struct bake_term *term = &terms->terms[i];
		const char *text = terms->text + term->at;
		unsigned worth = 0;

		if (word->number) {
			worth = match_number(word, text, term->len);
		} else if (text[0] == word->text[0]) {
			worth = match_letters(word, text, term->len);
			if (!worth && word->len > 1 && term->weight == BAKE_TERM_NAME &&
				match_initials(terms, i, end, word))
				worth = INITIALS;
		}
		worth = worth * term->weight / PERCENT;
		best = worth > best ? worth : best;
	}
	return best;
}

static unsigned match_names(const struct bake_terms *terms, const struct bake_terms_of *of,
	const struct bake_query_word *word)
{
	unsigned best = 0;

	if (word->number || word->len < WITHIN_MIN)
		return 0;
	for (size_t i = 0; i < of->name_count; i++) {
		const struct bake_squashed *name = &terms->names[of->first_name + i];
		const char *text = terms->text + name->at;
		const char *at = memmem(text, name->len, word->text, word->len);
		unsigned worth = !at ? 0 : (at == text ? RUN_TOGETHER : WITHIN);

		best = worth > best ? worth : best;
	}
	return best;
}

unsigned bake_match_word(const struct bake_terms *terms, const struct bake_terms_of *of,
	const struct bake_query_word *word)
{
	unsigned worth = match_terms(terms, of, word);
	unsigned named = worth < RUN_TOGETHER ? match_names(terms, of, word) : 0;

	return worth > named ? worth : named;
}

static size_t slips_allowed(const struct bake_query_word *word)
{
	if (word->number || word->len > BAKE_DISTANCE_MAX)
		return 0;
	return word->len >= TWO_SLIPS_MIN ? 2 : (word->len >= ONE_SLIP_MIN ? 1 : 0);
}

static unsigned count_bits(uint32_t bits)
{
	return (unsigned)__builtin_popcount(bits);
}

/* Whether text may be the word but for so many slips, each of which changes at most one letter of
 * either. */
static bool may_slip(
	const struct bake_query_word *word, const char *text, size_t len, size_t allowed)
{
	uint32_t letters;

	if (len + allowed < word->len || word->len + allowed < len || len < WITHIN_MIN ||
		len > BAKE_DISTANCE_MAX)
		return false;
	letters = bake_terms_letters(text, len);
	return count_bits(letters & ~word->letters) <= allowed &&
	       count_bits(word->letters & ~letters) <= allowed;
}

unsigned bake_match_slip(const struct bake_terms *terms, const struct bake_terms_of *of,
	const struct bake_query_word *word)
{
	size_t allowed = slips_allowed(word);
	unsigned best = 0;

	for (size_t i = 0; allowed && i < of->term_count; i++) {
		const struct bake_term *term = &terms->terms[of->first_term + i];
		const char *text = terms->text + term->at;
		size_t apart;
		unsigned worth;

		if (term->weight < BAKE_TERM_LABEL || !may_slip(word, text, term->len, allowed))
			continue;
		apart = bake_text_distance(word->text, word->len, text, term->len);
		if (apart > allowed)
			continue;
		worth = (apart > 1 ? TWO_SLIPS : ONE_SLIP) * (unsigned)term->weight / PERCENT;
		best = worth > best ? worth : best;
	}
	return best;
}

const char *bake_match_expansion(const struct bake_query_word *word)
{
	static const struct {
		const char *word;
		const char *means;
	} known[] = {
		{"vlm", "vision language"},
		{"vl", "vision language"},
		{"llm", "chat"},
		{"sd", "stable diffusion"},
		{"cn", "controlnet"},
		{"ti", "textual inversion"},
		{"ip", "ipadapter"},
		{"emb", "embedding"},
		{"rag", "embedding"},
		{"upscale", "upscalers"},
		{"coder", "code"},
		{"coding", "code"},
	};

	for (size_t i = 0; i < countof(known); i++) {
		if (strlen(known[i].word) == word->len &&
			memcmp(known[i].word, word->text, word->len) == 0)
			return known[i].means;
	}
	return NULL;
}

unsigned bake_match_whole(const struct bake_terms *terms, const struct bake_terms_of *of,
	const char *squashed, size_t len)
{
	unsigned best = 0;

	for (size_t i = 0; i < of->name_count; i++) {
		const struct bake_squashed *name = &terms->names[of->first_name + i];
		const char *text = terms->text + name->at;
		const char *at = name->len >= len ? memmem(text, name->len, squashed, len) : NULL;
		unsigned worth = IN_NAME;

		if (!at)
			continue;
		if (at == text)
			worth = name->len == len ? NAMED : BEGINS_NAME;
		best = worth > best ? worth : best;
	}
	return best;
}
