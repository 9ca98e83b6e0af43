/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server listens: "HOST:PORT", "[::1]:8000", "unix:/path". */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

#define BAKE_HTTP_LISTEN_DEFAULT "127.0.0.1:8000"

enum {
	BAKE_HTTP_HOST_MAX = 256
};

struct bake_http_address {
	char host
		[BAKE_HTTP_HOST_MAX]; /* a name or an address, without brackets; of unix: the path */
	char port[8];
	bool is_unix;
};

/* BAKE_ERR_USAGE usage.value. */
enum bake_status bake_http_address_parse(
	const char *text, struct bake_http_address *out, struct bake_error *err) BAKE_CHECKED;

/*
 * A listening socket. The file of a unix socket that nobody listens on any more is replaced.
 * *out_port receives the port, which the system chose when 0 was asked for. BAKE_ERR_CANTCREATE
 * serve.address when it is taken, BAKE_ERR_USAGE when there is no such address here.
 */
enum bake_status bake_http_listen(const struct bake_http_address *address, int *out_fd,
	unsigned *out_port, struct bake_error *err) BAKE_CHECKED;

/* Removes a unix socket's file, if it is still that one. Nothing, when it is no unix socket. */
void bake_http_unlink(const struct bake_http_address *address, const struct stat *file);

/* A connection to it. Waits at most timeout_ms. BAKE_ERR_TEMPORARY when nobody answers. */
enum bake_status bake_http_connect(const struct bake_http_address *address, unsigned timeout_ms,
	int *out_fd, struct bake_error *err) BAKE_CHECKED;

#endif
