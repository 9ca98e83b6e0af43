/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of a client, plain or TLS, and how fast it is written to. */
#ifndef HOSTILE_PEER_H
#define HOSTILE_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer {
	int fd;
	SSL *ssl;      /* NULL: plain */
	uint64_t rate; /* bytes a second, 0: as fast as it goes */
	uint64_t paced;
	uint64_t paced_from; /* when the first byte at this rate was sent */
	uint64_t sent;	     /* body bytes of the present answer */
	bool broken;
};

/* Shakes hands when there is a context. False when the client does not want to. */
bool peer_init(struct peer *peer, int fd, SSL_CTX *context);

/* Some bytes; 0 or less at the end. */
int peer_read(struct peer *peer, char *bytes, size_t room);

void peer_write(struct peer *peer, const void *bytes, size_t count);

void peer_rate(struct peer *peer, uint64_t rate);

/* Waits until the client has gone. */
void peer_wait(struct peer *peer);

/* Ends the connection: with RST, or in good order. */
void peer_reset(struct peer *peer);
void peer_close(struct peer *peer);

void pause_ms(uint64_t ms);

#endif
