/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/file.h"
#include "serve/site.h"

enum {
	TICK_MS = 200,	 /* how soon a signal and a new index are seen */
	LOOK_MS = 5000,	 /* how often the models are looked for */
	GRACE_MS = 1500, /* for replies that are under way when asked to stop */
};

/* Which file the index is. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	bool there;
};

static struct identity identify(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct identity){.there = false};
	return (struct identity){st.st_dev, st.st_ino, st.st_size, st.st_mtim, true};
}

static bool same(const struct identity *a, const struct identity *b)
{
	return a->there == b->there && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

struct bake_snapshot *bake_site_hold(struct bake_site *site)
{
	struct bake_snapshot *snapshot;

	(void)pthread_mutex_lock(&site->lock);
	snapshot = bake_snapshot_hold(site->snapshot);
	(void)pthread_mutex_unlock(&site->lock);
	return snapshot;
}

/* With the lock held. */
static enum bake_status replace(
	struct bake_site *site, struct bake_snapshot_from *from, struct bake_error *err)
{
	struct bake_snapshot *old = site->snapshot;
	struct bake_snapshot *next;

	if (!from->text.len && old)
		from->text = bake_buf_span(&old->text);
	BAKE_TRY(bake_snapshot_make(from, &next, err));
	site->snapshot = next;
	site->settings = from->settings;
	bake_snapshot_drop(old);
	return BAKE_OK;
}

enum bake_status bake_site_refresh(struct bake_site *site, struct bake_span text, bool stale,
	const struct bake_settings *settings, struct bake_error *err)
{
	struct bake_snapshot_from from = {
		.text = text,
		.name = "model-info.json",
		.models = site->models,
		.fallback = site->fallback,
		.stale = stale,
	};

	(void)pthread_mutex_lock(&site->lock);
	from.settings = settings ? *settings : site->settings;
	(void)replace(site, &from, err);
	(void)pthread_mutex_unlock(&site->lock);
	return err->status;
}

static void say(
	const struct bake_site *site, bool warning, const struct bake_error *why, const char *text)
{
	char line[BAKE_SHOWN_MAX * 4];

	(void)snprintf(
		line, sizeof(line), "%s%s%s", text, why ? ": " : "", why ? why->message : "");
	site->options->say(warning, line);
}

/* The index was replaced. One that is bad leaves the former one, which is said to be stale. */
static void reload(struct bake_site *site, const char *path)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (bake_file_read(path, &text, &err) == BAKE_OK &&
		bake_site_refresh(site, bake_buf_span(&text), false, NULL, &err) == BAKE_OK) {
		atomic_fetch_add(&site->reloads, 1);
		say(site, false, NULL, "the index was replaced: the new one counts");
		return;
	}
	atomic_fetch_add(&site->reloads_failed, 1);
	say(site, true, &err, "the new index cannot be read, the former one stays");
	if (bake_site_refresh(site, bake_span(NULL, 0), true, NULL, &ignored) != BAKE_OK)
		say(site, true, &ignored, "the replies are not renewed");
}

/* Files may come and go beside the index: a volume that is mounted, a fallback that was fetched. */
static void look_again(struct bake_site *site)
{
	struct bake_snapshot *snapshot = bake_site_hold(site);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_local now;
	bool changed = false;

	if (bake_local_look(snapshot->index, site->models, site->fallback, &now)) {
		changed = !bake_local_equal(&now, &snapshot->local);
		bake_local_release(&now);
	}
	if (changed &&
		bake_site_refresh(site, bake_span(NULL, 0), snapshot->stale, NULL, &err) != BAKE_OK)
		say(site, true, &err, "the replies are not renewed");
	bake_snapshot_drop(snapshot);
}

static void watch(struct bake_site *site, const char *path, struct identity seen)
{
	uint64_t looked_ms = bake_clock_ms();

	while (!bake_stop_signal()) {
		struct identity now;

		(void)poll(NULL, 0, TICK_MS);
		now = identify(path);
		if (now.there && !same(&now, &seen)) {
			seen = now;
			reload(site, path);
		}
		if (bake_clock_ms() - looked_ms >= LOOK_MS) {
			look_again(site);
			looked_ms = bake_clock_ms();
		}
	}
}

static int open_dir(const char *path)
{
	return path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static enum bake_status load(struct bake_site *site, const char *path, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);

	if (bake_file_read(path, &text, err) != BAKE_OK) {
		bake_error_wrap(err, "index");
		return bake_error_hint(err, "bake-index build makes it");
	}
	return bake_site_refresh(site, bake_buf_span(&text), false, NULL, err);
}

static enum bake_status start(struct bake_site *site, struct bake_error *err)
{
	const struct bake_serve_options *options = site->options;
	struct bake_http_options http = BAKE_HTTP_OPTIONS_INIT;
	char text[BAKE_HTTP_HOST_MAX + 64];

	http.address = &options->address;
	http.hosts = options->hosts;
	http.host_count = options->host_count;
	http.threads = options->threads;
	http.routes = bake_site_routes(&http.route_count);
	http.context = site;
	BAKE_TRY(bake_http_start(&http, &site->http, err));
	if (options->address.is_unix)
		(void)snprintf(text, sizeof(text), "listening on unix:%s",
			BAKE_SHOW(options->address.host));
	else
		(void)snprintf(text, sizeof(text), "listening on %s port %u",
			BAKE_SHOW(options->address.host), bake_http_port(site->http));
	options->say(false, text);
	return BAKE_OK;
}

static void release(struct bake_site *site)
{
	bake_snapshot_drop(site->snapshot);
	cleanup_close(&site->models);
	cleanup_close(&site->fallback);
	(void)pthread_mutex_destroy(&site->lock);
}

enum bake_status bake_serve(const struct bake_serve_options *options, struct bake_error *err)
{
	_cleanup_free_ char *beside = NULL;
	_cleanup_(release) struct bake_site site = {
		.options = options,
		.models = open_dir(options->models_dir),
		.fallback = open_dir(options->fallback_dir),
		.begin_ms = bake_clock_ms(),
	};
	const char *path = options->index_path;
	struct identity seen;

	(void)pthread_mutex_init(&site.lock, NULL);
	if (!path) {
		if (asprintf(&beside, "%s/%s", options->models_dir, BAKE_INDEX_NAME) < 0)
			return bake_error_nomem(err);
		path = beside;
	}
	seen = identify(path);
	BAKE_TRY(load(&site, path, err));
	BAKE_TRY(start(&site, err));
	watch(&site, path, seen);
	bake_http_stop(&site.http, GRACE_MS);
	return BAKE_OK;
}
