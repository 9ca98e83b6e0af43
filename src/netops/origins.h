/* SPDX-License-Identifier: Apache-2.0 */
/* How the network is used: endpoint, mirrors, token, permissions and patience. What bake-lock and
 * bake-fetch have in common. */
#ifndef NETOPS_ORIGINS_H
#define NETOPS_ORIGINS_H

#include "base/error.h"
#include "base/event.h"
#include "net/http.h"
#include "net/policy.h"

struct bake_origins {
	const char *endpoint;	    /* NULL: $HF_ENDPOINT, else the Hub */
	const char *const *mirrors; /* further endpoints that speak the Hub's protocol */
	size_t mirror_count;
	const char *token_file; /* NULL: the usual places */
	bool allow_http;
	bool allow_private;
	bool offline; /* or $HF_HUB_OFFLINE */
	uint64_t connect_timeout_ms;
	uint64_t stall_timeout_ms;
	unsigned retries;
	uint64_t limit_bytes_per_sec; /* 0: none */
	const char *user_agent;
};

/* The same, made ready: policy, token and client. */
struct bake_link {
	struct bake_policy policy;
	struct bake_http *http; /* NULL when offline */
	char *endpoint;		/* without a slash at its end */
	const char *const *mirrors;
	size_t mirror_count;
	bool has_token;
	bool offline;
};

#define BAKE_LINK_INIT                                                                             \
	{                                                                                          \
		.http = NULL                                                                       \
	}

/* link must stay where it is: the client refers to its policy. */
enum bake_status bake_link_open(struct bake_link *link, const struct bake_origins *origins,
	const struct bake_events *events, struct bake_error *err) BAKE_CHECKED;
void bake_link_close(struct bake_link *link);

#endif
