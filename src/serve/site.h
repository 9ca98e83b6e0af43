/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the running server share. Inside serve only. */
#ifndef SERVE_SITE_H
#define SERVE_SITE_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/server.h"
#include "serve/jobs.h"
#include "serve/serve.h"
#include "serve/snapshot.h"

struct bake_site {
	const struct bake_serve_options *options;
	struct bake_http_server *http;
	struct bake_jobs *jobs;
	int models;	  /* directories; -1: not there */
	int fallback;
	uint64_t begin_ms;
	pthread_mutex_t lock;	 /* of the next two, and of making the next snapshot */
	struct bake_snapshot *snapshot;
	struct bake_settings settings;
	atomic_uint_fast64_t reloads;
	atomic_uint_fast64_t reloads_failed;
	char *fetch_program;
	char *verify_program;
	struct bake_http_entity **assets; /* of options->assets[i] */
	struct bake_http_route *routes;
	size_t route_count;
};

/* The snapshot of now: to be dropped. */
struct bake_snapshot *bake_site_hold(struct bake_site *site);

/* Puts a new one in its place, made from text, or (length 0) from the text of the one before. */
enum bake_status bake_site_refresh(
	struct bake_site *site, struct bake_span text, bool stale, struct bake_error *err) BAKE_CHECKED;

/* In routes.c. False: memory is short. */
bool bake_routes_make(struct bake_site *site);

/* In health.c and metrics.c. */
void bake_health_reply(struct bake_site *site, struct bake_http_reply *reply);
void bake_metrics_write(struct bake_site *site, struct bake_buf *out);

/* In events.c: what /events tells. Called by one thread. */
struct bake_state_file {
	uint64_t number; /* of the file: inode, size and time together */
	bool there;
};
void bake_events_tick(struct bake_site *site, struct bake_state_file *last, bool jobs_changed);

#endif
