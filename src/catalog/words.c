/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/words.h"

#include <string.h>

#include "base/fold.h"
#include "base/text.h"

enum {
	ASCII_END = 0x80,
	FIRST_MARK = 0x300, /* combining accents, which bake_fold_next takes off */
	LAST_MARK = 0x36f,
	POINT_BYTES_MAX = 4
};

struct output {
	char *to;
	size_t len;
	size_t room;
	char blank; /* '\0': none is written */
	bool gap;   /* punctuation came since the last letter */
};

static void put(struct output *out, const char *bytes, size_t len)
{
	bool blank = out->gap && out->blank && out->len > 0;

	if (out->len + len + (blank ? 1 : 0) >= out->room)
		return;
	if (blank)
		out->to[out->len++] = out->blank;
	memcpy(out->to + out->len, bytes, len);
	out->len += len;
	out->gap = false;
}

/* Lower case of a letter, a digit as it is, '\0' for what is punctuation. */
static inline char letter_of(char byte)
{
	char lower = (char)((unsigned char)byte | 0x20U); /* where byte is a letter */

	if (lower >= 'a' && lower <= 'z')
		return lower;
	if (byte >= '0' && byte <= '9')
		return byte;
	return '\0';
}

static void put_ascii(struct output *out, char byte)
{
	byte = letter_of(byte);
	if (byte)
		put(out, &byte, 1);
	else
		out->gap = true;
}

/* Letters and digits that follow each other, as most do. Returns how many. */
static size_t put_run(struct output *out, const char *text)
{
	size_t len = 0;
	char letter;

	for (; (letter = letter_of(text[len])) != '\0'; len++) {
		if (out->gap || out->len + 1 >= out->room)
			put(out, &letter, 1);
		else
			out->to[out->len++] = letter;
	}
	return len;
}

/* One code point of several bytes: folded, its accents left out. */
static void put_point(struct output *out, const char *text, size_t len)
{
	char one[POINT_BYTES_MAX + 1] = "";
	struct bake_fold fold = BAKE_FOLD_INIT(one);
	uint32_t code;
	size_t ignored;

	memcpy(one, text, len);
	if (bake_utf8_hostile(one, &ignored)) {
		out->gap = true;
		return;
	}
	while ((code = bake_fold_next(&fold)) != 0) {
		if (code < ASCII_END)
			put_ascii(out, (char)code);
		else if (code < FIRST_MARK || code > LAST_MARK)
			put(out, one, len); /* a letter of another script stands for itself */
	}
}

static size_t fold_into(const char *text, struct output *out)
{
	while (*text) {
		size_t len = put_run(out, text);

		if (len == 0 && (unsigned char)*text < ASCII_END) {
			out->gap = true;
			len = 1;
		} else if (len == 0) {
			len = bake_utf8_length(text, strnlen(text, POINT_BYTES_MAX));
			if (len > 0)
				put_point(out, text, len);
			else
				out->gap = true;
			len = len ? len : 1;
		}
		text += len;
	}
	out->to[out->len] = '\0';
	return out->len;
}

size_t bake_words_fold(const char *text, char *out, size_t room)
{
	struct output output = {.room = room, .blank = ' '};

	output.to = out;
	return fold_into(text, &output);
}

size_t bake_words_squash(const char *text, char *out, size_t room)
{
	struct output output = {.room = room};

	output.to = out;
	return fold_into(text, &output);
}

bool bake_words_equal(const char *a, const char *b)
{
	char folded_a[BAKE_FOLDED_MAX];
	char folded_b[BAKE_FOLDED_MAX];

	if (!a || !b)
		return false;
	bake_words_squash(a, folded_a, sizeof(folded_a));
	bake_words_squash(b, folded_b, sizeof(folded_b));
	return strcmp(folded_a, folded_b) == 0;
}
