/* SPDX-License-Identifier: Apache-2.0 */
/* The menu: what its screens share. A screen is a function that returns when the user goes back. */
#ifndef BAKECLI_MENU_H
#define BAKECLI_MENU_H

#include "bakecli/queue.h"
#include "bakecli/tools.h"
#include "base/arena.h"
#include "tui/tui.h"

enum {
	MENU_INPUT_BYTES = 256,
	MENU_TICK_MS = 200,
	MENU_TOP = 2,	/* rows above a screen's own: the title and a line */
	MENU_BOTTOM = 3 /* below: a line, a message, the keys */
};

struct menu {
	struct bakecli_queue *queue;
	const struct bakecli_fetching *options;
	const char *lock; /* of -l; NULL: none */
	char message[240];
	bool bad; /* the message is a complaint */
	bool quit;
};

/* The frame around a screen. Rows MENU_TOP to menu_end() are the screen's. */
void menu_begin(const struct menu *menu, const char *title);
void menu_finish(const struct menu *menu, const char *keys);
int menu_end(void);

/* The next key, while the queue goes on. Asked to stop, it is the key that leads back, always. */
uint32_t menu_key(struct menu *menu);
bool menu_is_back(uint32_t key);

void menu_say(struct menu *menu, bool bad, const char *text);

/* Moves a selection of count lines by a key. False: it was another key. */
bool menu_move(uint32_t key, size_t count, size_t *at);

/* The first line shown, so that at is among those that fit. */
size_t menu_scroll(size_t at, size_t first, size_t fit);

/* A line that is typed. */
struct menu_input {
	char text[MENU_INPUT_BYTES];
	size_t len;
};

/* False: it was no key for a line. */
bool menu_input_key(struct menu_input *input, uint32_t key);
void menu_input_draw(int row, const char *prompt, const struct menu_input *input);

/* Asks for a line. False: the user went back. */
bool menu_ask(struct menu *menu, const char *title, const char *prompt, const char *help,
	struct menu_input *input);

/* Runs a program while the queue goes on. False: it could not be run, or the user went back;
 * *out_code is its exit code. */
bool menu_run(struct menu *menu, const char *title, struct bakecli_words *words,
	struct bake_buf *out, int *out_code);

/* A text to read. apply: a key for which true is returned; 0: none. */
bool menu_read(struct menu *menu, const char *title, const char *text, uint32_t apply,
	const char *apply_help);

/* In menu_list.c: models from a command of bake-catalog that prints JSON. typing: begin with the
 * filter. */
void menu_models(struct menu *menu, const char *title, struct bakecli_words *words, bool typing);

/* In menu_queue.c. */
void menu_queue(struct menu *menu);

/* bake on a terminal. */
enum bake_status bakecli_menu(const struct bakecli_fetching *options, const char *lock,
	struct bake_error *err) BAKE_CHECKED;

#endif
