/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/pieces.h"

#include "base/num.h"

/* Bytes that are only hashed, up to end. */
static void take_rest(struct bake_pieces *pieces, uint64_t end, struct bake_piece *out)
{
	*out = (struct bake_piece){
		.file = pieces->file,
		.offset = pieces->at,
		.len = (size_t)bake_u64_min(end - pieces->at, BAKE_PIECE_IN),
	};
	pieces->at += out->len;
}

static uint64_t most_elements(const struct bake_convert_item *item)
{
	uint64_t in = (uint64_t)BAKE_PIECE_IN / bake_convert_type_block_bytes(item->from->type) *
		      bake_convert_type_block(item->from->type);
	uint64_t out = (uint64_t)BAKE_PIECE_OUT / bake_convert_type_block_bytes(item->to) *
		       bake_convert_type_block(item->to);

	return bake_u64_min(in, out) / BAKE_PIECE_UNIT * BAKE_PIECE_UNIT;
}

static void take_data(struct bake_pieces *pieces, struct bake_piece *out)
{
	const struct bake_convert_plan *plan = pieces->plan;
	const struct bake_convert_item *item = &plan->items[pieces->item];
	uint64_t count = bake_u64_min(item->from->elements - pieces->done, most_elements(item));
	uint64_t in = bake_convert_type_block(item->from->type);
	uint64_t to = bake_convert_type_block(item->to);

	*out = (struct bake_piece){
		.file = pieces->file,
		.offset = pieces->at,
		.len = (size_t)(count / in * bake_convert_type_block_bytes(item->from->type)),
		.item = pieces->item,
		.is_data = true,
		.element = pieces->done,
		.count = count,
		.out_from = plan->header.len + item->offset +
			    pieces->done / to * bake_convert_type_block_bytes(item->to),
		.out_len = (size_t)(count / to * bake_convert_type_block_bytes(item->to)),
	};
	pieces->at += out->len;
	pieces->done += count;
	if (pieces->done < item->from->elements)
		return;
	out->padding = (size_t)bake_convert_padding(plan, item->bytes);
	pieces->done = 0;
	pieces->item++;
}

/* Past what has no bytes in the output. Its bytes in the source, if any, are hashed on the way. */
static bool find_item(struct bake_pieces *pieces)
{
	const struct bake_convert_plan *plan = pieces->plan;

	while (pieces->item < plan->item_count &&
		(plan->items[pieces->item].action == BAKE_CONVERT_DROP ||
			plan->items[pieces->item].bytes == 0))
		pieces->item++;
	return pieces->item < plan->item_count &&
	       plan->items[pieces->item].from->file == pieces->file;
}

bool bake_pieces_next(struct bake_pieces *pieces, struct bake_piece *out)
{
	const struct bake_convert_model *model = pieces->plan->model;

	while (pieces->file < model->file_count && pieces->at == model->files[pieces->file].bytes) {
		pieces->file++;
		pieces->at = 0;
	}
	if (pieces->file == model->file_count)
		return false;
	if (!find_item(pieces))
		take_rest(pieces, model->files[pieces->file].bytes, out);
	else if (pieces->at < pieces->plan->items[pieces->item].from->offset)
		take_rest(pieces, pieces->plan->items[pieces->item].from->offset, out);
	else
		take_data(pieces, out);
	out->last = pieces->at == model->files[pieces->file].bytes;
	return true;
}
