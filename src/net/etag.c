/* SPDX-License-Identifier: Apache-2.0 */
#include "net/etag.h"

#include <string.h>

/* etagc of RFC 9110: visible ASCII but the quote, and obs-text. */
static bool is_opaque(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= 0x20 || c == '"' || c == 0x7f)
			return false;
	}
	return true;
}

bool bake_etag_parse(const char *text, size_t len, struct bake_etag *out)
{
	bool weak = len >= 2 && text[0] == 'W' && text[1] == '/';
	bool quoted;

	text += weak ? 2 : 0;
	len -= weak ? 2 : 0;
	quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
	text += quoted;
	len -= quoted ? 2 : 0;
	if (len == 0 || len >= BAKE_ETAG_MAX || !is_opaque(text, len))
		return false;
	*out = (struct bake_etag){.weak = weak || !quoted};
	memcpy(out->value, text, len);
	return true;
}

bool bake_etag_changed(const struct bake_etag *was, const struct bake_etag *is)
{
	return was->value[0] && is->value[0] && strcmp(was->value, is->value) != 0;
}
