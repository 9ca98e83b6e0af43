/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of models: all, found, recommended, or picked by typing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakecli/menu.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "json/json.h"

enum {
	JSON_BYTES_MAX = 64 * 1024 * 1024,
	TEXT_BYTES_MAX = 64 * 1024 * 1024,
	MODELS_MAX = 65536,
	SIZE_COLUMNS = 10,
	WIDE = 110 /* columns from which on a group is shown, too */
};

struct entry {
	const char *id;
	const char *title;
	const char *group;
	const char *note; /* why it is recommended, or what it is */
	const char *lock; /* "": it has no pins yet */
	uint64_t bytes;
	bool sized;
	bool installed;
	bool marked;
};

struct list {
	struct bake_arena arena;
	struct entry *entries;
	size_t count;
	size_t room;
	size_t *shown; /* those that the filter lets through */
	size_t shown_count;
	size_t at;
	size_t first;
	struct menu_input filter;
	bool typing;
};

static const char *text_of(struct list *list, const struct bake_json *object, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	const char *text = "";
	const char *copy;

	if (bake_json_find(object, key, &value) &&
		bake_json_string(&value, &text, &ignored) != BAKE_OK)
		text = "";
	copy = bake_arena_text(&list->arena, text);
	return copy ? copy : "";
}

static bool flag_of(const struct bake_json *object, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	bool flag = false;

	return bake_json_find(object, key, &value) &&
	       bake_json_bool(&value, &flag, &ignored) == BAKE_OK && flag;
}

static enum bake_status read_entry(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct list *list = out;
	struct bake_json bytes;
	struct entry *entry;
	const char *why;

	if (!bake_json_is_object(value) || list->count == MODELS_MAX)
		return BAKE_OK;
	if (!bake_grow((void **)&list->entries, &list->room, list->count + 1, sizeof(*entry)))
		return bake_error_nomem(err);
	entry = &list->entries[list->count];
	*entry = (struct entry){
		.id = text_of(list, value, "id"),
		.title = text_of(list, value, "title"),
		.group = text_of(list, value, "group"),
		.note = text_of(list, value, "description"),
		.lock = text_of(list, value, "lock_path"),
		.installed = strcmp(text_of(list, value, "status"), "installed") == 0,
		.marked = flag_of(value, "recommended") || flag_of(value, "default"),
	};
	why = text_of(list, value, "why");
	if (why[0]) {
		entry->note = why;
		entry->marked = strcmp(text_of(list, value, "verdict"), "in") == 0;
	}
	if (bake_json_find(value, "bytes", &bytes)) {
		entry->sized = true;
		BAKE_TRY(bake_json_u64(&bytes, INT64_MAX, &entry->bytes, err));
	}
	if (entry->id[0])
		list->count++;
	return BAKE_OK;
}

static enum bake_status parse(struct list *list, struct bake_span text, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;
	struct bake_json value;
	const char *message;

	BAKE_TRY(bake_json_open(text, "bake-catalog", &doc, err));
	root = bake_json_root(doc);
	if (bake_json_find(&root, "models", &value))
		return bake_json_each_element(&value, read_entry, list, err);
	if (!bake_json_find(&root, "message", &value))
		return bake_json_error(&root, "json.missing-field", err, "has no \"models\"");
	BAKE_TRY(bake_json_string(&value, &message, err));
	return bake_error_set(err, BAKE_ERR_NOINPUT, "bake.tool-failed", "%s", BAKE_SHOW(message));
}

/* The JSON document in what a program said: warnings may stand before and behind it. */
static struct bake_span document_in(const struct bake_buf *said)
{
	struct bake_span whole = bake_buf_span(said);
	const uint8_t *begin = whole.len ? memchr(whole.ptr, '{', whole.len) : NULL;
	const uint8_t *end = whole.len ? memrchr(whole.ptr, '}', whole.len) : NULL;

	if (!begin || !end || end < begin)
		return (struct bake_span){whole.ptr, 0};
	return (struct bake_span){begin, (size_t)(end - begin) + 1};
}

static bool load(
	struct menu *menu, const char *title, struct bakecli_words *words, struct list *list)
{
	_cleanup_(bake_buf_release) struct bake_buf said = BAKE_BUF_INIT(JSON_BYTES_MAX);
	struct bake_error error = BAKE_ERROR_INIT;
	int code;

	if (!menu_run(menu, title, words, &said, &code))
		return false;
	if (parse(list, document_in(&said), &error) == BAKE_OK)
		return true;
	menu_say(menu, true, error.message);
	return false;
}

static bool lets_through(const struct list *list, const struct entry *entry)
{
	const char *wanted = list->filter.text;

	return !wanted[0] || strcasestr(entry->id, wanted) || strcasestr(entry->title, wanted) ||
	       strcasestr(entry->group, wanted);
}

static void choose(struct list *list)
{
	list->shown_count = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (lets_through(list, &list->entries[i]))
			list->shown[list->shown_count++] = i;
	}
	if (list->at >= list->shown_count)
		list->at = list->shown_count ? list->shown_count - 1 : 0;
}

static void draw_entry(const struct entry *entry, int row, bool selected)
{
	enum bake_tui_style style = selected ? BAKE_TUI_SELECTED : BAKE_TUI_PLAIN;
	int columns = bake_tui_columns();
	int name = columns / 3;
	int group = columns >= WIDE ? 18 : 0;
	char size[BAKE_UNITS_TEXT];
	int title = columns - 6 - name - group - SIZE_COLUMNS;

	(void)bake_tui_put(row, 0, columns, style, true, "");
	(void)bake_tui_put(row, 1, 1, style, false, entry->installed ? "+" : " ");
	(void)bake_tui_put(row, 2, 1, style, false, entry->marked ? "*" : " ");
	(void)bake_tui_put(row, 4, name - 1, style, false, entry->id);
	(void)bake_tui_put(row, 4 + name, title - 1, style, false, entry->title);
	if (group)
		(void)bake_tui_put(row, 4 + name + title, group - 1, style, false, entry->group);
	(void)snprintf(size, sizeof(size), "%*s", SIZE_COLUMNS,
		entry->sized ? BAKE_BYTES(entry->bytes) : "?");
	(void)bake_tui_put(row, columns - 1 - SIZE_COLUMNS, SIZE_COLUMNS, style, false, size);
}

static void draw(struct menu *menu, struct list *list, const char *title)
{
	int top = MENU_TOP + (list->typing || list->filter.len ? 1 : 0);
	size_t fit = menu_end() > top ? (size_t)(menu_end() - top) : 1;

	menu_begin(menu, title);
	list->first = menu_scroll(list->at, list->first, fit);
	for (size_t i = list->first; i < list->shown_count && i < list->first + fit; i++)
		draw_entry(&list->entries[list->shown[i]], top + (int)(i - list->first),
			i == list->at);
	if (!list->shown_count)
		(void)bake_tui_put(top, 1, bake_tui_columns() - 2, BAKE_TUI_DIM, false,
			list->count ? "nothing of that name" : "there is nothing");
	if (!menu->message[0] && list->shown_count) {
		menu_say(menu, false, list->entries[list->shown[list->at]].note);
		menu_finish(
			menu, "Enter download   / filter   + installed   * recommended   q back");
		menu_say(menu, false, "");
	} else {
		menu_finish(
			menu, "Enter download   / filter   + installed   * recommended   q back");
	}
	if (list->typing || list->filter.len)
		menu_input_draw(MENU_TOP, "Filter: ", &list->filter);
	if (!list->typing)
		bake_tui_cursor(-1, 0);
}

static void download(struct menu *menu, const struct entry *entry)
{
	char text[BAKE_SHOWN_MAX + 64];

	if (!entry->lock[0])
		(void)snprintf(text, sizeof(text),
			"%s has no pins yet: bake lock its manifest first", BAKE_SHOW(entry->id));
	else if (menu->queue->taken)
		(void)snprintf(text, sizeof(text), "another menu has the queue");
	else if (bakecli_queue_add(menu->queue, entry->lock, entry->id, entry->bytes))
		(void)snprintf(text, sizeof(text), "%s is in the queue", BAKE_SHOW(entry->id));
	else
		(void)snprintf(text, sizeof(text), "the queue is full");
	menu_say(menu, !entry->lock[0] || menu->queue->taken, text);
}

/* False: back. */
static bool handle(struct menu *menu, struct list *list, uint32_t key)
{
	if (key == BAKE_TUI_NONE || key == BAKE_TUI_RESIZE)
		return true;
	menu_say(menu, false, "");
	if (menu_move(key, list->shown_count, &list->at))
		return true;
	if (key == BAKE_TUI_ENTER) {
		if (list->shown_count)
			download(menu, &list->entries[list->shown[list->at]]);
		return true;
	}
	if (key == BAKE_TUI_ESCAPE && list->filter.len) {
		list->filter = (struct menu_input){.len = 0};
		list->typing = false;
	} else if (key == BAKE_TUI_ESCAPE || (!list->typing && key == 'q')) {
		return false;
	} else if (list->typing) {
		(void)menu_input_key(&list->filter, key);
	} else if (key == '/') {
		list->typing = true;
	}
	choose(list);
	return true;
}

void menu_models(struct menu *menu, const char *title, struct bakecli_words *words, bool typing)
{
	struct list list = {.arena = {.max = TEXT_BYTES_MAX}, .typing = typing};

	if (load(menu, title, words, &list)) {
		list.shown = calloc(list.count + 1, sizeof(*list.shown));
		if (list.shown) {
			choose(&list);
			do {
				draw(menu, &list, title);
			} while (handle(menu, &list, menu_key(menu)) && !menu->quit);
			menu_say(menu, false, "");
		}
	}
	free(list.shown);
	free(list.entries);
	bake_arena_release(&list.arena);
}
