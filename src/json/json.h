/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict, bounded reading of JSON (RFC 8259). Duplicate keys, nesting over 32, bytes after the
 * value, a byte order mark, bad UTF-8 and numbers out of range are errors; every error names the
 * document, the line and the JSON pointer (RFC 6901) of the value.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "json/writer.h"

/* Deeper documents exist only to hurt parsers. */
enum {
	BAKE_JSON_DEPTH_MAX = 32
};

struct bake_json_doc;
struct bake_json_node;

/*
 * One value, seen from the root: a cursor. It points to the cursor of what contains it, which must
 * outlive it (they nest as the readers' calls do), so that a complaint can say where it is.
 */
struct bake_json {
	const struct bake_json_doc *doc;
	struct bake_json_node *node; /* tree.h: of this module only */
	const struct bake_json *parent;
	const char *key; /* in an object, else NULL */
	size_t index;	 /* in an array */
};

/* Parses text, which is borrowed and must outlive the document. name is for messages, copied. */
enum bake_status bake_json_open(struct bake_span text, const char *name, struct bake_json_doc **out,
	struct bake_error *err) BAKE_CHECKED;
/* The same for documents of other programs: an integer past int64 is read as a fraction (the largest
 * length of a tokenizer is 10^30). */
enum bake_status bake_json_open_foreign(struct bake_span text, const char *name,
	struct bake_json_doc **out, struct bake_error *err) BAKE_CHECKED;
void bake_json_close(struct bake_json_doc **doc);
struct bake_json bake_json_root(const struct bake_json_doc *doc);

/* A complaint about value: BAKE_ERR_DATA, "NAME:LINE: POINTER: ...". */
enum bake_status bake_json_error(const struct bake_json *value, const char *id,
	struct bake_error *err, const char *format, ...) BAKE_PRINTF(4, 5);

/* Puts "NAME:LINE: POINTER" in front of an error that a value caused. */
enum bake_status bake_json_blame(const struct bake_json *value, struct bake_error *err);

/* A field of an object by table: what reads it, and whether it must be there. */
struct bake_json_field {
	const char *name;
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err);
	bool required;
};

enum bake_json_unknown {
	BAKE_JSON_REFUSE_UNKNOWN, /* but "x-..." passes; the nearest name is the hint */
	BAKE_JSON_IGNORE_UNKNOWN, /* documents of a newer minor version */
};

/* Reads each member with its field's function. */
enum bake_status bake_json_read_object(const struct bake_json *object,
	const struct bake_json_field *fields, size_t count, enum bake_json_unknown unknown,
	void *out, struct bake_error *err) BAKE_CHECKED;

/* Members of any name, in document order. */
enum bake_status bake_json_each_member(const struct bake_json *object,
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err),
	void *out, struct bake_error *err) BAKE_CHECKED;

/* Elements of an array. */
enum bake_status bake_json_each_element(const struct bake_json *array,
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err),
	void *out, struct bake_error *err) BAKE_CHECKED;

/* How many members or elements; 0 for other values. */
size_t bake_json_count(const struct bake_json *value);

/* The member of that name; false when absent or when object is none. */
bool bake_json_find(const struct bake_json *object, const char *key, struct bake_json *out);

bool bake_json_is_object(const struct bake_json *value);
bool bake_json_is_array(const struct bake_json *value);
bool bake_json_is_string(const struct bake_json *value);
bool bake_json_is_null(const struct bake_json *value);
bool bake_json_is_bool(const struct bake_json *value);
bool bake_json_is_integer(const struct bake_json *value);
bool bake_json_is_number(const struct bake_json *value); /* integers and fractions */

/* Typed values; BAKE_ERR_DATA json.type otherwise. Strings are borrowed from the document. */
enum bake_status bake_json_string(
	const struct bake_json *value, const char **out, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_json_bool(
	const struct bake_json *value, bool *out, struct bake_error *err) BAKE_CHECKED;

/* An integer in [0, max]; 1.0 is not one. */
enum bake_status bake_json_u64(const struct bake_json *value, uint64_t max, uint64_t *out,
	struct bake_error *err) BAKE_CHECKED;

/* An integer in [min, max]. */
enum bake_status bake_json_i64(const struct bake_json *value, int64_t min, int64_t max,
	int64_t *out, struct bake_error *err) BAKE_CHECKED;

/* A number, integer or fraction; it is finite. */
enum bake_status bake_json_f64(
	const struct bake_json *value, double *out, struct bake_error *err) BAKE_CHECKED;

/* A string that is not empty, without control characters, of at most max bytes, copied. */
enum bake_status bake_json_copy(const struct bake_json *value, size_t max, struct bake_arena *arena,
	const char **out, struct bake_error *err) BAKE_CHECKED;

/* An array of such strings, copied. */
enum bake_status bake_json_copy_list(const struct bake_json *value, size_t max,
	struct bake_arena *arena, const char *const **out, size_t *out_count,
	struct bake_error *err) BAKE_CHECKED;

/* Writes the value as it is, members in document order. */
void bake_json_write_value(struct bake_json_writer *writer, const struct bake_json *value);

#endif
