/* SPDX-License-Identifier: Apache-2.0 */
#include "net/transfer.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"

enum {
	/* So much must come between two failures for them not to count as a row. */
	PROGRESS_BYTES = 1024 * 1024,
	/* A signed URL may expire under way; a fresh one is asked for so often. */
	FORBIDDEN_MAX = 3,
	POLL_MS = 100,
	BUSY_STEP_MS = 200,
};

struct engine {
	struct bake_http *http;
	const struct bake_transfer_options *options;
	struct bake_transfer *transfers;
	size_t count;
	size_t next;   /* first one not begun */
	size_t active; /* begun and not ended */
	bool stopping; /* begin nothing more */
};

static void emit(const struct bake_transfer *transfer, enum bake_event_kind kind,
	const struct bake_error *error, uint64_t wait_ms)
{
	const struct engine *engine = transfer->engine;
	struct bake_event event = {
		.kind = kind,
		.name = transfer->name,
		.note = kind == BAKE_EVENT_DONE ? "fetched" : NULL,
		.done = transfer->segment.next,
		.total = transfer->has_size ? transfer->size : 0,
		.wait_ms = wait_ms,
		.error = error,
	};

	bake_emit(engine->options->events, &event);
}

static void end(struct bake_transfer *transfer, enum bake_transfer_state state)
{
	struct engine *engine = transfer->engine;

	if (state != BAKE_TRANSFER_DONE)
		transfer->target.close(transfer->target.context);
	transfer->state = state;
	engine->active--;
}

static void give_up(struct bake_transfer *transfer, const struct bake_error *error)
{
	struct engine *engine = transfer->engine;

	transfer->error = *error;
	if (engine->options->explain)
		engine->options->explain(
			engine->options->explain_context, transfer, &transfer->error);
	end(transfer, BAKE_TRANSFER_FAILED);
	emit(transfer, BAKE_EVENT_FAIL, &transfer->error, 0);
	if (!engine->options->keep_going)
		engine->stopping = true;
}

static void rest(struct bake_transfer *transfer, const struct bake_error *error, uint64_t wait_ms)
{
	transfer->state = BAKE_TRANSFER_RESTING;
	transfer->wake_ms = bake_clock_ms() + wait_ms;
	transfer->retries++;
	emit(transfer, BAKE_EVENT_RETRY, error, wait_ms);
}

/* Everything written is void. False when that failed, and the transfer with it. */
static bool begin_again(struct bake_transfer *transfer, bool reopen)
{
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status =
		reopen ? transfer->target.reopen(transfer->target.context, &error)
		       : transfer->target.restart(transfer->target.context, &error);

	if (status != BAKE_OK) {
		give_up(transfer, &error);
		return false;
	}
	transfer->segment.next = 0;
	return true;
}

/* Goes on with the next source, if there is one. */
static bool next_url(struct bake_transfer *transfer, const struct bake_error *error)
{
	if (transfer->url + 1 >= transfer->url_count)
		return false;
	transfer->url++;
	transfer->attempt = 0;
	transfer->forbidden = 0;
	rest(transfer, error, 0);
	return true;
}

static bool is_forbidden_signature(const struct bake_response *response)
{
	return response->status == 403 && response->cross_origin;
}

/* An attempt failed: again, from elsewhere, or not at all. */
static void attempt_failed(struct bake_transfer *transfer, const struct bake_error *error)
{
	const struct engine *engine = transfer->engine;

	if (error->status == BAKE_ERR_INTERRUPTED) {
		end(transfer, BAKE_TRANSFER_STOPPED);
		return;
	}
	if (is_forbidden_signature(&transfer->response) && ++transfer->forbidden < FORBIDDEN_MAX) {
		rest(transfer, error, bake_retry_wait_ms(transfer->forbidden, NULL));
		return;
	}
	if (error->transient && transfer->attempt < engine->options->retries) {
		transfer->attempt++;
		rest(transfer, error, bake_retry_wait_ms(transfer->attempt, &transfer->response));
		return;
	}
	if (error->status != BAKE_ERR_NOSPACE && error->status != BAKE_ERR_IO &&
		next_url(transfer, error))
		return;
	give_up(transfer, error);
}

/* The bytes are all there but are not what was pinned. What an earlier run left, or what this
 * source sends, may be to blame: once from zero, then from the next source. */
static void mismatch(struct bake_transfer *transfer, const struct bake_error *error)
{
	bool again = transfer->resumed > 0 && !transfer->begun_again;

	if (!again && transfer->url + 1 >= transfer->url_count) {
		give_up(transfer, error);
		return;
	}
	if (!begin_again(transfer, true))
		return;
	transfer->begun_again = true;
	transfer->resumed = 0;
	if (again)
		rest(transfer, error, 0);
	else
		(void)next_url(transfer, error);
}

static void all_there(struct bake_transfer *transfer)
{
	struct bake_error error = BAKE_ERROR_INIT;
	enum bake_status status = transfer->target.finish(transfer->target.context, &error);

	if (status == BAKE_OK) {
		end(transfer, BAKE_TRANSFER_DONE);
		emit(transfer, BAKE_EVENT_DONE, NULL, 0);
	} else if (status == BAKE_ERR_INTEGRITY) {
		mismatch(transfer, &error);
	} else {
		give_up(transfer, &error);
	}
}

static enum bake_status bad_range(const struct bake_transfer *transfer,
	const struct bake_response *response, struct bake_error *err)
{
	const struct bake_content_range *range = &response->range;

	if (!range->valid)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range", "a 206 answer %s",
			range->present ? "with a malformed Content-Range"
				       : "without Content-Range");
	return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range",
		"asked for bytes from %" PRIu64 " of %" PRIu64 ", got %" PRIu64 "-%" PRIu64
		" of %" PRIu64,
		transfer->segment.next, transfer->size, range->first, range->last, range->total);
}

/* A 206 must be the range that was asked for, of a file of the pinned size. */
static enum bake_status check_partial(const struct bake_transfer *transfer,
	const struct bake_response *response, struct bake_error *err)
{
	const struct bake_content_range *range = &response->range;

	if (!transfer->has_size)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range",
			"a 206 answer, though no range was asked for");
	if (!range->valid || range->first != transfer->segment.next)
		return bad_range(transfer, response, err);
	if (range->has_total && range->total != transfer->size)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.size-mismatch",
			"expected %" PRIu64 " bytes, server says %" PRIu64, transfer->size,
			range->total);
	if (range->last >= transfer->size)
		return bad_range(transfer, response, err);
	return BAKE_OK;
}

/* A 200 is the whole file, whatever range was asked for. */
static enum bake_status check_whole(struct bake_transfer *transfer,
	const struct bake_response *response, struct bake_error *err)
{
	if (transfer->has_size && response->has_length && response->length != transfer->size)
		transfer->wrong_size = true; /* said once it is known what it is instead */
	if (!transfer->has_size && !response->has_length && !response->chunked)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.no-length",
			"the server does not say where the file ends");
	if (transfer->segment.next == 0 || transfer->wrong_size)
		return BAKE_OK;
	BAKE_TRY(transfer->target.restart(transfer->target.context, err));
	transfer->segment.next = 0;
	return BAKE_OK;
}

static enum bake_status on_head(
	void *context, const struct bake_response *response, struct bake_error *err)
{
	struct bake_transfer *transfer = context;

	transfer->wrong_size = false;
	transfer->head_len = 0;
	if (response->content_encoding[0] && strcmp(response->content_encoding, "identity") != 0)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.encoding",
			"the server encodes the file as '%s' although asked not to",
			BAKE_SHOW(response->content_encoding));
	if (response->status == 206)
		return check_partial(transfer, response, err);
	if (response->status == 200)
		return check_whole(transfer, response, err);
	return bake_error_set(
		err, BAKE_ERR_PROTOCOL, "net.status", "unexpected status %u", response->status);
}

/* The file has another size than the server's answer: an error page, a pointer, another file. */
static enum bake_status wrong_size(const struct bake_transfer *transfer,
	const struct bake_response *response, struct bake_error *err)
{
	const struct engine *engine = transfer->engine;
	struct bake_span head = bake_span(transfer->head, transfer->head_len);
	const char *hint = NULL;
	const char *what =
		engine->options->recognise ? engine->options->recognise(head, &hint) : NULL;

	if (!what)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.size-mismatch",
			"expected %" PRIu64 " bytes, server says %" PRIu64, transfer->size,
			response->length);
	bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
		"expected %" PRIu64 " bytes, got %" PRIu64 ": %s", transfer->size, response->length,
		what);
	return hint ? bake_error_hint(err, "%s", hint) : err->status;
}

/* Collects the beginning of an answer of the wrong size; nothing of it is written. */
static enum bake_status take_head(
	struct bake_transfer *transfer, struct bake_span bytes, struct bake_error *err)
{
	size_t room = sizeof(transfer->head) - transfer->head_len;
	size_t part = bytes.len < room ? bytes.len : room;

	memcpy(transfer->head + transfer->head_len, bytes.ptr, part);
	transfer->head_len += part;
	if (transfer->head_len < sizeof(transfer->head))
		return BAKE_OK;
	/* Enough seen: the exchange ends here, and on_done says what it was. */
	return bake_error_set(
		err, BAKE_ERR_PROTOCOL, "net.size-mismatch", "an answer of the wrong size");
}

static enum bake_status on_body(void *context, struct bake_span bytes, struct bake_error *err)
{
	struct bake_transfer *transfer = context;
	struct bake_segment *segment = &transfer->segment;

	transfer->received += bytes.len;
	if (transfer->wrong_size)
		return take_head(transfer, bytes, err);
	if (bytes.len > segment->end - segment->next)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.too-long",
			"the server sends more than the pinned %" PRIu64 " bytes", segment->end);
	BAKE_TRY(transfer->target.write(transfer->target.context, segment->next, bytes, err));
	segment->next += bytes.len;
	/* Bytes that came before are no progress: a server without ranges may send them for ever. */
	if (segment->next > transfer->mark && segment->next - transfer->mark >= PROGRESS_BYTES) {
		transfer->mark = segment->next;
		transfer->attempt = 0;
		transfer->forbidden = 0;
	}
	emit(transfer, BAKE_EVENT_PROGRESS, NULL, 0);
	return BAKE_OK;
}

static void on_done(
	void *context, const struct bake_response *response, const struct bake_error *error)
{
	struct bake_transfer *transfer = context;
	struct bake_error own = BAKE_ERROR_INIT;

	transfer->segment.exchange = NULL;
	transfer->response = *response;
	if (transfer->wrong_size) {
		wrong_size(transfer, response, &own);
		attempt_failed(transfer, &own);
	} else if (error && error->detail == 416 && !transfer->begun_again) {
		/* The server has fewer bytes than are here already: they are from elsewhere. */
		transfer->begun_again = true;
		if (begin_again(transfer, false))
			rest(transfer, error, 0);
	} else if (error) {
		attempt_failed(transfer, error);
	} else if (transfer->has_size && transfer->segment.next < transfer->size) {
		bake_error_transient(&own, BAKE_ERR_TEMPORARY, "net.short",
			"the answer ended after %" PRIu64 " of %" PRIu64 " bytes",
			transfer->segment.next, transfer->size);
		attempt_failed(transfer, &own);
	} else {
		all_there(transfer);
	}
}

/* Asks for what is missing. */
static void request(struct bake_transfer *transfer)
{
	const struct engine *engine = transfer->engine;
	struct bake_segment *segment = &transfer->segment;
	struct bake_http_handler handler = {
		.context = transfer, .head = on_head, .body = on_body, .done = on_done};
	struct bake_http_request wanted = {
		.url = transfer->urls[transfer->url],
		.has_range = transfer->has_size && transfer->size > 0,
		.first = segment->next,
		.last = transfer->size - 1,
	};
	struct bake_error error = BAKE_ERROR_INIT;

	transfer->state = BAKE_TRANSFER_ACTIVE;
	transfer->wrong_size = false;
	transfer->response = (struct bake_response){0};
	if (bake_http_start(engine->http, &wanted, &handler, &segment->exchange, &error) != BAKE_OK)
		attempt_failed(transfer, &error);
}

/* Another process has the file: looked at again soon, without counting as a failure. */
static void wait_busy(struct bake_transfer *transfer, const struct bake_error *error)
{
	const struct engine *engine = transfer->engine;
	uint64_t now = bake_clock_ms();

	if (!transfer->busy_ms) {
		transfer->busy_ms = now;
		bake_emitf(engine->options->events, BAKE_EVENT_NOTICE,
			"waiting: another process is fetching %s", BAKE_SHOW(transfer->name));
	}
	if (now - transfer->busy_ms >= engine->options->busy_timeout_ms) {
		give_up(transfer, error);
		return;
	}
	transfer->state = BAKE_TRANSFER_RESTING;
	transfer->wake_ms = now + BUSY_STEP_MS;
}

static void open_target(struct bake_transfer *transfer)
{
	struct bake_error error = BAKE_ERROR_INIT;
	uint64_t offset = 0;

	transfer->state = BAKE_TRANSFER_ACTIVE;
	if (transfer->target.open(transfer->target.context, &offset, &error) != BAKE_OK) {
		if (strcmp(error.id, "lock.held") == 0)
			wait_busy(transfer, &error);
		else
			give_up(transfer, &error);
		return;
	}
	transfer->opened = true;
	transfer->segment.next = offset;
	transfer->segment.end = transfer->has_size ? transfer->size : UINT64_MAX;
	transfer->resumed = offset;
	transfer->mark = offset;
	emit(transfer, BAKE_EVENT_START, NULL, 0);
	if (transfer->has_size && offset == transfer->size)
		all_there(transfer);
	else
		request(transfer);
}

static void begin(struct engine *engine, struct bake_transfer *transfer)
{
	engine->active++;
	transfer->engine = engine;
	open_target(transfer);
}

static void begin_more(struct engine *engine)
{
	while (!engine->stopping && engine->next < engine->count &&
		engine->active < engine->options->max_concurrent)
		begin(engine, &engine->transfers[engine->next++]);
}

static void wake(struct engine *engine)
{
	uint64_t now = bake_clock_ms();

	for (size_t i = 0; i < engine->next; i++) {
		struct bake_transfer *transfer = &engine->transfers[i];

		if (transfer->state != BAKE_TRANSFER_RESTING || transfer->wake_ms > now)
			continue;
		if (transfer->opened)
			request(transfer);
		else
			open_target(transfer);
	}
}

/* Ends what is under way; parts stay. */
static void stop_all(struct engine *engine)
{
	for (size_t i = 0; i < engine->count; i++) {
		struct bake_transfer *transfer = &engine->transfers[i];

		if (transfer->state == BAKE_TRANSFER_ACTIVE ||
			transfer->state == BAKE_TRANSFER_RESTING) {
			bake_exchange_cancel(&transfer->segment.exchange);
			end(transfer, BAKE_TRANSFER_STOPPED);
		} else if (transfer->state == BAKE_TRANSFER_WAITING) {
			transfer->state = BAKE_TRANSFER_STOPPED;
		}
	}
}

static enum bake_status run(struct engine *engine, struct bake_error *err)
{
	static const struct bake_event tick = {.kind = BAKE_EVENT_TICK};

	begin_more(engine);
	while (engine->active > 0 && !engine->stopping) {
		BAKE_TRY(bake_stop_check(err));
		BAKE_TRY(bake_http_poll(engine->http, POLL_MS, err));
		wake(engine);
		begin_more(engine);
		bake_emit(engine->options->events, &tick);
	}
	return BAKE_OK;
}

/* Of all failures the one that decides the exit code; of equals the first. */
static enum bake_status worst(const struct engine *engine, struct bake_error *err)
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
	struct engine engine = {
		.http = http, .options = options, .transfers = transfers, .count = count};
	enum bake_status status = run(&engine, err);

	stop_all(&engine);
	return status == BAKE_OK ? worst(&engine, err) : status;
}
