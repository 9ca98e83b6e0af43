/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses are private, and where a request may go. */
#include "unit/rows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "net/address.h"
#include "net/policy.h"

static const struct address_row {
	const char *name;
	const char *address;
	const char *kind; /* NULL: public */
} addresses[] = {
	{"public IPv4", "93.184.216.34", NULL},
	{"unspecified", "0.0.0.0", "unspecified"},
	{"this network", "0.255.255.255", "unspecified"},
	{"first behind this network", "1.0.0.0", NULL},
	{"10/8, last before", "9.255.255.255", NULL},
	{"10/8, first", "10.0.0.0", "private"},
	{"10/8, last", "10.255.255.255", "private"},
	{"10/8, first behind", "11.0.0.0", NULL},
	{"100.64/10, last before", "100.63.255.255", NULL},
	{"100.64/10, first", "100.64.0.0", "carrier-private"},
	{"100.64/10, last", "100.127.255.255", "carrier-private"},
	{"100.64/10, first behind", "100.128.0.0", NULL},
	{"loopback", "127.0.0.1", "loopback"},
	{"loopback, last", "127.255.255.255", "loopback"},
	{"first behind loopback", "128.0.0.0", NULL},
	{"cloud metadata", "169.254.169.254", "link-local"},
	{"169.254/16, last before", "169.253.255.255", NULL},
	{"172.16/12, last before", "172.15.255.255", NULL},
	{"172.16/12, first", "172.16.0.0", "private"},
	{"172.16/12, last", "172.31.255.255", "private"},
	{"172.16/12, first behind", "172.32.0.0", NULL},
	{"192.0.0/24", "192.0.0.8", "reserved"},
	{"192.0.1/24", "192.0.1.0", NULL},
	{"192.168/16, first", "192.168.0.0", "private"},
	{"192.168/16, last", "192.168.255.255", "private"},
	{"192.168/16, first behind", "192.169.0.0", NULL},
	{"198.18/15, first", "198.18.0.0", "benchmarking"},
	{"198.18/15, last", "198.19.255.255", "benchmarking"},
	{"198.18/15, first behind", "198.20.0.0", NULL},
	{"last before multicast", "223.255.255.255", NULL},
	{"multicast", "224.0.0.1", "multicast or reserved"},
	{"reserved", "240.0.0.1", "multicast or reserved"},
	{"broadcast", "255.255.255.255", "multicast or reserved"},

	{"public IPv6", "2606:4700::6810:85e5", NULL},
	{"IPv6 unspecified", "::", "unspecified"},
	{"IPv6 loopback", "::1", "loopback"},
	{"unique local, first", "fc00::", "private"},
	{"unique local, last", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"},
	{"last before unique local", "fbff::1", NULL},
	{"link-local, first", "fe80::1", "link-local"},
	{"link-local, last", "febf:ffff::1", "link-local"},
	{"site-local", "fec0::1", "private"},
	{"multicast IPv6", "ff02::1", "multicast"},
	{"mapped loopback", "::ffff:127.0.0.1", "loopback"},
	{"mapped private", "::ffff:10.1.2.3", "private"},
	{"mapped metadata", "::ffff:169.254.169.254", "link-local"},
	{"mapped public", "::ffff:93.184.216.34", NULL},
	{"NAT64 loopback", "64:ff9b::127.0.0.1", "loopback"},
	{"NAT64 private", "64:ff9b::192.168.1.1", "private"},
	{"NAT64 public", "64:ff9b::93.184.216.34", NULL},
	{"6to4 private", "2002:c0a8:0101::1", "private"},
	{"6to4 loopback", "2002:7f00:0001::", "loopback"},
	{"6to4 public", "2002:5db8:d822::1", NULL},
	{"IPv4-compatible loopback", "::127.0.0.1", "loopback"},
	{"IPv4-compatible public", "::93.184.216.34", NULL},
};

static void parse_address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(out, &in, sizeof(in));
		return;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	memcpy(out, &in6, sizeof(in6));
}

static void same_kind(const char *got, const char *want)
{
	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, want);
}

static void try_address(void **state)
{
	const struct address_row *row = *state;
	struct sockaddr_storage address;

	parse_address(row->address, &address);
	same_kind(bake_address_private((const struct sockaddr *)&address), row->kind);
	same_kind(bake_host_private(row->address), row->kind);
}

/* What the IANA special-purpose registries list as not globally reachable beyond the above: any
 * kind will do. */
static const struct address_row special[] = {
	{"documentation 1", "192.0.2.1", ""},
	{"documentation 2", "198.51.100.1", ""},
	{"documentation 3", "203.0.113.1", ""},
	{"documentation IPv6", "2001:db8::1", ""},
	{"local-use NAT64 (RFC 8215)", "64:ff9b:1::a00:1", ""},
	{"discard only", "100::1", ""},
};

static void try_special(void **state)
{
	const struct address_row *row = *state;

	assert_non_null(bake_host_private(row->address));
}

static const struct address_row hosts[] = {
	{"localhost", "localhost", "loopback"},
	{"a name below localhost", "x.localhost", "loopback"},
	{"a name that ends like it", "notlocalhost", NULL},
	{"a name that begins like it", "localhost.example.org", NULL},
	{"a name", "huggingface.co", NULL},
	{"a name like an address", "10.0.0.1.example.org", NULL},
	{"empty", "", NULL},
};

static void try_host(void **state)
{
	const struct address_row *row = *state;

	same_kind(bake_host_private(row->address), row->kind);
}

static void another_family_is_not_public(void)
{
	struct sockaddr_storage address = {.ss_family = AF_UNIX};

	assert_non_null(bake_address_private((const struct sockaddr *)&address));
}

static const struct url_row {
	const char *name;
	const char *named; /* by the user; NULL: nothing */
	bool allow_http;
	bool allow_private;
	const char *from;
	const char *url;
	const char *id; /* NULL: it may */
} urls[] = {
	{"https", NULL, false, false, NULL, "https://a.org/x", NULL},
	{"http", NULL, false, false, NULL, "http://a.org/x", "policy.http"},
	{"http, allowed", NULL, true, false, NULL, "http://a.org/x", NULL},
	{"http, named", "http://a.org/", false, false, NULL, "http://a.org/x", NULL},
	{"http, another one named", "http://b.org/", false, false, NULL, "http://a.org/x",
		"policy.http"},
	{"http, named at another port", "http://a.org:81/", false, false, NULL, "http://a.org/x",
		"policy.http"},
	{"http, named with https", "https://a.org/", false, false, NULL, "http://a.org/x",
		"policy.http"},
	{"http from http, named", "http://a.org/", false, false, "http://a.org/", "http://a.org/x",
		NULL},
	{"http from http to another", "http://a.org/", false, false, "http://a.org/",
		"http://b.org/x", "policy.http"},
	{"https from http", "http://a.org/", false, false, "http://a.org/", "https://b.org/", NULL},
	{"downgrade", NULL, false, false, "https://a.org/", "http://a.org/x", "policy.downgrade"},
	{"downgrade, http allowed", NULL, true, false, "https://a.org/", "http://a.org/x",
		"policy.downgrade"},
	{"downgrade, named", "http://a.org/", false, false, "https://b.org/", "http://a.org/x",
		"policy.downgrade"},
	{"ftp", NULL, true, true, NULL, "ftp://a.org/x", "policy.scheme"},
	{"file", NULL, true, true, "https://a.org/", "file:///etc/passwd", "policy.scheme"},
	{"loopback", NULL, false, false, NULL, "https://127.0.0.1/x", "policy.private-address"},
	{"localhost", NULL, false, false, NULL, "https://localhost/x", "policy.private-address"},
	{"localhost in capitals", NULL, false, false, NULL, "https://LOCALHOST/x",
		"policy.private-address"},
	{"IPv6 loopback", NULL, false, false, NULL, "https://[::1]/x", "policy.private-address"},
	{"mapped loopback", NULL, false, false, NULL, "https://[::ffff:127.0.0.1]/x",
		"policy.private-address"},
	{"metadata, by a redirect", NULL, false, false, "https://a.org/",
		"https://169.254.169.254/", "policy.private-address"},
	{"metadata over http is http first", NULL, false, false, NULL, "http://169.254.169.254/",
		"policy.http"},
	{"http does not mean private", NULL, true, false, NULL, "http://127.0.0.1/x",
		"policy.private-address"},
	{"private, allowed", NULL, false, true, NULL, "https://10.0.0.1/x", NULL},
	{"private does not mean http", NULL, false, true, NULL, "http://10.0.0.1/x", "policy.http"},
	{"private, named", "http://127.0.0.1:8080/", false, false, NULL, "http://127.0.0.1:8080/x",
		NULL},
	{"a neighbour of a private one that is named", "https://127.0.0.1:8080/", false, false,
		NULL, "https://10.0.0.1/x", NULL},
	{"a public one named opens nothing private", "https://b.org/", false, false, NULL,
		"https://10.0.0.1/x", "policy.private-address"},
};

static struct bake_policy policy_of(const char *named, bool allow_http, bool allow_private)
{
	struct bake_policy policy = {.allow_http = allow_http, .allow_private = allow_private};
	struct bake_error err = BAKE_ERROR_INIT;

	if (named)
		check_status(bake_policy_name(&policy, named, &err), &err, BAKE_OK, NULL);
	return policy;
}

static void try_url(void **state)
{
	const struct url_row *row = *state;
	struct bake_policy policy = policy_of(row->named, row->allow_http, row->allow_private);
	struct bake_origin origin = {.port = 0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_policy_check_url(&policy, row->from, row->url, &origin, &err), &err,
		row->id ? BAKE_ERR_POLICY : BAKE_OK, row->id);
	assert_int_equal(origin.port != 0, row->id == NULL);
}

static const struct connect_row {
	const char *name;
	const char *named;
	bool allow_private;
	const char *url;
	const char *address;
	const char *id;
} connects[] = {
	{"public", NULL, false, "https://a.org/", "93.184.216.34", NULL},
	{"a name that leads home (rebinding)", NULL, false, "https://a.org/", "127.0.0.1",
		"policy.private-address"},
	{"a name that leads to metadata", NULL, false, "https://a.org/", "169.254.169.254",
		"policy.private-address"},
	{"a name that leads home, mapped", NULL, false, "https://a.org/", "::ffff:127.0.0.1",
		"policy.private-address"},
	{"allowed", NULL, true, "https://a.org/", "127.0.0.1", NULL},
	{"named", "https://a.org/", false, "https://a.org/", "192.168.1.1", NULL},
	{"another one named", "https://b.org/", false, "https://a.org/", "192.168.1.1",
		"policy.private-address"},
	{"named at another port", "https://a.org:444/", false, "https://a.org/", "192.168.1.1",
		"policy.private-address"},
	{"a private one named", "https://10.0.0.1/", false, "https://a.org/", "192.168.1.1", NULL},
};

static void try_connect(void **state)
{
	const struct connect_row *row = *state;
	struct bake_policy policy = policy_of(row->named, false, row->allow_private);
	struct sockaddr_storage address;
	struct bake_origin origin;
	struct bake_error err = BAKE_ERROR_INIT;

	parse_address(row->address, &address);
	check_status(bake_url_origin(row->url, &origin, &err), &err, BAKE_OK, NULL);
	check_status(bake_policy_check_address(
			     &policy, &origin, (const struct sockaddr *)&address, &err),
		&err, row->id ? BAKE_ERR_POLICY : BAKE_OK, row->id);
}

/* A named mirror in a private network may redirect to its neighbour. */
static void a_private_mirror_has_neighbours(void)
{
	struct bake_policy policy = policy_of("https://mirror.corp/", false, false);
	struct sockaddr_storage address;
	struct bake_origin origin;
	struct bake_error err = BAKE_ERROR_INIT;

	parse_address("10.1.1.1", &address);
	check_status(bake_url_origin("https://mirror.corp/", &origin, &err), &err, BAKE_OK, NULL);
	check_status(bake_policy_check_address(
			     &policy, &origin, (const struct sockaddr *)&address, &err),
		&err, BAKE_OK, NULL);
	check_status(bake_policy_check_url(&policy, NULL, "https://10.1.1.2/", &origin, &err), &err,
		BAKE_OK, NULL);
}

static const struct name_row {
	const char *name;
	const char *url;
	enum bake_status want;
	const char *id;
} names[] = {
	{"https", "https://a.org/x", BAKE_OK, NULL},
	{"http", "http://a.org", BAKE_OK, NULL},
	{"a secret", "https://u:p@a.org/", BAKE_ERR_POLICY, "policy.secret-in-url"},
	{"a token", "https://a.org/?token=x", BAKE_ERR_POLICY, "policy.secret-in-url"},
	{"ftp", "ftp://a.org/", BAKE_ERR_POLICY, "policy.scheme"},
	{"no URL", "a.org", BAKE_ERR_DATA, "url.format"},
};

static void try_name(void **state)
{
	const struct name_row *row = *state;
	struct bake_policy policy = {.named_count = 0};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_policy_name(&policy, row->url, &err), &err, row->want, row->id);
	assert_int_equal(policy.named_count, row->want == BAKE_OK ? 1 : 0);
	assert_false(policy.private_named);
}

static void names_are_counted(void)
{
	struct bake_policy policy = {.named_count = 0};
	struct bake_error err = BAKE_ERROR_INIT;

	for (int i = 0; i < BAKE_POLICY_NAMED_MAX; i++)
		check_status(
			bake_policy_name(&policy, "https://a.org/", &err), &err, BAKE_OK, NULL);
	check_status(bake_policy_name(&policy, "https://a.org/", &err), &err, BAKE_ERR_USAGE,
		"usage.too-many");
}

static const struct scenario others[] = {
	{"another family is not public", another_family_is_not_public},
	{"a private mirror has neighbours", a_private_mirror_has_neighbours},
	{"names are counted", names_are_counted},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(addresses, try_address),
		ROWS(special, try_special),
		ROWS(hosts, try_host),
		ROWS(urls, try_url),
		ROWS(connects, try_connect),
		ROWS(names, try_name),
		ROWS(others, play_scenario),
	};

	return run_rows("net/policy", tables, countof(tables));
}
