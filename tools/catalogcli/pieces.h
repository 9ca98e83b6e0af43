/* SPDX-License-Identifier: Apache-2.0 */
/* Printing thousands of things: all processors write their texts, which are printed in order as they
 * become. */
#ifndef CATALOGCLI_PIECES_H
#define CATALOGCLI_PIECES_H

#include "base/buf.h"

struct catalogcli_pieces {
	size_t count; /* of the things */
	size_t most;  /* bytes that the text of one piece may have */
	/* Writes the things from first to before end. Several are called at a time. */
	void (*write)(void *context, size_t first, size_t end, struct bake_buf *out);
	/* Prints what was written, one piece at a time; NULL: to standard output. */
	enum bake_status (*print)(
		void *context, const struct bake_buf *text, struct bake_error *err);
	void *context;
};

enum bake_status catalogcli_print_pieces(
	const struct catalogcli_pieces *pieces, struct bake_error *err) BAKE_CHECKED;

#endif
