/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: whose they are, where references lead, what may be shown of them. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "net/url.h"

#define X10  "xxxxxxxxxx"
#define X50  X10 X10 X10 X10 X10
#define X250 X50 X50 X50 X50 X50

static const struct origin_row {
	const char *name;
	const char *url;
	enum bake_status want;
	const char *id;
	const char *scheme;
	const char *host;
	uint16_t port;
	const char *shown;
} origins[] = {
	{"https", "https://huggingface.co/a/b", BAKE_OK, NULL, "https", "huggingface.co", 443,
		"https://huggingface.co"},
	{"http", "http://host", BAKE_OK, NULL, "http", "host", 80, "http://host"},
	{"a port", "https://host:8443/", BAKE_OK, NULL, "https", "host", 8443, "https://host:8443"},
	{"the usual port, written", "https://host:443/", BAKE_OK, NULL, "https", "host", 443,
		"https://host"},
	{"the other scheme's port", "http://host:443/", BAKE_OK, NULL, "http", "host", 443,
		"http://host:443"},
	{"capitals", "HTTPS://HOST.Example/", BAKE_OK, NULL, "https", "host.example", 443,
		"https://host.example"},
	{"IPv4", "http://127.0.0.1:1/", BAKE_OK, NULL, "http", "127.0.0.1", 1,
		"http://127.0.0.1:1"},
	{"IPv6", "http://[::1]:8080/x", BAKE_OK, NULL, "http", "::1", 8080, "http://[::1]:8080"},
	{"a query behind the host", "https://host?x=/@y", BAKE_OK, NULL, "https", "host", 443,
		"https://host"},
	{"an at sign in the path", "https://host/a@b", BAKE_OK, NULL, "https", "host", 443,
		"https://host"},
	{"greatest port", "https://host:65535/", BAKE_OK, NULL, "https", "host", 65535,
		"https://host:65535"},

	{"ftp", "ftp://host/x", BAKE_ERR_POLICY, "policy.scheme", "", "", 0, ""},
	{"file", "file:///etc/passwd", BAKE_ERR_POLICY, "policy.scheme", "", "", 0, ""},
	{"gopher", "gopher://host/x", BAKE_ERR_POLICY, "policy.scheme", "", "", 0, ""},
	{"something new", "unix://host/x", BAKE_ERR_POLICY, "policy.scheme", "", "", 0, ""},
	{"empty", "", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"no scheme", "host/x", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"no host", "https://", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"a path alone", "/x", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"a user", "https://user@host/", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"a password", "https://user:secret@host/", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"port 0", "https://host:0/", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"port 65536", "https://host:65536/", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"a port of letters", "https://host:http/", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"a blank in the host", "https://ho st/", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"a newline", "https://host/\r\nHost: evil", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
	{"an IPv6 address never closed", "http://[::1/x", BAKE_ERR_DATA, "url.format", "", "", 0,
		""},
	{"a host too long", "https://" X250 X10 "/", BAKE_ERR_DATA, "url.format", "", "", 0, ""},
};

static void try_origin(void **state)
{
	const struct origin_row *row = *state;
	struct bake_origin origin = {.port = 0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_url_origin(row->url, &origin, &err), &err, row->want, row->id);
	assert_string_equal(origin.scheme, row->scheme);
	assert_string_equal(origin.host, row->host);
	assert_int_equal(origin.port, row->port);
	assert_null(strstr(err.message, "secret"));
	if (row->want != BAKE_OK)
		return;
	assert_string_equal(BAKE_ORIGIN(&origin), row->shown);
	assert_int_equal(bake_origin_is_https(&origin), strcmp(row->scheme, "https") == 0);
}

static const struct equal_row {
	const char *name;
	const char *a;
	const char *b;
	bool want;
} equals[] = {
	{"the same", "https://a/x", "https://a/y?z", true},
	{"the usual port", "https://a/", "https://a:443/", true},
	{"capitals", "https://A/", "https://a/", true},
	{"another port", "https://a/", "https://a:444/", false},
	{"another scheme", "https://a:80/", "http://a:80/", false},
	{"another host", "https://a/", "https://b/", false},
	{"a subdomain", "https://a.org/", "https://x.a.org/", false},
	{"a longer name", "https://a.org/", "https://a.org.evil/", false},
};

static void try_equal(void **state)
{
	const struct equal_row *row = *state;
	struct bake_origin a;
	struct bake_origin b;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_url_origin(row->a, &a, &err), &err, BAKE_OK, NULL);
	check_status(bake_url_origin(row->b, &b, &err), &err, BAKE_OK, NULL);
	assert_int_equal(bake_origin_equal(&a, &b), row->want);
}

static const struct resolve_row {
	const char *name;
	const char *base;
	const char *reference;
	const char *want; /* NULL: net.location */
} resolves[] = {
	{"absolute", "https://a/x/y?q", "https://b/z?r", "https://b/z?r"},
	{"absolute path", "https://a:8443/x/y?q", "/z?r", "https://a:8443/z?r"},
	{"relative path", "https://a/x/y?q", "z", "https://a/x/z"},
	{"up", "https://a/x/y/z", "../w", "https://a/x/w"},
	{"up too far", "https://a/x", "../../../w", "https://a/w"},
	{"query alone", "https://a/x?q", "?r", "https://a/x?r"},
	{"same scheme, another host", "https://a/x", "//b/y", "https://b/y"},
	{"downgrade is judged elsewhere", "https://a/x", "http://a/x", "http://a/x"},
	{"another scheme is judged elsewhere", "https://a/x", "ftp://b/y", "ftp://b/y"},
	{"what the hub answers", "https://hf.co/o/n/resolve/main/a.json",
		"/api/resolve-cache/models/o/n/c/a.json?etag=%22x%22",
		"https://hf.co/api/resolve-cache/models/o/n/c/a.json?etag=%22x%22"},
	{"a blank becomes an escape", "https://a/x", "/a b", "https://a/a%20b"},
	{"a user", "https://a/x", "https://u:secret@b/", NULL},
	{"no host", "https://a/x", "https://", NULL},
	{"a bad port", "https://a/x", "https://b:99999/", NULL},
	{"a bad base", "a/x", "/y", NULL},
	{"a base with a user", "https://u:secret@a/x", "/y", NULL},
};

static void try_resolve(void **state)
{
	const struct resolve_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	struct bake_error err = BAKE_ERROR_INIT;

	bake_buf_text(&buf, "what was there");
	check_status(bake_url_resolve(row->base, row->reference, &buf, &err), &err,
		row->want ? BAKE_OK : BAKE_ERR_PROTOCOL, "net.location");
	assert_string_equal(buf.ptr, row->want ? row->want : "what was there");
	assert_null(strstr(err.message, "secret"));
}

/* libcurl takes them for no URLs at all; what they are is a scheme that is not followed. */
static void a_foreign_scheme_is_told_from_nonsense(void)
{
	static const char *const references[] = {
		"data:text/plain,x", "http+unix://%2Frun%2Fx.sock/", "h2:x y"};
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(BAKE_NET_URL_MAX);

	for (size_t i = 0; i < countof(references); i++) {
		struct bake_error err = BAKE_ERROR_INIT;

		check_status(bake_url_resolve("https://a/", references[i], &buf, &err), &err,
			BAKE_ERR_POLICY, "policy.scheme");
	}
}

static void a_reference_has_a_ceiling(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	_cleanup_free_ char *reference = malloc(BAKE_NET_URL_MAX + 2);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_origin origin;

	assert_non_null(reference);
	memset(reference, 'x', BAKE_NET_URL_MAX + 1);
	reference[BAKE_NET_URL_MAX + 1] = '\0';
	check_status(bake_url_resolve("https://a/", reference, &buf, &err), &err, BAKE_ERR_PROTOCOL,
		"net.location");
	memcpy(reference, "https://a/", 10);
	check_status(bake_url_origin(reference, &origin, &err), &err, BAKE_ERR_DATA, "url.format");
}

static const struct escape_row {
	const char *name;
	const char *text;
	const char *kept; /* with slashes */
	const char *want; /* without */
} escapes[] = {
	{"nothing", "", "", ""},
	{"what needs none", "aZ09-._~", "aZ09-._~", "aZ09-._~"},
	{"slashes", "refs/pr/1", "refs/pr/1", "refs%2Fpr%2F1"},
	{"delimiters", "a b?c#d&e=f+g%h", "a%20b%3Fc%23d%26e%3Df%2Bg%25h",
		"a%20b%3Fc%23d%26e%3Df%2Bg%25h"},
	{"brackets and quotes", "[\"<\\>\"]", "%5B%22%3C%5C%3E%22%5D", "%5B%22%3C%5C%3E%22%5D"},
	{"UTF-8", "\xc3\xa4", "%C3%A4", "%C3%A4"},
	{"control characters", "\r\n\x7f", "%0D%0A%7F", "%0D%0A%7F"},
	{"an escape is escaped again", "%2e%2e", "%252e%252e", "%252e%252e"},
};

static void try_escape(void **state)
{
	const struct escape_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf kept = BAKE_BUF_INIT(1000);
	_cleanup_(bake_buf_release) struct bake_buf all = BAKE_BUF_INIT(1000);

	bake_buf_text(&kept, ">");
	bake_buf_text(&all, ">");
	bake_url_escape(&kept, row->text, true);
	bake_url_escape(&all, row->text, false);
	assert_string_equal(kept.ptr + 1, row->kept);
	assert_string_equal(all.ptr + 1, row->want);
}

static const struct secret_row {
	const char *name;
	const char *url;
	bool bad;
} secrets[] = {
	{"a plain one", "https://host/a/b", false},
	{"a harmless query", "https://host/a?download=true&x=y", false},
	{"an at sign in the path", "https://host/a@b", false},
	{"an at sign in the query", "https://host/a?x=@b", false},
	{"the word alone", "https://host/a?token", false},
	{"the word as a value", "https://host/a?x=token", false},
	{"the word in the path", "https://host/token=5", false},
	{"a longer word", "https://host/a?tokenizer=bpe", false},
	{"a user", "https://s3cret@host/a", true},
	{"a user and a password", "https://user:s3cret@host/a", true},
	{"a password with an at sign", "https://user:s3cret@s3cret@host/a", true},
	{"a user without a path", "https://s3cret@host", true},
	{"a user behind two schemes", "https:https://user:s3cret@host/a", true},
	{"a user behind one slash", "https:/user:s3cret@host/a", true},
	{"a user behind three slashes", "https:///user:s3cret@host/a", true},
	{"a user without a scheme", "//user:s3cret@host/a", true},
	{"a token", "https://host/a?token=s3cret", true},
	{"a token in capitals", "https://host/a?TOKEN=s3cret", true},
	{"an access token behind others", "https://host/a?x=y&access_token=s3cret", true},
	{"a key", "https://host/a?key=s3cret", true},
	{"an api key", "https://host/a?api_key=s3cret", true},
	{"a password in the query", "https://host/a?password=s3cret", true},
	{"Azure's signature", "https://host/a?sv=1&sig=s3cret&se=2", true},
	{"Amazon's signature", "https://host/a?X-Amz-Signature=s3cret", true},
	{"Amazon's token", "https://host/a?X-Amz-Security-Token=s3cret", true},
	{"Google's signature", "https://host/a?X-Goog-Signature=s3cret", true},
	{"CloudFront's signature", "https://host/a?Expires=1&Signature=s3cret&Key-Pair-Id=k", true},
	{"a token without a value", "https://host/a?token=", true},
};

static void try_secret(void **state)
{
	const struct secret_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_url_check_secret(row->url, &err), &err,
		row->bad ? BAKE_ERR_POLICY : BAKE_OK, "policy.secret-in-url");
	assert_null(strstr(err.message, "s3cret"));
	assert_int_equal(err.hint[0] != '\0', row->bad);
}

static const struct show_row {
	const char *name;
	const char *url;
	const char *want;
} shows[] = {
	{"a plain one", "https://host/a/b", "https://host/a/b"},
	{"query and fragment are cut", "https://host/a?token=s3cret#x", "https://host/a"},
	{"fragment is cut", "https://host/a#s3cret", "https://host/a"},
	{"a user is cut", "https://user:s3cret@host/a", "https://host/a"},
	{"a password with an at sign is cut", "https://user:p@s3cret@host/a", "https://host/a"},
	{"a user behind two schemes is cut", "https:ttps://user:s3cret@host/a", "host/a"},
	{"a user behind one slash is cut", "https:/user:s3cret@host/a", "host/a"},
	{"a user behind three slashes is cut", "https:///user:s3cret@host/a", "https://host/a"},
	{"a user without a scheme is cut", "//user:s3cret@host/a", "host/a"},
	{"what may be a password is cut of what is no URL", "/a:/b@c", "c"},
	{"a path keeps its at sign", "https://host/a@b", "https://host/a@b"},
	{"a path alone", "/a/b?c=s3cret", "/a/b"},
	{"control characters", "https://host/\x1b[2J\n", "https://host/\\x1b[2J\\x0a"},
	{"control characters for a scheme", "\x1b[2J://host/a", "\\x1b[2J://host/a"},
	{"bytes above ASCII for a scheme",
		"\x9b"
		"2J://host/a",
		"\\x9b2J://host/a"},
	{"a query before what looks like a scheme", "/a?k=s3cret://x", "/a"},
	{"a user before no host", "http://user:s3cret@:bad", "http://:bad"},
	{"a user before no port", "http://user:s3cret@host:bad/x", "http://host:bad/x"},
	{"a password with a slash", "http://user:s3c/s3cret@host/a", "http://host/a"},
	{"a password with a slash, like a port", "http://user:12/s3cret@host/a", "http://host/a"},
	{"a password with a query", "http://user:s3?s3cret@host/a", "http://host/a"},
	{"a password with a fragment", "http://user:s3#s3cret@host/a", "http://host/a"},
	{"a password with a blank", "http://user:s3 s3cret@host/a", "http://host/a"},
	{"a password without a scheme", "user:s3cret@host", "host"},
	{"a password behind one slash", "http:/user:s3cret@host", "host"},
	{"a password behind three slashes", "http:///user:s3cret@host", "http://host"},
	{"a path keeps its at sign behind a user", "https://s3cret@host/a@b", "https://host/a@b"},
	{"an IPv6 address", "http://u:s3cret@[::1]:80/a", "http://[::1]:80/a"},
	{"empty", "", ""},
};

static void try_show(void **state)
{
	const struct show_row *row = *state;
	char text[BAKE_URL_SHOWN];

	assert_ptr_equal(bake_url_show(row->url, text), text);
	assert_string_equal(text, row->want);
}

static void long_urls_are_cut(void)
{
	char text[BAKE_URL_SHOWN];

	(void)bake_url_show("https://" X250 X250, text);
	assert_in_range(strlen(text), 200, BAKE_URL_SHOWN - 1);
	assert_string_equal(text + strlen(text) - 3, "...");
}

static const struct scenario others[] = {
	{"resolve: a foreign scheme", a_foreign_scheme_is_told_from_nonsense},
	{"resolve: there is a ceiling", a_reference_has_a_ceiling},
	{"show: long ones are cut", long_urls_are_cut},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(origins, try_origin),
		ROWS(equals, try_equal),
		ROWS(resolves, try_resolve),
		ROWS(escapes, try_escape),
		ROWS(secrets, try_secret),
		ROWS(shows, try_show),
		ROWS(others, play_scenario),
	};

	return run_rows("net/url", tables, countof(tables));
}
