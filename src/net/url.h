/* SPDX-License-Identifier: Apache-2.0 */
/* URLs (RFC 3986) as far as a download tool needs them: origin, resolution, what may be shown. */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/show_url.h"
#include "base/url_secret.h"

enum {
	BAKE_NET_URL_MAX = 16 * 1024,
	BAKE_HOST_MAX = 255
};

/* Who is spoken to: scheme, host and port. Tokens and permissions belong to one of these. */
struct bake_origin {
	char scheme[8];		      /* "http" or "https" */
	char host[BAKE_HOST_MAX + 1]; /* lower case; an IPv6 address without its brackets */
	uint16_t port;
};

/* BAKE_ERR_DATA url.format when it cannot be parsed; BAKE_ERR_POLICY policy.scheme for a scheme
 * other than http and https. */
enum bake_status bake_url_origin(
	const char *url, struct bake_origin *out, struct bake_error *err) BAKE_CHECKED;

bool bake_origin_equal(const struct bake_origin *a, const struct bake_origin *b);
bool bake_origin_is_https(const struct bake_origin *origin);

/* "https://host" or "https://host:8443", for messages. */
const char *bake_origin_format(const struct bake_origin *origin, char *text, size_t room);
#define BAKE_ORIGIN(origin)                                                                        \
	bake_origin_format((origin), (char[BAKE_HOST_MAX + 32]){0}, BAKE_HOST_MAX + 32)

/* What a Location or Link header's reference means, seen from base. out is replaced. */
enum bake_status bake_url_resolve(const char *base, const char *reference, struct bake_buf *out,
	struct bake_error *err) BAKE_CHECKED;

/* Appends text percent-encoded; '/' stays when keep_slash. */
void bake_url_escape(struct bake_buf *out, const char *text, bool keep_slash);

#endif
