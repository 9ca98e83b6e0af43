/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server on loopback whose connections have a speed of their own. nginx limits each request
 * instead, and lets the first second of each pass: a client that asks for small ranges would be
 * faster than the line it is meant to have.
 *
 *   paced DIRECTORY RATE [SLOW_RATE EVERY]
 *
 * Rates are bytes a second; of EVERY connections, in the order of their coming, the last is slow.
 * Prints its port. Answers GET of files in the directory, whole or one range; no request is refused
 * for its method, and nothing else is understood. A thread for each connection. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"

enum {
	HEAD_MAX = 16 * 1024,
	STEPS_PER_SECOND = 100, /* so often a connection is given its share */
};

static const uint64_t second_ns = 1000000000;

static int directory = -1;

struct connection {
	int fd;
	uint64_t rate;
	uint64_t due_ns; /* when what was sent so far would have arrived */
	char head[HEAD_MAX + 1];
	size_t head_len;
};

struct range {
	uint64_t first;
	uint64_t end;
	bool asked;
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "paced: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

/* Sleeps until the bytes sent so far are due, and counts len more. What a connection did not use of
 * its rate is lost but for one step. */
static void pace(struct connection *connection, size_t len)
{
	uint64_t earliest = now_ns() - second_ns / STEPS_PER_SECOND;
	struct timespec due;

	connection->due_ns = bake_u64_max(connection->due_ns, earliest);
	due = (struct timespec){.tv_sec = (time_t)(connection->due_ns / second_ns),
		.tv_nsec = (long)(connection->due_ns % second_ns)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
	connection->due_ns += len * second_ns / connection->rate;
}

static bool send_all(int fd, const char *bytes, size_t len, int flags)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, flags);

		if (sent < 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool send_body(struct connection *connection, int file, struct range range)
{
	off_t at = (off_t)range.first;

	while ((uint64_t)at < range.end) {
		size_t step = (size_t)bake_u64_min(
			range.end - (uint64_t)at, connection->rate / STEPS_PER_SECOND);
		off_t stop = at + (off_t)step;

		pace(connection, step);
		while (at < stop) {
			if (sendfile(connection->fd, file, &at, (size_t)(stop - at)) <= 0)
				return false;
		}
	}
	return true;
}

static bool answer(struct connection *connection, const char *status, uint64_t length,
	const char *more, const char *value)
{
	char head[512];
	int len = snprintf(head, sizeof(head),
		"HTTP/1.1 %s\r\nContent-Length: %" PRIu64
		"\r\nAccept-Ranges: bytes\r\n%s%s\r\n\r\n",
		status, length, more, value);

	/* The head waits for the body's first bytes, when there are any. */
	return send_all(connection->fd, head, (size_t)len, length ? MSG_MORE : 0);
}

/* bytes=FIRST-LAST or bytes=FIRST-, of a file of that size. False when it cannot be satisfied. */
static bool take_range(const char *head, uint64_t size, struct range *range)
{
	const char *field = strcasestr(head, "\r\nRange: bytes=");
	uint64_t last = 0;
	int fields;

	*range = (struct range){.end = size};
	if (!field)
		return true;
	fields = sscanf(
		field + strlen("\r\nRange: bytes="), "%" SCNu64 "-%" SCNu64, &range->first, &last);
	range->asked = true;
	if (fields == 2)
		range->end = bake_u64_min(size, bake_u64_add_capped(last, 1));
	return fields >= 1 && range->first < range->end;
}

static bool respond(struct connection *connection)
{
	_cleanup_close_ int file = -1;
	char path[256];
	char value[80];
	struct range range;
	struct stat st;

	if (sscanf(connection->head, "GET /%255[0-9A-Za-z._-] ", path) == 1 && path[0] != '.')
		file = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) != 0)
		return answer(connection, "404 Not Found", 0, "Server: paced", "");
	if (!take_range(connection->head, (uint64_t)st.st_size, &range))
		return answer(connection, "416 Range Not Satisfiable", 0, "Server: paced", "");
	(void)snprintf(value, sizeof(value), "%" PRIu64 "-%" PRIu64 "/%" PRIu64, range.first,
		range.end - 1, (uint64_t)st.st_size);
	return answer(connection, range.asked ? "206 Partial Content" : "200 OK",
		       range.end - range.first, range.asked ? "Content-Range: bytes " : "Server: ",
		       range.asked ? value : "paced") &&
	       send_body(connection, file, range);
}

/* Reads until a request is complete. Nobody sends a body. */
static bool read_request(struct connection *connection)
{
	for (;;) {
		ssize_t got;

		connection->head[connection->head_len] = '\0';
		if (strstr(connection->head, "\r\n\r\n"))
			return true;
		got = recv(connection->fd, connection->head + connection->head_len,
			HEAD_MAX - connection->head_len, 0);
		if (got <= 0)
			return false;
		connection->head_len += (size_t)got;
	}
}

static void drop_request(struct connection *connection)
{
	size_t used = (size_t)(strstr(connection->head, "\r\n\r\n") + 4 - connection->head);

	connection->head_len -= used;
	memmove(connection->head, connection->head + used, connection->head_len);
}

static void *serve(void *context)
{
	struct connection *connection = context;
	int on = 1;

	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (read_request(connection) && respond(connection))
		drop_request(connection);
	(void)close(connection->fd);
	free(connection);
	return NULL;
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 256) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		die("listen");
	(void)printf("%u\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return fd;
}

static void start(int fd, uint64_t rate)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	pthread_t thread;

	if (fd < 0 || !connection)
		die("accept");
	connection->fd = fd;
	connection->rate = rate;
	if (pthread_create(&thread, NULL, serve, connection) != 0)
		die("thread");
	(void)pthread_detach(thread);
}

static bool take_number(const char *text, uint64_t *out)
{
	return bake_number_parse(text, strlen(text), out) && *out >= STEPS_PER_SECOND;
}

int main(int argc, char **argv)
{
	uint64_t rate = 0;
	uint64_t slow = 0;
	uint64_t every = 0;
	int fd;

	if ((argc != 3 && argc != 5) || !take_number(argv[2], &rate) ||
		(argc == 5 && (!take_number(argv[3], &slow) ||
				      !bake_number_parse(argv[4], strlen(argv[4]), &every))))
		die("usage: paced DIRECTORY RATE [SLOW_RATE EVERY]");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the benchmark may be killed */
	(void)signal(SIGPIPE, SIG_IGN);
	directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		die(argv[1]);
	fd = listen_somewhere();
	for (uint64_t count = 1;; count++)
		start(accept4(fd, NULL, NULL, SOCK_CLOEXEC),
			every && count % every == 0 ? slow : rate);
}
