/* SPDX-License-Identifier: Apache-2.0 */
#include "http/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "http/message.h"

static const char scheme[] = "http://";

static enum bake_status bad(const char *url, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "'%s' cannot be asked", BAKE_SHOW(url));
	return bake_error_hint(err, "http://127.0.0.1:8000/health, or unix:/path");
}

enum bake_status bake_http_place_parse(
	const char *url, struct bake_http_place *out, struct bake_error *err)
{
	struct bake_http_place place = {.target = "/health"};
	struct bake_http_target target;
	char host[BAKE_HTTP_HOST_MAX];
	const char *path;
	size_t len;

	if (bake_text_starts(url, "unix:")) {
		BAKE_TRY(bake_http_address_parse(url, &place.address, err));
		*out = place;
		return BAKE_OK;
	}
	if (!bake_text_starts(url, scheme))
		return bad(url, err);
	url += sizeof(scheme) - 1;
	path = strchr(url, '/');
	len = path ? (size_t)(path - url) : strlen(url);
	if (len + 4 >= sizeof(host))
		return bad(url, err);
	/* Without a port it is 80. A colon within brackets is none of a port. */
	(void)snprintf(host, sizeof(host), "%.*s%s", (int)len, url,
		memchr(url, ']', len)	? (len && url[len - 1] == ']' ? ":80" : "")
		: memchr(url, ':', len) ? ""
					: ":80");
	BAKE_TRY(bake_http_address_parse(host, &place.address, err));
	if (path && path[1]) {
		if (!bake_http_target_parse(path, strlen(path), &target) ||
			strlen(path) >= sizeof(place.target))
			return bad(url, err);
		(void)snprintf(place.target, sizeof(place.target), "%s", path);
	}
	*out = place;
	return BAKE_OK;
}

bool bake_http_status_parse(const char *text, size_t len, unsigned *out_status)
{
	unsigned status = 0;

	if (len < 12 || memcmp(text, "HTTP/1.", 7) != 0 || text[8] != ' ')
		return false;
	for (size_t i = 9; i < 12; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		status = status * 10 + (unsigned)(text[i] - '0');
	}
	if (status < 100 || (len > 12 && text[12] != ' ' && text[12] != '\r'))
		return false;
	*out_status = status;
	return true;
}

static enum bake_status late(struct bake_error *err)
{
	return bake_error_transient(
		err, BAKE_ERR_TEMPORARY, "serve.no-answer", "no answer in time");
}

static bool wait_for(int fd, short events, uint64_t end_ms)
{
	uint64_t now = bake_clock_ms();
	struct pollfd poll_fd = {.fd = fd, .events = events};

	return now < end_ms && poll(&poll_fd, 1, (int)(end_ms - now)) == 1;
}

static enum bake_status send_all(
	int fd, struct bake_span text, uint64_t end_ms, struct bake_error *err)
{
	while (text.len) {
		ssize_t sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return bake_error_transient(err, BAKE_ERR_TEMPORARY, "serve.no-answer",
				"the connection ended: %s", strerror(errno));
		if (sent > 0)
			text = bake_span(text.ptr + sent, text.len - (size_t)sent);
		else if (!wait_for(fd, POLLOUT, end_ms))
			return late(err);
	}
	return BAKE_OK;
}

/* The first bytes are enough: a probe wants the status only. */
static enum bake_status receive(
	int fd, uint64_t end_ms, unsigned *out_status, struct bake_error *err)
{
	char line[64];
	size_t len = 0;

	while (len < sizeof(line) && !memchr(line, '\n', len)) {
		ssize_t got = recv(fd, line + len, sizeof(line) - len, 0);

		if (got == 0)
			break;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return bake_error_transient(err, BAKE_ERR_TEMPORARY, "serve.no-answer",
				"the connection ended: %s", strerror(errno));
		if (got > 0)
			len += (size_t)got;
		else if (!wait_for(fd, POLLIN, end_ms))
			return late(err);
	}
	if (!bake_http_status_parse(line, len, out_status))
		return bake_error_set(
			err, BAKE_ERR_PROTOCOL, "serve.protocol", "what answers is no HTTP server");
	return BAKE_OK;
}

enum bake_status bake_http_probe(const struct bake_http_place *place, unsigned timeout_ms,
	unsigned *out_status, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf request = BAKE_BUF_INIT(4096);
	_cleanup_close_ int fd = -1;
	uint64_t end_ms = bake_clock_ms() + timeout_ms;
	bool bare = place->address.is_unix || !strchr(place->address.host, ':');

	bake_buf_addf(&request, "GET %s HTTP/1.1\r\nHost: %s%s%s\r\n", place->target,
		bare ? "" : "[", place->address.is_unix ? "localhost" : place->address.host,
		bare ? "" : "]");
	bake_buf_text(&request, "User-Agent: bake-serve\r\nConnection: close\r\n\r\n");
	BAKE_TRY(bake_buf_status(&request, "request", err));
	BAKE_TRY(bake_http_connect(&place->address, timeout_ms, &fd, err));
	BAKE_TRY(send_all(fd, bake_buf_span(&request), end_ms, err));
	return receive(fd, end_ms, out_status, err);
}
