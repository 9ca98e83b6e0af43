/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

struct range {
	const char *text;
	unsigned bits;
	const char *kind;
};

static const struct range ranges4[] = {
	{"0.0.0.0", 8, "unspecified"},
	{"10.0.0.0", 8, "private"},
	{"100.64.0.0", 10, "carrier-private"},
	{"127.0.0.0", 8, "loopback"},
	{"169.254.0.0", 16, "link-local"},
	{"172.16.0.0", 12, "private"},
	{"192.0.0.0", 24, "reserved"},
	{"192.0.2.0", 24, "documentation"},
	{"192.168.0.0", 16, "private"},
	{"198.18.0.0", 15, "benchmarking"},
	{"198.51.100.0", 24, "documentation"},
	{"203.0.113.0", 24, "documentation"},
	{"224.0.0.0", 3, "multicast or reserved"},
};

static const struct range ranges6[] = {
	{"::", 128, "unspecified"},
	{"::1", 128, "loopback"},
	{"64:ff9b:1::", 48, "private"},
	{"100::", 64, "discard"},
	{"2001:db8::", 32, "documentation"},
	{"fc00::", 7, "private"},
	{"fe80::", 10, "link-local"},
	{"fec0::", 10, "private"},
	{"ff00::", 8, "multicast"},
};

/* IPv6 prefixes with an IPv4 address behind them, and where in the 16 bytes it begins. */
static const struct {
	const char *text;
	unsigned bits;
	size_t at;
} embedded[] = {
	{"::ffff:0:0", 96, 12}, /* IPv4-mapped */
	{"64:ff9b::", 96, 12},	/* NAT64 */
	{"2002::", 16, 2},	/* 6to4 */
	{"::", 96, 12},		/* IPv4-compatible; after "::" and "::1" were looked at */
};

static bool in_range(const uint8_t *address, int family, const char *prefix, unsigned bits)
{
	uint8_t wanted[16] = {0};
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;

	if (inet_pton(family, prefix, wanted) != 1 || memcmp(address, wanted, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ wanted[whole]) >> (8 - rest) == 0;
}

static const char *private4(const uint8_t *address)
{
	for (size_t i = 0; i < countof(ranges4); i++) {
		if (in_range(address, AF_INET, ranges4[i].text, ranges4[i].bits))
			return ranges4[i].kind;
	}
	return NULL;
}

static const char *private6(const uint8_t *address)
{
	for (size_t i = 0; i < countof(ranges6); i++) {
		if (in_range(address, AF_INET6, ranges6[i].text, ranges6[i].bits))
			return ranges6[i].kind;
	}
	for (size_t i = 0; i < countof(embedded); i++) {
		if (in_range(address, AF_INET6, embedded[i].text, embedded[i].bits))
			return private4(address + embedded[i].at);
	}
	return NULL;
}

const char *bake_address_private(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		return private4((const uint8_t *)&in.sin_addr);
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return private6(in6.sin6_addr.s6_addr);
	}
	return "unknown";
}

const char *bake_host_private(const char *host)
{
	uint8_t bytes[16];

	if (strcmp(host, "localhost") == 0 || bake_text_ends(host, ".localhost"))
		return "loopback";
	if (inet_pton(AF_INET, host, bytes) == 1)
		return private4(bytes);
	if (inet_pton(AF_INET6, host, bytes) == 1)
		return private6(bytes);
	return NULL;
}
