/* SPDX-License-Identifier: Apache-2.0 */
/* bake-serve: answers GET /model-info and its relatives. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/main.h"
#include "cli/options.h"
#include "http/message.h"
#include "http/probe.h"
#include "serve/serve.h"

#define TOOL "bake-serve"

enum {
	PROBE_MAX_MS = 600000
};

/* The files of the page, made into a table by cmake/BakeEmbed.cmake. */
extern const struct bake_asset bake_assets[];
extern const size_t bake_asset_count;

static const char *models_dir;
static const char *index_path;
static const char *listen_on = BAKE_HTTP_LISTEN_DEFAULT;
static const char *probe;
static uint64_t probe_timeout_ms = 3000;
static const char *fallback_dir;
static const char *lock_path;
static const char *state_path;
static const char *metrics_path;
static const char *token_path;
static struct cli_list hosts;
static struct cli_list fetch_options;
static uint64_t connections;
static uint64_t threads;
static bool is_quiet;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "serve DIR, not $MODEL_CACHE_DIR or /app/models", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "index", "FILE", "read this index instead of DIR/model-info.json", CLI_TEXT,
		&index_path, 0, 0, NULL},
	{'l', "listen", "ADDRESS", "listen on HOST:PORT or unix:/PATH (127.0.0.1:8000)", CLI_TEXT,
		&listen_on, 0, 0, NULL},
	{0, "allow-host", "NAME",
		"answer requests to this host name, too; * is any; may be repeated", CLI_LIST,
		&hosts, 0, 0, NULL},
	{0, "admin-token-file", "FILE", "allow what changes something, with the token in FILE",
		CLI_TEXT, &token_path, 0, 0, NULL},
	{0, "fallback", "DIR", "look for missing models in DIR ($BAKE_FALLBACK_DIR)", CLI_TEXT,
		&fallback_dir, 0, 0, NULL},
	{0, "lock", "LOCK", "fetch missing models there, by this lock", CLI_TEXT, &lock_path, 0, 0,
		NULL},
	{0, "fetch-option", "OPTION", "give bake-fetch this option, too; may be repeated", CLI_LIST,
		&fetch_options, 0, 0, NULL},
	{0, "state", "FILE", "tell of the downloads in FILE (.bake/state.json)", CLI_TEXT,
		&state_path, 0, 0, NULL},
	{0, "metrics", "FILE", "reconcile with what a runtime logged to FILE", CLI_TEXT,
		&metrics_path, 0, 0, NULL},
	{0, "max-connections", "N", "answer 503 beyond N connections (2048)", CLI_NUMBER,
		&connections, 1, 65536, NULL},
	{0, "threads", "N", "answer in N threads (one per processor, at most 4)", CLI_NUMBER,
		&threads, 1, 4, NULL},
	{0, "probe", "URL", "ask a server that runs, /health when there is no path, and end",
		CLI_TEXT, &probe, 0, 0, NULL},
	{0, "probe-timeout", "SECONDS", "wait at most SECONDS for that answer (3)", CLI_SECONDS,
		&probe_timeout_ms, 1, PROBE_MAX_MS, NULL},
};

static const char *const notes[] = {
	"Requests are answered only when their Host is a name of this machine's loopback, the "
	"address listened on, or one of --allow-host. A replaced index is read within a second; "
	"one that cannot be read leaves the former in place.",
	"SIGTERM and SIGINT end it within two seconds: that is a success.",
	"--probe is for HEALTHCHECK in images without a shell: exit 0 when the answer is 2xx.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "answer what a models directory holds, over HTTP",
	.usage = "",
	.options = options,
	.option_count = countof(options),
	.args_max = 0,
	.notes = notes,
};

static void say(bool warning, const char *text)
{
	if (warning)
		cli_warn(TOOL, text);
	else if (!is_quiet)
		cli_note(TOOL, text);
}

static enum bake_status check_line(struct bake_error *err)
{
	if (!fallback_dir)
		fallback_dir = getenv("BAKE_FALLBACK_DIR");
	if (fetch_options.count > BAKE_SERVE_FETCH_OPTIONS_MAX)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"at most %d --fetch-option", BAKE_SERVE_FETCH_OPTIONS_MAX);
	if (fetch_options.count && !lock_path)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"--fetch-option needs --lock: nothing is fetched without");
	if (lock_path && !fallback_dir)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"--lock needs --fallback: the models directory is never fetched to");
	if (lock_path && !token_path)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"--lock needs --admin-token-file: only an administrator may fetch");
	return BAKE_OK;
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
	char token[BAKE_HTTP_TOKEN_MAX + 1];
	struct bake_serve_options wanted = {
		.models_dir = cli_models_dir(models_dir),
		.index_path = index_path,
		.lock_path = lock_path,
		.fetch_options = fetch_options.items,
		.fetch_option_count = fetch_options.count,
		.state_path = state_path,
		.metrics_path = metrics_path,
		.hosts = hosts.items,
		.host_count = hosts.count,
		.connections_max = (unsigned)connections,
		.threads = (unsigned)threads,
		.generator = TOOL " " BAKE_VERSION,
		.assets = bake_assets,
		.asset_count = bake_asset_count,
		.say = say,
	};

	(void)args;
	is_quiet = common->quiet;
	if (probe)
		return run_probe(err);
	BAKE_TRY(check_line(err));
	wanted.fallback_dir = fallback_dir;
	BAKE_TRY(bake_http_address_parse(listen_on, &wanted.address, err));
	if (token_path) {
		BAKE_TRY(bake_serve_read_token(token_path, token, sizeof(token), err));
		wanted.admin_token = token;
	}
	return bake_serve(&wanted, err);
}

int main(int argc, char **argv)
{
	int code = cli_main(&command, argc, argv, run);

	cli_list_release(&hosts);
	cli_list_release(&fetch_options);
	return code;
}
