/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/file.h"
#include "fs/hidden.h"
#include "ops/runtime.h"
#include "serve/site.h"

enum {
	TICK_MS = 200,
	LOOK_MS = 1000,	       /* at the index, and at what is there of its models */
	LOOK_SHARE = 50,       /* looking takes at most this part of the time */
	GRACE_MS = 1000,       /* for replies that are being sent when it is to stop */
	CHILD_GRACE_MS = 1500, /* for a program that was started */
	TOKEN_FILE_MAX = 4096
};

struct bake_snapshot *bake_site_hold(struct bake_site *site)
{
	struct bake_snapshot *snapshot;

	(void)pthread_mutex_lock(&site->lock);
	snapshot = bake_snapshot_hold(site->snapshot);
	(void)pthread_mutex_unlock(&site->lock);
	return snapshot;
}

static void put_in_place(struct bake_site *site, struct bake_snapshot *snapshot)
{
	struct bake_snapshot *former;

	(void)pthread_mutex_lock(&site->lock);
	former = site->snapshot;
	site->snapshot = snapshot;
	(void)pthread_mutex_unlock(&site->lock);
	atomic_fetch_add(&site->revision, 1);
	bake_snapshot_drop(former);
}

/* A directory may come and go: a volume that is mounted later. */
static void open_dirs(struct bake_site *site)
{
	const struct {
		const char *path;
		atomic_int *fd;
	} dirs[] = {
		{site->options->models_dir, &site->models},
		{site->options->fallback_dir, &site->fallback},
	};

	for (size_t i = 0; i < countof(dirs); i++) {
		int fd = dirs[i].path ? open(dirs[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

		/* Into the number that is in use, so that whoever uses it now sees one or the other. */
		if (fd >= 0 && *dirs[i].fd >= 0) {
			best_effort(dup3(fd, *dirs[i].fd, O_CLOEXEC));
			best_effort(close(fd));
		} else if (fd >= 0) {
			*dirs[i].fd = fd;
		}
	}
}

/* With what was measured and decided beside the index. One that cannot be read is as if it were not
 * there. */
static bool merge_runtime(struct bake_site *site, struct bake_buf *text)
{
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (access(site->runtime_path, F_OK) != 0)
		return false;
	bake_buf_add(text, site->text.ptr, site->text.len);
	return bake_runtime_merge_view(site->options->models_dir, text, &ignored) == BAKE_OK;
}

/* With making locked. */
static enum bake_status make(
	struct bake_site *site, struct bake_snapshot **out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf merged = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	struct bake_snapshot_from from = {
		.text = bake_buf_span(&site->text),
		.name = BAKE_INDEX_NAME,
		.models = site->models,
		.fallback = site->fallback,
		.settings = site->settings,
		.stale = site->stale,
	};

	if (merge_runtime(site, &merged))
		from.text = bake_buf_span(&merged);
	return bake_snapshot_make(&from, out, err);
}

enum bake_status bake_site_refresh(struct bake_site *site,
	bool (*change)(struct bake_site *site, void *context), void *context,
	struct bake_error *err)
{
	struct bake_snapshot *snapshot = NULL;
	struct bake_settings settings;
	struct bake_buf text;
	struct bake_buf other;
	bool stale;

	(void)pthread_mutex_lock(&site->making);
	settings = site->settings;
	stale = site->stale;
	text = site->text;
	if (!change(site, context) || make(site, &snapshot, err) != BAKE_OK) {
		other = site->text;
		site->settings = settings;
		site->stale = stale;
		site->text = text;
	} else {
		put_in_place(site, snapshot);
		other = text;
	}
	if (other.ptr != site->text.ptr)
		bake_buf_release(&other);
	(void)pthread_mutex_unlock(&site->making);
	return err->status;
}

/* What was seen of a file: whether it is another one now. */
struct seen {
	struct stat file;
	bool there;
};

static bool look_at(const char *path, struct seen *seen)
{
	struct stat now = {.st_ino = 0};
	bool there = stat(path, &now) == 0;
	bool same =
		there == seen->there &&
		(!there || (now.st_ino == seen->file.st_ino && now.st_dev == seen->file.st_dev &&
				   now.st_size == seen->file.st_size &&
				   now.st_mtim.tv_sec == seen->file.st_mtim.tv_sec &&
				   now.st_mtim.tv_nsec == seen->file.st_mtim.tv_nsec &&
				   now.st_ctim.tv_sec == seen->file.st_ctim.tv_sec &&
				   now.st_ctim.tv_nsec == seen->file.st_ctim.tv_nsec));

	seen->file = now;
	seen->there = there;
	return !same;
}

/* The loop's own: nobody else sees it. */
struct loop {
	struct bake_site site;
	char *index_path;
	struct seen index;
	struct seen runtime;
	struct bake_events_seen events;
	uint64_t look_ms; /* when to look next */
	sigset_t signals; /* the mask to wait with: the signals that stop are blocked otherwise */
};

static void say_error(struct bake_site *site, const char *what, const struct bake_error *err)
{
	char text[900];

	(void)snprintf(text, sizeof(text), "%s: error[%s]: %s", what,
		err->id ? err->id : "internal", err->message);
	site->options->say(true, text);
}

/* The text changes hands: bake_site_refresh frees the one that is not needed. */
static bool take_text(struct bake_site *site, void *context)
{
	struct bake_buf *text = context;

	site->text = *text;
	*text = (struct bake_buf)BAKE_BUF_INIT(0);
	site->stale = false;
	return true;
}

static bool become_stale(struct bake_site *site, void *context)
{
	(void)context;
	site->stale = true;
	return true;
}

static bool stay(struct bake_site *site, void *context)
{
	(void)site;
	(void)context;
	return true;
}

/* The index was replaced. One that cannot be used changes nothing but that it is said. */
static void reload(struct loop *loop)
{
	struct bake_site *site = &loop->site;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (bake_file_read(loop->index_path, &text, &err) == BAKE_OK &&
		bake_site_refresh(site, take_text, &text, &err) == BAKE_OK) {
		atomic_fetch_add(&site->reloads, 1);
		site->options->say(false, "the index was replaced: the new one is served");
		return;
	}
	/* What is not the document's fault may go away without it being replaced again. */
	if (err.status == BAKE_ERR_RESOURCES)
		loop->index = (struct seen){.there = false};
	atomic_fetch_add(&site->reloads_failed, 1);
	say_error(site, "the index was replaced, the former one is kept", &err);
	best_effort((int)bake_site_refresh(site, become_stale, NULL, &ignored));
}

static void say_states(struct bake_site *site, const struct bake_local *local)
{
	char text[160];

	if (local->hidden)
		site->options->say(true, "index says baked, files absent: is a volume mounted over "
					 "the models directory?");
	else if (local->required_unusable) {
		(void)snprintf(text, sizeof(text), "%zu required models cannot be used",
			local->required_unusable);
		site->options->say(true, text);
	}
}

/* Files may come and go without the index. */
static void look_at_models(struct loop *loop)
{
	struct bake_site *site = &loop->site;
	struct bake_snapshot *snapshot = bake_site_hold(site);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_local local;
	bool same;

	open_dirs(site);
	if (!bake_local_look(
		    snapshot->index, &snapshot->local, site->models, site->fallback, &local)) {
		bake_snapshot_drop(snapshot);
		return;
	}
	same = bake_local_equal(&local, &snapshot->local);
	bake_snapshot_drop(snapshot);
	if (!same) {
		say_states(site, &local);
		if (bake_site_refresh(site, stay, NULL, &err) != BAKE_OK)
			say_error(site, "refresh", &err);
	}
	bake_local_release(&local);
}

static void look(struct loop *loop)
{
	uint64_t begin_ms = bake_clock_ms();
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t took_ms;

	if (begin_ms < loop->look_ms)
		return;
	if (look_at(loop->index_path, &loop->index))
		reload(loop);
	else if (look_at(loop->site.runtime_path, &loop->runtime) &&
		 bake_site_refresh(&loop->site, stay, NULL, &err) != BAKE_OK)
		say_error(&loop->site, "refresh", &err);
	look_at_models(loop);
	took_ms = bake_clock_ms() - begin_ms;
	loop->look_ms = begin_ms + bake_u64_max(LOOK_MS, took_ms * LOOK_SHARE);
}

/* Signals that stop come while it waits and at no other time: none is lost between looking
 * whether one came and waiting. */
static void run(struct loop *loop)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};

	while (!bake_stop_signal()) {
		bool changed = bake_jobs_tick(loop->site.jobs);

		if (changed)
			loop->look_ms = 0; /* a fetch may have brought something */
		look(loop);
		bake_events_tick(&loop->site, &loop->events, changed);
		best_effort(ppoll(NULL, 0, &tick, &loop->signals));
	}
}

static char *program_path(const struct bake_serve_options *options, const char *name)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	char *path;

	self[len > 0 ? len : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	return asprintf(&path, "%s/%s", options->programs_dir ? options->programs_dir : self,
		       name) < 0
		       ? NULL
		       : path;
}

static enum bake_status load(struct loop *loop, struct bake_error *err)
{
	struct bake_site *site = &loop->site;
	struct bake_snapshot *snapshot;

	(void)look_at(loop->index_path, &loop->index);
	(void)look_at(loop->site.runtime_path, &loop->runtime);
	if (bake_file_read(loop->index_path, &site->text, err) != BAKE_OK) {
		if (err->status == BAKE_ERR_NOINPUT && !site->options->index_path)
			bake_hidden_hint(site->options->models_dir, NULL, err);
		bake_error_of_input(err);
		bake_error_hint(err, "bake-index build makes it");
		return bake_error_wrap(err, "index");
	}
	open_dirs(site);
	BAKE_TRY(make(site, &snapshot, err));
	site->snapshot = snapshot;
	say_states(site, &snapshot->local);
	return BAKE_OK;
}

static enum bake_status prepare(struct loop *loop, struct bake_error *err)
{
	struct bake_site *site = &loop->site;
	const struct bake_serve_options *options = site->options;

	site->fetch_program = program_path(options, "bake-fetch");
	site->verify_program = program_path(options, "bake-verify");
	if (options->index_path)
		loop->index_path = strdup(options->index_path);
	else if (asprintf(&loop->index_path, "%s/" BAKE_INDEX_NAME, options->models_dir) < 0)
		loop->index_path = NULL;
	if (asprintf(&site->runtime_path, "%s/" BAKE_INDEX_RUNTIME_NAME, options->models_dir) < 0)
		loop->site.runtime_path = NULL;
	if (!site->fetch_program || !site->verify_program || !loop->index_path ||
		!site->runtime_path || !bake_routes_make(site))
		return bake_error_nomem(err);
	BAKE_TRY(bake_jobs_new(&site->jobs, err));
	return load(loop, err);
}

static void say_ready(struct bake_site *site)
{
	const struct bake_http_address *address = &site->options->address;
	bool v6 = strchr(address->host, ':') != NULL;
	char text[512];

	if (address->is_unix)
		(void)snprintf(
			text, sizeof(text), "listening on unix:%s", BAKE_SHOW(address->host));
	else
		(void)snprintf(text, sizeof(text), "listening on http://%s%s%s:%u", v6 ? "[" : "",
			BAKE_SHOW(address->host), v6 ? "]" : "", bake_http_port(site->http));
	site->options->say(false, text);
}

/* Threads that are made here leave the signals that stop to this one, which takes them in run(). */
static enum bake_status start(struct loop *loop, struct bake_error *err)
{
	struct bake_site *site = &loop->site;
	const struct bake_serve_options *options = site->options;
	struct bake_http_options http = BAKE_HTTP_OPTIONS_INIT;
	sigset_t signals;

	http.address = &options->address;
	http.hosts = options->hosts;
	http.host_count = options->host_count;
	http.admin_token = options->admin_token;
	http.threads = options->threads;
	if (options->connections_max)
		http.connections_max = options->connections_max;
	http.routes = site->routes;
	http.route_count = site->route_count;
	http.context = site;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return bake_http_start(&http, &site->http, err);
}

static void release(struct loop *loop)
{
	struct bake_site *site = &loop->site;

	bake_http_stop(&site->http, GRACE_MS);
	bake_jobs_free(&site->jobs, CHILD_GRACE_MS);
	bake_snapshot_drop(site->snapshot);
	for (size_t i = 0; site->assets && i < site->options->asset_count; i++)
		bake_http_entity_free(&site->assets[i]);
	free(site->assets);
	free(site->routes);
	free(site->fetch_program);
	free(site->verify_program);
	bake_buf_release(&site->text);
	cleanup_close(&(int){site->models});
	cleanup_close(&(int){site->fallback});
	free(loop->index_path);
	free(site->runtime_path);
	(void)pthread_mutex_destroy(&site->lock);
	(void)pthread_mutex_destroy(&site->making);
}

enum bake_status bake_serve(const struct bake_serve_options *options, struct bake_error *err)
{
	struct loop loop = {
		.site = {.options = options,
			.models = -1,
			.fallback = -1,
			.begin_ms = bake_clock_ms(),
			.text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX)},
	};

	/* Who starts it may ignore this one, and then children leave no status. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &loop.signals);
	(void)pthread_mutex_init(&loop.site.lock, NULL);
	(void)pthread_mutex_init(&loop.site.making, NULL);
	if (prepare(&loop, err) == BAKE_OK && start(&loop, err) == BAKE_OK) {
		bake_events_tick(&loop.site, &loop.events, false);
		say_ready(&loop.site);
		run(&loop);
	}
	(void)pthread_sigmask(SIG_SETMASK, &loop.signals, NULL);
	release(&loop);
	return err->status;
}

enum bake_status bake_serve_read_token(
	const char *path, char *token, size_t room, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TOKEN_FILE_MAX);
	size_t len;

	if (bake_file_read(path, &text, err) != BAKE_OK) {
		bake_error_of_input(err);
		return bake_error_wrap(err, "admin token");
	}
	len = text.len;
	while (len && (text.ptr[len - 1] == '\n' || text.ptr[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
			len = 0;
	}
	if (len < BAKE_HTTP_TOKEN_MIN || len > BAKE_HTTP_TOKEN_MAX || len >= room) {
		bake_error_set(err, BAKE_ERR_USAGE, "serve.token",
			"the admin token must be one line of %d to %d visible characters",
			BAKE_HTTP_TOKEN_MIN, BAKE_HTTP_TOKEN_MAX);
		return bake_error_hint(err, "openssl rand -hex 32 makes one");
	}
	memcpy(token, text.ptr, len);
	token[len] = '\0';
	return BAKE_OK;
}
