/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy the environment asks for, decided here so that we know whether there is one. */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "net/url.h"

/*
 * The proxy for origin: $http_proxy (lower case only), $https_proxy or $HTTPS_PROXY, else
 * $all_proxy or $ALL_PROXY, unless $no_proxy or $NO_PROXY lists the host: "*", names with their
 * subdomains, addresses, IPv4 networks as a.b.c.d/n. NULL: go straight.
 */
const char *bake_proxy_for(const struct bake_origin *origin);

#endif
