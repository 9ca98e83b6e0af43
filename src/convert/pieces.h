/* SPDX-License-Identifier: Apache-2.0 */
/* The source cut into pieces, from its first byte to its last. Inside convert only. */
#ifndef CONVERT_PIECES_H
#define CONVERT_PIECES_H

#include "convert/plan.h"

enum {
	BAKE_PIECE_IN = 1024 * 1024,  /* most bytes of the source in a piece */
	BAKE_PIECE_OUT = 1024 * 1024, /* and of the output, without padding */
	BAKE_PIECE_UNIT = 256	      /* elements: a multiple of every block */
};

struct bake_piece {
	size_t file;
	uint64_t offset; /* in the file */
	size_t len;
	bool last; /* of its file */
	size_t item;
	bool is_data;	   /* else it is only hashed: a header, padding, what is dropped */
	uint64_t element;  /* of the item, that it begins with */
	uint64_t count;	   /* elements */
	uint64_t out_from; /* in the output */
	size_t out_len;
	size_t padding; /* zeros behind */
};

struct bake_pieces {
	const struct bake_convert_plan *plan;
	size_t file;
	uint64_t at;   /* in the file */
	size_t item;   /* the next one whose data begins at or behind at */
	uint64_t done; /* elements of it */
};

/* False when there is none any more. */
bool bake_pieces_next(struct bake_pieces *pieces, struct bake_piece *out);

#endif
