/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and the clock that ends them. libmicrohttpd's own timeout begins anew with each byte,
 * so that a client which sends one now and then keeps a connection for ever. Here each phase has an
 * end from the moment it begins. The clock may touch a descriptor only under the list's lock: what
 * is in the list is still open, because its end takes it out first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/inner.h"

enum {
	TICK_MS = 250,
	PING_MS = 15000,
	FULL_MS = 2000 /* for those who are answered with 503 only */
};

static const char timeout_text[] = "HTTP/1.1 408 Request Timeout\r\n"
				   "Connection: close\r\n"
				   "Content-Length: 0\r\n"
				   "\r\n";

struct bake_http_link *bake_http_link_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void put_in(struct bake_http_server *server, struct bake_http_link *link)
{
	(void)pthread_mutex_lock(&server->lock);
	link->next = server->links;
	if (link->next)
		link->next->previous = link;
	server->links = link;
	(void)pthread_mutex_unlock(&server->lock);
}

static void take_out(struct bake_http_server *server, struct bake_http_link *link)
{
	(void)pthread_mutex_lock(&server->lock);
	if (link->previous)
		link->previous->next = link->next;
	else
		server->links = link->next;
	if (link->next)
		link->next->previous = link->previous;
	(void)pthread_mutex_unlock(&server->lock);
}

static void begin(
	struct bake_http_server *server, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct bake_http_link *link = calloc(1, sizeof(*link));
	unsigned open = atomic_fetch_add(&server->open, 1) + 1;
	unsigned ms = server->options.header_ms;

	atomic_fetch_add_explicit(&server->accepted, 1, memory_order_relaxed);
	*context = link; /* NULL: the handler closes it */
	if (!link)
		return;
	link->fd = info ? info->connect_fd : -1;
	link->full = open > server->options.connections_max;
	if (link->full)
		atomic_fetch_add_explicit(&server->full, 1, memory_order_relaxed);
	atomic_init(&link->phase, BAKE_HTTP_IDLE);
	atomic_init(&link->begun, true);
	atomic_init(&link->deadline_ms, bake_clock_ms() + (link->full ? FULL_MS : ms));
	put_in(server, link);
}

void bake_http_link_notify(void *context, struct MHD_Connection *connection, void **link,
	enum MHD_ConnectionNotificationCode what)
{
	struct bake_http_server *server = context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		begin(server, connection, link);
		return;
	}
	atomic_fetch_sub(&server->open, 1);
	if (*link) {
		struct bake_http_link *ended = *link;

		take_out(server, ended);
		bake_buf_release(&ended->body);
		free(ended->query);
		free(ended);
		*link = NULL;
	}
}

bool bake_http_link_enter(struct bake_http_link *link, enum bake_http_phase phase, unsigned ms)
{
	int now = atomic_load(&link->phase);

	atomic_store(&link->deadline_ms, bake_clock_ms() + ms);
	while (now != BAKE_HTTP_ENDED) {
		if (atomic_compare_exchange_weak(&link->phase, &now, (int)phase))
			return true;
	}
	return false;
}

/* Ends a connection that has taken too long. Whoever waits for its socket sees the end of it. */
static void end_late(struct bake_http_server *server, struct bake_http_link *link, uint64_t now)
{
	int phase = atomic_load(&link->phase);

	if (phase == BAKE_HTTP_STREAM || phase == BAKE_HTTP_ENDED ||
		now < atomic_load(&link->deadline_ms))
		return;
	if (!atomic_compare_exchange_strong(&link->phase, &phase, BAKE_HTTP_ENDED))
		return;
	/* Between two requests nobody waits for an answer. */
	if (phase == BAKE_HTTP_BODY || (phase == BAKE_HTTP_IDLE && atomic_load(&link->begun)))
		best_effort((int)send(link->fd, timeout_text, sizeof(timeout_text) - 1,
			MSG_NOSIGNAL | MSG_DONTWAIT));
	atomic_fetch_add_explicit(&server->timed_out, 1, memory_order_relaxed);
	best_effort(shutdown(link->fd, SHUT_RDWR));
}

static void *run_clock(void *context)
{
	struct bake_http_server *server = context;
	uint64_t pinged_ms = bake_clock_ms();
	struct timespec until;

	(void)pthread_mutex_lock(&server->lock);
	while (!server->stopping) {
		uint64_t now = bake_clock_ms();

		for (struct bake_http_link *at = server->links; at; at = at->next)
			end_late(server, at, now);
		if (now - pinged_ms >= PING_MS) {
			pinged_ms = now;
			(void)pthread_mutex_unlock(&server->lock);
			bake_http_stream_ping(&server->stream);
			(void)pthread_mutex_lock(&server->lock);
			continue;
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&server->wake, &server->lock, &until);
	}
	(void)pthread_mutex_unlock(&server->lock);
	return NULL;
}

bool bake_http_clock_start(struct bake_http_server *server)
{
	server->clock_runs = pthread_create(&server->clock, NULL, run_clock, server) == 0;
	return server->clock_runs;
}

void bake_http_clock_stop(struct bake_http_server *server)
{
	if (!server->clock_runs)
		return;
	(void)pthread_mutex_lock(&server->lock);
	server->stopping = true;
	(void)pthread_cond_signal(&server->wake);
	(void)pthread_mutex_unlock(&server->lock);
	(void)pthread_join(server->clock, NULL);
	server->clock_runs = false;
}
