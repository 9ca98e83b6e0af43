/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogcli/pieces.h"

#include <pthread.h>

#include "base/parallel.h"
#include "catalogcli/table.h"

enum {
	PIECE = 128, /* things written by one thread at a time */
	IDLE = 16    /* texts whose memory is kept for the next piece */
};

/* Each piece is written as soon as a thread is free, and printed when those before it are. Pieces are
 * taken in order, so that the first of those under way never waits. */
struct printing {
	const struct catalogcli_pieces *pieces;
	pthread_mutex_t lock;
	pthread_cond_t printed;
	/* Under lock: */
	size_t next; /* the piece whose turn it is */
	struct bake_buf idle[IDLE];
	size_t idle_count;
	struct bake_error error; /* the first; nothing is printed after it */
};

static struct bake_buf take_text(struct printing *printing)
{
	struct bake_buf text = BAKE_BUF_INIT(printing->pieces->most);

	(void)pthread_mutex_lock(&printing->lock);
	if (printing->idle_count)
		text = printing->idle[--printing->idle_count];
	(void)pthread_mutex_unlock(&printing->lock);
	return text;
}

static enum bake_status print(
	const struct catalogcli_pieces *pieces, const struct bake_buf *text, struct bake_error *err)
{
	if (!pieces->print)
		return catalogcli_print(text, err);
	BAKE_TRY(bake_buf_status(text, "report", err));
	return pieces->print(pieces->context, text, err);
}

/* In its turn. */
static void print_piece(struct printing *printing, size_t index, struct bake_buf *text)
{
	(void)pthread_mutex_lock(&printing->lock);
	while (printing->next != index)
		(void)pthread_cond_wait(&printing->printed, &printing->lock);
	if (printing->error.status == BAKE_OK)
		(void)print(printing->pieces, text, &printing->error);
	printing->next++;
	(void)pthread_cond_broadcast(&printing->printed);
	bake_buf_clear(text);
	if (printing->idle_count < IDLE)
		printing->idle[printing->idle_count++] = *text;
	else
		bake_buf_release(text);
	(void)pthread_mutex_unlock(&printing->lock);
}

static void write_piece(void *context, size_t index)
{
	struct printing *printing = context;
	const struct catalogcli_pieces *pieces = printing->pieces;
	struct bake_buf text = take_text(printing);
	size_t first = index * PIECE;
	size_t left = pieces->count - first;

	pieces->write(pieces->context, first, first + (left < PIECE ? left : PIECE), &text);
	print_piece(printing, index, &text);
}

enum bake_status catalogcli_print_pieces(
	const struct catalogcli_pieces *pieces, struct bake_error *err)
{
	struct printing printing = {.pieces = pieces,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.printed = PTHREAD_COND_INITIALIZER,
		.error = BAKE_ERROR_INIT};

	bake_parallel(
		pieces->count / PIECE + (pieces->count % PIECE != 0), 0, write_piece, &printing);
	for (size_t i = 0; i < printing.idle_count; i++)
		bake_buf_release(&printing.idle[i]);
	if (printing.error.status == BAKE_OK)
		return BAKE_OK;
	*err = printing.error;
	return err->status;
}
