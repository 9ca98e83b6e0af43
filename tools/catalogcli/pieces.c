/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogcli/pieces.h"

#include "base/parallel.h"
#include "catalogcli/table.h"

enum {
	PIECE = 128, /* things written by one thread at a time */
	ROUND = 16   /* pieces that are written before they are printed; each round makes use of
		      * their memory again */
};

struct round {
	const struct catalogcli_pieces *pieces;
	size_t first;
	size_t end;
	struct bake_buf texts[ROUND];
};

static void write_piece(void *context, size_t index)
{
	struct round *round = context;
	size_t first = round->first + index * PIECE;
	size_t left = round->end - first;

	round->pieces->write(round->pieces->context, first, first + (left < PIECE ? left : PIECE),
		&round->texts[index]);
}

static enum bake_status print(
	const struct catalogcli_pieces *pieces, const struct bake_buf *text, struct bake_error *err)
{
	if (!pieces->print)
		return catalogcli_print(text, err);
	BAKE_TRY(bake_buf_status(text, "report", err));
	return pieces->print(pieces->context, text, err);
}

static enum bake_status print_round(struct round *round, struct bake_error *err)
{
	size_t count = (round->end - round->first + PIECE - 1) / PIECE;

	bake_parallel(count, 0, write_piece, round);
	for (size_t i = 0; i < count; i++) {
		BAKE_TRY(print(round->pieces, &round->texts[i], err));
		bake_buf_clear(&round->texts[i]);
	}
	return BAKE_OK;
}

enum bake_status catalogcli_print_pieces(
	const struct catalogcli_pieces *pieces, struct bake_error *err)
{
	struct round round = {.pieces = pieces};
	enum bake_status status = BAKE_OK;

	for (size_t i = 0; i < ROUND; i++)
		round.texts[i] = (struct bake_buf)BAKE_BUF_INIT(pieces->most);
	while (round.end < pieces->count && status == BAKE_OK) {
		size_t left = pieces->count - round.end;

		round.first = round.end;
		round.end += left < (size_t)ROUND * PIECE ? left : (size_t)ROUND * PIECE;
		status = print_round(&round, err);
	}
	for (size_t i = 0; i < ROUND; i++)
		bake_buf_release(&round.texts[i]);
	return status;
}
