/* SPDX-License-Identifier: Apache-2.0 */
#include "json/pull.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "json/json.h"

/* What may come next. */
enum expects {
	ROOT,
	VALUE,
	VALUE_OR_END, /* behind "[" */
	KEY_OR_END,   /* behind "{" */
	COMMA_OR_END,
	NOTHING,
	FAILED
};

void bake_json_pull_init(struct bake_json_pull *pull, struct bake_span text, const char *name)
{
	*pull = (struct bake_json_pull){.text = text, .name = name, .expects = ROOT};
}

enum bake_status bake_json_pull_error(const struct bake_json_pull *pull, size_t offset,
	const char *id, struct bake_error *err, const char *format, ...)
{
	uint32_t line = 1;
	char what[400];
	va_list args;

	for (size_t i = 0; i < offset && i < pull->text.len; i++)
		line += pull->text.ptr[i] == '\n';
	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	bake_error_set(err, BAKE_ERR_DATA, id, "%s:%" PRIu32 ": %s (byte %" PRIu64 ")",
		BAKE_SHOW(pull->name), line, what, bake_u64_add_capped(pull->offset, offset));
	err->detail = line;
	return err->status;
}

static const char *syntax(const struct bake_json_pull *pull)
{
	return pull->id ? pull->id : "json.syntax";
}

static enum bake_status wrong(
	struct bake_json_pull *pull, size_t offset, const char *what, struct bake_error *err)
{
	pull->expects = FAILED;
	return bake_json_pull_error(pull, offset, syntax(pull), err, "%s", what);
}

/* The byte at the reader's place; 0, which no JSON has, at the end. */
static uint8_t here(const struct bake_json_pull *pull)
{
	return pull->at < pull->text.len ? pull->text.ptr[pull->at] : 0;
}

static void skip_blank(struct bake_json_pull *pull)
{
	for (;;) {
		uint8_t c = here(pull);

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return;
		pull->at++;
	}
}

static enum bake_status unexpected(
	struct bake_json_pull *pull, const char *wanted, struct bake_error *err)
{
	size_t left = pull->text.len - pull->at;
	const char *found = (const char *)pull->text.ptr + pull->at;

	pull->expects = FAILED;
	if (!left)
		return bake_json_pull_error(pull, pull->at, syntax(pull), err,
			"expected %s, and the text ends", wanted);
	return bake_json_pull_error(pull, pull->at, syntax(pull), err, "expected %s, got '%s'",
		wanted, BAKE_SHOW_SPAN(found, left < 16 ? left : 16));
}

/* The UTF-16 unit of an escape "\uXXXX"; false when at is none. */
static bool unit_at(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
	uint32_t value = 0;

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return false;
	for (unsigned i = 2; i < 6; i++) {
		uint8_t letter = (uint8_t)(at[i] | 0x20);

		if (at[i] >= '0' && at[i] <= '9')
			value = value << 4 | (uint32_t)(at[i] - '0');
		else if (letter >= 'a' && letter <= 'f')
			value = value << 4 | (uint32_t)(letter - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

/*
 * The escape at "\": its length and its code point. 0 when it is none, or one that a C string or
 * UTF-8 cannot hold: NUL, half of a pair of surrogates.
 */
static size_t escape_at(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	uint32_t low;

	if (end - at < 2)
		return 0;
	letter = at[1] ? strchr(letters, at[1]) : NULL;
	if (letter) {
		*out = (uint8_t)meant[letter - letters];
		return 2;
	}
	if (!unit_at(at, end, out) || *out == 0)
		return 0;
	if (*out < 0xd800 || *out > 0xdfff)
		return 6;
	if (*out > 0xdbff || !unit_at(at + 6, end, &low) || low < 0xdc00 || low > 0xdfff)
		return 0;
	*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	return 12;
}

/* From the quote at the reader's place to behind the other one. */
static enum bake_status read_string(
	struct bake_json_pull *pull, struct bake_pull_token *out, struct bake_error *err)
{
	const uint8_t *begin = pull->text.ptr + pull->at + 1;
	const uint8_t *end = pull->text.ptr + pull->text.len;
	const uint8_t *at = begin;

	for (;;) {
		uint32_t ignored;
		size_t size = 0;

		at += bake_text_plain((const char *)at, (size_t)(end - at));
		if (at == end)
			return wrong(pull, pull->at, "a string that does not end", err);
		if (*at == '"')
			break;
		if (*at == '\\') {
			size = escape_at(at, end, &ignored);
			out->escaped = true;
		} else if (*at >= 0x7f) {
			size = bake_utf8_length((const char *)at, (size_t)(end - at));
		}
		if (!size)
			return wrong(pull, (size_t)(at - pull->text.ptr),
				*at == '\\'   ? "an escape that means nothing"
				: *at >= 0x80 ? "bytes that are not UTF-8"
					      : "a control character in a string",
				err);
		at += size;
	}
	out->text = bake_span(begin, (size_t)(at - begin));
	pull->at = (size_t)(at - pull->text.ptr) + 1;
	return BAKE_OK;
}

/* How many digits stand at the reader's place; it moves behind them. */
static size_t skip_digits(struct bake_json_pull *pull)
{
	size_t begin = pull->at;

	while (here(pull) >= '0' && here(pull) <= '9')
		pull->at++;
	return pull->at - begin;
}

static enum bake_status read_number(
	struct bake_json_pull *pull, struct bake_pull_token *out, struct bake_error *err)
{
	size_t begin = pull->at;
	bool whole = here(pull) != '-';
	bool zero;

	pull->at += !whole;
	zero = here(pull) == '0';
	pull->at += zero;
	/* Behind a leading zero no digit may stand. */
	if ((skip_digits(pull) == 0) != zero)
		return wrong(pull, begin, "not a number", err);
	if (here(pull) == '.') {
		whole = false;
		pull->at++;
		if (!skip_digits(pull))
			return wrong(pull, begin, "not a number", err);
	}
	if (here(pull) == 'e' || here(pull) == 'E') {
		whole = false;
		pull->at++;
		if (here(pull) == '+' || here(pull) == '-')
			pull->at++;
		if (!skip_digits(pull))
			return wrong(pull, begin, "not a number", err);
	}
	out->text = bake_span(pull->text.ptr + begin, pull->at - begin);
	whole = whole && bake_number_parse((const char *)out->text.ptr, out->text.len, &out->u64);
	out->kind = whole ? BAKE_PULL_U64 : BAKE_PULL_NUMBER;
	return BAKE_OK;
}

static enum bake_status read_word(
	struct bake_json_pull *pull, struct bake_pull_token *out, struct bake_error *err)
{
	static const struct {
		const char *word;
		enum bake_pull_kind kind;
	} words[] = {
		{"true", BAKE_PULL_TRUE}, {"false", BAKE_PULL_FALSE}, {"null", BAKE_PULL_NULL}};

	for (size_t i = 0; i < countof(words); i++) {
		size_t len = strlen(words[i].word);

		if (pull->text.len - pull->at < len ||
			memcmp(pull->text.ptr + pull->at, words[i].word, len) != 0)
			continue;
		out->kind = words[i].kind;
		pull->at += len;
		return BAKE_OK;
	}
	return unexpected(pull, "a value", err);
}

static enum bake_status enter(struct bake_json_pull *pull, bool object, struct bake_pull_token *out,
	struct bake_error *err)
{
	if (pull->depth == BAKE_JSON_DEPTH_MAX) {
		pull->expects = FAILED;
		return bake_json_pull_error(pull, pull->at, pull->id ? pull->id : "json.depth", err,
			"nested deeper than %d", BAKE_JSON_DEPTH_MAX);
	}
	pull->at++;
	pull->depth++;
	pull->objects &= ~((uint64_t)1 << pull->depth);
	pull->objects |= (uint64_t)object << pull->depth;
	pull->expects = object ? KEY_OR_END : VALUE_OR_END;
	out->kind = object ? BAKE_PULL_OBJECT : BAKE_PULL_ARRAY;
	return BAKE_OK;
}

static bool in_object(const struct bake_json_pull *pull)
{
	return pull->objects >> pull->depth & 1;
}

/* At the bracket that closes what is open. */
static enum bake_status leave(struct bake_json_pull *pull, struct bake_pull_token *out)
{
	out->kind = in_object(pull) ? BAKE_PULL_END_OBJECT : BAKE_PULL_END_ARRAY;
	pull->at++;
	pull->depth--;
	pull->expects = pull->depth ? COMMA_OR_END : NOTHING;
	return BAKE_OK;
}

static enum bake_status read_value(
	struct bake_json_pull *pull, struct bake_pull_token *out, struct bake_error *err)
{
	uint8_t c = here(pull);

	if (c == '{' || c == '[')
		return enter(pull, c == '{', out, err);
	if (pull->depth == 0)
		return unexpected(pull, "'{' or '['", err);
	pull->expects = COMMA_OR_END;
	if (c == '"') {
		out->kind = BAKE_PULL_STRING;
		return read_string(pull, out, err);
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(pull, out, err);
	return read_word(pull, out, err);
}

static enum bake_status read_key(
	struct bake_json_pull *pull, struct bake_pull_token *out, struct bake_error *err)
{
	if (here(pull) != '"')
		return unexpected(pull, "a key", err);
	out->kind = BAKE_PULL_KEY;
	BAKE_TRY(read_string(pull, out, err));
	skip_blank(pull);
	if (here(pull) != ':')
		return unexpected(pull, "':'", err);
	pull->at++;
	pull->expects = VALUE;
	return BAKE_OK;
}

/* Behind a member or an element: the comma and what it announces, or the end. */
static enum bake_status read_rest(
	struct bake_json_pull *pull, struct bake_pull_token *out, struct bake_error *err)
{
	bool object = in_object(pull);

	if (here(pull) == (object ? '}' : ']'))
		return leave(pull, out);
	if (here(pull) != ',')
		return unexpected(pull, object ? "',' or '}'" : "',' or ']'", err);
	pull->at++;
	skip_blank(pull);
	out->offset = pull->at;
	return object ? read_key(pull, out, err) : read_value(pull, out, err);
}

enum bake_status bake_json_pull_next(
	struct bake_json_pull *pull, struct bake_pull_token *out, struct bake_error *err)
{
	struct bake_pull_token token = {.kind = BAKE_PULL_END};
	enum bake_status status = BAKE_OK;

	skip_blank(pull);
	token.offset = pull->at;
	switch ((enum expects)pull->expects) {
	case VALUE_OR_END:
		status = here(pull) == ']' ? leave(pull, &token) : read_value(pull, &token, err);
		break;
	case ROOT:
	case VALUE:
		status = read_value(pull, &token, err);
		break;
	case KEY_OR_END:
		status = here(pull) == '}' ? leave(pull, &token) : read_key(pull, &token, err);
		break;
	case COMMA_OR_END:
		status = read_rest(pull, &token, err);
		break;
	case NOTHING:
		if (pull->at < pull->text.len)
			status = unexpected(pull, "nothing more", err);
		break;
	case FAILED:
		status = wrong(pull, pull->at, "read on behind an error", err);
		break;
	}
	if (status == BAKE_OK)
		*out = token;
	return status;
}

enum bake_status bake_json_pull_skip(
	struct bake_json_pull *pull, const struct bake_pull_token *token, struct bake_error *err)
{
	struct bake_pull_token next = *token;
	unsigned depth = pull->depth;

	if (next.kind == BAKE_PULL_KEY)
		BAKE_TRY(bake_json_pull_next(pull, &next, err));
	else if (next.kind == BAKE_PULL_OBJECT || next.kind == BAKE_PULL_ARRAY)
		depth--;
	while (pull->depth > depth)
		BAKE_TRY(bake_json_pull_next(pull, &next, err));
	return BAKE_OK;
}

/* What the text says into out, which has the text's length and one: no escape is shorter than what
 * it means. Returns its length. */
static size_t decode(struct bake_span text, char *out)
{
	const uint8_t *end = text.ptr + text.len;
	size_t used = 0;

	for (const uint8_t *at = text.ptr; at < end;) {
		uint32_t point = 0;
		size_t size = *at == '\\' ? escape_at(at, end, &point) : 0;

		if (size) {
			used += bake_utf8_encode(point, out + used);
			at += size;
		} else {
			out[used++] = (char)*at++;
		}
	}
	out[used] = '\0';
	return used;
}

const char *bake_json_pull_copy(const struct bake_pull_token *token, struct bake_arena *arena)
{
	char *copy;

	if (!token->escaped)
		return bake_arena_copy(arena, (const char *)token->text.ptr, token->text.len);
	copy = bake_arena_alloc(arena, token->text.len + 1);
	if (copy)
		(void)decode(token->text, copy);
	return copy;
}

bool bake_json_pull_says(const struct bake_pull_token *token, const char *text)
{
	struct bake_span left = token->text;
	size_t len = strlen(text);

	if (!token->escaped)
		return left.len == len && memcmp(left.ptr, text, len) == 0;
	while (left.len && *text) {
		char said[5] = {(char)left.ptr[0]};
		uint32_t point = 0;
		size_t size =
			said[0] == '\\' ? escape_at(left.ptr, left.ptr + left.len, &point) : 0;
		size_t bytes = size ? bake_utf8_encode(point, said) : 1;

		if (strncmp(text, said, bytes) != 0)
			return false;
		text += bytes;
		size = size ? size : 1;
		left = bake_span(left.ptr + size, left.len - size);
	}
	return !left.len && !*text;
}

const char *bake_json_pull_kind_name(enum bake_pull_kind kind)
{
	static const char *const names[] = {
		[BAKE_PULL_OBJECT] = "an object",
		[BAKE_PULL_END_OBJECT] = "the end of an object",
		[BAKE_PULL_ARRAY] = "an array",
		[BAKE_PULL_END_ARRAY] = "the end of an array",
		[BAKE_PULL_KEY] = "a key",
		[BAKE_PULL_STRING] = "a string",
		[BAKE_PULL_U64] = "an integer",
		[BAKE_PULL_NUMBER] = "a number that is no integer from 0 on",
		[BAKE_PULL_TRUE] = "true",
		[BAKE_PULL_FALSE] = "false",
		[BAKE_PULL_NULL] = "null",
		[BAKE_PULL_END] = "the end of the text",
	};

	return names[kind];
}
