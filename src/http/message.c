/* SPDX-License-Identifier: Apache-2.0 */
#include "http/message.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/text.h"

static bool is_visible(char c)
{
	return c > 0x20 && c < 0x7f;
}

bool bake_http_target_parse(const char *text, size_t len, struct bake_http_target *out)
{
	const char *mark;

	if (!len || len > BAKE_HTTP_TARGET_MAX || text[0] != '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_visible(text[i]) || text[i] == '#')
			return false;
	}
	mark = memchr(text, '?', len);
	out->path = bake_span(text, mark ? (size_t)(mark - text) : len);
	out->query = mark ? bake_span(mark + 1, len - out->path.len - 1) : bake_span(NULL, 0);
	return true;
}

/* Cuts what is before the separator off rest. */
static struct bake_span cut(struct bake_span *rest, char separator)
{
	const uint8_t *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
	struct bake_span part = *rest;

	if (at) {
		part.len = (size_t)(at - rest->ptr);
		*rest = bake_span(at + 1, rest->len - part.len - 1);
	} else {
		*rest = bake_span(NULL, 0);
	}
	return part;
}

static bool same(struct bake_span text, const char *other)
{
	size_t len = strlen(other);

	return text.len == len && (!len || memcmp(text.ptr, other, len) == 0);
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(struct bake_span text, char value[BAKE_HTTP_QUERY_VALUE_MAX + 1])
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		int c = text.ptr[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f || len == BAKE_HTTP_QUERY_VALUE_MAX)
			return false;
		value[len++] = (char)c;
	}
	value[len] = '\0';
	return bake_utf8_valid(value, len);
}

bool bake_http_query_find(struct bake_span query, const char *name,
	char value[BAKE_HTTP_QUERY_VALUE_MAX + 1], bool *out_bad)
{
	bool found = false;

	*out_bad = false;
	while (query.len) {
		struct bake_span text = cut(&query, '&');
		struct bake_span key = cut(&text, '=');

		if (!same(key, name))
			continue;
		if (found || !decode(text, value)) {
			*out_bad = true;
			return false;
		}
		found = true;
	}
	return found;
}

bool bake_http_query_known(struct bake_span query, const char *const *names)
{
	while (query.len) {
		struct bake_span text = cut(&query, '&');
		struct bake_span key = cut(&text, '=');
		size_t at = 0;

		while (names[at] && !same(key, names[at]))
			at++;
		if (!names[at])
			return false;
	}
	return true;
}

static bool is_port(struct bake_span text)
{
	uint64_t port;

	return bake_number_parse((const char *)text.ptr, text.len, &port) && text.len <= 5 &&
	       port <= 65535;
}

static bool is_name_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_';
}

static bool is_name(struct bake_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_name_char(text.ptr[i]))
			return false;
	}
	return text.len > 0 && text.len <= 253;
}

static bool is_ipv6(struct bake_span text)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (!text.len || text.len >= sizeof(copy) || memchr(text.ptr, 0, text.len))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

bool bake_http_host_parse(const char *text, size_t len, struct bake_span *out_name)
{
	struct bake_span rest = bake_span(text, len);
	struct bake_span name;
	bool has_port;

	if (len && text[0] == '[') {
		rest = bake_span(text + 1, len - 1);
		if (!memchr(text, ']', len))
			return false;
		name = cut(&rest, ']');
		if (!is_ipv6(name) || (rest.len && rest.ptr[0] != ':'))
			return false;
		has_port = rest.len > 0;
		if (has_port)
			rest = bake_span(rest.ptr + 1, rest.len - 1);
	} else {
		has_port = len && memchr(text, ':', len);
		name = cut(&rest, ':');
		if (!is_name(name))
			return false;
	}
	if (has_port && !is_port(rest))
		return false;
	*out_name = name;
	return true;
}

bool bake_http_host_equal(struct bake_span name, const char *other)
{
	size_t len = strlen(other);

	if (name.len > 1 && name.ptr[name.len - 1] == '.')
		name.len--;
	return name.len == len && strncasecmp((const char *)name.ptr, other, len) == 0;
}

bool bake_http_host_is_loopback(struct bake_span name)
{
	static const char suffix[] = ".localhost";
	size_t len = sizeof(suffix) - 1;
	char copy[INET6_ADDRSTRLEN];
	struct in_addr address;

	if (bake_http_host_equal(name, "localhost") || bake_http_host_equal(name, "::1"))
		return true;
	if (name.len > len &&
		strncasecmp((const char *)name.ptr + name.len - len, suffix, len) == 0)
		return true;
	if (!name.len || name.len >= sizeof(copy))
		return false;
	memcpy(copy, name.ptr, name.len);
	copy[name.len] = '\0';
	return inet_pton(AF_INET, copy, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

bool bake_http_origin_host(const char *text, size_t len, struct bake_span *out_name)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < 2; i++) {
		size_t scheme = strlen(schemes[i]);

		if (len > scheme && strncasecmp(text, schemes[i], scheme) == 0)
			return bake_http_host_parse(text + scheme, len - scheme, out_name);
	}
	return false;
}

bool bake_http_bearer_matches(const char *text, size_t len, const char *token)
{
	static const char scheme[] = "Bearer ";
	size_t begin = sizeof(scheme) - 1;
	uint8_t given[BAKE_HTTP_TOKEN_MAX] = {0};
	uint8_t wanted[BAKE_HTTP_TOKEN_MAX] = {0};
	size_t wanted_len = strlen(token);
	volatile uint8_t difference = 0;

	if (len < begin || strncasecmp(text, scheme, begin) != 0)
		return false;
	len -= begin;
	if (!wanted_len || wanted_len > sizeof(wanted) || len > sizeof(given))
		return false;
	memcpy(given, text + begin, len);
	memcpy(wanted, token, wanted_len);
	/* All bytes, always; how long the token is may be told. */
	for (size_t i = 0; i < sizeof(given); i++)
		difference = (uint8_t)(difference | (given[i] ^ wanted[i]));
	return difference == 0 && len == wanted_len;
}

static struct bake_span trim(struct bake_span text)
{
	while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = bake_span(text.ptr + 1, text.len - 1);
	while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

bool bake_http_tag_matches(const char *text, size_t len, const char *tag)
{
	struct bake_span rest = trim(bake_span(text, len));

	if (same(rest, "*"))
		return true;
	while (rest.len) {
		struct bake_span one = trim(cut(&rest, ','));

		if (one.len > 2 && one.ptr[0] == 'W' && one.ptr[1] == '/')
			one = bake_span(one.ptr + 2, one.len - 2);
		if (same(one, tag))
			return true;
	}
	return false;
}

/* ";q=0", ";q=0.000": not at all. What is malformed is taken as not at all, too. */
static bool has_weight(struct bake_span parameters)
{
	struct bake_span text = trim(parameters);

	if (!text.len)
		return true;
	if (text.len < 3 || (text.ptr[0] != 'q' && text.ptr[0] != 'Q') || text.ptr[1] != '=')
		return false;
	for (size_t i = 2; i < text.len; i++) {
		if (text.ptr[i] >= '1' && text.ptr[i] <= '9')
			return true;
		if (text.ptr[i] != '0' && text.ptr[i] != '.')
			return false;
	}
	return false;
}

bool bake_http_takes_gzip(const char *text, size_t len)
{
	struct bake_span rest = bake_span(text, len);
	bool any = false;

	while (rest.len) {
		struct bake_span one = cut(&rest, ',');
		struct bake_span coding = trim(cut(&one, ';'));
		bool weight = has_weight(one);

		if (coding.len == 4 && strncasecmp((const char *)coding.ptr, "gzip", 4) == 0)
			return weight;
		if (same(coding, "*"))
			any = weight;
	}
	return any;
}

bool bake_http_is_json(const char *text, size_t len)
{
	static const char type[] = "application/json";
	struct bake_span rest = bake_span(text, len);
	struct bake_span name = trim(cut(&rest, ';'));

	return name.len == sizeof(type) - 1 &&
	       strncasecmp((const char *)name.ptr, type, name.len) == 0;
}

static bool is_token_char(char c)
{
	return is_visible(c) && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

bool bake_http_is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_token_char(text[i]))
			return false;
	}
	return len > 0;
}

bool bake_http_is_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}
