/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/edit.h"

#include <stdlib.h>

void bake_edits_release(struct bake_edits *edits)
{
	bake_buf_release(&edits->texts);
	free(edits->list);
	edits->list = NULL;
	edits->count = edits->room = 0;
}

void bake_edits_begin(struct bake_edits *edits, size_t at, size_t len)
{
	if (!bake_grow(
		    (void **)&edits->list, &edits->room, edits->count + 1, sizeof(*edits->list))) {
		edits->nomem = true;
		return;
	}
	edits->list[edits->count++] =
		(struct bake_edit){.at = at, .len = len, .text = edits->texts.len};
}

void bake_edits_end(struct bake_edits *edits)
{
	struct bake_edit *edit;

	if (edits->nomem || !edits->count)
		return;
	edit = &edits->list[edits->count - 1];
	edit->text_len = edits->texts.len - edit->text;
}

static int compare_at(const void *a, const void *b)
{
	size_t left = ((const struct bake_edit *)a)->at;
	size_t right = ((const struct bake_edit *)b)->at;

	return (left > right) - (left < right);
}

enum bake_status bake_edits_apply(
	struct bake_edits *edits, struct bake_buf *out, struct bake_error *err)
{
	size_t at = 0;

	if (edits->nomem)
		return bake_error_nomem(err);
	if (edits->count)
		qsort(edits->list, edits->count, sizeof(*edits->list), compare_at);
	BAKE_TRY(bake_buf_status(&edits->texts, "reply", err));
	for (size_t i = 0; i < edits->count; i++) {
		const struct bake_edit *edit = &edits->list[i];

		bake_buf_add(out, edits->document.ptr + at, edit->at - at);
		if (edit->text_len)
			bake_buf_add(out, edits->texts.ptr + edit->text, edit->text_len);
		at = edit->at + edit->len;
	}
	bake_buf_add(out, edits->document.ptr + at, edits->document.len - at);
	return bake_buf_status(out, "reply", err);
}

size_t bake_edits_moved(const struct bake_edits *edits, size_t at)
{
	size_t moved = at;

	for (size_t i = 0; i < edits->count && edits->list[i].at < at; i++)
		moved = moved - edits->list[i].len + edits->list[i].text_len;
	return moved;
}
