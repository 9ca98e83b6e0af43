/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside: shown safely, compared, guessed at. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

/* Most bytes of outside text that one message shows. */
enum {
	BAKE_SHOWN_MAX = 200
};

struct bake_shown {
	char text[BAKE_SHOWN_MAX + 4];
};

/*
 * Text of unknown origin as printable ASCII: other bytes become \xNN, and what is longer than
 * BAKE_SHOWN_MAX ends in "...". Returns shown->text. BAKE_SHOW gives it to a printf argument:
 * the buffer lives as long as the enclosing block.
 */
const char *bake_show(struct bake_shown *shown, const char *text, size_t len);
#define BAKE_SHOW(string)	    bake_show(&(struct bake_shown){{0}}, (string), strlen(string))
#define BAKE_SHOW_SPAN(string, len) bake_show(&(struct bake_shown){{0}}, (string), (len))

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no overlongs, no surrogates). */
bool bake_utf8_valid(const char *text, size_t len);

/* Bytes of the code point at text, of which at most len are looked at; 0 when it is malformed. */
size_t bake_utf8_length(const char *text, size_t len);

/* The code point as UTF-8, which is of at most four bytes. Returns how many. */
size_t bake_utf8_encode(uint32_t point, char *out);

/* Whether the code point at text cannot be trusted in a name: controls and bidirectional
 * overrides. *out_len receives its length in bytes; text must be valid UTF-8. */
bool bake_utf8_hostile(const char *text, size_t *out_len);

/* ASCII letters and digits, whatever the locale. */
static inline bool bake_is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

/* Those, '.', '_' and '-': what names of ours and of repositories are made of. */
static inline bool bake_is_name_byte(char c)
{
	return bake_is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
}

/* How many bytes at the beginning of text are printable ASCII, '"' and '\\' not counted: nearly all
 * text is of these, and has nothing in it that JSON, a terminal or a path would have to mind. */
size_t bake_text_plain(const char *text, size_t len);

/* Whether both are texts, and the same. */
bool bake_text_equal(const char *a, const char *b);

bool bake_text_starts(const char *text, const char *prefix);
bool bake_text_ends(const char *text, const char *suffix);

/* Whether an environment variable's value means yes: 1, on, yes, true in any case. */
bool bake_text_is_true(const char *value);

/* Longest texts whose distance is reckoned. */
enum {
	BAKE_DISTANCE_MAX = 64
};

/* Bytes to insert, remove or change, two swapped neighbours counted once (optimal string alignment).
 * Both lengths are at most BAKE_DISTANCE_MAX. */
size_t bake_text_distance(const char *a, size_t a_len, const char *b, size_t b_len);

/*
 * The candidate nearest to text, when it is near enough to be a slip of the fingers; else NULL.
 * Candidates are read through get(context, index).
 */
const char *bake_text_nearest(const char *text, size_t count,
	const char *(*get)(const void *context, size_t index), const void *context);

/* FNV-1a, for hash tables over our own data. */
uint64_t bake_text_hash(const char *text, size_t len);

#endif
