/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy the environment asks for. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "net/proxy.h"

enum {
	VARIABLES_MAX = 4
};

static const char *const all_variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy",
	"HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};

static const struct proxy_row {
	const char *name;
	const char *url;
	struct {
		const char *name;
		const char *value;
	} environment[VARIABLES_MAX];
	const char *want;
} proxies[] = {
	{"nothing set", "https://a.org/", {{NULL, NULL}}, NULL},
	{"https", "https://a.org/", {{"https_proxy", "p"}}, "p"},
	{"https in capitals", "https://a.org/", {{"HTTPS_PROXY", "p"}}, "p"},
	{"lower case comes first", "https://a.org/", {{"https_proxy", "p"}, {"HTTPS_PROXY", "q"}},
		"p"},
	{"empty is unset", "https://a.org/", {{"https_proxy", ""}}, NULL},
	{"https is not for http", "http://a.org/", {{"https_proxy", "p"}}, NULL},
	{"http", "http://a.org/", {{"http_proxy", "p"}}, "p"},
	{"http in capitals is a header of a request (httpoxy)", "http://a.org/",
		{{"HTTP_PROXY", "p"}}, NULL},
	{"http is not for https", "https://a.org/", {{"http_proxy", "p"}}, NULL},
	{"all", "https://a.org/", {{"all_proxy", "p"}}, "p"},
	{"all in capitals, for http", "http://a.org/", {{"ALL_PROXY", "p"}}, "p"},
	{"the scheme's own comes first", "https://a.org/",
		{{"all_proxy", "p"}, {"https_proxy", "q"}}, "q"},
	{"excepted: everything", "https://a.org/", {{"all_proxy", "p"}, {"no_proxy", "*"}}, NULL},
	{"excepted: the name", "https://a.org/", {{"all_proxy", "p"}, {"no_proxy", "a.org"}}, NULL},
	{"excepted in capitals", "https://a.org/", {{"all_proxy", "p"}, {"NO_PROXY", "a.org"}},
		NULL},
	{"excepted: other letters", "https://a.org/", {{"all_proxy", "p"}, {"no_proxy", "A.ORG"}},
		NULL},
	{"excepted: a subdomain", "https://x.a.org/", {{"all_proxy", "p"}, {"no_proxy", "a.org"}},
		NULL},
	{"excepted: a leading dot", "https://x.a.org/",
		{{"all_proxy", "p"}, {"no_proxy", ".a.org"}}, NULL},
	{"excepted: one of several", "https://a.org/",
		{{"all_proxy", "p"}, {"no_proxy", "b.org, ,c.org,a.org"}}, NULL},
	{"excepted: separated by blanks", "https://a.org/",
		{{"all_proxy", "p"}, {"no_proxy", "b.org a.org"}}, NULL},
	{"excepted: an address", "http://10.0.0.1/", {{"all_proxy", "p"}, {"no_proxy", "10.0.0.1"}},
		NULL},
	{"excepted: an IPv6 address", "http://[::1]/", {{"all_proxy", "p"}, {"no_proxy", "::1"}},
		NULL},
	{"excepted: a network", "http://10.1.2.3/",
		{{"all_proxy", "p"}, {"no_proxy", "10.0.0.0/8"}}, NULL},
	{"excepted: a network of odd size", "http://10.15.0.1/",
		{{"all_proxy", "p"}, {"no_proxy", "10.8.0.0/13"}}, NULL},
	{"excepted: all addresses", "http://1.2.3.4/",
		{{"all_proxy", "p"}, {"no_proxy", "0.0.0.0/0"}}, NULL},
	{"excepted: a network of one", "http://1.2.3.4/",
		{{"all_proxy", "p"}, {"no_proxy", "1.2.3.4/32"}}, NULL},
	{"not excepted: another name", "https://a.org/",
		{{"all_proxy", "p"}, {"no_proxy", "b.org"}}, "p"},
	{"not excepted: a name that ends like it", "https://xa.org/",
		{{"all_proxy", "p"}, {"no_proxy", "a.org"}}, "p"},
	{"not excepted: the parent", "https://a.org/",
		{{"all_proxy", "p"}, {"no_proxy", "x.a.org"}}, "p"},
	{"not excepted: another network", "http://11.0.0.1/",
		{{"all_proxy", "p"}, {"no_proxy", "10.0.0.0/8"}}, "p"},
	{"not excepted: a network too large", "http://10.0.0.1/",
		{{"all_proxy", "p"}, {"no_proxy", "10.0.0.0/33"}}, "p"},
	{"not excepted: a network without a size", "http://10.0.0.1/",
		{{"all_proxy", "p"}, {"no_proxy", "10.0.0.0/"}}, "p"},
	{"not excepted: a name in a network", "http://a.org/",
		{{"all_proxy", "p"}, {"no_proxy", "0.0.0.0/0"}}, "p"},
	{"not excepted: a dot alone", "https://a.org/", {{"all_proxy", "p"}, {"no_proxy", "."}},
		"p"},
	{"not excepted: empty list", "https://a.org/", {{"all_proxy", "p"}, {"no_proxy", ""}}, "p"},
	{"not excepted: commas alone", "https://a.org/", {{"all_proxy", "p"}, {"no_proxy", ",, ,"}},
		"p"},
};

static void try_proxy(void **state)
{
	const struct proxy_row *row = *state;
	struct bake_origin origin;
	struct bake_error err = BAKE_ERROR_INIT;
	const char *got;

	for (size_t i = 0; i < countof(all_variables); i++)
		(void)unsetenv(all_variables[i]);
	for (size_t i = 0; i < VARIABLES_MAX && row->environment[i].name; i++)
		assert_int_equal(setenv(row->environment[i].name, row->environment[i].value, 1), 0);
	check_status(bake_url_origin(row->url, &origin, &err), &err, BAKE_OK, NULL);
	got = bake_proxy_for(&origin);
	if (!row->want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, row->want);
}

int main(void)
{
	static const struct rows tables[] = {ROWS(proxies, try_proxy)};

	return run_rows("net/proxy", tables, countof(tables));
}
