/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <strings.h>

#include "base/cleanup.h"

const char *bake_show(struct bake_shown *shown, const char *text, size_t len)
{
	char *to = shown->text;
	size_t room = BAKE_SHOWN_MAX;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		bool plain = byte >= 0x20 && byte < 0x7f;
		size_t need = plain ? 1 : 4;

		if (need > room) {
			memcpy(to, "...", 3);
			to += 3;
			break;
		}
		if (plain)
			*to = (char)byte;
		else
			(void)snprintf(to, 5, "\\x%02x", byte);
		to += need;
		room -= need;
	}
	*to = '\0';
	return shown->text;
}

/* Decodes one code point of at most len bytes. Returns its length, 0 when malformed. */
static size_t decode(const unsigned char *p, size_t len, uint32_t *out)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	size_t size = 0;
	uint32_t point;

	while (size < countof(forms) && (p[0] & forms[size].mask) != forms[size].lead)
		size++;
	if (size == countof(forms) || size + 1 > len)
		return 0;
	point = p[0] & (unsigned char)~forms[size].mask;
	for (size_t i = 1; i <= size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (p[i] & 0x3fU);
	}
	if (point < forms[size].least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*out = point;
	return size + 1;
}

size_t bake_utf8_length(const char *text, size_t len)
{
	uint32_t ignored;

	return len ? decode((const unsigned char *)text, len, &ignored) : 0;
}

size_t bake_utf8_encode(uint32_t point, char *out)
{
	unsigned more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	static const uint8_t marks[] = {0, 0xc0, 0xe0, 0xf0};

	out[0] = (char)(marks[more] | point >> (6 * more));
	for (unsigned i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (point >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

bool bake_utf8_valid(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t plain = bake_text_plain(text, len);
	uint32_t point;

	p += plain;
	len -= plain;
	while (len) {
		size_t size = *p < 0x80 ? 1 : decode(p, len, &point);

		if (!size)
			return false;
		p += size;
		len -= size;
	}
	return true;
}

bool bake_utf8_hostile(const char *text, size_t *out_len)
{
	unsigned char first = (unsigned char)text[0];
	uint32_t point = 0;
	size_t size;

	*out_len = 1;
	if (first < 0x7f) /* nearly all there is */
		return first < 0x20;
	size = decode((const unsigned char *)text, strnlen(text, 4), &point);
	*out_len = size ? size : 1;
	if (point < 0x20 || (point >= 0x7f && point < 0xa0)) /* C0, DEL, C1 */
		return true;
	if (point == 0x061c || (point >= 0x200b && point <= 0x200f)) /* marks, zero width */
		return true;
	if (point >= 0x2028 && point <= 0x202e) /* line separators, embeddings, overrides */
		return true;
	return (point >= 0x2060 && point <= 0x2069) || point == 0xfeff; /* isolates, BOM */
}

bool bake_text_equal(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool bake_text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool bake_text_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text);
	size_t tail = strlen(suffix);

	return len >= tail && strcmp(text + len - tail, suffix) == 0;
}

bool bake_text_is_true(const char *value)
{
	static const char *const words[] = {"1", "on", "yes", "true"};

	for (size_t i = 0; value && i < countof(words); i++) {
		if (strcasecmp(value, words[i]) == 0)
			return true;
	}
	return false;
}

enum {
	BEGINNING_MIN = 3
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t bake_text_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][BAKE_DISTANCE_MAX + 1];
	size_t *before = rows[0];
	size_t *above = rows[1];
	size_t *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = a[i - 1] != b[j - 1] ? 1 : 0;

			row[j] = least(above[j - 1] + change, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[b_len];
}

const char *bake_text_nearest(const char *text, size_t count,
	const char *(*get)(const void *context, size_t index), const void *context)
{
	size_t len = strlen(text);
	const char *nearest = NULL;
	size_t best = len / 3 + 1;

	if (len > BAKE_DISTANCE_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *candidate = get(context, i);
		size_t candidate_len = strlen(candidate);
		size_t apart;

		if (candidate_len > BAKE_DISTANCE_MAX)
			continue;
		apart = bake_text_distance(text, len, candidate, candidate_len);
		if (len >= BEGINNING_MIN && bake_text_starts(candidate, text))
			apart = least(apart, 1); /* the rest was left out */
		if (apart <= best && apart < least(len, candidate_len)) {
			nearest = candidate;
			best = apart ? apart - 1 : 0;
		}
	}
	return nearest;
}

uint64_t bake_text_hash(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3U;
	return hash;
}
