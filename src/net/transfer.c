/* SPDX-License-Identifier: Apache-2.0 */
#include "net/transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "net/engine.h"

enum {
	/* So much must come between two failures for them not to count as a row. */
	PROGRESS_BYTES = 1024 * 1024,
	/* A signed URL may expire under way; a fresh one is asked for so often. */
	FORBIDDEN_MAX = 3,
	POLL_MS = 10,
	FINISHING_POLL_MS = 2, /* while targets publish */
	BUSY_STEP_US = 200 * 1000,
	SHOW_US = 50 * 1000,	    /* between two events of one file's progress */
	MORE_US = 10 * 1000 * 1000, /* until a connection that was refused is tried again */
	/* Files that publish, or wait for another process, beside those whose bytes come. */
	ASIDE_MAX = 64,
};

void bake_work_emit(const struct bake_work *work, enum bake_event_kind kind,
	const struct bake_error *error, uint64_t wait_ms)
{
	const struct bake_transfer *transfer = work->transfer;
	struct bake_event event = {
		.kind = kind,
		.name = transfer->name,
		.note = kind == BAKE_EVENT_DONE ? "fetched" : NULL,
		.done = work->got,
		.total = transfer->has_size ? transfer->size : 0,
		.wait_ms = wait_ms,
		.error = error,
	};

	bake_emit(work->engine->options->events, &event);
}

/* The work itself is freed by the loop: somebody may be in the middle of it. */
static void end(struct bake_work *work, enum bake_transfer_state state)
{
	struct bake_transfer *transfer = work->transfer;

	bake_work_halt(work);
	if (work->shown != work->got)
		bake_work_emit(work, BAKE_EVENT_PROGRESS, NULL, 0);
	if (state != BAKE_TRANSFER_DONE)
		transfer->target.close(transfer->target.context);
	transfer->state = state;
	transfer->ms = bake_clock_ms() - work->begun_ms;
}

static bool is_ended(const struct bake_work *work)
{
	return work->transfer->state >= BAKE_TRANSFER_DONE;
}

void bake_work_give_up(struct bake_work *work, const struct bake_error *error)
{
	struct bake_engine *engine = work->engine;
	struct bake_transfer *transfer = work->transfer;

	transfer->error = *error;
	transfer->response = &work->response;
	if (engine->options->explain)
		engine->options->explain(
			engine->options->explain_context, transfer, &transfer->error);
	transfer->response = NULL;
	end(work, BAKE_TRANSFER_FAILED);
	bake_work_emit(work, BAKE_EVENT_FAIL, &transfer->error, 0);
	if (!engine->options->keep_going)
		engine->stopping = true;
}

static void rest(struct bake_work *work, const struct bake_error *error, uint64_t wait_ms)
{
	work->first_byte_us = 0; /* what is watched begins anew: a pause is no slowness */
	work->failed_us = bake_clock_us();
	work->wake_us = work->failed_us + wait_ms * 1000;
	work->transfer->retries++;
	bake_work_emit(work, BAKE_EVENT_RETRY, error, wait_ms);
}

static void want_all(struct bake_work *work)
{
	const struct bake_transfer *transfer = work->transfer;

	work->todo.count = 0;
	work->got = 0;
	bake_work_want(work, 0, transfer->has_size ? transfer->size : UINT64_MAX);
}

enum bake_status bake_work_restart(struct bake_work *work, struct bake_error *err)
{
	const struct bake_transfer_target *target = &work->transfer->target;

	BAKE_TRY(target->restart(target->context, err));
	want_all(work);
	return BAKE_OK;
}

/* Everything written is void. False when that failed, and the file with it. */
static bool begin_again(struct bake_work *work, bool reopen)
{
	const struct bake_transfer_target *target = &work->transfer->target;
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status;

	bake_work_halt(work);
	status = reopen ? target->reopen(target->context, &error)
			: target->restart(target->context, &error);
	if (status != BAKE_OK) {
		bake_work_give_up(work, &error);
		return false;
	}
	work->transfer->state = BAKE_TRANSFER_ACTIVE;
	work->transfer->resumed = 0;
	want_all(work);
	return true;
}

/* Goes on with the next source, if there is one. */
static bool next_url(struct bake_work *work, const struct bake_error *error)
{
	struct bake_transfer *transfer = work->transfer;

	if (transfer->url + 1 >= transfer->url_count)
		return false;
	bake_work_halt(work);
	bake_emitf(work->engine->options->events, BAKE_EVENT_NOTICE,
		"%s: %s: %s; going on with the next source", BAKE_SHOW(transfer->name),
		BAKE_SHOW_URL(transfer->urls[transfer->url]), error->message);
	transfer->url++;
	work->attempt = 0;
	work->forbidden = 0;
	work->ranged = false;
	work->unranged = false;
	work->etag = (struct bake_etag){{0}, false};
	work->streams_max = work->stream_count;
	rest(work, error, 0);
	return true;
}

static bool is_forbidden_signature(const struct bake_response *response)
{
	return response->status == 403 && response->cross_origin;
}

/* The server has fewer bytes than are here already: they are from elsewhere. */
static bool is_beyond(const struct bake_work *work, const struct bake_error *error)
{
	return error->detail == 416 && !work->begun_again;
}

/* The source is not what it was when the first bytes came. */
static bool is_changed(const struct bake_error *error)
{
	return strcmp(error->id, "net.changed") == 0;
}

/* One connection of several was refused: the server may allow no more than those that work. */
static bool is_refused(const struct bake_work *work, const struct bake_stream *stream,
	const struct bake_error *error)
{
	unsigned working = 0;

	for (unsigned i = 0; i < work->stream_count; i++)
		working += work->streams[i].exchange && work->streams[i].received > 0 ? 1 : 0;
	return error->transient && stream->received == 0 && working > 0;
}

static void use_fewer(struct bake_work *work)
{
	work->streams_max = bake_work_busy(work);
	work->streams_more_us = bake_clock_us() + MORE_US;
}

/* A server that names a pause means it for everything that is asked of it. */
static void hold_all(struct bake_engine *engine, const struct bake_response *response)
{
	uint64_t asked;

	if ((response->status == 429 || response->status == 503) &&
		bake_response_wait_ms(response, &asked))
		engine->hold_us = bake_clock_us() + bake_retry_wait_ms(1, response) * 1000;
}

/* Bytes that came before are no progress: a server without ranges may send them for ever. */
static void note_progress(struct bake_work *work, const struct bake_stream *stream)
{
	if (work->got <= work->mark)
		return;
	if (work->got - work->mark < PROGRESS_BYTES && stream->received < PROGRESS_BYTES)
		return;
	work->mark = work->got;
	work->attempt = 0;
	work->forbidden = 0;
}

/* When a link breaks, all its connections do: that is one failure. */
static bool is_counted(const struct bake_work *work, const struct bake_stream *stream)
{
	return work->failed_us > 0 && stream->asked_us <= work->failed_us;
}

/* Failures that say that what is there is of no use. False when it is not one of them. */
static bool failed_for_good(struct bake_work *work, const struct bake_error *error)
{
	bool beyond = is_beyond(work, error);

	if (!beyond && !is_changed(error))
		return false;
	if (beyond || !work->changed) {
		work->begun_again = work->begun_again || beyond;
		work->changed = work->changed || !beyond;
		work->etag = (struct bake_etag){{0}, false};
		if (begin_again(work, false))
			rest(work, error, 0);
	} else if (begin_again(work, false) && !next_url(work, error)) {
		bake_work_give_up(
			work, error); /* of what is there nobody knows which version it is */
	}
	return true;
}

/* Whether the failure is one that is waited for and asked again, which is arranged then. */
static bool try_again(
	struct bake_work *work, const struct bake_stream *stream, const struct bake_error *error)
{
	const struct bake_response *response = &work->response;

	if (is_refused(work, stream, error)) {
		use_fewer(work);
		return true;
	}
	if (error->transient && is_counted(work, stream)) {
		work->transfer->retries++;
		return true;
	}
	if (is_forbidden_signature(response) && ++work->forbidden < FORBIDDEN_MAX) {
		rest(work, error, bake_retry_wait_ms(work->forbidden, NULL));
		return true;
	}
	if (!error->transient || work->attempt >= work->engine->options->retries)
		return false;
	work->attempt++;
	rest(work, error, bake_retry_wait_ms(work->attempt, response));
	return true;
}

void bake_work_failed(
	struct bake_work *work, const struct bake_stream *stream, const struct bake_error *error)
{
	note_progress(work, stream);
	hold_all(work->engine, &work->response);
	if (error->status == BAKE_ERR_INTERRUPTED)
		end(work, BAKE_TRANSFER_STOPPED);
	else if (!failed_for_good(work, error) && !try_again(work, stream, error) &&
		 (error->status == BAKE_ERR_NOSPACE || error->status == BAKE_ERR_IO ||
			 !next_url(work, error)))
		bake_work_give_up(work, error);
}

/* The bytes are all there but are not what was pinned. What an earlier run left, or what this
 * source sends, may be to blame: once from zero, then from the next source. */
static void mismatch(struct bake_work *work, const struct bake_error *error)
{
	bool again = work->transfer->resumed > 0 && !work->begun_again;

	if (!again && work->transfer->url + 1 >= work->transfer->url_count) {
		bake_work_give_up(work, error);
		return;
	}
	if (!begin_again(work, true))
		return;
	work->begun_again = true;
	if (again)
		rest(work, error, 0);
	else
		(void)next_url(work, error);
}

static void finish(struct bake_work *work)
{
	const struct bake_transfer_target *target = &work->transfer->target;
	struct bake_error error = BAKE_ERROR_INIT;
	bool done = true;
	enum bake_status status = target->finish(target->context, &done, &error);

	if (!done)
		return;
	if (status == BAKE_OK) {
		end(work, BAKE_TRANSFER_DONE);
		bake_work_emit(work, BAKE_EVENT_DONE, NULL, 0);
	} else if (status == BAKE_ERR_INTEGRITY) {
		mismatch(work, &error);
	} else {
		bake_work_give_up(work, &error);
	}
}

static void start_finishing(struct bake_work *work)
{
	work->transfer->state = BAKE_TRANSFER_FINISHING;
	finish(work);
}

/* Another process has the file: looked at again soon, without counting as a failure. */
static void wait_busy(struct bake_work *work, const struct bake_error *error)
{
	const struct bake_engine *engine = work->engine;
	uint64_t now = bake_clock_ms();

	if (!work->busy_ms) {
		work->busy_ms = now;
		bake_emitf(engine->options->events, BAKE_EVENT_NOTICE,
			"waiting: another process is fetching %s", BAKE_SHOW(work->transfer->name));
	}
	if (now - work->busy_ms >= engine->options->busy_timeout_ms) {
		bake_work_give_up(work, error);
		return;
	}
	work->transfer->state = BAKE_TRANSFER_BUSY;
	work->wake_us = bake_clock_us() + BUSY_STEP_US;
}

/* What is there need not come. */
static void take_have(struct bake_work *work, const struct bake_extents *have)
{
	struct bake_transfer *transfer = work->transfer;
	uint64_t at = 0;

	for (size_t i = 0; i < have->count; i++) {
		bake_work_want(work, at, have->list[i].first);
		at = have->list[i].end;
		work->got += have->list[i].end - have->list[i].first;
	}
	bake_work_want(work, at, transfer->has_size ? transfer->size : UINT64_MAX);
	transfer->resumed = work->got;
	work->mark = work->got;
	work->shown = work->got;
}

static void open_target(struct bake_work *work)
{
	struct bake_transfer *transfer = work->transfer;
	struct bake_extents have = {.count = 0};
	struct bake_error error = BAKE_ERROR_INIT;

	transfer->state = BAKE_TRANSFER_ACTIVE;
	if (transfer->target.open(transfer->target.context, &have, &error) != BAKE_OK) {
		if (strcmp(error.id, "lock.held") == 0)
			wait_busy(work, &error);
		else
			bake_work_give_up(work, &error);
		return;
	}
	work->opened = true;
	take_have(work, &have);
	bake_work_emit(work, BAKE_EVENT_START, NULL, 0);
}

static bool is_complete(const struct bake_work *work)
{
	return work->todo.count == 0 && bake_work_busy(work) == 0;
}

static void show(struct bake_work *work, uint64_t now_us)
{
	if (work->shown == work->got || now_us - work->shown_us < SHOW_US)
		return;
	work->shown = work->got;
	work->shown_us = now_us;
	bake_work_emit(work, BAKE_EVENT_PROGRESS, NULL, 0);
}

/* False when the disk does not take it. */
static bool settle(struct bake_work *work, uint64_t now_us)
{
	struct bake_error error = BAKE_ERROR_INIT;

	for (unsigned i = 0; i < work->stream_count; i++) {
		if (bake_stream_settle(&work->streams[i], now_us, &error) != BAKE_OK) {
			bake_work_give_up(work, &error);
			return false;
		}
	}
	return true;
}

/* Moves a file on as far as it goes without waiting. */
static void step(struct bake_work *work)
{
	uint64_t now = bake_clock_us();

	if (work->transfer->state == BAKE_TRANSFER_BUSY && now >= work->wake_us)
		open_target(work);
	if (work->transfer->state == BAKE_TRANSFER_ACTIVE && settle(work, now)) {
		bake_work_schedule(work, now);
		show(work, now);
	}
	if (work->transfer->state == BAKE_TRANSFER_ACTIVE && is_complete(work))
		start_finishing(work);
	else if (work->transfer->state == BAKE_TRANSFER_FINISHING)
		finish(work);
}

static size_t count_state(const struct bake_engine *engine, enum bake_transfer_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < engine->work_count; i++)
		count += engine->works[i]->transfer->state == state ? 1 : 0;
	return count;
}

static void step_all(struct bake_engine *engine)
{
	size_t kept = 0;

	for (size_t i = 0; i < engine->work_count; i++)
		step(engine->works[i]);
	for (size_t i = 0; i < engine->work_count; i++) {
		if (is_ended(engine->works[i])) {
			engine->works[i]->transfer->work = NULL;
			free(engine->works[i]);
		} else {
			engine->works[kept++] = engine->works[i];
		}
	}
	engine->work_count = kept;
}

/* Small files have one connection, whatever may be had. */
static unsigned streams_for(const struct bake_engine *engine, const struct bake_transfer *transfer)
{
	uint64_t worth = transfer->has_size ? transfer->size / BAKE_SEGMENT_BYTES_MIN : 0;
	uint64_t most = bake_u64_min(engine->options->connections, BAKE_CONNECTIONS_MAX);

	return (unsigned)bake_u64_max(bake_u64_min(worth, most), 1);
}

static enum bake_status begin(
	struct bake_engine *engine, struct bake_transfer *transfer, struct bake_error *err)
{
	unsigned streams = streams_for(engine, transfer);
	struct bake_work *work = calloc(1, sizeof(*work) + streams * sizeof(work->streams[0]));

	if (!work)
		return bake_error_nomem(err);
	work->engine = engine;
	work->transfer = transfer;
	work->stream_count = streams;
	work->streams_max = streams;
	work->begun_ms = bake_clock_ms();
	for (unsigned i = 0; i < streams; i++)
		work->streams[i].work = work;
	transfer->work = work;
	engine->works[engine->work_count++] = work;
	open_target(work);
	step(work);
	return BAKE_OK;
}

static enum bake_status begin_more(struct bake_engine *engine, struct bake_error *err)
{
	size_t active = count_state(engine, BAKE_TRANSFER_ACTIVE);

	while (!engine->stopping && engine->next < engine->count &&
		active < engine->options->max_concurrent &&
		engine->work_count < engine->works_room) {
		struct bake_transfer *transfer = &engine->transfers[engine->next++];

		BAKE_TRY(begin(engine, transfer, err));
		active += transfer->state == BAKE_TRANSFER_ACTIVE ? 1 : 0;
	}
	return BAKE_OK;
}

/* Ends what is under way; parts stay. */
static void stop_all(struct bake_engine *engine)
{
	for (size_t i = 0; i < engine->work_count; i++) {
		if (!is_ended(engine->works[i]))
			end(engine->works[i], BAKE_TRANSFER_STOPPED);
	}
	step_all(engine);
	for (size_t i = engine->next; i < engine->count; i++)
		engine->transfers[i].state = BAKE_TRANSFER_STOPPED;
}

/* Whether there is something to wait for. Once a failure stops the rest, only files that have all
 * their bytes are waited for. */
static bool goes_on(const struct bake_engine *engine)
{
	if (engine->stopping)
		return count_state(engine, BAKE_TRANSFER_FINISHING) > 0;
	return engine->work_count > 0;
}

static enum bake_status run(struct bake_engine *engine, struct bake_error *err)
{
	static const struct bake_event tick = {.kind = BAKE_EVENT_TICK};

	BAKE_TRY(begin_more(engine, err));
	while (goes_on(engine)) {
		bool finishing = count_state(engine, BAKE_TRANSFER_FINISHING) > 0;

		BAKE_TRY(bake_stop_check(err));
		BAKE_TRY(
			bake_http_poll(engine->http, finishing ? FINISHING_POLL_MS : POLL_MS, err));
		step_all(engine);
		BAKE_TRY(begin_more(engine, err));
		bake_emit(engine->options->events, &tick);
	}
	return BAKE_OK;
}

/* Of all failures the one that decides the exit code; of equals the first. */
static enum bake_status worst(const struct bake_engine *engine, struct bake_error *err)
{
	const struct bake_transfer *worst = NULL;

	for (size_t i = 0; i < engine->count; i++) {
		const struct bake_transfer *transfer = &engine->transfers[i];

		if (transfer->state != BAKE_TRANSFER_FAILED)
			continue;
		if (!worst || bake_status_worse(worst->error.status, transfer->error.status) !=
				      worst->error.status)
			worst = transfer;
	}
	if (!worst)
		return BAKE_OK;
	*err = worst->error;
	return bake_error_wrap(err, "%s", BAKE_SHOW(worst->name));
}

enum bake_status bake_transfer_run(struct bake_http *http, struct bake_transfer *transfers,
	size_t count, const struct bake_transfer_options *options, struct bake_error *err)
{
	struct bake_engine engine = {
		.http = http,
		.options = options,
		.transfers = transfers,
		.count = count,
		.works_room = options->max_concurrent + ASIDE_MAX,
		.stages = BAKE_STAGES_INIT,
	};
	enum bake_status status;

	engine.works = calloc(engine.works_room, sizeof(struct bake_work *));
	if (!engine.works)
		return bake_error_nomem(err);
	status = run(&engine, err);
	stop_all(&engine);
	bake_stages_release(&engine.stages);
	free(engine.works);
	return status == BAKE_OK ? worst(&engine, err) : status;
}
