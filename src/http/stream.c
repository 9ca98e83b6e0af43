/* SPDX-License-Identifier: Apache-2.0 */
#include "http/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "http/server.h"

enum {
	BLOCK_BYTES = 4096
};

/* Shared by those who are sending it; the count is under the stream's lock. */
struct bake_http_event {
	size_t uses;
	size_t len;
	char bytes[];
};

struct bake_http_listener {
	struct bake_http_stream *stream;
	struct MHD_Connection *connection;
	struct bake_http_listener *previous;
	struct bake_http_listener *next;
	struct bake_http_event *event; /* being sent */
	size_t at;
	uint64_t number; /* of the last one begun */
	bool asleep;
	bool ping;
};

static const char ping_text[] = ": still here\n\n";

bool bake_http_stream_init(struct bake_http_stream *stream)
{
	*stream = (struct bake_http_stream){.newest = NULL};
	return pthread_mutex_init(&stream->lock, NULL) == 0;
}

static void drop(struct bake_http_event **event)
{
	if (*event && --(*event)->uses == 0)
		free(*event);
	*event = NULL;
}

void bake_http_stream_release(struct bake_http_stream *stream)
{
	drop(&stream->newest);
	(void)pthread_mutex_destroy(&stream->lock);
}

static void wake_all(struct bake_http_stream *stream)
{
	for (struct bake_http_listener *at = stream->listeners; at; at = at->next) {
		if (at->asleep) {
			at->asleep = false;
			MHD_resume_connection(at->connection);
		}
	}
}

static ssize_t take(struct bake_http_listener *listener, char *out, size_t max)
{
	struct bake_http_event *event = listener->event;
	size_t len = bake_u64_min(event->len - listener->at, max);

	memcpy(out, event->bytes + listener->at, len);
	listener->at += len;
	if (listener->at == event->len)
		drop(&listener->event);
	return (ssize_t)len;
}

static ssize_t read_locked(struct bake_http_listener *listener, char *out, size_t max)
{
	struct bake_http_stream *stream = listener->stream;

	if (listener->event)
		return take(listener, out, max);
	if (stream->closing)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (stream->newest && listener->number != stream->number) {
		listener->event = stream->newest;
		listener->event->uses++;
		listener->at = 0;
		listener->number = stream->number;
		return take(listener, out, max);
	}
	if (listener->ping && max >= sizeof(ping_text) - 1) {
		listener->ping = false;
		memcpy(out, ping_text, sizeof(ping_text) - 1);
		return sizeof(ping_text) - 1;
	}
	/* Nothing to say: without this the thread would ask again and again. */
	listener->asleep = true;
	MHD_suspend_connection(listener->connection);
	return 0;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t max)
{
	struct bake_http_listener *listener = context;
	struct bake_http_stream *stream = listener->stream;
	ssize_t len;

	(void)position;
	(void)pthread_mutex_lock(&stream->lock);
	len = read_locked(listener, out, max);
	(void)pthread_mutex_unlock(&stream->lock);
	return len;
}

static void end_stream(void *context)
{
	struct bake_http_listener *listener = context;
	struct bake_http_stream *stream = listener->stream;

	(void)pthread_mutex_lock(&stream->lock);
	drop(&listener->event);
	if (listener->previous)
		listener->previous->next = listener->next;
	else
		stream->listeners = listener->next;
	if (listener->next)
		listener->next->previous = listener->previous;
	stream->count--;
	(void)pthread_mutex_unlock(&stream->lock);
	free(listener);
}

static bool join(struct bake_http_stream *stream, struct bake_http_listener *listener)
{
	bool there_is_room;

	(void)pthread_mutex_lock(&stream->lock);
	there_is_room = stream->count < BAKE_HTTP_STREAMS_MAX && !stream->closing;
	if (there_is_room) {
		listener->next = stream->listeners;
		if (listener->next)
			listener->next->previous = listener;
		stream->listeners = listener;
		stream->count++;
	}
	(void)pthread_mutex_unlock(&stream->lock);
	return there_is_room;
}

struct MHD_Response *bake_http_stream_open(
	struct bake_http_stream *stream, struct MHD_Connection *connection)
{
	struct bake_http_listener *listener = calloc(1, sizeof(*listener));
	struct MHD_Response *response;

	if (!listener)
		return NULL;
	/* A first comment, so that the client sees at once that it is connected. */
	*listener = (struct bake_http_listener){
		.stream = stream, .connection = connection, .ping = true};
	if (!join(stream, listener)) {
		free(listener);
		return NULL;
	}
	response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, listener, end_stream);
	if (!response)
		end_stream(listener);
	return response;
}

unsigned bake_http_stream_count(struct bake_http_stream *stream)
{
	unsigned count;

	(void)pthread_mutex_lock(&stream->lock);
	count = stream->count;
	(void)pthread_mutex_unlock(&stream->lock);
	return count;
}

void bake_http_stream_publish(struct bake_http_stream *stream, struct bake_span text)
{
	struct bake_http_event *event = malloc(sizeof(*event) + text.len);

	if (!event)
		return;
	event->uses = 1;
	event->len = text.len;
	memcpy(event->bytes, text.ptr, text.len);
	(void)pthread_mutex_lock(&stream->lock);
	drop(&stream->newest);
	stream->newest = event;
	stream->number++;
	wake_all(stream);
	(void)pthread_mutex_unlock(&stream->lock);
}

void bake_http_stream_ping(struct bake_http_stream *stream)
{
	(void)pthread_mutex_lock(&stream->lock);
	for (struct bake_http_listener *at = stream->listeners; at; at = at->next)
		at->ping = true;
	wake_all(stream);
	(void)pthread_mutex_unlock(&stream->lock);
}

void bake_http_stream_close(struct bake_http_stream *stream)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->closing = true;
	wake_all(stream);
	(void)pthread_mutex_unlock(&stream->lock);
}
