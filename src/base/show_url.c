/* SPDX-License-Identifier: Apache-2.0 */
#include "base/show_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Length of "scheme://" at the beginning, 0 when there is none. */
static size_t scheme_len(const char *url)
{
	size_t len = 0;

	while (isalnum((unsigned char)url[len]) || (len && url[len] && strchr("+-.", url[len])))
		len++;
	return len && strncmp(url + len, "://", 3) == 0 ? len + 3 : 0;
}

/* Whether text is a host, and after a colon a port, as RFC 3986 has them. */
static bool is_host(const char *text, size_t len)
{
	const char *bracket = len && text[0] == '[' ? memchr(text, ']', len) : NULL;
	size_t host = bracket ? (size_t)(bracket + 1 - text) : 0;

	while (!bracket && host < len &&
		(isalnum((unsigned char)text[host]) || (unsigned char)text[host] >= 0x80 ||
			strchr("-._~%", text[host])))
		host++;
	if (host == 0 || (host < len && (text[host] != ':' || len - host > 6)))
		return false;
	for (size_t i = host + 1; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}

/* Behind the user information of a URL, whose authority is at text. */
static const char *skip_user(const char *text)
{
	size_t len = strcspn(text, "/?#");
	const char *at = memrchr(text, '@', len);
	const char *host = at ? at + 1 : text;
	const char *last = strrchr(text, '@');
	bool port = !at && memchr(text, ':', len);

	/* "http://user:12/34@host" reads as a port and a path, but may be meant as a password. */
	if (is_host(host, len - (size_t)(host - text)) && !(port && last))
		return host;
	return last ? last + 1 : text;
}

const char *bake_url_show(const char *url, char text[BAKE_URL_SHOWN])
{
	size_t scheme = scheme_len(url);
	const char *at = strrchr(url, '@');
	const char *rest = scheme ? skip_user(url + scheme) : (at ? at + 1 : url);

	(void)snprintf(text, BAKE_URL_SHOWN, "%s%s", BAKE_SHOW_SPAN(url, scheme),
		BAKE_SHOW_SPAN(rest, strcspn(rest, "?#")));
	return text;
}
