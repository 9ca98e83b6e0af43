/* SPDX-License-Identifier: Apache-2.0 */
/* The options that say how the network is used: the same in bake-lock and bake-fetch. */
#ifndef NETCLI_ORIGINS_H
#define NETCLI_ORIGINS_H

#include "cli/options.h"
#include "netops/origins.h"

struct netcli_origins {
	const char *endpoint;
	struct cli_list mirrors;
	const char *token_file;
	bool allow_http;
	bool allow_private;
	bool offline;
	uint64_t retries;
	uint64_t timeout_ms;
	uint64_t stall_timeout_ms;
};

#define NETCLI_ORIGINS_INIT                                                                        \
	{                                                                                          \
		.retries = 5, .timeout_ms = 30000, .stall_timeout_ms = 30000                       \
	}

/* Rows of an option table that fill the struct netcli_origins named origins. */
#define NETCLI_ORIGIN_OPTIONS(origins)                                                             \
	{0, "endpoint", "URL", "ask this Hub instead of $HF_ENDPOINT or https://huggingface.co",   \
		CLI_TEXT, &(origins).endpoint, 0, 0, NULL},                                        \
		{0, "mirror", "URL", "try this Hub, too, when the first fails; may be repeated",   \
			CLI_LIST, &(origins).mirrors, 0, 0, NULL},                                 \
		{0, "token-file", "FILE",                                                          \
			"read the token from FILE, not from /run/secrets/hf_token or $HF_TOKEN",   \
			CLI_TEXT, &(origins).token_file, 0, 0, NULL},                              \
		{0, "allow-http", NULL, "allow plain http to every origin", CLI_FLAG,              \
			&(origins).allow_http, 0, 0, NULL},                                        \
		{0, "allow-private", NULL, "allow private, loopback and link-local addresses",     \
			CLI_FLAG, &(origins).allow_private, 0, 0, NULL},                           \
		{0, "offline", NULL, "use no network, as $HF_HUB_OFFLINE=1 does", CLI_FLAG,        \
			&(origins).offline, 0, 0, NULL},                                           \
		{0, "retries", "N", "try again N times without progress (5)", CLI_NUMBER,          \
			&(origins).retries, 0, 1000, NULL},                                        \
		{0, "timeout", "S", "give up connecting after S seconds (30)", CLI_SECONDS,        \
			&(origins).timeout_ms, 0, 0, NULL},                                        \
	{                                                                                          \
		0, "stall-timeout", "S",                                                           \
			"reconnect when less than 1 kB/s comes for S seconds (30)", CLI_SECONDS,   \
			&(origins).stall_timeout_ms, 0, 0, NULL                                    \
	}

struct bake_origins netcli_origins(const struct netcli_origins *origins, const char *user_agent);

#endif
