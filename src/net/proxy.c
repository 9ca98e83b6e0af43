/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/text.h"

static const char *env(const char *lower, const char *upper)
{
	const char *value = getenv(lower);

	if ((!value || !value[0]) && upper)
		value = getenv(upper);
	return value && value[0] ? value : NULL;
}

/* host within the IPv4 network "a.b.c.d/n". */
static bool in_network(const char *host, const char *entry, size_t len)
{
	const char *slash = memchr(entry, '/', len);
	char text[INET_ADDRSTRLEN];
	struct in_addr network;
	struct in_addr address;
	uint64_t bits;
	uint32_t mask;

	if (!slash || (size_t)(slash - entry) >= sizeof(text))
		return false;
	memcpy(text, entry, (size_t)(slash - entry));
	text[slash - entry] = '\0';
	if (!bake_number_parse(slash + 1, len - (size_t)(slash + 1 - entry), &bits) || bits > 32 ||
		inet_pton(AF_INET, text, &network) != 1 || inet_pton(AF_INET, host, &address) != 1)
		return false;
	mask = bits ? htonl(UINT32_MAX << (32 - bits)) : 0;
	return (network.s_addr & mask) == (address.s_addr & mask);
}

/* host is the entry or a name below it; an entry's leading dot says the latter. */
static bool entry_matches(const char *host, const char *entry, size_t len)
{
	size_t host_len = strlen(host);

	if (len == 1 && entry[0] == '*')
		return true;
	if (in_network(host, entry, len))
		return true;
	if (len && entry[0] == '.') {
		entry++;
		len--;
	}
	if (len == 0 || len > host_len || strncasecmp(host + host_len - len, entry, len) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

static bool excepted(const char *host)
{
	const char *at = env("no_proxy", "NO_PROXY");

	while (at && *at) {
		size_t len = strcspn(at, ", ");

		if (len && entry_matches(host, at, len))
			return true;
		at += len;
		at += strspn(at, ", ");
	}
	return false;
}

const char *bake_proxy_for(const struct bake_origin *origin)
{
	const char *proxy = bake_origin_is_https(origin) ? env("https_proxy", "HTTPS_PROXY")
							 : env("http_proxy", NULL);

	if (!proxy)
		proxy = env("all_proxy", "ALL_PROXY");
	return proxy && !excepted(origin->host) ? proxy : NULL;
}
