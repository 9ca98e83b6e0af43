/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"
#include "netops/fetching.h"

enum {
	ARENA_BYTES_MAX = 1024 * 1024 * 1024
};

static const char *const outcome_names[] = {
	[BAKE_FETCH_PENDING] = "pending",
	[BAKE_FETCH_PRESENT] = "present",
	[BAKE_FETCH_FETCHED] = "fetched",
	[BAKE_FETCH_CACHED] = "cached",
	[BAKE_FETCH_COPIED] = "copied",
	[BAKE_FETCH_CONVERTED] = "converted",
	[BAKE_FETCH_FAILED] = "failed",
};

const char *bake_fetch_outcome_name(enum bake_fetch_outcome outcome)
{
	return outcome_names[outcome];
}

bool bake_fetching_is_open(const struct bake_fetch_item *item)
{
	return item->report->outcome == BAKE_FETCH_PENDING;
}

void bake_fetching_fail(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const struct bake_error *error)
{
	item->report->error = *error;
	item->report->outcome = BAKE_FETCH_FAILED;
	bake_emit_fail(&fetching->events, item->path.text, error);
}

void bake_fetching_done(struct bake_fetching *fetching, struct bake_fetch_item *item,
	enum bake_fetch_outcome outcome)
{
	item->report->outcome = outcome;
	bake_emit_done(
		&fetching->events, item->path.text, outcome_names[outcome], item->file->size);
}

struct bake_sink_target bake_fetching_target(
	const struct bake_fetching *fetching, const struct bake_fetch_item *item)
{
	return (struct bake_sink_target){
		.path = item->path,
		.sha256 = item->file->sha256,
		.size = item->file->size,
		.mtime = fetching->mtime,
		.vet = bake_fetching_vet,
		.vet_context = item,
	};
}

/* Copies run in several threads; whoever draws progress is called by one at a time. */
static void emit_locked(void *context, const struct bake_event *event)
{
	struct bake_fetching *fetching = context;

	(void)pthread_mutex_lock(&fetching->event_lock);
	bake_watch_event(&fetching->watch, event);
	bake_emit(fetching->options->events, event);
	(void)pthread_mutex_unlock(&fetching->event_lock);
}

/* Whether the failure is the cache's, and the item goes on without it. */
static bool goes_on(const struct bake_fetching *fetching, const char *name)
{
	for (size_t i = 0; i < fetching->item_count; i++) {
		const struct bake_fetch_item *item = &fetching->items[i];

		if (item->to_cache && item->past_cache && strcmp(item->path.text, name) == 0)
			return true;
	}
	return false;
}

/* A file that went into the cache is not there yet: its copy says when it is, and what went past
 * it says so itself. */
static void emit_engine(void *context, const struct bake_event *event)
{
	struct bake_fetching *fetching = context;
	struct bake_event other = *event;

	if (bake_cache_is_open(&fetching->cache)) {
		if (event->kind == BAKE_EVENT_DONE ||
			(event->kind == BAKE_EVENT_START && event->name == fetching->silent))
			return;
		if (event->kind == BAKE_EVENT_FAIL && goes_on(fetching, event->name))
			other.kind = BAKE_EVENT_RETRY;
	}
	emit_locked(context, &other);
}

static void release(struct bake_fetching *fetching)
{
	for (size_t i = 0; i < fetching->item_count; i++)
		bake_sink_close(&fetching->items[i].sink);
	bake_workdir_close(&fetching->workdir);
	bake_cache_close(&fetching->cache);
	bake_link_close(&fetching->link);
	cleanup_close(&fetching->lock_dir);
	cleanup_close(&fetching->root);
	bake_watch_release(&fetching->watch);
}

static bool any_open(const struct bake_fetching *fetching)
{
	for (size_t i = 0; i < fetching->item_count; i++) {
		if (bake_fetching_is_open(&fetching->items[i]))
			return true;
	}
	return false;
}

/* The directory as it is; a dry run makes none. */
static enum bake_status open_root(struct bake_fetching *fetching, struct bake_error *err)
{
	const char *path = fetching->options->models_dir;

	if (!fetching->options->dry_run)
		return bake_dir_make(path, &fetching->root, err) == BAKE_OK
			       ? BAKE_OK
			       : bake_error_wrap(err, "models");
	if (bake_dir_missing(path))
		return BAKE_OK;
	return bake_dir_open(path, &fetching->root, err);
}

/* The free space where the directory is, or would be made: that of its nearest parent. */
static enum bake_status note_free(struct bake_fetching *fetching, struct bake_error *err)
{
	_cleanup_free_ char *parent = strdup(fetching->options->models_dir);
	_cleanup_close_ int fd = -1;

	if (fetching->root >= 0)
		return bake_dir_free(fetching->root, &fetching->report->free_bytes, err);
	if (!parent)
		return bake_error_nomem(err);
	while (bake_dir_missing(parent)) {
		char *slash = strrchr(parent, '/');

		if (!slash) {
			parent[0] = '\0';
			break;
		}
		slash[slash == parent ? 1 : 0] = '\0';
	}
	BAKE_TRY(bake_dir_open(parent[0] ? parent : ".", &fd, err));
	return bake_dir_free(fd, &fetching->report->free_bytes, err);
}

/* What is open after everything was tried waits for a twin that failed. */
static void fail_twins(struct bake_fetching *fetching)
{
	for (size_t i = 0; i < fetching->item_count; i++) {
		struct bake_fetch_item *item = &fetching->items[i];
		struct bake_error error = BAKE_ERROR_INIT;

		if (!bake_fetching_is_open(item))
			continue;
		if (item->twin && item->twin->report->outcome == BAKE_FETCH_FAILED)
			error = item->twin->report->error;
		else
			bake_error_set(&error, BAKE_ERR_INTERNAL, "internal.state",
				"neither fetched nor failed");
		bake_fetching_fail(fetching, item, &error);
	}
}

/* Again as long as that changes something: a damaged file in the cache shows when it is copied, a
 * cache that is full when it is written to, and others may be fetching the same. */
static enum bake_status bring(struct bake_fetching *fetching, struct bake_error *err)
{
	bool idle;

	do {
		fetching->again = false;
		BAKE_TRY(bake_fetching_transfer(fetching, &idle, err));
		BAKE_TRY(bake_fetching_copy(fetching, err));
		bake_fetching_settle_same(fetching);
		if (idle && any_open(fetching))
			BAKE_TRY(bake_fetching_wait(fetching, err));
	} while (fetching->again && any_open(fetching));
	fail_twins(fetching);
	return BAKE_OK;
}

enum bake_status bake_fetching_worst(const struct bake_fetching *fetching, struct bake_error *err)
{
	const struct bake_fetch_file *worst = NULL;
	enum bake_status status = BAKE_OK;

	for (size_t i = 0; i < fetching->item_count; i++) {
		const struct bake_fetch_file *file = fetching->items[i].report;
		bool excused = fetching->options->keep_going && !file->required;
		enum bake_status own = excused ? BAKE_ERR_PARTIAL : file->error.status;

		if (file->outcome != BAKE_FETCH_FAILED)
			continue;
		if (!worst || bake_status_worse(status, own) != status) {
			worst = file;
			status = own;
		}
	}
	if (!worst)
		return BAKE_OK;
	*err = worst->error;
	err->status = status;
	return bake_error_wrap(err, "%s", BAKE_SHOW(worst->path));
}

/* Times of directories last: a rename into one changes its time. */
static enum bake_status stamp(struct bake_fetching *fetching, unsigned made, struct bake_error *err)
{
	_cleanup_free_ struct bake_relpath *paths =
		calloc(fetching->item_count + 1, sizeof(*paths));

	if (!paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < fetching->item_count; i++)
		paths[i] = fetching->items[i].path;
	BAKE_TRY(bake_dir_stamp(fetching->root, paths, fetching->item_count, fetching->mtime, err));
	BAKE_TRY(bake_fetching_stamp_around(fetching, err));
	return bake_dir_stamp_made(fetching->options->models_dir, made, fetching->mtime, err);
}

static void announce(struct bake_fetching *fetching)
{
	for (size_t i = 0; i < fetching->item_count; i++) {
		const struct bake_fetch_item *item = &fetching->items[i];

		if (bake_fetching_is_open(item))
			bake_emit_bytes(&fetching->events, BAKE_EVENT_QUEUED, item->path.text, 0,
				item->file->size);
	}
	bake_emit_plan(&fetching->events, fetching->item_count, fetching->report->bytes);
}

/* Fetches what is missing, alone in the directory. */
static enum bake_status work(struct bake_fetching *fetching, struct bake_error *err)
{
	const struct bake_fetch_options *options = fetching->options;
	enum bake_status status;

	if (bake_workdir_open(fetching->root, options->lock_timeout_ms, &fetching->events,
		    &fetching->workdir, err) != BAKE_OK)
		return bake_error_wrap(err, "models");
	fetching->touched = true;
	bake_watch_publish(&fetching->watch, &fetching->workdir);
	BAKE_TRY(bake_fetching_look(fetching, err)); /* another process may have been here */
	BAKE_TRY(bake_fetching_open_cache(fetching, err));
	BAKE_TRY(bake_fetching_space(fetching, err));
	announce(fetching);
	BAKE_TRY(bake_fetching_convert(fetching, err));
	BAKE_TRY(bring(fetching, err));
	status = bake_fetching_worst(fetching, err);
	if (status != BAKE_OK && status != BAKE_ERR_PARTIAL)
		return status;
	BAKE_TRY(bake_fetching_arrange(fetching, err));
	BAKE_TRY(bake_fetching_write_sidecars(fetching, err));
	bake_fetching_remove_converted(fetching);
	if (options->keep_parts)
		bake_workdir_leave_parts(&fetching->workdir);
	else
		bake_workdir_remove(&fetching->workdir);
	return status;
}

/* An earlier run may have left parts although nothing is missing any more. */
static void sweep(struct bake_fetching *fetching)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct stat st;

	if (fstatat(fetching->root, BAKE_WORKDIR_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		bake_workdir_open(fetching->root, 0, NULL, &fetching->workdir, &ignored) ==
			BAKE_OK) {
		bake_fetching_remove_converted(fetching);
		bake_workdir_remove(&fetching->workdir);
		fetching->touched = true;
	}
}

static enum bake_status fetch(struct bake_fetching *fetching, struct bake_error *err)
{
	unsigned made = bake_dir_missing(fetching->options->models_dir);
	enum bake_status status = BAKE_OK;
	bool arranged;
	bool told;

	BAKE_TRY(bake_watch_open(&fetching->watch, fetching->options->events_path,
		fetching->options->origins.user_agent, err));
	BAKE_TRY(bake_clock_source_date(&fetching->mtime, err));
	BAKE_TRY(bake_link_open(
		&fetching->link, &fetching->options->origins, &fetching->events, err));
	BAKE_TRY(bake_fetching_plan(fetching, err));
	BAKE_TRY(bake_watch_plan(&fetching->watch, fetching->report, err));
	BAKE_TRY(bake_fetching_refuse_named(fetching, err));
	BAKE_TRY(open_root(fetching, err));
	BAKE_TRY(note_free(fetching, err));
	BAKE_TRY(bake_fetching_look(fetching, err));
	BAKE_TRY(bake_fetching_look_around(fetching, &arranged, err));
	BAKE_TRY(bake_fetching_look_sidecars(fetching, &told, err));
	if (fetching->options->dry_run)
		return bake_fetching_survey(fetching, err);
	if (any_open(fetching) || !arranged || !told)
		status = work(fetching, err);
	else if (!made && !fetching->options->keep_parts)
		sweep(fetching);
	if (status != BAKE_OK && status != BAKE_ERR_PARTIAL)
		return status;
	if (fetching->touched || made)
		BAKE_TRY(stamp(fetching, made, err));
	return status;
}

enum bake_status bake_fetch_run(const struct bake_fetch_options *options,
	struct bake_fetch_report *out, struct bake_error *err)
{
	_cleanup_(release) struct bake_fetching fetching = {
		.options = options,
		.report = out,
		.lock_dir = -1,
		.root = -1,
		.workdir = BAKE_WORKDIR_INIT,
		.cache = BAKE_CACHE_INIT,
		.event_lock = PTHREAD_MUTEX_INITIALIZER,
		.watch = BAKE_WATCH_INIT,
	};
	uint64_t begin = bake_clock_ms();
	enum bake_status status;

	*out = (struct bake_fetch_report){
		.arena = {.max = ARENA_BYTES_MAX}, .begun = (int64_t)time(NULL)};
	fetching.events = (struct bake_events){.emit = emit_locked, .context = &fetching};
	fetching.engine_events = (struct bake_events){.emit = emit_engine, .context = &fetching};
	status = fetch(&fetching, err);
	out->events_lost = !bake_watch_end(&fetching.watch, status, err, options->dry_run);
	out->ms = bake_clock_ms() - begin;
	return status;
}

void bake_fetch_report_release(struct bake_fetch_report *report)
{
	bake_lock_free(&report->lock);
	bake_arena_release(&report->arena);
}
