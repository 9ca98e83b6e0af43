/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a models directory, compared with what should be. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/event.h"
#include "base/relpath.h"
#include "digest/digest.h"

enum bake_file_state {
	BAKE_FILE_UNCHECKED = 0, /* stopped before its turn */
	BAKE_FILE_RIGHT,	 /* size and, unless quick, SHA-256 are the pinned ones */
	BAKE_FILE_MISSING,
	BAKE_FILE_WRONG_SIZE,
	BAKE_FILE_WRONG_DIGEST,
	BAKE_FILE_WRONG_TYPE, /* a link, directory, device, ... */
	BAKE_FILE_CHANGED,    /* while it was being read */
	BAKE_FILE_UNREADABLE, /* error says why */
	BAKE_FILE_WRONG_LINK, /* of a layout; error says where it leads */
	BAKE_FILE_REFUSED,    /* right, but not wanted; error says why. Not set here */
};

/* Stable words: "ok", "missing", "size", "sha256", "type", "changed", "unreadable",
 * "link", "refused". */
const char *bake_file_state_name(enum bake_file_state state);

struct bake_file_check {
	/* In: */
	struct bake_relpath path;
	uint64_t size;
	struct bake_digest sha256;
	bool may_execute; /* it is accepted although loading it can execute code */
	/* Out: */
	enum bake_file_state state;
	uint64_t actual_size;
	struct bake_digest actual; /* kind NONE when it was not hashed */
	uint8_t head[512];	   /* first bytes of a wrong one */
	size_t head_len;
	struct bake_error error;
};

struct bake_check_options {
	unsigned jobs; /* files at a time, 0: one per processor */
	bool quick;    /* size only */
	const struct bake_events *events;
};

/*
 * Checks each file beneath root: opened once, hashed and looked at on the same descriptor, and
 * looked at again at the end, so that a file replaced meanwhile is BAKE_FILE_CHANGED. Fails only
 * when it cannot go on (BAKE_ERR_INTERRUPTED, memory); what is wrong with files is in their state.
 */
enum bake_status bake_store_check(int root, struct bake_file_check *checks, size_t count,
	const struct bake_check_options *options, struct bake_error *err) BAKE_CHECKED;

/* The story of a check that is not RIGHT: integrity.missing, integrity.size, integrity.sha256,
 * integrity.changed, integrity.link, path.type, ... */
enum bake_status bake_file_check_error(const struct bake_file_check *check, struct bake_error *err);

#endif
