/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/origins.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "hub/hub.h"
#include "net/address.h"
#include "netops/token.h"

/* A copy of an endpoint without the slashes at its end. */
static char *trimmed(const char *url)
{
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		len--;
	return strndup(url, len);
}

static enum bake_status name_origins(
	struct bake_link *link, const char *endpoint, bool named, struct bake_error *err)
{
	if (named && bake_policy_name(&link->policy, endpoint, err) != BAKE_OK)
		return bake_error_wrap(err, "endpoint");
	for (size_t i = 0; i < link->mirror_count; i++) {
		if (bake_policy_name(&link->policy, link->mirrors[i], err) != BAKE_OK)
			return bake_error_wrap(err, "mirror");
	}
	return BAKE_OK;
}

/* A token over plain http can be read on the way: the user may want that inside a machine only. */
static enum bake_status warn_plain(
	const char *endpoint, const struct bake_events *events, struct bake_error *err)
{
	struct bake_origin origin;
	const char *kind;

	BAKE_TRY(bake_url_origin(endpoint, &origin, err));
	kind = bake_host_private(origin.host);
	if (!bake_origin_is_https(&origin) && !(kind && strcmp(kind, "loopback") == 0))
		bake_emitf(events, BAKE_EVENT_WARNING, "the token goes to %s over plain http",
			BAKE_ORIGIN(&origin));
	return BAKE_OK;
}

enum bake_status bake_link_open(struct bake_link *link, const struct bake_origins *origins,
	const struct bake_events *events, struct bake_error *err)
{
	struct bake_token token = {{0}};
	const char *endpoint = origins->endpoint ? origins->endpoint : getenv("HF_ENDPOINT");
	bool named = endpoint && endpoint[0];
	struct bake_http_options options = {
		.policy = &link->policy,
		.user_agent = origins->user_agent,
		.connect_timeout_ms = origins->connect_timeout_ms,
		.stall_timeout_ms = origins->stall_timeout_ms,
		.limit_bytes_per_sec = origins->limit_bytes_per_sec,
	};
	enum bake_status status;

	link->policy = (struct bake_policy){
		.allow_http = origins->allow_http, .allow_private = origins->allow_private};
	link->mirrors = origins->mirrors;
	link->mirror_count = origins->mirror_count;
	link->offline = origins->offline || bake_text_is_true(getenv("HF_HUB_OFFLINE"));
	link->endpoint = trimmed(named ? endpoint : BAKE_HUB_ENDPOINT);
	if (!link->endpoint)
		return bake_error_nomem(err);
	BAKE_TRY(name_origins(link, link->endpoint, named, err));
	if (link->offline)
		return BAKE_OK;
	BAKE_TRY(bake_token_read(origins->token_file, events, &token, err));
	link->has_token = token.text[0] != '\0';
	options.token = link->has_token ? token.text : NULL;
	options.token_origin = link->endpoint;
	status = link->has_token ? warn_plain(link->endpoint, events, err) : BAKE_OK;
	if (status == BAKE_OK)
		status = bake_http_new(&options, &link->http, err);
	explicit_bzero(&token, sizeof(token));
	return status;
}

void bake_link_close(struct bake_link *link)
{
	bake_http_free(&link->http);
	free(link->endpoint);
	link->endpoint = NULL;
}
