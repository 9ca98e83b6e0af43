/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PACES_PER_SECOND = 50, /* so often a limited connection is written to */
	WAIT_MAX_MS = 60000,
};

void pause_ms(uint64_t ms)
{
	struct timespec wait = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};

	while (nanosleep(&wait, &wait) != 0 && errno == EINTR)
		continue;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool peer_init(struct peer *peer, int fd, SSL_CTX *context)
{
	struct timeval patience = {.tv_sec = WAIT_MAX_MS / 1000};

	*peer = (struct peer){.fd = fd};
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!context)
		return true;
	peer->ssl = SSL_new(context);
	return peer->ssl && SSL_set_fd(peer->ssl, fd) == 1 && SSL_accept(peer->ssl) == 1;
}

int peer_read(struct peer *peer, char *bytes, size_t room)
{
	if (peer->ssl)
		return SSL_read(peer->ssl, bytes, (int)room);
	return (int)recv(peer->fd, bytes, room, 0);
}

static void write_all(struct peer *peer, const uint8_t *bytes, size_t count)
{
	while (count > 0 && !peer->broken) {
		ssize_t put = peer->ssl ? SSL_write(peer->ssl, bytes, (int)count)
					: send(peer->fd, bytes, count, MSG_NOSIGNAL);

		if (put <= 0) {
			peer->broken = true;
			return;
		}
		bytes += put;
		count -= (size_t)put;
	}
}

/* Waits until so many bytes may have been sent. */
static void keep_pace(struct peer *peer)
{
	uint64_t due = peer->paced_from + peer->paced * 1000 / peer->rate;
	uint64_t now = now_ms();

	if (due > now)
		pause_ms(due - now);
}

void peer_write(struct peer *peer, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count > 0 && !peer->broken) {
		size_t part = count;

		if (peer->rate) {
			size_t most = (size_t)(peer->rate / PACES_PER_SECOND) + 1;

			if (part > most)
				part = most;
		}
		write_all(peer, at, part);
		at += part;
		count -= part;
		if (peer->rate) {
			peer->paced += part;
			keep_pace(peer);
		}
	}
}

void peer_rate(struct peer *peer, uint64_t rate)
{
	peer->rate = rate;
	peer->paced = 0;
	peer->paced_from = now_ms();
}

void peer_wait(struct peer *peer)
{
	char bytes[4096];

	while (recv(peer->fd, bytes, sizeof(bytes), 0) > 0)
		continue;
	peer->broken = true;
}

static void release(struct peer *peer)
{
	SSL_free(peer->ssl);
	peer->ssl = NULL;
	(void)close(peer->fd);
	peer->fd = -1;
	peer->broken = true;
}

void peer_reset(struct peer *peer)
{
	struct linger now = {.l_onoff = 1};

	if (peer->fd < 0)
		return;
	(void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	release(peer);
}

void peer_close(struct peer *peer)
{
	if (peer->fd < 0)
		return;
	if (peer->ssl && !peer->broken)
		(void)SSL_shutdown(peer->ssl);
	(void)shutdown(peer->fd, SHUT_WR);
	release(peer);
}
