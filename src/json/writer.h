/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: one form only, so that equal content gives equal bytes. Two blanks of indent; an
 * object or array begun with _line stays on one line; keys in the order they are written. Text that
 * is not UTF-8 is written with U+FFFD in the place of each byte that cannot be.
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

struct bake_json_writer {
	struct bake_buf *buf;
	unsigned depth;
	unsigned line_depth; /* depth at which one-line writing began; 0: not on one line */
	bool first;	     /* no member or element yet at this depth */
	bool after_key;
};

#define BAKE_JSON_WRITER_INIT(buffer)                                                              \
	{                                                                                          \
		.buf = (buffer), .first = true                                                     \
	}

/* For a root object or array that stays on one line. */
#define BAKE_JSON_LINE_WRITER_INIT(buffer)                                                         \
	{                                                                                          \
		.buf = (buffer), .line_depth = 1, .first = true                                    \
	}

void bake_json_object(struct bake_json_writer *writer);
void bake_json_object_line(struct bake_json_writer *writer);
void bake_json_array(struct bake_json_writer *writer);
void bake_json_array_line(struct bake_json_writer *writer);
void bake_json_end_object(struct bake_json_writer *writer);
void bake_json_end_array(struct bake_json_writer *writer);

/* A key of len bytes. */
void bake_json_key_of(struct bake_json_writer *writer, const char *key, size_t len);

/* Mostly a constant, whose length the compiler knows. */
static inline void bake_json_key(struct bake_json_writer *writer, const char *key)
{
	bake_json_key_of(writer, key, strlen(key));
}

void bake_json_write_text(struct bake_json_writer *writer, const char *text);
void bake_json_write_u64(struct bake_json_writer *writer, uint64_t value);
void bake_json_write_i64(struct bake_json_writer *writer, int64_t value);

/* The shortest decimals that are read as the same number; what is not finite is null. */
void bake_json_write_f64(struct bake_json_writer *writer, double value);
void bake_json_write_bool(struct bake_json_writer *writer, bool value);
void bake_json_write_null(struct bake_json_writer *writer);

/* key and value in one call. A NULL text writes nothing. */
static inline void bake_json_put_text(
	struct bake_json_writer *writer, const char *key, const char *text)
{
	if (!text)
		return;
	bake_json_key(writer, key);
	bake_json_write_text(writer, text);
}

static inline void bake_json_put_u64(
	struct bake_json_writer *writer, const char *key, uint64_t value)
{
	bake_json_key(writer, key);
	bake_json_write_u64(writer, value);
}

static inline void bake_json_put_bool(struct bake_json_writer *writer, const char *key, bool value)
{
	bake_json_key(writer, key);
	bake_json_write_bool(writer, value);
}

void bake_json_put_list(
	struct bake_json_writer *writer, const char *key, const char *const *list, size_t count);

/* Members written elsewhere by a one-line writer, without their braces. "" adds nothing. */
void bake_json_splice(struct bake_json_writer *writer, const char *members);

/*
 * A writer of further elements or members at writer's place into a buffer of its own, so that
 * several can be written at a time. Their texts, appended in order, are what writer itself would
 * have written. first: of those appended here, it is the first that writes anything.
 */
struct bake_json_writer bake_json_branch(
	const struct bake_json_writer *writer, struct bake_buf *buf, bool first);
void bake_json_append(struct bake_json_writer *writer, const struct bake_buf *branch);

/* The newline after the root value. */
void bake_json_finish(struct bake_json_writer *writer);

#endif
