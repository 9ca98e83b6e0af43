/* SPDX-License-Identifier: Apache-2.0 */
/* The links and texts of a layout on a file system: compared, and put there. */
#ifndef STORE_ARRANGE_H
#define STORE_ARRANGE_H

#include "base/buf.h"
#include "base/error.h"
#include "fs/workdir.h"
#include "store/layout.h"

enum bake_arrange_state {
	BAKE_ARRANGE_RIGHT = 0,
	BAKE_ARRANGE_ABSENT,
	BAKE_ARRANGE_STALE,   /* a text that says something else: it may be replaced */
	BAKE_ARRANGE_BLOCKED, /* what is there is not ours to replace: err says what it is */
};

/*
 * What the entry is to say, in out, which must be empty and have room for it. For a TIMED one that
 * needs the file it is about, beneath root: without that, *out_known is false.
 */
enum bake_status bake_arrange_text(int root, const struct bake_layout_entry *entry,
	struct bake_buf *out, bool *out_known, struct bake_error *err) BAKE_CHECKED;

/* Compares one entry with what is beneath root. Of links that is where they say they lead; none is
 * followed. Returns BAKE_OK, or why it cannot be told; why is filled in when it is BLOCKED. */
enum bake_status bake_arrange_look(int root, const struct bake_layout_entry *entry,
	enum bake_arrange_state *out, struct bake_error *why, struct bake_error *err) BAKE_CHECKED;

/*
 * Puts what is not right there, a turn after the other, so that nothing is announced before it is
 * there. Links replace nothing; texts replace regular files. *out_changed is set when something
 * was put.
 */
enum bake_status bake_arrange_apply(const struct bake_workdir *workdir,
	const struct bake_layout_plan *plan, int64_t mtime, bool *out_changed,
	struct bake_error *err) BAKE_CHECKED;

#endif
