/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

static void free_handle(CURLU **handle)
{
	curl_url_cleanup(*handle);
}

static void free_part(char **part)
{
	curl_free(*part);
}

#define PARSE_FLAGS (CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER)

static enum bake_status malformed(const char *url, struct bake_error *err)
{
	return bake_error_set(
		err, BAKE_ERR_DATA, "url.format", "not a usable URL: '%s'", BAKE_SHOW_URL(url));
}

/* One part of a parsed URL into a buffer. False when it is absent or too long. */
static bool copy_part(CURLU *handle, CURLUPart what, unsigned flags, char *out, size_t room)
{
	_cleanup_(free_part) char *part = NULL;

	if (curl_url_get(handle, what, &part, flags) != CURLUE_OK || !part || strlen(part) >= room)
		return false;
	memcpy(out, part, strlen(part) + 1);
	return true;
}

/* Lower case, and without the brackets of an IPv6 address. */
static void tidy_host(char *host)
{
	size_t len = strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		memmove(host, host + 1, len - 2);
		host[len - 2] = '\0';
	}
	for (char *at = host; *at; at++)
		*at = (char)tolower((unsigned char)*at);
}

enum bake_status bake_url_origin(const char *url, struct bake_origin *out, struct bake_error *err)
{
	_cleanup_(free_handle) CURLU *handle = curl_url();
	struct bake_origin origin = {0};
	char scheme[32];
	char port[8];
	uint64_t number;

	if (!handle)
		return bake_error_nomem(err);
	if (strlen(url) > BAKE_NET_URL_MAX ||
		curl_url_set(handle, CURLUPART_URL, url, PARSE_FLAGS) != CURLUE_OK ||
		!copy_part(handle, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)))
		return malformed(url, err);
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return bake_error_set(err, BAKE_ERR_POLICY, "policy.scheme",
			"'%s' is not an http or https URL", BAKE_SHOW_URL(url));
	if (!copy_part(handle, CURLUPART_HOST, 0, origin.host, sizeof(origin.host)) ||
		!copy_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
		!bake_number_parse(port, strlen(port), &number) || number == 0 || number > 65535)
		return malformed(url, err);
	memcpy(origin.scheme, scheme, strlen(scheme) + 1);
	origin.port = (uint16_t)number;
	tidy_host(origin.host);
	*out = origin;
	return BAKE_OK;
}

bool bake_origin_equal(const struct bake_origin *a, const struct bake_origin *b)
{
	return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 &&
	       strcmp(a->host, b->host) == 0;
}

bool bake_origin_is_https(const struct bake_origin *origin)
{
	return strcmp(origin->scheme, "https") == 0;
}

const char *bake_origin_format(const struct bake_origin *origin, char *text, size_t room)
{
	bool usual = origin->port == (bake_origin_is_https(origin) ? 443 : 80);
	bool v6 = strchr(origin->host, ':') != NULL;
	char port[8] = "";

	if (!usual)
		(void)snprintf(port, sizeof(port), ":%u", origin->port);
	(void)snprintf(text, room, "%s://%s%s%s%s", origin->scheme, v6 ? "[" : "",
		BAKE_SHOW(origin->host), v6 ? "]" : "", port);
	return text;
}

/* Whether a reference brings a scheme of its own (RFC 3986, 3.1), and one that is not ours. */
static bool has_foreign_scheme(const char *reference)
{
	size_t len = strcspn(reference, ":/?#");

	if (!isalpha((unsigned char)reference[0]) || reference[len] != ':')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)reference[i]) && !strchr("+-.", reference[i]))
			return false;
	}
	return !(len == 4 && strncasecmp(reference, "http", 4) == 0) &&
	       !(len == 5 && strncasecmp(reference, "https", 5) == 0);
}

/* Of a reference that libcurl cannot take apart. */
static enum bake_status unusable(const char *reference, struct bake_error *err)
{
	if (has_foreign_scheme(reference))
		return bake_error_set(err, BAKE_ERR_POLICY, "policy.scheme",
			"the server points to '%s', which is not an http or https URL",
			BAKE_SHOW_URL(reference));
	return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.location",
		"the server points to an unusable URL '%s'", BAKE_SHOW_URL(reference));
}

enum bake_status bake_url_resolve(
	const char *base, const char *reference, struct bake_buf *out, struct bake_error *err)
{
	_cleanup_(free_handle) CURLU *handle = curl_url();
	_cleanup_(free_part) char *whole = NULL;

	if (!handle)
		return bake_error_nomem(err);
	if (strlen(reference) > BAKE_NET_URL_MAX ||
		curl_url_set(handle, CURLUPART_URL, base, PARSE_FLAGS) != CURLUE_OK ||
		curl_url_set(handle, CURLUPART_URL, reference, PARSE_FLAGS | CURLU_URLENCODE) !=
			CURLUE_OK ||
		curl_url_get(handle, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		return unusable(reference, err);
	bake_buf_clear(out);
	bake_buf_text(out, whole);
	return bake_buf_status(out, "URL", err);
}

void bake_url_escape(struct bake_buf *out, const char *text, bool keep_slash)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c) || (c == '/' && keep_slash))
			bake_buf_add(out, text, 1);
		else
			bake_buf_addf(out, "%%%02X", c);
	}
}
