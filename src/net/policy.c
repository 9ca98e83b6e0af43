/* SPDX-License-Identifier: Apache-2.0 */
#include "net/policy.h"

#include "base/text.h"
#include "net/address.h"

enum bake_status bake_policy_name(
	struct bake_policy *policy, const char *url, struct bake_error *err)
{
	struct bake_origin origin;

	BAKE_TRY(bake_url_check_secret(url, err));
	BAKE_TRY(bake_url_origin(url, &origin, err));
	if (policy->named_count == BAKE_POLICY_NAMED_MAX)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.too-many",
			"more than %d endpoints and mirrors", BAKE_POLICY_NAMED_MAX);
	policy->named[policy->named_count++] = origin;
	if (bake_host_private(origin.host))
		policy->private_named = true;
	return BAKE_OK;
}

static bool is_named(const struct bake_policy *policy, const struct bake_origin *origin)
{
	for (size_t i = 0; i < policy->named_count; i++) {
		if (bake_origin_equal(&policy->named[i], origin))
			return true;
	}
	return false;
}

static enum bake_status check_scheme(const struct bake_policy *policy, const char *from,
	const struct bake_origin *to, struct bake_error *err)
{
	struct bake_origin before;

	if (bake_origin_is_https(to))
		return BAKE_OK;
	if (from) {
		BAKE_TRY(bake_url_origin(from, &before, err));
		if (bake_origin_is_https(&before))
			return bake_error_set(err, BAKE_ERR_POLICY, "policy.downgrade",
				"%s redirects from https to plain http at %s", BAKE_ORIGIN(&before),
				BAKE_ORIGIN(to));
	}
	if (policy->allow_http || is_named(policy, to))
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_POLICY, "policy.http", "plain http to %s is not allowed",
		BAKE_ORIGIN(to));
	return bake_error_hint(err, "name the origin with --endpoint or --mirror, or allow every "
				    "one with --allow-http");
}

static enum bake_status refuse_private(
	const struct bake_origin *origin, const char *kind, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_POLICY, "policy.private-address", "%s is at a %s address",
		BAKE_ORIGIN(origin), kind);
	return bake_error_hint(
		err, "name a private origin with --endpoint or --mirror, or give --allow-private");
}

enum bake_status bake_policy_check_url(struct bake_policy *policy, const char *from,
	const char *url, struct bake_origin *out_origin, struct bake_error *err)
{
	struct bake_origin origin;
	const char *kind;

	BAKE_TRY(bake_url_origin(url, &origin, err));
	BAKE_TRY(check_scheme(policy, from, &origin, err));
	kind = bake_host_private(origin.host);
	if (kind && !policy->allow_private && !policy->private_named)
		return refuse_private(&origin, kind, err);
	*out_origin = origin;
	return BAKE_OK;
}

enum bake_status bake_policy_check_address(struct bake_policy *policy,
	const struct bake_origin *origin, const struct sockaddr *address, struct bake_error *err)
{
	const char *kind = bake_address_private(address);

	if (!kind || policy->allow_private)
		return BAKE_OK;
	/* A named origin may be wherever it is; if that is private, its neighbours may be, too. */
	if (is_named(policy, origin))
		policy->private_named = true;
	if (policy->private_named)
		return BAKE_OK;
	return refuse_private(origin, kind, err);
}
