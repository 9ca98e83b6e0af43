/* SPDX-License-Identifier: Apache-2.0 */
#include "bakecli/fetching.h"

static void add_value(struct bakecli_words *words, const char *option, const char *value)
{
	if (!value)
		return;
	bakecli_add(words, option);
	bakecli_add(words, value);
}

static void add_flag(struct bakecli_words *words, const char *option, bool wanted)
{
	if (wanted)
		bakecli_add(words, option);
}

void bakecli_fetching_words(struct bakecli_words *words, const struct bakecli_fetching *from,
	const char *lock, const char *limit)
{
	bakecli_add(words, "bake-fetch");
	add_value(words, "--lock", lock);
	add_value(words, "--models", from->models_dir);
	add_value(words, "--cache", from->cache_dir);
	add_value(words, "--bandwidth-limit", limit ? limit : from->limit);
	add_value(words, "--endpoint", from->endpoint);
	add_value(words, "--token-file", from->token_file);
	add_flag(words, "--allow-http", from->allow_http);
	add_flag(words, "--allow-private", from->allow_private);
	add_flag(words, "--sidecar", from->sidecar);
}
