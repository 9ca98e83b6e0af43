/* SPDX-License-Identifier: Apache-2.0 */
/* bake-serve: what a models directory holds, over HTTP; and the probe for health checks. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/help.h"
#include "cli/main.h"
#include "cli/options.h"
#include "http/probe.h"
#include "serve/serve.h"

#define TOOL "bake-serve"

static const char *models_dir;
static const char *index_path;
static const char *fallback_dir;
static const char *listen_at;
static const char *probe;
static struct cli_list hosts;
static uint64_t threads;
static uint64_t probe_timeout_ms = 3000;
static bool quiet;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "the models are there, not in $MODEL_CACHE_DIR or /app/models",
		CLI_TEXT, &models_dir, 0, 0, NULL},
	{0, "index", "FILE", "answer from this index instead of DIR/model-info.json", CLI_TEXT,
		&index_path, 0, 0, NULL},
	{0, "fallback", "DIR", "models that were not baked may be there ($BAKE_FALLBACK_DIR)",
		CLI_TEXT, &fallback_dir, 0, 0, NULL},
	{'l', "listen", "ADDRESS", "HOST:PORT or unix:PATH (" BAKE_HTTP_LISTEN_DEFAULT ")",
		CLI_TEXT, &listen_at, 0, 0, NULL},
	{0, "allow-host", "NAME",
		"answer requests for this host, too: may be repeated; '*' is any of them", CLI_LIST,
		&hosts, 0, 0, NULL},
	{0, "threads", "N", "answer in N threads (one per processor, at most 4)", CLI_NUMBER,
		&threads, 1, 4, NULL},
	{0, "probe", "URL", "ask a server that runs, /health when there is no path, and end",
		CLI_TEXT, &probe, 0, 0, NULL},
	{0, "probe-timeout", "SECONDS", "an answer takes at most so long (3)", CLI_SECONDS,
		&probe_timeout_ms, 0, 0, NULL},
};

static const char *const notes[] = {
	"GET /model-info, /model-info/ID, /health, /ready, /v1/models, /api/tags, /info, /estimate "
	"and /metrics; POST /model-config and /api/show. A replaced index is read at once; one "
	"that is bad leaves the former one, and the replies say stale.",
	"--probe is for HEALTHCHECK in images without a shell: exit 0 when the answer is 2xx.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "answer /model-info and its like over HTTP",
	.usage = "",
	.options = options,
	.option_count = countof(options),
	.notes = notes,
};

static void say(bool warning, const char *text)
{
	if (warning)
		cli_warn(TOOL, text);
	else if (!quiet)
		cli_note(TOOL, text);
}

static enum bake_status run_probe(struct bake_error *err)
{
	struct bake_http_place place;
	unsigned status;

	BAKE_TRY(bake_http_place_parse(probe, &place, err));
	BAKE_TRY(bake_http_probe(&place, (unsigned)probe_timeout_ms, &status, err));
	if (status < 200 || status > 299)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "serve.unhealthy",
			"the server answers with status %u", status);
	return BAKE_OK;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	struct bake_serve_options wanted = {
		.models_dir = cli_models_dir(models_dir),
		.index_path = index_path,
		.fallback_dir = fallback_dir ? fallback_dir : getenv("BAKE_FALLBACK_DIR"),
		.hosts = hosts.items,
		.host_count = hosts.count,
		.threads = (unsigned)threads,
		.generator = TOOL " " BAKE_VERSION,
		.say = say,
	};

	(void)args;
	quiet = common->quiet;
	if (probe)
		return run_probe(err);
	BAKE_TRY(bake_http_address_parse(
		listen_at ? listen_at : BAKE_HTTP_LISTEN_DEFAULT, &wanted.address, err));
	return bake_serve(&wanted, err);
}

int main(int argc, char **argv)
{
	return cli_main(&command, argc, argv, run);
}
