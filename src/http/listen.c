/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

enum {
	BACKLOG = 1024,
	LOCK_TRIES = 100,
	LOCK_STEP_US = 10000
};

static enum bake_status bad(const char *text, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "'%s' is no address to listen on",
		BAKE_SHOW(text));
	return bake_error_hint(err, "127.0.0.1:8000, [::1]:8000, 0.0.0.0:8000 or unix:/path");
}

static bool copy_text(char *out, size_t room, const char *text, size_t len)
{
	if (!len || len >= room)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static enum bake_status parse_unix(
	const char *text, struct bake_http_address *out, struct bake_error *err)
{
	const char *path = text + strlen("unix:");

	out->is_unix = true;
	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path) ||
		!copy_text(out->host, sizeof(out->host), path, strlen(path)))
		return bad(text, err);
	return BAKE_OK;
}

enum bake_status bake_http_address_parse(
	const char *text, struct bake_http_address *out, struct bake_error *err)
{
	struct bake_http_address address = {.is_unix = false};
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t host_len = colon ? (size_t)(colon - text) : 0;
	uint64_t port;

	if (bake_text_starts(text, "unix:")) {
		BAKE_TRY(parse_unix(text, &address, err));
		*out = address;
		return BAKE_OK;
	}
	if (host_len > 2 && host[0] == '[' && host[host_len - 1] == ']') {
		host++;
		host_len -= 2;
	} else if (strcspn(text, "[]") < strlen(text) ||
		   (host_len && memchr(host, ':', host_len))) {
		return bad(text, err);
	}
	if (!colon || !copy_text(address.host, sizeof(address.host), host, host_len) ||
		!bake_number_parse(colon + 1, strlen(colon + 1), &port) || port > 65535 ||
		!copy_text(address.port, sizeof(address.port), colon + 1, strlen(colon + 1)))
		return bad(text, err);
	*out = address;
	return BAKE_OK;
}

static enum bake_status unix_address(
	const struct bake_http_address *address, struct sockaddr_un *out, struct bake_error *err)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!copy_text(out->sun_path, sizeof(out->sun_path), address->host, strlen(address->host)))
		return bad(address->host, err);
	return BAKE_OK;
}

static enum bake_status taken(const struct bake_http_address *address, struct bake_error *err)
{
	int error = errno;

	if (error == EACCES || error == EPERM)
		return bake_error_set(err, BAKE_ERR_PERMISSION, "fs.permission",
			"%s: not allowed to listen there", BAKE_SHOW(address->host));
	bake_error_set(err, error == EADDRNOTAVAIL ? BAKE_ERR_USAGE : BAKE_ERR_CANTCREATE,
		"serve.address", "cannot listen on %s%s%s: %s", BAKE_SHOW(address->host),
		address->is_unix ? "" : ":", address->port, strerror(error));
	return bake_error_hint(err, "--listen names another address");
}

/* A socket's file outlives its process. One that nobody answers on may be replaced; nothing else. One
 * whose queue is full has a server, which must not be waited for. */
static bool is_stale(const struct sockaddr_un *where)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat stat;

	if (fd < 0 || lstat(where->sun_path, &stat) != 0 || !S_ISSOCK(stat.st_mode))
		return false;
	return connect(fd, (const struct sockaddr *)where, sizeof(*where)) != 0 &&
	       errno == ECONNREFUSED;
}

/* One after the other: of two servers that begin at once, the second would remove the first's socket
 * between its bind and its listen. Without the lock all is as well but for that. */
static int lock_directory(const struct sockaddr_un *where)
{
	char path[sizeof(where->sun_path)];
	int fd;

	memcpy(path, where->sun_path, sizeof(path));
	*strrchr(path, '/') = '\0'; /* it begins with one */
	fd = open(path[0] ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++)
		best_effort(usleep(LOCK_STEP_US));
	return fd;
}

static bool bind_unix(int fd, const struct sockaddr_un *where)
{
	const struct sockaddr *address = (const struct sockaddr *)where;

	if (bind(fd, address, sizeof(*where)) != 0) {
		if (errno != EADDRINUSE)
			return false;
		if (!is_stale(where) || unlink(where->sun_path) != 0) {
			errno = EADDRINUSE;
			return false;
		}
		if (bind(fd, address, sizeof(*where)) != 0)
			return false;
	}
	return listen(fd, BACKLOG) == 0;
}

static enum bake_status listen_unix(
	const struct bake_http_address *address, int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un where;
	bool bound;
	int lock;

	BAKE_TRY(unix_address(address, &where, err));
	if (fd < 0)
		return bake_error_errno(err, errno, "socket");
	lock = lock_directory(&where);
	bound = bind_unix(fd, &where);
	cleanup_close(&lock); /* errno stays */
	if (!bound)
		return taken(address, err);
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

void bake_http_unlink(const struct bake_http_address *address, const struct stat *file)
{
	struct stat now;

	if (address->is_unix && lstat(address->host, &now) == 0 && now.st_dev == file->st_dev &&
		now.st_ino == file->st_ino && S_ISSOCK(now.st_mode))
		best_effort(unlink(address->host));
}

static enum bake_status look_up(const struct bake_http_address *address, int flags,
	struct addrinfo **out, struct bake_error *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
	int failed = getaddrinfo(address->host, address->port, &hints, out);

	if (failed)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "'%s': %s",
			BAKE_SHOW(address->host), gai_strerror(failed));
	return BAKE_OK;
}

static unsigned port_of(int fd)
{
	union {
		struct sockaddr_in6 six;
		struct sockaddr_in four;
		struct sockaddr any;
	} where = {.six = {.sin6_port = 0}};
	socklen_t len = sizeof(where);

	if (getsockname(fd, &where.any, &len) != 0)
		return 0;
	return ntohs(where.any.sa_family == AF_INET6 ? where.six.sin6_port : where.four.sin_port);
}

/* -1, and why in errno. */
static int listen_at(const struct addrinfo *where)
{
	const int yes = 1;
	_cleanup_close_ int fd =
		socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	best_effort(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
	if (bind(fd, where->ai_addr, where->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		return -1;
	return steal_fd(&fd);
}

enum bake_status bake_http_listen(const struct bake_http_address *address, int *out_fd,
	unsigned *out_port, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct addrinfo *found;
	int error;

	*out_port = 0;
	if (address->is_unix)
		return listen_unix(address, out_fd, err);
	BAKE_TRY(look_up(address, AI_PASSIVE, &found, err));
	/* A name may have an address of a family that this machine has not: ::1 of localhost. */
	for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
		fd = listen_at(at);
	error = errno;
	freeaddrinfo(found);
	errno = error;
	if (fd < 0)
		return taken(address, err);
	*out_port = port_of(fd);
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

static bool wait_connected(int fd, unsigned timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	/* EAGAIN of a unix socket: its queue is full, and nothing tells when it is no longer. */
	if (errno != EINPROGRESS)
		return false;
	if (poll(&poll_fd, 1, (int)timeout_ms) != 1) {
		errno = ETIMEDOUT;
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return false;
	errno = error;
	return error == 0;
}

static enum bake_status connect_to(const struct sockaddr *where, socklen_t len, unsigned timeout_ms,
	int *out_fd, struct bake_error *err)
{
	_cleanup_close_ int fd =
		socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return bake_error_errno(err, errno, "socket");
	if (connect(fd, where, len) != 0 && !wait_connected(fd, timeout_ms))
		return bake_error_transient(err, BAKE_ERR_TEMPORARY, "serve.no-answer",
			"nobody answers: %s", strerror(errno));
	*out_fd = steal_fd(&fd);
	return BAKE_OK;
}

enum bake_status bake_http_connect(const struct bake_http_address *address, unsigned timeout_ms,
	int *out_fd, struct bake_error *err)
{
	enum bake_status status = BAKE_ERR_TEMPORARY;
	struct addrinfo *found;
	struct sockaddr_un where;

	if (address->is_unix) {
		BAKE_TRY(unix_address(address, &where, err));
		return connect_to(
			(const struct sockaddr *)&where, sizeof(where), timeout_ms, out_fd, err);
	}
	BAKE_TRY(look_up(address, 0, &found, err));
	for (const struct addrinfo *at = found; at && status != BAKE_OK; at = at->ai_next) {
		*err = BAKE_ERROR_INIT;
		status = connect_to(at->ai_addr, at->ai_addrlen, timeout_ms, out_fd, err);
	}
	freeaddrinfo(found);
	return status;
}
