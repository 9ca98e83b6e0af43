/* SPDX-License-Identifier: Apache-2.0 */
#include "netcli/origins.h"

struct bake_origins netcli_origins(const struct netcli_origins *origins, const char *user_agent)
{
	return (struct bake_origins){
		.endpoint = origins->endpoint,
		.mirrors = origins->mirrors.items,
		.mirror_count = origins->mirrors.count,
		.token_file = origins->token_file,
		.allow_http = origins->allow_http,
		.allow_private = origins->allow_private,
		.offline = origins->offline,
		.connect_timeout_ms = origins->timeout_ms,
		.stall_timeout_ms = origins->stall_timeout_ms,
		.retries = (unsigned)origins->retries,
		.user_agent = user_agent,
	};
}
