/* SPDX-License-Identifier: Apache-2.0 */
/* The files whose bytes are here already: from the cache, from beside the lock, from a twin. */
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/stop.h"
#include "base/text.h"
#include "format/sniff.h"
#include "fs/dir.h"
#include "netops/fetching.h"
#include "netops/local.h"
#include "store/copy.h"

/* Where an item's bytes are; *out_fd -1 when they are nowhere yet. */
static enum bake_status find_source(struct bake_fetching *fetching, struct bake_fetch_item *item,
	int *out_fd, struct bake_error *err)
{
	struct bake_cache_entry entry = bake_fetching_entry(item);
	struct stat st;

	*out_fd = -1;
	if (item->twin && (item->twin->report->outcome == BAKE_FETCH_FETCHED ||
				  item->twin->report->outcome == BAKE_FETCH_PRESENT ||
				  item->twin->report->outcome == BAKE_FETCH_CACHED ||
				  item->twin->report->outcome == BAKE_FETCH_CONVERTED ||
				  item->twin->report->outcome == BAKE_FETCH_COPIED))
		return bake_open_regular(fetching->root, item->twin->path, out_fd, &st, err);
	if (item->in_cache) {
		*out_fd = bake_cache_find(&fetching->cache, &entry);
		return BAKE_OK;
	}
	if (item->model->convert)
		return bake_fetching_open_converted(fetching, item, out_fd, err);
	if (item->model->source.kind == BAKE_SOURCE_FILE)
		return bake_local_open(
			fetching->lock_dir, item->model, item->file, out_fd, NULL, err);
	return BAKE_OK;
}

static void hint_of(int fd, struct bake_error *err)
{
	uint8_t head[BAKE_SNIFF_BYTES];
	ssize_t got = pread(fd, head, sizeof(head), 0);
	const char *hint = NULL;

	if (got > 0 && bake_sniff_describe(bake_span(head, (size_t)got), &hint) && hint)
		bake_error_hint(err, "%s", hint);
	else
		bake_error_hint(
			err, "the file changed since it was locked: run bake-lock --upgrade");
}

static enum bake_status copy_item(struct bake_fetching *fetching, struct bake_fetch_item *item,
	int from, struct bake_error *err)
{
	struct bake_sink_target target = bake_fetching_target(fetching, item);
	/* What has just come over the network was told of already. */
	const struct bake_events *events = item->report->received ? NULL : &fetching->events;
	enum bake_status status;

	BAKE_TRY(bake_sink_open(&item->sink, &fetching->workdir, &target, err));
	bake_emit_bytes(
		events, BAKE_EVENT_START, item->path.text, item->sink.frontier, item->file->size);
	status = bake_store_copy(from, &item->sink, events, err);
	bake_sink_close(&item->sink);
	return status;
}

/* A cached file that is not what its name says is dropped, and the item open again. */
static bool drop_bad_cache(struct bake_fetching *fetching, struct bake_fetch_item *item, int fd,
	const struct bake_error *error)
{
	struct bake_cache_entry entry = bake_fetching_entry(item);

	if (!item->in_cache || error->status != BAKE_ERR_INTEGRITY)
		return false;
	bake_cache_drop(&fetching->cache, &entry, fd);
	bake_emitf(&fetching->events, BAKE_EVENT_WARNING,
		"the cache's copy of %s is damaged; it is dropped and fetched anew",
		BAKE_SHOW(item->path.text));
	bake_fetching_lost_cached(fetching, item);
	return true;
}

static enum bake_fetch_outcome outcome_of(const struct bake_fetch_item *item)
{
	if (item->report->received)
		return BAKE_FETCH_FETCHED;
	if (item->model->convert && !item->twin && !item->in_cache)
		return BAKE_FETCH_CONVERTED;
	return item->in_cache ? BAKE_FETCH_CACHED : BAKE_FETCH_COPIED;
}

static void copy_item_or_fail(struct bake_fetching *fetching, struct bake_fetch_item *item)
{
	struct bake_error error = BAKE_ERROR_INIT;
	_cleanup_close_ int from = -1;
	enum bake_status status;

	status = find_source(fetching, item, &from, &error);
	if (status == BAKE_OK && from < 0) {
		if (item->in_cache) /* it went while we looked elsewhere */
			bake_fetching_lost_cached(fetching, item);
		return;
	}
	if (status == BAKE_OK)
		status = copy_item(fetching, item, from, &error);
	if (status == BAKE_OK) {
		bake_fetching_done(fetching, item, outcome_of(item));
		return;
	}
	if (status == BAKE_ERR_INTERRUPTED || drop_bad_cache(fetching, item, from, &error))
		return;
	if (status == BAKE_ERR_INTEGRITY && from >= 0)
		hint_of(from, &error);
	bake_fetching_fail(fetching, item, &error);
}

/* First what stands for itself, then what may be copied from that. */
static void copy_first(void *context, size_t index)
{
	struct bake_fetching *fetching = context;
	struct bake_fetch_item *item = &fetching->items[index];

	if (!item->twin && !item->same && bake_fetching_is_open(item) && !bake_stop_signal())
		copy_item_or_fail(fetching, item);
}

static void copy_twin(void *context, size_t index)
{
	struct bake_fetching *fetching = context;
	struct bake_fetch_item *item = &fetching->items[index];

	if (item->twin && !item->same && bake_fetching_is_open(item) && !bake_stop_signal())
		copy_item_or_fail(fetching, item);
}

enum bake_status bake_fetching_copy(struct bake_fetching *fetching, struct bake_error *err)
{
	bake_parallel(fetching->item_count, 0, copy_first, fetching);
	bake_parallel(fetching->item_count, 0, copy_twin, fetching);
	return bake_stop_check(err);
}
