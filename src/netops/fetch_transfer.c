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
};

static bool uses_cache(const struct target *target)
{
	return target->fetching->cache.root >= 0;
}

/* Whether another process has completed the file in the cache. */
static enum bake_status look_in_cache(struct target *target, bool *out, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;

	BAKE_TRY(bake_cache_find(&target->fetching->cache, target->item->cache_path,
		target->item->file->size, &fd, err));
	*out = fd >= 0;
	return BAKE_OK;
}

static struct bake_sink_target cache_target(const struct bake_fetch_item *item)
{
	return (struct bake_sink_target){
		.path = item->cache_path, .sha256 = item->file->sha256, .size = item->file->size};
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
		uses_cache(target) ? cache_target(item) : bake_fetching_target(fetching, item);

	place.crew = fetching->crew;
	place.events = &fetching->events;
	place.source = uses_cache(target) ? 0 : source_of(item);
	return bake_sink_open(&item->sink,
		uses_cache(target) ? &fetching->cache.workdir : &fetching->workdir, &place, err);
}

static enum bake_status open_target(
	void *context, struct bake_extents *out_have, struct bake_error *err)
{
	struct target *target = context;
	struct bake_fetch_item *item = target->item;

	BAKE_TRY(open_sink(target, err));
	if (uses_cache(target)) {
		BAKE_TRY(look_in_cache(target, &item->in_cache, err));
		if (item->in_cache) {
			bake_sink_discard(&item->sink);
			out_have->list[0] = (struct bake_extent){0, item->file->size};
			out_have->count = item->file->size ? 1 : 0;
			return BAKE_OK;
		}
	}
	bake_sink_have(&item->sink, out_have);
	return BAKE_OK;
}

static enum bake_status write_target(
	void *context, uint64_t offset, struct bake_span bytes, struct bake_error *err)
{
	return bake_sink_write(&((struct target *)context)->item->sink, offset, bytes, err);
}

static enum bake_status restart_target(void *context, struct bake_error *err)
{
	return bake_sink_restart(&((struct target *)context)->item->sink, err);
}

static enum bake_status reopen_target(void *context, struct bake_error *err)
{
	struct target *target = context;

	BAKE_TRY(open_sink(target, err));
	return bake_sink_restart(&target->item->sink, err);
}

static enum bake_status finish_target(void *context, bool *out_done, struct bake_error *err)
{
	struct target *target = context;
	struct bake_fetch_item *item = target->item;
	uint8_t head[BAKE_SNIFF_BYTES];
	const char *hint = NULL;
	size_t len;

	*out_done = true;
	if (item->in_cache)
		return BAKE_OK;
	len = bake_sink_peek(&item->sink, head, sizeof(head));
	if (bake_sink_finish(&item->sink, out_done, err) == BAKE_OK) {
		item->in_cache = *out_done && uses_cache(target);
		return BAKE_OK;
	}
	if (err->status == BAKE_ERR_INTEGRITY && bake_sniff_describe(bake_span(head, len), &hint) &&
		hint)
		bake_error_hint(err, "%s", hint);
	return err->status;
}

static void close_target(void *context)
{
	bake_sink_close(&((struct target *)context)->item->sink);
}

/* The Hub's own words for a failure, when it was the Hub that was asked. */
static void explain(void *context, const struct bake_transfer *transfer, struct bake_error *err)
{
	const struct bake_fetching *fetching = context;
	const struct target *target = transfer->target.context;
	const struct bake_source *source = &target->item->model->source;

	if (source->kind == BAKE_SOURCE_HUB && transfer->url == 0 &&
		transfer->response.status >= 400)
		bake_hub_explain(&transfer->response, fetching->link.endpoint, source->location,
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

static void take_result(struct bake_fetching *fetching, const struct bake_transfer *transfer)
{
	const struct target *target = transfer->target.context;
	struct bake_fetch_item *item = target->item;

	item->report->received += transfer->received;
	item->report->retries += transfer->retries;
	item->report->from = item->urls[transfer->url];
	if (!item->in_cache || transfer->received)
		item->report->resumed = transfer->resumed;
	if (transfer->state == BAKE_TRANSFER_DONE && fetching->cache.root < 0)
		item->report->outcome = BAKE_FETCH_FETCHED;
	if (transfer->state == BAKE_TRANSFER_FAILED) {
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

	if (status == BAKE_OK)
		status = bake_transfer_run(fetching->link.http, transfers, count, &options, err);
	bake_crew_free(&fetching->crew);
	for (size_t i = 0; i < count; i++)
		take_result(fetching, &transfers[i]);
	/* With keep_going what failed is in the items; a signal still ends everything. */
	if (status == BAKE_ERR_INTERRUPTED || !fetching->options->keep_going)
		return status;
	return BAKE_OK;
}

enum bake_status bake_fetching_transfer(struct bake_fetching *fetching, struct bake_error *err)
{
	_cleanup_free_ struct bake_transfer *transfers =
		calloc(fetching->item_count + 1, sizeof(*transfers));
	_cleanup_free_ struct target *targets = calloc(fetching->item_count + 1, sizeof(*targets));
	size_t count = 0;

	if (!transfers || !targets)
		return bake_error_nomem(err);
	for (size_t i = 0; i < fetching->item_count; i++) {
		struct bake_fetch_item *item = &fetching->items[i];

		if (!needs_transfer(item))
			continue;
		if (fetching->cache.root >= 0 && !item->stale_cache) {
			struct target target = {fetching, item};

			BAKE_TRY(look_in_cache(&target, &item->in_cache, err));
			if (item->in_cache)
				continue;
		}
		if (fetching->link.offline) {
			BAKE_TRY(offline(fetching, item, err));
			continue;
		}
		targets[count] = (struct target){fetching, item};
		prepare(&transfers[count], &targets[count]);
		count++;
	}
	return count ? run(fetching, transfers, count, err) : BAKE_OK;
}
