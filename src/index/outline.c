/* SPDX-License-Identifier: Apache-2.0 */
#include "index/outline.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "index/index.h"

enum {
	MODEL_DEPTH = 3 /* {"models": [{ */
};

struct scan {
	const uint8_t *at;
	const uint8_t *end;
	const uint8_t *copied; /* up to here the document is in the outline */
	struct bake_outline *out;
	size_t depth;
	bool in_models; /* within the array of that name in the root */
};

/* Behind the string that begins at at; end when it does not end. */
static const uint8_t *skip_string(const uint8_t *at, const uint8_t *end)
{
	for (at++; at < end; at++) {
		const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
		const uint8_t *before = quote;

		if (!quote)
			return end;
		while (before > at && before[-1] == '\\')
			before--;
		at = quote;
		if ((quote - before) % 2 == 0)
			return quote + 1;
	}
	return end;
}

/* What a scan stops at; most bytes of a document are none of these. */
static const bool stops[256] = {
	['"'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true, ['\n'] = true};

static const uint8_t *next_stop(const uint8_t *at, const uint8_t *end)
{
	while (at < end && !stops[*at])
		at++;
	return at;
}

/* Behind the object that begins at at; NULL when it does not end. */
static const uint8_t *skip_object(const uint8_t *at, const uint8_t *end)
{
	size_t depth = 0;

	for (at = next_stop(at, end); at < end; at = next_stop(at, end)) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at != '\n' && --depth == 0)
			return at + 1;
		at++;
	}
	return NULL;
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* "source" is for people and for programs that read JSON themselves: nobody asks us for it. */
static bool is_unread(const uint8_t *key, size_t len)
{
	return len == strlen("source") && memcmp(key, "source", len) == 0;
}

static bool is_part(const uint8_t *key, size_t len)
{
	for (unsigned i = 0; i < BAKE_INDEX_PARTS; i++) {
		const char *name = bake_index_part_name((enum bake_index_part)i);

		if (strlen(name) == len && memcmp(name, key, len) == 0)
			return true;
	}
	return false;
}

static void copy_until(struct scan *scan, const uint8_t *to)
{
	bake_buf_add(&scan->out->text, scan->copied, (size_t)(to - scan->copied));
	scan->copied = to;
}

/* The object [begin, end) becomes its number. */
static enum bake_status cut(
	struct scan *scan, const uint8_t *begin, const uint8_t *end, struct bake_error *err)
{
	struct bake_outline *out = scan->out;
	void *parts = out->parts;

	if (!bake_grow(&parts, &out->room, out->count + 1, sizeof(*out->parts)))
		return bake_error_nomem(err);
	out->parts = parts;
	copy_until(scan, begin);
	bake_buf_addf(&out->text, "%zu", out->count);
	out->parts[out->count++] = bake_span(begin, (size_t)(end - begin));
	scan->copied = end;
	return BAKE_OK;
}

/* At a string: when it is the key of a part and an object follows, that is cut. */
static enum bake_status take_string(struct scan *scan, struct bake_error *err)
{
	const uint8_t *key = scan->at + 1;
	const uint8_t *end = skip_string(scan->at, scan->end);
	size_t len = end > key ? (size_t)(end - key - 1) : 0;
	const uint8_t *value;
	bool part;

	scan->at = end;
	value = skip_blanks(end, scan->end);
	if (value >= scan->end || *value != ':')
		return BAKE_OK;
	value = skip_blanks(value + 1, scan->end);
	if (scan->depth == 1) {
		scan->in_models = len == 6 && memcmp(key, "models", 6) == 0;
		return BAKE_OK;
	}
	part = is_part(key, len);
	if (!scan->in_models || scan->depth != MODEL_DEPTH || value >= scan->end ||
		(!part && !is_unread(key, len)))
		return BAKE_OK;
	if (*value != '{') {
		scan->out->odd = scan->out->odd || part;
		return BAKE_OK;
	}
	end = skip_object(value, scan->end);
	if (!end)
		return BAKE_OK;
	scan->at = end;
	return cut(scan, value, end, err);
}

/* Blanks at the beginning of a line are most of the bytes that are left. */
static void drop_indent(struct scan *scan)
{
	copy_until(scan, scan->at);
	scan->at = skip_blanks(scan->at, scan->end);
	scan->copied = scan->at;
}

enum bake_status bake_outline_make(
	struct bake_span document, struct bake_outline *out, struct bake_error *err)
{
	struct scan scan = {.at = document.ptr,
		.end = document.ptr + document.len,
		.copied = document.ptr,
		.out = out};

	*out = (struct bake_outline){.text = BAKE_BUF_INIT((size_t)2 * BAKE_INDEX_BYTES_MAX)};
	for (scan.at = next_stop(scan.at, scan.end); scan.at < scan.end;
		scan.at = next_stop(scan.at, scan.end)) {
		uint8_t byte = *scan.at;

		if (byte == '"') {
			BAKE_TRY(take_string(&scan, err));
			continue;
		}
		if (byte == '\n') {
			drop_indent(&scan);
			continue;
		}
		if (byte == '{' || byte == '[')
			scan.depth++;
		else if (scan.depth)
			scan.depth--;
		scan.at++;
	}
	copy_until(&scan, scan.end);
	return bake_buf_status(&out->text, "index", err);
}

void bake_outline_release(struct bake_outline *outline)
{
	bake_buf_release(&outline->text);
	free(outline->parts);
	outline->parts = NULL;
}
