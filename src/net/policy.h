/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request may go. Asked for every hop, and for every address a connection is made to. */
#ifndef NET_POLICY_H
#define NET_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/url.h"

enum {
	BAKE_POLICY_NAMED_MAX = 16
};

/*
 * http goes only to an origin that the user named (endpoint, mirror) or anywhere with allow_http,
 * but never after https. Loopback, private and link-local addresses are reached when the user
 * named an origin at such an address, or with allow_private.
 */
struct bake_policy {
	struct bake_origin named[BAKE_POLICY_NAMED_MAX];
	size_t named_count;
	bool allow_http;
	bool allow_private;
	bool private_named; /* an origin that the user named is at a private address */
};

/* The user named this URL's origin. */
enum bake_status bake_policy_name(
	struct bake_policy *policy, const char *url, struct bake_error *err) BAKE_CHECKED;

/* Whether a request may go to url; from is the URL that redirects there, NULL for a first hop.
 * BAKE_ERR_POLICY policy.http, policy.downgrade, policy.scheme, policy.private-address. */
enum bake_status bake_policy_check_url(struct bake_policy *policy, const char *from,
	const char *url, struct bake_origin *out_origin, struct bake_error *err) BAKE_CHECKED;

/* Whether a connection for origin may be made to address. */
enum bake_status bake_policy_check_address(struct bake_policy *policy,
	const struct bake_origin *origin, const struct sockaddr *address,
	struct bake_error *err) BAKE_CHECKED;

#endif
