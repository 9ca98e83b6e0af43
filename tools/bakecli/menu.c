/* SPDX-License-Identifier: Apache-2.0 */
/* The menu's first screen, and those that are short. */
#include "bakecli/menu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "cli/main.h"

enum {
	TEXT_BYTES_MAX = 8 * 1024 * 1024
};

static void add_catalog(struct bakecli_words *words, const struct menu *menu, const char *command)
{
	bakecli_add(words, "bake-catalog");
	bakecli_add(words, command);
	if (menu->options->models_dir) {
		bakecli_add(words, "--models");
		bakecli_add(words, menu->options->models_dir);
	}
	if (menu->lock && strcmp(command, "history") != 0 && strcmp(command, "storage") != 0) {
		bakecli_add(words, "--lock");
		bakecli_add(words, menu->lock);
	}
}

static void show_models(struct menu *menu, const char *title, const char *command, bool typing)
{
	struct bakecli_words words = {.count = 0};

	add_catalog(&words, menu, command);
	bakecli_add(&words, "--json");
	menu_models(menu, title, &words, typing);
}

static void search(struct menu *menu)
{
	struct menu_input input = {.len = 0};

	while (menu_ask(menu, "Search models",
		"Search: ", "By name, abbreviation or use: sdxl base, qwen vl, upscaler", &input)) {
		struct bakecli_words words = {.count = 0};

		add_catalog(&words, menu, "search");
		bakecli_add(&words, "--json");
		bakecli_add(&words, "--");
		bakecli_add(&words, input.text);
		menu_models(menu, "Search models", &words, false);
		if (menu->quit)
			return;
	}
}

static void list(struct menu *menu)
{
	show_models(menu, "All models", "list", false);
}

static void recommend(struct menu *menu)
{
	show_models(menu, "Recommendations", "recommend", false);
}

static void download(struct menu *menu)
{
	show_models(menu, "Download a model", "list", true);
}

/* A program's words, to read. */
static bool show_text(struct menu *menu, const char *title, struct bakecli_words *words,
	uint32_t apply, const char *apply_help)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TEXT_BYTES_MAX);
	int code;

	if (!menu_run(menu, title, words, &text, &code))
		return false;
	return menu_read(menu, title, text.len ? text.ptr : "there is nothing",
		code == 0 ? apply : 0, code == 0 ? apply_help : "");
}

static void storage(struct menu *menu)
{
	struct bakecli_words words = {.count = 0};

	add_catalog(&words, menu, "storage");
	(void)show_text(menu, "Storage", &words, 0, "");
}

static void history(struct menu *menu)
{
	struct bakecli_words words = {.count = 0};

	bakecli_add(&words, "bake-catalog");
	bakecli_add(&words, "history");
	(void)show_text(menu, "Download history", &words, 0, "");
}

static void add_link(
	struct bakecli_words *words, const struct menu *menu, const char *to, bool apply)
{
	bakecli_add(words, "bake-link");
	bakecli_add(words, "--to");
	bakecli_add(words, to);
	if (menu->options->models_dir) {
		bakecli_add(words, "--models");
		bakecli_add(words, menu->options->models_dir);
	}
	if (!apply)
		bakecli_add(words, "--dry-run");
}

static void links(struct menu *menu)
{
	struct menu_input input = {.len = 0};

	while (menu_ask(menu, "Links", "ComfyUI is in: ",
		"Links to the models are made below it; first you see what would be done.",
		&input)) {
		struct bakecli_words plan = {.count = 0};
		struct bakecli_words words = {.count = 0};

		add_link(&plan, menu, input.text, false);
		if (show_text(menu, "Links: what would be done", &plan, 'a', "a make the links")) {
			add_link(&words, menu, input.text, true);
			(void)show_text(menu, "Links: what was done", &words, 0, "");
		}
		if (menu->quit)
			return;
	}
}

static const struct {
	const char *text;
	void (*show)(struct menu *menu); /* NULL: exit */
} choices[] = {
	{"Search models", search},
	{"List all models", list},
	{"Check storage", storage},
	{"Get recommendations", recommend},
	{"Download a model", download},
	{"Download queue", menu_queue},
	{"Create links", links},
	{"Download history", history},
	{"Exit", NULL},
};

static void draw(const struct menu *menu, size_t at)
{
	menu_begin(menu, "models for images and servers");
	for (size_t i = 0; i < countof(choices); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), " %zu  %s", i + 1, choices[i].text);
		(void)bake_tui_put(MENU_TOP + 1 + (int)i, 1, 40,
			i == at ? BAKE_TUI_SELECTED : BAKE_TUI_PLAIN, true, text);
	}
	menu_finish(menu, "Up/Down, Enter or 1-9 choose   q leave");
}

static void run(struct menu *menu)
{
	size_t at = 0;

	while (!menu->quit) {
		uint32_t key;
		bool chosen;

		draw(menu, at);
		key = menu_key(menu);
		if (menu_is_back(key))
			return;
		chosen = key == BAKE_TUI_ENTER || (key >= '1' && key <= '9');
		if (key >= '1' && key <= '9')
			at = key - '1';
		if (key != BAKE_TUI_NONE && key != BAKE_TUI_RESIZE)
			menu_say(menu, false, "");
		if (!chosen)
			(void)menu_move(key, countof(choices), &at);
		else if (choices[at].show)
			choices[at].show(menu);
		else
			return;
	}
}

static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return !(no_colour && no_colour[0]);
}

/* What is left undone is told where the menu was. */
static void say_rest(size_t rest, const struct bakecli_queue *queue)
{
	char text[120];

	if (!rest || queue->taken)
		return;
	(void)snprintf(
		text, sizeof(text), "%zu downloads are in the queue; bake goes on with them", rest);
	cli_note(BAKECLI_TOOL, text);
}

enum bake_status bakecli_menu(
	const struct bakecli_fetching *options, const char *lock, struct bake_error *err)
{
	_cleanup_free_ struct bakecli_queue *queue = calloc(1, sizeof(*queue));
	struct bake_error error = BAKE_ERROR_INIT;
	struct menu menu = {.queue = queue, .options = options, .lock = lock};
	size_t rest;

	if (!queue)
		return bake_error_nomem(err);
	BAKE_TRY(bake_tui_open(wants_colour(), err));
	if (bakecli_queue_open(queue, options, &error) != BAKE_OK)
		menu_say(&menu, true, error.message);
	else if (!queue->dir)
		menu_say(&menu, false, "the queue is not kept: $BAKE_STATE_DIR says where");
	run(&menu);
	bake_tui_close();
	rest = bakecli_queue_count(queue, BAKECLI_WAITING) +
	       bakecli_queue_count(queue, BAKECLI_RUNNING);
	bakecli_queue_close(queue);
	say_rest(rest, queue);
	return bake_stop_check(err);
}
