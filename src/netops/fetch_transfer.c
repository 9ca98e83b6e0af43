/* SPDX-License-Identifier: Apache-2.0 */
/* The files that must come over the network: the engine's targets are sinks. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/sniff.h"
#include "hub/hub.h"
#include "net/transfer.h"
#include "netops/fetching.h"

/* What a transfer's target is: one item of one fetch. */
struct target {
	struct bake_fetching *fetching;
	struct bake_fetch_item *item;
	bool verifying; /* told already */
};

static struct bake_sink_target cache_target(const struct bake_fetch_item *item)
{
	return (struct bake_sink_target){
		.path = item->cache_path,
		.sha256 = item->file->sha256,
		.size = item->file->size,
		.vet = bake_fetching_vet,
		.vet_context = item,
	};
}

/* Where the lock says that the bytes come from, whichever endpoint or mirror brings them. */
static uint64_t source_of(const struct bake_fetch_item *item)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	const struct bake_source *source = &item->model->source;

	bake_buf_text(&text, source->location);
	bake_buf_text(&text, source->kind == BAKE_SOURCE_HUB ? source->commit : "");
	bake_buf_text(&text, "\n");
	bake_buf_text(&text, item->file->name);
	return text.ptr ? bake_text_hash(text.ptr, text.len) : 0;
}

static enum bake_status open_sink(struct target *target, struct bake_error *err)
{
	struct bake_fetching *fetching = target->fetching;
	struct bake_fetch_item *item = target->item;
	struct bake_sink_target place =
		item->to_cache ? cache_target(item) : bake_fetching_target(fetching, item);

	place.crew = fetching->crew;
	place.events = &fetching->events;
	place.source = item->to_cache ? 0 : source_of(item);
	return bake_sink_open(&item->sink,
		item->to_cache ? &fetching->cache.workdir : &fetching->workdir, &place, err);
}

/* Opens the sink in the cache, unless another process has completed the file there, or is at it. */
static enum bake_status open_in_cache(struct target *target, struct bake_error *err)
{
	struct bake_fetching *fetching = target->fetching;
	struct bake_fetch_item *item = target->item;
	enum bake_status status;

	item->to_cache = true;
	if (bake_fetching_find_cached(fetching, item))
		return BAKE_OK;
	status = open_sink(target, err);
	/* What was published before we had the lock was not seen by the first look. */
	if (status == BAKE_OK && bake_fetching_find_cached(fetching, item))
		bake_sink_discard(&item->sink);
	item->waits = status != BAKE_OK && strcmp(err->id, "lock.held") == 0;
	return item->waits ? BAKE_OK : status;
}

static enum bake_status open_target(
	void *context, struct bake_extents *out_have, struct bake_error *err)
{
	struct target *target = context;
	struct bake_fetching *fetching = target->fetching;
	struct bake_fetch_item *item = target->item;

	item->to_cache = false;
	if (bake_fetching_fills_cache(fetching, item) && open_in_cache(target, err) != BAKE_OK) {
		if (!bake_fetching_leave_cache(fetching, item, err))
			return err->status;
		item->to_cache = false;
	}
	/* Nothing to do here: others may have their turn. */
	if (item->in_cache || item->waits) {
		fetching->silent = item->path.text;
		out_have->list[0] = (struct bake_extent){0, item->file->size};
		out_have->count = item->file->size ? 1 : 0;
		return BAKE_OK;
	}
	fetching->silent = NULL;
	if (!item->to_cache)
		BAKE_TRY(open_sink(target, err));
	bake_sink_have(&item->sink, out_have);
	return BAKE_OK;
}

/* When it is the cache that fails, the item is open again once the engine has given it up. */
static enum bake_status note_failure(
	struct target *target, enum bake_status status, const struct bake_error *err)
{
	if (status == BAKE_ERR_POLICY)
		target->item->refused = true;
	if (status != BAKE_OK && target->item->to_cache)
		(void)bake_fetching_leave_cache(target->fetching, target->item, err);
	return status;
}

/* What can execute code is told by its first bytes, as many as come in one piece: the rest need
 * not come. */
static enum bake_status vet_first(const struct target *target, uint64_t offset,
	struct bake_span bytes, struct bake_error *err)
{
	return offset == 0 ? bake_fetching_vet_head(target->item, bytes, err) : BAKE_OK;
}

static enum bake_status write_target(
	void *context, uint64_t offset, struct bake_span bytes, struct bake_error *err)
{
	struct target *target = context;

	if (vet_first(target, offset, bytes, err) != BAKE_OK)
		return note_failure(target, err->status, err);
	return note_failure(target, bake_sink_write(&target->item->sink, offset, bytes, err), err);
}

static enum bake_status lend_target(
	void *context, struct bake_loan *loan, bool *out_kept, struct bake_error *err)
{
	struct target *target = context;

	if (vet_first(target, loan->offset, bake_span(loan->ptr, loan->len), err) != BAKE_OK)
		return note_failure(target, err->status, err);
	return note_failure(target, bake_sink_lend(&target->item->sink, loan, out_kept, err), err);
}

static enum bake_status restart_target(void *context, struct bake_error *err)
{
	struct target *target = context;

	return note_failure(target, bake_sink_restart(&target->item->sink, err), err);
}

static enum bake_status reopen_target(void *context, struct bake_error *err)
{
	struct target *target = context;

	enum bake_status status = open_sink(target, err);

	target->verifying = false;
	if (status == BAKE_OK)
		status = bake_sink_restart(&target->item->sink, err);
	return note_failure(target, status, err);
}

static void finished(struct target *target)
{
	struct bake_fetch_item *item = target->item;

	item->in_cache = item->to_cache;
	/* Of what went past the cache nobody else tells. */
	if (!item->to_cache && bake_cache_is_open(&target->fetching->cache))
		bake_emit_done(
			&target->fetching->events, item->path.text, "fetched", item->file->size);
}

static enum bake_status finish_target(void *context, bool *out_done, struct bake_error *err)
{
	struct target *target = context;
	struct bake_fetch_item *item = target->item;
	uint8_t head[BAKE_SNIFF_BYTES];
	const char *hint = NULL;
	size_t len;

	*out_done = true;
	if (item->in_cache || item->waits)
		return BAKE_OK;
	len = bake_sink_peek(&item->sink, head, sizeof(head));
	if (!target->verifying)
		bake_emit_bytes(&target->fetching->events, BAKE_EVENT_VERIFY, item->path.text,
			item->file->size, item->file->size);
	target->verifying = true;
	if (bake_sink_finish(&item->sink, out_done, err) == BAKE_OK) {
		if (*out_done)
			finished(target);
		return BAKE_OK;
	}
	if (err->status == BAKE_ERR_INTEGRITY && bake_sniff_describe(bake_span(head, len), &hint) &&
		hint)
		bake_error_hint(err, "%s", hint);
	return note_failure(target, err->status, err);
}

/* A part that the cache has no room for is in the way of others, too. */
static void close_target(void *context)
{
	struct bake_fetch_item *item = ((struct target *)context)->item;

	if ((item->to_cache && item->past_cache) || item->refused)
		bake_sink_discard(&item->sink);
	else
		bake_sink_close(&item->sink);
}

/* The Hub's own words for a failure, when it was the Hub that was asked. */
static void explain(void *context, const struct bake_transfer *transfer, struct bake_error *err)
{
	const struct bake_fetching *fetching = context;
	const struct target *target = transfer->target.context;
	const struct bake_source *source = &target->item->model->source;

	if (source->kind == BAKE_SOURCE_HUB && transfer->url == 0 &&
		transfer->response->status >= 400)
		bake_hub_explain(transfer->response, fetching->link.endpoint, source->location,
			source->commit, fetching->link.has_token, err);
	if (strcmp(err->id, "net.not-found") == 0)
		bake_error_hint(err, "was the file removed at its source? bake-lock --upgrade "
				     "resolves it anew, a mirror may still have it");
	if (err->transient)
		bake_error_hint(err, "what has come is kept: run the same command again");
}

/* Whether the item needs the network at all. */
static bool needs_transfer(const struct bake_fetch_item *item)
{
	return bake_fetching_is_open(item) && item->url_count && !item->in_cache && !item->same &&
	       (!item->twin || item->twin->report->outcome == BAKE_FETCH_FAILED);
}

static void take_result(const struct bake_transfer *transfer)
{
	const struct target *target = transfer->target.context;
	struct bake_fetch_item *item = target->item;

	item->report->received += transfer->received;
	item->report->retries += transfer->retries;
	if (transfer->connections > item->report->connections)
		item->report->connections = transfer->connections;
	item->report->from = item->urls[transfer->url];
	if (!item->in_cache || transfer->received)
		item->report->resumed = transfer->resumed;
	if (transfer->state == BAKE_TRANSFER_DONE && !item->to_cache)
		item->report->outcome = BAKE_FETCH_FETCHED;
	if (transfer->state == BAKE_TRANSFER_FAILED && !(item->to_cache && item->past_cache)) {
		item->report->outcome = BAKE_FETCH_FAILED;
		item->report->error = transfer->error;
	}
}

static void prepare(struct bake_transfer *transfer, struct target *target)
{
	const struct bake_fetch_item *item = target->item;

	*transfer = (struct bake_transfer){
		.name = item->path.text,
		.urls = item->urls,
		.url_count = item->url_count,
		.has_size = true,
		.size = item->file->size,
		.target = {.context = target,
			.open = open_target,
			.write = write_target,
			.lend = lend_target,
			.restart = restart_target,
			.finish = finish_target,
			.reopen = reopen_target,
			.close = close_target},
	};
}

static enum bake_status offline(
	struct bake_fetching *fetching, struct bake_fetch_item *item, struct bake_error *err)
{
	struct bake_error error = BAKE_ERROR_INIT;

	bake_error_set(&error, BAKE_ERR_UNAVAILABLE, "net.offline",
		"'%s' is neither here nor in a cache, and --offline forbids fetching it",
		BAKE_SHOW(item->path.text));
	if (fetching->options->keep_going) {
		bake_fetching_fail(fetching, item, &error);
		return BAKE_OK;
	}
	*err = error;
	return err->status;
}

static enum bake_status run(struct bake_fetching *fetching, struct bake_transfer *transfers,
	size_t count, struct bake_error *err)
{
	struct bake_transfer_options options = {
		.max_concurrent = fetching->options->max_concurrent,
		.connections = fetching->options->connections,
		.retries = fetching->options->origins.retries,
		.keep_going = fetching->options->keep_going,
		.busy_timeout_ms = fetching->options->lock_timeout_ms,
		.events = &fetching->engine_events,
		.explain = explain,
		.explain_context = fetching,
		.recognise = bake_sniff_describe,
	};
	enum bake_status status = bake_crew_new(0, &fetching->crew, err);
	bool failed = false;

	if (status == BAKE_OK)
		status = bake_transfer_run(fetching->link.http, transfers, count, &options, err);
	bake_crew_free(&fetching->crew);
	for (size_t i = 0; i < count; i++) {
		take_result(&transfers[i]);
		failed = failed || transfers[i].state == BAKE_TRANSFER_FAILED;
	}
	/* A signal, or the engine itself. */
	if (status == BAKE_ERR_INTERRUPTED || !failed)
		return status;
	/* What failed is in the items, and is no failure when only the cache was to blame for it. */
	return fetching->options->keep_going ? BAKE_OK : bake_fetching_worst(fetching, err);
}

/* What to do about an item that is not there: *out_transfer, when it is to be fetched now. */
static enum bake_status consider(struct bake_fetching *fetching, struct bake_fetch_item *item,
	bool *out_transfer, struct bake_error *err)
{
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status;

	*out_transfer = false;
	item->waits = false;
	if (!needs_transfer(item) || bake_fetching_find_cached(fetching, item))
		return BAKE_OK;
	if (fetching->link.offline)
		return offline(fetching, item, err);
	status = bake_fetching_is_busy(fetching, item, &item->waits, &error);
	*out_transfer = status == BAKE_OK && !item->waits;
	if (status == BAKE_OK || fetching->options->keep_going) {
		if (status != BAKE_OK)
			bake_fetching_fail(fetching, item, &error);
		return BAKE_OK;
	}
	*err = error;
	return status;
}

/* Whether there is nothing to do but to wait for others. */
static bool is_idle(
	struct bake_fetching *fetching, const struct bake_transfer *transfers, size_t count)
{
	bool waiting = false;
	bool worked = false;

	for (size_t i = 0; i < fetching->item_count; i++)
		waiting = waiting || fetching->items[i].waits;
	for (size_t i = 0; i < count; i++) {
		const struct target *target = transfers[i].target.context;

		worked = worked || !target->item->waits;
	}
	if (waiting)
		fetching->again = true;
	return waiting && !worked;
}

enum bake_status bake_fetching_transfer(
	struct bake_fetching *fetching, bool *out_idle, struct bake_error *err)
{
	_cleanup_free_ struct bake_transfer *transfers =
		calloc(fetching->item_count + 1, sizeof(*transfers));
	_cleanup_free_ struct target *targets = calloc(fetching->item_count + 1, sizeof(*targets));
	size_t count = 0;
	bool wanted;

	if (!transfers || !targets)
		return bake_error_nomem(err);
	for (size_t i = 0; i < fetching->item_count; i++) {
		BAKE_TRY(consider(fetching, &fetching->items[i], &wanted, err));
		if (!wanted)
			continue;
		targets[count] = (struct target){.fetching = fetching, .item = &fetching->items[i]};
		prepare(&transfers[count], &targets[count]);
		count++;
	}
	if (count)
		BAKE_TRY(run(fetching, transfers, count, err));
	*out_idle = is_idle(fetching, transfers, count);
	return BAKE_OK;
}
