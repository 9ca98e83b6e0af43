/* SPDX-License-Identifier: Apache-2.0 */
/* With --json, standard output is one JSON document, whatever happens: the command's own report, or,
 * when it makes none, how it ended. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "json/writer.h"

/* Whether these words ask for --json: for a line that cannot be parsed. */
bool cli_asks_json(int argc, char **argv);

/* Says whether --json was given. Until then it was not. */
void cli_expect_json(bool wanted);

/* Prints a finished document; cli_end will add none. */
void cli_print_json(const struct bake_buf *text);

/* Standard output has its document, printed otherwise. */
void cli_json_printed(void);

/*
 * The members that every report begins with: "ok", and of a failure "error", "message", "hint" and
 * "exit_code". A success is an error that is not set.
 */
void cli_put_outcome(struct bake_json_writer *writer, const struct bake_error *err);

/* For cli_end: the outcome alone, when --json was given and nothing was printed. */
void cli_print_outcome(const struct bake_error *err);

#endif
