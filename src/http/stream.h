/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events to everybody who listens: the newest one, whenever there is a newer one. Inside
 * http only. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct bake_http_event;
struct bake_http_listener;

struct bake_http_stream {
	pthread_mutex_t lock;
	struct bake_http_event *newest;
	struct bake_http_listener *listeners;
	unsigned count;
	uint64_t number; /* of the newest */
	bool closing;
};

bool bake_http_stream_init(struct bake_http_stream *stream);
void bake_http_stream_release(struct bake_http_stream *stream);

/* A response that is this connection's stream. NULL: there are too many, or memory is short. */
struct MHD_Response *bake_http_stream_open(
	struct bake_http_stream *stream, struct MHD_Connection *connection);

unsigned bake_http_stream_count(struct bake_http_stream *stream);
void bake_http_stream_publish(struct bake_http_stream *stream, struct bake_span text);

/* A comment to everybody, so that those who have left are noticed. */
void bake_http_stream_ping(struct bake_http_stream *stream);

/* Ends all of them. */
void bake_http_stream_close(struct bake_http_stream *stream);

#endif
