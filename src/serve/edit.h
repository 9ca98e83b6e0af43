/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model-info.json as it is, but for a few values. The document is read once, token by token; what is
 * put in the place of a value is written beside it, and the copy is made at the end. So a reply has
 * all that an index of a newer version has, and costs no tree.
 */
#ifndef SERVE_EDIT_H
#define SERVE_EDIT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

struct bake_edit {
	size_t at;   /* in the document */
	size_t len;  /* bytes that are replaced; 0: something is put in */
	size_t text; /* in the texts */
	size_t text_len;
};

struct bake_edits {
	struct bake_span document;
	struct bake_buf texts;
	struct bake_edit *list;
	size_t count;
	size_t room;
	bool nomem;
};

#define BAKE_EDITS_INIT(of)                                                                        \
	{                                                                                          \
		.document = (of), .texts = BAKE_BUF_INIT((size_t)64 << 20)                         \
	}

void bake_edits_release(struct bake_edits *edits);

/* Begins a replacement of len bytes at at: no two overlap, in whatever order they are made. What is
 * added to edits->texts until the end is its text. */
void bake_edits_begin(struct bake_edits *edits, size_t at, size_t len);
void bake_edits_end(struct bake_edits *edits);

/* The document with the replacements. */
enum bake_status bake_edits_apply(
	struct bake_edits *edits, struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

/* Where a byte of the document that no edit touches is in the copy. After bake_edits_apply. */
size_t bake_edits_moved(const struct bake_edits *edits, size_t at);

#endif
