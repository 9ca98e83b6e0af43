/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the running server share. Inside serve only. */
#ifndef SERVE_SITE_H
#define SERVE_SITE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "http/server.h"
#include "serve/jobs.h"
#include "serve/serve.h"
#include "serve/snapshot.h"

struct bake_site {
	const struct bake_serve_options *options;
	struct bake_http_server *http;
	struct bake_jobs *jobs;
	atomic_int models; /* directories; -1: not there */
	atomic_int fallback;
	uint64_t begin_ms;
	/* Of the snapshot's place only: held for a moment by every request. */
	pthread_mutex_t lock;
	struct bake_snapshot *snapshot;
	atomic_uint_fast64_t revision; /* how often it was replaced: /events tells */
	/* Of making the next one, and of what it is made from. */
	pthread_mutex_t making;
	struct bake_buf text; /* model-info.json */
	bool stale;
	struct bake_settings settings;
	atomic_uint_fast64_t reloads;
	atomic_uint_fast64_t reloads_failed;
	char *runtime_path; /* model-info.runtime.json */
	char *fetch_program;
	char *verify_program;
	struct bake_http_entity **assets; /* of options->assets[i] */
	struct bake_http_route *routes;
	size_t route_count;
};

/* The snapshot of now: to be dropped. */
struct bake_snapshot *bake_site_hold(struct bake_site *site);

/*
 * Changes what the snapshot is made from, and makes it anew. change is called with making locked; when
 * it says false, or the new snapshot cannot be made, all stays as it was.
 */
enum bake_status bake_site_refresh(struct bake_site *site,
	bool (*change)(struct bake_site *site, void *context), void *context,
	struct bake_error *err) BAKE_CHECKED;

/* In routes.c. False: memory is short. */
bool bake_routes_make(struct bake_site *site);

/* In health.c and metrics.c. */
void bake_health_reply(struct bake_site *site, struct bake_http_reply *reply);
void bake_status_reply(struct bake_site *site, struct bake_http_reply *reply);
void bake_metrics_write(struct bake_site *site, struct bake_buf *out);

/* In events.c: what /events tells. Called by one thread. */
struct bake_events_seen {
	struct stat file; /* state.json as it was told last */
	uint64_t revision;
	bool abandoned; /* by a fetch that was killed */
	bool told;
	bool there;
};
void bake_events_tick(struct bake_site *site, struct bake_events_seen *seen, bool jobs_changed);

/* In actions.c: what an administrator may ask for. */
void bake_action_fetch(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply);
void bake_action_cancel(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply);
void bake_action_verify(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply);
void bake_action_apply(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply);
void bake_action_reconcile(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply);

/* The last check: {"state", "at", "report"}, or {} when there was none. */
void bake_action_verification(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply);

/* An error as a reply: its status, and its message without paths. */
void bake_reply_error(struct bake_http_reply *reply, const struct bake_error *err);

/* A task's id of a check: no model has it. */
#define BAKE_TASK_VERIFY "/verify"

#endif
