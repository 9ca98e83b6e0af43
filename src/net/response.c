/* SPDX-License-Identifier: Apache-2.0 */
#include "net/response.h"

#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "net/url.h"

enum {
	DAY_MS = 24 * 60 * 60 * 1000
};

bool bake_content_range_parse(const char *text, size_t len, struct bake_content_range *out)
{
	struct bake_content_range range = {.present = true, .valid = true};
	const char *end = text + len;
	const char *dash;
	const char *slash;

	if (len < 6 || strncasecmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	dash = memchr(text, '-', (size_t)(end - text));
	slash = dash ? memchr(dash, '/', (size_t)(end - dash)) : NULL;
	if (!slash || !bake_number_parse(text, (size_t)(dash - text), &range.first) ||
		!bake_number_parse(dash + 1, (size_t)(slash - dash - 1), &range.last))
		return false;
	slash++;
	if (end - slash != 1 || *slash != '*') {
		range.has_total = true;
		if (!bake_number_parse(slash, (size_t)(end - slash), &range.total))
			return false;
	}
	if (range.last < range.first || (range.has_total && range.last >= range.total))
		return false;
	*out = range;
	return true;
}

static bool is_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return len > 0;
}

bool bake_retry_after_parse(const char *text, size_t len, int64_t now, uint64_t *out_ms)
{
	char copy[64];
	uint64_t seconds;
	time_t when;

	if (is_digits(text, len)) {
		if (!bake_number_parse(text, len, &seconds))
			seconds = UINT64_MAX;
		*out_ms = bake_u64_min(seconds, DAY_MS / 1000) * 1000;
		return true;
	}
	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	when = curl_getdate(copy, NULL);
	if (when == (time_t)-1 || !strchr(copy, ':')) /* a date without a time is no HTTP date */
		return false;
	*out_ms = when <= now ? 0 : bake_u64_min((uint64_t)(when - now), DAY_MS / 1000) * 1000;
	return true;
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

static const char *skip(const char *at, const char *end, const char *set)
{
	while (at < end && is_one_of(*at, set))
		at++;
	return at;
}

/* A parameter's value: a token, or a quoted string, without its quotes. Returns what is behind it. */
static const char *take_value(const char *at, const char *end, const char **out, size_t *out_len)
{
	bool quoted = at < end && *at == '"';
	const char *stop = at + quoted;

	*out = stop;
	while (stop < end && (quoted ? *stop != '"' : !is_one_of(*stop, ";, \t")))
		stop += quoted && *stop == '\\' && stop + 1 < end ? 2 : 1;
	*out_len = (size_t)(stop - *out);
	return quoted && stop < end ? stop + 1 : stop;
}

/* Whether one of the relations in value, with blanks between them, is "next". */
static bool has_next(const char *value, size_t len)
{
	static const char next[] = "next";

	for (size_t at = 0; at < len;) {
		size_t word = 0;

		while (at + word < len && !isspace((unsigned char)value[at + word]))
			word++;
		if (word == strlen(next) && strncasecmp(value + at, next, word) == 0)
			return true;
		at += word + 1;
	}
	return false;
}

/* Reads the parameters behind a link's target (RFC 8288, 3: `;name=value` any number of times).
 * Returns where they end, at the comma before the next link or at the end; *out_next says whether
 * the link's relation is next. Only the first "rel" counts. */
static const char *take_params(const char *at, const char *end, bool *out_next)
{
	bool has_relation = false;

	*out_next = false;
	while (at < end && *at != ',') {
		const char *name = skip(at, end, "; \t");
		const char *value;
		size_t name_len;
		size_t value_len;

		at = name;
		while (at < end && !is_one_of(*at, "=;, \t"))
			at++;
		name_len = (size_t)(at - name);
		at = skip(at, end, " \t");
		if (at == end || *at != '=')
			continue;
		at = take_value(skip(at + 1, end, " \t"), end, &value, &value_len);
		if (has_relation || name_len != 3 || strncasecmp(name, "rel", 3) != 0)
			continue;
		has_relation = true;
		*out_next = has_next(value, value_len);
	}
	return at;
}

bool bake_link_next_parse(const char *text, size_t len, char *out, size_t room)
{
	const char *end = text + len;

	while (text < end) {
		const char *open = memchr(text, '<', (size_t)(end - text));
		const char *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
		bool next;

		if (!close)
			return false;
		text = take_params(close + 1, end, &next);
		if (next && (size_t)(close - open) <= room) {
			memcpy(out, open + 1, (size_t)(close - open - 1));
			out[close - open - 1] = '\0';
			return true;
		}
	}
	return false;
}

static void keep(char *out, size_t room, const char *value, size_t len)
{
	if (len >= room)
		len = room - 1;
	memcpy(out, value, len);
	out[len] = '\0';
}

static void take_length(struct bake_response *response, const char *value, size_t len)
{
	response->has_length = bake_number_parse(value, len, &response->length);
}

static void take_range(struct bake_response *response, const char *value, size_t len)
{
	struct bake_content_range *range = &response->range;

	*range = (struct bake_content_range){.present = true};
	if (bake_content_range_parse(value, len, range))
		return;
	/* With a 416: the range is none, and this is why. */
	if (len > 8 && strncasecmp(value, "bytes */", 8) == 0)
		range->has_total = bake_number_parse(value + 8, len - 8, &range->total);
}

static void take_retry_after(struct bake_response *response, const char *value, size_t len)
{
	response->has_retry_after =
		bake_retry_after_parse(value, len, (int64_t)time(NULL), &response->retry_after_ms);
}

static void take_etag(struct bake_response *response, const char *value, size_t len)
{
	response->etag = (struct bake_etag){.weak = false};
	(void)bake_etag_parse(value, len, &response->etag);
}

static void take_linked_etag(struct bake_response *response, const char *value, size_t len)
{
	if (!response->linked_etag.value[0])
		(void)bake_etag_parse(value, len, &response->linked_etag);
}

static void take_ratelimit(struct bake_response *response, const char *value, size_t len)
{
	bake_ratelimit_take(&response->ratelimit, value, len);
}

static void take_ratelimit_policy(struct bake_response *response, const char *value, size_t len)
{
	bake_ratelimit_take_policy(&response->ratelimit, value, len);
}

static void take_encoding(struct bake_response *response, const char *value, size_t len)
{
	keep(response->content_encoding, sizeof(response->content_encoding), value, len);
}

static void take_transfer(struct bake_response *response, const char *value, size_t len)
{
	response->chunked = len >= 7 && strncasecmp(value + len - 7, "chunked", 7) == 0;
}

static void take_type(struct bake_response *response, const char *value, size_t len)
{
	keep(response->content_type, sizeof(response->content_type), value, len);
}

/* Cut, a location would lead somewhere else: too long a one is none. */
static void take_location(struct bake_response *response, const char *value, size_t len)
{
	if (len < sizeof(response->location))
		keep(response->location, sizeof(response->location), value, len);
}

static void take_link(struct bake_response *response, const char *value, size_t len)
{
	(void)bake_link_next_parse(value, len, response->link_next, sizeof(response->link_next));
}

static void take_error_code(struct bake_response *response, const char *value, size_t len)
{
	keep(response->error_code, sizeof(response->error_code), value, len);
}

static void take_error_message(struct bake_response *response, const char *value, size_t len)
{
	keep(response->error_message, sizeof(response->error_message), value, len);
}

static void take_request_id(struct bake_response *response, const char *value, size_t len)
{
	keep(response->request_id, sizeof(response->request_id), value, len);
}

static const struct {
	const char *name;
	void (*take)(struct bake_response *response, const char *value, size_t len);
} fields[] = {
	{"content-length", take_length},
	{"content-range", take_range},
	{"content-type", take_type},
	{"content-encoding", take_encoding},
	{"transfer-encoding", take_transfer},
	{"retry-after", take_retry_after},
	{"ratelimit", take_ratelimit},
	{"ratelimit-policy", take_ratelimit_policy},
	{"etag", take_etag},
	{"x-linked-etag", take_linked_etag},
	{"location", take_location},
	{"link", take_link},
	{"x-error-code", take_error_code},
	{"x-error-message", take_error_message},
	{"x-request-id", take_request_id},
};

void bake_response_forget(struct bake_response *response)
{
	*response = (struct bake_response){
		.hops = response->hops,
		.cross_origin = response->cross_origin,
		.linked_etag = response->linked_etag,
		.ratelimit = response->ratelimit,
		.header_bytes = response->header_bytes,
		.header_count = response->header_count,
	};
}

/* A status line: what came before it (100 Continue, a proxy's answer) is forgotten. */
static void begin(struct bake_response *response, const char *text, size_t len)
{
	const char *blank = memchr(text, ' ', len);
	uint64_t status = 0;

	bake_response_forget(response);
	if (blank && text + len - blank >= 4)
		(void)bake_number_parse(blank + 1, 3, &status);
	response->status = (unsigned)status;
}

/* "name: value", if it is that, without blanks behind it. */
static void take_field(struct bake_response *response, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	const char *value = colon ? colon + 1 : NULL;

	if (!colon)
		return;
	while (value < text + len && (*value == ' ' || *value == '\t'))
		value++;
	for (size_t i = 0; i < countof(fields); i++) {
		if (strlen(fields[i].name) == (size_t)(colon - text) &&
			strncasecmp(text, fields[i].name, (size_t)(colon - text)) == 0)
			fields[i].take(response, value, (size_t)(text + len - value));
	}
}

enum bake_status bake_response_header(
	struct bake_response *response, struct bake_span line, struct bake_error *err)
{
	const char *text = (const char *)line.ptr;
	size_t len = line.len;

	response->header_bytes += len;
	if (response->header_bytes > BAKE_HEADERS_BYTES_MAX ||
		++response->header_count > BAKE_HEADERS_COUNT_MAX)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.headers",
			"the server sends more than %d header lines or %d bytes of them",
			BAKE_HEADERS_COUNT_MAX, BAKE_HEADERS_BYTES_MAX);
	if (response->complete)
		return BAKE_OK;
	if (len && text[0] == (len == 1 ? '\n' : '\r')) {
		response->complete = response->status >= 200; /* below, another one follows */
		return BAKE_OK;
	}
	while (len && strchr("\r\n \t", text[len - 1]))
		len--;
	if (len >= 5 && strncasecmp(text, "HTTP/", 5) == 0)
		begin(response, text, len);
	else
		take_field(response, text, len);
	return BAKE_OK;
}

const struct bake_etag *bake_response_etag(const struct bake_response *response)
{
	return response->linked_etag.value[0] ? &response->linked_etag : &response->etag;
}

bool bake_response_wait_ms(const struct bake_response *response, uint64_t *out_ms)
{
	if (response->has_retry_after) {
		*out_ms = response->retry_after_ms;
		return true;
	}
	return response->status == 429 && response->ratelimit.remaining == 0 &&
	       bake_ratelimit_reset_ms(&response->ratelimit, out_ms);
}

/* What an HTTP status means here. Those not listed are BAKE_ERR_PROTOCOL net.status. */
static const struct {
	unsigned status;
	enum bake_status means;
	bool transient;
	const char *id;
} meanings[] = {
	{401, BAKE_ERR_PERMISSION, false, "auth.denied"},
	{403, BAKE_ERR_PERMISSION, false, "auth.denied"},
	{404, BAKE_ERR_UNAVAILABLE, false, "net.not-found"},
	{407, BAKE_ERR_PERMISSION, false, "auth.proxy"},
	{408, BAKE_ERR_TEMPORARY, true, "net.timeout"},
	{410, BAKE_ERR_UNAVAILABLE, false, "net.not-found"},
	{425, BAKE_ERR_TEMPORARY, true, "net.server"},
	{429, BAKE_ERR_TEMPORARY, true, "net.rate-limit"},
	{500, BAKE_ERR_TEMPORARY, true, "net.server"},
	{502, BAKE_ERR_TEMPORARY, true, "net.server"},
	{503, BAKE_ERR_TEMPORARY, true, "net.server"},
	{504, BAKE_ERR_TEMPORARY, true, "net.server"},
};

enum bake_status bake_response_error(
	const struct bake_response *response, const char *url, struct bake_error *err)
{
	enum bake_status means = BAKE_ERR_PROTOCOL;
	const char *id = "net.status";
	bool transient = false;
	uint64_t wait;

	for (size_t i = 0; i < countof(meanings); i++) {
		if (meanings[i].status == response->status) {
			means = meanings[i].means;
			transient = meanings[i].transient;
			id = meanings[i].id;
		}
	}
	bake_error_set(err, means, id, "%s answers %u%s%s%s%s%s", BAKE_SHOW_URL(url),
		response->status, response->error_message[0] ? ": " : "",
		BAKE_SHOW(response->error_message), response->request_id[0] ? " (request " : "",
		BAKE_SHOW(response->request_id), response->request_id[0] ? ")" : "");
	err->detail = response->status;
	err->transient = transient;
	if (response->status == 407)
		bake_error_hint(err, BAKE_PROXY_AUTH_HINT);
	if (transient && bake_response_wait_ms(response, &wait) && wait > BAKE_RETRY_AFTER_MS_MAX) {
		err->transient = false; /* nobody waits that long in a build */
		bake_error_hint(err,
			"the server asks to wait %" PRIu64 " seconds%s; try again then",
			wait / 1000, wait >= DAY_MS ? " or more" : "");
	}
	return err->status;
}
