/* SPDX-License-Identifier: Apache-2.0 */
/* One question to a server nearby, for health checks: no TLS, no redirects. */
#ifndef HTTP_PROBE_H
#define HTTP_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "http/listen.h"

struct bake_http_place {
	struct bake_http_address address;
	char target[1024];
};

/* "http://HOST[:PORT]/PATH", "unix:/SOCKET". Without a path: /health. BAKE_ERR_USAGE usage.value. */
enum bake_status bake_http_place_parse(
	const char *url, struct bake_http_place *out, struct bake_error *err) BAKE_CHECKED;

/* Sends GET and receives the status. All of it takes at most timeout_ms; what then is not there is
 * BAKE_ERR_TEMPORARY. An answer that is no HTTP is BAKE_ERR_PROTOCOL. */
enum bake_status bake_http_probe(const struct bake_http_place *place, unsigned timeout_ms,
	unsigned *out_status, struct bake_error *err) BAKE_CHECKED;

/* "HTTP/1.1 200 OK": the status. False when it is no such line. */
bool bake_http_status_parse(const char *text, size_t len, unsigned *out_status);

#endif
