/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/columns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char dots[] = "...";

struct range {
	uint32_t first;
	uint32_t last;
};

/* The blocks that matter for names of files (Unicode's EastAsianWidth.txt, W and F). */
static const struct range wide[] = {
	{0x1100, 0x115f},
	{0x2e80, 0x303e},
	{0x3041, 0xa4cf},
	{0xa960, 0xa97f},
	{0xac00, 0xd7a3},
	{0xf900, 0xfaff},
	{0xfe30, 0xfe6f},
	{0xff00, 0xff60},
	{0xffe0, 0xffe6},
	{0x1f300, 0x1f64f},
	{0x1f680, 0x1f6ff},
	{0x1f900, 0x1f9ff},
	{0x20000, 0x3fffd},
};

/* What is drawn over the character before it. */
static const struct range marks[] = {
	{0x0300, 0x036f},
	{0x0483, 0x0489},
	{0x0591, 0x05bd},
	{0x064b, 0x065f},
	{0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff},
	{0x200b, 0x200f},
	{0x20d0, 0x20ff},
	{0x3099, 0x309a},
	{0xfe00, 0xfe0f},
	{0xfe20, 0xfe2f},
};

static bool within(const struct range *ranges, size_t count, uint32_t point)
{
	for (size_t i = 0; i < count; i++) {
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	}
	return false;
}

/* The width of the character at text; *out_len receives its bytes, 1 where there is none. */
static unsigned character(const char *text, size_t *out_len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t more = p[0] >= 0xf0 ? 3 : (p[0] >= 0xe0 ? 2 : (p[0] >= 0xc0 ? 1 : 0));
	uint32_t point = more ? p[0] & (0x3fU >> more) : p[0];

	if (p[0] < 0x80) { /* nearly all there is: nothing to look up */
		*out_len = 1;
		return 1;
	}
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) { /* not UTF-8 after all */
			*out_len = 1;
			return 1;
		}
		point = point << 6 | (p[i] & 0x3fU);
	}
	*out_len = more + 1;
	if (within(marks, countof(marks), point))
		return 0;
	return within(wide, countof(wide), point) ? 2 : 1;
}

unsigned cli_columns(const char *text)
{
	size_t len = bake_text_plain(text, strlen(text));
	unsigned columns = (unsigned)len;

	for (text += len; *text; text += len)
		columns += character(text, &len);
	return columns;
}

/* Copies from the beginning what fits into columns and room: what is plain at once. */
static void copy_head(const char *text, unsigned columns, char *out, size_t room)
{
	size_t len = strnlen(text, columns < room ? columns : room - 1);
	size_t used = bake_text_plain(text, len);

	memcpy(out, text, used);
	columns -= (unsigned)used;
	for (text += used; *text; text += len) {
		unsigned width = character(text, &len);

		if (width > columns || used + len + 1 > room)
			break;
		memcpy(out + used, text, len);
		used += len;
		columns -= width;
	}
	out[used] = '\0';
}

const char *cli_fit(
	const char *text, unsigned columns, enum cli_fit_end keep, char *out, size_t room)
{
	unsigned width = cli_columns(text);
	size_t len;

	out[0] = '\0';
	if (keep == CLI_FIT_HEAD || (width <= columns && strlen(text) < room)) {
		copy_head(text, columns, out, room);
		return out;
	}
	if (columns <= sizeof(dots) - 1 || room <= sizeof(dots))
		return out;
	while (*text &&
		(width > columns - (sizeof(dots) - 1) || strlen(text) + sizeof(dots) > room)) {
		width -= character(text, &len);
		text += len;
	}
	/* A mark without its character would be drawn over the dots. */
	while (*text && character(text, &len) == 0)
		text += len;
	memcpy(out, dots, sizeof(dots));
	copy_head(text, columns, out + sizeof(dots) - 1, room - (sizeof(dots) - 1));
	return out;
}

bool cli_has_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < countof(names); i++) {
		const char *value = getenv(names[i]);

		if (value && value[0])
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

static bool harmless(const char *text)
{
	size_t len = strlen(text);
	size_t plain = bake_text_plain(text, len);

	text += plain;
	if (!bake_utf8_valid(text, len - plain))
		return false;
	for (; *text; text += len) {
		if (bake_utf8_hostile(text, &len))
			return false;
	}
	return true;
}

const char *cli_show_text(
	const char *text, unsigned columns, enum cli_fit_end keep, char *out, size_t room)
{
	size_t len = strnlen(text, BAKE_SHOWN_MAX + 1);

	/* Whatever the locale, this is shown as it is. */
	if (len <= BAKE_SHOWN_MAX && bake_text_plain(text, len) == len)
		return cli_fit(text, columns, keep, out, room);
	if (cli_has_utf8() && harmless(text))
		return cli_fit(text, columns, keep, out, room);
	return cli_fit(BAKE_SHOW(text), columns, keep, out, room);
}

const char *cli_show_name(const char *name, unsigned columns, char *out, size_t room)
{
	return cli_show_text(name, columns, CLI_FIT_TAIL, out, room);
}
