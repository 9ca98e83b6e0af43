/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/peek.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/show_url.h"
#include "base/stop.h"
#include "base/text.h"
#include "hub/hub.h"
#include "net/etag.h"
#include "net/retry.h"
#include "net/url.h"

#define HUB_SCHEME "hf://"

enum {
	/* How long a reader that has read everything may think about whether it is enough. A round
	 * trip for bytes that nobody reads costs more. */
	THINKING_MS = 10,
	STEP_MS = 2
};

struct peek {
	const struct bake_peek_options *options;
	struct bake_link link;
	struct bake_buf url;
	char *repository; /* of an hf:// URL, for what the Hub's failures mean; else NULL */
	char *revision;
	uint64_t size;	/* of the file, once it is known */
	bool known;	/* and announced */
	uint64_t sent;	/* bytes of the file that were written */
	uint64_t at;	/* offset of the next byte that comes */
	uint64_t first; /* of the range that is asked for, */
	uint64_t end;	/* exclusive */
	struct bake_etag etag;
	bool closed; /* the reader has enough */
	struct bake_response response;
	struct bake_error error;
	bool finished;
};

static void release(struct peek *peek)
{
	bake_link_close(&peek->link);
	bake_buf_release(&peek->url);
	free(peek->repository);
	free(peek->revision);
}

static enum bake_status bad_url(const char *url, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "'%s' names no file at the Hub",
		BAKE_SHOW_URL(url));
	return bake_error_hint(err, "hf://ORGANISATION/NAME[@REVISION]/PATH");
}

/* A slash in a revision ("refs/pr/1") is written %2F. */
static void unescape_slashes(char *text)
{
	char *out = text;

	while (*text) {
		bool slash = strncasecmp(text, "%2f", 3) == 0;

		*out = *text;
		if (slash)
			*out = '/';
		out++;
		text += slash ? 3 : 1;
	}
	*out = '\0';
}

/* hf://ORGANISATION/NAME[@REVISION]/PATH */
static enum bake_status resolve_hub(struct peek *peek, const char *url, struct bake_error *err)
{
	const char *name = url + strlen(HUB_SCHEME);
	const char *slash = strchr(name, '/');
	const char *path = slash ? strchr(slash + 1, '/') : NULL;
	const char *mark = slash ? strchr(slash, '@') : NULL;
	struct bake_relpath checked;

	if (!path || path[1] == '\0')
		return bad_url(url, err);
	if (mark && mark > path)
		mark = NULL;
	peek->repository = strndup(name, (size_t)((mark ? mark : path) - name));
	peek->revision = mark ? strndup(mark + 1, (size_t)(path - mark - 1)) : strdup("main");
	if (!peek->repository || !peek->revision)
		return bake_error_nomem(err);
	unescape_slashes(peek->revision);
	if (bake_relpath_parse(peek->repository, &checked, err) != BAKE_OK ||
		bake_relpath_parse(path + 1, &checked, err) != BAKE_OK || !peek->revision[0])
		return bad_url(url, err);
	bake_hub_file_url(
		&peek->url, peek->link.endpoint, peek->repository, peek->revision, path + 1);
	return bake_buf_status(&peek->url, "URL", err);
}

static enum bake_status resolve(struct peek *peek, struct bake_error *err)
{
	const char *url = peek->options->url;

	if (bake_text_starts(url, HUB_SCHEME))
		return resolve_hub(peek, url, err);
	BAKE_TRY(bake_url_check_secret(url, err));
	bake_buf_text(&peek->url, url);
	return bake_buf_status(&peek->url, "URL", err);
}

/* All of bytes to the reader. One that is gone is no failure here: see run_once. */
static enum bake_status put(struct peek *peek, struct bake_span bytes, struct bake_error *err)
{
	while (bytes.len) {
		ssize_t wrote = write(peek->options->out, bytes.ptr, bytes.len);

		if (wrote < 0 && errno == EINTR) {
			BAKE_TRY(bake_stop_check(err));
			continue;
		}
		if (wrote < 0) {
			peek->closed = errno == EPIPE;
			return bake_error_errno(err, errno, "standard output");
		}
		bytes = bake_span(bytes.ptr + wrote, bytes.len - (size_t)wrote);
	}
	return BAKE_OK;
}

static enum bake_status announce(struct peek *peek, uint64_t size, struct bake_error *err)
{
	char line[64];
	int len = snprintf(line, sizeof(line), BAKE_PEEK_LINE " %" PRIu64 "\n", size);

	if (peek->known && size != peek->size)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.size-mismatch",
			"expected %" PRIu64 " bytes, server says %" PRIu64, peek->size, size);
	if (peek->known)
		return BAKE_OK;
	peek->size = size;
	peek->known = true;
	return put(peek, bake_span(line, (size_t)len), err);
}

static enum bake_status check_partial(
	struct peek *peek, const struct bake_content_range *range, struct bake_error *err)
{
	if (!range->valid || range->first != peek->first || range->last >= peek->end)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range",
			"the server sends another range than %" PRIu64 "-%" PRIu64, peek->first,
			peek->end - 1);
	if (!range->has_total)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.no-length",
			"the server does not say how large the file is");
	peek->at = range->first;
	peek->end = range->last + 1;
	return announce(peek, range->total, err);
}

/* A server without ranges sends all of the file, from the beginning each time. */
static enum bake_status check_whole(
	struct peek *peek, const struct bake_response *response, struct bake_error *err)
{
	if (!response->has_length)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.no-length",
			"the server does not say how large the file is");
	peek->at = 0;
	peek->end = response->length;
	return announce(peek, response->length, err);
}

static enum bake_status on_head(
	void *context, const struct bake_response *response, struct bake_error *err)
{
	struct peek *peek = context;
	const struct bake_etag *etag = bake_response_etag(response);

	if (response->content_encoding[0] && strcmp(response->content_encoding, "identity") != 0)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.encoding",
			"the server encodes the file as '%s' although asked not to",
			BAKE_SHOW(response->content_encoding));
	if (bake_etag_changed(&peek->etag, etag))
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.changed",
			"the source changed while it was read");
	if (etag->value[0])
		peek->etag = *etag;
	if (response->status == 206)
		return check_partial(peek, &response->range, err);
	if (response->status == 200)
		return check_whole(peek, response, err);
	return bake_error_set(
		err, BAKE_ERR_PROTOCOL, "net.status", "unexpected status %u", response->status);
}

static enum bake_status on_body(void *context, struct bake_span bytes, struct bake_error *err)
{
	struct peek *peek = context;
	uint64_t skip = bake_u64_min(peek->sent - bake_u64_min(peek->sent, peek->at), bytes.len);

	if (bytes.len > peek->end - peek->at)
		return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.bad-range",
			"the server sends more than it said");
	peek->at += bytes.len;
	BAKE_TRY(put(peek, bake_span(bytes.ptr + skip, bytes.len - (size_t)skip), err));
	peek->sent = bake_u64_max(peek->sent, peek->at);
	return BAKE_OK;
}

static void on_done(
	void *context, const struct bake_response *response, const struct bake_error *error)
{
	struct peek *peek = context;

	peek->response = *response;
	peek->finished = true;
	if (error)
		peek->error = *error;
}

/* Asks for bytes from peek->sent on and hands on what comes. */
static enum bake_status run_once(struct peek *peek, uint64_t count, struct bake_error *err)
{
	struct bake_http_request request = {.url = peek->url.ptr, .has_range = true};
	struct bake_http_handler handler = {
		.context = peek, .head = on_head, .body = on_body, .done = on_done};
	struct bake_exchange *exchange = NULL;
	enum bake_status status = BAKE_OK;

	peek->first = peek->sent;
	peek->end = peek->sent + count;
	request.first = peek->first;
	request.last = peek->end - 1;
	peek->finished = false;
	peek->error = BAKE_ERROR_INIT;
	BAKE_TRY(bake_http_start(peek->link.http, &request, &handler, &exchange, err));
	while (!peek->finished && status == BAKE_OK) {
		status = bake_stop_check(err);
		if (status == BAKE_OK)
			status = bake_http_poll(peek->link.http, 100, err);
	}
	if (!peek->finished)
		bake_exchange_cancel(&exchange);
	if (status != BAKE_OK || peek->error.status == BAKE_OK || peek->closed)
		return status;
	*err = peek->error;
	if (peek->response.status >= 400 && peek->repository)
		bake_hub_explain(&peek->response, peek->link.endpoint, peek->repository,
			peek->revision, peek->link.has_token, err);
	return err->status;
}

/* The same, again after what may pass. Bytes that came begin a new row of failures. */
static enum bake_status run_range(struct peek *peek, uint64_t count, struct bake_error *err)
{
	uint64_t wanted = peek->sent + count;
	unsigned attempt = 0;

	while (peek->sent < wanted && !peek->closed && !(peek->known && peek->sent >= peek->size)) {
		uint64_t before = peek->sent;
		enum bake_status status = run_once(peek, wanted - peek->sent, err);

		if (status == BAKE_OK && peek->sent == before && !peek->closed && peek->size)
			status = bake_error_transient(err, BAKE_ERR_TEMPORARY, "net.short",
				"the server ends its answer before the first byte");
		if (status == BAKE_OK)
			continue;
		attempt = peek->sent > before ? 1 : attempt + 1;
		if (!err->transient || attempt > peek->options->origins.retries)
			return bake_error_wrap(err, "%s", BAKE_SHOW_URL(peek->url.ptr));
		BAKE_TRY(bake_retry_wait(peek->options->events, BAKE_SHOW_URL(peek->url.ptr),
			attempt, &peek->response, err));
		*err = BAKE_ERROR_INIT;
	}
	return BAKE_OK;
}

/* Until the reader has read what is in the pipe, and then a moment longer: it may be content. */
static enum bake_status wait_for_reader(struct peek *peek, struct bake_error *err)
{
	struct pollfd reader = {.fd = peek->options->out};
	struct stat st;
	int unread = 1;

	if (fstat(peek->options->out, &st) != 0 || !S_ISFIFO(st.st_mode))
		return BAKE_OK;
	while (!(reader.revents & POLLERR) && unread > 0) {
		BAKE_TRY(bake_stop_check(err));
		if (ioctl(peek->options->out, FIONREAD, &unread) != 0)
			return bake_error_errno(err, errno, "standard output");
		(void)poll(&reader, 1, unread > 0 ? STEP_MS : THINKING_MS);
	}
	peek->closed = (reader.revents & POLLERR) != 0;
	return BAKE_OK;
}

static enum bake_status run(struct peek *peek, struct bake_error *err)
{
	uint64_t count = BAKE_PEEK_FIRST;

	BAKE_TRY(bake_link_open(&peek->link, &peek->options->origins, peek->options->events, err));
	BAKE_TRY(resolve(peek, err));
	if (!peek->link.http)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "net.offline",
			"%s cannot be looked at offline", BAKE_SHOW_URL(peek->url.ptr));
	for (;;) {
		BAKE_TRY(run_range(peek, bake_u64_min(count, BAKE_PEEK_MAX - peek->sent), err));
		if (peek->sent >= bake_u64_min(peek->size, BAKE_PEEK_MAX) || peek->closed)
			return BAKE_OK;
		BAKE_TRY(wait_for_reader(peek, err));
		if (peek->closed)
			return BAKE_OK;
		count = peek->sent; /* twice as much is there then */
	}
}

enum bake_status bake_peek_run(const struct bake_peek_options *options, struct bake_error *err)
{
	_cleanup_(release) struct peek peek = {
		.options = options, .url = BAKE_BUF_INIT(BAKE_NET_URL_MAX)};

	return run(&peek, err);
}
