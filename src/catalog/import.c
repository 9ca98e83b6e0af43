/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/importing.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "manifest/fields.h"

enum {
	ARENA_MAX = 256 * 1024 * 1024
};

const char *const bake_import_formats[] = {
	"auto", "catalog", "chroma", "comfyui", "lumara", "models-txt", "aria2", NULL};

enum bake_status bake_import_new(struct bake_import **out, struct bake_error *err)
{
	struct bake_import *import = calloc(1, sizeof(*import));

	if (!import)
		return bake_error_nomem(err);
	import->arena = (struct bake_arena)BAKE_ARENA_INIT(ARENA_MAX);
	*out = import;
	return BAKE_OK;
}

void bake_import_free(struct bake_import **import)
{
	if (!*import)
		return;
	free((*import)->items);
	free((*import)->profiles);
	free((*import)->warnings);
	bake_arena_release(&(*import)->arena);
	free(*import);
	*import = NULL;
}

enum bake_status bake_import_add(
	struct bake_import *import, const struct bake_import_item *item, struct bake_error *err)
{
	void *items = import->items;

	if (import->count == BAKE_MODELS_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
			"%s: more than %d entries", BAKE_SHOW(import->document), BAKE_MODELS_MAX);
	if (!bake_grow(&items, &import->room, import->count + 1, sizeof(*import->items)))
		return bake_error_nomem(err);
	import->items = items;
	import->items[import->count] = *item;
	import->items[import->count++].document = import->document;
	return BAKE_OK;
}

static enum bake_status keep_warning(struct bake_import *import,
	const struct bake_import_warning *warning, struct bake_error *err)
{
	void *warnings = import->warnings;

	import->warnings_all++;
	if (import->warning_count == BAKE_IMPORT_WARNINGS_MAX)
		return BAKE_OK;
	if (!warning->message || !bake_grow(&warnings, &import->warning_room,
					 import->warning_count + 1, sizeof(*import->warnings)))
		return bake_error_nomem(err);
	import->warnings = warnings;
	import->warnings[import->warning_count++] = *warning;
	return BAKE_OK;
}

enum bake_status bake_import_warn(struct bake_import *import, const char *entry, const char *id,
	struct bake_error *err, const char *format, ...)
{
	struct bake_import_warning warning = {
		.document = import->document, .entry = entry, .id = id};
	char text[512];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	warning.message = bake_arena_text(&import->arena, text);
	return keep_warning(import, &warning, err);
}

enum bake_status bake_import_drop(struct bake_import *import, struct bake_import_item *item,
	const char *id, struct bake_error *err, const char *message)
{
	item->left_out = true;
	import->document = item->document;
	return bake_import_warn(import, item->label, id, err, "left out: %s", message);
}

/* Bytes of the next character, and whether a blank is better in its place. */
static size_t step_over(const char *text, bool *hostile)
{
	size_t len = strnlen(text, 4);
	size_t step = bake_utf8_length(text, len);

	*hostile = step == 0 || bake_utf8_hostile(text, &step);
	return step ? step : 1;
}

enum bake_status bake_import_clean(struct bake_import *import, const char *text, size_t max,
	const char **out, struct bake_error *err)
{
	size_t len = strlen(text);
	char *copy = bake_arena_alloc(&import->arena, (len < max ? len : max) + 1);
	size_t used = 0;

	if (!copy)
		return bake_error_nomem(err);
	while (*text) {
		bool hostile;
		size_t step = step_over(text, &hostile);
		size_t put = hostile ? 1 : step;

		if (used + put > max)
			break;
		memcpy(copy + used, hostile ? " " : text, put);
		/* No blanks at the beginning, nor two in a row. */
		if (copy[used] != ' ' || (used > 0 && copy[used - 1] != ' '))
			used += put;
		text += step;
	}
	if (used > 0 && copy[used - 1] == ' ')
		used--;
	copy[used] = '\0';
	*out = used ? copy : NULL;
	return BAKE_OK;
}

enum bake_status bake_import_slug(
	struct bake_import *import, const char *text, const char **out, struct bake_error *err)
{
	char slug[BAKE_NAME_MAX - 8]; /* a number may follow */
	size_t used = 0;

	for (; *text && used < sizeof(slug) - 1; text++) {
		bool plain = isalnum((unsigned char)*text) || *text == '.' || *text == '_';

		if (used == 0 && !isalnum((unsigned char)*text))
			continue;
		if (!plain && (used == 0 || slug[used - 1] == '-'))
			continue;
		slug[used++] = *(plain ? text : "-");
	}
	while (used > 0 && slug[used - 1] == '-')
		used--;
	slug[used] = '\0';
	*out = bake_arena_text(&import->arena, used ? slug : "model");
	return *out ? BAKE_OK : bake_error_nomem(err);
}

const char *bake_import_category(struct bake_import *import, const char *dir)
{
	size_t len = strcspn(dir, "/");

	return len > 0 && len <= BAKE_NAME_MAX ? bake_arena_copy(&import->arena, dir, len) : NULL;
}

/* The first byte that is no blank. */
static uint8_t first_byte(struct bake_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isspace(text.ptr[i]))
			return text.ptr[i];
	}
	return 0;
}

/* aria2's lines begin with the URL, those of models.txt with the directory. */
static enum bake_import_format text_format(struct bake_span text)
{
	size_t at = 0;

	while (at < text.len) {
		const uint8_t *line = text.ptr + at;
		const uint8_t *end = memchr(line, '\n', text.len - at);
		size_t len = end ? (size_t)(end - line) : text.len - at;

		at += len + 1;
		if (len == 0 || line[0] == '#' || isspace(line[0]))
			continue;
		if (len > 8 &&
			(memcmp(line, "http://", 7) == 0 || memcmp(line, "https://", 8) == 0))
			return BAKE_IMPORT_ARIA2;
		return memmem(line, len, "://", 3) ? BAKE_IMPORT_MODELS_TXT : BAKE_IMPORT_AUTO;
	}
	return BAKE_IMPORT_AUTO;
}

static enum bake_status read_json(struct bake_import *import, struct bake_span text,
	const char *name, enum bake_import_format format, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	BAKE_TRY(bake_json_open_foreign(text, name, &doc, err));
	root = bake_json_root(doc);
	return bake_import_json(import, &root, format, err);
}

enum bake_status bake_import_read(struct bake_import *import, struct bake_span text,
	const char *name, enum bake_import_format format, struct bake_error *err)
{
	uint8_t first = first_byte(text);

	import->document = bake_arena_text(&import->arena, name);
	if (!import->document)
		return bake_error_nomem(err);
	if (format == BAKE_IMPORT_AUTO && first != '{' && first != '[')
		format = text_format(text);
	else if (format != BAKE_IMPORT_MODELS_TXT && format != BAKE_IMPORT_ARIA2)
		return read_json(import, text, name, format, err);
	if (format == BAKE_IMPORT_MODELS_TXT)
		return bake_import_models_txt(import, text, err);
	if (format == BAKE_IMPORT_ARIA2)
		return bake_import_aria2(import, text, err);
	bake_error_set(err, BAKE_ERR_DATA, "import.unknown", "%s: no list of models that is known",
		BAKE_SHOW(name));
	return bake_error_hint(err, "--format says what it is");
}

const struct bake_import_warning *bake_import_warnings(
	const struct bake_import *import, size_t *out_count)
{
	*out_count = import->warning_count;
	return import->warnings;
}

size_t bake_import_model_count(const struct bake_import *import)
{
	return import->count - bake_import_left_out(import);
}

size_t bake_import_left_out(const struct bake_import *import)
{
	size_t count = 0;

	for (size_t i = 0; i < import->count; i++)
		count += import->items[i].left_out;
	return count;
}
