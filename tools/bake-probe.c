/* SPDX-License-Identifier: Apache-2.0 */
/* bake-probe: the health check of images that have neither a shell nor curl. */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/main.h"
#include "cli/options.h"
#include "http/probe.h"

#define TOOL "bake-probe"

enum {
	TIMEOUT_MS = 3000,
	TIMEOUT_MAX_MS = 600000
};

static uint64_t timeout_ms = TIMEOUT_MS;

static const struct cli_option options[] = {
	{0, "timeout", "SECONDS", "wait at most SECONDS for the answer (3)", CLI_SECONDS,
		&timeout_ms, 1, TIMEOUT_MAX_MS, NULL},
};

static const char *const notes[] = {
	"URL is http://HOST:PORT/PATH or unix:/PATH (http://127.0.0.1:8000/health). A reply of 200 "
	"to 299 is a success (0), another is not (69), and none is 75.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "ask a server whether it is well",
	.usage = "[URL]",
	.options = options,
	.option_count = countof(options),
	.args_max = 1,
	.notes = notes,
};

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	const char *url = args->count ? args->items[0] : "http://" BAKE_HTTP_LISTEN_DEFAULT "/health";
	struct bake_http_place place;
	unsigned status;

	BAKE_TRY(bake_http_place_parse(url, &place, err));
	BAKE_TRY(bake_http_probe(&place, (unsigned)timeout_ms, &status, err));
	if (status < 200 || status > 299)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "serve.unhealthy",
			"the server answers %u", status);
	if (!common->quiet && !common->json)
		(void)printf("%u\n", status);
	return BAKE_OK;
}

int main(int argc, char **argv)
{
	return cli_main(&command, argc, argv, run);
}
