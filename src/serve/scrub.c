/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/scrub.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	TEXT_MAX = 64 * 1024 * 1024
};

/* Where a path or a URL ends in a sentence. */
static bool ends_word(uint8_t c)
{
	return c <= ' ' || strchr("'\"`<>()[]{},;|\\", c) != NULL;
}

static size_t word_length(struct bake_span text)
{
	size_t len = 0;

	while (len < text.len && !ends_word(text.ptr[len]))
		len++;
	return len;
}

static const uint8_t *find_scheme(struct bake_span word)
{
	return word.len > 3 ? memmem(word.ptr, word.len, "://", 3) : NULL;
}

static void add_path(struct bake_span word, struct bake_buf *out)
{
	const uint8_t *slash;

	while (word.len > 1 && word.ptr[word.len - 1] == '/')
		word.len--;
	slash = memrchr(word.ptr, '/', word.len);
	bake_buf_add(out, slash + 1, word.len - (size_t)(slash + 1 - word.ptr));
}

static void add_url(struct bake_span word, const uint8_t *scheme, struct bake_buf *out)
{
	const uint8_t *host = scheme + 3;
	const uint8_t *end = word.ptr + word.len;
	const uint8_t *stop = host;
	const uint8_t *at;

	while (stop < end && *stop != '/' && *stop != '?' && *stop != '#')
		stop++;
	at = memrchr(host, '@', (size_t)(stop - host));
	bake_buf_add(out, word.ptr, (size_t)(host - word.ptr));
	if (host < end && *host == '/') { /* file:///: a path of this machine */
		add_path(bake_span(host, (size_t)(end - host)), out);
		return;
	}
	host = at ? at + 1 : host;
	for (stop = host; stop < end && *stop != '?' && *stop != '#';)
		stop++;
	bake_buf_add(out, host, (size_t)(stop - host));
}

/* Where a path begins that stands by itself, or behind "=" or ":"; the word's end when none does. */
static size_t find_path(struct bake_span word)
{
	for (size_t i = 0; i + 1 < word.len; i++) { /* a slash alone is none */
		if (word.ptr[i] == '/' &&
			(i == 0 || word.ptr[i - 1] == '=' || word.ptr[i - 1] == ':'))
			return i;
	}
	return word.len;
}

static void add_word(struct bake_span word, struct bake_buf *out)
{
	const uint8_t *scheme = find_scheme(word);
	size_t at = find_path(word);

	if (scheme) {
		add_url(word, scheme, out);
		return;
	}
	bake_buf_add(out, word.ptr, at);
	if (at < word.len)
		add_path(bake_span(word.ptr + at, word.len - at), out);
}

void bake_scrub(struct bake_span text, struct bake_buf *out)
{
	while (text.len) {
		size_t len = word_length(text);

		if (len)
			add_word(bake_span(text.ptr, len), out);
		else
			bake_buf_add(out, text.ptr, len = 1);
		text = bake_span(text.ptr + len, text.len - len);
	}
}

/* One text, into room of its own: a writer escapes what it is given. */
static void scrub_text(const char *text, struct bake_buf *out)
{
	bake_scrub(bake_span_text(text), out);
	if (out->full || out->nomem) /* nothing rather than the half of it */
		bake_buf_clear(out);
}

static enum bake_status scrub_element(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	(void)err;
	bake_scrub_value(out, value);
	return BAKE_OK;
}

static enum bake_status scrub_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf key = BAKE_BUF_INIT(TEXT_MAX);

	scrub_text(value->key, &key);
	bake_json_key(out, key.ptr ? key.ptr : "");
	return scrub_element(value, out, err);
}

/* As deep as the reader allows. */
void bake_scrub_value(struct bake_json_writer *writer, const struct bake_json *value)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TEXT_MAX);
	struct bake_error ignored = BAKE_ERROR_INIT;
	const char *string;

	if (bake_json_is_object(value)) {
		bake_json_object_line(writer);
		best_effort((int)bake_json_each_member(value, scrub_member, writer, &ignored));
		bake_json_end_object(writer);
	} else if (bake_json_is_array(value)) {
		bake_json_array_line(writer);
		best_effort((int)bake_json_each_element(value, scrub_element, writer, &ignored));
		bake_json_end_array(writer);
	} else if (bake_json_string(value, &string, &ignored) == BAKE_OK) {
		scrub_text(string, &text);
		bake_json_write_text(writer, text.ptr ? text.ptr : "");
	} else {
		bake_json_write_value(writer, value);
	}
}
