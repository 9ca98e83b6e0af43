/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says of its answer, read with suspicion. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/http.h"
#include "net/response.h"

static const struct range_row {
	const char *name;
	const char *text;
	bool good;
	uint64_t first;
	uint64_t last;
	bool has_total;
	uint64_t total;
} ranges[] = {
	{"the first hundred", "bytes 0-99/200", true, 0, 99, true, 200},
	{"the last byte", "bytes 199-199/200", true, 199, 199, true, 200},
	{"total not known", "bytes 100-199/*", true, 100, 199, false, 0},
	{"unit in capitals", "Bytes 0-0/1", true, 0, 0, true, 1},
	{"greatest", "bytes 0-18446744073709551614/18446744073709551615", true, 0, UINT64_MAX - 1,
		true, UINT64_MAX},
	{"empty", "", false, 0, 0, false, 0},
	{"unit alone", "bytes ", false, 0, 0, false, 0},
	{"another unit", "items 0-99/200", false, 0, 0, false, 0},
	{"no unit", "0-99/200", false, 0, 0, false, 0},
	{"as in a request", "bytes=0-99", false, 0, 0, false, 0},
	{"no total", "bytes 0-99", false, 0, 0, false, 0},
	{"empty total", "bytes 0-99/", false, 0, 0, false, 0},
	{"not satisfied", "bytes */200", false, 0, 0, false, 0},
	{"the wrong way round", "bytes 99-0/200", false, 0, 0, false, 0},
	{"behind the end", "bytes 0-200/200", false, 0, 0, false, 0},
	{"of nothing", "bytes 0-0/0", false, 0, 0, false, 0},
	{"negative", "bytes -1-99/200", false, 0, 0, false, 0},
	{"open", "bytes 100-/200", false, 0, 0, false, 0},
	{"suffix", "bytes -100/200", false, 0, 0, false, 0},
	{"two blanks", "bytes  0-99/200", false, 0, 0, false, 0},
	{"blanks inside", "bytes 0 - 99 / 200", false, 0, 0, false, 0},
	{"text behind", "bytes 0-99/200x", false, 0, 0, false, 0},
	{"two stars", "bytes 0-99/**", false, 0, 0, false, 0},
	{"hexadecimal", "bytes 0x0-0x9/0x10", false, 0, 0, false, 0},
	{"first too great", "bytes 18446744073709551616-99/200", false, 0, 0, false, 0},
	{"last too great", "bytes 0-18446744073709551616/*", false, 0, 0, false, 0},
	{"total too great", "bytes 0-99/18446744073709551616", false, 0, 0, false, 0},
	{"several ranges", "bytes 0-9/200, 20-29/200", false, 0, 0, false, 0},
};

static void try_range(void **state)
{
	const struct range_row *row = *state;
	struct bake_content_range range = {.present = false};

	assert_int_equal(bake_content_range_parse(row->text, strlen(row->text), &range), row->good);
	assert_int_equal(range.present, row->good);
	assert_int_equal(range.valid, row->good);
	assert_int_equal(range.first, row->first);
	assert_int_equal(range.last, row->last);
	assert_int_equal(range.has_total, row->has_total);
	assert_int_equal(range.total, row->total);
}

enum {
	DAY_MS = 24 * 60 * 60 * 1000
};

/* Seen from Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110. */
#define NOW 784111777

static const struct wait_row {
	const char *name;
	const char *text;
	bool good;
	uint64_t want; /* ms */
} waits[] = {
	{"at once", "0", true, 0},
	{"seconds", "120", true, 120000},
	{"a day", "86400", true, DAY_MS},
	{"more than a day", "86401", true, DAY_MS},
	{"10^12 seconds", "1000000000000", true, DAY_MS},
	{"2^64 - 1 seconds", "18446744073709551615", true, DAY_MS},
	{"2^64 seconds", "18446744073709551616", true, DAY_MS},
	{"more digits than a number has", "99999999999999999999999999999999999999", true, DAY_MS},
	{"10^12 seconds ago", "-1000000000000", false, 0},
	{"blanks between digits", "1 2", false, 0},
	{"a date", "Sun, 06 Nov 1994 08:50:37 GMT", true, 60000},
	{"now", "Sun, 06 Nov 1994 08:49:37 GMT", true, 0},
	{"a date that has passed", "Sun, 06 Nov 1994 08:49:00 GMT", true, 0},
	{"a date before 1970", "Thu, 01 Jan 1960 00:00:00 GMT", true, 0},
	{"the obsolete form (RFC 850)", "Sunday, 06-Nov-94 08:50:37 GMT", true, 60000},
	{"the form of asctime", "Sun Nov  6 08:50:37 1994", true, 60000},
	{"a date in far future", "Fri, 31 Dec 2399 23:59:59 GMT", true, DAY_MS},
	{"negative", "-5", false, 0},
	{"fraction", "1.5", false, 0},
	{"empty", "", false, 0},
	{"a word", "soon", false, 0},
	{"a number and a unit", "5s", false, 0},
	{"a date without a time", "Sun, 06 Nov 1994", false, 0},
	{"garbage", "::::", false, 0},
	{"too long to be a date",
		"Sun, 06 Nov 1994 08:50:37 GMT                                     ", false, 0},
	{"no number of hours", "Sun, 06 Nov 1994 99:99:99 GMT", false, 0},
};

static void try_wait(void **state)
{
	const struct wait_row *row = *state;
	uint64_t ms = 42;

	assert_int_equal(bake_retry_after_parse(row->text, strlen(row->text), NOW, &ms), row->good);
	assert_int_equal(ms, row->good ? row->want : 42);
}

static const struct link_row {
	const char *name;
	const char *text;
	const char *want; /* NULL: none */
} links[] = {
	{"what the hub sends", "<https://hf.co/api/x?cursor=abc%3D&limit=1000>; rel=\"next\"",
		"https://hf.co/api/x?cursor=abc%3D&limit=1000"},
	{"without quotes", "<https://a/2>; rel=next", "https://a/2"},
	{"relative", "</a?page=2>; rel=\"next\"", "/a?page=2"},
	{"no blank", "<https://a/2>;rel=\"next\"", "https://a/2"},
	{"in capitals", "<https://a/2>; REL=\"NEXT\"", "https://a/2"},
	{"another parameter in front", "<https://a/2>; title=\"x\"; rel=\"next\"", "https://a/2"},
	{"behind another link", "<https://a/0>; rel=\"prev\", <https://a/2>; rel=\"next\"",
		"https://a/2"},
	{"before another link", "<https://a/2>; rel=\"next\", <https://a/9>; rel=\"last\"",
		"https://a/2"},
	{"the first of two", "<https://a/2>; rel=\"next\", <https://a/3>; rel=\"next\"",
		"https://a/2"},
	{"a comma in the target", "<https://a/2,3>; rel=\"next\"", "https://a/2,3"},
	{"one of several relations", "<https://a/2>; rel=\"next last\"", "https://a/2"},
	{"empty target", "<>; rel=\"next\"", ""},
	{"nothing", "", NULL},
	{"another relation", "<https://a/2>; rel=\"prev\"", NULL},
	{"a relation that begins like it", "<https://a/2>; rel=\"next-archive\"", NULL},
	{"a relation that begins like it, without quotes", "<https://a/2>; rel=next-archive", NULL},
	{"the relation of a title", "<https://a/2>; title=\"rel=next\"; rel=\"prev\"", NULL},
	{"a parameter that ends like it", "<https://a/2>; xrel=\"next\"", NULL},
	{"no relation", "<https://a/2>", NULL},
	{"never closed", "<https://a/2; rel=\"next\"", NULL},
	{"no link", "rel=\"next\"", NULL},
	{"a target too long",
		"<https://a/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>; "
		"rel=\"next\"",
		NULL},
};

static void try_link(void **state)
{
	const struct link_row *row = *state;
	char target[64] = "before";

	assert_int_equal(bake_link_next_parse(row->text, strlen(row->text), target, sizeof(target)),
		row->want != NULL);
	assert_string_equal(target, row->want ? row->want : "before");
}

static void a_link_fits_exactly(void)
{
	char target[4] = "";

	assert_true(bake_link_next_parse("<abc>; rel=next", 15, target, 4));
	assert_string_equal(target, "abc");
	assert_false(bake_link_next_parse("<abcd>; rel=next", 16, target, 4));
}

static void feed(struct bake_response *response, const char *line)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(
		bake_response_header(response, bake_span_text(line), &err), &err, BAKE_OK, NULL);
}

static void fields_are_taken(void)
{
	struct bake_response response = {.status = 0};

	feed(&response, "HTTP/1.1 206 Partial Content\r\n");
	feed(&response, "Content-Length: 100\r\n");
	feed(&response, "content-range:bytes 0-99/200  \r\n");
	feed(&response, "CONTENT-TYPE: \t application/json; charset=utf-8\r\n");
	feed(&response, "Content-Encoding: gzip\r\n");
	feed(&response, "Transfer-Encoding: gzip, chunked\r\n");
	feed(&response, "Retry-After: 7\r\n");
	feed(&response, "Location: /x?y=z:1\r\n");
	feed(&response, "Link: <https://a/2>; rel=\"next\"\r\n");
	feed(&response, "X-Error-Code: GatedRepo\n");
	feed(&response, "X-Error-Message: no: really\n");
	feed(&response, "X-Request-Id: Root=1-2\n");
	feed(&response, "\r\n");
	assert_int_equal(response.status, 206);
	assert_true(response.has_length);
	assert_int_equal(response.length, 100);
	assert_true(response.range.present && response.range.valid);
	assert_int_equal(response.range.total, 200);
	assert_string_equal(response.content_type, "application/json; charset=utf-8");
	assert_string_equal(response.content_encoding, "gzip");
	assert_true(response.chunked);
	assert_true(response.has_retry_after);
	assert_int_equal(response.retry_after_ms, 7000);
	assert_string_equal(response.location, "/x?y=z:1");
	assert_string_equal(response.link_next, "https://a/2");
	assert_string_equal(response.error_code, "GatedRepo");
	assert_string_equal(response.error_message, "no: really");
	assert_string_equal(response.request_id, "Root=1-2");
	assert_int_equal(response.header_count, 13);
}

static const struct status_row {
	const char *name;
	const char *line;
	unsigned want;
} status_lines[] = {
	{"HTTP/1.1", "HTTP/1.1 200 OK\r\n", 200},
	{"without a reason", "HTTP/1.1 404\r\n", 404},
	{"HTTP/2", "HTTP/2 503\r\n", 503},
	{"HTTP/3", "HTTP/3 206 \r\n", 206},
	{"no status", "HTTP/1.1\r\n", 0},
	{"a short status", "HTTP/1.1 20\r\n", 0},
	{"a status of letters", "HTTP/1.1 abc OK\r\n", 0},
	{"a negative status", "HTTP/1.1 -20 OK\r\n", 0},
};

static void try_status_line(void **state)
{
	const struct status_row *row = *state;
	struct bake_response response = {.status = 999};

	feed(&response, row->line);
	assert_int_equal(response.status, row->want);
}

/* 100 Continue, a proxy's answer, the hops before: their fields are not those of the last one. */
static void a_status_line_begins_again(void)
{
	struct bake_response response = {.hops = 2, .cross_origin = true};

	feed(&response, "HTTP/1.1 302 Found\r\n");
	feed(&response, "Location: /x\r\n");
	feed(&response, "Content-Length: 5\r\n");
	feed(&response, "Content-Range: bytes 0-1/2\r\n");
	feed(&response, "Retry-After: 5\r\n");
	feed(&response, "HTTP/1.1 200 OK\r\n");
	assert_int_equal(response.status, 200);
	assert_string_equal(response.location, "");
	assert_false(response.has_length);
	assert_false(response.range.present);
	assert_false(response.has_retry_after);
	assert_int_equal(response.hops, 2);
	assert_true(response.cross_origin);
	assert_int_equal(response.header_count, 6);
}

static const struct garbage_row {
	const char *name;
	const char *line;
} garbage[] = {
	{"empty", ""},
	{"a line end", "\r\n"},
	{"blanks", " \t \r\n"},
	{"no colon", "Content-Length 5\r\n"},
	{"a colon alone", ":\r\n"},
	{"no name", ": 5\r\n"},
	{"blank before the colon", "Content-Length : 5\r\n"},
	{"a name that begins like one", "Content-Length-X: 5\r\n"},
	{"a name that ends like one", "X-Content-Length: 5\r\n"},
	{"negative length", "Content-Length: -5\r\n"},
	{"length too great", "Content-Length: 18446744073709551616\r\n"},
	{"length in hexadecimal", "Content-Length: 0x5\r\n"},
	{"two lengths in one", "Content-Length: 5, 5\r\n"},
	{"no length", "Content-Length:\r\n"},
};

static void try_garbage(void **state)
{
	const struct garbage_row *row = *state;
	struct bake_response response = {.status = 200};

	feed(&response, row->line);
	assert_int_equal(response.status, 200);
	assert_false(response.has_length);
	assert_int_equal(response.header_count, 1);
}

static void a_bad_range_is_not_no_range(void)
{
	struct bake_response response = {.status = 206};

	feed(&response, "Content-Range: bytes 0-99/200\r\n");
	feed(&response, "Content-Range: garbage\r\n");
	assert_true(response.range.present);
	assert_false(response.range.valid);
	assert_int_equal(response.range.last, 0);
}

/* A value longer than its field is cut; a location that is cut would be another place. */
static void long_values_are_bounded(void)
{
	struct bake_response response = {.status = 200};
	_cleanup_free_ char *line = malloc(20001);

	assert_non_null(line);
	memset(line, 'x', 20000);
	line[20000] = '\0';
	memcpy(line, "X-Error-Message: ", 17);
	feed(&response, line);
	assert_int_equal(strlen(response.error_message), sizeof(response.error_message) - 1);
	memcpy(line, "Content-Type:    ", 17);
	feed(&response, line);
	assert_int_equal(strlen(response.content_type), sizeof(response.content_type) - 1);
	memcpy(line, "Location:        ", 17);
	feed(&response, line);
	assert_string_equal(response.location, "");
	memcpy(line, "Link: <", 7);
	memcpy(line + 19980, ">; rel=\"next\"", 14);
	feed(&response, line);
	assert_string_equal(response.link_next, "");
}

static void lines_are_counted(void)
{
	struct bake_response response = {.status = 200};
	struct bake_error err = BAKE_ERROR_INIT;

	for (int i = 0; i < BAKE_HEADERS_COUNT_MAX; i++)
		feed(&response, "a: b\r\n");
	check_status(bake_response_header(&response, bake_span_text("a: b\r\n"), &err), &err,
		BAKE_ERR_PROTOCOL, "net.headers");
}

static void trailers_say_nothing(void)
{
	struct bake_response response = {.status = 0};

	feed(&response, "HTTP/1.1 100 Continue\r\n");
	feed(&response, "\r\n");
	feed(&response, "HTTP/1.1 206 Partial Content\r\n");
	feed(&response, "Transfer-Encoding: chunked\r\n");
	feed(&response, " \r\n"); /* folded, not the end */
	feed(&response, "Content-Range: bytes 0-9/10\r\n");
	feed(&response, "\r\n");
	feed(&response, "HTTP/1.1 500 No\r\n");
	feed(&response, "Content-Length: 5\r\n");
	feed(&response, "Content-Range: bytes 0-0/1\r\n");
	feed(&response, "Content-Encoding: gzip\r\n");
	feed(&response, "Retry-After: 5\r\n");
	assert_int_equal(response.status, 206);
	assert_true(response.range.valid);
	assert_int_equal(response.range.total, 10);
	assert_false(response.has_length);
	assert_false(response.has_retry_after);
	assert_string_equal(response.content_encoding, "");
}

static void trailers_are_counted(void)
{
	struct bake_response response = {.status = 200, .complete = true};
	struct bake_error err = BAKE_ERROR_INIT;

	for (int i = 0; i < BAKE_HEADERS_COUNT_MAX; i++)
		feed(&response, "a: b\r\n");
	check_status(bake_response_header(&response, bake_span_text("a: b\r\n"), &err), &err,
		BAKE_ERR_PROTOCOL, "net.headers");
}

static void a_new_status_line_does_not_count_anew(void)
{
	struct bake_response response = {.status = 200};
	struct bake_error err = BAKE_ERROR_INIT;

	for (int i = 0; i < BAKE_HEADERS_COUNT_MAX; i++)
		feed(&response, "HTTP/1.1 100 Continue\r\n");
	check_status(bake_response_header(&response, bake_span_text("HTTP/1.1 200 OK\r\n"), &err),
		&err, BAKE_ERR_PROTOCOL, "net.headers");
}

static void bytes_are_counted(void)
{
	struct bake_response response = {.status = 200};
	struct bake_error err = BAKE_ERROR_INIT;
	_cleanup_free_ char *line = malloc(BAKE_HEADERS_BYTES_MAX);

	assert_non_null(line);
	memset(line, 'x', BAKE_HEADERS_BYTES_MAX);
	check_status(bake_response_header(&response, bake_span(line, BAKE_HEADERS_BYTES_MAX), &err),
		&err, BAKE_OK, NULL);
	check_status(bake_response_header(&response, bake_span(line, 1), &err), &err,
		BAKE_ERR_PROTOCOL, "net.headers");
}

static const struct meaning_row {
	const char *name;
	unsigned status;
	enum bake_status want;
	const char *id;
	bool transient;
} meanings[] = {
	{"400", 400, BAKE_ERR_PROTOCOL, "net.status", false},
	{"401", 401, BAKE_ERR_PERMISSION, "auth.denied", false},
	{"403", 403, BAKE_ERR_PERMISSION, "auth.denied", false},
	{"404", 404, BAKE_ERR_UNAVAILABLE, "net.not-found", false},
	{"407", 407, BAKE_ERR_PERMISSION, "auth.proxy", false},
	{"408", 408, BAKE_ERR_TEMPORARY, "net.timeout", true},
	{"410", 410, BAKE_ERR_UNAVAILABLE, "net.not-found", false},
	{"418", 418, BAKE_ERR_PROTOCOL, "net.status", false},
	{"429", 429, BAKE_ERR_TEMPORARY, "net.rate-limit", true},
	{"500", 500, BAKE_ERR_TEMPORARY, "net.server", true},
	{"501", 501, BAKE_ERR_PROTOCOL, "net.status", false},
	{"502", 502, BAKE_ERR_TEMPORARY, "net.server", true},
	{"503", 503, BAKE_ERR_TEMPORARY, "net.server", true},
	{"504", 504, BAKE_ERR_TEMPORARY, "net.server", true},
};

static void try_meaning(void **state)
{
	const struct meaning_row *row = *state;
	struct bake_response response = {.status = row->status};
	struct bake_error err = BAKE_ERROR_INIT;

	feed(&response, "X-Error-Message: \x1b[2J\r\n");
	feed(&response, "X-Request-Id: id-5\r\n");
	check_status(bake_response_error(&response, "https://u:s3cret@host/a?token=s3cret", &err),
		&err, row->want, row->id);
	assert_int_equal(err.transient, row->transient);
	assert_int_equal(err.detail, row->status);
	assert_null(strstr(err.message, "s3cret"));
	assert_non_null(strstr(err.message, "https://host/a"));
	assert_non_null(strstr(err.message, "id-5"));
}

static void what_only_the_first_hop_says_is_kept(void)
{
	struct bake_response response = {.hops = 1};

	feed(&response, "HTTP/1.1 302 Found\r\n");
	feed(&response, "X-Linked-ETag: \"sha\"\r\n");
	feed(&response, "ETag: \"of-the-text\"\r\n");
	feed(&response, "RateLimit: \"resolvers\";r=7;t=200\r\n");
	feed(&response, "RateLimit-Policy: \"fixed window\";\"resolvers\";q=3000;w=300\r\n");
	assert_string_equal(bake_response_etag(&response)->value, "sha");
	bake_response_forget(&response);
	assert_string_equal(response.etag.value, "");
	feed(&response, "HTTP/1.1 206 Partial Content\r\n");
	feed(&response, "ETag: \"of-the-storage\"\r\n");
	feed(&response, "X-Linked-ETag: \"another\"\r\n");
	feed(&response, "RateLimit: \"storage\";r=9;t=1\r\n");
	assert_string_equal(response.etag.value, "of-the-storage");
	assert_string_equal(bake_response_etag(&response)->value, "sha");
	assert_true(response.ratelimit.present);
	assert_int_equal(response.ratelimit.remaining, 7);
	assert_int_equal(response.ratelimit.reset_s, 200);
	assert_int_equal(response.ratelimit.window_s, 300);
	assert_int_equal(response.hops, 1);
	assert_int_equal(response.header_count, 9);
}

static void without_a_linked_etag_the_own_counts(void)
{
	struct bake_response response = {.status = 200};

	assert_string_equal(bake_response_etag(&response)->value, "");
	feed(&response, "ETag: W/\"x\"\r\n");
	assert_string_equal(bake_response_etag(&response)->value, "x");
	assert_true(bake_response_etag(&response)->weak);
	feed(&response, "ETag: garbage garbage\r\n");
	assert_string_equal(bake_response_etag(&response)->value, "");
}

static const struct asked_row {
	const char *name;
	unsigned status;
	const char *lines[2];
	bool says;
	uint64_t want; /* ms */
	bool transient;
} asked[] = {
	{"nothing is said", 429, {""}, false, 0, true},
	{"garbage", 429, {"Retry-After: soon"}, false, 0, true},
	{"negative", 429, {"Retry-After: -5"}, false, 0, true},
	{"at once", 429, {"Retry-After: 0"}, true, 0, true},
	{"as long as anybody waits", 429, {"Retry-After: 300"}, true, 300000, true},
	{"longer", 429, {"Retry-After: 301"}, true, 301000, false},
	{"10^12", 429, {"Retry-After: 1000000000000"}, true, DAY_MS, false},
	{"10^20", 429, {"Retry-After: 100000000000000000000"}, true, DAY_MS, false},
	{"a date far away", 429, {"Retry-After: Fri, 31 Dec 2399 23:59:59 GMT"}, true, DAY_MS,
		false},
	{"longer, of a server that is down", 503, {"Retry-After: 301"}, true, 301000, false},
	{"until the limit is reset", 429, {"RateLimit: \"a\";r=0;t=55"}, true, 56000, true},
	{"until the limit is reset, too long", 429, {"RateLimit: \"a\";r=0;t=301"}, true, 301000,
		false},
	{"refused with some left", 429, {"RateLimit: \"a\";r=5;t=55"}, false, 0, true},
	{"Retry-After counts more", 429, {"RateLimit: \"a\";r=0;t=999", "Retry-After: 5"}, true,
		5000, true},
	{"also when it comes first", 429, {"Retry-After: 5", "RateLimit: \"a\";r=0;t=999"}, true,
		5000, true},
	{"none left does not explain a server that is down", 503, {"RateLimit: \"a\";r=0;t=999"},
		false, 0, true},
	{"what is final needs no hint", 404, {"Retry-After: 301"}, true, 301000, false},
};

static void try_asked(void **state)
{
	const struct asked_row *row = *state;
	struct bake_response response = {.status = row->status};
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t ms = 0;

	for (size_t i = 0; i < countof(row->lines); i++)
		feed(&response, row->lines[i] ? row->lines[i] : "");
	assert_int_equal(bake_response_wait_ms(&response, &ms), row->says);
	assert_int_equal(ms, row->want);
	(void)bake_response_error(&response, "https://host/", &err);
	if (row->status == 429)
		check_status(err.status, &err, BAKE_ERR_TEMPORARY, "net.rate-limit");
	assert_int_equal(err.transient, row->transient);
	assert_int_equal(err.hint[0] != '\0', row->status != 404 && !row->transient);
}

static void nobody_waits_for_ever(void)
{
	struct bake_response response = {.status = 429};
	struct bake_error err = BAKE_ERROR_INIT;

	feed(&response, "Retry-After: 300\r\n");
	check_status(bake_response_error(&response, "https://host/", &err), &err,
		BAKE_ERR_TEMPORARY, "net.rate-limit");
	assert_true(err.transient);
	feed(&response, "Retry-After: 301\r\n");
	check_status(bake_response_error(&response, "https://host/", &err), &err,
		BAKE_ERR_TEMPORARY, "net.rate-limit");
	assert_false(err.transient);
	assert_non_null(strstr(err.hint, "301"));
}

static void a_date_to_wait_for_is_seen_from_now(void)
{
	struct bake_response response = {.status = 503};
	time_t then = time(NULL) + 100;
	struct tm parts;
	char line[80];

	assert_non_null(gmtime_r(&then, &parts));
	assert_true(strftime(line, sizeof(line), "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n",
			    &parts) > 0);
	feed(&response, line);
	assert_true(response.has_retry_after);
	assert_in_range(response.retry_after_ms, 60000, 100000);
}

/* Half to all of half a second, doubled with each attempt up to 32 s. */
static void waits_grow(void)
{
	uint64_t full = 500;

	for (unsigned attempt = 1; attempt <= 20; attempt++) {
		for (int i = 0; i < 50; i++)
			assert_in_range(bake_retry_wait_ms(attempt, NULL), full / 2, full);
		if (full < 32000)
			full *= 2;
	}
}

static void the_server_decides_the_wait(void)
{
	struct bake_response response = {.has_retry_after = true, .retry_after_ms = 1234};

	assert_int_equal(bake_retry_wait_ms(1, &response), 1234);
	assert_int_equal(bake_retry_wait_ms(9, &response), 1234);
	response.retry_after_ms = 24U * 60 * 60 * 1000;
	assert_int_equal(bake_retry_wait_ms(1, &response), BAKE_RETRY_AFTER_MS_MAX);
	response.has_retry_after = false;
	assert_in_range(bake_retry_wait_ms(1, &response), 250, 500);
}

static const struct scenario others[] = {
	{"link: fits exactly", a_link_fits_exactly},
	{"fields are taken", fields_are_taken},
	{"a status line begins again", a_status_line_begins_again},
	{"a bad range is not no range", a_bad_range_is_not_no_range},
	{"long values are bounded", long_values_are_bounded},
	{"ceiling: lines", lines_are_counted},
	{"trailers say nothing", trailers_say_nothing},
	{"trailers are counted", trailers_are_counted},
	{"ceiling: lines of several answers", a_new_status_line_does_not_count_anew},
	{"ceiling: bytes", bytes_are_counted},
	{"fields: what only the first hop says is kept", what_only_the_first_hop_says_is_kept},
	{"fields: without a linked etag the own counts", without_a_linked_etag_the_own_counts},
	{"error: nobody waits for ever", nobody_waits_for_ever},
	{"retry: a date is seen from now", a_date_to_wait_for_is_seen_from_now},
	{"retry: waits grow", waits_grow},
	{"retry: the server decides", the_server_decides_the_wait},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(ranges, try_range),
		ROWS(waits, try_wait),
		ROWS(links, try_link),
		ROWS(status_lines, try_status_line),
		ROWS(garbage, try_garbage),
		ROWS(meanings, try_meaning),
		ROWS(asked, try_asked),
		ROWS(others, play_scenario),
	};

	return run_rows("net/response", tables, countof(tables));
}
