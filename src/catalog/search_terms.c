/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/search_terms.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/words.h"

enum {
	/* All text of a catalog, folded: its documents are no larger. */
	TEXT_BYTES_MAX = 512 * 1024 * 1024,
	DIGITS_FIRST_BIT = 26,
	FOLD_ROOM = 2048, /* of a longer description the rest is not searched */
	WORD_BITS = 64,
	ASCII_MORE = 15, /* bytes that bake_words_fold_ascii uses beyond the text */
	TERMS_EACH = 24, /* there is room for twice as many */
	TEXT_EACH = 224,
	NAMES_EACH = 2
};

uint32_t bake_terms_letters(const char *text, size_t len)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte >= 'a' && byte <= 'z')
			letters |= 1U << (byte - 'a');
		else
			letters |= 1U << (DIGITS_FIRST_BIT + (byte & 3U));
	}
	return letters;
}

/* Room for need more elements behind those that are used. An array that has none is left behind in the
 * arena, which is seldom: see bake_terms_make. */
static bool make_room(
	struct bake_arena *arena, void **list, size_t *room, size_t used, size_t need, size_t size)
{
	size_t bigger = 2 * (used + need);
	void *moved;

	if (need <= *room - used)
		return true;
	moved = bake_arena_room(arena, bigger, size);
	if (!moved)
		return false;
	if (used)
		memcpy(moved, *list, used * size);
	*list = moved;
	*room = bigger;
	return true;
}

/* Where len more bytes of text go; NULL when there is no room for them. */
static char *text_room(struct bake_terms *terms, size_t len)
{
	if (len > TEXT_BYTES_MAX - terms->text_len ||
		!make_room(&terms->arena, (void **)&terms->text, &terms->text_room, terms->text_len,
			len, 1))
		return NULL;
	return terms->text + terms->text_len;
}

/* The words of a text, as they are added. */
struct words {
	enum bake_term_weight weight;
	unsigned count;
};

static enum bake_status add_term(struct bake_terms *terms, size_t at, size_t len,
	enum bake_term_weight weight, bool first, struct bake_error *err)
{
	if (terms->term_count == terms->term_room &&
		!make_room(&terms->arena, (void **)&terms->terms, &terms->term_room,
			terms->term_count, 1, sizeof(*terms->terms)))
		return bake_error_nomem(err);
	terms->terms[terms->term_count++] = (struct bake_term){.at = (uint32_t)at,
		.len = (uint16_t)len,
		.weight = (uint8_t)weight,
		.first = first};
	return BAKE_OK;
}

/* The words among 64 bytes of a text, which begin at begin: bits has one for each of their letters. The
 * last word added goes on there when open says so. */
static enum bake_status add_words(struct bake_terms *terms, size_t begin, uint64_t bits, bool open,
	struct words *words, struct bake_error *err)
{
	while (bits) {
		const unsigned first = (unsigned)__builtin_ctzll(bits);
		const uint64_t from_first = bits >> first;
		const unsigned len =
			~from_first ? (unsigned)__builtin_ctzll(~from_first) : WORD_BITS;

		if (open && first == 0)
			terms->terms[terms->term_count - 1].len += (uint16_t)len;
		else
			BAKE_TRY(add_term(terms, begin + first, len, words->weight,
				words->count++ == 0, err));
		if (first + len >= WORD_BITS)
			break;
		bits &= ~UINT64_C(0) << (first + len);
	}
	return BAKE_OK;
}

/* An ASCII text shorter than FOLD_ROOM. *out_done: it is one. */
static enum bake_status add_ascii(struct bake_terms *terms, const char *text, size_t len,
	struct words *words, bool *out_done, struct bake_error *err)
{
	const size_t begin = terms->text_len;
	uint64_t bits[FOLD_ROOM / WORD_BITS];
	char *folded = text_room(terms, len + ASCII_MORE);
	bool open = false;

	if (!folded)
		return bake_error_nomem(err);
	*out_done = bake_words_fold_ascii(text, len, folded, bits);
	if (!*out_done)
		return BAKE_OK;
	terms->text_len += len;
	for (size_t at = 0; at < len; at += WORD_BITS) {
		const uint64_t some = bits[at / WORD_BITS];

		BAKE_TRY(add_words(terms, begin + at, some, open, words, err));
		open = some >> (WORD_BITS - 1);
	}
	return BAKE_OK;
}

/* Any text. */
static enum bake_status add_folded(
	struct bake_terms *terms, const char *text, struct words *words, struct bake_error *err)
{
	const size_t begin = terms->text_len;
	char *folded = text_room(terms, FOLD_ROOM);
	size_t len;

	if (!folded)
		return bake_error_nomem(err);
	len = bake_words_fold(text, folded, FOLD_ROOM);
	terms->text_len += len;
	for (size_t at = 0; at < len; at++) {
		size_t first = at;

		while (at < len && folded[at] != ' ')
			at++;
		BAKE_TRY(add_term(
			terms, begin + first, at - first, words->weight, words->count++ == 0, err));
	}
	return BAKE_OK;
}

/* The words of a text, which may be NULL. *out_count receives how many, and may be NULL. */
static enum bake_status add_text(struct bake_terms *terms, const char *text,
	enum bake_term_weight weight, unsigned *out_count, struct bake_error *err)
{
	struct words words = {.weight = weight};
	size_t len = text ? strlen(text) : 0;
	bool done = len == 0;

	if (!done && len < FOLD_ROOM)
		BAKE_TRY(add_ascii(terms, text, len, &words, &done, err));
	if (!done)
		BAKE_TRY(add_folded(terms, text, &words, err));
	if (out_count)
		*out_count = words.count;
	return BAKE_OK;
}

/* The words of a name from that one on, without the blanks between them. */
static enum bake_status add_squashed(
	struct bake_terms *terms, size_t first_term, struct bake_error *err)
{
	const size_t begin = terms->text_len;
	char *squashed = text_room(terms, BAKE_FOLDED_MAX);
	size_t len = 0;

	if (!squashed || !make_room(&terms->arena, (void **)&terms->names, &terms->name_room,
				 terms->name_count, 1, sizeof(*terms->names)))
		return bake_error_nomem(err);
	for (size_t i = first_term; i < terms->term_count; i++) {
		const struct bake_term *term = &terms->terms[i];
		size_t room = BAKE_FOLDED_MAX - len;
		size_t fits = term->len < room ? term->len : room;

		memcpy(squashed + len, terms->text + term->at, fits);
		len += fits;
	}
	terms->text_len += len;
	terms->names[terms->name_count++] =
		(struct bake_squashed){.at = (uint32_t)begin, .len = (uint16_t)len};
	return BAKE_OK;
}

static enum bake_status add_name(
	struct bake_terms *terms, const char *name, unsigned *out_words, struct bake_error *err)
{
	const size_t first_term = terms->term_count;

	BAKE_TRY(add_text(terms, name, BAKE_TERM_NAME, out_words, err));
	return add_squashed(terms, first_term, err);
}

static enum bake_status add_names(struct bake_terms *terms, const struct bake_catalog_entry *entry,
	unsigned *out_words, struct bake_error *err)
{
	BAKE_TRY(add_name(terms, entry->title, out_words, err));
	if (strcmp(entry->title, entry->id) != 0)
		BAKE_TRY(add_name(terms, entry->id, NULL, err));
	for (size_t i = 0; i < entry->alias_count; i++)
		BAKE_TRY(add_name(terms, entry->aliases[i], NULL, err));
	return BAKE_OK;
}

static enum bake_status add_rest(
	struct bake_terms *terms, const struct bake_catalog_entry *entry, struct bake_error *err)
{
	const char *title = bake_catalog_group_title(entry);
	const char *labels[] = {entry->category,
		bake_text_equal(title, entry->category) ? NULL : title,
		bake_text_equal(entry->role, entry->category) ? NULL : entry->role, entry->format,
		entry->quantization};
	const struct bake_model *model = entry->model;

	for (size_t i = 0; i < countof(labels); i++)
		BAKE_TRY(add_text(terms, labels[i], BAKE_TERM_LABEL, NULL, err));
	for (size_t i = 0; i < entry->tag_count; i++)
		BAKE_TRY(add_text(terms, entry->tags[i], BAKE_TERM_LABEL, NULL, err));
	BAKE_TRY(add_text(terms, entry->source->name, BAKE_TERM_PLACE, NULL, err));
	if (model && model->source.kind == BAKE_SOURCE_HUB)
		BAKE_TRY(add_text(terms, model->source.location, BAKE_TERM_PLACE, NULL, err));
	for (size_t i = 0; model && i < model->file_count; i++)
		BAKE_TRY(add_text(terms, model->files[i].name, BAKE_TERM_PLACE, NULL, err));
	return add_text(terms, entry->description, BAKE_TERM_DESCRIPTION, NULL, err);
}

enum bake_status bake_terms_make(const struct bake_catalog_entry *const *entries, size_t count,
	struct bake_terms *terms, struct bake_error *err)
{
	terms->arena.max = SIZE_MAX;
	terms->arena.expected = count * (sizeof(*terms->of) + NAMES_EACH * sizeof(*terms->names) +
						TERMS_EACH * sizeof(*terms->terms) + TEXT_EACH);
	terms->of = bake_arena_room(&terms->arena, count, sizeof(*terms->of));
	/* Room for what most entries have, so that it is seldom moved. */
	if (!terms->of || !text_room(terms, count * TEXT_EACH) ||
		!make_room(&terms->arena, (void **)&terms->terms, &terms->term_room, 0,
			count * TERMS_EACH, sizeof(*terms->terms)) ||
		!make_room(&terms->arena, (void **)&terms->names, &terms->name_room, 0,
			count * NAMES_EACH, sizeof(*terms->names)))
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct bake_terms_of *of = &terms->of[i];

		of->first_term = (uint32_t)terms->term_count;
		of->first_name = (uint32_t)terms->name_count;
		BAKE_TRY(add_names(terms, entries[i], &of->title_words, err));
		BAKE_TRY(add_rest(terms, entries[i], err));
		of->term_count = (uint32_t)terms->term_count - of->first_term;
		of->name_count = (uint32_t)terms->name_count - of->first_name;
	}
	return BAKE_OK;
}

void bake_terms_release(struct bake_terms *terms)
{
	bake_arena_release(&terms->arena);
}
