/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952), for replies that are made once and sent often. */
#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

/* Appends. The header carries neither time nor name: equal bytes give equal bytes. */
enum bake_status bake_http_gzip(
	struct bake_span bytes, struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

#endif
