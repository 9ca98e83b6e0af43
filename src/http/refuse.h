/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libmicrohttpd lets pass and this server does not: lines that end in a bare LF or have a NUL in
 * them, folded headers, blanks before a colon, a second Host or Content-Length, Transfer-Encoding, a
 * body on GET, too long or too many headers. Inside http only.
 */
#ifndef HTTP_REFUSE_H
#define HTTP_REFUSE_H

#include <microhttpd.h>

#include "http/inner.h"

/* What the headers say that matters here. */
struct bake_http_heads {
	unsigned status; /* of a refusal; 0: none */
	const char *id;
	const char *message;
	struct bake_span host;
	struct bake_span origin;
	struct bake_span authorization;
	struct bake_span content_type;
	struct bake_span none_match;
	struct bake_span accept_encoding;
	uint64_t content_length;
	bool has_length;
	bool has_host;
	bool chunked;
};

void bake_http_heads_read(struct MHD_Connection *connection, const struct bake_http_link *link,
	const char *method, const char *version, struct bake_http_heads *out);

#endif
