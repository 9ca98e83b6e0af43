/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics in Prometheus' text format. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "serve/site.h"

static void head(struct bake_buf *out, const char *name, const char *kind, const char *help)
{
	bake_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void one(
	struct bake_buf *out, const char *name, const char *kind, const char *help, uint64_t value)
{
	head(out, name, kind, help);
	bake_buf_addf(out, "%s %" PRIu64 "\n", name, value);
}

static void put_models(struct bake_buf *out, const struct bake_snapshot *snapshot)
{
	const size_t *of_state = snapshot->local.of_state;

	head(out, "bake_models", "gauge", "Models of the index by status.");
	bake_buf_addf(out, "bake_models{status=\"baked\"} %zu\n", of_state[BAKE_LOCAL_BAKED]);
	bake_buf_addf(out, "bake_models{status=\"fallback\"} %zu\n", of_state[BAKE_LOCAL_FALLBACK]);
	bake_buf_addf(out, "bake_models{status=\"missing\"} %zu\n",
		of_state[BAKE_LOCAL_MISSING] + of_state[BAKE_LOCAL_ABSENT]);
	bake_buf_addf(out, "bake_models{status=\"wrong\"} %zu\n", of_state[BAKE_LOCAL_WRONG]);
	one(out, "bake_models_required_unusable", "gauge", "Required models that cannot be used.",
		snapshot->local.required_unusable);
	one(out, "bake_models_bytes", "gauge", "Bytes of the models that can be used.",
		snapshot->local.bytes);
	one(out, "bake_index_stale", "gauge", "1 when the newest index could not be read.",
		snapshot->stale);
}

static void put_requests(struct bake_buf *out, const struct bake_http_counts *counts)
{
	one(out, "bake_http_requests_total", "counter", "Requests answered.", counts->requests);
	head(out, "bake_http_responses_total", "counter", "Replies by status.");
	for (unsigned i = 0; i < BAKE_HTTP_STATUSES; i++) {
		if (counts->by_status[i])
			bake_buf_addf(out, "bake_http_responses_total{code=\"%u\"} %" PRIu64 "\n",
				i, counts->by_status[i]);
	}
	one(out, "bake_http_body_bytes_total", "counter", "Bytes of the replies' bodies.",
		counts->body_bytes);
	one(out, "bake_http_connections_total", "counter", "Connections accepted.",
		counts->accepted);
	one(out, "bake_http_connections", "gauge", "Connections that are open.", counts->open);
	one(out, "bake_http_connections_refused_total", "counter",
		"Connections answered with 503, for there were too many.", counts->full);
	one(out, "bake_http_timeouts_total", "counter", "Connections that took too long.",
		counts->timed_out);
	one(out, "bake_http_event_streams", "gauge", "Clients that listen to the events.",
		counts->streams);
}

void bake_metrics_write(struct bake_site *site, struct bake_buf *out)
{
	struct bake_snapshot *snapshot = bake_site_hold(site);
	struct bake_http_counts *counts = malloc(sizeof(*counts));

	if (counts) {
		bake_http_count(site->http, counts);
		put_requests(out, counts);
	}
	free(counts);
	put_models(out, snapshot);
	one(out, "bake_index_reloads_total", "counter", "Indexes read since the start.",
		atomic_load(&site->reloads));
	one(out, "bake_index_reload_failures_total", "counter", "Indexes that could not be read.",
		atomic_load(&site->reloads_failed));
	head(out, "bake_uptime_seconds", "gauge", "Seconds since the start.");
	bake_buf_addf(out, "bake_uptime_seconds %.3f\n",
		(double)(bake_clock_ms() - site->begin_ms) / 1000);
	bake_snapshot_drop(snapshot);
}
