/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "net/bucket.h"
#include "net/classify.h"
#include "net/proxy.h"

enum {
	RECEIVE_BYTES = 256 * 1024,
	STALL_BYTES_PER_SEC = 1000,
	ERROR_BODY_MAX = 64 * 1024,   /* of an answer we only want to know the status of */
	POLL_MS_MAX = 200,	      /* so that a signal is seen soon */
	LIMITED_US = 2 * 1000 * 1000, /* so long after a pause speeds say nothing */
	IDLE_CONNECTIONS = 128,	      /* kept for the next request */
};

struct bake_http {
	CURLM *multi;
	struct bake_http_options options;
	char *user_agent;
	char *token;
	struct bake_origin token_origin;
	const char *ca_file;
	struct bake_bucket bucket;
	struct bake_exchange *paused; /* those that wait for the bucket */
	uint64_t limited_us;	      /* when one last had to */
};

struct bake_exchange {
	struct bake_exchange *next_paused;
	bool is_paused;
	struct bake_http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct bake_buf url; /* of the present hop */
	struct bake_http_request request;
	struct bake_http_handler handler;
	struct bake_response response;
	struct bake_origin first_origin;
	struct bake_origin origin; /* of the present hop */
	bool token_dropped;	   /* a hop left the token's origin: it never comes back */
	bool proxied;
	bool head_called;
	bool failed; /* error is ours, libcurl's code only follows from it */
	struct bake_error error;
	struct bake_error refused; /* an address the policy refused */
	uint64_t error_bytes;
	char detail[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
	(void)unsetenv("SSLKEYLOGFILE"); /* session keys are nobody's business */
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* A static binary does not know where this system keeps its certificates. */
static const char *find_ca_file(void)
{
	static const char *const variables[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE"};
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt",		     /* Debian, Alpine, Arch */
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

	for (size_t i = 0; i < countof(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && value[0])
			return value;
	}
	for (size_t i = 0; i < countof(places); i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	return NULL;
}

enum bake_status bake_http_new(
	const struct bake_http_options *options, struct bake_http **out, struct bake_error *err)
{
	_cleanup_(bake_http_free) struct bake_http *http = calloc(1, sizeof(*http));

	(void)pthread_once(&once, init_library);
	if (!http)
		return bake_error_nomem(err);
	http->options = *options;
	http->multi = curl_multi_init();
	http->user_agent = strdup(options->user_agent);
	http->token = options->token ? strdup(options->token) : NULL;
	if (!http->multi || !http->user_agent || (options->token && !http->token))
		return bake_error_nomem(err);
	if (http->token)
		BAKE_TRY(bake_url_origin(options->token_origin, &http->token_origin, err));
	http->ca_file = find_ca_file();
	bake_bucket_init(&http->bucket, options->limit_bytes_per_sec, bake_clock_us());
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	*out = http;
	http = NULL;
	return BAKE_OK;
}

void bake_http_free(struct bake_http **http)
{
	if (!*http)
		return;
	if ((*http)->token)
		explicit_bzero((*http)->token, strlen((*http)->token));
	free((*http)->token);
	free((*http)->user_agent);
	(void)curl_multi_cleanup((*http)->multi);
	free(*http);
	*http = NULL;
}

bool bake_http_is_limited(const struct bake_http *http)
{
	return http->limited_us && bake_clock_us() - http->limited_us < LIMITED_US;
}

static bool has_limit(const struct bake_http *http)
{
	return http->options.limit_bytes_per_sec > 0;
}

bool bake_http_has_token(const struct bake_http *http)
{
	return http->token != NULL;
}

/* Ends the exchange with an error of ours. The return value is what stops libcurl. */
static size_t fail(struct bake_exchange *exchange)
{
	exchange->failed = true;
	return 0;
}

static size_t on_header(char *text, size_t size, size_t count, void *context)
{
	struct bake_exchange *exchange = context;
	struct bake_span line = bake_span(text, size * count);

	if (bake_response_header(&exchange->response, line, &exchange->error) != BAKE_OK)
		return fail(exchange);
	return line.len;
}

static bool is_success(const struct bake_response *response)
{
	return response->status >= 200 && response->status < 300;
}

static enum bake_status call_head(struct bake_exchange *exchange)
{
	if (exchange->head_called || !exchange->handler.head)
		return BAKE_OK;
	exchange->head_called = true;
	return exchange->handler.head(
		exchange->handler.context, &exchange->response, &exchange->error);
}

/* The beginning of an error's body is kept for its message; the rest is thrown away. */
static size_t take_error_body(struct bake_exchange *exchange, struct bake_span bytes)
{
	struct bake_response *response = &exchange->response;
	size_t part = sizeof(response->body) - response->body_len;

	if (part > bytes.len)
		part = bytes.len;
	memcpy(response->body + response->body_len, bytes.ptr, part);
	response->body_len += part;
	exchange->error_bytes += bytes.len;
	return exchange->error_bytes > ERROR_BODY_MAX ? 0 : bytes.len;
}

/* Whether bytes may be taken now. Otherwise the exchange pauses, and with it its connection. */
static bool take_tokens(struct bake_exchange *exchange, size_t len)
{
	struct bake_http *http = exchange->http;
	uint64_t now;

	if (!has_limit(http))
		return true;
	now = bake_clock_us();
	if (bake_bucket_allow(&http->bucket, now) > 0) {
		bake_bucket_take(&http->bucket, len, now);
		return true;
	}
	http->limited_us = now;
	if (!exchange->is_paused) {
		exchange->is_paused = true;
		exchange->next_paused = http->paused;
		http->paused = exchange;
	}
	return false;
}

static size_t on_body(char *text, size_t size, size_t count, void *context)
{
	struct bake_exchange *exchange = context;
	struct bake_span bytes = bake_span(text, size * count);

	if (!take_tokens(exchange, bytes.len))
		return CURL_WRITEFUNC_PAUSE; /* and be called again with the same bytes */
	if (!is_success(&exchange->response))
		return take_error_body(exchange, bytes);
	if (call_head(exchange) != BAKE_OK)
		return fail(exchange);
	if (exchange->handler.body(exchange->handler.context, bytes, &exchange->error) != BAKE_OK)
		return fail(exchange);
	return bytes.len;
}

/* Asked for every address libcurl is about to connect to: what is checked is what is used. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct bake_exchange *exchange = context;

	(void)purpose;
	if (!exchange->proxied &&
		bake_policy_check_address(exchange->http->options.policy, &exchange->origin,
			&address->addr, &exchange->refused) != BAKE_OK)
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool add_header(struct bake_exchange *exchange, const char *name, const char *value)
{
	_cleanup_free_ char *line = NULL;
	struct curl_slist *more;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		return false;
	more = curl_slist_append(exchange->headers, line);
	explicit_bzero(line, strlen(line));
	if (!more)
		return false;
	exchange->headers = more;
	return true;
}

static void free_headers(struct bake_exchange *exchange)
{
	for (struct curl_slist *at = exchange->headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(exchange->headers);
	exchange->headers = NULL;
}

/* The fields of one hop. The token goes to its origin, and to no hop after another one. */
static bool make_headers(struct bake_exchange *exchange)
{
	const struct bake_http *http = exchange->http;
	const struct bake_http_request *request = &exchange->request;
	bool token = http->token && !exchange->token_dropped &&
		     bake_origin_equal(&exchange->origin, &http->token_origin);
	_cleanup_free_ char *bearer = NULL;
	bool good;

	free_headers(exchange);
	if (http->token && !token)
		exchange->token_dropped = true;
	good = add_header(exchange, "Accept", request->accept ? request->accept : "*/*") &&
	       add_header(exchange, "Accept-Encoding", "identity");
	if (good && request->has_range) {
		char range[64];

		(void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, request->first,
			request->last);
		good = add_header(exchange, "Range", range);
	}
	if (!good || !token)
		return good;
	if (asprintf(&bearer, "Bearer %s", http->token) < 0)
		return false;
	good = add_header(exchange, "Authorization", bearer);
	explicit_bzero(bearer, strlen(bearer));
	return good;
}

static void set_options(struct bake_exchange *exchange)
{
	const struct bake_http *http = exchange->http;
	const char *proxy = bake_proxy_for(&exchange->origin);
	CURL *easy = exchange->easy;

	exchange->proxied = proxy != NULL;
	curl_easy_setopt(easy, CURLOPT_URL, exchange->url.ptr);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(
		easy, CURLOPT_BUFFERSIZE, (long)bake_bucket_piece(&http->bucket, RECEIVE_BYTES));
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
	curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->options.connect_timeout_ms);
	curl_easy_setopt(
		easy, CURLOPT_LOW_SPEED_LIMIT, has_limit(http) ? 1L : (long)STALL_BYTES_PER_SEC);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
		(long)bake_u64_max(http->options.stall_timeout_ms / 1000, 1));
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->detail);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
	if (http->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
}

/* Sends the request of the present hop. */
static enum bake_status send_hop(
	struct bake_exchange *exchange, const char *from, struct bake_error *err)
{
	BAKE_TRY(bake_policy_check_url(
		exchange->http->options.policy, from, exchange->url.ptr, &exchange->origin, err));
	if (exchange->response.hops == 0)
		exchange->first_origin = exchange->origin;
	bake_response_forget(&exchange->response);
	if (!bake_origin_equal(&exchange->origin, &exchange->first_origin))
		exchange->response.cross_origin = true;
	if (!make_headers(exchange))
		return bake_error_nomem(err);
	exchange->detail[0] = '\0';
	exchange->refused = BAKE_ERROR_INIT;
	set_options(exchange);
	if (curl_multi_add_handle(exchange->http->multi, exchange->easy) != CURLM_OK)
		return bake_error_set(
			err, BAKE_ERR_INTERNAL, "internal.curl", "cannot add a transfer");
	return BAKE_OK;
}

static void forget_pause(struct bake_exchange *exchange)
{
	struct bake_exchange **at = &exchange->http->paused;

	while (*at && *at != exchange)
		at = &(*at)->next_paused;
	if (*at)
		*at = exchange->next_paused;
	exchange->is_paused = false;
}

static void free_exchange(struct bake_exchange **exchange)
{
	if (!*exchange)
		return;
	if ((*exchange)->is_paused)
		forget_pause(*exchange);
	curl_easy_cleanup((*exchange)->easy);
	free_headers(*exchange);
	bake_buf_release(&(*exchange)->url);
	free(*exchange);
	*exchange = NULL;
}

enum bake_status bake_http_start(struct bake_http *http, const struct bake_http_request *request,
	const struct bake_http_handler *handler, struct bake_exchange **out, struct bake_error *err)
{
	_cleanup_(free_exchange) struct bake_exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return bake_error_nomem(err);
	exchange->http = http;
	exchange->request = *request;
	exchange->handler = *handler;
	exchange->token_dropped = request->no_token;
	exchange->url.max = BAKE_NET_URL_MAX;
	bake_buf_text(&exchange->url, request->url);
	BAKE_TRY(bake_buf_status(&exchange->url, "URL", err));
	exchange->easy = curl_easy_init();
	if (!exchange->easy)
		return bake_error_nomem(err);
	BAKE_TRY(send_hop(exchange, request->from, err));
	*out = exchange;
	exchange = NULL;
	return BAKE_OK;
}

void bake_exchange_cancel(struct bake_exchange **exchange)
{
	if (*exchange)
		(void)curl_multi_remove_handle((*exchange)->http->multi, (*exchange)->easy);
	free_exchange(exchange);
}

/* Follows a redirect, which was asked for by the server at the present hop. */
static enum bake_status follow(struct bake_exchange *exchange, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf next = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	_cleanup_free_ char *from = strdup(exchange->url.ptr);

	if (!from)
		return bake_error_nomem(err);
	if (exchange->request.no_redirects)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.redirect", "%s redirects to %s",
			BAKE_SHOW_URL(from), BAKE_SHOW_URL(exchange->response.location));
	if (++exchange->response.hops > BAKE_REDIRECTS_MAX)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.redirects",
			"%s: more than %d redirects", BAKE_ORIGIN(&exchange->first_origin),
			BAKE_REDIRECTS_MAX);
	BAKE_TRY(bake_url_resolve(from, exchange->response.location, &next, err));
	bake_buf_clear(&exchange->url);
	bake_buf_add(&exchange->url, next.ptr, next.len);
	return send_hop(exchange, from, err);
}

static bool is_redirect(const struct bake_response *response)
{
	return response->status >= 300 && response->status < 400 && response->location[0];
}

/* How an exchange that libcurl has finished with ended. */
static enum bake_status outcome(
	struct bake_exchange *exchange, CURLcode code, struct bake_error *err)
{
	const struct bake_response *response = &exchange->response;

	if (exchange->failed) {
		*err = exchange->error;
		return err->status;
	}
	if (response->status >= 300 && response->complete)
		return bake_response_error(response, exchange->url.ptr, err);
	if (code == CURLE_COULDNT_CONNECT && exchange->refused.status) {
		*err = exchange->refused;
		return err->status;
	}
	if (code != CURLE_OK)
		return bake_classify(
			code, &exchange->origin, exchange->detail, response->status != 0, err);
	if (call_head(exchange) != BAKE_OK) {
		*err = exchange->error;
		return err->status;
	}
	return BAKE_OK;
}

static void finish(struct bake_exchange *exchange, CURLcode code)
{
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status;

	(void)curl_multi_remove_handle(exchange->http->multi, exchange->easy);
	if (!exchange->failed && exchange->response.complete && is_redirect(&exchange->response)) {
		status = follow(exchange, &error);
		if (status == BAKE_OK)
			return;
	} else {
		status = outcome(exchange, code, &error);
	}
	exchange->handler.done(
		exchange->handler.context, &exchange->response, status == BAKE_OK ? NULL : &error);
	free_exchange(&exchange);
}

/* Lets exchanges go on that wait for the bucket, one by one in turn, while it has something. */
static void resume_paused(struct bake_http *http)
{
	struct bake_exchange **last;

	/* The one that waits longest is the last of the list. */
	while (http->paused && bake_bucket_allow(&http->bucket, bake_clock_us()) > 0) {
		struct bake_exchange *exchange;
		CURLcode code;

		for (last = &http->paused; (*last)->next_paused; last = &(*last)->next_paused)
			;
		exchange = *last;
		*last = NULL;
		exchange->is_paused = false;
		exchange->next_paused = NULL;
		/* Calls on_body: with what was kept, and it may fail or pause again. */
		code = curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
		if (code != CURLE_OK)
			finish(exchange, code);
	}
}

/* While the bucket is in debt nothing is read: that is what holds servers back. */
static unsigned wait_for_bucket(struct bake_http *http, unsigned timeout_ms)
{
	uint64_t wait_us;

	if (!has_limit(http))
		return timeout_ms;
	resume_paused(http);
	wait_us = bake_bucket_wait_us(&http->bucket, bake_clock_us());
	return http->paused ? (unsigned)bake_u64_min(timeout_ms, wait_us / 1000 + 1) : timeout_ms;
}

enum bake_status bake_http_poll(struct bake_http *http, unsigned timeout_ms, struct bake_error *err)
{
	int running;
	int left;
	CURLMsg *message;

	if (timeout_ms > POLL_MS_MAX)
		timeout_ms = POLL_MS_MAX;
	timeout_ms = wait_for_bucket(http, timeout_ms);
	if (curl_multi_perform(http->multi, &running) != CURLM_OK)
		return bake_error_set(err, BAKE_ERR_INTERNAL, "internal.curl", "transfers failed");
	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct bake_exchange *exchange = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
		finish(exchange, message->data.result);
		timeout_ms = 0;
	}
	if (timeout_ms && curl_multi_poll(http->multi, NULL, 0, (int)timeout_ms, NULL) != CURLM_OK)
		return bake_error_set(err, BAKE_ERR_INTERNAL, "internal.curl", "waiting failed");
	return BAKE_OK;
}

uint64_t bake_retry_wait_ms(unsigned attempt, const struct bake_response *response)
{
	uint64_t wait = (uint64_t)500 << (attempt < 7 ? attempt - 1 : 6);
	uint32_t random = 0;
	uint64_t asked;

	if (response && bake_response_wait_ms(response, &asked))
		return bake_u64_min(asked, BAKE_RETRY_AFTER_MS_MAX);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint32_t)bake_clock_ms();
	return wait / 2 + random % (wait / 2 + 1);
}

struct text_get {
	struct bake_buf *out;
	struct bake_response response;
	struct bake_error error;
	bool finished;
};

static enum bake_status text_body(void *context, struct bake_span bytes, struct bake_error *err)
{
	struct text_get *get = context;

	bake_buf_add(get->out, bytes.ptr, bytes.len);
	if (get->out->full)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.too-large",
			"the answer is larger than %zu bytes", get->out->max);
	return bake_buf_status(get->out, "answer", err);
}

static void text_done(
	void *context, const struct bake_response *response, const struct bake_error *error)
{
	struct text_get *get = context;

	get->response = *response;
	get->finished = true;
	if (error)
		get->error = *error;
}

static enum bake_status get_once(struct bake_http *http, const struct bake_http_request *request,
	struct text_get *get, struct bake_error *err)
{
	struct bake_http_handler handler = {.context = get, .body = text_body, .done = text_done};
	struct bake_exchange *exchange = NULL;

	bake_buf_clear(get->out);
	get->error = BAKE_ERROR_INIT;
	get->finished = false;
	BAKE_TRY(bake_http_start(http, request, &handler, &exchange, err));
	while (!get->finished) {
		enum bake_status status = bake_stop_check(err);

		if (status == BAKE_OK)
			status = bake_http_poll(http, POLL_MS_MAX, err);
		if (status != BAKE_OK) {
			if (!get->finished)
				bake_exchange_cancel(&exchange);
			return status;
		}
	}
	if (get->error.status == BAKE_OK && get->response.content_encoding[0] &&
		strcmp(get->response.content_encoding, "identity") != 0)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.encoding",
			"the server encodes the answer as '%s' although asked not to",
			BAKE_SHOW(get->response.content_encoding));
	if (get->error.status != BAKE_OK)
		*err = get->error;
	return get->error.status;
}

enum bake_status bake_http_get_text(struct bake_http *http, const struct bake_http_request *request,
	struct bake_buf *out, struct bake_response *out_response, struct bake_error *err)
{
	struct text_get get = {.out = out};
	enum bake_status status = get_once(http, request, &get, err);

	*out_response = get.response;
	return status;
}
