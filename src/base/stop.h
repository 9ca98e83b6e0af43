/* SPDX-License-Identifier: Apache-2.0 */
/* The one process-wide flag: somebody asked us to stop. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdbool.h>

#include "base/error.h"

/* Catches SIGINT and SIGTERM once (a second one kills) and ignores SIGPIPE and SIGXFSZ. */
void bake_stop_install(void);

/* The signal that asked, 0 while nobody did. */
int bake_stop_signal(void);

/* The exit code for a status as a shell sees it: 130 or 143 after a signal. */
int bake_stop_exit_code(enum bake_status status);

/* BAKE_ERR_INTERRUPTED when somebody did. */
enum bake_status bake_stop_check(struct bake_error *err) BAKE_CHECKED;

#endif
