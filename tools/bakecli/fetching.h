/* SPDX-License-Identifier: Apache-2.0 */
/* What of bake-fetch's options the commands here pass on. */
#ifndef BAKECLI_FETCHING_H
#define BAKECLI_FETCHING_H

#include "bakecli/tools.h"
#include "cli/options.h"

struct bakecli_fetching {
	const char *models_dir;
	const char *cache_dir;
	const char *limit;
	const char *endpoint;
	const char *token_file;
	bool allow_http;
	bool allow_private;
	bool sidecar;
};

/* Rows of an option table that fill the struct bakecli_fetching named to. */
#define BAKECLI_FETCHING_OPTIONS(to)                                                               \
	{'d', "models", "DIR", "put it there, not in $MODEL_CACHE_DIR or /app/models", CLI_TEXT,   \
		&(to).models_dir, 0, 0, NULL},                                                     \
		{0, "cache", "DIR", "keep files by content in DIR and take them from there",       \
			CLI_TEXT, &(to).cache_dir, 0, 0, NULL},                                    \
		{0, "bandwidth-limit", "RATE", "take no more than RATE bytes per second in all",   \
			CLI_TEXT, &(to).limit, 0, 0, NULL},                                        \
		{0, "endpoint", "URL",                                                             \
			"ask this Hub instead of $HF_ENDPOINT or https://huggingface.co",          \
			CLI_TEXT, &(to).endpoint, 0, 0, NULL},                                     \
		{0, "token-file", "FILE", "read the token from FILE", CLI_TEXT, &(to).token_file,  \
			0, 0, NULL},                                                               \
		{0, "allow-http", NULL, "allow plain http to every origin", CLI_FLAG,              \
			&(to).allow_http, 0, 0, NULL},                                             \
		{0, "allow-private", NULL, "allow private, loopback and link-local addresses",     \
			CLI_FLAG, &(to).allow_private, 0, 0, NULL},                                \
	{                                                                                          \
		0, "sidecar", NULL, "write FILE.json with what is known beside each model file",   \
			CLI_FLAG, &(to).sidecar, 0, 0, NULL                                        \
	}

/* bake-fetch, the lock and these options; limit instead of from's own when it is not NULL. */
void bakecli_fetching_words(struct bakecli_words *words, const struct bakecli_fetching *from,
	const char *lock, const char *limit);

#endif
