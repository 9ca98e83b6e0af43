/* SPDX-License-Identifier: Apache-2.0 */
/* Two lines, a URL and a reference: where they lead, and that nothing secret is shown. */
#include "fuzz/fuzz.h"
#include "net/address.h"
#include "net/policy.h"
#include "net/url.h"

static void check_shown(const char *url)
{
	char shown[BAKE_URL_SHOWN];
	const char *authority;

	CLAIM(bake_url_show(url, shown) == shown && strlen(shown) < sizeof(shown));
	for (const char *at = shown; *at; at++)
		CLAIM(*at >= 0x20 && *at < 0x7f);
	CLAIM(!strpbrk(shown, "?#"));
	authority = strstr(shown, "://");
	if (authority && !memchr(shown, '/', (size_t)(authority - shown)))
		CLAIM(!memchr(authority + 3, '@', strcspn(authority + 3, "/")));
}

static void check_origin(const char *url)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_policy policy = {.named_count = 0};
	struct bake_origin origin;
	struct bake_origin again;

	keep(succeeded(bake_url_check_secret(url, &err), &err));
	keep(succeeded(bake_policy_check_url(&policy, NULL, url, &origin, &err), &err));
	if (!succeeded(bake_url_origin(url, &origin, &err), &err))
		return;
	CLAIM(origin.port != 0 && origin.host[0]);
	CLAIM(bake_origin_is_https(&origin) || strcmp(origin.scheme, "http") == 0);
	keep_text(bake_host_private(origin.host));
	if (strlen(origin.host) < 200 &&
		succeeded(bake_url_origin(BAKE_ORIGIN(&origin), &again, &err), &err))
		CLAIM(bake_origin_equal(&origin, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_buf_release) struct bake_buf resolved = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	_cleanup_(bake_buf_release) struct bake_buf escaped = BAKE_BUF_INIT(4U << 20);
	_cleanup_free_ char *text = text_of(data, size);
	struct bake_error err = BAKE_ERROR_INIT;
	char *reference = text;
	const char *url = strsep(&reference, "\n");

	check_shown(url);
	check_origin(url);
	bake_url_escape(&escaped, url, true);
	keep(escaped.len);
	if (!reference)
		return 0;
	check_shown(reference);
	if (!succeeded(bake_url_resolve(url, reference, &resolved, &err), &err))
		return 0;
	check_shown(resolved.ptr);
	check_origin(resolved.ptr);
	return 0;
}
