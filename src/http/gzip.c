/* SPDX-License-Identifier: Apache-2.0 */
#include "http/gzip.h"

#define ZLIB_CONST
#include <zlib.h>

enum {
	LEVEL = 6,
	GZIP_WINDOW = 15 + 16, /* the largest window, and a gzip header around it */
	MEMORY = 8,
	PIECE_BYTES = 16 * 1024,
	INPUT_BYTES = 1 << 30
};

enum bake_status bake_http_gzip(
	struct bake_span bytes, struct bake_buf *out, struct bake_error *err)
{
	z_stream stream = {.next_in = bytes.ptr};
	unsigned char piece[PIECE_BYTES];
	int result = Z_OK;

	if (bytes.len > INPUT_BYTES)
		return bake_error_set(
			err, BAKE_ERR_DATA, "data.too-large", "too large to compress");
	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return bake_error_nomem(err);
	stream.avail_in = (uInt)bytes.len;
	while (result == Z_OK) {
		stream.next_out = piece;
		stream.avail_out = sizeof(piece);
		result = deflate(&stream, Z_FINISH);
		bake_buf_add(out, piece, sizeof(piece) - stream.avail_out);
		if (result == Z_BUF_ERROR)
			result = Z_OK;
	}
	(void)deflateEnd(&stream);
	if (result != Z_STREAM_END)
		return bake_error_set(
			err, BAKE_ERR_INTERNAL, "internal.zlib", "compressing failed");
	return bake_buf_status(out, "compressed reply", err);
}
