/* SPDX-License-Identifier: Apache-2.0 */
/* A fetch and its cache: what goes through it, what waits for another process, what goes past it. */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "netops/fetching.h"

enum {
	WAIT_STEP_MS = 200,
	/* A copy that is bad for the second time is not the fault of one bad moment. */
	FALLS_MAX = 2,
};

enum bake_status bake_fetching_open_cache(struct bake_fetching *fetching, struct bake_error *err)
{
	const struct bake_fetch_options *options = fetching->options;

	if (!options->cache_dir)
		return BAKE_OK;
	if (options->dry_run)
		return bake_cache_peek(&fetching->cache, options->cache_dir, err);
	return bake_cache_open(&fetching->cache, options->cache_dir, &fetching->events, err);
}

struct bake_cache_entry bake_fetching_entry(const struct bake_fetch_item *item)
{
	return (struct bake_cache_entry){
		.path = item->cache_path, .sha256 = item->file->sha256, .size = item->file->size};
}

bool bake_fetching_find_cached(struct bake_fetching *fetching, struct bake_fetch_item *item)
{
	_cleanup_close_ int fd = -1;
	struct bake_cache_entry entry = bake_fetching_entry(item);

	if (!item->past_cache)
		fd = bake_cache_find(&fetching->cache, &entry);
	item->in_cache = fd >= 0;
	return item->in_cache;
}

bool bake_fetching_source_cached(
	const struct bake_fetching *fetching, const struct bake_lock_file *source)
{
	_cleanup_close_ int fd = -1;
	struct bake_cache_entry entry = {.sha256 = source->sha256, .size = source->size};
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (bake_cache_is_open(&fetching->cache) &&
		bake_cache_path(&fetching->report->arena, &source->sha256, &entry.path, &ignored) ==
			BAKE_OK)
		fd = bake_cache_find(&fetching->cache, &entry);
	return fd >= 0;
}

bool bake_fetching_fills_cache(
	const struct bake_fetching *fetching, const struct bake_fetch_item *item)
{
	return bake_cache_is_writable(&fetching->cache) && !item->past_cache;
}

bool bake_fetching_leave_cache(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const struct bake_error *error)
{
	if (error->status != BAKE_ERR_NOSPACE && error->status != BAKE_ERR_IO &&
		error->status != BAKE_ERR_PERMISSION && error->status != BAKE_ERR_CANTCREATE)
		return false;
	item->past_cache = true;
	fetching->again = true;
	if (!fetching->cache_told)
		bake_emitf(&fetching->events, BAKE_EVENT_NOTICE,
			"the cache cannot take %s, it is fetched without it, as is all that fares "
			"alike: %s",
			BAKE_SHOW(item->path.text), error->message);
	fetching->cache_told = true;
	return true;
}

void bake_fetching_lost_cached(struct bake_fetching *fetching, struct bake_fetch_item *item)
{
	item->in_cache = false;
	item->cache_falls++;
	if (item->cache_falls == FALLS_MAX || !bake_cache_is_writable(&fetching->cache))
		item->past_cache = true;
	fetching->again = true;
}

enum bake_status bake_fetching_is_busy(struct bake_fetching *fetching, struct bake_fetch_item *item,
	bool *out, struct bake_error *err)
{
	struct bake_cache_entry entry = bake_fetching_entry(item);
	uint64_t now = bake_clock_ms();
	uint64_t mark = 0;

	*out = bake_fetching_fills_cache(fetching, item) &&
	       bake_cache_is_busy(&fetching->cache, &entry, &mark);
	if (!*out) {
		item->wait_begin = 0;
		return BAKE_OK;
	}
	if (!item->wait_begin || item->wait_mark != mark) {
		item->wait_begin = now;
		item->wait_mark = mark;
	}
	if (now - item->wait_begin < fetching->options->lock_timeout_ms)
		return BAKE_OK;
	return bake_error_transient(err, BAKE_ERR_TEMPORARY, "lock.held",
		"another process is fetching '%s' into the cache and does not get on",
		BAKE_SHOW(item->path.text));
}

/* One line, for the first of them. */
static void tell_wait(struct bake_fetching *fetching)
{
	const struct bake_fetch_item *first = NULL;

	for (size_t i = 0; i < fetching->item_count && !first; i++) {
		if (fetching->items[i].waits)
			first = &fetching->items[i];
	}
	if (first && !fetching->wait_told)
		bake_emitf(&fetching->events, BAKE_EVENT_NOTICE,
			"waiting: another process is fetching %s into the cache",
			BAKE_SHOW(first->path.text));
	fetching->wait_told = true;
}

enum bake_status bake_fetching_wait(struct bake_fetching *fetching, struct bake_error *err)
{
	static const struct bake_event tick = {.kind = BAKE_EVENT_TICK};
	struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};

	tell_wait(fetching);
	(void)nanosleep(&step, NULL);
	bake_emit(&fetching->events, &tick);
	return bake_stop_check(err);
}
