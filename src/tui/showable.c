/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/showable.h"

#include <string.h>
#include <wchar.h>

#include "base/text.h"

/* Columns of the character of len bytes at text; -1 when it must not be shown. */
static int width_of(const char *text, size_t len, bool utf8)
{
	mbstate_t state = {0};
	size_t hostile_len;
	wchar_t wide;

	if (len == 1)
		return text[0] >= 0x20 && text[0] < 0x7f ? 1 : -1;
	if (!utf8 || bake_utf8_hostile(text, &hostile_len) ||
		mbrtowc(&wide, text, len, &state) != len)
		return -1;
	return wcwidth(wide);
}

int bake_tui_showable(const char *text, int width, bool utf8, char out[BAKE_TUI_LINE_BYTES])
{
	size_t left = strlen(text);
	size_t used = 0;
	int columns = 0;

	while (left) {
		size_t len = bake_utf8_length(text, left);
		int own = len ? width_of(text, len, utf8) : -1;
		const char *shown = own < 0 ? "?" : text;
		size_t shown_len = own < 0 ? 1 : len;

		own = own < 0 ? 1 : own;
		if (columns + own > width || used + shown_len >= BAKE_TUI_LINE_BYTES)
			break;
		memcpy(out + used, shown, shown_len);
		used += shown_len;
		columns += own;
		text += len ? len : 1;
		left -= len ? len : 1;
	}
	out[used] = '\0';
	return columns;
}

int bake_tui_bar_filled(int width, uint64_t done, uint64_t total)
{
	double part = total ? (double)done / (double)total : 0;

	if (done >= total)
		return total ? width : 0;
	return (int)(part * width) < width ? (int)(part * width) : width - 1;
}
