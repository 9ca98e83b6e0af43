/* SPDX-License-Identifier: Apache-2.0 */
#include "net/classify.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "net/response.h"

#define PROXY_HINT                                                                                 \
	"the proxy is named in $https_proxy, $http_proxy or $all_proxy, as http://HOST:PORT"

static const struct {
	CURLcode code;
	enum bake_status status;
	bool transient;
	const char *id;
} codes[] = {
	{CURLE_COULDNT_CONNECT, BAKE_ERR_TEMPORARY, true, "net.connect"},
	{CURLE_COULDNT_RESOLVE_PROXY, BAKE_ERR_UNAVAILABLE, false, "net.proxy"},
	{CURLE_PROXY, BAKE_ERR_TEMPORARY, true, "net.proxy"},
	{CURLE_OPERATION_TIMEDOUT, BAKE_ERR_TEMPORARY, true, "net.timeout"},
	{CURLE_PARTIAL_FILE, BAKE_ERR_TEMPORARY, true, "net.short"},
	{CURLE_GOT_NOTHING, BAKE_ERR_TEMPORARY, true, "net.reset"},
	{CURLE_RECV_ERROR, BAKE_ERR_TEMPORARY, true, "net.reset"},
	{CURLE_SEND_ERROR, BAKE_ERR_TEMPORARY, true, "net.reset"},
	{CURLE_PEER_FAILED_VERIFICATION, BAKE_ERR_PROTOCOL, false, "tls.verify"},
	{CURLE_SSL_CACERT_BADFILE, BAKE_ERR_PROTOCOL, false, "tls.ca"},
	{CURLE_SSL_CONNECT_ERROR, BAKE_ERR_PROTOCOL, true, "tls.handshake"},
	{CURLE_WEIRD_SERVER_REPLY, BAKE_ERR_PROTOCOL, true, "net.http"},
	/* Our own URLs' schemes were checked before: this is an answer in HTTP/0.9 and the like. */
	{CURLE_UNSUPPORTED_PROTOCOL, BAKE_ERR_PROTOCOL, false, "net.http"},
	{CURLE_OUT_OF_MEMORY, BAKE_ERR_RESOURCES, false, "sys.memory"},
};

/* libcurl does not tell a name that does not exist from a resolver that does not answer. */
static enum bake_status classify_name(const struct bake_origin *origin, struct bake_error *err)
{
	struct addrinfo *list = NULL;
	int why = getaddrinfo(origin->host, NULL, NULL, &list);

	if (list)
		freeaddrinfo(list);
	if (why == EAI_NONAME || why == EAI_NODATA)
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "net.dns", "there is no host '%s'",
			BAKE_SHOW(origin->host));
	else
		bake_error_transient(err, BAKE_ERR_TEMPORARY, "net.dns",
			"the name '%s' could not be looked up", BAKE_SHOW(origin->host));
	return bake_error_hint(err, "is there a network here? a proxy is named in $https_proxy, "
				    "another Hub with --endpoint");
}

/* More than libcurl lets one header line have. */
enum {
	LINE_BYTES = 1024 * 1024
};

static bool memory_left(void)
{
	void *volatile piece = malloc(LINE_BYTES);
	bool left = piece != NULL;

	free(piece);
	return left;
}

/* For libcurl a header line over its ceiling is memory that cannot be had. It has nothing to say
 * of that, and words of its own where memory is short for another reason. */
static bool is_long_line(CURLcode code, const char *detail, bool answered)
{
	return code == CURLE_OUT_OF_MEMORY && (answered || !detail[0]) && memory_left();
}

/* What a proxy answers to CONNECT is in the text only, in that of one version or of another; 0
 * when this is not about that. */
static unsigned connect_answer(const char *detail)
{
	static const char *const before[] = {"CONNECT tunnel failed, response ", "HTTP code "};
	uint64_t answer = 0;

	for (size_t i = 0; i < countof(before) && strstr(detail, "CONNECT"); i++) {
		const char *at = strstr(detail, before[i]);

		if (at && strlen(at + strlen(before[i])) >= 3 &&
			bake_number_parse(at + strlen(before[i]), 3, &answer))
			return (unsigned)answer;
	}
	return 0;
}

static enum bake_status classify_connect(
	const struct bake_origin *origin, unsigned answer, struct bake_error *err)
{
	if (answer == 407) {
		bake_error_set(err, BAKE_ERR_PERMISSION, "auth.proxy",
			"the proxy for %s answers 407: it wants to know who you are",
			BAKE_ORIGIN(origin));
		return bake_error_hint(err, BAKE_PROXY_AUTH_HINT);
	}
	if (answer >= 500)
		return bake_error_transient(err, BAKE_ERR_TEMPORARY, "net.proxy",
			"the proxy for %s answers %u", BAKE_ORIGIN(origin), answer);
	bake_error_set(err, answer == 403 ? BAKE_ERR_PERMISSION : BAKE_ERR_UNAVAILABLE,
		answer == 403 ? "auth.proxy" : "net.proxy",
		"the proxy refuses to connect to %s: it answers %u", BAKE_ORIGIN(origin), answer);
	return bake_error_hint(err, PROXY_HINT);
}

static enum bake_status add_hint(CURLcode code, struct bake_error *err)
{
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		return bake_error_hint(err, "is ca-certificates installed? is the clock right? "
					    "another CA file can be named in SSL_CERT_FILE");
	if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY)
		return bake_error_hint(err, PROXY_HINT);
	if (code == CURLE_COULDNT_CONNECT)
		return bake_error_hint(err, "is there a network here? a proxy is named in "
					    "$https_proxy, another Hub with --endpoint");
	return err->status;
}

enum bake_status bake_classify(CURLcode code, const struct bake_origin *origin, const char *detail,
	bool answered, struct bake_error *err)
{
	enum bake_status status = BAKE_ERR_PROTOCOL;
	const char *id = "net.transfer";
	bool transient = false;

	if (!detail)
		detail = "";
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return classify_name(origin, err);
	if (connect_answer(detail))
		return classify_connect(origin, connect_answer(detail), err);
	if (is_long_line(code, detail, answered))
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.headers",
			"%s sends a header line longer than any server needs", BAKE_ORIGIN(origin));
	for (size_t i = 0; i < countof(codes); i++) {
		if (codes[i].code == code) {
			status = codes[i].status;
			id = codes[i].id;
			transient = codes[i].transient;
		}
	}
	if (code == CURLE_OPERATION_TIMEDOUT && answered)
		id = "net.stalled";
	/* A proxy that cannot be understood is quoted with its password. */
	if (!detail[0] || strchr(detail, '@') || strstr(detail, "proxy syntax"))
		detail = curl_easy_strerror(code);
	bake_error_set(err, status, id, "%s: %s", BAKE_ORIGIN(origin), BAKE_SHOW(detail));
	err->transient = transient;
	return add_hint(code, err);
}
