/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: their headers, those made once, and complaints. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "http/gzip.h"
#include "http/inner.h"
#include "http/refuse.h"

#define NOTHING_POLICY                                                                             \
	"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

enum {
	TAG_MAX = 96,
	FILE_BYTES = 32 * 1024 /* from here on sending without a copy is faster */
};

struct bake_http_entity {
	struct MHD_Response *plain;
	struct MHD_Response *gzip; /* NULL: not smaller, or not wanted */
	/* Not modified, with the tag of either form. libmicrohttpd cannot leave Content-Length out; with
	 * the whole one's, which would be right, old clients wait for a body. So it is 0. */
	struct MHD_Response *same;
	struct MHD_Response *same_gzip;
	char tag[TAG_MAX];
	char gzip_tag[TAG_MAX];
	size_t len;
	size_t gzip_len;
	pthread_mutex_t lock; /* of making the gzip form, which waits until it is asked for */
	atomic_bool is_made;
	struct bake_http_entity_is is;
};

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

bool bake_http_dress(struct MHD_Response *response, const char *type, const char *policy)
{
	return (!type || add(response, "Content-Type", type)) &&
	       add(response, "Content-Security-Policy", policy ? policy : NOTHING_POLICY) &&
	       add(response, "X-Content-Type-Options", "nosniff") &&
	       add(response, "Referrer-Policy", "no-referrer") &&
	       add(response, "Cross-Origin-Resource-Policy", "same-origin");
}

/* libmicrohttpd asks for bytes that may be written and, told to copy, writes none. */
static void *writable(const void *bytes)
{
	void *out;

	memcpy(&out, &bytes, sizeof(out));
	return out;
}

/* Pages that the kernel sends as they are: a copy for each reply is most of the work of a large one. */
static struct MHD_Response *make_file(struct bake_span bytes)
{
	_cleanup_close_ int fd = memfd_create("reply", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct MHD_Response *response;
	size_t done = 0;

	while (fd >= 0 && done < bytes.len) {
		ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);

		if (put <= 0)
			return NULL;
		done += (size_t)put;
	}
	if (fd < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return NULL;
	response = MHD_create_response_from_fd64(bytes.len, fd);
	if (response)
		(void)steal_fd(&fd);
	return response;
}

static struct MHD_Response *make_body(struct bake_span bytes)
{
	struct MHD_Response *response = bytes.len >= FILE_BYTES ? make_file(bytes) : NULL;

	return response ? response
			: MHD_create_response_from_buffer(bytes.len,
				  writable(bytes.len ? (const char *)bytes.ptr : ""),
				  MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *make(
	struct bake_span bytes, const struct bake_http_entity_is *is, const char *tag, bool body)
{
	struct MHD_Response *response = make_body(bake_span(bytes.ptr, body ? bytes.len : 0));

	if (!response)
		return NULL;
	if (bake_http_dress(response, body ? is->type : NULL, is->policy) &&
		add(response, "Cache-Control", "no-cache") && add(response, "ETag", tag) &&
		(!is->compress || add(response, "Vary", "Accept-Encoding")))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

static void drop_response(struct MHD_Response **response)
{
	if (*response)
		MHD_destroy_response(*response);
	*response = NULL;
}

static void drop_gzip(struct bake_http_entity *entity)
{
	drop_response(&entity->gzip);
	drop_response(&entity->same_gzip);
}

static enum bake_status add_gzip(struct bake_http_entity *entity,
	const struct bake_http_entity_is *is, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf packed = BAKE_BUF_INIT(BAKE_HTTP_REPLY_MAX);

	BAKE_TRY(bake_http_gzip(is->bytes, &packed, err));
	if (packed.len >= is->bytes.len)
		return BAKE_OK;
	entity->gzip_len = packed.len;
	entity->gzip = make(bake_buf_span(&packed), is, entity->gzip_tag, true);
	entity->same_gzip = make(bake_buf_span(&packed), is, entity->gzip_tag, false);
	if (!entity->gzip || !entity->same_gzip || !add(entity->gzip, "Content-Encoding", "gzip"))
		return bake_error_nomem(err);
	return BAKE_OK;
}

/* Compressing takes longer than all else that a start does, and many servers are never asked. */
static void make_gzip(struct bake_http_entity *entity)
{
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (atomic_load(&entity->is_made))
		return;
	(void)pthread_mutex_lock(&entity->lock);
	if (!atomic_load(&entity->is_made)) {
		if (add_gzip(entity, &entity->is, &ignored) != BAKE_OK)
			drop_gzip(entity);
		atomic_store(&entity->is_made, true);
	}
	(void)pthread_mutex_unlock(&entity->lock);
}

enum bake_status bake_http_entity_new(
	const struct bake_http_entity_is *is, struct bake_http_entity **out, struct bake_error *err)
{
	_cleanup_(bake_http_entity_free) struct bake_http_entity *entity =
		calloc(1, sizeof(*entity));

	if (!entity)
		return bake_error_nomem(err);
	(void)pthread_mutex_init(&entity->lock, NULL);
	(void)snprintf(entity->tag, sizeof(entity->tag), "\"%.64s\"", is->digest);
	(void)snprintf(entity->gzip_tag, sizeof(entity->gzip_tag), "\"%.64s-gzip\"", is->digest);
	entity->is = *is;
	entity->len = is->bytes.len;
	atomic_init(&entity->is_made, !is->compress);
	entity->plain = make(is->bytes, is, entity->tag, true);
	entity->same = make(is->bytes, is, entity->tag, false);
	if (!entity->plain || !entity->same)
		return bake_error_nomem(err);
	*out = entity;
	entity = NULL;
	return BAKE_OK;
}

void bake_http_entity_free(struct bake_http_entity **pointer)
{
	struct bake_http_entity *entity = *pointer;

	if (!entity)
		return;
	drop_response(&entity->plain);
	drop_response(&entity->same);
	drop_gzip(entity);
	(void)pthread_mutex_destroy(&entity->lock);
	free(entity);
	*pointer = NULL;
}

static enum MHD_Result queue(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link, unsigned status, struct MHD_Response *response)
{
	atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&server->by_status[status < BAKE_HTTP_STATUSES ? status : 0], 1,
		memory_order_relaxed);
	atomic_store(&link->begun, false);
	return MHD_queue_response(connection, status, response);
}

static enum MHD_Result send_entity(struct bake_http_server *server,
	struct MHD_Connection *connection, struct bake_http_link *link,
	struct bake_http_entity *entity, unsigned status)
{
	size_t len = strlen(link->none_match);
	const char *tag;
	bool gzip;

	if (link->takes_gzip)
		make_gzip(entity);
	gzip = link->takes_gzip && entity->gzip;
	tag = gzip ? entity->gzip_tag : entity->tag;
	if (status == 200 && len && bake_http_tag_matches(link->none_match, len, tag))
		return queue(
			server, connection, link, 304, gzip ? entity->same_gzip : entity->same);
	atomic_fetch_add_explicit(
		&server->body_bytes, gzip ? entity->gzip_len : entity->len, memory_order_relaxed);
	return queue(server, connection, link, status, gzip ? entity->gzip : entity->plain);
}

static enum MHD_Result send_stream(struct bake_http_server *server,
	struct MHD_Connection *connection, struct bake_http_link *link)
{
	struct MHD_Response *response = bake_http_stream_open(&server->stream, connection);
	enum MHD_Result result;

	if (!response)
		return bake_http_refuse(server, connection, link, 503, "http.streams",
			"too many listen to the events already");
	result = bake_http_dress(response, "text/event-stream", NULL) &&
				 add(response, "Cache-Control", "no-store") &&
				 add(response, "X-Accel-Buffering", "no")
			 ? queue(server, connection, link, 200, response)
			 : MHD_NO;
	MHD_destroy_response(response);
	return result;
}

static bool add_allow(struct MHD_Response *response, const struct bake_http_link *link)
{
	return add(response, "Allow",
		!link->routes[BAKE_HTTP_POST] ? "GET, HEAD"
		: link->routes[BAKE_HTTP_GET] ? "GET, HEAD, POST"
					      : "POST");
}

static bool add_for_status(
	struct MHD_Response *response, const struct bake_http_link *link, unsigned status)
{
	if (status == 405)
		return add_allow(response, link);
	if (status == 401)
		return add(response, "WWW-Authenticate", "Bearer realm=\"bake-serve\"");
	return status != 503 || add(response, "Retry-After", "1");
}

/* A document made for this reply. Takes its bytes over. */
static enum MHD_Result send_body(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link, struct bake_http_reply *reply, bool close)
{
	struct MHD_Response *response =
		reply->body.full || reply->body.nomem
			? NULL
			: MHD_create_response_from_buffer(reply->body.len,
				  writable(reply->body.len ? reply->body.ptr : ""),
				  MHD_RESPMEM_MUST_COPY);
	const char *type = reply->type ? reply->type : "application/json";
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (bake_http_dress(response, type, NULL) && add(response, "Cache-Control", "no-store") &&
		add_for_status(response, link, reply->status) &&
		(!close || add(response, "Connection", "close"))) {
		atomic_fetch_add_explicit(
			&server->body_bytes, reply->body.len, memory_order_relaxed);
		result = queue(server, connection, link, reply->status, response);
	}
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result bake_http_send(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link, struct bake_http_reply *reply)
{
	enum MHD_Result result;

	if (!reply->status)
		reply->status = 200;
	if (reply->stream)
		result = send_stream(server, connection, link);
	else if (reply->entity)
		result = send_entity(server, connection, link, reply->entity, reply->status);
	else
		result = send_body(server, connection, link, reply, false);
	bake_buf_release(&reply->body);
	if (reply->release)
		reply->release(reply->owner);
	return result;
}

/* Text for a JSON string: this module knows no JSON, and what it says is printable ASCII. */
static void add_escaped(struct bake_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			bake_buf_add(out, "\\", 1);
		bake_buf_add(out, *text >= 0x20 && *text < 0x7f ? text : "?", 1);
	}
}

void bake_http_complain(
	struct bake_http_reply *reply, unsigned status, const char *id, const char *format, ...)
{
	char message[640];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	reply->status = status;
	reply->entity = NULL;
	reply->type = NULL;
	bake_buf_release(&reply->body);
	reply->body = (struct bake_buf)BAKE_BUF_INIT(4096);
	bake_buf_addf(&reply->body, "{\"ok\": false, \"error\": \"%s\", \"message\": \"", id);
	add_escaped(&reply->body, message);
	bake_buf_text(&reply->body, "\"}\n");
}

enum MHD_Result bake_http_refuse(struct bake_http_server *server, struct MHD_Connection *connection,
	struct bake_http_link *link, unsigned status, const char *id, const char *message)
{
	struct bake_http_reply reply = {.status = status};
	enum MHD_Result result;

	bake_http_complain(&reply, status, id, "%s", message);
	result = send_body(server, connection, link, &reply, true);
	bake_buf_release(&reply.body);
	return result;
}
