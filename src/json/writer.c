/* SPDX-License-Identifier: Apache-2.0 */
#include "json/writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void new_line(struct bake_json_writer *writer)
{
	bake_buf_text(writer->buf, "\n");
	for (unsigned i = 0; i < writer->depth; i++)
		bake_buf_text(writer->buf, "  ");
}

/* What stands between the previous value and the next one. */
static void separate(struct bake_json_writer *writer)
{
	if (writer->after_key) {
		writer->after_key = false;
		return;
	}
	if (!writer->first)
		bake_buf_add(writer->buf, ", ", writer->line_depth ? 2 : 1);
	if (writer->depth && !writer->line_depth)
		new_line(writer);
	writer->first = false;
}

static void open_bracket(struct bake_json_writer *writer, const char *bracket, bool line)
{
	separate(writer);
	bake_buf_text(writer->buf, bracket);
	writer->depth++;
	writer->first = true;
	if (line && !writer->line_depth)
		writer->line_depth = writer->depth;
}

static void close_bracket(struct bake_json_writer *writer, const char *bracket)
{
	bool line = writer->line_depth != 0;

	if (writer->line_depth == writer->depth)
		writer->line_depth = 0;
	writer->depth--;
	if (!line && !writer->first)
		new_line(writer);
	bake_buf_text(writer->buf, bracket);
	writer->first = false;
}

void bake_json_object(struct bake_json_writer *writer)
{
	open_bracket(writer, "{", false);
}

void bake_json_object_line(struct bake_json_writer *writer)
{
	open_bracket(writer, "{", true);
}

void bake_json_array(struct bake_json_writer *writer)
{
	open_bracket(writer, "[", false);
}

void bake_json_array_line(struct bake_json_writer *writer)
{
	open_bracket(writer, "[", true);
}

void bake_json_end_object(struct bake_json_writer *writer)
{
	close_bracket(writer, "}");
}

void bake_json_end_array(struct bake_json_writer *writer)
{
	close_bracket(writer, "]");
}

/* One character that must not stand in a string as it is. */
static void escape(struct bake_buf *buf, unsigned char c)
{
	if (c == '"' || c == '\\')
		bake_buf_addf(buf, "\\%c", c);
	else if (c == '\n')
		bake_buf_text(buf, "\\n");
	else if (c == '\t')
		bake_buf_text(buf, "\\t");
	else
		bake_buf_addf(buf, "\\u%04x", c);
}

/*
 * What a terminal or an editor may obey instead of showing, beside C0: the controls U+0080 to
 * U+009F, of which U+009B begins a sequence as ESC [ does; the marks and overrides of writing
 * direction; the separators of lines. 0 for all else. at is UTF-8.
 */
static unsigned obeyed(const char *at, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)at;
	unsigned point = 0;

	if (size == 2)
		point = (bytes[0] & 0x1fU) << 6 | (bytes[1] & 0x3fU);
	else if (size == 3)
		point = (bytes[0] & 0x0fU) << 12 | (bytes[1] & 0x3fU) << 6 | (bytes[2] & 0x3fU);
	if ((point >= 0x80 && point <= 0x9f) || point == 0x61c ||
		(point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
		(point >= 0x2066 && point <= 0x2069))
		return point;
	return 0;
}

/* Text that stands in a string as it is, in quotes; and what comes behind them. */
static void quote_plain(
	struct bake_buf *buf, const char *text, size_t len, const char *behind, size_t behind_len)
{
	char *room = bake_buf_room(buf, len + 2 + behind_len);

	if (!room)
		return;
	room[0] = '"';
	memcpy(room + 1, text, len);
	room[len + 1] = '"';
	memcpy(room + len + 2, behind, behind_len);
}

/* The names of files are any bytes, JSON is UTF-8: what is none becomes U+FFFD, byte by byte. */
static void quote_any(struct bake_buf *buf, const char *text, size_t len)
{
	bake_buf_add(buf, "\"", 1);
	while (len) {
		unsigned char c = (unsigned char)*text;
		size_t run = bake_text_plain(text, len);
		size_t size = run ? run : bake_utf8_length(text, len);

		if (run)
			bake_buf_add(buf, text, run);
		else if (!size)
			bake_buf_text(buf, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\' || c < 0x20 || c == 0x7f)
			escape(buf, c);
		else if (obeyed(text, size))
			bake_buf_addf(buf, "\\u%04x", obeyed(text, size));
		else
			bake_buf_add(buf, text, size);
		text += size ? size : 1;
		len -= size ? size : 1;
	}
	bake_buf_add(buf, "\"", 1);
}

/* text in quotes, and behind, which is a constant. */
static inline void quote(
	struct bake_buf *buf, const char *text, size_t len, const char *behind, size_t behind_len)
{
	if (bake_text_plain(text, len) == len) {
		quote_plain(buf, text, len, behind, behind_len);
		return;
	}
	quote_any(buf, text, len);
	bake_buf_add(buf, behind, behind_len);
}

void bake_json_key_of(struct bake_json_writer *writer, const char *key, size_t len)
{
	separate(writer);
	quote(writer->buf, key, len, ": ", 2);
	writer->after_key = true;
}

void bake_json_write_text(struct bake_json_writer *writer, const char *text)
{
	separate(writer);
	quote(writer->buf, text, strlen(text), "", 0);
}

void bake_json_write_u64(struct bake_json_writer *writer, uint64_t value)
{
	char digits[20]; /* of 2^64 - 1 */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	separate(writer);
	bake_buf_add(writer->buf, digits + at, sizeof(digits) - at);
}

void bake_json_write_i64(struct bake_json_writer *writer, int64_t value)
{
	separate(writer);
	bake_buf_addf(writer->buf, "%" PRIi64, value);
}

/* A program that we are a library of may have another locale: whatever that has for a point, which may
 * be several bytes, becomes one. */
static void mend_point(char *number)
{
	char *point = number + strspn(number, "+-0123456789e");
	size_t size = strcspn(point, "+-0123456789e");

	if (size == 0)
		return;
	*point = '.';
	memmove(point + 1, point + size, strlen(point + size) + 1);
}

void bake_json_write_f64(struct bake_json_writer *writer, double value)
{
	char text[40];
	int digits = 15; /* as many decimals always survive; 17 always tell two numbers apart */

	if (!isfinite(value)) {
		bake_json_write_null(writer);
		return;
	}
	if (value == 0) /* "-0" would be read as an integer, which has no sign */
		value = 0;
	do {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
	} while (strtod(text, NULL) != value && digits++ < 17);
	mend_point(text);
	separate(writer);
	bake_buf_text(writer->buf, text);
}

void bake_json_write_bool(struct bake_json_writer *writer, bool value)
{
	separate(writer);
	bake_buf_text(writer->buf, value ? "true" : "false");
}

void bake_json_write_null(struct bake_json_writer *writer)
{
	separate(writer);
	bake_buf_text(writer->buf, "null");
}

void bake_json_put_list(
	struct bake_json_writer *writer, const char *key, const char *const *list, size_t count)
{
	bake_json_key(writer, key);
	bake_json_array_line(writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_text(writer, list[i]);
	bake_json_end_array(writer);
}

void bake_json_splice(struct bake_json_writer *writer, const char *members)
{
	if (!members[0])
		return;
	separate(writer);
	bake_buf_text(writer->buf, members);
}

struct bake_json_writer bake_json_branch(
	const struct bake_json_writer *writer, struct bake_buf *buf, bool first)
{
	struct bake_json_writer branch = *writer;

	branch.buf = buf;
	branch.first = writer->first && first;
	return branch;
}

void bake_json_append(struct bake_json_writer *writer, const struct bake_buf *branch)
{
	if (branch->len == 0)
		return;
	bake_buf_add(writer->buf, branch->ptr, branch->len);
	writer->first = false;
}

void bake_json_finish(struct bake_json_writer *writer)
{
	bake_buf_text(writer->buf, "\n");
}
