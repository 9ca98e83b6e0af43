/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/parallel.h"
#include "http/inner.h"
#include "http/refuse.h"

enum {
	THREADS_MAX = 4,
	SPARE_CONNECTIONS = 256,    /* that are told that there are too many */
	RESERVED_DESCRIPTORS = 128, /* for all that is no connection */
	POOL_BYTES = 24 * 1024,	    /* of a connection: header, headers of the reply, some room */
	POOL_STEP = 2048,
	QUIET_SECONDS = 60, /* libmicrohttpd's own timeout, behind those of the clock */
	STOP_STEP_US = 10000
};

/* The request line is here. Its target is looked at before libmicrohttpd cuts it up. */
static void *see_target(void *context, const char *target, struct MHD_Connection *connection)
{
	const struct bake_http_server *server = context;
	struct bake_http_link *link = bake_http_link_of(connection);
	struct bake_http_target parsed;

	if (!link)
		return NULL;
	atomic_store(&link->begun, true);
	link->known = true;
	link->checked = false;
	link->target = target;
	link->target_len = target ? strlen(target) : 0;
	link->long_target = link->target_len > BAKE_HTTP_TARGET_MAX;
	link->broken_target = target && !bake_http_is_value(target, link->target_len);
	if (target && strchr(target, ' '))
		link->broken_target = true;
	link->bad_target = !target || !bake_http_target_parse(target, link->target_len, &parsed);
	memset(link->routes, 0, sizeof(link->routes));
	link->query_len = 0;
	if (link->bad_target)
		return link;
	bake_http_route_find(server, link, parsed.path);
	if (parsed.query.len) {
		free(link->query);
		link->query = malloc(parsed.query.len);
		link->query_len = link->query ? parsed.query.len : 0;
		if (link->query)
			memcpy(link->query, parsed.query.ptr, parsed.query.len);
	}
	return link;
}

/* Values stay as they are: they are not looked at. */
static size_t keep_escaped(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static bool host_allowed(const struct bake_http_server *server, struct bake_span text)
{
	const struct bake_http_options *options = &server->options;
	struct bake_span name;

	if (!bake_http_host_parse((const char *)text.ptr, text.len, &name))
		return false;
	if (bake_http_host_is_loopback(name) ||
		(!server->address.is_unix && bake_http_host_equal(name, server->address.host)))
		return true;
	for (size_t i = 0; i < options->host_count; i++) {
		if (strcmp(options->hosts[i], "*") == 0 ||
			bake_http_host_equal(name, options->hosts[i]))
			return true;
	}
	return false;
}

/*
 * A page of another site may send a POST, but not without saying where it comes from. Another port is
 * another site: what else runs on this machine has pages, too. Browsers write both headers alike.
 */
static bool origin_allowed(const struct bake_http_heads *heads)
{
	const char *origin = (const char *)heads->origin.ptr;
	size_t len = heads->origin.len;
	struct bake_span name;
	size_t begin;

	if (!len)
		return true;
	if (!bake_http_origin_host(origin, len, &name))
		return false;
	begin = (size_t)((const char *)memchr(origin, '/', len) + 2 - origin);
	return len - begin == heads->host.len &&
	       strncasecmp(origin + begin, (const char *)heads->host.ptr, heads->host.len) == 0;
}

struct refusal {
	unsigned status;
	const char *id;
	const char *message;
};

static enum bake_http_method method_of(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return BAKE_HTTP_GET;
	return strcmp(method, "POST") == 0 ? BAKE_HTTP_POST : BAKE_HTTP_METHODS;
}

static bool path_is_known(const struct bake_http_link *link)
{
	return link->routes[BAKE_HTTP_GET] || link->routes[BAKE_HTTP_POST];
}

static struct refusal check_post(const struct bake_http_server *server,
	const struct bake_http_route *route, const struct bake_http_heads *heads)
{
	if (!origin_allowed(heads))
		return (struct refusal){403, "http.origin", "another site may not ask for this"};
	if (route->admin && !bake_http_bearer_matches((const char *)heads->authorization.ptr,
				    heads->authorization.len, server->options.admin_token))
		return (struct refusal){401, "http.token", "this needs the admin token"};
	if (!heads->has_length)
		return (struct refusal){411, "http.length", "a POST needs Content-Length"};
	if (route->json &&
		!bake_http_is_json((const char *)heads->content_type.ptr, heads->content_type.len))
		return (struct refusal){415, "http.type", "the body must be application/json"};
	return (struct refusal){0};
}

/* All that can be refused without looking at a body. */
static struct refusal check(const struct bake_http_server *server, struct bake_http_link *link,
	const char *method, const struct bake_http_heads *heads)
{
	enum bake_http_method which = method_of(method);

	if (heads->status)
		return (struct refusal){heads->status, heads->id, heads->message};
	if (link->full)
		return (struct refusal){503, "http.full", "there are too many connections"};
	if (heads->has_host && !host_allowed(server, heads->host))
		return (struct refusal){421, "http.host",
			"this server is not known by that name (see --allow-host)"};
	if (link->bad_target || !path_is_known(link))
		return (struct refusal){404, "http.not-found", "there is no such address"};
	link->route = which < BAKE_HTTP_METHODS ? link->routes[which] : NULL;
	if (!link->route)
		return (struct refusal){405, "http.method", "not with this method"};
	if (which == BAKE_HTTP_POST)
		return check_post(server, link->route, heads);
	return (struct refusal){0};
}

static void keep_heads(struct bake_http_link *link, const struct bake_http_heads *heads)
{
	size_t len = heads->none_match.len;

	link->takes_gzip = bake_http_takes_gzip(
		(const char *)heads->accept_encoding.ptr, heads->accept_encoding.len);
	len = len < sizeof(link->none_match) ? len : 0; /* then all is sent: right as well */
	if (len)
		memcpy(link->none_match, heads->none_match.ptr, len);
	link->none_match[len] = '\0';
}

/* The header is whole. */
static enum MHD_Result begin(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link, const char *method, const char *version)
{
	struct bake_http_heads heads;
	struct refusal refusal;
	bool post;

	bake_http_heads_read(connection, link, method, version, &heads);
	refusal = check(server, link, method, &heads);
	keep_heads(link, &heads);
	link->checked = true;
	link->body = (struct bake_buf)BAKE_BUF_INIT(BAKE_HTTP_BODY_MAX);
	post = !refusal.status && heads.content_length;
	atomic_fetch_add(&server->busy, 1); /* until complete(), whatever comes in between */
	if (!bake_http_link_enter(link, post ? BAKE_HTTP_BODY : BAKE_HTTP_REPLY,
		    post ? server->options.body_ms : server->options.reply_ms))
		return MHD_NO;
	if (refusal.status)
		return bake_http_refuse(
			server, connection, link, refusal.status, refusal.id, refusal.message);
	return MHD_YES;
}

static enum MHD_Result answer(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link)
{
	const struct bake_http_request request = {
		.path = link->route->path,
		.name = link->name,
		.query = bake_span(link->query, link->query_len),
		.body = bake_buf_span(&link->body),
	};
	struct bake_http_reply reply = {.body = BAKE_BUF_INIT(BAKE_HTTP_REPLY_MAX)};

	link->route->handle(server->options.context, &request, &reply);
	if (!bake_http_link_enter(link, reply.stream ? BAKE_HTTP_STREAM : BAKE_HTTP_REPLY,
		    server->options.reply_ms)) {
		bake_buf_release(&reply.body);
		if (reply.release)
			reply.release(reply.owner);
		return MHD_NO;
	}
	return bake_http_send(server, connection, link, &reply);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **request)
{
	struct bake_http_server *server = context;
	struct bake_http_link *link = *request;

	(void)url;
	if (!link || !link->known)
		return MHD_NO;
	if (!link->checked)
		return begin(server, connection, link, method, version);
	if (*upload_size) {
		bake_buf_add(&link->body, upload, *upload_size);
		*upload_size = 0;
		return link->body.full || link->body.nomem ? MHD_NO : MHD_YES;
	}
	return answer(server, connection, link);
}

/* A request is over, whether it was answered or not. */
static void complete(void *context, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode how)
{
	struct bake_http_server *server = context;
	struct bake_http_link *link = *request;

	(void)connection;
	(void)how;
	if (!link)
		return;
	if (link->checked)
		atomic_fetch_sub(&server->busy, 1);
	link->known = false;
	link->checked = false;
	bake_buf_release(&link->body);
	free(link->query);
	link->query = NULL;
	link->query_len = 0;
	atomic_store(&link->begun, false);
	(void)bake_http_link_enter(link, BAKE_HTTP_IDLE, server->options.idle_ms);
	*request = NULL;
}

/* libmicrohttpd talks of clients that went away and the like: nobody has to know. */
static void say_nothing(void *context, const char *format, va_list arguments)
{
	(void)context;
	(void)format;
	(void)arguments;
}

/* Connections need descriptors: as many as wanted, or as many as there may be. */
static unsigned fit_descriptors(unsigned wanted)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)wanted + SPARE_CONNECTIONS + RESERVED_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return wanted;
	if (limit.rlim_cur < needed) {
		limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
		best_effort(setrlimit(RLIMIT_NOFILE, &limit));
		best_effort(getrlimit(RLIMIT_NOFILE, &limit));
	}
	if (limit.rlim_cur >= needed)
		return wanted;
	return limit.rlim_cur > SPARE_CONNECTIONS + RESERVED_DESCRIPTORS + 16
		       ? (unsigned)(limit.rlim_cur - SPARE_CONNECTIONS - RESERVED_DESCRIPTORS)
		       : 16;
}

static struct MHD_Daemon *start_daemon(struct bake_http_server *server, unsigned threads)
{
	unsigned flags =
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	const struct MHD_OptionItem more[] = {
		/* A pool of one is none: the option is left out. */
		{MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? (intptr_t)threads : 0, NULL},
		{MHD_OPTION_CONNECTION_LIMIT,
			(intptr_t)server->options.connections_max + SPARE_CONNECTIONS, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER,
		say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
		MHD_OPTION_NOTIFY_CONNECTION, bake_http_link_notify, server,
		MHD_OPTION_NOTIFY_COMPLETED, complete, server, MHD_OPTION_URI_LOG_CALLBACK,
		see_target, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)QUIET_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
		MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP, MHD_OPTION_ARRAY, more,
		MHD_OPTION_END);
}

static void release(struct bake_http_server *server)
{
	/* In this order: once it is closed, another server may put its own socket there. */
	if (server->listen_fd >= 0) {
		bake_http_unlink(&server->address, &server->socket_file);
		best_effort(close(server->listen_fd));
	}
	if (server->silent_fd >= 0)
		best_effort(close(server->silent_fd));
	bake_http_stream_release(&server->stream);
	(void)pthread_cond_destroy(&server->wake);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}

/* The daemon closes listen_fd, as it was not told to quiesce. */
static void stop_daemon(struct bake_http_server *server)
{
	MHD_stop_daemon(server->daemon);
	server->listen_fd = -1;
}

/*
 * Who comes now is told at once that nobody is there, not when all others are served.
 * MHD_quiesce_daemon would take the socket out of the set of each thread while the thread may
 * do the same, which ends the process (seen with 0.9.75). So the socket is closed by putting in
 * its place a descriptor that is never readable: the kernel takes it out of all sets.
 */
static void stop_listening(struct bake_http_server *server)
{
	/* In this order: once it is closed, another server may put its own socket there. */
	bake_http_unlink(&server->address, &server->socket_file);
	best_effort(dup3(server->silent_fd, server->listen_fd, O_CLOEXEC));
}

static struct bake_http_server *new_server(const struct bake_http_options *options)
{
	struct bake_http_server *server = calloc(1, sizeof(*server));
	pthread_condattr_t monotonic;

	if (!server)
		return NULL;
	server->options = *options;
	server->address = *options->address;
	server->listen_fd = -1;
	server->silent_fd = -1;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&server->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)pthread_mutex_init(&server->lock, NULL);
	(void)bake_http_stream_init(&server->stream);
	return server;
}

enum bake_status bake_http_start(const struct bake_http_options *options,
	struct bake_http_server **out, struct bake_error *err)
{
	struct bake_http_server *server = new_server(options);
	unsigned threads = options->threads ? options->threads : bake_processors();

	if (!server)
		return bake_error_nomem(err);
	server->options.connections_max = fit_descriptors(options->connections_max);
	if (bake_http_listen(&server->address, &server->listen_fd, &server->port, err) != BAKE_OK) {
		release(server);
		return err->status;
	}
	if (server->address.is_unix)
		best_effort(lstat(server->address.host, &server->socket_file));
	server->silent_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->silent_fd >= 0)
		server->daemon =
			start_daemon(server, threads < THREADS_MAX ? threads : THREADS_MAX);
	if (!server->daemon || !bake_http_clock_start(server)) {
		if (server->daemon) {
			stop_listening(server);
			stop_daemon(server);
		}
		release(server);
		return bake_error_set(err, BAKE_ERR_RESOURCES, "serve.start",
			"the server cannot be started: no threads or no descriptors are left");
	}
	*out = server;
	return BAKE_OK;
}

unsigned bake_http_port(const struct bake_http_server *server)
{
	return server->port;
}

void bake_http_count(struct bake_http_server *server, struct bake_http_counts *out)
{
	*out = (struct bake_http_counts){
		.requests = atomic_load(&server->requests),
		.body_bytes = atomic_load(&server->body_bytes),
		.accepted = atomic_load(&server->accepted),
		.open = atomic_load(&server->open),
		.full = atomic_load(&server->full),
		.timed_out = atomic_load(&server->timed_out),
		.streams = bake_http_stream_count(&server->stream),
	};
	for (size_t i = 0; i < BAKE_HTTP_STATUSES; i++)
		out->by_status[i] = atomic_load(&server->by_status[i]);
}

bool bake_http_has_listeners(struct bake_http_server *server)
{
	return bake_http_stream_count(&server->stream) > 0;
}

void bake_http_publish(struct bake_http_server *server, struct bake_span event)
{
	bake_http_stream_publish(&server->stream, event);
}

void bake_http_stop(struct bake_http_server **pointer, unsigned grace_ms)
{
	struct bake_http_server *server = *pointer;
	uint64_t end_ms = bake_clock_ms() + grace_ms;

	if (!server)
		return;
	stop_listening(server);
	bake_http_stream_close(&server->stream);
	while (atomic_load(&server->busy) && bake_clock_ms() < end_ms)
		best_effort(usleep(STOP_STEP_US));
	bake_http_clock_stop(server);
	stop_daemon(server);
	release(server);
	*pointer = NULL;
}
