/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that are lines: models.txt, and input files of aria2c. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/importing.h"
#include "manifest/fields.h"

enum {
	LINE_MAX = 8192
};

/* A line without its end, in line; what cannot be one of ours is warned of and empty. */
static enum bake_status take_line(struct bake_import *import, struct bake_span *text,
	char line[LINE_MAX], struct bake_error *err)
{
	const uint8_t *end = memchr(text->ptr, '\n', text->len);
	size_t len = end ? (size_t)(end - text->ptr) : text->len;
	const char *bytes = (const char *)text->ptr;
	bool good = len < LINE_MAX && !memchr(bytes, '\0', len) && bake_utf8_valid(bytes, len);

	text->ptr += len + (end != NULL);
	text->len -= len + (end != NULL);
	line[0] = '\0';
	if (!good)
		return bake_import_warn(import, NULL, "import.entry", err,
			"a line is too long or no text: '%s'",
			BAKE_SHOW_SPAN(bytes, len < 40 ? len : 40));
	memcpy(line, bytes, len);
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	line[len] = '\0';
	return BAKE_OK;
}

/* The file's name, for messages and as title: without the query, where secrets are. */
static enum bake_status name_item(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	size_t len = strcspn(item->url, "?#");
	size_t begin = len;
	const char *name;

	while (begin > 0 && item->url[begin - 1] != '/' && item->url[begin - 1] != '@')
		begin--;
	name = bake_arena_copy(&import->arena, item->url + begin, len - begin);
	if (!name)
		return bake_error_nomem(err);
	BAKE_TRY(bake_import_clean(import, name, BAKE_NAME_MAX, &item->label, err));
	return BAKE_OK;
}

enum bake_status bake_import_models_txt(
	struct bake_import *import, struct bake_span text, struct bake_error *err)
{
	char line[LINE_MAX];

	while (text.len > 0) {
		struct bake_import_item item = {0};
		char *dir = line;
		char *url;

		BAKE_TRY(take_line(import, &text, line, err));
		dir += strspn(dir, " \t");
		if (!*dir || *dir == '#')
			continue;
		url = dir + strcspn(dir, " \t");
		if (!*url) {
			BAKE_TRY(bake_import_warn(import, NULL, "import.entry", err,
				"a line is no directory and URL: '%s'", BAKE_SHOW(dir)));
			continue;
		}
		*url++ = '\0';
		url += strspn(url, " \t");
		url[strcspn(url, " \t")] = '\0';
		BAKE_TRY(bake_import_clean(import, dir, 4095, &item.dir, err));
		BAKE_TRY(bake_import_clean(import, url, BAKE_URL_MAX, &item.url, err));
		if (!item.dir || !item.url)
			continue;
		item.category = bake_import_category(import, item.dir);
		BAKE_TRY(name_item(import, &item, err));
		BAKE_TRY(bake_import_add(import, &item, err));
	}
	return BAKE_OK;
}

/* An option of the entry before it. What decides neither bytes nor place is nothing to us. */
static enum bake_status take_option(struct bake_import *import, struct bake_import_item *item,
	char *line, struct bake_error *err)
{
	char *value = strchr(line, '=');

	if (!value)
		return BAKE_OK;
	*value++ = '\0';
	if (strcmp(line, "out") == 0)
		return bake_import_clean(import, value, 4095, &item->file_name, err);
	if (strcmp(line, "dir") == 0)
		return bake_import_clean(import, value, 4095, &item->dir, err);
	if (strcmp(line, "header") == 0 && strncasecmp(value, "authorization", 13) == 0)
		return bake_import_warn(import, item->label, "import.secret", err,
			"a token in a header is not taken over; bake-fetch has --token-file");
	if (strcmp(line, "checksum") != 0)
		return BAKE_OK;
	if (strncasecmp(value, "sha-256=", 8) == 0)
		return bake_import_clean(import, value + 8, 256, &item->sha256, err);
	return bake_import_warn(import, item->label, "import.digest", err,
		"a checksum '%s' is not taken over: only SHA-256 is a pin", BAKE_SHOW(value));
}

/* The first URL; the others are the same file elsewhere, and not lost without a word. */
static enum bake_status begin_entry(struct bake_import *import, struct bake_import_item *item,
	char *line, struct bake_error *err)
{
	char *more = strchr(line, '\t');

	*item = (struct bake_import_item){0};
	if (more)
		*more = '\0';
	BAKE_TRY(bake_import_clean(import, line, BAKE_URL_MAX, &item->url, err));
	if (!item->url)
		return BAKE_OK;
	BAKE_TRY(name_item(import, item, err));
	if (more)
		return bake_import_warn(import, item->label, "import.mirror", err,
			"only the first of its URLs is taken over");
	return BAKE_OK;
}

static enum bake_status end_entry(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	if (!item->url)
		return BAKE_OK;
	BAKE_TRY(bake_import_add(import, item, err));
	*item = (struct bake_import_item){0};
	return BAKE_OK;
}

enum bake_status bake_import_aria2(
	struct bake_import *import, struct bake_span text, struct bake_error *err)
{
	struct bake_import_item item = {0};
	char line[LINE_MAX];

	while (text.len > 0) {
		BAKE_TRY(take_line(import, &text, line, err));
		if (!line[0] || line[0] == '#')
			continue;
		if (isspace((unsigned char)line[0])) {
			if (item.url)
				BAKE_TRY(take_option(
					import, &item, line + strspn(line, " \t"), err));
			continue;
		}
		BAKE_TRY(end_entry(import, &item, err));
		BAKE_TRY(begin_entry(import, &item, line, err));
	}
	return end_entry(import, &item, err);
}
