/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl's failures mean: whose fault, and whether another attempt is worth it. */
#include "unit/rows.h"

#include <string.h>

#include "base/cleanup.h"
#include "net/classify.h"

static const struct code_row {
	const char *name;
	CURLcode code;
	bool answered;
	enum bake_status want;
	const char *id;
	bool transient;
} codes[] = {
	{"refused", CURLE_COULDNT_CONNECT, false, BAKE_ERR_TEMPORARY, "net.connect", true},
	{"timeout before an answer", CURLE_OPERATION_TIMEDOUT, false, BAKE_ERR_TEMPORARY,
		"net.timeout", true},
	{"timeout within an answer", CURLE_OPERATION_TIMEDOUT, true, BAKE_ERR_TEMPORARY,
		"net.stalled", true},
	{"short body", CURLE_PARTIAL_FILE, true, BAKE_ERR_TEMPORARY, "net.short", true},
	{"nothing came", CURLE_GOT_NOTHING, false, BAKE_ERR_TEMPORARY, "net.reset", true},
	{"reset", CURLE_RECV_ERROR, true, BAKE_ERR_TEMPORARY, "net.reset", true},
	{"reset while sending", CURLE_SEND_ERROR, false, BAKE_ERR_TEMPORARY, "net.reset", true},
	{"proxy unknown", CURLE_COULDNT_RESOLVE_PROXY, false, BAKE_ERR_UNAVAILABLE, "net.proxy",
		false},
	{"proxy fails", CURLE_PROXY, false, BAKE_ERR_TEMPORARY, "net.proxy", true},
	{"certificate", CURLE_PEER_FAILED_VERIFICATION, false, BAKE_ERR_PROTOCOL, "tls.verify",
		false},
	{"no certificates of one's own", CURLE_SSL_CACERT_BADFILE, false, BAKE_ERR_PROTOCOL,
		"tls.ca", false},
	{"handshake", CURLE_SSL_CONNECT_ERROR, false, BAKE_ERR_PROTOCOL, "tls.handshake", true},
	{"not HTTP", CURLE_WEIRD_SERVER_REPLY, false, BAKE_ERR_PROTOCOL, "net.http", true},
	{"not HTTP/1", CURLE_UNSUPPORTED_PROTOCOL, false, BAKE_ERR_PROTOCOL, "net.http", false},
	{"memory", CURLE_OUT_OF_MEMORY, false, BAKE_ERR_RESOURCES, "sys.memory", false},
	{"anything else", CURLE_BAD_CONTENT_ENCODING, true, BAKE_ERR_PROTOCOL, "net.transfer",
		false},
};

static const struct bake_origin origin = {.scheme = "https", .host = "a.org", .port = 443};

static void try_code(void **state)
{
	const struct code_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_classify(row->code, &origin, "\x1b[2Jwhy", row->answered, &err), &err,
		row->want, row->id);
	assert_int_equal(err.transient, row->transient);
	assert_non_null(strstr(err.message, "https://a.org"));
	assert_non_null(strstr(err.message, "\\x1b[2Jwhy"));
}

/* What libcurl calls memory within an answer is a header line it does not want to keep. */
static void a_header_line_without_end(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_classify(CURLE_OUT_OF_MEMORY, &origin, "", true, &err), &err,
		BAKE_ERR_PROTOCOL, "net.headers");
	assert_false(err.transient);
}

static void curl_has_words_of_its_own(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_classify(CURLE_PARTIAL_FILE, &origin, "", true, &err), &err,
		BAKE_ERR_TEMPORARY, "net.short");
	assert_non_null(strstr(err.message, curl_easy_strerror(CURLE_PARTIAL_FILE)));
	check_status(bake_classify(CURLE_PEER_FAILED_VERIFICATION, &origin, NULL, false, &err),
		&err, BAKE_ERR_PROTOCOL, "tls.verify");
	assert_non_null(strstr(err.hint, "SSL_CERT_FILE"));
}

/* libcurl does not say whether a name is unknown or could not be looked up; one that resolves now
 * could not be looked up then. */
static void a_name_that_resolves_is_worth_another_attempt(void)
{
	struct bake_origin home = {.scheme = "https", .host = "127.0.0.1", .port = 443};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_classify(CURLE_COULDNT_RESOLVE_HOST, &home, "", false, &err), &err,
		BAKE_ERR_TEMPORARY, "net.dns");
	assert_true(err.transient);
}

/* libcurl calls a header line over its ceiling memory that cannot be had. */
static void a_long_header_line_is_the_server_s_fault(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_classify(CURLE_OUT_OF_MEMORY, &origin, "", true, &err), &err,
		BAKE_ERR_PROTOCOL, "net.headers");
	check_status(bake_classify(CURLE_OUT_OF_MEMORY, &origin, "", false, &err), &err,
		BAKE_ERR_PROTOCOL, "net.headers");
}

/* libcurl quotes the proxy that it does not understand. */
static void a_proxy_is_not_quoted(void)
{
	static const char *const details[] = {
		"Unsupported proxy syntax in 'http://user:s3cret@:bad': Port number was bad",
		"Unsupported proxy syntax in 's3cret'", "no way to u:s3cret@host"};
	struct bake_error err = BAKE_ERROR_INIT;

	for (size_t i = 0; i < countof(details); i++) {
		check_status(bake_classify(
				     CURLE_COULDNT_RESOLVE_PROXY, &origin, details[i], false, &err),
			&err, BAKE_ERR_UNAVAILABLE, "net.proxy");
		assert_null(strstr(err.message, "s3cret"));
		assert_non_null(strstr(err.hint, "$https_proxy"));
	}
}

static const struct connect_row {
	const char *name;
	const char *detail;
	enum bake_status want;
	const char *id;
	bool transient;
} connects[] = {
	{"the proxy asks who we are", "Received HTTP code 407 from proxy after CONNECT",
		BAKE_ERR_PERMISSION, "auth.proxy", false},
	{"the same in a newer version's words", "CONNECT tunnel failed, response 407",
		BAKE_ERR_PERMISSION, "auth.proxy", false},
	{"a text that breaks off", "CONNECT tunnel failed, response ", BAKE_ERR_TEMPORARY,
		"net.reset", true},
	{"the proxy forbids", "Received HTTP code 403 from proxy after CONNECT",
		BAKE_ERR_PERMISSION, "auth.proxy", false},
	{"the proxy refuses", "Received HTTP code 404 from proxy after CONNECT",
		BAKE_ERR_UNAVAILABLE, "net.proxy", false},
	{"the proxy fails", "Received HTTP code 502 from proxy after CONNECT", BAKE_ERR_TEMPORARY,
		"net.proxy", true},
	{"no number", "Received HTTP code x from proxy after CONNECT", BAKE_ERR_TEMPORARY,
		"net.reset", true},
};

static void try_connect(void **state)
{
	const struct connect_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_classify(CURLE_RECV_ERROR, &origin, row->detail, false, &err), &err,
		row->want, row->id);
	assert_int_equal(err.transient, row->transient);
}

static const struct scenario others[] = {
	{"a long header line is the server's fault", a_long_header_line_is_the_server_s_fault},
	{"a proxy is not quoted", a_proxy_is_not_quoted},
	{"curl's own words when there are no better ones", curl_has_words_of_its_own},
	{"a header line without end", a_header_line_without_end},
	{"a name that resolves now", a_name_that_resolves_is_worth_another_attempt},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(codes, try_code),
		ROWS(connects, try_connect),
		ROWS(others, play_scenario),
	};

	return run_rows("net/classify", tables, countof(tables));
}
