/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that misbehaves as it is told. Only for the tests.
 *
 *     faultserver LOG
 *
 * Commands come on standard input, one a line: those of script.h, and
 *
 *     listen NAME ADDRESS [port N] [tls CERTIFICATE KEY] [max N] [rate N] [mute] [deaf]
 *     wait
 *
 * Each is answered by one line on standard output. listen answers with the port; more than max
 * connections at a time are reset, rate limits each connection, a mute listener accepts and says
 * nothing, a deaf one is as if its packets were lost. wait answers when all connections have ended. What was asked and sent goes into LOG.
 * At the end of its input the server ends.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile/answer.h"
#include "hostile/journal.h"
#include "hostile/peer.h"
#include "hostile/script.h"

enum {
	REQUEST_MAX = 65536,
	BACKLOG = 1024,
	WAIT_STEP_MS = 5,
	WAIT_STEPS = 4000,
	DEAF_MS = 300, /* not connected by then: never */
};

struct listener {
	char name[64];
	int fd;
	SSL_CTX *tls;
	uint64_t max; /* 0: any number */
	uint64_t rate;
	uint64_t port;
	bool mute;
	bool deaf;
	uint64_t open;
};

struct connection {
	struct listener *listener;
	int fd;
	uint64_t number;
};

struct request {
	char text[REQUEST_MAX];
	size_t len;
	struct asked asked;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t connections;
static uint64_t requests;
static uint64_t open_now;

static uint64_t next(uint64_t *counter)
{
	uint64_t value;

	(void)pthread_mutex_lock(&lock);
	value = ++*counter;
	(void)pthread_mutex_unlock(&lock);
	return value;
}

/* The value of a header field in a request, or NULL. It ends at the end of the line. */
static const char *field(const struct request *request, const char *name)
{
	const char *line = strstr(request->text, "\r\n");
	size_t len = strlen(name);

	for (; line && line[2] != '\0'; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
			return line + 3 + len + strspn(line + 3 + len, " ");
	}
	return NULL;
}

static struct asked asked_of(const struct request *request)
{
	const char *text = field(request, "Range");
	struct asked asked = {.last = UINT64_MAX};

	asked.head = strncmp(request->text, "HEAD ", 5) == 0;
	if (!text || strncasecmp(text, "bytes=", 6) != 0)
		return asked;
	text += 6;
	asked.ranged = script_number(&text, &asked.first);
	if (*text == '-') {
		text++;
		(void)script_number(&text, &asked.last);
	}
	return asked;
}

/* Reads up to the blank line. What came behind it belongs to nobody: nothing is sent ahead. */
static bool read_request(struct peer *peer, struct request *request)
{
	char *end;

	request->len = 0;
	do {
		int got = peer_read(
			peer, request->text + request->len, REQUEST_MAX - 1 - request->len);

		if (got <= 0)
			return false;
		request->len += (size_t)got;
		request->text[request->len] = '\0';
		end = strstr(request->text, "\r\n\r\n");
	} while (!end && request->len < REQUEST_MAX - 1);
	if (!end)
		return false;
	end[2] = '\0';
	request->asked = asked_of(request);
	return true;
}

static void log_request(
	const struct connection *connection, const struct request *request, uint64_t id)
{
	size_t line = strcspn(request->text, "\r");
	char *head = journal_quote(request->text, strlen(request->text));
	size_t method = strcspn(request->text, " ");
	size_t path = strcspn(request->text + method + 1, " \r");
	char *quoted_method = journal_quote(request->text, method < line ? method : line);
	char *quoted_path = journal_quote(request->text + method + 1, path);
	const char *range = field(request, "Range");
	char *quoted_range = range ? journal_quote(range, strcspn(range, "\r")) : NULL;

	journal_write("\"event\": \"request\", \"id\": %" PRIu64 ", \"listener\": \"%s\", "
		      "\"connection\": %" PRIu64 ", \"method\": \"%s\", \"path\": \"%s\", "
		      "\"range\": %s%s%s, \"authorization\": %s, \"head\": \"%s\"",
		id, connection->listener->name, connection->number, quoted_method, quoted_path,
		range ? "\"" : "", range ? quoted_range : "null", range ? "\"" : "",
		field(request, "Authorization") ? "true" : "false", head);
	free(head);
	free(quoted_method);
	free(quoted_path);
	free(quoted_range);
}

/* Answers one request. False when the connection ends with it. */
static bool serve(struct connection *connection, struct peer *peer, struct request *request)
{
	uint64_t id = next(&requests);
	struct answer answer = {.peer = peer, .flip = UINT64_MAX, .asked = request->asked};
	const struct rule *rule;

	log_request(connection, request, id);
	request->text[strcspn(request->text, "\r")] = '\0';
	peer->sent = 0;
	peer_rate(peer, connection->listener->rate);
	rule = script_find(
		connection->listener->name, request->text, answer.asked.first, &answer.nth);
	if (rule) {
		answer.content = rule->content;
		answer_by(&answer, rule);
	} else {
		answer_not_found(&answer);
	}
	journal_write("\"event\": \"answer\", \"id\": %" PRIu64 ", \"status\": %d, \"first\": "
		      "%" PRIu64 ", \"sent\": %" PRIu64 ", \"whole\": %s",
		id, answer.status, answer.asked.first, peer->sent, peer->broken ? "false" : "true");
	return !peer->broken && !answer.closing;
}

static void talk(struct connection *connection)
{
	struct request *request = malloc(sizeof(*request));
	struct peer peer;

	if (!request)
		abort();
	if (connection->listener->mute) {
		(void)peer_init(&peer, connection->fd, NULL);
		peer_wait(&peer);
	} else if (peer_init(&peer, connection->fd, connection->listener->tls)) {
		while (read_request(&peer, request) && serve(connection, &peer, request))
			continue;
	} else {
		peer.broken = true;
	}
	peer_close(&peer);
	free(request);
}

/* Counts a connection in; false when it is one too many. */
static bool come_in(struct listener *listener)
{
	bool welcome;

	(void)pthread_mutex_lock(&lock);
	welcome = !listener->max || listener->open < listener->max;
	listener->open += welcome;
	open_now += welcome;
	(void)pthread_mutex_unlock(&lock);
	return welcome;
}

static void go_out(struct listener *listener)
{
	(void)pthread_mutex_lock(&lock);
	listener->open--;
	open_now--;
	(void)pthread_mutex_unlock(&lock);
}

static void *run_connection(void *context)
{
	struct connection *connection = context;

	talk(connection);
	journal_write("\"event\": \"closed\", \"listener\": \"%s\", \"connection\": %" PRIu64,
		connection->listener->name, connection->number);
	go_out(connection->listener);
	free(connection);
	return NULL;
}

static void begin_connection(struct listener *listener, int fd)
{
	struct connection *connection = malloc(sizeof(*connection));
	bool welcome = come_in(listener);
	struct peer peer = {.fd = fd};
	pthread_t thread;

	if (!connection)
		abort();
	*connection = (struct connection){listener, fd, next(&connections)};
	journal_write("\"event\": \"%s\", \"listener\": \"%s\", \"connection\": %" PRIu64,
		welcome ? "connected" : "refused", listener->name, connection->number);
	if (!welcome) {
		peer_reset(&peer);
		free(connection);
		return;
	}
	if (pthread_create(&thread, NULL, run_connection, connection) != 0)
		abort();
	(void)pthread_detach(thread);
}

static void *run_listener(void *context)
{
	struct listener *listener = context;

	for (;;) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			begin_connection(listener, fd);
	}
	return NULL;
}

/* Fills the queue of connections, which nobody takes, until one is not answered any more. */
static void fill_queue(const struct sockaddr *at, socklen_t len)
{
	struct pollfd wait = {.events = POLLOUT};

	for (int i = 0; i < BACKLOG; i++) {
		wait.fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (wait.fd < 0 || connect(wait.fd, at, len) == 0)
			continue;
		if (poll(&wait, 1, DEAF_MS) == 0)
			return;
	}
}

static bool listen_at(struct listener *listener, const char *address)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)listener->port)};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)listener->port)};
	bool six = strchr(address, ':');
	struct sockaddr *at = six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t len = six ? sizeof(in6) : sizeof(in);
	void *host = six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr;

	listener->fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0 || inet_pton(at->sa_family, address, host) != 1 ||
		bind(listener->fd, at, len) != 0 ||
		listen(listener->fd, listener->deaf ? 0 : BACKLOG) != 0 ||
		getsockname(listener->fd, at, &len) != 0)
		return false;
	listener->port = ntohs(six ? in6.sin6_port : in.sin_port);
	if (listener->deaf)
		fill_queue(at, len);
	return true;
}

static SSL_CTX *tls_of(const char *certificate, const char *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context)
		return NULL;
	SSL_CTX_set_security_level(context, 0); /* bad certificates are what is wanted of us */
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return NULL;
	return context;
}

/* One option with its value; returns how many words that was, 0 when it is none. */
static size_t take_option(struct listener *listener, char **words)
{
	const struct {
		const char *name;
		uint64_t *value;
	} numbers[] = {
		{"port", &listener->port}, {"max", &listener->max}, {"rate", &listener->rate}};
	const char *value = words[1];

	if (strcmp(*words, "mute") == 0)
		return listener->mute = true;
	if (strcmp(*words, "deaf") == 0)
		return listener->deaf = true;
	if (strcmp(*words, "tls") == 0 && words[1] && words[2]) {
		listener->tls = tls_of(words[1], words[2]);
		return listener->tls ? 3 : 0;
	}
	for (size_t i = 0; value && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(*words, numbers[i].name) == 0)
			return script_number(&value, numbers[i].value) ? 2 : 0;
	}
	return 0;
}

static bool take_options(struct listener *listener, char **words)
{
	size_t count;

	for (; *words; words += count) {
		count = take_option(listener, words);
		if (count == 0)
			return false;
	}
	return true;
}

static const char *take_listen(char *line)
{
	static char reply[64];
	struct listener *listener = calloc(1, sizeof(*listener));
	char *words[16] = {NULL};
	size_t count = 0;
	char *state = NULL;
	pthread_t thread;

	if (!listener)
		abort();
	for (char *word = strtok_r(line, " ", &state); word && count < 15;
		word = strtok_r(NULL, " ", &state))
		words[count++] = word;
	if (count < 3)
		return "error listen NAME ADDRESS";
	(void)snprintf(listener->name, sizeof(listener->name), "%s", words[1]);
	if (!take_options(listener, words + 3) || !listen_at(listener, words[2]))
		return "error cannot listen like that";
	if (!listener->deaf) {
		if (pthread_create(&thread, NULL, run_listener, listener) != 0)
			abort();
		(void)pthread_detach(thread);
	}
	(void)snprintf(reply, sizeof(reply), "port %" PRIu64, listener->port);
	return reply;
}

static const char *take_wait(void)
{
	for (int step = 0; step < WAIT_STEPS; step++) {
		bool idle;

		(void)pthread_mutex_lock(&lock);
		idle = open_now == 0;
		(void)pthread_mutex_unlock(&lock);
		if (idle)
			return "ok";
		pause_ms(WAIT_STEP_MS);
	}
	return "error connections are still open";
}

static const char *take(char *line)
{
	static char reply[256];
	const char *wrong;

	if (strncmp(line, "listen ", 7) == 0)
		return take_listen(line);
	if (strcmp(line, "wait") == 0)
		return take_wait();
	wrong = script_take(line);
	if (!wrong)
		return "ok";
	(void)snprintf(reply, sizeof(reply), "error %s", wrong);
	return reply;
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (argc != 2 || !journal_open(argv[1])) {
		(void)fprintf(stderr, "usage: faultserver LOG\n");
		return 64;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while ((len = getline(&line, &room, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		(void)puts(take(line));
	}
	free(line);
	return 0;
}
