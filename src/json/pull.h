/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) read token by token, for documents too large to be built as a tree: a header of
 * 100 MB, a map of a million tensors. As strict as bake_json_open, linear, without recursion and
 * without memory of its own. Keys that stand twice are the caller's to find.
 */
#ifndef JSON_PULL_H
#define JSON_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

enum bake_pull_kind {
	BAKE_PULL_OBJECT,
	BAKE_PULL_END_OBJECT,
	BAKE_PULL_ARRAY,
	BAKE_PULL_END_ARRAY,
	BAKE_PULL_KEY, /* its colon is read with it */
	BAKE_PULL_STRING,
	BAKE_PULL_U64,	  /* an integer in [0, 2^64), exactly */
	BAKE_PULL_NUMBER, /* any other: negative, with a fraction or an exponent, too large */
	BAKE_PULL_TRUE,
	BAKE_PULL_FALSE,
	BAKE_PULL_NULL,
	BAKE_PULL_END /* of the document */
};

struct bake_pull_token {
	enum bake_pull_kind kind;
	bool escaped; /* a key or string with escapes: its text is not what it says */
	size_t offset;
	struct bake_span
		text; /* of a key or string, between its quotes: valid UTF-8; of a number */
	uint64_t u64;
};

/* The reader's state: nobody else's. */
struct bake_json_pull {
	struct bake_span text;
	const char *name; /* for messages */
	const char *id;	  /* of its errors; NULL: json.syntax and json.depth */
	uint64_t offset;  /* of the text in its file: messages count bytes from the file's start */
	size_t at;
	uint64_t objects; /* bit d: what is open at depth d is an object */
	unsigned depth;
	unsigned expects;
};

/* text and name are borrowed. id and offset may be set afterwards. */
void bake_json_pull_init(struct bake_json_pull *pull, struct bake_span text, const char *name);

/*
 * The next token. The root is an object or an array; behind it comes BAKE_PULL_END, again and
 * again. Errors are BAKE_ERR_DATA json.syntax and json.depth; after one, nothing more is read.
 */
enum bake_status bake_json_pull_next(struct bake_json_pull *pull, struct bake_pull_token *out,
	struct bake_error *err) BAKE_CHECKED;

/* Past the value that token, just read, begins. Behind a key: past its value. */
enum bake_status bake_json_pull_skip(struct bake_json_pull *pull,
	const struct bake_pull_token *token, struct bake_error *err) BAKE_CHECKED;

/* What a key or string says, copied. NULL when the arena is full or memory is short. */
const char *bake_json_pull_copy(const struct bake_pull_token *token, struct bake_arena *arena);

/* Whether a key or string says text. */
bool bake_json_pull_says(const struct bake_pull_token *token, const char *text);

/* For a message: "a string", "an object". */
const char *bake_json_pull_kind_name(enum bake_pull_kind kind);

/* A complaint about the byte at offset of the text: "NAME:LINE: ... (byte N)". The line is also
 * err->detail. */
enum bake_status bake_json_pull_error(const struct bake_json_pull *pull, size_t offset,
	const char *id, struct bake_error *err, const char *format, ...) BAKE_PRINTF(5, 6);

#endif
