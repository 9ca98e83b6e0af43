/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP client over one event loop: many exchanges at a time, connections reused, every
 * redirect and every connected address checked against the policy. Redirects are followed here
 * and not by libcurl, so that a token is added per hop and never taken along.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "net/policy.h"
#include "net/response.h"

enum {
	BAKE_REDIRECTS_MAX = 10,
	BAKE_TOKEN_MAX = 4096
};

struct bake_http;
struct bake_exchange;

struct bake_http_options {
	struct bake_policy *policy; /* borrowed, outlives the client */
	const char *user_agent;
	const char *token;	  /* NULL: none. Copied, wiped at the end. */
	const char *token_origin; /* a URL: the only origin that gets the token */
	uint64_t connect_timeout_ms;
	uint64_t stall_timeout_ms;    /* below 1 kB/s for so long: given up */
	uint64_t limit_bytes_per_sec; /* of all connections together; 0: none */
};

enum bake_status bake_http_new(const struct bake_http_options *options, struct bake_http **out,
	struct bake_error *err) BAKE_CHECKED;
void bake_http_free(struct bake_http **http);

/* Whether a bandwidth limit holds connections back, now or a moment ago. */
bool bake_http_is_limited(const struct bake_http *http);

/* Whether the client was given a token. */
bool bake_http_has_token(const struct bake_http *http);

struct bake_http_request {
	const char *url;
	const char *accept; /* NULL: anything */
	bool has_range;
	uint64_t first;	   /* of the range, */
	uint64_t last;	   /* inclusive */
	bool no_redirects; /* a redirect is an error net.redirect, with response->location set */
	const char *from;  /* the URL that led to this one; NULL: a person or a lock did */
	bool no_token;	   /* what led to this one had left the token's origin */
};

/*
 * What happens to an answer. head is called before the first byte of a 2xx body, body for each
 * piece; a status other than BAKE_OK ends the exchange with that error. done is called once, last:
 * error is NULL after a complete 2xx answer. None is called after bake_exchange_cancel.
 */
struct bake_http_handler {
	void *context;
	enum bake_status (*head)(
		void *context, const struct bake_response *response, struct bake_error *err);
	enum bake_status (*body)(void *context, struct bake_span bytes, struct bake_error *err);
	void (*done)(void *context, const struct bake_response *response,
		const struct bake_error *error);
};

/* Begins an exchange. When this fails nothing was begun and the handler is not called; every later
 * failure comes through done. */
enum bake_status bake_http_start(struct bake_http *http, const struct bake_http_request *request,
	const struct bake_http_handler *handler, struct bake_exchange **out,
	struct bake_error *err) BAKE_CHECKED;

/* Ends an exchange without calling its handler. */
void bake_exchange_cancel(struct bake_exchange **exchange);

/* Moves all exchanges on, waiting at most timeout_ms for something to happen. */
enum bake_status bake_http_poll(
	struct bake_http *http, unsigned timeout_ms, struct bake_error *err) BAKE_CHECKED;

/*
 * GET of a document of at most out->max bytes (BAKE_ERR_PROTOCOL net.too-large), once:
 * whoever asks tries again (net/retry.h).
 * *out_response is set whatever happened, so that the caller can say more about a failure.
 */
enum bake_status bake_http_get_text(struct bake_http *http, const struct bake_http_request *request,
	struct bake_buf *out, struct bake_response *out_response,
	struct bake_error *err) BAKE_CHECKED;

/* Milliseconds to wait before attempt number attempt (1: the first repetition): exponential with
 * jitter, or what the server asked for. */
uint64_t bake_retry_wait_ms(unsigned attempt, const struct bake_response *response);

#endif
