/* SPDX-License-Identifier: Apache-2.0 */
#include "net/classify.h"

#include <netdb.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

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
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "net.dns", "there is no host '%s'",
			BAKE_SHOW(origin->host));
	return bake_error_transient(err, BAKE_ERR_TEMPORARY, "net.dns",
		"the name '%s' could not be looked up", BAKE_SHOW(origin->host));
}

enum bake_status bake_classify(CURLcode code, const struct bake_origin *origin, const char *detail,
	bool answered, struct bake_error *err)
{
	enum bake_status status = BAKE_ERR_PROTOCOL;
	const char *id = "net.transfer";
	bool transient = false;

	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return classify_name(origin, err);
	for (size_t i = 0; i < countof(codes); i++) {
		if (codes[i].code == code) {
			status = codes[i].status;
			id = codes[i].id;
			transient = codes[i].transient;
		}
	}
	if (code == CURLE_OPERATION_TIMEDOUT && answered)
		id = "net.stalled";
	bake_error_set(err, status, id, "%s: %s", BAKE_ORIGIN(origin),
		BAKE_SHOW(detail && detail[0] ? detail : curl_easy_strerror(code)));
	err->transient = transient;
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		bake_error_hint(err, "is ca-certificates installed? another CA file can be named "
				     "in SSL_CERT_FILE");
	return status;
}
