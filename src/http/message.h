/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says, read strictly and without I/O: its target, Host, Authorization and the
 * headers that choose a representation. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum {
	BAKE_HTTP_TARGET_MAX = 4096, /* bytes of path and query */
	BAKE_HTTP_HEADER_MAX = 8192, /* of the whole header */
	BAKE_HTTP_FIELDS_MAX = 100,
	BAKE_HTTP_QUERY_VALUE_MAX = 512,
	BAKE_HTTP_TOKEN_MIN = 16, /* of an admin token */
	BAKE_HTTP_TOKEN_MAX = 256
};

/* A request target in origin form: what is before '?' and what is behind it. */
struct bake_http_target {
	struct bake_span path;
	struct bake_span query; /* empty: none */
};

/* Printable ASCII that begins with '/', at most BAKE_HTTP_TARGET_MAX bytes. Nothing is decoded: a
 * path is compared as it is, so that "%2e" and "//" name nothing. */
bool bake_http_target_parse(const char *text, size_t len, struct bake_http_target *out);

/*
 * The value of a parameter of the query, decoded (%41, '+'), NUL-terminated. False when it is not
 * there, stands twice, is longer than BAKE_HTTP_QUERY_VALUE_MAX, or decodes to a control character or
 * to what is no UTF-8; *out_bad says that it was there.
 */
bool bake_http_query_find(struct bake_span query, const char *name,
	char value[BAKE_HTTP_QUERY_VALUE_MAX + 1], bool *out_bad);

/* Whether each parameter of the query is one of names, a NULL-ended list. */
bool bake_http_query_known(struct bake_span query, const char *const *names);

/* The name in a Host header: without port, without the brackets of an IPv6 address. False when it is
 * none. */
bool bake_http_host_parse(const char *text, size_t len, struct bake_span *out_name);

/* Whether that name is of this machine: localhost, *.localhost, 127.0.0.0/8, ::1. */
bool bake_http_host_is_loopback(struct bake_span name);

/* Whether two names of hosts are the same: in any case, without a dot at the end. */
bool bake_http_host_equal(struct bake_span name, const char *other);

/* The host in an Origin header, as above; false for "null" and everything else that has none. */
bool bake_http_origin_host(const char *text, size_t len, struct bake_span *out_name);

/* Whether "Bearer TOKEN" has that token, in a time that does not depend on where they differ.
 * token has at most BAKE_HTTP_TOKEN_MAX bytes. */
bool bake_http_bearer_matches(const char *text, size_t len, const char *token);

/* Whether If-None-Match has the tag (with its quotes): "*", or one of the list, weak or strong. */
bool bake_http_tag_matches(const char *text, size_t len, const char *tag);

/* Whether Accept-Encoding takes gzip: named, or "*", with a weight that is not 0. */
bool bake_http_takes_gzip(const char *text, size_t len);

/* Whether a Content-Type is application/json, with whatever parameters. */
bool bake_http_is_json(const char *text, size_t len);

/* Whether the bytes are a token (RFC 9110, 5.6.2): the name of a header or a method. */
bool bake_http_is_token(const char *text, size_t len);

/* Whether the bytes may be a header's value: no control characters but the tab. */
bool bake_http_is_value(const char *text, size_t len);

#endif
