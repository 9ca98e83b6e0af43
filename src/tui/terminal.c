/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from tui.c, because term.h makes macros of ordinary words. */
#include "tui/terminal.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "base/text.h"

enum bake_status bake_tui_refuse(const char *why, struct bake_error *err)
{
	const char *term = getenv("TERM");

	bake_error_set(err, BAKE_ERR_CONFIG, "menu.terminal",
		"no menu on this terminal (TERM=%s): %s", BAKE_SHOW(term ? term : ""), why);
	return bake_error_hint(err, "bake list, bake search and bake download work everywhere");
}

/* Asked before newterm, which forgets memory when it fails. */
enum bake_status bake_tui_check_terminal(struct bake_error *err)
{
	bool movable;
	int why;

	if (setupterm(NULL, STDOUT_FILENO, &why) != OK)
		return bake_tui_refuse("nothing here describes it (terminfo)", err);
	movable = tigetstr("cup") != NULL;
	(void)del_curterm(cur_term);
	return movable ? BAKE_OK : bake_tui_refuse("it has no cursor that can be moved", err);
}
