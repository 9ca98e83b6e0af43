/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server for fixed routes: what is asked for is compared with a table, never with a
 * file system. Requests are read by libmicrohttpd in a few threads; what it would let pass is refused
 * here (see refuse.h), and a clock ends what takes too long (see connection.h).
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "http/listen.h"
#include "http/message.h"

enum {
	BAKE_HTTP_BODY_MAX = 64 * 1024, /* of a request; a setting has some hundred bytes */
	BAKE_HTTP_REPLY_MAX = 256 * 1024 * 1024,
	BAKE_HTTP_STREAMS_MAX = 64,
	BAKE_HTTP_STATUSES = 600
};

struct bake_http_server;

/* A reply that is made once and sent often: with its tag, its gzip form, and its "not modified".
 * It never changes; any number of connections may be sending it when it is freed. */
struct bake_http_entity;

struct bake_http_entity_is {
	struct bake_span bytes;
	const char *type;   /* "application/json" */
	const char *digest; /* hex of the bytes: the entity tag */
	const char *policy; /* Content-Security-Policy; NULL: one that allows nothing */
	bool compress;	    /* also as gzip, when that is smaller */
};

/* bytes, type and policy are borrowed and outlive the entity; replies that are still being sent when it
 * is freed need them no more. */
enum bake_status bake_http_entity_new(const struct bake_http_entity_is *is,
	struct bake_http_entity **out, struct bake_error *err) BAKE_CHECKED;
void bake_http_entity_free(struct bake_http_entity **pointer);

enum bake_http_method {
	BAKE_HTTP_GET, /* and HEAD */
	BAKE_HTTP_POST,
	BAKE_HTTP_METHODS
};

struct bake_http_request {
	const char *path; /* of the route */
	const char *name; /* what stands behind the path of a route that ends in '/'; else "" */
	struct bake_span query;
	struct bake_span body; /* of a POST */
};

/* What a handler fills in. Zero-initialised: 200 and an empty document. */
struct bake_http_reply {
	unsigned status;		 /* 0: 200 */
	struct bake_http_entity *entity; /* this; else body */
	struct bake_buf body;		 /* the server releases it */
	const char *type;		 /* of body; NULL: "application/json" */
	bool stream;			 /* the stream of events, and no end */
	/* Called when entity is no longer needed. */
	void (*release)(void *owner);
	void *owner;
};

/* Called by several threads at a time. */
typedef void bake_http_handler_fn(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply);

/* A path that ends in '/' (and is more than that) stands for itself and one further segment of
 * letters, digits, '-', '_' and '.'. */
struct bake_http_route {
	enum bake_http_method method;
	const char *path;
	bake_http_handler_fn *handle;
	bool admin; /* only with the token; without a token in the options there is no such path */
	bool json;  /* a body is expected: application/json */
};

struct bake_http_options {
	const struct bake_http_address *address;
	const char *const *hosts; /* names a Host header may have beyond this machine's; "*": any */
	size_t host_count;
	const char *admin_token; /* NULL: none */
	unsigned connections_max;
	unsigned threads; /* 0: one per processor, at most four */
	const struct bake_http_route *routes;
	size_t route_count;
	void *context;	    /* of the handlers */
	unsigned header_ms; /* to send a request's header, from the first moment */
	unsigned body_ms;   /* to send its body */
	unsigned reply_ms;  /* to take the reply */
	unsigned idle_ms;   /* until the next request */
};

#define BAKE_HTTP_OPTIONS_INIT                                                                     \
	{                                                                                          \
		.connections_max = 2048, .header_ms = 10000, .body_ms = 10000, .reply_ms = 60000,  \
		.idle_ms = 30000                                                                   \
	}

struct bake_http_counts {
	uint64_t requests; /* answered */
	uint64_t by_status[BAKE_HTTP_STATUSES];
	uint64_t body_bytes; /* of the replies, as far as they were begun */
	uint64_t accepted;
	uint64_t open;
	uint64_t full; /* refused for there were too many */
	uint64_t timed_out;
	uint64_t streams;
};

enum bake_status bake_http_start(const struct bake_http_options *options,
	struct bake_http_server **out, struct bake_error *err) BAKE_CHECKED;

/* The port that it listens on; 0: a unix socket. */
unsigned bake_http_port(const struct bake_http_server *server);

void bake_http_count(struct bake_http_server *server, struct bake_http_counts *out);

/* Whether somebody listens to the stream of events. */
bool bake_http_has_listeners(struct bake_http_server *server);

/* Gives those who listen the newest event, whole ("event: ...\ndata: ...\n\n"); whoever comes later
 * gets it first. A slow reader misses what is no longer the newest. */
void bake_http_publish(struct bake_http_server *server, struct bake_span event);

/* Accepts nothing more, lets what is being answered end for at most grace_ms, and frees. */
void bake_http_stop(struct bake_http_server **pointer, unsigned grace_ms);

/* {"ok": false, "error": id, "message": text} as the reply's body. */
void bake_http_complain(struct bake_http_reply *reply, unsigned status, const char *id,
	const char *format, ...) BAKE_PRINTF(4, 5);

#endif
