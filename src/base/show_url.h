/* SPDX-License-Identifier: Apache-2.0 */
/* URLs in messages: whatever a person wrote, its password is not repeated. */
#ifndef BASE_SHOW_URL_H
#define BASE_SHOW_URL_H

enum {
	BAKE_URL_SHOWN = 256
};

/*
 * For messages: without user information, query and fragment, escaped and cut. What is not a URL
 * loses everything before its last '@': where a password ends cannot be told there. Returns text.
 */
const char *bake_url_show(const char *url, char text[BAKE_URL_SHOWN]);
#define BAKE_SHOW_URL(url) bake_url_show((url), (char[BAKE_URL_SHOWN]){0})

#endif
