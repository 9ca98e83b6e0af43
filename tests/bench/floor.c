/* SPDX-License-Identifier: Apache-2.0 */
/* The floor that bake-fetch is measured against: what any program must at least do to have a file of
 * known size and SHA-256 from an HTTP server. It receives, writes pieces of 1 MiB, and hashes in a
 * second thread; nothing is resumed, retried, checked or said. Not a tool: it trusts the server.
 *
 *   floor URL OUTPUT SIZE SHA256 [CONNECTIONS [CA_FILE]]
 *
 * One connection is one request whose pieces are hashed from memory. Several take segments of 16 MiB
 * at most in turn, and what they bring is hashed from the page cache once everything before it is
 * there. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"

enum {
	PIECE = 1024 * 1024,
	RING = 8, /* pieces that may wait to be hashed from memory */
	SEGMENT_MAX = 16 * PIECE,
	CONNECTIONS_MAX = 16,
	HEAD_MAX = 16 * 1024,
};

struct connection {
	int fd;
	SSL *tls;
	uint8_t *piece;	 /* being filled */
	size_t fill;	 /* bytes in it, all of the body */
	uint64_t offset; /* of the piece in the file */
	uint64_t end;	 /* of the segment */
	bool in_head;
	char head[HEAD_MAX];
	size_t head_len;
};

static struct {
	const char *path;
	char host[256];
	char port[8];
	uint64_t size;
	uint64_t next; /* first byte nobody was asked for */
	uint64_t count;
	uint64_t segment; /* whole pieces */
	SSL_CTX *tls;
	int file;
	struct connection connections[CONNECTIONS_MAX];
} run;

/* What the two threads share. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t *ring; /* NULL: pieces are read back from the file */
	bool *there;   /* by piece */
	uint64_t frontier;
	uint64_t hashed;
	uint8_t digest[EVP_MAX_MD_SIZE];
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- hashing */

static uint64_t wait_for_bytes(uint64_t from)
{
	uint64_t frontier;

	(void)pthread_mutex_lock(&shared.lock);
	shared.hashed = from;
	(void)pthread_cond_broadcast(&shared.changed);
	while (shared.frontier == from)
		(void)pthread_cond_wait(&shared.changed, &shared.lock);
	frontier = shared.frontier;
	(void)pthread_mutex_unlock(&shared.lock);
	return frontier;
}

static const uint8_t *piece_at(uint64_t offset, size_t len, uint8_t *room)
{
	if (shared.ring)
		return shared.ring + offset / PIECE % RING * PIECE;
	if (pread(run.file, room, len, (off_t)offset) != (ssize_t)len)
		die("read back");
	return room;
}

static void *hash(void *unused)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t *room = malloc(PIECE);

	if (!context || !room || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		die("hash");
	for (uint64_t at = 0; at < run.size;) {
		uint64_t frontier = wait_for_bytes(at);

		while (at < frontier) {
			size_t len = (size_t)bake_u64_min(frontier - at, PIECE);

			(void)EVP_DigestUpdate(context, piece_at(at, len, room), len);
			at += len;
		}
	}
	(void)EVP_DigestFinal_ex(context, shared.digest, NULL);
	EVP_MD_CTX_free(context);
	free(room);
	return unused;
}

/* ---- receiving */

/* Bytes, or 0 when there are none yet. */
static size_t receive(struct connection *connection, void *bytes, size_t room)
{
	ssize_t got = connection->tls ? SSL_read(connection->tls, bytes, (int)room)
				      : recv(connection->fd, bytes, room, 0);

	if (got > 0)
		return (size_t)got;
	if (connection->tls ? SSL_get_error(connection->tls, (int)got) == SSL_ERROR_WANT_READ
			    : got < 0 && errno == EAGAIN)
		return 0;
	die("receive");
}

/* One connection fills the ring, where its last piece must have been hashed. */
static void take_piece(struct connection *connection)
{
	if (!shared.ring)
		return;
	connection->piece = shared.ring + connection->offset / PIECE % RING * PIECE;
	(void)pthread_mutex_lock(&shared.lock);
	while (connection->offset >= shared.hashed + (uint64_t)RING * PIECE)
		(void)pthread_cond_wait(&shared.changed, &shared.lock);
	(void)pthread_mutex_unlock(&shared.lock);
}

/* Whole pieces only, so that a bit for each tells how far the file is complete. */
static void give_piece(struct connection *connection)
{
	for (size_t done = 0; done < connection->fill;) {
		ssize_t wrote = pwrite(run.file, connection->piece + done, connection->fill - done,
			(off_t)(connection->offset + done));

		if (wrote < 0)
			die("write");
		done += (size_t)wrote;
	}
	(void)pthread_mutex_lock(&shared.lock);
	shared.there[connection->offset / PIECE] = true;
	while (shared.frontier < run.size && shared.there[shared.frontier / PIECE])
		shared.frontier = bake_u64_min(shared.frontier + PIECE, run.size);
	(void)pthread_cond_broadcast(&shared.changed);
	(void)pthread_mutex_unlock(&shared.lock);
	connection->offset += connection->fill;
	connection->fill = 0;
}

/* Asks for the next segment. False when there is none. */
static bool ask(struct connection *connection)
{
	char request[2048];
	int len;

	if (run.next == run.size)
		return false;
	connection->offset = run.next;
	connection->end = bake_u64_min(run.next + run.segment, run.size);
	run.next = connection->end;
	len = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: %s:%s\r\nRange: bytes=%llu-%llu\r\n\r\n", run.path,
		run.host, run.port, (unsigned long long)connection->offset,
		(unsigned long long)connection->end - 1);
	if ((connection->tls ? SSL_write(connection->tls, request, len)
			     : send(connection->fd, request, (size_t)len, 0)) != len)
		die("send");
	connection->in_head = true;
	connection->head_len = 0;
	take_piece(connection);
	return true;
}

/* Looks for the end of the answer's head; what follows it is the first of the body. */
static void take_head(struct connection *connection)
{
	size_t got = receive(connection, connection->head + connection->head_len,
		HEAD_MAX - connection->head_len);
	char *end;

	connection->head_len += got;
	end = memmem(connection->head, connection->head_len, "\r\n\r\n", 4);
	if (!end && connection->head_len == HEAD_MAX)
		die("head of the answer");
	if (!end)
		return;
	if (!memmem(connection->head, connection->head_len, " 206 ", 5))
		die("not a 206 answer");
	end += 4;
	connection->fill = connection->head_len - (size_t)(end - connection->head);
	if (connection->fill >= PIECE || connection->fill > connection->end - connection->offset)
		die("body in the head");
	memcpy(connection->piece, end, connection->fill);
	connection->in_head = false;
}

/* What there is to be read, a piece at most. False when the connection has nothing left to do. */
static bool serve(struct connection *connection)
{
	for (;;) {
		size_t want = (size_t)bake_u64_min(connection->end - connection->offset, PIECE);
		size_t got;

		if (connection->in_head) {
			take_head(connection);
			if (connection->in_head)
				return true;
		}
		if (connection->fill < want) {
			got = receive(connection, connection->piece + connection->fill,
				want - connection->fill);
			if (got == 0)
				return true;
			connection->fill += got;
		}
		if (connection->fill < want)
			continue;
		give_piece(connection);
		if (connection->offset == connection->end)
			return ask(connection);
		take_piece(connection);
		return true;
	}
}

/* A piece may be full while TLS still holds bytes, of which poll knows nothing. */
static bool holds_bytes(const struct connection *connection)
{
	return connection->tls && SSL_pending(connection->tls) > 0;
}

static void transfer(void)
{
	struct pollfd ready[CONNECTIONS_MAX];
	uint64_t left = 0;

	for (uint64_t i = 0; i < run.count; i++) {
		bool busy = ask(&run.connections[i]);

		ready[i] =
			(struct pollfd){.fd = busy ? run.connections[i].fd : -1, .events = POLLIN};
		left += busy;
	}
	while (left > 0) {
		bool held = false;

		for (uint64_t i = 0; i < run.count; i++)
			held |= ready[i].fd >= 0 && holds_bytes(&run.connections[i]);
		if (poll(ready, (nfds_t)run.count, held ? 0 : -1) < 0)
			die("poll");
		for (uint64_t i = 0; i < run.count; i++) {
			if (ready[i].fd < 0 ||
				(!ready[i].revents && !holds_bytes(&run.connections[i])))
				continue;
			if (!serve(&run.connections[i])) {
				ready[i].fd = -1;
				left--;
			}
		}
	}
}

/* ---- setting up */

static void open_connection(struct connection *connection)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found = NULL;

	if (getaddrinfo(run.host, run.port, &hints, &found) != 0)
		die(run.host);
	connection->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 || connect(connection->fd, found->ai_addr, found->ai_addrlen) != 0)
		die("connect");
	freeaddrinfo(found);
	if (run.tls) {
		connection->tls = SSL_new(run.tls);
		if (!connection->tls || SSL_set_fd(connection->tls, connection->fd) != 1 ||
			SSL_connect(connection->tls) != 1)
			die("TLS");
	}
	if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0)
		die("fcntl");
	connection->piece = run.count > 1 ? malloc(PIECE) : NULL;
	if (run.count > 1 && !connection->piece)
		die("memory");
}

static void take_url(const char *url)
{
	if (sscanf(url, "http%*[s]://%255[0-9.]:%7[0-9]", run.host, run.port) != 2 &&
		sscanf(url, "http://%255[0-9.]:%7[0-9]", run.host, run.port) != 2)
		die("the URL is not http[s]://ADDRESS:PORT/PATH");
	run.path = strchr(strstr(url, "://") + 3, '/');
	if (!run.path)
		die("the URL has no path");
}

static bool take_number(const char *text, uint64_t *out)
{
	return bake_number_parse(text, strlen(text), out);
}

static void open_output(const char *path)
{
	uint64_t pieces = (run.size + PIECE - 1) / PIECE;

	run.segment = (pieces + run.count - 1) / run.count * PIECE;
	if (run.count > 1)
		run.segment = bake_u64_min(run.segment, SEGMENT_MAX);
	run.file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (run.file < 0)
		die(path);
	shared.there = calloc(pieces, sizeof(*shared.there));
	shared.ring = run.count == 1 ? malloc((size_t)RING * PIECE) : NULL;
	if (!shared.there || (run.count == 1 && !shared.ring))
		die("memory");
}

static void prepare(int argc, char **argv)
{
	run.count = 1;
	if (argc < 5 || !take_number(argv[3], &run.size) || run.size == 0 ||
		(argc > 5 && !take_number(argv[5], &run.count)) || run.count == 0 ||
		run.count > CONNECTIONS_MAX)
		die("usage: floor URL OUTPUT SIZE SHA256 [CONNECTIONS [CA_FILE]]");
	take_url(argv[1]);
	if (argc > 6) {
		run.tls = SSL_CTX_new(TLS_client_method());
		if (!run.tls || SSL_CTX_load_verify_locations(run.tls, argv[6], NULL) != 1)
			die(argv[6]);
		SSL_CTX_set_verify(run.tls, SSL_VERIFY_PEER, NULL);
	}
	open_output(argv[2]);
	for (uint64_t i = 0; i < run.count; i++)
		open_connection(&run.connections[i]);
}

int main(int argc, char **argv)
{
	pthread_t hasher;
	char hex[2 * 32 + 1];

	prepare(argc, argv);
	if (pthread_create(&hasher, NULL, hash, NULL) != 0)
		die("thread");
	transfer();
	(void)pthread_join(hasher, NULL);
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", shared.digest[i]);
	if (strcmp(hex, argv[4]) != 0)
		die("the digest is another one");
	return 0;
}
