/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/words.h"

#include <limits.h>
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
	char blank; /* ' ', '\0': none is written */
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

/* Lower case of a letter, a digit as it is, a blank for any other ASCII, '\0' for the end and for
 * what is no ASCII. */
static inline char folded_of(char byte)
{
	static const char folded[UCHAR_MAX + 1] = "\0"
						  "                               "
						  "                0123456789      "
						  " abcdefghijklmnopqrstuvwxyz     "
						  " abcdefghijklmnopqrstuvwxyz     ";

	return folded[(unsigned char)byte];
}

static void put_ascii(struct output *out, char byte)
{
	byte = folded_of(byte);
	if (byte > ' ')
		put(out, &byte, 1);
	else
		out->gap = true;
}

/* ASCII as far as it goes and fits, without a branch for what each byte is: a blank is written at
 * once, and the next byte over it unless it parts two words. Returns how many bytes it took. */
static size_t fold_ascii(const char *text, struct output *out)
{
	const char *from = text;
	char *to = out->to + out->len;
	const char *const end = out->to + out->room - 1;
	const unsigned squash = !out->blank;
	unsigned parted = squash || out->len == 0;

	if (out->gap && !parted && to < end) {
		*to++ = ' ';
		parted = true;
	}
	for (char byte; to < end && (byte = folded_of(*from)) != '\0'; from++) {
		const unsigned blank = byte == ' ';

		*to = byte;
		to += 1 - (blank & parted);
		parted = blank | squash;
	}
	out->gap = to > out->to && to[-1] == ' ';
	out->len = (size_t)(to - out->to) - out->gap;
	return (size_t)(from - text);
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
	for (text += fold_ascii(text, out); *text; text += fold_ascii(text, out)) {
		size_t len = 1;

		if ((unsigned char)*text < ASCII_END) {
			put_ascii(out, *text); /* there is no room for more */
		} else {
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
