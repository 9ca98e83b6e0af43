/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says. */
#include "unit/rows.h"

#include <string.h>

#include "http/listen.h"
#include "http/message.h"
#include "http/probe.h"

static const struct target_row {
	const char *name;
	const char *text;
	const char *path; /* NULL: refused */
	const char *query;
} targets[] = {
	{"a path", "/model-info", "/model-info", ""},
	{"the root", "/", "/", ""},
	{"a query", "/a?b=c", "/a", "b=c"},
	{"an empty query", "/a?", "/a", ""},
	{"a second mark", "/a?b?c", "/a", "b?c"},
	{"nothing is decoded", "/%2e%2e/%00", "/%2e%2e/%00", ""},
	{"empty", "", NULL, NULL},
	{"no slash", "a", NULL, NULL},
	{"absolute form", "http://host/a", NULL, NULL},
	{"asterisk form", "*", NULL, NULL},
	{"a blank", "/a b", NULL, NULL},
	{"a control character", "/a\x01", NULL, NULL},
	{"not ASCII", "/\xc3\xa4", NULL, NULL},
	{"a fragment", "/a#b", NULL, NULL},
};

static bool same(struct bake_span span, const char *text)
{
	return text && span.len == strlen(text) &&
	       (!span.len || memcmp(span.ptr, text, span.len) == 0);
}

static void try_targets(void **state)
{
	const struct target_row *row = *state;
	struct bake_http_target target;
	bool good = bake_http_target_parse(row->text, strlen(row->text), &target);

	assert_int_equal(good, row->path != NULL);
	if (good) {
		assert_true(same(target.path, row->path));
		assert_true(same(target.query, row->query));
	}
}

static void test_longest_target(void)
{
	char text[BAKE_HTTP_TARGET_MAX + 1];
	struct bake_http_target target;

	memset(text, '/', sizeof(text));
	assert_true(bake_http_target_parse(text, BAKE_HTTP_TARGET_MAX, &target));
	assert_false(bake_http_target_parse(text, BAKE_HTTP_TARGET_MAX + 1, &target));
}

static const struct query_row {
	const char *name;
	const char *query;
	const char *value; /* of "a"; NULL: not found */
	bool bad;
} queries[] = {
	{"alone", "a=b", "b", false},
	{"among others", "x=1&a=b&y", "b", false},
	{"empty", "a=", "", false},
	{"without a sign", "a", "", false},
	{"decoded", "a=%41%62+c", "Ab c", false},
	{"UTF-8", "a=%c3%a4", "\xc3\xa4", false},
	{"another", "ab=c", NULL, false},
	{"nothing", "", NULL, false},
	{"twice", "a=1&a=1", NULL, true},
	{"half a byte", "a=%4", NULL, true},
	{"no byte", "a=%zz", NULL, true},
	{"a percent sign at the end", "a=%", NULL, true},
	{"NUL", "a=%00", NULL, true},
	{"a line end", "a=%0a", NULL, true},
	{"not UTF-8", "a=%ff", NULL, true},
};

static void try_queries(void **state)
{
	const struct query_row *row = *state;
	char value[BAKE_HTTP_QUERY_VALUE_MAX + 1];
	bool bad;
	bool found = bake_http_query_find(bake_span_text(row->query), "a", value, &bad);

	assert_int_equal(found, row->value != NULL);
	assert_int_equal(bad, row->bad);
	if (found)
		assert_string_equal(value, row->value);
}

static void test_known_parameters(void)
{
	static const char *const names[] = {"a", "b", NULL};

	assert_true(bake_http_query_known(bake_span_text(""), names));
	assert_true(bake_http_query_known(bake_span_text("a=1&b"), names));
	assert_false(bake_http_query_known(bake_span_text("a=1&c=2"), names));
	assert_false(bake_http_query_known(bake_span_text("a=1&&b=2"), names));
}

static const struct host_row {
	const char *text;
	const char *host; /* NULL: none */
	bool loopback;
} hosts[] = {
	{"localhost", "localhost", true},
	{"LocalHost:8000", "LocalHost", true},
	{"a.localhost", "a.localhost", true},
	{"xlocalhost", "xlocalhost", false},
	{"localhost.example", "localhost.example", false},
	{"127.0.0.1", "127.0.0.1", true},
	{"127.255.0.9:80", "127.255.0.9", true},
	{"127.1", "127.1", false},
	{"128.0.0.1", "128.0.0.1", false},
	{"0.0.0.0", "0.0.0.0", false},
	{"[::1]", "::1", true},
	{"[::1]:80", "::1", true},
	{"[fe80::1]", "fe80::1", false},
	{"host:65535", "host", false},
	{"host:65536", NULL, false},
	{"host:", NULL, false},
	{"host:1:2", NULL, false},
	{"", NULL, false},
	{":80", NULL, false},
	{"::1", NULL, false},
	{"[::1", NULL, false},
	{"[::1]x", NULL, false},
	{"[x]", NULL, false},
	{"[]", NULL, false},
	{"a b", NULL, false},
	{"a/b", NULL, false},
	{"a@b", NULL, false},
	{"a,b", NULL, false},
};

static void try_hosts(void **state)
{
	const struct host_row *row = *state;
	struct bake_span name;
	bool good = bake_http_host_parse(row->text, strlen(row->text), &name);

	assert_int_equal(good, row->host != NULL);
	if (good) {
		assert_true(same(name, row->host));
		assert_int_equal(bake_http_host_is_loopback(name), row->loopback);
	}
}

static void test_hosts_are_equal(void)
{
	assert_true(bake_http_host_equal(bake_span_text("Models.Example."), "models.example"));
	assert_false(bake_http_host_equal(bake_span_text("models.example.x"), "models.example"));
	assert_false(bake_http_host_equal(bake_span_text("."), ""));
}

static void test_origins(void)
{
	struct bake_span name;

	assert_true(bake_http_origin_host("https://a.example:8000", 22, &name));
	assert_true(same(name, "a.example"));
	assert_false(bake_http_origin_host("null", 4, &name));
	assert_false(bake_http_origin_host("http://", 7, &name));
	assert_false(bake_http_origin_host("ftp://a", 7, &name));
	assert_false(bake_http_origin_host("http://a/b", 10, &name));
}

static bool bearer(const char *text, const char *token)
{
	return bake_http_bearer_matches(text, strlen(text), token);
}

static void test_bearer(void)
{
	char longest[8 + BAKE_HTTP_TOKEN_MAX + 1] = "Bearer ";

	assert_true(bearer("Bearer abc", "abc"));
	assert_true(bearer("bearer abc", "abc"));
	assert_false(bearer("Bearer abd", "abc"));
	assert_false(bearer("Bearer ab", "abc"));
	assert_false(bearer("Bearer abcd", "abc"));
	assert_false(bearer("Bearer  abc", "abc"));
	assert_false(bearer("Bearer abc ", "abc"));
	assert_false(bearer("Bearer ", "abc"));
	assert_false(bearer("Bearer ", ""));
	assert_false(bearer("Bearer", "abc"));
	assert_false(bearer("", "abc"));
	assert_false(bearer("Basic abc", "abc"));
	assert_false(bake_http_bearer_matches("Bearer abc\0", 11, "abc"));
	memset(longest + 7, 'a', BAKE_HTTP_TOKEN_MAX);
	longest[7 + BAKE_HTTP_TOKEN_MAX] = '\0';
	assert_true(bearer(longest, longest + 7));
}

static bool tag(const char *text)
{
	return bake_http_tag_matches(text, strlen(text), "\"a\"");
}

static void test_tags(void)
{
	assert_true(tag("\"a\""));
	assert_true(tag(" W/\"a\" "));
	assert_true(tag("\"b\",\"a\""));
	assert_true(tag("*"));
	assert_false(tag(""));
	assert_false(tag("a"));
	assert_false(tag("\"a"));
	assert_false(tag("w/\"a\""));
	assert_false(tag("\"A\""));
	assert_false(tag("\"b\" \"a\""));
	assert_false(tag(",,"));
}

static bool takes(const char *text)
{
	return bake_http_takes_gzip(text, strlen(text));
}

static void test_codings(void)
{
	assert_true(takes("gzip"));
	assert_true(takes("deflate, GZIP"));
	assert_true(takes("gzip;q=0.001"));
	assert_true(takes("gzip; q=1"));
	assert_true(takes("*"));
	assert_false(takes(""));
	assert_false(takes("identity"));
	assert_false(takes("gzip;q=0"));
	assert_false(takes("gzip;q=0.000, *"));
	assert_false(takes("*;q=0"));
	assert_false(takes("gzip;x"));
	assert_false(takes("xgzip"));
}

static void test_types_and_characters(void)
{
	assert_true(bake_http_is_json("application/json", 16));
	assert_true(bake_http_is_json("Application/JSON; charset=utf-8", 31));
	assert_false(bake_http_is_json("application/jsonx", 17));
	assert_false(bake_http_is_json("text/plain", 10));
	assert_false(bake_http_is_json("", 0));
	assert_true(bake_http_is_token("X-Name", 6));
	assert_false(bake_http_is_token("", 0));
	assert_false(bake_http_is_token("a b", 3));
	assert_false(bake_http_is_token("a\0", 2));
	assert_true(bake_http_is_value("a\tb \xff", 5));
	assert_false(bake_http_is_value("a\r", 2));
	assert_false(bake_http_is_value("a\0b", 3));
}

static const struct address_row {
	const char *text;
	const char *host; /* NULL: refused */
	const char *port;
} addresses[] = {
	{"127.0.0.1:8000", "127.0.0.1", "8000"},
	{"[::1]:0", "::1", "0"},
	{"localhost:65535", "localhost", "65535"},
	{"unix:/run/a", "/run/a", ""},
	{"unix:a", NULL, NULL},
	{"unix:", NULL, NULL},
	{"::1:80", NULL, NULL},
	{"a", NULL, NULL},
	{":80", NULL, NULL},
	{"a:", NULL, NULL},
	{"a:+1", NULL, NULL},
	{"a:65536", NULL, NULL},
	{"[]:1", NULL, NULL},
};

static void try_addresses(void **state)
{
	const struct address_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_http_address address;
	enum bake_status status = bake_http_address_parse(row->text, &address, &err);

	assert_int_equal(status, row->host ? BAKE_OK : BAKE_ERR_USAGE);
	if (row->host) {
		assert_string_equal(address.host, row->host);
		assert_string_equal(address.port, row->port);
	}
}

static const struct place_row {
	const char *url;
	const char *host; /* NULL: refused */
	const char *port;
	const char *target;
} places[] = {
	{"http://a:1/b?c", "a", "1", "/b?c"},
	{"http://a", "a", "80", "/health"},
	{"http://a/", "a", "80", "/health"},
	{"http://[::1]:8000", "::1", "8000", "/health"},
	{"http://[::1]/x", "::1", "80", "/x"},
	{"unix:/s", "/s", "", "/health"},
	{"https://a/", NULL, NULL, NULL},
	{"http://", NULL, NULL, NULL},
	{"http:///x", NULL, NULL, NULL},
	{"http://a/b c", NULL, NULL, NULL},
	{"http://a:x/", NULL, NULL, NULL},
	{"http://u@a:1:2/", NULL, NULL, NULL},
	{"", NULL, NULL, NULL},
};

static void try_places(void **state)
{
	const struct place_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_http_place place;
	enum bake_status status = bake_http_place_parse(row->url, &place, &err);

	assert_int_equal(status, row->host ? BAKE_OK : BAKE_ERR_USAGE);
	if (row->host) {
		assert_string_equal(place.address.host, row->host);
		assert_string_equal(place.address.port, row->port);
		assert_string_equal(place.target, row->target);
	}
}

static void test_status_lines(void)
{
	unsigned status = 0;

	assert_true(bake_http_status_parse("HTTP/1.1 204 x", 14, &status));
	assert_int_equal(status, 204);
	assert_true(bake_http_status_parse("HTTP/1.0 503\r", 13, &status));
	assert_false(bake_http_status_parse("HTTP/1.1 20", 11, &status));
	assert_false(bake_http_status_parse("HTTP/1.1 2000", 13, &status));
	assert_false(bake_http_status_parse("HTTP/1.1 099 x", 14, &status));
	assert_false(bake_http_status_parse("HTTP/2 200 xxx", 14, &status));
	assert_false(bake_http_status_parse("SSH-2.0-OpenSSH", 15, &status));
}

static const struct scenario others[] = {
	{"longest target", test_longest_target},
	{"known parameters", test_known_parameters},
	{"hosts are equal", test_hosts_are_equal},
	{"origins", test_origins},
	{"bearer", test_bearer},
	{"tags", test_tags},
	{"codings", test_codings},
	{"types and characters", test_types_and_characters},
	{"status lines", test_status_lines},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(targets, try_targets),
		ROWS(queries, try_queries),
		ROWS(hosts, try_hosts),
		ROWS(addresses, try_addresses),
		ROWS(places, try_places),
		ROWS(others, play_scenario),
	};

	return run_rows("http/message", tables, countof(tables));
}
