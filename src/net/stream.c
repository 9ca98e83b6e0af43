/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange: a range is asked for, the answer is checked, its bytes are staged and written. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "net/engine.h"

enum {
	SETTLE_US = 1000 * 1000
};

/* The id of the error by which an exchange ends that has brought all it should. */
#define ENOUGH "enough"

static bool is_enough(const struct bake_error *error)
{
	return error && strcmp(error->id, ENOUGH) == 0;
}

static enum bake_status enough(struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_INTERRUPTED, ENOUGH, "the rest is not needed");
}

static enum bake_status write_bytes(
	struct bake_stream *stream, uint64_t offset, struct bake_span bytes, struct bake_error *err)
{
	const struct bake_transfer_target *target = &stream->work->transfer->target;

	return target->write(target->context, offset, bytes, err);
}

/* The same with a buffer that the target may keep for a while. */
static enum bake_status lend(struct bake_stream *stream, uint64_t offset, struct bake_error *err)
{
	const struct bake_transfer_target *target = &stream->work->transfer->target;
	struct bake_stages *stages = &stream->work->engine->stages;
	struct bake_stage *stage = &stream->stage;
	struct bake_loan *loan = bake_stage_offer(stages, stage);
	bool kept = false;
	enum bake_status status;

	if (!loan)
		return write_bytes(
			stream, offset, bake_span(bake_stage_bytes(stage), stage->len), err);
	loan->offset = offset;
	status = target->lend(target->context, loan, &kept, err);
	bake_stage_settle(stages, stage, kept);
	return status;
}

/* Writes what is staged, and gives the buffer back. */
static enum bake_status flush(struct bake_stream *stream, struct bake_error *err)
{
	struct bake_stages *stages = &stream->work->engine->stages;
	struct bake_stage *stage = &stream->stage;
	uint64_t offset = stream->next - stage->len;
	enum bake_status status = BAKE_OK;

	if (stage->len == BAKE_STAGE_BYTES && stream->work->transfer->target.lend)
		status = lend(stream, offset, err);
	else if (stage->len)
		status = write_bytes(
			stream, offset, bake_span(bake_stage_bytes(stage), stage->len), err);
	bake_stage_give(stages, stage);
	return status;
}

/* The stream of all files that has most staged. */
static struct bake_stream *fullest(const struct bake_engine *engine)
{
	struct bake_stream *best = NULL;

	for (size_t i = 0; i < engine->work_count; i++) {
		struct bake_work *work = engine->works[i];

		for (unsigned k = 0; k < work->stream_count; k++) {
			struct bake_stream *stream = &work->streams[k];

			if (stream->stage.buffer && (!best || stream->stage.len > best->stage.len))
				best = stream;
		}
	}
	return best;
}

/* A buffer, taken from another stream when there is none left. */
static enum bake_status take_stage(struct bake_stream *stream, struct bake_error *err)
{
	struct bake_engine *engine = stream->work->engine;
	struct bake_stream *other;

	stream->staged_us = bake_clock_us();
	if (bake_stage_take(&engine->stages, &stream->stage))
		return BAKE_OK;
	other = fullest(engine);
	if (!other)
		return bake_error_nomem(err);
	BAKE_TRY(flush(other, err));
	return bake_stage_take(&engine->stages, &stream->stage) ? BAKE_OK : bake_error_nomem(err);
}

/* What has come behind the last megabyte boundary waits for the rest of its megabyte, so that
 * writes are large and begin on pages. */
static enum bake_status stage_bytes(
	struct bake_stream *stream, struct bake_span bytes, struct bake_error *err)
{
	while (bytes.len > 0) {
		size_t room;
		size_t part;

		if (!stream->stage.buffer)
			BAKE_TRY(take_stage(stream, err));
		room = BAKE_STAGE_BYTES - stream->stage.len;
		part = bytes.len < room ? bytes.len : room;
		memcpy(bake_stage_bytes(&stream->stage) + stream->stage.len, bytes.ptr, part);
		stream->stage.len += part;
		stream->next += part;
		bytes = bake_span(bytes.ptr + part, bytes.len - part);
		if (stream->stage.len == BAKE_STAGE_BYTES)
			BAKE_TRY(flush(stream, err));
	}
	return BAKE_OK;
}

static enum bake_status bad_range(const struct bake_stream *stream,
	const struct bake_content_range *range, struct bake_error *err)
{
	const struct bake_transfer *transfer = stream->work->transfer;

	if (!range->valid)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range", "a 206 answer %s",
			range->present ? "with a malformed Content-Range"
				       : "without Content-Range");
	return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range",
		"asked for bytes %" PRIu64 "-%" PRIu64 " of %" PRIu64 ", got %" PRIu64 "-%" PRIu64
		" of %" PRIu64,
		stream->next, stream->asked_end - 1, transfer->size, range->first, range->last,
		range->total);
}

/* A 206 must be the range that was asked for, of a file of the pinned size. */
static enum bake_status check_partial(
	struct bake_stream *stream, const struct bake_response *response, struct bake_error *err)
{
	const struct bake_transfer *transfer = stream->work->transfer;
	const struct bake_content_range *range = &response->range;

	if (!transfer->has_size)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range",
			"a 206 answer, though no range was asked for");
	if (!range->valid || range->first != stream->next)
		return bad_range(stream, range, err);
	if (range->has_total && range->total != transfer->size)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.size-mismatch",
			"expected %" PRIu64 " bytes, server says %" PRIu64, transfer->size,
			range->total);
	if (range->last >= stream->asked_end)
		return bad_range(stream, range, err);
	stream->work->ranged = true;
	return BAKE_OK;
}

/* The whole file comes, on this connection alone. What is there already comes again. */
static enum bake_status go_whole(struct bake_stream *stream, struct bake_error *err)
{
	struct bake_work *work = stream->work;

	work->unranged = work->transfer->has_size;
	for (unsigned i = 0; i < work->stream_count; i++)
		work->streams[i].doomed = &work->streams[i] != stream;
	if (work->got > 0 || work->transfer->resumed > 0)
		BAKE_TRY(bake_work_restart(work, err));
	work->todo.count = 0;
	stream->next = 0;
	stream->end = work->transfer->has_size ? work->transfer->size : UINT64_MAX;
	stream->whole = true;
	return BAKE_OK;
}

/* A 200 is the whole file, whatever range was asked for. */
static enum bake_status check_whole(
	struct bake_stream *stream, const struct bake_response *response, struct bake_error *err)
{
	struct bake_work *work = stream->work;
	const struct bake_transfer *transfer = work->transfer;

	if (!transfer->has_size) {
		if (!response->has_length && !response->chunked)
			return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.no-length",
				"the server does not say where the file ends");
		return go_whole(stream, err);
	}
	if (response->has_length && response->length != transfer->size) {
		stream->wrong_size = true; /* said once it is known what it is instead */
		return BAKE_OK;
	}
	if (work->ranged && work->attempt < work->engine->options->retries)
		return bake_error_transient(err, BAKE_ERR_TEMPORARY, "net.range-ignored",
			"the server sends the whole file where it sent ranges before");
	return go_whole(stream, err);
}

/* A source whose entity tag changes under way is not one file any more. */
static enum bake_status check_identity(
	struct bake_work *work, const struct bake_response *response, struct bake_error *err)
{
	const struct bake_etag *etag = bake_response_etag(response);

	if (bake_etag_changed(&work->etag, etag))
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.changed",
			"the source changed while it was fetched: its entity tag was %s and is %s",
			BAKE_SHOW(work->etag.value), BAKE_SHOW(etag->value));
	if (etag->value[0])
		work->etag = *etag;
	return BAKE_OK;
}

/* A server that says that few requests are left is asked for no more than those. */
static void note_limit(struct bake_engine *engine, const struct bake_response *response)
{
	uint64_t in_flight = 0;
	uint64_t hold_ms;

	for (size_t i = 0; i < engine->work_count; i++)
		in_flight += bake_work_busy(engine->works[i]);
	hold_ms = bake_ratelimit_hold_ms(&response->ratelimit, in_flight);

	if (hold_ms)
		engine->hold_us = bake_u64_max(engine->hold_us, bake_clock_us() + hold_ms * 1000);
}

static void note_answer(struct bake_stream *stream, const struct bake_response *response)
{
	struct bake_work *work = stream->work;
	uint64_t now = bake_clock_us();
	uint64_t latency = now - stream->asked_us;

	stream->answered = true;
	work->latency_us = work->latency_us ? (work->latency_us * 3 + latency) / 4 : latency;
	bake_meter_resume(&stream->meter, now);
	note_limit(work->engine, response);
}

static enum bake_status on_head(
	void *context, const struct bake_response *response, struct bake_error *err)
{
	struct bake_stream *stream = context;

	if (stream->doomed)
		return enough(err);
	if (response->content_encoding[0] && strcmp(response->content_encoding, "identity") != 0)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.encoding",
			"the server encodes the file as '%s' although asked not to",
			BAKE_SHOW(response->content_encoding));
	if (response->status == 206)
		BAKE_TRY(check_partial(stream, response, err));
	else if (response->status == 200)
		BAKE_TRY(check_whole(stream, response, err));
	else
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.status", "unexpected status %u",
			response->status);
	if (!stream->wrong_size)
		BAKE_TRY(check_identity(stream->work, response, err));
	note_answer(stream, response);
	return BAKE_OK;
}

/* Collects the beginning of an answer of the wrong size; nothing of it is written. */
static enum bake_status take_head(
	struct bake_stream *stream, struct bake_span bytes, struct bake_error *err)
{
	size_t room = sizeof(stream->head) - stream->head_len;
	size_t part = bytes.len < room ? bytes.len : room;

	memcpy(stream->head + stream->head_len, bytes.ptr, part);
	stream->head_len += part;
	if (stream->head_len < sizeof(stream->head))
		return BAKE_OK;
	/* Enough seen: the exchange ends here, and on_done says what it was. */
	return bake_error_set(
		err, BAKE_ERR_PROTOCOL, "net.size-mismatch", "an answer of the wrong size");
}

static void note_bytes(struct bake_stream *stream, size_t len)
{
	struct bake_work *work = stream->work;
	uint64_t now = bake_clock_us();

	if (!work->first_byte_us) {
		work->first_byte_us = now;
		work->watch_us = now;
		work->watch_got = work->got;
	}
	stream->received += len;
	work->got += len;
	bake_meter_add(&stream->meter, len, now);
}

static enum bake_status on_body(void *context, struct bake_span bytes, struct bake_error *err)
{
	struct bake_stream *stream = context;
	uint64_t room = stream->end - stream->next;
	size_t part = (size_t)bake_u64_min(bytes.len, room);

	stream->work->transfer->received += bytes.len;
	if (stream->doomed)
		return enough(err);
	if (stream->wrong_size)
		return take_head(stream, bytes, err);
	if (bytes.len > room && stream->end == stream->asked_end)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.too-long",
			"the server sends more than the %" PRIu64 " bytes that were asked for",
			stream->received + room);
	if (bytes.len > room && stream->whole)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.too-long",
			"the server sends more than the pinned %" PRIu64 " bytes", stream->end);
	BAKE_TRY(stage_bytes(stream, bake_span(bytes.ptr, part), err));
	note_bytes(stream, part);
	/* Another stream has taken what would come next. */
	if (stream->next == stream->end && stream->end < stream->asked_end)
		return enough(err);
	return BAKE_OK;
}

/* The file has another size than the server's answer: an error page, a pointer, another file. */
static enum bake_status wrong_size(const struct bake_stream *stream,
	const struct bake_response *response, struct bake_error *err)
{
	const struct bake_work *work = stream->work;
	struct bake_span head = bake_span(stream->head, stream->head_len);
	const char *hint = NULL;
	const char *what = work->engine->options->recognise
				   ? work->engine->options->recognise(head, &hint)
				   : NULL;

	if (!what)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.size-mismatch",
			"expected %" PRIu64 " bytes, server says %" PRIu64, work->transfer->size,
			response->length);
	bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
		"expected %" PRIu64 " bytes, got %" PRIu64 ": %s", work->transfer->size,
		response->length, what);
	return hint ? bake_error_hint(err, "%s", hint) : err->status;
}

/* What the exchange did not bring is to be brought again, unless it comes on the one connection
 * that brings the whole. Without a size there is only all or nothing. */
static void give_back(struct bake_stream *stream, bool good)
{
	struct bake_work *work = stream->work;

	if (!work->transfer->has_size && !good)
		bake_work_want(work, 0, UINT64_MAX);
	else if (work->transfer->has_size && (stream->whole || !work->unranged))
		bake_work_want(work, stream->next, stream->end);
	stream->next = stream->end;
}

/* How the exchange ended, in the file's terms. BAKE_OK: it brought its part, or as much of it as
 * the server wanted to send at a time. */
static enum bake_status outcome(const struct bake_stream *stream,
	const struct bake_response *response, const struct bake_error *error,
	struct bake_error *err)
{
	const struct bake_transfer *transfer = stream->work->transfer;

	if (stream->doomed || is_enough(error))
		return BAKE_OK;
	if (stream->wrong_size)
		return wrong_size(stream, response, err);
	if (error && error->detail == 416 && response->range.has_total &&
		response->range.total != transfer->size)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.size-mismatch",
			"expected %" PRIu64 " bytes, server says %" PRIu64, transfer->size,
			response->range.total);
	if (error) {
		*err = *error;
		return err->status;
	}
	if (!transfer->has_size || stream->next == stream->end)
		return BAKE_OK;
	if (response->status == 206 && stream->received > 0 &&
		response->range.last + 1 == stream->next)
		return BAKE_OK;
	return bake_error_transient(err, BAKE_ERR_TEMPORARY, "net.short",
		"the answer ended after %" PRIu64 " of %" PRIu64 " bytes",
		stream->whole ? stream->next : stream->work->got, transfer->size);
}

static void on_done(
	void *context, const struct bake_response *response, const struct bake_error *error)
{
	struct bake_stream *stream = context;
	struct bake_work *work = stream->work;
	struct bake_error why = BAKE_ERROR_INIT;
	enum bake_status status;

	stream->exchange = NULL;
	stream->last_speed = bake_meter_rate(&stream->meter, bake_clock_us());
	if (error || stream->wrong_size)
		work->response = *response;
	status = outcome(stream, response, error, &why);
	if (stream->doomed)
		bake_stage_give(&work->engine->stages, &stream->stage);
	if (flush(stream, &why) != BAKE_OK) {
		bake_work_give_up(work, &why);
		return;
	}
	give_back(stream, status == BAKE_OK);
	stream->doomed = false;
	if (status != BAKE_OK)
		bake_work_failed(work, stream, &why);
}

void bake_stream_start(struct bake_stream *stream)
{
	struct bake_work *work = stream->work;
	struct bake_transfer *transfer = work->transfer;
	struct bake_http_handler handler = {
		.context = stream, .head = on_head, .body = on_body, .done = on_done};
	struct bake_http_request wanted = {
		.url = transfer->urls[transfer->url],
		.has_range = transfer->has_size && transfer->size > 0,
		.first = stream->next,
		.last = stream->end - 1,
	};
	struct bake_error error = BAKE_ERROR_INIT;

	stream->asked_end = stream->end;
	stream->whole = !wanted.has_range;
	stream->answered = false;
	stream->doomed = false;
	stream->wrong_size = false;
	stream->received = 0;
	stream->head_len = 0;
	stream->asked_us = bake_clock_us();
	if (!stream->born_us) {
		stream->born_us = stream->asked_us;
		bake_meter_init(&stream->meter, stream->asked_us);
	}
	bake_meter_resume(&stream->meter, stream->asked_us);
	if (bake_http_start(work->engine->http, &wanted, &handler, &stream->exchange, &error) ==
		BAKE_OK)
		return;
	give_back(stream, false);
	bake_work_failed(work, stream, &error);
}

enum bake_status bake_stream_settle(
	struct bake_stream *stream, uint64_t now_us, struct bake_error *err)
{
	if (!stream->stage.len || now_us - stream->staged_us < SETTLE_US)
		return BAKE_OK;
	return flush(stream, err);
}

void bake_stream_cancel(struct bake_stream *stream)
{
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (!stream->exchange)
		return;
	bake_exchange_cancel(&stream->exchange);
	if (stream->doomed)
		bake_stage_give(&stream->work->engine->stages, &stream->stage);
	if (flush(stream, &ignored) != BAKE_OK)
		stream->next = stream->end; /* the file has failed: whoever writes next says why */
	give_back(stream, false);
	stream->doomed = false;
}
