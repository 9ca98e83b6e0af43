/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says: its target with the query, Host, Origin, Authorization, the headers that choose
 * a representation. */
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "http/listen.h"
#include "http/message.h"
#include "http/probe.h"

static const char *const names[] = {"model", "context", NULL};

static void claim_inside(struct bake_span part, const char *text, size_t size)
{
	if (!part.len)
		return;
	CLAIM((const char *)part.ptr >= text);
	CLAIM((const char *)part.ptr + part.len <= text + size);
}

static void try_target(const char *text, size_t size)
{
	char value[BAKE_HTTP_QUERY_VALUE_MAX + 1];
	struct bake_http_target target;
	bool bad = false;

	if (!bake_http_target_parse(text, size, &target))
		return;
	CLAIM(size <= BAKE_HTTP_TARGET_MAX && target.path.len && target.path.ptr[0] == '/');
	claim_inside(target.path, text, size);
	claim_inside(target.query, text, size);
	keep(bake_http_query_known(target.query, names));
	for (size_t i = 0; names[i]; i++) {
		bool found = bake_http_query_find(target.query, names[i], value, &bad);

		CLAIM(!(found && bad));
		if (found)
			CLAIM(bake_utf8_valid(value, strlen(value)));
	}
}

static void try_host(const char *text, size_t size)
{
	struct bake_span name;

	if (bake_http_host_parse(text, size, &name)) {
		CLAIM(name.len);
		claim_inside(name, text, size);
		keep(bake_http_host_is_loopback(name));
		keep(bake_http_host_equal(name, "localhost"));
	}
	if (bake_http_origin_host(text, size, &name))
		claim_inside(name, text, size);
}

static void try_addresses(const char *text)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_http_address address;
	struct bake_http_place place;

	if (succeeded(bake_http_address_parse(text, &address, &err), &err))
		CLAIM(address.host[0]);
	if (succeeded(bake_http_place_parse(text, &place, &err), &err))
		CLAIM(place.address.host[0] && place.target[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size);
	/* Without a NUL behind it, so that reading on is seen. */
	_cleanup_free_ char *bare = malloc(size ? size : 1);
	static const char token[] = "0123456789abcdef";
	unsigned status;
	bool right;

	CLAIM(bare);
	memcpy(bare, text, size);
	try_target(bare, size);
	try_host(bare, size);
	try_addresses(text);
	right = size == 7 + sizeof(token) - 1 && memcmp(bare + 7, token, sizeof(token) - 1) == 0;
	if (bake_http_bearer_matches(bare, size, token))
		CLAIM(right);
	keep(bake_http_tag_matches(bare, size, "\"a\""));
	keep(bake_http_takes_gzip(bare, size));
	keep(bake_http_is_json(bare, size));
	keep(bake_http_is_value(bare, size));
	if (bake_http_is_token(bare, size))
		CLAIM(bake_http_is_value(bare, size) && size);
	if (bake_http_status_parse(bare, size, &status))
		CLAIM(status >= 100 && status <= 999);
	return 0;
}
