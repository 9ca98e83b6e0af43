/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the running server share. Inside serve only. */
#ifndef SERVE_SITE_H
#define SERVE_SITE_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/server.h"
#include "serve/serve.h"
#include "serve/snapshot.h"

struct bake_site {
	const struct bake_serve_options *options;
	struct bake_http_server *http;
	int models; /* directories; -1: not there */
	int fallback;
	uint64_t begin_ms;
	pthread_mutex_t lock; /* of the next two, and of making the next snapshot */
	struct bake_snapshot *snapshot;
	struct bake_settings settings;
	atomic_uint_fast64_t reloads;
	atomic_uint_fast64_t reloads_failed;
};

/* The snapshot of now: to be dropped. */
struct bake_snapshot *bake_site_hold(struct bake_site *site);

/* Puts a new one in its place, made from text, or (length 0) from the text of the one before; with
 * other settings when they are not NULL. */
enum bake_status bake_site_refresh(struct bake_site *site, struct bake_span text, bool stale,
	const struct bake_settings *settings, struct bake_error *err) BAKE_CHECKED;

/* In routes.c: all of them. The context of their handlers is the site. */
const struct bake_http_route *bake_site_routes(size_t *out_count);

/* In health.c and metrics.c. */
void bake_health_reply(struct bake_site *site, struct bake_http_reply *reply);
void bake_metrics_write(struct bake_site *site, struct bake_buf *out);

#endif
