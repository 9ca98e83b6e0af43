/* SPDX-License-Identifier: Apache-2.0 */
/* GET /health and /ready: 503 when a model that is required cannot be used. GET /status: the same for
 * who wants to know more than yes or no. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "json/writer.h"
#include "serve/site.h"

static void put_seconds(struct bake_json_writer *writer, const char *key, double seconds)
{
	bake_json_key(writer, key);
	bake_json_write_f64(writer, seconds);
}

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_REALTIME, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void put_message(struct bake_json_writer *writer, const struct bake_snapshot *snapshot)
{
	const struct bake_local *local = &snapshot->local;
	char text[160];

	if (local->hidden) {
		bake_json_put_text(writer, "message",
			"index says baked, files absent: a volume mounted over the models "
			"directory?");
	} else if (local->required_unusable) {
		(void)snprintf(text, sizeof(text), "%zu required model%s cannot be used",
			local->required_unusable, local->required_unusable == 1 ? "" : "s");
		bake_json_put_text(writer, "message", text);
	} else if (snapshot->stale) {
		bake_json_put_text(writer, "message",
			"the index was replaced by one that cannot be read: the former one counts");
	}
}

static void put_models(struct bake_json_writer *writer, const struct bake_local *local)
{
	size_t missing = local->of_state[BAKE_LOCAL_MISSING] + local->of_state[BAKE_LOCAL_ABSENT];

	bake_json_key(writer, "models");
	bake_json_object_line(writer);
	bake_json_put_u64(writer, "baked", local->of_state[BAKE_LOCAL_BAKED]);
	bake_json_put_u64(writer, "fallback", local->of_state[BAKE_LOCAL_FALLBACK]);
	bake_json_put_u64(writer, "missing", missing);
	bake_json_put_u64(writer, "wrong", local->of_state[BAKE_LOCAL_WRONG]);
	bake_json_put_u64(writer, "required_unusable", local->required_unusable);
	bake_json_end_object(writer);
}

/* The keys are those of the user's service. It loads no model, and looks at no GPU. */
static void put_health(struct bake_site *site, const struct bake_snapshot *snapshot,
	struct bake_json_writer *writer)
{
	const struct bake_local *local = &snapshot->local;

	bake_json_put_text(writer, "status", local->required_unusable ? "unhealthy" : "healthy");
	bake_json_put_bool(writer, "model_loaded", false);
	bake_json_put_bool(writer, "gpu_available", false);
	bake_json_key(writer, "gpu_memory_info");
	bake_json_object_line(writer);
	bake_json_end_object(writer);
	put_seconds(writer, "timestamp", now());
	put_seconds(writer, "uptime", (double)(bake_clock_ms() - site->begin_ms) / 1000);
	put_message(writer, snapshot);
	bake_json_put_bool(writer, "stale", snapshot->stale);
	bake_json_put_bool(writer, "models_hidden", local->hidden);
	put_models(writer, local);
}

void bake_health_reply(struct bake_site *site, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot = bake_site_hold(site);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&reply->body);

	reply->status = snapshot->local.required_unusable ? 503 : 200;
	bake_json_object(&writer);
	put_health(site, snapshot, &writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	bake_snapshot_drop(snapshot);
}

/* What an administrator may ask for here. */
static void put_actions(const struct bake_serve_options *options, struct bake_json_writer *writer)
{
	bool fetch = options->fallback_dir && options->lock_path;

	bake_json_key(writer, "actions");
	bake_json_array_line(writer);
	if (options->admin_token) {
		bake_json_write_text(writer, "verify");
		bake_json_write_text(writer, "apply");
		if (fetch)
			bake_json_write_text(writer, "fetch");
		if (options->metrics_path)
			bake_json_write_text(writer, "reconcile");
	}
	bake_json_end_array(writer);
}

void bake_status_reply(struct bake_site *site, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot = bake_site_hold(site);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&reply->body);

	bake_json_object(&writer);
	put_health(site, snapshot, &writer);
	bake_json_put_text(&writer, "server", site->options->generator);
	put_actions(site->options, &writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	bake_snapshot_drop(snapshot);
}
