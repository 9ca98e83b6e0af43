/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a request: the header fields that matter here, each with a ceiling. */
#ifndef NET_RESPONSE_H
#define NET_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "net/etag.h"
#include "net/ratelimit.h"

enum {
	BAKE_HEADERS_BYTES_MAX = 256 * 1024,
	BAKE_HEADERS_COUNT_MAX = 500,
};

#define BAKE_PROXY_AUTH_HINT                                                                       \
	"put user and password into the proxy's URL: http://USER:PASSWORD@HOST:PORT"

/* Content-Range of a 206 (RFC 9110, 14.4). */
struct bake_content_range {
	bool present;
	bool valid;
	uint64_t first;
	uint64_t last;
	bool has_total;
	uint64_t total;
};

struct bake_response {
	unsigned status;
	bool has_length;
	bool chunked;
	uint64_t length;
	struct bake_content_range range;
	bool has_retry_after;
	uint64_t retry_after_ms;
	char content_type[128];
	char content_encoding[32];
	char error_code[64];	 /* X-Error-Code */
	char error_message[256]; /* X-Error-Message */
	char request_id[128];	 /* X-Request-Id */
	char location[8192];
	char link_next[8192]; /* the target of Link rel="next" */
	char body[512];	      /* the beginning of an error's body */
	size_t body_len;
	unsigned hops;			 /* redirects followed */
	bool cross_origin;		 /* answered by another origin than the one first asked */
	struct bake_etag etag;		 /* of this answer */
	struct bake_etag linked_etag;	 /* X-Linked-ETag: the first that any hop has sent */
	struct bake_ratelimit ratelimit; /* the tightest of all hops */
	size_t header_bytes;
	size_t header_count;
	bool complete; /* the header of the final answer is over: what follows are trailers */
};

/*
 * Takes one header line, with its line end. A status line begins a new set of fields. Trailers,
 * the lines behind a chunked body, say nothing that counts (RFC 9110, 6.5.1: a recipient may
 * ignore them).
 * BAKE_ERR_PROTOCOL net.headers past the ceilings.
 */
enum bake_status bake_response_header(
	struct bake_response *response, struct bake_span line, struct bake_error *err) BAKE_CHECKED;

/* Forgets an answer before the next one of the same exchange. What counts over all of them stays:
 * hops, ceilings, and what only the first hop says (the Hub's redirect to its storage). */
void bake_response_forget(struct bake_response *response);

/* The tag that names the content: the linked one, which all storages share, or else the answer's. */
const struct bake_etag *bake_response_etag(const struct bake_response *response);

/* How long the server asks to wait: Retry-After, or, on a 429 without, until its RateLimit is
 * reset. Up to a day; more than BAKE_RETRY_AFTER_MS_MAX is not waited for. False: it does not
 * say. */
bool bake_response_wait_ms(const struct bake_response *response, uint64_t *out_ms);

/* "bytes 0-99/200"; the total may be "*". */
bool bake_content_range_parse(const char *text, size_t len, struct bake_content_range *out);

/* Seconds, or an HTTP date seen from now (seconds since 1970). Capped at a day; garbage is false. */
bool bake_retry_after_parse(const char *text, size_t len, int64_t now, uint64_t *out_ms);

/* The target of the first link with rel "next" (RFC 8288). False when there is none that fits. */
bool bake_link_next_parse(const char *text, size_t len, char *out, size_t room);

/* The failure that an HTTP status of 400 and above is: final or worth another attempt. A wait
 * longer than BAKE_RETRY_AFTER_MS_MAX makes it final, with the same status and id. */
enum bake_status bake_response_error(
	const struct bake_response *response, const char *url, struct bake_error *err);

#endif
