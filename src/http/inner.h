/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of the server share. Inside http only. */
#ifndef HTTP_INNER_H
#define HTTP_INNER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "http/server.h"
#include "http/stream.h"

struct bake_http_server {
	struct bake_http_options options;
	struct bake_http_address address;
	struct MHD_Daemon *daemon;
	int listen_fd;
	int silent_fd;		 /* Takes the place of listen_fd when it listens no more. */
	struct stat socket_file; /* of a unix socket */
	unsigned port;
	pthread_mutex_t lock; /* of the list of links */
	pthread_cond_t wake;  /* of the clock */
	struct bake_http_link *links;
	pthread_t clock;
	bool clock_runs;
	bool stopping;
	atomic_uint open;
	atomic_uint busy; /* requests that are being answered */
	atomic_uint_fast64_t requests;
	atomic_uint_fast64_t body_bytes;
	atomic_uint_fast64_t accepted;
	atomic_uint_fast64_t full;
	atomic_uint_fast64_t timed_out;
	atomic_uint_fast64_t by_status[BAKE_HTTP_STATUSES];
	struct bake_http_stream stream;
};

/* In connection.c. */

enum bake_http_phase {
	BAKE_HTTP_IDLE,	 /* a header is awaited */
	BAKE_HTTP_BODY,	 /* the header is here, the body is awaited */
	BAKE_HTTP_REPLY, /* the reply is being sent */
	BAKE_HTTP_STREAM,
	BAKE_HTTP_ENDED /* the clock has closed it */
};

/* A connection, from its acceptance to its end. */
struct bake_http_link {
	struct bake_http_link *previous;
	struct bake_http_link *next;
	int fd;
	bool full; /* there are too many already: answered with 503 */
	atomic_int phase;
	atomic_bool begun; /* a request line is here, but no whole header */
	atomic_uint_fast64_t deadline_ms;
	/* The request under way: of the thread that works on the connection. */
	bool known; /* a request line was seen */
	bool bad_target;
	bool long_target;
	bool broken_target; /* has what may be in no request line */
	bool checked;
	const char *target; /* as libmicrohttpd has it */
	size_t target_len;
	const struct bake_http_route *routes[BAKE_HTTP_METHODS]; /* of the path, by method */
	const struct bake_http_route *route;			 /* of the request */
	char *query; /* a copy, as names and values are cut up in the original */
	size_t query_len;
	char name[256];
	bool takes_gzip;
	char none_match[512];
	struct bake_buf body;
};

void bake_http_link_notify(void *context, struct MHD_Connection *connection, void **link,
	enum MHD_ConnectionNotificationCode what);

/* From one phase to the next, with so much time. False: the clock was faster. */
bool bake_http_link_enter(struct bake_http_link *link, enum bake_http_phase phase, unsigned ms);

struct bake_http_link *bake_http_link_of(struct MHD_Connection *connection);
bool bake_http_clock_start(struct bake_http_server *server);
void bake_http_clock_stop(struct bake_http_server *server);

/* In route.c: what the path is, and whether there is one. */

void bake_http_route_find(
	const struct bake_http_server *server, struct bake_http_link *link, struct bake_span path);

/* In reply.c. */

/* The headers that every reply has. */
bool bake_http_dress(struct MHD_Response *response, const char *type, const char *policy);
enum MHD_Result bake_http_send(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link, struct bake_http_reply *reply);

/* A refusal: the connection is closed behind it. */
enum MHD_Result bake_http_refuse(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link, unsigned status, const char *id, const char *message);

#endif
